// SPDX-License-Identifier: GPL-3.0-or-later
// Light or dark: as the system is, until the person says otherwise. <html>
// always has the one in use as data-theme.
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const KEY = 'ironbench-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const watchers = new Set<() => void>();

function chosen(): Theme | null {
	try {
		const kept = localStorage.getItem(KEY);
		return kept === 'light' || kept === 'dark' ? kept : null;
	} catch {
		return null; // storage is refused: the choice lives as long as the document
	}
}

let choice = chosen();

export function theme(): Theme {
	return choice ?? (system.matches ? 'dark' : 'light');
}

export function applyTheme(): void {
	document.documentElement.dataset['theme'] = theme();
	for (const w of [...watchers])
		w();
}

system.addEventListener('change', applyTheme);

export function toggleTheme(): void {
	choice = theme() === 'dark' ? 'light' : 'dark';
	try {
		localStorage.setItem(KEY, choice);
	} catch {
		// see chosen()
	}
	applyTheme();
}

// For what is drawn on a canvas: colours are read again when it changes.
export function useTheme(): Theme {
	const [now, set] = useState(theme);
	useEffect(() => {
		const watch = (): void => set(theme());
		watchers.add(watch);
		return () => {
			watchers.delete(watch);
		};
	}, []);
	return now;
}

// The value of a variable of style.css in use now: color('ok').
export function color(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
