// SPDX-License-Identifier: GPL-3.0-or-later
// What the candidates cost, as the newest run that compared something says.
import '../pages.css';
import type { JSX } from 'preact';
import type { Overhead } from '../api';
import { count, utc } from '../format';
import { LOOKED_AT, useRunsWith } from '../history_runs';
import { Downloads } from '../overhead_table';
import { go, useAddress, withQuery } from '../router';
import { Empty, ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';
import { RunTables } from './run_overhead';

const has = (o: Overhead): boolean => o.tables.length > 0;

export function OverheadPage(): JSX.Element {
	const { query } = useAddress();
	const found = useRunsWith<Overhead>('overhead', has);
	const rows = useRows<HTMLDivElement>();
	useTitle('Overhead');
	const wanted = Number(query.get('run'));
	const chosen = found.runs.find((f) => f.run.id === wanted)
		?? found.runs.find((f) => f.run.state === 'done') ?? found.runs[0];
	return (
		<div ref={rows}>
			<h1>Overhead</h1>
			{found.error && <ErrorBox what="The runs cannot be asked" error={found.error} />}
			{!found.done && !chosen && !found.error && <Skeleton lines={6} />}
			{found.done && !chosen && (
				<Empty title={found.of
					? `None of the newest ${count(found.of)} runs compared two variants.`
					: 'There are no runs yet.'}
					command="ironbench submit benchmarks.yaml --watch">
					<p>A suite with variants and benchmarks (man ironbench-suite.yaml) fills this page:</p>
				</Empty>
			)}
			{chosen && (
				<>
					<div class="bar">
						<label>run{' '}
							<select value={String(chosen.run.id)}
								onChange={(e) => go(withQuery({ run: e.currentTarget.value }), true)}>
								{found.runs.map(({ run }) => (
									<option key={run.id} value={String(run.id)}>
										{run.id} · {run.name} · {utc(run.created_at_ms)}
									</option>
								))}
							</select>
						</label>
						<span class="sub">
							{found.done
								? `${count(found.runs.length)} of the newest ${count(Math.min(LOOKED_AT, found.of))} runs compared something`
								: `asked ${count(found.asked)} of ${count(found.of)} runs`}
						</span>
						<span class="sp" />
						<Downloads data={chosen.data} name={`overhead-run-${chosen.run.id}`} />
					</div>
					<div class="sub">
						Measured by <a class="l" href={`/runs/${chosen.run.id}`}>run {chosen.run.id}</a>
						{' '}({chosen.run.name}) <Time at={chosen.run.created_at_ms} />.
						Each table is of this run alone.
					</div>
					<RunTables key={chosen.run.id} id={chosen.run.id} data={chosen.data} />
				</>
			)}
		</div>
	);
}
