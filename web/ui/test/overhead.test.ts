// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OverheadCell, OverheadTable, SampleSeries, Verdict } from '../src/api';
import { choose, curves, keys } from '../src/history_series';
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

// ---- history

function series(variant: string, values: number[], more: Partial<SampleSeries> = {}): SampleSeries {
	return { job: 1, attempt: 1, item: 'cpu', machine: 'm1', metric: 'x', unit: 's', variant,
		guest: 'linux', controller: '', values, marks: null, ...more };
}

test('a curve has the mean of each run that measured, by variant', () => {
	const runs = [[series('b', [1, 3]), series('a', [10])], [], [series('b', [4])]];
	assert.deepEqual(curves(runs, { metric: 'x', machine: 'm1', place: 'linux' }), [
		{ variant: 'a', unit: 's', points: [{ run: 0, mean: 10, values: [10] }] },
		{ variant: 'b', unit: 's', points: [{ run: 0, mean: 2, values: [1, 3] },
			{ run: 2, mean: 4, values: [4] }] },
	]);
});

test('values that are not valid do not count, and jobs of one run are one point', () => {
	const mark = (valid: boolean): object => ({ pair: 1, position: 1, valid, why: '', raw: '' });
	const runs = [[series('b', [1, 99], { marks: [mark(true), mark(false)] as SampleSeries['marks'] }),
		series('b', [3])]];
	assert.deepEqual(curves(runs, { metric: 'x', machine: 'm1', place: 'linux' })[0]?.points,
		[{ run: 0, mean: 2, values: [1, 3] }]);
});

test('a choice falls back to what fits best', () => {
	const all = keys([[series('b', [1]), series('b', [1], { machine: 'm2' }),
		series('b', [1], { metric: 'y', controller: 'nvme' })]]);
	assert.deepEqual(all.map((k) => [k.metric, k.machine, k.place]),
		[['x', 'm1', 'linux'], ['x', 'm2', 'linux'], ['y', 'm1', 'linux nvme']]);
	assert.equal(choose(all, { metric: 'y', machine: 'm2', place: 'linux' })?.place, 'linux nvme');
	assert.equal(choose(all, { metric: 'x', machine: 'm2' })?.machine, 'm2');
	assert.equal(choose(all, {})?.metric, 'x');
	assert.equal(choose([], {}), null);
});
