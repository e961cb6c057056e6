// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogStore } from '../src/log_store';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function texts(store: LogStore): string[] {
	return Array.from({ length: store.lines }, (_, i) => decode(store.line(i, 1e6).bytes));
}

function fill(pieces: [text: string, offset: number][]): LogStore {
	const store = new LogStore();
	for (const [text, offset] of pieces)
		store.append(encode(text), offset);
	return store;
}

test('an empty log has no lines', () => {
	const store = new LogStore();
	assert.equal(store.lines, 0);
	assert.equal(store.lineOfOffset(0), -1);
	assert.equal(store.lineAt(0), -1);
	store.append(new Uint8Array(), 0);
	assert.equal(store.lines, 0);
});

test('lines are the same however the bytes are cut', () => {
	const text = 'one\r\ntwo\n\nfour \xe4\u20ac\r\r\nlast';
	const whole = encode(text);
	const expected = ['one', 'two', '', 'four \xe4\u20ac', 'last'];
	for (let size = 1; size <= whole.length; size++) {
		const store = new LogStore();
		for (let at = 0; at < whole.length; at += size)
			store.append(whole.subarray(at, at + size), at);
		assert.deepEqual(texts(store), expected, `pieces of ${size}`);
		assert.equal(store.end, whole.length);
	}
});

test('an unfinished line is a line, and grows', () => {
	const store = fill([['ab', 0]]);
	assert.deepEqual(texts(store), ['ab']);
	store.append(encode('c\n'), 2);
	assert.deepEqual(texts(store), ['abc']);
	store.append(encode('d'), 4);
	assert.deepEqual(texts(store), ['abc', 'd']);
});

test('what is here already is not taken twice', () => {
	const store = fill([['abc\n', 0], ['abc\ndef\n', 0], ['c\ndef\n', 2]]);
	assert.deepEqual(texts(store), ['abc', 'def']);
	assert.equal(store.end, 8);
});

test('a gap is one marker line, and offsets behind it stay true', () => {
	const store = fill([['one\ntw', 0], ['xx\nyes\n', 1006]]);
	assert.deepEqual(texts(store), ['one', 'tw', '[ironbench: 1000 bytes were not kept]', 'xx', 'yes']);
	assert.deepEqual(texts(store).map((_, i) => store.isMarker(i)), [false, false, true, false, false]);
	assert.equal(store.lineOfOffset(5), 1);
	assert.equal(store.lineOfOffset(6), 2);
	assert.equal(store.lineOfOffset(1005), 2);
	assert.equal(store.lineOfOffset(1006), 3);
	assert.equal(store.lineOfOffset(1009), 4);
	assert.equal(store.lineOfOffset(1013), -1);
	assert.equal(store.offsetAt(store.start(3)), 1006);
	assert.equal(store.offsetAt(store.start(4)), 1009);
});

test('a gap after a whole line needs no line break of its own', () => {
	const store = fill([['one\n', 0], ['two\n', 10]]);
	assert.deepEqual(texts(store), ['one', '[ironbench: 6 bytes were not kept]', 'two']);
	assert.equal(store.lineOfOffset(4), 1);
	assert.equal(store.isMarker(1), true);
	assert.equal(store.isMarker(0), false);
});

test('a log that begins with a gap has its marker first', () => {
	const store = fill([['x\n', 7]]);
	assert.deepEqual(texts(store), ['[ironbench: 7 bytes were not kept]', 'x']);
	assert.equal(store.lineOfOffset(0), 0);
	assert.equal(store.lineOfOffset(7), 1);
});

test('every byte belongs to its line, over the borders of blocks, too', () => {
	const line = `${'x'.repeat(1021)}\n`; // 1,022 does not divide a block
	const store = new LogStore();
	const n = 3000;
	store.append(encode(line.repeat(n)), 0);
	assert.equal(store.lines, n);
	for (const i of [0, 1, 1025, 1026, 1027, 2052, n - 1]) {
		assert.equal(decode(store.line(i, 1e6).bytes), line.trimEnd());
		assert.equal(store.lineOfOffset(i * 1022), i);
		assert.equal(store.lineOfOffset(i * 1022 + 1021), i);
	}
});

test('a line is given up to a length, and the rest is counted', () => {
	const store = fill([['abcdef\r\n', 0]]);
	const { bytes, left } = store.line(0, 4);
	assert.equal(decode(bytes), 'abcd');
	assert.equal(left, 2);
});

test('a million lines in small pieces are taken in linear time', () => {
	const piece = encode('[    0.123456] a line of a log that is rather long\n'.repeat(1000));
	const time = (pieces: number): number => {
		const store = new LogStore();
		const begin = performance.now();
		for (let i = 0; i < pieces; i++)
			store.append(piece, i * piece.length);
		const took = performance.now() - begin;
		assert.equal(store.lines, pieces * 1000);
		return took;
	};
	// The best of some tries: what else the computer does only adds.
	const best = (pieces: number): number =>
		Math.min(...Array.from({ length: 5 }, () => time(pieces)));
	const small = Math.max(0.5, best(200));
	const large = best(1000);
	// Five times as much; quadratic would be 25 times.
	assert.ok(large / small < 15, `${large} ms against ${small} ms`);
});
