// SPDX-License-Identifier: GPL-3.0-or-later
// One metric over the newest runs that measured it.
import '../pages.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Run, SampleSeries } from '../api';
import { count, shortCommit } from '../format';
import { HistoryChart } from '../history_chart';
import { LOOKED_AT, useRunsWith } from '../history_runs';
import { choose, type Curve, curves, type Key, keys } from '../history_series';
import { figure } from '../job_parts';
import { go, useAddress, withQuery } from '../router';
import { Empty, ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';

interface Samples {
	samples: SampleSeries[];
}

const has = (s: Samples): boolean => s.samples.length > 0;

// The choices for one part of the key, the others being as they are.
function Choice({ name, part, all, key_ }: {
	name: string;
	part: keyof Key;
	all: readonly Key[];
	key_: Key;
}): JSX.Element {
	const open = all.filter((k) =>
		part === 'metric' || (k.metric === key_.metric && (part === 'machine' || k.machine === key_.machine)));
	return (
		<label>{name}{' '}
			<select value={key_[part]}
				onChange={(e) => go(withQuery({ ...key_, [part]: e.currentTarget.value }), true)}>
				{[...new Set(open.map((k) => k[part]))].map((v) => <option key={v} value={v}>{v || '–'}</option>)}
			</select>
		</label>
	);
}

function Values({ runs, list }: { runs: readonly Run[]; list: readonly Curve[] }): JSX.Element {
	const rows = useRows<HTMLTableElement>();
	const points = list.flatMap((c) => c.points.map((p) => ({ c, p })))
		.sort((a, b) => b.p.run - a.p.run);
	return (
		<div class="scroll">
			<table ref={rows}>
				<thead><tr><th>run</th><th>when</th><th>commit</th><th>variant</th><th class="n">mean</th>
					<th>unit</th><th class="n">n</th><th>values</th></tr></thead>
				<tbody>
					{points.map(({ c, p }) => {
						const run = runs[p.run] as Run;
						return (
							<tr key={`${run.id} ${c.variant}`} data-row>
								<td><a class="l" href={`/runs/${run.id}/overhead`}>{run.id}</a></td>
								<td><Time at={run.created_at_ms} /></td>
								<td class="mono">{run.commit ? shortCommit(run.commit) : ''}</td>
								<td class="mono">{c.variant}</td>
								<td class="n"><b>{figure(p.mean)}</b></td>
								<td>{c.unit}</td>
								<td class="n">{p.values.length}</td>
								<td class="wrap mono">{p.values.map(figure).join('  ')}</td>
							</tr>
						);
					})}
				</tbody>
			</table>
		</div>
	);
}

export function HistoryPage(): JSX.Element {
	const { query } = useAddress();
	const found = useRunsWith<Samples>('samples', has);
	useTitle('History');
	const runs = useMemo(() => found.runs.map((f) => f.run).reverse(), [found.runs]);
	const samples = useMemo(() => found.runs.map((f) => f.data.samples).reverse(), [found.runs]);
	const all = useMemo(() => keys(samples), [samples]);
	const key = choose(all, { metric: query.get('metric') ?? '',
		machine: query.get('machine') ?? '', place: query.get('place') ?? '' });
	const list = useMemo(() => (key ? curves(samples, key) : []),
		[samples, key?.metric, key?.machine, key?.place]);
	const measured = new Set(list.flatMap((c) => c.points.map((p) => p.run))).size;
	return (
		<>
			<h1>History</h1>
			{found.error && <ErrorBox what="The runs cannot be asked" error={found.error} />}
			{!found.done && !found.error && <Skeleton lines={6} />}
			{found.done && !key && (
				<Empty title={found.of
					? `None of the newest ${count(found.of)} runs measured anything.` : 'There are no runs yet.'}
					command="ironbench submit benchmarks.yaml --watch">
					<p>A suite with benchmarks (man ironbench-suite.yaml), run again and again, fills this page:</p>
				</Empty>
			)}
			{found.done && key && (
				<>
					<div class="bar">
						<Choice name="metric" part="metric" all={all} key_={key} />
						<Choice name="machine" part="machine" all={all} key_={key} />
						<Choice name="guest" part="place" all={all} key_={key} />
						<span class="sub">
							{count(measured)} of the newest {count(Math.min(LOOKED_AT, found.of))} runs measured this
						</span>
					</div>
					{measured < 2 ? (
						<Empty title="One run is a point, not a history."
							command={`ironbench rerun ${runs[runs.length - 1]?.id ?? ''}`}>
							<p>Run it again, or push: the curve begins with the second run.</p>
						</Empty>
					) : (
						<>
							<HistoryChart runs={runs} curves={list} />
							<p class="sub">Large: the mean of a run; small: its single values. A click opens
								the run.</p>
						</>
					)}
					<Values runs={runs} list={list} />
				</>
			)}
		</>
	);
}
