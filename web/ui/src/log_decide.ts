// SPDX-License-Identifier: GPL-3.0-or-later
// Which lines of a console decided the verdict: what one wants to see first.
import type { Case, Outcome } from './api';
import type { LogStore } from './log_store';
import { plain } from './log_text';

const LINE_BYTES = 4096;
const BACK_LINES = 60; // an assertion stands shortly before its verdict
const MOST = 1000;

function textOf(store: LogStore, line: number): string {
	return plain(store.line(line, LINE_BYTES).bytes);
}

// The last line before from that has the text; -1: none of them.
function lookBack(store: LogStore, from: number, lines: number, text: string): number {
	for (let i = from; i >= 0 && i > from - lines; i--) {
		if (textOf(store, i).includes(text))
			return i;
	}
	return -1;
}

// The lines of one failed case: its assertion, if it printed one, and the line
// that says that it failed.
function linesOfCase(store: LogStore, c: Case): number[] {
	const line = store.lineOfOffset(c.offset);
	if (line < 0)
		return [];
	const assertion = c.text ? lookBack(store, line - 1, BACK_LINES, c.text) : -1;
	return assertion < 0 ? [line] : [assertion, line];
}

export interface Verdict {
	outcome: Outcome;
	evidence: string | null;
	cases: readonly Case[]; // of this attempt
	complete: boolean; // no more of the console will come
}

// Ascending, from 0; empty if nothing was decided, or the line is not here yet.
export function decidingLines(store: LogStore, v: Verdict): number[] {
	if (v.outcome !== 'fail' && v.outcome !== 'error' && v.outcome !== 'timeout')
		return [];
	const failed = v.cases.filter((c) => c.result === 'fail').slice(0, MOST);
	if (failed.length)
		return [...new Set(failed.flatMap((c) => linesOfCase(store, c)))].sort((a, b) => a - b);
	if (!v.complete)
		return [];
	// What was said of it may stand in the log: "panic: TEXT".
	const quoted = /^panic: (.{8,})$/.exec(v.evidence ?? '')?.[1];
	const found = quoted ? lookBack(store, store.lines - 1, BACK_LINES, quoted) : -1;
	if (found >= 0)
		return [found];
	for (let i = store.lines - 1; i >= 0; i--) {
		if (textOf(store, i).trim())
			return [i];
	}
	return [];
}
