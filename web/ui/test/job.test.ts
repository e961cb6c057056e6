// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobEvent, JobHistory, Matrix, Outcome } from '../src/api';
import { elsewhere, endSeen, past } from '../src/job_past';
import { ofAttempt, phases } from '../src/job_phases';

function events(list: [at: number, event: string, more?: Partial<JobEvent>][]): JobEvent[] {
	return list.map(([at_ms, event, more], i) => ({ seq: i + 1, at_ms, event, text: null,
		attempt: null, machine: null, outcome: null, layer: null, ...more }));
}

const step = (text: string): Partial<JobEvent> => ({ text });
const short = (list: ReturnType<typeof phases>): unknown[] =>
	list.map((p) => [p.name, p.to_ms === null ? null : p.to_ms - p.from_ms, p.tone]);

const passed = events([
	[1000, 'lease', { attempt: 7, machine: 'm1' }], [1000, 'prepare'], [1010, 'step', step('off verified')],
	[1030, 'step', step('on verified')], [6000, 'step', step('script served')], [6000, 'run'],
	[8000, 'exit'], [8000, 'collected', { outcome: 'fail', layer: 'none' }], [8200, 'done'],
]);

test('a boot has its phases, and the test has its verdict', () => {
	assert.deepEqual(short(phases(passed, 7, false)), [['off, verified', 10, ''], ['on', 20, ''],
		['network boot', 4970, ''], ['test', 2000, 'bad'], ['cleanup', 200, '']]);
});

test('bad as expected is not shown as bad', () => {
	assert.equal(phases(passed, 7, true).find((p) => p.name === 'test')?.tone, 'test');
});

test('a phase that the lab broke is named and marked', () => {
	const broken = events([
		[0, 'lease', { attempt: 1 }], [0, 'prepare'], [10, 'step', step('off verified')],
		[20, 'step', step('on verified')], [60020, 'abort', { outcome: 'error', layer: 'boot' }],
		[60100, 'requeue'],
		[60200, 'lease', { attempt: 2 }], [60200, 'prepare'],
		[90200, 'abort', { outcome: 'error', layer: 'power' }], [90300, 'done'],
	]);
	assert.deepEqual(short(phases(broken, 1, false)),
		[['off, verified', 10, ''], ['on', 10, ''], ['network boot', 60000, 'lab'], ['cleanup', 80, '']]);
	assert.deepEqual(short(phases(broken, 2, false)), [['off', 30000, 'lab'], ['cleanup', 100, '']]);
	assert.deepEqual(ofAttempt(broken, 2).map((e) => e.seq), [7, 8, 9, 10]);
});

test('what goes on has no end', () => {
	assert.deepEqual(short(phases(passed.slice(0, 6), 7, false)), [['off, verified', 10, ''],
		['on', 20, ''], ['network boot', 4970, ''], ['test', null, 'test']]);
	assert.deepEqual(short(phases(passed.slice(0, 4), 7, false)).pop(), ['network boot', null, '']);
});

test('a benchmark connects before it runs', () => {
	assert.deepEqual(short(phases(events([
		[0, 'lease', { attempt: 1 }], [0, 'prepare'], [5, 'step', step('specification made')], [900, 'run'],
		[5000, 'exit'], [5600, 'collected', { outcome: 'pass' }], [5700, 'done'],
	]), 1, false)), [['specification', 5, ''], ['connection', 895, ''], ['test', 4100, 'test'],
		['collection', 600, ''], ['cleanup', 100, '']]);
});

test('a reset in mid-test does not end it', () => {
	assert.deepEqual(short(phases(events([
		[0, 'lease', { attempt: 1 }], [10, 'run'], [20, 'step', step('machine reset: asked again')],
		[40, 'exit'], [40, 'collected', { outcome: 'fail' }],
	]), 1, false)).slice(1), [['test', 30, 'bad'], ['cleanup', null, '']]);
});

test('an attempt that is not there has no phases', () => {
	assert.deepEqual(phases(passed, 8, false), []);
	assert.deepEqual(phases([], 1, false), []);
});

// ---- other runs

function history(outcomes: Outcome[]): JobHistory['history'] {
	return outcomes.map((outcome, i) => ({ run: 100 - i, job: 200 - i, sign: '', outcome,
		commit: null, created_at_ms: 0 }));
}

test('failing since the first of the failures in a row', () => {
	const p = past(history(['fail', 'error', 'timeout', 'pass', 'fail']), 200);
	assert.equal(p?.bad, true);
	assert.equal(p?.since.run, 98);
	assert.equal(p?.before?.run, 97);
	assert.equal(p?.same, 2);
});

test('an older job is judged by what was before it', () => {
	const p = past(history(['fail', 'pass', 'pass', 'none', 'pass']), 199);
	assert.equal(p?.bad, false);
	assert.equal(p?.same, 3);
	assert.equal(p?.before, null);
});

test('what the lab broke, or is not over, has no past', () => {
	assert.equal(past(history(['error', 'pass']), 200), null);
	assert.equal(past(history(['none']), 200), null);
	assert.equal(past([], 200), null);
});

test('the other platforms are those with a verdict', () => {
	const cell = (outcome: Outcome): object => ({ sign: '', outcome });
	const matrix = { run: 1, items: ['a', 'b'], platforms: ['p', 'q', 'r', 's', 'any'], rows: [
		[], [cell('fail'), cell('pass'), cell('error'), cell('timeout'), null]] } as unknown as Matrix;
	assert.deepEqual(elsewhere(matrix, 'b', 'p'), { passed: ['q'], failed: ['s'] });
	assert.deepEqual(elsewhere(matrix, 'c', 'p'), { passed: [], failed: [] });
});

test('the end was seen, was not, or nobody knows', () => {
	assert.equal(endSeen({ outcome: 'pass', evidence: null }), true);
	assert.equal(endSeen({ outcome: 'fail', evidence: '1 of 16 cases failed, first: x' }), true);
	assert.equal(endSeen({ outcome: 'fail', evidence: 'panic: at the disco' }), false);
	assert.equal(endSeen({ outcome: 'timeout', evidence: null }), false);
	assert.equal(endSeen({ outcome: 'error', evidence: 'power off' }), null);
});
