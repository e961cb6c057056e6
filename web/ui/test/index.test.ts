// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter } from '../src/filter';

function pattern(input: string): string | null {
	const f = parseFilter(input);
	assert.ok('pattern' in f, JSON.stringify(f));
	return f.pattern;
}

function refused(input: string): string {
	const f = parseFilter(input);
	assert.ok('error' in f, JSON.stringify(f));
	return `${f.at} ${f.error}`;
}

test('nothing filters nothing', () => {
	assert.equal(pattern(''), null);
	assert.equal(pattern('  '), null);
});

test('name like takes the pattern between its quotes', () => {
	assert.equal(pattern('name like "fsmaster%"'), 'fsmaster%');
	assert.equal(pattern('  NAME  LIKE"a b" '), 'a b');
	assert.equal(pattern('name like ""'), '');
	assert.equal(pattern('name like "say \\"x\\" \\\\ y"'), 'say "x" \\ y');
});

test('words are looked for anywhere', () => {
	assert.equal(pattern('nightly'), '%nightly%');
	assert.equal(pattern(' master: develop '), '%master: develop%');
	assert.equal(pattern('name'), '%name%');
});

test('what is wrong is said with its place', () => {
	assert.match(refused('name like fsmaster%'), /^10 .*double quotes: "fsmaster%"/);
	assert.match(refused('name like "fsm'), /^10 .*no closing/);
	assert.match(refused('name = "x"'), /^5 like is expected here, not =/);
	assert.match(refused('user like "x"'), /^0 "user" cannot/);
	assert.match(refused('name like'), /^9 the pattern is missing/);
	assert.match(refused('name like "x" and'), /^14 nothing may follow/);
	assert.match(refused('"x"'), /^0 "x" cannot/);
});
