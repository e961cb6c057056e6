// SPDX-License-Identifier: GPL-3.0-or-later
// Which series is looked at, and what its history says of each point.
import type { History, SeriesRow } from './api';

export const parts = ['metric', 'machine', 'variant', 'guest', 'controller', 'branch'] as const;
export type Part = typeof parts[number];
export type Wanted = Partial<Record<Part, string>>;

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
	const all: string[][] = h.points.map((p) => (p.valid ? [] : ['not valid']));
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
