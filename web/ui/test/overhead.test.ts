// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OverheadCell, OverheadTable, Verdict } from '../src/api';
import { csvField, intervalText, longCsv, tableCsv, tableMarkdown } from '../src/overhead_export';
import { logScale, tableScale, ticks } from '../src/overhead_scale';

function cell(overhead: number, verdict: Verdict = 'same'): OverheadCell {
	return { overhead, interval: [overhead * 0.99, overhead * 1.01], n: 6, method: 'paired', p: 0.5,
		verdict, baseline_mean: 100, candidate_mean: 100 / overhead };
}

const table: OverheadTable = {
	metric: 'fio.bandwidth', unit: 'MiB/s', direction: 'higher', margin: 0.03, definition: 'b/c | above 1',
	baseline: 'v/vboxdrv', candidate: 'v/kvm',
	columns: [{ guest: 'windows 11', controller: 'sata' }, { guest: 'windows, 10', controller: '' }],
	rows: [
		{ machine: 'm1', cells: [cell(1.0449, 'worse'), cell(0.7994, 'better')] },
		{ machine: '=cmd()', cells: [null, cell(1)] },
	],
	geomean: [null, { overhead: 0.9, interval: null, k: 2, m: 2, i2: 0.9, between_sd: 0.1, verdict: 'unknown' }],
};

test('CSV has a row a machine, a column a guest and controller, three digits', () => {
	assert.equal(tableCsv(table), 'machine,windows 11_sata,"windows, 10"\nm1,1.04,0.799\n\'=cmd(),,1.00\n');
});

test('the long CSV has a row a cell, with every digit', () => {
	const [head, first, ...rest] = longCsv([table, table]).trimEnd().split('\n');
	assert.equal(head, 'metric,machine,guest,controller,overhead,lo,hi,n,method,p,verdict,baseline_mean,candidate_mean');
	assert.equal(first, `fio.bandwidth,m1,windows 11,sata,1.0449,${1.0449 * 0.99},`
		+ `${1.0449 * 1.01},6,paired,0.5,worse,100,${100 / 1.0449}`);
	assert.equal(rest.length, 5);
});

test('both ends of an interval have as many decimals as the lower one', () => {
	assert.equal(intervalText([0.849, 1.0593]), '[0.849, 1.059]');
	assert.equal(intervalText([1.031, 1.049]), '[1.03, 1.05]');
	assert.equal(intervalText([0.00115, 7450.2]), '[0.00115, 7450]');
	assert.equal(intervalText(null), '');
});

test('fields are quoted where it is needed, and formulas are text', () => {
	assert.equal(csvField('a"b'), '"a""b"');
	assert.equal(csvField('a\nb'), '"a\nb"');
	assert.equal(csvField('-1.5'), '-1.5');
	assert.equal(csvField('-x'), "'-x");
	assert.equal(csvField('@x'), "'@x");
	assert.equal(csvField('m-1'), 'm-1');
});

test('Markdown has a table that its text cannot break', () => {
	const text = tableMarkdown(table);
	assert.match(text, /^\| machine \| windows 11 sata \| windows, 10 \|$/m);
	assert.match(text, /^\| m1 \| 1\.04 \\\[1\.03, 1\.06\\\] worse \|/m);
	assert.match(text, /^\| geomean \|  \| 0\.900 unknown \(2 of 2\) \|$/m);
	assert.match(text, /^b\/c \\\| above 1$/m);
});

// ---- the axis

test('the axis has room for every interval, and for 1', () => {
	const scale = tableScale(table);
	for (const v of [0.7994 * 0.99, 1.0449 * 1.01, 0.9, 1.03, 1 / 1.03])
		assert.ok(scale.low < v && v < scale.high, String(v));
	assert.ok(scale.low < 1 && scale.high > 1);
	assert.equal(scale.at(scale.low), 0);
	assert.equal(scale.at(scale.high), 1);
	assert.ok(scale.ticks.includes(1));
});

test('the axis is logarithmic: twice and half are equally far from 1', () => {
	const scale = logScale([0.25, 4]);
	assert.ok(Math.abs((scale.at(2) - scale.at(1)) - (scale.at(1) - scale.at(0.5))) < 1e-12);
});

test('values that are none do not break the axis', () => {
	const scale = logScale([NaN, Infinity, 0, -1]);
	assert.ok(Number.isFinite(scale.low) && scale.low > 0 && Number.isFinite(scale.high));
	assert.equal(scale.at(0), 0);
	assert.equal(scale.at(1e9), 1);
});

test('a wild interval does not stretch the axis, a wild point does', () => {
	const scale = logScale([2.9], [0.00115, 7450]);
	assert.ok(scale.low > 0.04 && scale.high < 21, `${scale.low} ${scale.high}`);
	assert.ok(logScale([2000]).high > 2000);
	assert.ok(logScale([0.001, 2000]).ticks.length <= 14);
});

test('lines stand at round numbers, and not too many of them', () => {
	assert.deepEqual(ticks(0.78, 1.1), [0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1]);
	assert.deepEqual(ticks(0.1, 10), [0.1, 0.2, 0.5, 1, 2, 5, 10]);
	for (const [low, high] of [[0.98, 1.02], [0.5, 1.5], [0.9, 3], [0.99, 6]] as const) {
		const t = ticks(low, high);
		assert.ok(t.length >= 2 && t.length <= 8, `${low} ${high}: ${t}`);
		assert.ok(t.every((x) => x > 0));
	}
});
