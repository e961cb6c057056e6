// SPDX-License-Identifier: GPL-3.0-or-later
// What the candidate costs against the baseline, as one run measured it.
import '../pages.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Overhead, Run, SampleSeries } from '../api';
import { useApi } from '../data';
import { Downloads, evidenceIn, OverheadTables, Notes } from '../overhead_table';
import { Empty, ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';

function RunTables({ id, data }: { id: number; data: Overhead }): JSX.Element {
	const samples = useApi<{ samples: SampleSeries[] }>(`/api/v1/runs/${id}/samples`,
		(e) => e.event === 'job' && e.run === id && e.state === 'done');
	const evidence = useMemo(
		() => (samples.data ? evidenceIn(samples.data.samples) : null), [samples.data]);
	return <OverheadTables data={data} evidence={evidence} />;
}

function Nothing({ id, data, run }: { id: number; data: Overhead; run: Run | null }): JSX.Element {
	return (
		<>
			<Notes notes={data.notes} />
			<Empty title={run && run.state !== 'done'
				? 'This run has not measured anything to compare yet.'
				: 'This run measured nothing that can be compared.'}
				command={`ironbench overhead ${id}`}>
				<p>{run && run.state !== 'done'
					? 'Tables appear here as its benchmarks end.'
					: 'A suite with variants and benchmarks does: man ironbench-suite.yaml. The same on a terminal:'}</p>
			</Empty>
		</>
	);
}

export function RunOverheadPage({ id }: { id: number }): JSX.Element {
	const run = useApi<Run>(`/api/v1/runs/${id}`, (e) => e.run === id && e.event === 'run');
	const { data, error, reload } = useApi<Overhead>(`/api/v1/runs/${id}/overhead`,
		(e) => e.event === 'job' && e.run === id && e.state === 'done');
	const rows = useRows<HTMLDivElement>();
	useTitle(`Overhead of run ${id}`);
	return (
		<div ref={rows}>
			<div class="sub">
				<a class="l" href={`/runs/${id}`}>run {id}</a>
				{run.data && <> · {run.data.name} · <Time at={run.data.created_at_ms} /></>}
				{run.data && run.data.state !== 'done' && <> · <span class="wait">… still running</span></>}
			</div>
			<div class="bar">
				<h1>Overhead</h1>
				<span class="sp" />
				{data && data.tables.length > 0 && <Downloads data={data} name={`overhead-run-${id}`} />}
			</div>
			{!data && error && (
				<ErrorBox what={`The overhead of run ${id} cannot be shown`} error={error} retry={reload} />
			)}
			{!data && !error && <Skeleton lines={6} />}
			{data && (data.tables.length
				? <RunTables id={id} data={data} /> : <Nothing id={id} data={data} run={run.data} />)}
		</div>
	);
}
