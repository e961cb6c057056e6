// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportCell } from '../src/api';
import { importTables } from '../src/import_tables';

function cell(metric: string, named: string, guest: string, text: string): ImportCell {
	return { metric, direction: 'higher', machine: named, named, guest, controller: '', baseline: 'old',
		candidate: 'new', overhead: Number(text), text };
}

test('published cells are tables again, in the order of the file', () => {
	const tables = importTables([
		cell('cpu', 'b', 'win11', '1.04'), cell('cpu', 'b', 'win10', '1.03'),
		cell('disk', 'a', 'win11', '0.990'), cell('cpu', 'a', 'win10', '1.00'),
	]);
	assert.deepEqual(tables.map((t) => t.title), ['cpu: new against old', 'disk: new against old']);
	assert.deepEqual(tables[0]?.columns, ['win11', 'win10']);
	assert.deepEqual(tables[0]?.rows.map((r) => [r.machine, ...r.cells.map((c) => c?.text ?? '')]),
		[['b', '1.04', '1.03'], ['a', '', '1.00']]);
});

test('no cells are no tables', () => {
	assert.equal(importTables([]).length, 0);
});
