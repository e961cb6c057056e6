// SPDX-License-Identifier: GPL-3.0-or-later
// One job: the line of the log that decided it, with its context, and everything
// that is known of it besides.
import '../pages.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { type Attempt, type Case, type Job, type JobHistory, type Matrix, post } from '../api';
import { useApi } from '../data';
import { Attempts, Evidence, Facts, Phases, Strip, Title } from '../job_head';
import { Cases, Events, Files, Samples, Why } from '../job_parts';
import { Console } from '../log_console';
import { go, useAddress } from '../router';
import { ActButton, ErrorBox, Skeleton, useTitle } from '../widgets';

const noCases: Case[] = [];

// The attempt that the address names, else the last.
function choose(job: Job, wanted: string | null): Attempt | undefined {
	return job.attempts.find((a) => String(a.no) === wanted)
		?? job.attempts[job.attempts.length - 1];
}

function Rerun({ run }: { run: number }): JSX.Element {
	return (
		<ActButton scope="submit" title={`Runs all of run ${run} again`} act={async () => {
			const { id } = await post<{ id: number }>(`/api/v1/runs/${run}/rerun`);
			go(`/runs/${id}`);
		}}>Rerun</ActButton>
	);
}

function Loaded({ job }: { job: Job }): JSX.Element {
	const { query } = useAddress();
	const ours = (e: { job?: number }): boolean => e.job === job.id;
	const matrix = useApi<Matrix>(`/api/v1/runs/${job.run}/matrix`, ours);
	const history = useApi<JobHistory>(`/api/v1/jobs/${job.id}/history`, ours);
	const attempt = choose(job, query.get('attempt'));
	const last = job.attempts[job.attempts.length - 1];
	// Cases are of the last attempt.
	const cases = useMemo(() => (attempt === last ? job.cases : noCases), [attempt === last, job.cases]);
	const words = job.state === 'done' ? job.outcome : job.state;
	useTitle(`${job.sign} ${job.item} on ${job.platform}: ${words}`);
	return (
		<>
			<Title job={job} attempt={attempt} />
			{attempt && <Phases job={job} attempt={attempt} />}
			<Facts job={job} attempt={attempt} cases={cases} matrix={matrix.data} />
			{job.state === 'queued' && <Why job={job} />}
			<Attempts job={job} chosen={attempt as Attempt} />
			{attempt && <Evidence attempt={attempt} counted={cases.length > 0} expected={job.expected} />}
			<Strip job={job} history={history.data?.history ?? []} />
			{attempt && (
				<Console key={attempt.id} job={job.id} attempt={attempt} cases={cases}
					tone={attempt.outcome === 'error' ? 'lab' : job.expected ? 'test' : 'bad'}>
					<Rerun run={job.run} />
				</Console>
			)}
			{!attempt && <p class="sub">{job.why ?? 'No machine has worked on it yet.'}</p>}
			{attempt && <Cases cases={cases} attempt={attempt} />}
			<Samples samples={job.samples} run={job.run} />
			{attempt && <Files key={attempt.id} attempt={attempt} />}
			<Events job={job} />
		</>
	);
}

export function JobPage({ id }: { id: number }): JSX.Element {
	const { data, error, reload } = useApi<Job>(`/api/v1/jobs/${id}`, (e) => e.job === id);
	useTitle(`job ${id}`);
	if (!data && error)
		return <ErrorBox what={`Job ${id} cannot be shown`} error={error} retry={reload} />;
	if (!data)
		return <Skeleton lines={6} />;
	return <Loaded job={data} />;
}
