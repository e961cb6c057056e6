// SPDX-License-Identifier: GPL-3.0-or-later
// Which series is looked at, and what its history says of each point.
import type { History, HistoryPoint, SeriesRow } from './api';

export const parts = ['metric', 'machine', 'variant', 'guest', 'controller', 'branch'] as const;
export type Part = typeof parts[number];
export type Wanted = Partial<Record<Part, string>>;

// Where its page is; a name that is empty is named as well, for there may be a
// series that has one.
export function seriesAddress(s: Readonly<Record<Part, string>>): string {
	return `/history?${new URLSearchParams(parts.map((part) => [part, s[part]]))}`;
}

// What the daemon is asked; empty values say nothing.
export function seriesPath(query: Readonly<Record<string, string>>): string {
	const q = new URLSearchParams();
	for (const [key, value] of Object.entries(query))
		if (value)
			q.set(key, value);
	return `/api/v1/series?${q}`;
}

// The series that fits best: part after part, what is wanted counts as long as
// there is such a series; of those left, the one with most points.
export function choose(all: readonly SeriesRow[], want: Wanted): SeriesRow | null {
	let left = [...all];
	for (const part of parts) {
		const fits = left.filter((s) => s[part] === want[part]);
		if (fits.length)
			left = fits;
	}
	return left.sort((a, b) => b.points - a.points || a.id - b.id)[0] ?? null;
}

// What there is to choose from for a part, the parts before it being as they are.
export function choices(all: readonly SeriesRow[], chosen: SeriesRow, part: Part): string[] {
	const before = parts.slice(0, parts.indexOf(part));
	const open = all.filter((s) => before.every((p) => s[p] === chosen[p]));
	return [...new Set(open.map((s) => s[part]))].sort();
}

// What is to be said of a point, in words; a list for each point.
export function marks(h: History): string[][] {
	const all: string[][] = h.points.map((p) => {
		if (p.valid && !p.left_out)
			return [];
		const what = p.valid ? `${p.left_out} of ${p.left_out + p.values.length} left out` : 'not valid';
		return [p.why ? `${what}: ${p.why}` : what];
	});
	for (const c of h.changes)
		all[c.index]?.push('change');
	for (const e of h.environments)
		all[e.index]?.push(`${e.key}: ${e.before ?? 'none'} → ${e.after ?? 'none'}`);
	for (const i of h.spikes)
		all[i]?.push('spike');
	return all;
}

// Points that count for a level: neither spikes nor without a valid value.
export function levelValues(h: History): (number | null)[] {
	const spikes = new Set(h.spikes);
	return h.points.map((p, i) => (spikes.has(i) ? null : p.value));
}

// How a point is called.
export function pointName(p: HistoryPoint): string {
	return p.import === undefined ? `run ${p.run}` : `import ${p.import}`;
}

export function pointAddress(p: HistoryPoint): string {
	return p.import === undefined ? `/runs/${p.run}` : `/imports/${p.import}`;
}

function quantile(sorted: readonly number[], part: number): number {
	const at = part * (sorted.length - 1);
	const below = sorted[Math.floor(at)] ?? NaN;
	const above = sorted[Math.ceil(at)] ?? NaN;
	return below + (above - below) * (at - Math.floor(at));
}

const ROOM = 1.5; // of the distance between the quartiles, as in a box plot
const MARGIN = 0.06; // of the whole, above and below

// The ends of the axis: as far as the means and single values of each level
// reach, but for those that are far outside of its quartiles.
export function axisRange(h: History): [number, number] {
	let low = Infinity;
	let high = -Infinity;
	const levels = levelValues(h);
	for (const s of h.segments) {
		const values: number[] = [];
		for (let i = s.begin; i < s.end; i++)
			if (levels[i] !== null && levels[i] !== undefined)
				values.push(levels[i] as number, ...(h.points[i]?.values ?? []));
		values.sort((a, b) => a - b);
		if (!values.length)
			continue;
		const [q1, q3] = [quantile(values, 0.25), quantile(values, 0.75)];
		const inside = values.filter((v) => v >= q1 - ROOM * (q3 - q1) && v <= q3 + ROOM * (q3 - q1));
		low = Math.min(low, inside[0] ?? q1);
		high = Math.max(high, inside[inside.length - 1] ?? q3);
	}
	if (low > high) {
		const all = h.points.map((p) => p.value).filter((v): v is number => v !== null);
		low = Math.min(0, ...all);
		high = Math.max(0, ...all);
	}
	const room = (high - low || Math.abs(high) || 1) * MARGIN;
	return [low - room, high + room];
}

// Which points lie above (1) or below (-1) the ends.
export function outside(h: History, [low, high]: readonly [number, number]): [number, 1 | -1][] {
	const found: [number, 1 | -1][] = [];
	h.points.forEach((p, i) => {
		if (p.value !== null && p.value > high)
			found.push([i, 1]);
		else if (p.value !== null && p.value < low)
			found.push([i, -1]);
	});
	return found;
}
