// SPDX-License-Identifier: GPL-3.0-or-later
// What the other runs and the other platforms say of a job.
import type { Attempt, JobHistory, Matrix, Outcome } from './api';

type Entry = JobHistory['history'][number];

// Only the verdict of the test counts: an error is the lab's, and says nothing.
function verdict(outcome: Outcome): 'good' | 'bad' | null {
	if (outcome === 'pass')
		return 'good';
	return outcome === 'fail' || outcome === 'timeout' ? 'bad' : null;
}

export interface Past {
	same: number; // runs in a row with this verdict, this one included
	since: Entry; // the oldest of them
	before: Entry | null; // the newest that had the other verdict; null: not in sight
	bad: boolean;
}

// How long it has been as it is at this job; null: it has no verdict.
export function past(history: readonly Entry[], job: number): Past | null {
	const at = history.findIndex((e) => e.job === job);
	const own = history[at];
	if (!own || !verdict(own.outcome))
		return null;
	const result: Past = { same: 0, since: own, before: null, bad: verdict(own.outcome) === 'bad' };
	for (const e of history.slice(at)) {
		const v = verdict(e.outcome);
		if (v && v !== verdict(own.outcome)) {
			result.before = e;
			break;
		}
		if (v) {
			result.same++;
			result.since = e;
		}
	}
	return result;
}

export interface Elsewhere {
	passed: string[]; // platforms
	failed: string[];
}

// The same item of the same run on the other platforms.
export function elsewhere(matrix: Matrix, item: string, platform: string): Elsewhere {
	const result: Elsewhere = { passed: [], failed: [] };
	const row = matrix.rows[matrix.items.indexOf(item)] ?? [];
	row.forEach((cell, i) => {
		const name = matrix.platforms[i];
		if (!cell?.outcome || name === undefined || name === platform)
			return;
		if (cell.outcome === 'pass')
			result.passed.push(name);
		else if (verdict(cell.outcome) === 'bad')
			result.failed.push(name);
	});
	return result;
}

// Whether the test said that it was over: only then are its cases counted. null:
// nothing says so or the opposite.
export function endSeen(a: Pick<Attempt, 'outcome' | 'evidence'>): boolean | null {
	const text = a.evidence ?? '';
	if (a.outcome === 'pass')
		return true;
	if (a.outcome === 'timeout')
		return false;
	if (a.outcome !== 'fail')
		return null;
	if (/^\d+ of \d+ cases failed|^BEGIN announced \d+ cases, but/.test(text))
		return true;
	return /^(panic: |the machine was reset|the console ended)/.test(text) ? false : null;
}
