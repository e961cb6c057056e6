// SPDX-License-Identifier: GPL-3.0-or-later
// A history as a picture: points, the level of each segment, changes with the
// stretch where they may be, environments, spikes.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { History } from './api';
import { shortCommit, utc } from './format';
import { axisRange, levelValues, outside, pointAddress, pointName } from './history_series';
import { figure } from './job_parts';
import { go } from './router';
import { useTheme } from './theme';

const HEIGHT = 340;

function color(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Point, spike, then the first, second ... single value of each point.
function columns(h: History): { data: uPlot.AlignedData; singles: number } {
	const spikes = new Set(h.spikes);
	const singles = Math.max(0, ...h.points.map((p) => p.values.length));
	return {
		data: [
			h.points.map((_, i) => i),
			levelValues(h),
			h.points.map((p, i) => (spikes.has(i) ? p.value : null)),
			...Array.from({ length: singles }, (_, k) => h.points.map((p) => p.values[k] ?? null)),
		],
		singles,
	};
}

function vertical(u: uPlot, x: number): void {
	const at = Math.round(u.valToPos(x, 'x', true));
	u.ctx.beginPath();
	u.ctx.moveTo(at, u.bbox.top);
	u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
	u.ctx.stroke();
}

// Under the points: where a change may be, and where environments begin.
function drawMarks(u: uPlot, h: History): void {
	const { ctx } = u;
	ctx.save();
	ctx.lineWidth = Math.max(1, devicePixelRatio);
	for (const c of h.changes) {
		const from = u.valToPos(c.first - 0.5, 'x', true);
		const to = u.valToPos(c.last + 0.5, 'x', true);
		const tone = color(c.verdict === 'worse' ? '--bad' : c.verdict === 'better' ? '--ok' : '--dim');
		ctx.fillStyle = tone;
		ctx.globalAlpha = 0.15;
		ctx.fillRect(from, u.bbox.top, to - from, u.bbox.height);
		ctx.globalAlpha = 1;
		ctx.strokeStyle = tone;
		ctx.setLineDash([]);
		vertical(u, c.index - 0.5);
	}
	ctx.strokeStyle = color('--lab');
	ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
	for (const index of new Set(h.environments.map((e) => e.index)))
		vertical(u, index - 0.5);
	ctx.restore();
}

function drawLevels(u: uPlot, h: History): void {
	const { ctx } = u;
	ctx.save();
	ctx.strokeStyle = color('--ink');
	ctx.lineWidth = 2 * devicePixelRatio;
	for (const s of h.segments) {
		if (!s.n)
			continue;
		const y = u.valToPos(s.mean, 'y', true);
		ctx.beginPath();
		ctx.moveTo(u.valToPos(s.begin - 0.4, 'x', true), y);
		ctx.lineTo(u.valToPos(s.end - 0.6, 'x', true), y);
		ctx.stroke();
	}
	ctx.restore();
}

// Points that the axis leaves out, as triangles at its ends.
function drawOutside(u: uPlot, h: History): void {
	const { ctx } = u;
	const size = 6 * devicePixelRatio;
	const spikes = new Set(h.spikes);
	ctx.save();
	for (const [i, side] of outside(h, axisRange(h))) {
		const x = u.valToPos(i, 'x', true);
		const y = side > 0 ? u.bbox.top + 1 : u.bbox.top + u.bbox.height - 1;
		ctx.fillStyle = color(spikes.has(i) ? '--lab' : '--accent');
		ctx.beginPath();
		ctx.moveTo(x, y);
		ctx.lineTo(x - size, y + side * 1.6 * size);
		ctx.lineTo(x + size, y + side * 1.6 * size);
		ctx.fill();
	}
	ctx.restore();
}

function options(width: number, h: History, singles: number): uPlot.Options {
	const axis = { stroke: color('--dim'), grid: { stroke: color('--line'), width: 1 },
		ticks: { stroke: color('--line'), width: 1 } };
	const shown = (v: number | null): string => (v === null ? '–' : `${figure(v)} ${h.unit}`);
	const dots = (name: string, size: number): Partial<uPlot.Series> => ({
		stroke: color(name),
		paths: () => null,
		points: { show: true, size, fill: color(name) },
	});
	return {
		width,
		height: HEIGHT,
		cursor: { points: { size: 9 }, drag: { setScale: false, x: false, y: false } },
		legend: { live: true },
		scales: {
			x: { time: false, range: (_, min, max) => [min - 0.5, max + 0.5] },
			y: { range: () => axisRange(h) },
		},
		axes: [
			{ ...axis, label: 'run, the newest at the right', labelSize: 22,
				incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
				values: (_, ticks) => ticks.map((t) => {
					const p = h.points[t];
					return p ? String(p.run ?? `i${p.import}`) : '';
				}) },
			{ ...axis, label: h.unit, labelSize: 22, size: 70,
				values: (_, ticks) => ticks.map(figure) },
		],
		series: [
			{ label: 'point', value: (_, i) => {
				const p = i === null ? undefined : h.points[i];
				return p ? `${pointName(p)}${p.commit ? ` (${shortCommit(p.commit)})` : ''}, ${utc(p.at_ms)}` : '–';
			} },
			{ label: 'mean', ...dots('--accent', 6), value: (_, v) => shown(v) },
			{ label: 'spike', ...dots('--lab', 9), value: (_, v) => shown(v) },
			...Array.from({ length: singles }, (): uPlot.Series => ({
				label: '',
				class: 'single',
				stroke: color('--accent'),
				paths: () => null,
				points: { show: true, size: 3, width: 1, stroke: color('--pale') },
			})),
		],
		hooks: {
			drawClear: [(u) => drawMarks(u, h)],
			draw: [(u) => drawLevels(u, h), (u) => drawOutside(u, h)],
		},
	};
}

export function HistoryChart({ history }: { history: History }): JSX.Element {
	const box = useRef<HTMLDivElement>(null);
	const theme = useTheme();
	useEffect(() => {
		const element = box.current as HTMLDivElement;
		const { data, singles } = columns(history);
		const plot = new uPlot(options(element.clientWidth, history, singles), data, element);
		const open = (): void => {
			const point = history.points[plot.cursor.idx ?? -1];
			if (point)
				go(pointAddress(point));
		};
		plot.over.addEventListener('click', open);
		const observer = new ResizeObserver(() =>
			plot.setSize({ width: element.clientWidth, height: HEIGHT }));
		observer.observe(element);
		return () => {
			observer.disconnect();
			plot.destroy();
		};
	}, [history, theme]);
	return <div class="chart" ref={box} />;
}
