// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses are the state of a page: every view can be mailed.
import { useEffect, useState } from 'preact/hooks';

export interface Address {
	path: string;
	query: URLSearchParams;
	hash: string; // without '#'
}

export function here(): Address {
	return {
		path: location.pathname,
		query: new URLSearchParams(location.search),
		hash: location.hash.slice(1),
	};
}

const watchers = new Set<() => void>();

function changed(): void {
	for (const w of [...watchers])
		w();
}

addEventListener('popstate', changed);
addEventListener('hashchange', changed);

// Goes to another address of ours; replace: Back does not return here.
export function go(to: string, replace = false): void {
	if (replace)
		history.replaceState(null, '', to);
	else
		history.pushState(null, '', to);
	changed();
	if (!replace)
		scrollTo(0, 0);
}

// The same page with other query parameters; null or '' takes one away.
export function withQuery(change: Record<string, string | number | null>): string {
	const q = new URLSearchParams(location.search);
	for (const [key, value] of Object.entries(change)) {
		if (value === null || value === '')
			q.delete(key);
		else
			q.set(key, String(value));
	}
	const text = q.toString();
	return location.pathname + (text ? `?${text}` : '');
}

export function useAddress(): Address {
	const [address, set] = useState(here);
	useEffect(() => {
		const update = (): void => set(here());
		watchers.add(update);
		return () => {
			watchers.delete(update);
		};
	}, []);
	return address;
}

// Links are plain <a href>: a click on one of ours changes the address without
// loading the document again; with a modifier key it stays the browser's.
export function onLinkClick(e: MouseEvent): void {
	if (e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey)
		return;
	const a = (e.target as Element | null)?.closest?.('a');
	if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin)
		return;
	if (a.pathname.startsWith('/api/') || a.pathname === '/health')
		return;
	e.preventDefault();
	if (a.pathname === location.pathname && a.search === location.search && a.hash)
		go(a.href, true);
	else
		go(a.href);
}
