// SPDX-License-Identifier: GPL-3.0-or-later
// The keyboard: single keys and two-key sequences, the same on every page.
import { useEffect, useRef } from 'preact/hooks';

export interface Binding {
	keys: string; // 'j', '?', 'Enter', or a sequence: 'g i'
	about: string; // for the help
	act: () => void;
}

// What is bound by the page comes before what is bound everywhere.
export type Level = 'everywhere' | 'page';

interface Layer {
	level: Level;
	list: Binding[];
}

const SEQUENCE_MS = 1500;
const layers: Layer[] = [];
let first = ''; // of a sequence
let firstAt = 0;

// What is bound now, what counts first at the beginning.
export function bindings(): Binding[] {
	const of = (level: Level): Binding[] =>
		layers.filter((l) => l.level === level).flatMap((l) => l.list);
	return [...of('page'), ...of('everywhere')];
}

function isTyping(e: KeyboardEvent): boolean {
	const t = e.target as HTMLElement | null;
	return !!t && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName));
}

addEventListener('keydown', (e) => {
	if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || isTyping(e))
		return;
	// A dialog has the keyboard to itself.
	if (document.querySelector('dialog[open]'))
		return;
	// Enter and Space on what has the focus are its own.
	const focused = document.activeElement;
	if ((e.key === 'Enter' || e.key === ' ') && focused && focused !== document.body)
		return;
	const pair = e.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${e.key}` : '';
	first = '';
	const all = bindings();
	const found = all.find((b) => b.keys === pair) ?? all.find((b) => b.keys === e.key);
	if (found) {
		e.preventDefault();
		found.act();
	} else if (all.some((b) => b.keys.startsWith(`${e.key} `))) {
		first = e.key;
		firstAt = e.timeStamp;
	}
});

// Binds while the component is there.
export function useKeys(list: Binding[], level: Level = 'page'): void {
	const layer = useRef<Layer>({ level, list });
	layer.current.list = list;
	useEffect(() => {
		const mine = layer.current;
		layers.unshift(mine);
		return () => {
			layers.splice(layers.indexOf(mine), 1);
		};
	}, []);
}
