// SPDX-License-Identifier: GPL-3.0-or-later
// One metric over the runs, from the raw values of each.
import type { SampleSeries } from './api';

export interface Key {
	metric: string;
	machine: string;
	place: string; // guest and controller, as a title
}

export interface Point {
	run: number; // place in the list of runs
	mean: number;
	values: number[]; // those that are valid
}

export interface Curve {
	variant: string;
	unit: string;
	points: Point[]; // ascending by run
}

export function placeOf(s: Pick<SampleSeries, 'guest' | 'controller'>): string {
	return s.controller ? `${s.guest} ${s.controller}` : s.guest;
}

// What there is to choose from: every key of the runs, sorted, each once.
export function keys(runs: readonly (readonly SampleSeries[])[]): Key[] {
	const all = new Map<string, Key>();
	for (const s of runs.flat()) {
		const key = { metric: s.metric, machine: s.machine, place: placeOf(s) };
		all.set(JSON.stringify(Object.values(key)), key);
	}
	return [...all.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
}

// The key that fits best: exactly what was asked for, or the first of the metric,
// or the first.
export function choose(all: readonly Key[], want: Partial<Key>): Key | null {
	const fits = (k: Key, names: (keyof Key)[]): boolean =>
		names.every((n) => !want[n] || k[n] === want[n]);
	return all.find((k) => fits(k, ['metric', 'machine', 'place']))
		?? all.find((k) => fits(k, ['metric', 'machine']))
		?? all.find((k) => fits(k, ['metric'])) ?? all[0] ?? null;
}

// The valid values of a series: a mark says of each whether it counts.
export function validValues(s: Pick<SampleSeries, 'values' | 'marks'>): number[] {
	return s.values.filter((v, i) => Number.isFinite(v) && (s.marks?.[i]?.valid ?? true));
}

// A curve for each variant; runs[i] has the values of run i.
export function curves(runs: readonly (readonly SampleSeries[])[], key: Key): Curve[] {
	const all = new Map<string, Curve>();
	runs.forEach((series, run) => {
		for (const s of series) {
			if (s.metric !== key.metric || s.machine !== key.machine || placeOf(s) !== key.place)
				continue;
			const curve = all.get(s.variant) ?? { variant: s.variant, unit: s.unit, points: [] };
			all.set(s.variant, curve);
			const last = curve.points[curve.points.length - 1];
			// Several jobs of one run that measured the same.
			const values = [...(last?.run === run ? last.values : []), ...validValues(s)];
			if (!values.length)
				continue;
			if (last?.run === run)
				curve.points.pop();
			const mean = values.reduce((a, b) => a + b, 0) / values.length;
			curve.points.push({ run, mean, values });
		}
	});
	return [...all.values()].sort((a, b) => (a.variant < b.variant ? -1 : 1));
}
