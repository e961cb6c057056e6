// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { History, SeriesRow } from '../src/api';
import { axisRange, choices, choose, levelValues, marks, outside, seriesAddress, seriesPath } from '../src/history_series';

function series(id: number, more: Partial<SeriesRow> = {}): SeriesRow {
	return { id, metric: 'x', unit: 's', machine: 'm1', variant: 'kvm', guest: 'linux',
		controller: '', branch: 'demo/main', points: 10, last_at_ms: 0, ...more };
}

const all = [series(1), series(2, { machine: 'm2', points: 20 }), series(3, { metric: 'y' }),
	series(2, { machine: 'm2', branch: 'demo/next', points: 3 })];

test('what is wanted counts as far as there is such a series', () => {
	assert.equal(choose(all, { metric: 'y', machine: 'm2' })?.id, 3);
	assert.equal(choose(all, { machine: 'm1', metric: 'x' })?.id, 1);
	assert.equal(choose(all, { machine: 'm2', branch: 'demo/next' })?.points, 3);
});

test('without a wish it is the series with most points', () => {
	assert.equal(choose(all, {})?.points, 20);
	assert.equal(choose([], {}), null);
});

test('a part offers what fits the parts before it', () => {
	const chosen = choose(all, { metric: 'x', machine: 'm2' }) as SeriesRow;
	assert.deepEqual(choices(all, chosen, 'metric'), ['x', 'y']);
	assert.deepEqual(choices(all, chosen, 'machine'), ['m1', 'm2']);
	assert.deepEqual(choices(all, chosen, 'branch'), ['demo/main', 'demo/next']);
	assert.deepEqual(choices(all, series(3, { metric: 'y' }), 'machine'), ['m1']);
});

const point = (value: number | null): History['points'][number] => ({ run: 1, job: 1, attempt: 1,
	commit: null, at_ms: 0, value, values: value === null ? [] : [value], left_out: 0,
	why: null, valid: value !== null });

const history: History = { id: 1, metric: 'x', unit: 's', direction: 'lower', branch: 'b',
	detector: 'maxt', older: false, points: [1, 2, null, 9, 5].map(point), segments: [],
	changes: [{ index: 4, first: 3, last: 4, p: null, before: 1, after: 5, ratio: 5, interval: null,
		verdict: 'worse', commit_before: null, commit_after: null }],
	environments: [{ index: 1, key: 'kernel', before: '6.1', after: null }],
	spikes: [3], suspect: null };

test('every point has its remarks', () => {
	assert.deepEqual(marks(history), [[], ['kernel: 6.1 → none'], ['not valid'], ['spike'], ['change']]);
});

test('a level has neither spikes nor points that are not valid', () => {
	assert.deepEqual(levelValues(history), [1, 2, null, null, 5]);
});

test('what was left out of a point is said with the reason', () => {
	const some = { ...point(3), left_out: 2, why: 'the clock ran away' };
	const none = { ...point(null), left_out: 3, why: 'too hot' };
	assert.deepEqual(marks({ ...history, points: [some, none], changes: [], environments: [], spikes: [] }),
		[['2 of 3 left out: the clock ran away'], ['not valid: too hot']]);
});

test('the address of a series has all of its names, a question only those that say something', () => {
	assert.equal(seriesAddress(series(1)),
		'/history?metric=x&machine=m1&variant=kvm&guest=linux&controller=&branch=demo%2Fmain');
	assert.equal(seriesPath({ metric: 'x', find: '' }), '/api/v1/series?metric=x');
});

test('a deep spike does not stretch the axis, and is marked', () => {
	const values = Array.from({ length: 40 }, (_, i) => 100 + i % 5);
	values[20] = 3;
	const h: History = { ...history, points: values.map(point), spikes: [20], changes: [], environments: [],
		segments: [{ begin: 0, end: 40, n: 39, mean: 102, sd: 1, environment: false }] };
	const [low, high] = axisRange(h);
	assert.ok(low > 99 && low < 100 && high > 104 && high < 105);
	assert.deepEqual(outside(h, [low, high]), [[20, -1]]);
});

test('all levels are in the picture, also flat ones', () => {
	const h: History = { ...history, points: [5, 5, 5, 9, 9, 9].map(point), spikes: [], changes: [],
		environments: [], segments: [0, 3].map((begin) =>
			({ begin, end: begin + 3, n: 3, mean: 5, sd: 0, environment: false })) };
	const [low, high] = axisRange(h);
	assert.ok(low < 5 && high > 9);
	assert.deepEqual(outside(h, [low, high]), []);
	const [none, most] = axisRange({ ...h, points: [], segments: [] });
	assert.ok(none < most);
});
