// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain, spans } from '../src/log_text';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const shown = (text: string): string => plain(encode(text));

test('plain text is one span', () => {
	assert.deepEqual(spans(encode('hello')), [{ text: 'hello', style: '' }]);
	assert.deepEqual(spans(encode('')), []);
});

test('colours become classes and end where they end', () => {
	assert.deepEqual(spans(encode('a\x1b[1;31mb\x1b[0mc\x1b[92md\x1b[39;22me')), [
		{ text: 'a', style: '' },
		{ text: 'b', style: 'ansi1 ansi-bold' },
		{ text: 'c', style: '' },
		{ text: 'd', style: 'ansi2 ansi-bold' },
		{ text: 'e', style: '' },
	]);
});

test('an empty colour sequence resets', () => {
	assert.deepEqual(spans(encode('\x1b[31ma\x1b[mb')).map((s) => s.style), ['ansi1', '']);
});

test('256 colours and RGB are skipped with their parameters', () => {
	assert.deepEqual(spans(encode('\x1b[38;5;31;1ma\x1b[0;48;2;31;32;33mb')),
		[{ text: 'a', style: 'ansi-bold' }, { text: 'b', style: '' }]);
});

test('sequences that move or clear leave nothing', () => {
	assert.equal(shown('a\x1b[2J\x1b[10;20Hb\x1b[?25lc\x1b(Bd\x1b]0;title\x07e\x1b]0;t\x1b\\f\x1bMg'), 'abcdefg');
});

test('control characters are visible and marked', () => {
	assert.deepEqual(spans(encode('a\x07\x00b')), [
		{ text: 'a', style: '' }, { text: '^G', style: 'control' },
		{ text: '^@', style: 'control' }, { text: 'b', style: '' },
	]);
	assert.equal(shown('10 %\r20 %'), '10 %^M20 %');
	assert.equal(shown('\x7f'), '^?');
	assert.equal(shown('\x1b'), '^[');
	assert.equal(shown('\x1b[31'), '31');
});

test('marks that turn the direction of text are named, not obeyed', () => {
	assert.equal(shown('\u202eevil\u202c\u2066\u200b'), '<U+202E>evil<U+202C><U+2066><U+200B>');
	assert.equal(shown('\u0085'), '<U+0085>');
});

test('bytes that are not UTF-8 become replacement characters', () => {
	assert.equal(plain(new Uint8Array([0x61, 0xff, 0xc3, 0x28, 0x62])), 'a\ufffd\ufffd(b');
	assert.equal(plain(new Uint8Array([0xe2, 0x82])), '\ufffd');
});

test('markup stays text', () => {
	assert.equal(shown('<script>alert(1)</script>&amp;'), '<script>alert(1)</script>&amp;');
});

test('tabs reach the next eighth column, behind colours, too', () => {
	assert.equal(shown('ab\tc'), 'ab      c');
	assert.equal(shown('12345678\tc'), '12345678        c');
	assert.equal(shown('\x1b[31mab\x1b[0m\tc'), 'ab      c');
});
