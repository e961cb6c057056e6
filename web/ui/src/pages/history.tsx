// SPDX-License-Identifier: GPL-3.0-or-later
// One series over time: its levels, since when they are so, and what is no change.
import '../pages.css';
import type { JSX } from 'preact';
import type { History, HistoryChange, HistoryPoint, SeriesRow } from '../api';
import { useApi } from '../data';
import { count, counted, ratio, shortCommit } from '../format';
import { HistoryChart } from '../history_chart';
import { LatelyList, SeriesFinder } from '../history_lately';
import {
	axisRange, choices, choose, marks, outside, type Part, parts, pointAddress, pointName, seriesAddress, seriesPath,
	type Wanted,
} from '../history_series';
import { figure } from '../job_parts';
import { go, useAddress, withQuery } from '../router';
import { Empty, ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';

function Choice({ part, all, chosen, metrics }: {
	part: Part;
	all: readonly SeriesRow[];
	chosen: SeriesRow;
	metrics: readonly string[];
}): JSX.Element {
	const set = (value: string): void => {
		if (part === 'metric') {
			go(withQuery({ metric: value }), true);
			return;
		}
		const fits = choose(all, { ...chosen, [part]: value });
		if (fits)
			go(seriesAddress(fits), true);
	};
	const offered = part === 'metric'
		? [...new Set([chosen.metric, ...metrics])].sort()
		: choices(all, chosen, part);
	return (
		<label>{part}{' '}
			<select value={chosen[part]} onChange={(e) => set(e.currentTarget.value)}>
				{offered.map((v) => <option key={v} value={v}>{v || '–'}</option>)}
			</select>
		</label>
	);
}

function Point({ p }: { p: HistoryPoint | undefined }): JSX.Element | null {
	if (!p)
		return null;
	return <a class="l" href={pointAddress(p)}>{pointName(p)}</a>;
}

function Change({ h, change: c }: { h: History; change: HistoryChange }): JSX.Element {
	const before = h.points[c.first - 1]?.run;
	const after = h.points[c.last]?.run;
	return (
		<li>
			<span class={c.verdict ?? ''}>{c.verdict ?? 'changed'}</span> since <Point p={h.points[c.index]} />:
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
					<span class="lab">another environment</span> from <Point p={h.points[e.index]} /> on:
					{' '}{e.key} {e.before ?? 'not known'} → {e.after ?? 'not known'}
				</li>
			))}
			{h.spikes.map((i) => (
				<li key={i}>
					<span class="lab">spike</span> in <Point p={h.points[i]} />: {figure(h.points[i]?.value ?? 0)} {h.unit}, once
				</li>
			))}
			{h.suspect !== null && (
				<li>From <Point p={h.points[h.suspect]} /> on it may be another level: measure again.</li>
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
				<thead><tr><th>point</th><th>when</th><th>commit</th><th class="n">mean</th><th>unit</th>
					<th class="n">n</th><th>values</th><th>remarks</th></tr></thead>
				<tbody>
					{h.points.map((p, i) => (
						<tr key={i} data-row>
							<td><Point p={p} /></td>
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

function Single({ p }: { p: HistoryPoint | undefined }): JSX.Element {
	return p?.run === undefined
		? (
			<Empty title="One import is a point, not a history." command="ironbench import FILE">
				<p>The curve begins with the second one.</p>
			</Empty>
		)
		: (
			<Empty title="One run is a point, not a history." command={`ironbench rerun ${p.run}`}>
				<p>Run it again, or push: the curve begins with the second run.</p>
			</Empty>
		);
}

function Series({ series }: { series: SeriesRow }): JSX.Element {
	const path = `/api/v1/series/${series.id}?branch=${encodeURIComponent(series.branch)}&values=1`;
	const { data: h, error, reload } = useApi<History>(path,
		(e) => e.event === 'job' && e.state === 'done', 2000);
	if (!h)
		return error
			? <ErrorBox what="The history cannot be shown" error={error} retry={reload} />
			: <Skeleton lines={6} />;
	const out = outside(h, axisRange(h)).length;
	return (
		<>
			<p class="sub">
				{counted(h.points.length, 'point')}{h.older && ' (there are older ones)'}
				{h.direction && `, ${h.direction} values are better`}
			</p>
			{h.points.length < 2 ? (
				<Single p={h.points[0]} />
			) : (
				<>
					<HistoryChart history={h} />
					<p class="sub">Dots: the mean of a run, paler its single values; lines: levels; a band: where
						a change may have begun; dashed: another environment.
						{out > 0 && ` Triangles at the edge: ${counted(out, 'point')} outside of the picture.`}
						{' '}A click opens the run.</p>
				</>
			)}
			<Findings h={h} />
			<Values h={h} />
		</>
	);
}

interface Listed {
	series: SeriesRow[];
	next: number | null;
}

// One series, by its names. What else there is of its metric is offered beside
// it; the series itself is asked for by all of its names, for there may be more
// than a list has.
function Chosen({ query }: { query: URLSearchParams }): JSX.Element {
	const want: Wanted = {};
	for (const part of parts) {
		const value = query.get(part);
		if (value !== null)
			want[part] = value;
	}
	const metrics = useApi<{ metrics: { name: string }[] }>('/api/v1/metrics');
	const siblings = useApi<Listed>(seriesPath({ metric: want.metric ?? '', limit: '500' }));
	const exact = useApi<Listed>(seriesPath({ ...want, limit: '500' }));
	const error = siblings.error ?? exact.error;
	const all = [...exact.data?.series ?? [], ...siblings.data?.series ?? []];
	const chosen = siblings.data && exact.data ? choose(all, want) : null;
	return (
		<>
			<p><a class="l" href="/history">All series, and what changed lately</a></p>
			{error && <ErrorBox what="The series cannot be listed" error={error} retry={siblings.reload} />}
			{!error && !(siblings.data && exact.data) && <Skeleton lines={6} />}
			{siblings.data && exact.data && !chosen && <Empty title="No such series has been measured." />}
			{chosen && (
				<>
					<div class="bar">
						{parts.map((p) => (
							<Choice key={p} part={p} all={all} chosen={chosen}
								metrics={metrics.data?.metrics.map((m) => m.name) ?? []} />
						))}
						{siblings.data?.next && (
							<span class="sub">of the first {count(siblings.data.series.length)} of this metric</span>
						)}
					</div>
					<Series key={`${chosen.id} ${chosen.branch}`} series={chosen} />
				</>
			)}
		</>
	);
}

export function HistoryPage(): JSX.Element {
	const { query } = useAddress();
	const metric = query.get('metric');
	useTitle(metric ? `${metric} · History` : 'History');
	return (
		<>
			<h1>History</h1>
			{metric
				? <Chosen query={query} />
				: (
					<>
						<LatelyList />
						<SeriesFinder query={query} />
					</>
				)}
		</>
	);
}
