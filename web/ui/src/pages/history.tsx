// SPDX-License-Identifier: GPL-3.0-or-later
// One series over time: its levels, since when they are so, and what is no change.
import '../pages.css';
import type { JSX } from 'preact';
import type { History, HistoryChange, SeriesRow } from '../api';
import { useApi } from '../data';
import { count, counted, ratio, shortCommit } from '../format';
import { HistoryChart } from '../history_chart';
import { choices, choose, marks, type Part, parts, type Wanted } from '../history_series';
import { figure } from '../job_parts';
import { go, useAddress, withQuery } from '../router';
import { Empty, ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';

function Choice({ part, all, chosen }: {
	part: Part;
	all: readonly SeriesRow[];
	chosen: SeriesRow;
}): JSX.Element {
	const set = (value: string): void => {
		const fits = choose(all, { ...chosen, [part]: value });
		if (fits)
			go(withQuery(Object.fromEntries(parts.map((p) => [p, fits[p]]))), true);
	};
	return (
		<label>{part}{' '}
			<select value={chosen[part]} onChange={(e) => set(e.currentTarget.value)}>
				{choices(all, chosen, part).map((v) => <option key={v} value={v}>{v || '–'}</option>)}
			</select>
		</label>
	);
}

function Run({ h, index }: { h: History; index: number }): JSX.Element {
	const run = h.points[index]?.run;
	return <a class="l" href={`/runs/${run}`}>run {run}</a>;
}

function Change({ h, change: c }: { h: History; change: HistoryChange }): JSX.Element {
	const before = h.points[c.first - 1]?.run;
	const after = h.points[c.last]?.run;
	return (
		<li>
			<span class={c.verdict ?? ''}>{c.verdict ?? 'changed'}</span> since <Run h={h} index={c.index} />:
			{' '}{figure(c.before)} → <b>{figure(c.after)}</b> {h.unit}
			{c.ratio !== null && <> · ratio {ratio(c.ratio)}
				{c.interval && ` [${ratio(c.interval[0])}, ${ratio(c.interval[1])}]`}</>}
			{c.commit_before && c.commit_after && (
				<> · after <code title={c.commit_before}>{shortCommit(c.commit_before)}</code>, not later
					than <code title={c.commit_after}>{shortCommit(c.commit_after)}</code></>
			)}
			{before !== undefined && after !== undefined && (
				<> · <a class="l" href={`/compare?a=${before}&b=${after}`}>compare the runs</a></>
			)}
		</li>
	);
}

function Findings({ h }: { h: History }): JSX.Element {
	return (
		<ul class="findings">
			{h.changes.map((c) => <Change key={c.index} h={h} change={c} />)}
			{!h.changes.length && <li class="sub">No change of level.</li>}
			{h.environments.map((e) => (
				<li key={`${e.index} ${e.key}`}>
					<span class="lab">another environment</span> from <Run h={h} index={e.index} /> on:
					{' '}{e.key} {e.before ?? 'not known'} → {e.after ?? 'not known'}
				</li>
			))}
			{h.spikes.map((i) => (
				<li key={i}>
					<span class="lab">spike</span> in <Run h={h} index={i} />: {figure(h.points[i]?.value ?? 0)} {h.unit}, once
				</li>
			))}
			{h.suspect !== null && (
				<li>From <Run h={h} index={h.suspect} /> on it may be another level: measure again.</li>
			)}
		</ul>
	);
}

function Values({ h }: { h: History }): JSX.Element {
	const rows = useRows<HTMLTableElement>();
	const said = marks(h);
	return (
		<div class="scroll">
			<table ref={rows}>
				<thead><tr><th>run</th><th>when</th><th>commit</th><th class="n">mean</th><th>unit</th>
					<th class="n">n</th><th>values</th><th>remarks</th></tr></thead>
				<tbody>
					{h.points.map((p, i) => (
						<tr key={p.attempt} data-row>
							<td><a class="l" href={`/runs/${p.run}`}>{p.run}</a></td>
							<td><Time at={p.at_ms} /></td>
							<td class="mono">{p.commit ? shortCommit(p.commit) : ''}</td>
							<td class="n"><b>{p.value === null ? '–' : figure(p.value)}</b></td>
							<td>{h.unit}</td>
							<td class="n">{p.values.length}</td>
							<td class="wrap mono">{p.values.map(figure).join('  ')}</td>
							<td class="wrap">{said[i]?.join(', ')}</td>
						</tr>
					)).reverse()}
				</tbody>
			</table>
		</div>
	);
}

function Series({ series }: { series: SeriesRow }): JSX.Element {
	const path = `/api/v1/series/${series.id}?branch=${encodeURIComponent(series.branch)}`;
	const { data: h, error, reload } = useApi<History>(path,
		(e) => e.event === 'job' && e.state === 'done', 2000);
	if (!h)
		return error
			? <ErrorBox what="The history cannot be shown" error={error} retry={reload} />
			: <Skeleton lines={6} />;
	return (
		<>
			<p class="sub">
				{counted(h.points.length, 'point')}{h.older && ' (there are older ones)'}
				{h.direction && `, ${h.direction} values are better`}
			</p>
			{h.points.length < 2 ? (
				<Empty title="One run is a point, not a history."
					command={`ironbench rerun ${h.points[0]?.run ?? ''}`}>
					<p>Run it again, or push: the curve begins with the second run.</p>
				</Empty>
			) : (
				<>
					<HistoryChart history={h} />
					<p class="sub">Dots: the mean of a run, paler its single values; lines: levels; a band: where
						a change may have begun; dashed: another environment. A click opens the run.</p>
				</>
			)}
			<Findings h={h} />
			<Values h={h} />
		</>
	);
}

export function HistoryPage(): JSX.Element {
	const { query } = useAddress();
	useTitle('History');
	const { data, error, reload } = useApi<{ series: SeriesRow[]; next: number | null }>(
		'/api/v1/series?limit=500');
	const want: Wanted = {};
	for (const part of parts) {
		const value = query.get(part);
		if (value !== null)
			want[part] = value;
	}
	const all = data?.series ?? [];
	const chosen = choose(all, want);
	return (
		<>
			<h1>History</h1>
			{error && <ErrorBox what="The series cannot be listed" error={error} retry={reload} />}
			{!data && !error && <Skeleton lines={6} />}
			{data && !chosen && (
				<Empty title="Nothing has been measured yet." command="ironbench submit benchmarks.yaml --watch">
					<p>A suite with benchmarks (man ironbench-suite.yaml), run again and again, fills this page:</p>
				</Empty>
			)}
			{chosen && (
				<>
					<div class="bar">
						{parts.map((p) => <Choice key={p} part={p} all={all} chosen={chosen} />)}
						{data?.next && <span class="sub">of the first {count(all.length)} series</span>}
					</div>
					<Series key={`${chosen.id} ${chosen.branch}`} series={chosen} />
				</>
			)}
		</>
	);
}
