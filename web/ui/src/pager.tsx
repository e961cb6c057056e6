// SPDX-License-Identifier: GPL-3.0-or-later
// Previous 1 2 3 … 982 983 Next
import { Fragment, type JSX } from 'preact';
import { count } from './format';
import { withQuery } from './router';
import { shownPages } from './shown_pages';

function Step({ to, pages, children }: {
	to: number;
	pages: number;
	children: string;
}): JSX.Element {
	if (to < 1 || to > pages)
		return <span class="off" aria-disabled="true">{children}</span>;
	return (
		<a href={withQuery({ page: to === 1 ? null : to })} rel={to === 1 ? undefined : children}>
			{children}
		</a>
	);
}

export function Pager({ page, pages }: { page: number; pages: number }): JSX.Element | null {
	if (pages < 2)
		return null;
	const shown = shownPages(page, pages);
	return (
		<nav class="pager" aria-label="Pages of the list">
			<Step to={page - 1} pages={pages}>Previous</Step>
			{shown.map((n, i) => (
				<Fragment key={n}>
					{n - (shown[i - 1] ?? 0) > 1 && <span class="gap">…</span>}
					<a href={withQuery({ page: n === 1 ? null : n })}
						{...(n === page ? { 'aria-current': 'page' } : {})}>{count(n)}</a>
				</Fragment>
			))}
			<Step to={page + 1} pages={pages}>Next</Step>
		</nav>
	);
}
