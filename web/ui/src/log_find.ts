// SPDX-License-Identifier: GPL-3.0-or-later
// Finding text in a console: lines in order, a slice at a time, so that a log of
// any size leaves the page alive. Small letters in what is asked for mean both.
import type { LogStore } from './log_store';

const LOWER = new Uint8Array(256).map((_, i) => (i >= 65 && i <= 90 ? i + 32 : i));

export class LogFind {
	readonly hits: number[] = []; // lines, ascending
	private needle: Uint8Array;
	private fold: boolean;
	private line = 0; // the next to look at

	constructor(private store: LogStore, text: string) {
		this.needle = new TextEncoder().encode(text);
		this.fold = text === text.toLowerCase();
	}

	// Looks at about maxBytes more; true: there may be more to look at.
	step(maxBytes: number): boolean {
		const { store } = this;
		// The last line may not be complete: it is looked at again.
		if (this.hits[this.hits.length - 1] === this.line)
			this.hits.pop();
		const until = store.start(this.line) + maxBytes;
		while (this.line < store.lines) {
			if (this.matches(this.line))
				this.hits.push(this.line);
			if (this.line === store.lines - 1)
				return false;
			this.line++;
			if (store.start(this.line) >= until)
				return true;
		}
		return false;
	}

	private matches(i: number): boolean {
		const { needle, store, fold } = this;
		const end = store.lineEnd(i) - needle.length;
		if (!needle.length)
			return false;
		for (let at = store.start(i); at <= end; at++) {
			let k = 0;
			while (k < needle.length) {
				const byte = store.byte(at + k);
				if ((fold ? LOWER[byte] : byte) !== needle[k])
					break;
				k++;
			}
			if (k === needle.length)
				return true;
		}
		return false;
	}
}

// The place in hits of the first line at or behind line; at the end, the first.
export function nextHit(hits: readonly number[], line: number): number {
	const found = hits.findIndex((h) => h >= line);
	return found < 0 ? 0 : found;
}

// Where text stands in a line, by the same rule as LogFind: [from, to) pairs.
export function ranges(line: string, text: string): [number, number][] {
	const out: [number, number][] = [];
	if (!text)
		return out;
	const hay = text === text.toLowerCase() ? line.toLowerCase() : line;
	if (hay.length !== line.length) // some letter has a longer small form
		return out;
	for (let at = hay.indexOf(text); at >= 0; at = hay.indexOf(text, at + text.length))
		out.push([at, at + text.length]);
	return out;
}
