// SPDX-License-Identifier: GPL-3.0-or-later
// A path of ours with its query and hash, or '/': where a login may lead.
// Whatever a browser would take for another origin ('//host', '/\host', a
// scheme) is refused, before and after it is put in normal form.
export function safePath(next: string | null, origin: string): string {
	if (!next?.startsWith('/') || /^\/[/\\]/.test(next))
		return '/';
	const url = new URL(next, origin);
	if (url.origin !== origin || /^\/[/\\]/.test(url.pathname) || url.pathname === '/login')
		return '/';
	return url.pathname + url.search + url.hash;
}
