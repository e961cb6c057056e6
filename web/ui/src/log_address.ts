// SPDX-License-Identifier: GPL-3.0-or-later
// Which lines an address means: #L214, #L214-L220, and #B4711 for the line with
// the byte at an offset; lines count from 1 there.

export interface Lines {
	from: number; // the first is 1
	to: number;
}

export type Target = { lines: Lines } | { offset: number } | null;

export function readTarget(hash: string): Target {
	const lines = /^L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash);
	if (lines) {
		const a = Number(lines[1]);
		const b = lines[2] === undefined ? a : Number(lines[2]);
		return a && b ? { lines: { from: Math.min(a, b), to: Math.max(a, b) } } : null;
	}
	const offset = /^B(\d{1,15})$/.exec(hash);
	return offset ? { offset: Number(offset[1]) } : null;
}

export function writeTarget(lines: Lines): string {
	return lines.from === lines.to ? `L${lines.from}` : `L${lines.from}-L${lines.to}`;
}

// A click with the shift key: from the end that is farther away to here.
export function extend(lines: Lines | null, line: number): Lines {
	if (!lines)
		return { from: line, to: line };
	if (line < lines.from)
		return { from: line, to: lines.to };
	return { from: lines.from, to: line };
}
