// SPDX-License-Identifier: GPL-3.0-or-later
// Which numbers a pager shows: both ends, and what is around page.
export function shownPages(page: number, pages: number): number[] {
	const around = [1, 2, page - 1, page, page + 1, pages - 1, pages];
	if (page < 3)
		around.push(3);
	const shown = new Set(around.filter((n) => n >= 1 && n <= pages));
	return [...shown].sort((a, b) => a - b);
}
