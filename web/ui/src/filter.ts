// SPDX-License-Identifier: GPL-3.0-or-later
// The filter of the index: name like "PATTERN", or just words of the name.

export type Filter =
	| { pattern: string | null } // null: everything
	| { error: string; at: number }; // at: which character, from 0

interface Token {
	kind: 'word' | 'text' | 'other';
	text: string; // of a text: without quotes and escapes
	at: number;
}

export const ALLOWED = 'name like "PATTERN", where % is any text and _ any character';

// A text ends with its quote; \" and \\ stand for themselves.
function readText(input: string, at: number): { token: Token; end: number } | null {
	let text = '';
	for (let i = at + 1; i < input.length; i++) {
		const c = input[i];
		if (c === '"')
			return { token: { kind: 'text', text, at }, end: i + 1 };
		if (c === '\\' && (input[i + 1] === '"' || input[i + 1] === '\\'))
			i++;
		text += input[i];
	}
	return null;
}

function tokens(input: string): Token[] | { error: string; at: number } {
	const list: Token[] = [];
	let at = 0;
	while (at < input.length) {
		const rest = input.slice(at);
		const space = /^\s+/.exec(rest);
		if (space) {
			at += space[0].length;
			continue;
		}
		if (rest[0] === '"') {
			const read = readText(input, at);
			if (!read)
				return { error: 'this text has no closing "', at };
			list.push(read.token);
			at = read.end;
			continue;
		}
		const word = /^[^\s"=<>!~]+|^[=<>!~]+/.exec(rest)?.[0] ?? rest;
		list.push({ kind: /^[=<>!~]/.test(word) ? 'other' : 'word', text: word, at });
		at += word.length;
	}
	return list;
}

function isWords(list: Token[]): boolean {
	return list.every((t) => t.kind === 'word') && list[1]?.text.toLowerCase() !== 'like' &&
		!(list.length > 1 && list[0]?.text.toLowerCase() === 'name');
}

export function parseFilter(input: string): Filter {
	const list = tokens(input);
	if (!Array.isArray(list))
		return list;
	const [field, verb, text, more] = list;
	if (!field)
		return { pattern: null };
	if (isWords(list))
		return { pattern: `%${input.trim()}%` };
	if (field.kind !== 'word' || field.text.toLowerCase() !== 'name')
		return { error: `"${field.text}" cannot be filtered by; only name can`, at: field.at };
	const end = input.trimEnd().length;
	if (!verb)
		return { error: 'like "PATTERN" is missing', at: end };
	if (verb.kind !== 'word' || verb.text.toLowerCase() !== 'like')
		return { error: `like is expected here, not ${verb.text}`, at: verb.at };
	if (!text)
		return { error: 'the pattern is missing, in double quotes', at: end };
	if (text.kind !== 'text')
		return { error: `the pattern needs double quotes: "${text.text}"`, at: text.at };
	if (more)
		return { error: `nothing may follow the pattern, but ${more.text} does`, at: more.at };
	return { pattern: text.text };
}
