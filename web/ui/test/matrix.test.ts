// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, type Patch } from '../src/matrix_patch';
import { matrixCsv } from '../src/matrix_csv';

const waiting = { sign: '…', job: 7, state: 'queued' as const };
const patch = (at: number, state: Patch['state'], sign: string): Patch =>
	({ at, state, sign, machine: 'm1' });

test('an event changes the cell of a reading that began before it', () => {
	const cell = live(waiting, patch(20, 'run', '…'), 10);
	assert.deepEqual([cell?.state, cell?.machine], ['run', 'm1']);
});

test('a later reading knows better than an old event', () => {
	const done = { ...waiting, state: 'done' as const, sign: '✓' };
	assert.equal(live(done, patch(20, 'run', '…'), 30), done);
});

test('the machine of an event stays while the state is the same', () => {
	const running = { ...waiting, state: 'run' as const };
	assert.equal(live(running, patch(20, 'run', '…'), 30)?.machine, 'm1');
});

test('CSV has a row an item, and quotes what needs it', () => {
	const matrix = {
		run: 1,
		items: ['a', 'b, "c"', '=d'],
		platforms: ['p', 'any'],
		rows: [[{ sign: '*' }, { sign: '✓', job: 1 }], [{ sign: '-', job: 2 }, null], [null, null]],
	};
	assert.equal(matrixCsv(matrix),
		'item,p,any\r\na,*,✓\r\n"b, ""c""",-,\r\n\'=d,,\r\n');
});
