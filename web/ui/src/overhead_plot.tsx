// SPDX-License-Identifier: GPL-3.0-or-later
// The intervals of one table as a forest plot: what crosses the line at 1 may be
// no difference, what lies within the band is none that matters.
import type { JSX } from 'preact';
import type { OverheadTable, Verdict } from './api';
import { ratio } from './format';
import { columnTitle, intervalText } from './overhead_export';
import { tableScale } from './overhead_scale';

const WIDTH = 900;
const LABEL = 270;
const RIGHT = 20;
const ROW = 17;
const GROUP = 8; // between two machines
const TOP = 22;

interface Mark {
	label: string;
	overhead: number;
	interval: readonly [number, number] | null;
	verdict: Verdict;
	geomean: boolean;
	first: boolean; // of its group
}

function marksOf(t: OverheadTable): Mark[] {
	const title = (name: string, i: number): string => {
		const column = t.columns[i];
		return t.columns.length > 1 && column ? `${name} · ${columnTitle(column)}` : name;
	};
	const out: Mark[] = [];
	for (const [name, cells, geomean] of [
		...t.rows.map((r) => [r.machine, r.cells, false] as const),
		['geomean', t.rows.length > 1 ? t.geomean : [], true] as const,
	]) {
		let first = true;
		cells.forEach((c, i) => {
			if (!c)
				return;
			out.push({ label: title(name, i), overhead: c.overhead, interval: c.interval,
				verdict: c.verdict, geomean, first });
			first = false;
		});
	}
	return out;
}

function cut(text: string): string {
	return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

export function ForestPlot({ table }: { table: OverheadTable }): JSX.Element | null {
	const marks = marksOf(table);
	if (!marks.some((m) => m.interval))
		return null;
	const scale = tableScale(table);
	const x = (v: number): number => LABEL + scale.at(v) * (WIDTH - LABEL - RIGHT);
	const groups = marks.filter((m) => m.first).length;
	const height = TOP + marks.length * ROW + groups * GROUP;
	let y = TOP;
	return (
		<figure class="forest">
			<svg viewBox={`0 0 ${WIDTH} ${height}`} role="img"
				aria-label="Intervals of the table above, on a logarithmic axis">
				<rect class="margin" x={x(1 / (1 + table.margin))} y={TOP - 4}
					width={x(1 + table.margin) - x(1 / (1 + table.margin))} height={height - TOP + 4} />
				{scale.ticks.map((t) => (
					<g key={t} class={t === 1 ? 'one' : 'tick'}>
						<line x1={x(t)} x2={x(t)} y1={TOP - 4} y2={height} />
						<text x={x(t)} y={12} text-anchor="middle">{t}</text>
					</g>
				))}
				{marks.map((m, i) => {
					y += ROW + (m.first ? GROUP : 0);
					const mid = y - ROW / 2;
					const [lo, hi] = m.interval ?? [m.overhead, m.overhead];
					return (
						<g key={i} class={`mark ${m.verdict}${m.geomean ? ' geomean' : ''}`}>
							<title>{`${m.label}: ${ratio(m.overhead)} ${intervalText(m.interval)} ${m.verdict}`}</title>
							<text x={LABEL - 10} y={mid + 4} text-anchor="end">{cut(m.label)}</text>
							<line x1={x(lo)} x2={x(hi)} y1={mid} y2={mid} />
							{lo < scale.low && <path d={`M${x(lo) - 6} ${mid}l7 -4 0 8z`} />}
							{hi > scale.high && <path d={`M${x(hi) + 6} ${mid}l-7 -4 0 8z`} />}
							{m.geomean
								? <path d={`M${x(m.overhead) - 6} ${mid}l6 -5 6 5 -6 5z`} />
								: <circle cx={x(m.overhead)} cy={mid} r={3.5} />}
						</g>
					);
				})}
			</svg>
		</figure>
	);
}
