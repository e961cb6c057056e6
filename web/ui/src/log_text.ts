// SPDX-License-Identifier: GPL-3.0-or-later
// What a machine printed, made safe and readable: escape sequences become
// colours or nothing, control characters become visible, and what is not UTF-8
// becomes replacement characters. Lines are taken one by one: a colour does not
// reach into the next one.

export interface Span {
	text: string;
	style: string; // CSS classes, '' for none
}

const ESCAPE = /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])/g;
// C0 and C1 without tab; and the marks that change the direction of
// what follows: a log must not be able to show lines that it does not have.
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const TAB_COLUMNS = 8;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function visible(c: string): string {
	const code = c.charCodeAt(0);
	if (code < 0x80)
		return `^${String.fromCharCode(code ^ 0x40)}`;
	return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

interface Look {
	bold: boolean;
	dim: boolean;
	color: number; // 0-15, -1: none
}

function sgr(look: Look, parameters: string): void {
	const numbers = parameters.split(/[;:]/).map(Number);
	for (let i = 0; i < numbers.length; i++) {
		const n = numbers[i] as number;
		if (n === 0) {
			look.bold = look.dim = false;
			look.color = -1;
		} else if (n === 1) {
			look.bold = true;
		} else if (n === 2) {
			look.dim = true;
		} else if (n === 22) {
			look.bold = look.dim = false;
		} else if (n >= 30 && n <= 37) {
			look.color = n - 30;
		} else if (n >= 90 && n <= 97) {
			look.color = n - 90 + 8;
		} else if (n === 39) {
			look.color = -1;
		} else if (n === 38 || n === 48) {
			// 256 colours and RGB: the parameters belong to it
			i += numbers[i + 1] === 5 ? 2 : 4;
		}
	}
}

function style(look: Look): string {
	const classes = [];
	if (look.color >= 0)
		classes.push(`ansi${look.color % 8}`);
	if (look.bold || look.color >= 8)
		classes.push('ansi-bold');
	if (look.dim)
		classes.push('ansi-dim');
	return classes.join(' ');
}

function expandTabs(text: string, column: number): string {
	if (!text.includes('\t'))
		return text;
	let out = '';
	for (const part of text.split(/(\t)/)) {
		const at = column + out.length;
		out += part === '\t' ? ' '.repeat(TAB_COLUMNS - at % TAB_COLUMNS) : part;
	}
	return out;
}

// The spans of one line, without its line break.
export function spans(bytes: Uint8Array): Span[] {
	const text = decoder.decode(bytes);
	const look: Look = { bold: false, dim: false, color: -1 };
	const out: Span[] = [];
	let column = 0;
	let at = 0;
	const put = (safe: string, classes: string): void => {
		column += safe.length;
		if (safe)
			out.push({ text: safe, style: classes });
	};
	const add = (raw: string): void => {
		let from = 0;
		for (const m of raw.matchAll(UNSAFE)) {
			put(expandTabs(raw.slice(from, m.index), column), style(look));
			put(visible(m[0]), 'control');
			from = m.index + m[0].length;
		}
		put(expandTabs(raw.slice(from), column), style(look));
	};
	ESCAPE.lastIndex = 0;
	for (let m = ESCAPE.exec(text); m; m = ESCAPE.exec(text)) {
		add(text.slice(at, m.index));
		at = m.index + m[0].length;
		if (m[2] === 'm')
			sgr(look, m[1] ?? '');
	}
	add(text.slice(at));
	return out;
}

// The same as one string.
export function plain(bytes: Uint8Array): string {
	return spans(bytes).map((s) => s.text).join('');
}
