// SPDX-License-Identifier: GPL-3.0-or-later
// The axis of a forest plot: ratios on a logarithmic scale, 1 always on it.
import type { OverheadTable } from './api';

export interface Scale {
	low: number;
	high: number;
	ticks: number[];
	at: (x: number) => number; // 0 at low, 1 at high, clipped to that
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const LEAST = 0.02; // the axis reaches at least so far to both sides
const MOST = 20; // and an interval does not stretch it farther than this times

function decades(low: number, high: number, multiples: readonly number[]): number[] {
	const out = [];
	for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
		for (const m of multiples) {
			const x = Number(`${m}e${power}`);
			if (x >= low && x <= high)
				out.push(x);
		}
	}
	return out;
}

// Where lines stand, at most about most of them: multiples of a round step
// around 1; or, when they span decades, 1, 2 and 5 times powers of ten.
export function ticks(low: number, high: number, most = 7): number[] {
	if (high / low > 8) {
		const lines = decades(low, high, [1, 2, 5]);
		return lines.length > 2 * most ? decades(low, high, [1]) : lines;
	}
	const step = STEPS.find((s) => (high - low) / s <= most) ?? 10;
	const out = [];
	for (let k = Math.ceil((low - 1) / step - 1e-9); 1 + k * step <= high + 1e-9; k++)
		out.push(Number((1 + k * step).toPrecision(6)));
	return out.filter((x) => x > 0);
}

// points are on it; bounds too, as far as that is of use: a wild interval would
// make all others a dot.
export function logScale(points: readonly number[], bounds: readonly number[] = []): Scale {
	const usable = (v: number): boolean => Number.isFinite(v) && v > 0;
	const good = [...points.filter(usable),
		...bounds.filter(usable).map((v) => Math.min(MOST, Math.max(1 / MOST, v)))];
	const margin = 1.04;
	const low = Math.min(1 - LEAST, ...good.map((v) => v / margin));
	const high = Math.max(1 + LEAST, ...good.map((v) => v * margin));
	const width = Math.log(high / low);
	return {
		low,
		high,
		ticks: ticks(low, high),
		at: (x) => Math.min(1, Math.max(0, Math.log(Math.max(x, 1e-300) / low) / width)),
	};
}

// The axis for the plot of a table.
export function tableScale(t: OverheadTable): Scale {
	const cells = [...t.rows.flatMap((r) => r.cells), ...t.geomean].filter((c) => c !== null);
	return logScale([1 / (1 + t.margin), 1 + t.margin, ...cells.map((c) => c.overhead)],
		cells.flatMap((c) => c.interval ?? []));
}
