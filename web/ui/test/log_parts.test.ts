// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extend, readTarget, writeTarget } from '../src/log_address';
import { decidingLines } from '../src/log_decide';
import { LogFind, nextHit, ranges } from '../src/log_find';
import { LogStore } from '../src/log_store';
import { LogTimes } from '../src/log_times';

function storeOf(text: string): LogStore {
	const store = new LogStore();
	store.append(new TextEncoder().encode(text), 0);
	return store;
}

// ---- addresses

test('an address names a line, lines, or the byte at an offset', () => {
	assert.deepEqual(readTarget('L214'), { lines: { from: 214, to: 214 } });
	assert.deepEqual(readTarget('L214-L220'), { lines: { from: 214, to: 220 } });
	assert.deepEqual(readTarget('L220-214'), { lines: { from: 214, to: 220 } });
	assert.deepEqual(readTarget('B0'), { offset: 0 });
	for (const bad of ['', 'L', 'L0', 'L-1', 'L1-', 'L1x', 'B', 'B-1', 'other', 'L99999999999'])
		assert.equal(readTarget(bad), null, bad);
});

test('an address reads as it was written', () => {
	for (const lines of [{ from: 1, to: 1 }, { from: 3, to: 9 }])
		assert.deepEqual(readTarget(writeTarget(lines)), { lines });
});

test('a selection grows in both directions and shrinks from its end', () => {
	assert.deepEqual(extend(null, 5), { from: 5, to: 5 });
	assert.deepEqual(extend({ from: 5, to: 5 }, 8), { from: 5, to: 8 });
	assert.deepEqual(extend({ from: 5, to: 8 }, 2), { from: 2, to: 8 });
	assert.deepEqual(extend({ from: 5, to: 8 }, 6), { from: 5, to: 6 });
});

// ---- finding

function findAll(store: LogStore, text: string, slice = 1e9): number[] {
	const find = new LogFind(store, text);
	while (find.step(slice))
		;
	return find.hits;
}

test('small letters find both, capital letters only themselves', () => {
	const store = storeOf('Panic\npanic\nPANIC\nnothing\n');
	assert.deepEqual(findAll(store, 'panic'), [0, 1, 2]);
	assert.deepEqual(findAll(store, 'Panic'), [0]);
	assert.deepEqual(findAll(store, 'x'), []);
});

test('a hit does not reach over a line break', () => {
	assert.deepEqual(findAll(storeOf('ab\ncd\n'), 'bc'), []);
	assert.deepEqual(findAll(storeOf('ab\r\ncd\n'), 'b\r'), []);
});

test('slices find what one look finds', () => {
	const store = storeOf(Array.from({ length: 500 }, (_, i) => (i % 7 ? 'no' : 'yes')).join('\n'));
	assert.deepEqual(findAll(store, 'yes', 10), findAll(store, 'yes'));
});

test('a line that grows is looked at again, and counted once', () => {
	const store = storeOf('yes\nno');
	const find = new LogFind(store, 'yes');
	find.step(1e9);
	assert.deepEqual(find.hits, [0]);
	store.append(new TextEncoder().encode(' yes'), 6);
	find.step(1e9);
	find.step(1e9);
	assert.deepEqual(find.hits, [0, 1]);
	store.append(new TextEncoder().encode('\nyes\n'), 10);
	find.step(1e9);
	assert.deepEqual(find.hits, [0, 1, 2]);
});

test('the next hit is at or behind the line, or the first', () => {
	assert.equal(nextHit([3, 7], 0), 0);
	assert.equal(nextHit([3, 7], 4), 1);
	assert.equal(nextHit([3, 7], 8), 0);
});

test('places in a line follow the same rule', () => {
	assert.deepEqual(ranges('aAa', 'a'), [[0, 1], [1, 2], [2, 3]]);
	assert.deepEqual(ranges('aAa', 'A'), [[1, 2]]);
	assert.deepEqual(ranges('abc', ''), []);
});

// ---- times

test('a byte has the time of the piece that brought it', () => {
	const times = new LogTimes();
	times.add([[0, 100], [10, 200]], 15);
	assert.equal(times.at(0), 100);
	assert.equal(times.at(9), 100);
	assert.equal(times.at(10), 200);
	assert.equal(times.at(14), 200);
	assert.equal(times.at(15), null);
	times.add([[10, 200], [15, 300]], 20);
	assert.equal(times.at(15), 300);
	assert.equal(times.end, 20);
});

test('without pieces no time is known', () => {
	assert.equal(new LogTimes().at(0), null);
});

// ---- what decided

const boot = 'BEGIN 2\ntest case: a\nSUCCESS\ntest case: b\nx\nAssertion failed @ b.c:1: y\nFAIL b\nEND\n\n';
const failed = { name: 'b', result: 'fail' as const, text: 'Assertion failed @ b.c:1: y',
	offset: boot.indexOf('FAIL b') };

test('a failed case shows its assertion and its verdict', () => {
	assert.deepEqual(decidingLines(storeOf(boot), { outcome: 'fail', evidence: '1 of 2',
		cases: [{ name: 'a', result: 'pass', text: '', offset: 0 }, failed], complete: true }), [5, 6]);
});

test('a failed case that said nothing shows its verdict', () => {
	assert.deepEqual(decidingLines(storeOf(boot), { outcome: 'fail', evidence: null,
		cases: [{ ...failed, text: '' }], complete: true }), [6]);
});

test('without a failed case the last line decided, when it is there', () => {
	const verdict = { outcome: 'timeout' as const, evidence: 'no line for 3 s', cases: [], complete: true };
	assert.deepEqual(decidingLines(storeOf(boot), verdict), [7]);
	assert.deepEqual(decidingLines(storeOf(boot), { ...verdict, complete: false }), []);
	assert.deepEqual(decidingLines(storeOf(''), verdict), []);
});

test('a panic is shown where it stands', () => {
	assert.deepEqual(decidingLines(storeOf('a\nKernel panic - not syncing\nb\nc\n'), {
		outcome: 'fail', evidence: 'panic: Kernel panic - not syncing', cases: [], complete: true }), [1]);
});

test('what passed has no deciding line', () => {
	assert.deepEqual(decidingLines(storeOf(boot), { outcome: 'pass', evidence: null, cases: [],
		complete: true }), []);
});
