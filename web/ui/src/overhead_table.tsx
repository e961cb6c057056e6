// SPDX-License-Identifier: GPL-3.0-or-later
// Overhead tables: which cells differ, by how much, and how sure that is.
import type { JSX } from 'preact';
import type { Machine, Overhead, OverheadCell, OverheadTable, SampleSeries, Verdict } from './api';
import { useApi } from './data';
import { ratio, unbroken } from './format';
import { figure } from './job_parts';
import {
	columnTitle, intervalText, longCsv, tableCsv, tablesMarkdown, tableTitle,
} from './overhead_export';
import { ForestPlot } from './overhead_plot';

// ---- verdicts --------------------------------------------------------------

const signs: Record<Verdict, string> = { worse: '▲', better: '▼', same: '=', unknown: '?' };
const about: Record<Verdict, string> = {
	worse: 'the candidate is slower',
	better: 'the candidate is faster',
	same: 'equal within the margin',
	unknown: 'not known yet: more pairs would tell',
};

export function VerdictLegend(): JSX.Element {
	return (
		<ul class="legend" aria-label="What the signs mean">
			{(Object.keys(signs) as Verdict[]).map((v) => (
				<li key={v}><span class={v}>{signs[v]} {v}</span>: {about[v]}</li>
			))}
		</ul>
	);
}

// ---- cells -----------------------------------------------------------------

function pText(p: number): string {
	return p < 0.001 ? 'p < 0.001' : `p = ${p.toPrecision(2)}`;
}

const methods: Record<OverheadCell['method'], (n: number) => string> = {
	paired: (n) => `${n} pairs, paired t on logs`,
	welch: (n) => `${n} values in the smaller arm, Welch's t on logs`,
	summary: (n) => `imported means, deviations and counts (${n || 'not said'}), Welch's t by the delta method`,
	best: (n) => `the best of ${n || 'several'} on each side, imported: a best has no spread, so no interval`,
	published: () => 'published by others: there are no values behind it',
	pooled: (n) => `geometric mean of ${n} cells`,
};

function middle(method: OverheadCell['method']): string {
	if (method === 'best')
		return 'bests';
	return method === 'summary' ? 'means' : 'geometric means';
}

function cellTitle(c: OverheadCell, t: OverheadTable): string {
	const mean = (x: number | null): string => (x === null ? 'not known' : `${figure(x)} ${t.unit}`);
	return [
		...(bare[c.method] ? [] : [`${c.verdict}: ${about[c.verdict]}`]),
		methods[c.method](c.n) + (c.p === null ? '' : `, ${pText(c.p)}`),
		...(c.method === 'published' ? [] : [
			`baseline ${mean(c.baseline_mean)}, candidate ${mean(c.candidate_mean)} `
			+ `(${middle(c.method)})`]),
	].join('\n');
}

// The job that measured a cell.
export type Evidence = (t: OverheadTable, machine: string, column: number) => number | null;

export function evidenceIn(samples: readonly SampleSeries[]): Evidence {
	const jobs = new Map<string, number>();
	for (const s of samples)
		jobs.set(JSON.stringify([s.metric, s.variant, s.machine, s.guest, s.controller]), s.job);
	return (t, machine, column) => {
		const c = t.columns[column];
		return c && (jobs.get(JSON.stringify(
			[t.metric, t.candidate, machine, c.guest, c.controller])) ?? null) || null;
	};
}

function Value({ overhead, interval, verdict }: {
	overhead: number;
	interval: readonly [number, number] | null;
	verdict: Verdict;
}): JSX.Element {
	return (
		<>
			<span class={verdict}>{signs[verdict]} {ratio(overhead)}</span>
			<span class="ci">{interval ? intervalText(interval) : 'no interval'}</span>
			<span class="hidden">{verdict}</span>
		</>
	);
}

// A printed ratio, or one of two bests: no measurement of ours can tell more.
const bare: Partial<Record<OverheadCell['method'], (n: number) => string>> = {
	published: () => 'published',
	best: (n) => (n ? `best of ${n}` : 'best of some'),
};

function Cell({ c, t, job }: { c: OverheadCell | null; t: OverheadTable; job: number | null }): JSX.Element {
	if (!c)
		return <td class="n pale" title="not measured">–</td>;
	const why = bare[c.method];
	const value = why
		? <><span class="unknown">{ratio(c.overhead)}</span><span class="ci">{why(c.n)}</span></>
		: <Value overhead={c.overhead} interval={c.interval} verdict={c.verdict} />;
	return (
		<td class="n" title={cellTitle(c, t)}>
			{job ? <a href={`/jobs/${job}`}>{value}</a> : value}
		</td>
	);
}

function heterogeneity(i2: number | null, sd: number | null): string {
	if (i2 === null)
		return '';
	const percent = Math.round(100 * i2);
	return `machines differ: I² ${percent} %${sd === null ? '' : `, sd ${sd.toPrecision(2)} (log)`}`;
}

