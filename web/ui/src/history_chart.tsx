// SPDX-License-Identifier: GPL-3.0-or-later
// Curves over the runs: the mean of each run, and its single values, paler.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Run } from './api';
import { shortCommit, utc } from './format';
import type { Curve } from './history_series';
import { figure } from './job_parts';
import { go } from './router';
import { useTheme } from './theme';

const HEIGHT = 340;
const DASHES: number[][] = [[], [6, 4], [2, 3], [10, 3, 2, 3]];
const COLORS = ['--accent', '--wait', '--lab', '--ink'];

function color(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// One column of numbers for each variant's means and for the first, second ...
// value of each run: uPlot's own shape.
function columns(n: number, curves: readonly Curve[]): { data: uPlot.AlignedData; values: number[] } {
	const x = Array.from({ length: n }, (_, i) => i);
	const means = curves.map((c) => {
		const y: (number | null)[] = x.map(() => null);
		for (const p of c.points)
			y[p.run] = p.mean;
		return y;
	});
	const most = curves.map((c) => Math.max(0, ...c.points.map((p) => p.values.length)));
	const single = curves.flatMap((c, k) => Array.from({ length: most[k] as number }, (_, v) => {
		const y: (number | null)[] = x.map(() => null);
		for (const p of c.points)
			y[p.run] = p.values[v] ?? null;
		return y;
	}));
	return { data: [x, ...means, ...single], values: most };
}

function options(width: number, runs: readonly Run[], curves: readonly Curve[],
	most: readonly number[]): uPlot.Options {
	const axis = { stroke: color('--dim'), grid: { stroke: color('--line'), width: 1 },
		ticks: { stroke: color('--line'), width: 1 } };
	const unit = curves[0]?.unit ?? '';
	return {
		width,
		height: HEIGHT,
		cursor: { points: { size: 9 }, drag: { setScale: false, x: false, y: false } },
		legend: { live: true },
		scales: { x: { time: false, range: (_, min, max) => [min - 0.5, max + 0.5] } },
		axes: [
			{ ...axis, label: 'run, the newest at the right', labelSize: 22,
				incrs: [1, 2, 5, 10, 20],
				values: (_, ticks) => ticks.map((t) => String(runs[t]?.id ?? '')) },
			{ ...axis, label: unit, labelSize: 22, size: 70,
				values: (_, ticks) => ticks.map(figure) },
		],
		series: [
			{ label: 'run', value: (_, i) => {
				const run = i === null ? undefined : runs[i];
				return run ? `${run.id}${run.commit ? ` (${shortCommit(run.commit)})` : ''}, ${utc(run.created_at_ms)}` : '–';
			} },
			...curves.map((c, k): uPlot.Series => ({
				label: `${c.variant}, mean`,
				stroke: color(COLORS[k % COLORS.length] as string),
				dash: DASHES[k % DASHES.length] as number[],
				width: 1.5,
				spanGaps: true,
				points: { show: true, size: 8, fill: color(COLORS[k % COLORS.length] as string) },
				value: (_, v) => (v === null ? '–' : `${figure(v)} ${unit}`),
			})),
			...curves.flatMap((_, k) => Array.from({ length: most[k] as number }, (): uPlot.Series => ({
				label: '',
				class: 'single',
				stroke: color(COLORS[k % COLORS.length] as string),
				paths: () => null,
				points: { show: true, size: 4, width: 1, stroke: color('--pale') },
			}))),
		],
	};
}

export function HistoryChart({ runs, curves }: {
	runs: readonly Run[]; // oldest first
	curves: readonly Curve[];
}): JSX.Element {
	const box = useRef<HTMLDivElement>(null);
	const theme = useTheme();
	useEffect(() => {
		const element = box.current as HTMLDivElement;
		const { data, values } = columns(runs.length, curves);
		const plot = new uPlot(options(element.clientWidth, runs, curves, values), data, element);
		const open = (): void => {
			const run = runs[plot.cursor.idx ?? -1];
			if (run)
				go(`/runs/${run.id}/overhead`);
		};
		plot.over.addEventListener('click', open);
		const observer = new ResizeObserver(() =>
			plot.setSize({ width: element.clientWidth, height: HEIGHT }));
		observer.observe(element);
		return () => {
			observer.disconnect();
			plot.destroy();
		};
	}, [runs, curves, theme]);
	return <div class="chart" ref={box} />;
}
