// SPDX-License-Identifier: GPL-3.0-or-later
// What changed lately over all series, and the list to find a series in.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Lately, LatelyChange, SeriesRow } from './api';
import { useApi } from './data';
import { count, ratio, shortCommit } from './format';
import { seriesAddress, seriesPath } from './history_series';
import { figure } from './job_parts';
import { go, withQuery } from './router';
import { Empty, ErrorBox, Skeleton, Time, useFilterKey, useRows } from './widgets';

const REST_MS = 60000; // all points are read again: not with every run
const SHOWN = 20;
const MORE = 200;
const PAGE = 50;
const TYPING_MS = 300;

// ---- what changed -----------------------------------------------------------

function Row({ c }: { c: LatelyChange }): JSX.Element {
	return (
		<tr data-row>
			<td><Time at={c.at_ms} /></td>
			<td><a class="l" href={seriesAddress(c)}>{c.metric}</a></td>
			<td>{c.machine}</td>
			<td>{[c.variant, c.guest, c.controller].filter(Boolean).join(' ')}</td>
			<td>{c.branch}</td>
			<td class="n">{figure(c.before)} → <b>{figure(c.after)}</b> {c.unit}</td>
			<td><span class={c.verdict ?? ''}>{c.verdict ?? 'changed'}</span></td>
			<td class="n">
				{c.ratio !== null && <b>{ratio(c.ratio)}</b>}
				{c.interval && <span class="sub"> [{ratio(c.interval[0])}, {ratio(c.interval[1])}]</span>}
			</td>
			<td class="mono">
				{c.commit_before && c.commit_after && (
					<span title={`after ${c.commit_before}, not later than ${c.commit_after}`}>
						{shortCommit(c.commit_before)}..{shortCommit(c.commit_after)}</span>
				)}
			</td>
			<td>
				{c.run_before !== null && c.run_after !== null && (
					<a class="l" href={`/compare?a=${c.run_before}&b=${c.run_after}`}>
						{c.run_before} : {c.run_after}</a>
				)}
			</td>
		</tr>
	);
}

export function LatelyList(): JSX.Element {
	const rows = useRows<HTMLTableElement>();
	const [limit, setLimit] = useState(SHOWN);
	const shown = useRef<Lately | null>(null);
	const { data, error, reload } = useApi<Lately>(`/api/v1/changes?limit=${limit}`,
		(e) => e.event === 'run', REST_MS);
	if (data)
		shown.current = data;
	const all = shown.current;
	return (
		<section aria-labelledby="lately">
			<h2 id="lately">What changed lately</h2>
			{error && <ErrorBox what="The changes cannot be listed" error={error} retry={reload} />}
			{!all && !error && <Skeleton lines={4} />}
			{all && !all.changes.length && (
				<p class="sub">No change of level in {count(all.histories)} {all.histories === 1 ? 'history' : 'histories'}.</p>
			)}
			{all && all.changes.length > 0 && (
				<div class="scroll">
					<table ref={rows} class="lately">
						<thead><tr><th>since</th><th>metric</th><th>machine</th><th>variant</th><th>branch</th>
							<th class="n">level</th><th>verdict</th><th class="n">ratio</th><th>commits</th>
							<th>compare</th></tr></thead>
						<tbody>{all.changes.map((c) =>
							<Row key={`${c.series} ${c.branch} ${c.run} ${c.at_ms}`} c={c} />)}</tbody>
					</table>
				</div>
			)}
			{all?.more && limit < MORE && (
				<button type="button" onClick={() => setLimit(MORE)}>Show more</button>
			)}
		</section>
	);
}

// ---- all series -------------------------------------------------------------

function pathOf(find: string, after: string): string {
	return seriesPath({ limit: String(PAGE), find, after });
}

function FindBar({ find }: { find: string }): JSX.Element {
	const input = useFilterKey();
	const [text, setText] = useState(find);
	const timer = useRef(0);
	useEffect(() => setText(find), [find]);
	useEffect(() => () => clearTimeout(timer.current), []);
	const settle = (value: string): void => {
		clearTimeout(timer.current);
		go(withQuery({ find: value.trim(), after: null }), true);
	};
	return (
		<form class="bar" role="search" onSubmit={(e) => {
			e.preventDefault();
			settle(text);
		}}>
			<input ref={input} class="filter" type="search" aria-label="Find series" value={text}
				placeholder="seq128k t16-1 kvm" title="words of metric, machine, variant, guest and controller" spellcheck={false}
				autocomplete="off" onInput={(e) => {
					const value = e.currentTarget.value;
					setText(value);
					clearTimeout(timer.current);
					timer.current = window.setTimeout(() => settle(value), TYPING_MS);
				}} />
		</form>
	);
}

function SeriesTable({ list }: { list: readonly SeriesRow[] }): JSX.Element {
	const rows = useRows<HTMLTableElement>();
	return (
		<div class="scroll">
			<table ref={rows}>
				<thead><tr><th>metric</th><th>machine</th><th>variant</th><th>guest</th><th>controller</th>
					<th>branch</th><th class="n">points</th><th>newest</th></tr></thead>
				<tbody>
					{list.map((s) => (
						<tr key={`${s.id} ${s.branch}`} data-row>
							<td><a class="l" href={seriesAddress(s)}>{s.metric}</a></td>
							<td>{s.machine}</td>
							<td>{s.variant}</td>
							<td>{s.guest}</td>
							<td>{s.controller}</td>
							<td>{s.branch}</td>
							<td class="n">{count(s.points)}</td>
							<td><Time at={s.last_at_ms} /></td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export function SeriesFinder({ query }: { query: URLSearchParams }): JSX.Element {
	const find = query.get('find') ?? '';
	const after = /^\d{1,15}$/.test(query.get('after') ?? '') ? query.get('after') ?? '' : '';
	const shown = useRef<{ series: SeriesRow[]; next: number | null } | null>(null);
	const { data, error, reload } = useApi<{ series: SeriesRow[]; next: number | null }>(
		pathOf(find, after));
	if (data)
		shown.current = data;
	const list = shown.current;
	return (
		<section aria-labelledby="series">
			<h2 id="series">All series</h2>
			<FindBar find={find} />
			{error && <ErrorBox what="The series cannot be listed" error={error} retry={reload} />}
			{!list && !error && <Skeleton lines={6} />}
			{list && list.series.length > 0 && <SeriesTable list={list.series} />}
			{list && !list.series.length && (find || after
				? <p class="sub">No series has such names{list.next ? ' so far' : ''}.</p>
				: (
					<Empty title="Nothing has been measured yet." command="ironbench submit benchmarks.yaml --watch">
						<p>A suite with benchmarks (man ironbench-suite.yaml), run again and again, fills this page:</p>
					</Empty>
				))}
			{list && (after || list.next) && (
				<nav class="pager" aria-label="Pages of the series">
					{after && <a href={withQuery({ after: null })}>First</a>}
					{list.next && <a href={withQuery({ after: list.next })} rel="next">Next</a>}
				</nav>
			)}
		</section>
	);
}