function Geomean({ t }: { t: OverheadTable }): JSX.Element | null {
	if (!t.geomean.some((g) => g))
		return null;
	return (
		<tr class="geomean">
			<th scope="row">geomean</th>
			{t.geomean.map((g, i) => (g ? (
				<td key={i} class="n" title={`${g.verdict}: ${about[g.verdict]}\n`
					+ `over ${g.k} of ${g.m} machines, which are the replicates\n${heterogeneity(g.i2, g.between_sd)}`}>
					<Value overhead={g.overhead} interval={g.interval} verdict={g.verdict} />
					<span class="ci">{g.k} of {g.m}{g.i2 !== null && g.k > 1
						? ` · I² ${Math.round(100 * g.i2)} %` : ''}</span>
				</td>
			) : <td key={i} class="n pale">–</td>))}
		</tr>
	);
}

// ---- a table ---------------------------------------------------------------

// 'n = 6 pairs a cell', or the least and the most.
function pairs(t: OverheadTable): string {
	const cells = t.rows.flatMap((r) => r.cells)
		.filter((c) => c !== null && (c.method === 'paired' || c.method === 'welch')) as OverheadCell[];
	const n = cells.map((c) => c.n);
	const what = cells.every((c) => c.method === 'paired') ? 'pairs' : 'values';
	if (!n.length)
		return '';
	const [low, high] = [Math.min(...n), Math.max(...n)];
	return `n = ${low === high ? low : `${low} to ${high}`} ${what} a cell`;
}

function Table({ t, name, evidence, lab }: {
	t: OverheadTable;
	name: string; // of what is downloaded
	evidence: Evidence | null;
	lab: ReadonlySet<string>; // names of its machines: they have pages
}): JSX.Element {
	return (
		<section aria-label={tableTitle(t)}>
			<div class="bar title">
				<h2>
					{t.metric}{' '}
					<span class="sub light">
						{[`· ${t.direction} is better`, pairs(t), `margin ±${(t.margin * 100).toPrecision(2)}\u00a0%`]
							.filter(Boolean).join(' · ')}
					</span>
				</h2>
				<span class="sp" />
				<Download name={`${name}-${t.metric}.csv`} type="text/csv" text={() => tableCsv(t)}>CSV</Download>
			</div>
			<div class="sub versus">
				baseline <b class="mono">{t.baseline}</b> · candidate <b class="mono">{t.candidate}</b>
			</div>
			<div class="scroll">
				<table class="overhead">
					<thead>
						<tr><th>machine</th>{t.columns.map((c, i) => (
							<th key={i} class="n">{columnTitle(c)}</th>))}</tr>
					</thead>
					<tbody>
						{t.rows.map((r) => (
							<tr key={r.machine} data-row>
								<th scope="row" class="mono">
									{lab.has(r.machine)
										? <a href={`/machines/${encodeURIComponent(r.machine)}`}>{r.machine}</a>
										: <span title="not a machine of this lab">{r.machine}</span>}</th>
								{r.cells.map((c, i) => (
									<Cell key={i} c={c} t={t} job={evidence?.(t, r.machine, i) ?? null} />))}
							</tr>
						))}
						{t.rows.length > 1 && <Geomean t={t} />}
					</tbody>
				</table>
			</div>
			<ForestPlot table={t} />
			<p class="sub definition">{unbroken(t.definition)}</p>
		</section>
	);
}

// ---- downloads -------------------------------------------------------------

function Download({ name, type, text, children }: {
	name: string;
	type: string;
	text: () => string;
	children: string;
}): JSX.Element {
	return (
		<button type="button" title={`download ${name}`} onClick={() => {
			const url = URL.createObjectURL(new Blob([text()], { type: `${type};charset=utf-8` }));
			const a = document.createElement('a');
			a.href = url;
			a.download = name;
			a.click();
			setTimeout(() => URL.revokeObjectURL(url), 1000);
		}}>{children}</button>
	);
}

export function Downloads({ data, name }: { data: Overhead; name: string }): JSX.Element {
	return (
		<>
			<Download name={`${name}-long.csv`} type="text/csv"
				text={() => longCsv(data.tables)}>Long CSV</Download>
			<Download name={`${name}.json`} type="application/json"
				text={() => `${JSON.stringify(data, null, '\t')}\n`}>JSON</Download>
			<Download name={`${name}.md`} type="text/markdown"
				text={() => tablesMarkdown(data.tables)}>Markdown</Download>
		</>
	);
}

// ---- all of a run ----------------------------------------------------------

const NOTES_SHOWN = 6;

export function Notes({ notes }: { notes: readonly string[] }): JSX.Element | null {
	if (!notes.length)
		return null;
	const items = (list: readonly string[]): JSX.Element => <ul>{list.map((n) => <li key={n}>{n}</li>)}</ul>;
	const rest = notes.slice(NOTES_SHOWN);
	return (
		<div class="alert">
			<b>Left out</b>
			{items(notes.slice(0, NOTES_SHOWN))}
			{rest.length > 0 && <details><summary>and {rest.length} more</summary>{items(rest)}</details>}
		</div>
	);
}

export function OverheadTables({ data, evidence }: {
	data: Overhead;
	evidence: Evidence | null;
}): JSX.Element {
	const { data: machines } = useApi<{ machines: Machine[] }>('/api/v1/machines');
	const lab = new Set(machines?.machines.map((m) => m.name));
	return (
		<>
			<VerdictLegend />
			<Notes notes={data.notes} />
			{data.tables.map((t) => (
				<Table key={[t.metric, t.baseline, t.candidate].join('\n')} t={t}
					name={data.run === null ? 'overhead' : `overhead-run-${data.run}`} evidence={evidence} lab={lab} />
			))}
		</>
	);
}
