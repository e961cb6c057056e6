// SPDX-License-Identifier: GPL-3.0-or-later
// One run: what is newly broken, how far it is, and its matrix, filling.
import '../runs.css';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Changes, type Comparison, get, type Overhead, post, type Run, type RunDetail } from '../api';
import { useApi } from '../data';
import { count, counted, duration, shortCommit } from '../format';
import { type LiveMatrix, useMatrix } from '../matrix';
import { matrixCsv } from '../matrix_csv';
import { go, useAddress, withQuery } from '../router';
import { RunChanges } from '../run_changes';
import { download, RunMatrix, type Show, shows } from '../run_matrix';
import {
	ActButton, ConfirmDialog, Count, ErrorBox, Legend, Progress, Skeleton, Ticking, Time, type Tone,
	useFilterKey, useTitle,
} from '../widgets';

const REST_MS = 250;
const LEFT_MS = 10000; // how often the time left is asked for again

function titleOf(run: Run | null, id: number): string {
	if (!run)
		return `run ${id}`;
	const { jobs } = run;
	const bad = jobs.failed + jobs.error;
	const of = `run ${id}`;
	if (bad)
		return `✗ ${count(bad)} failed · ${of}`;
	if (run.state === 'done')
		return run.status === 'success' ? `✓ passed · ${of}` : `${run.status} · ${of}`;
	if (run.state === 'resolving')
		return `… resolving · ${of}`;
	return `… ${count(jobs.total - jobs.waiting - jobs.running)}/${count(jobs.total)} · ${of}`;
}

// Only what a browser would open as a page is a link.
function webLink(link: string | null): string | null {
	return link && /^https?:\/\//i.test(link) ? link : null;
}

function Commit({ run }: { run: Run }): JSX.Element | null {
	const link = webLink(run.link);
	const text = run.commit ? shortCommit(run.commit) : link;
	if (!text)
		return null;
	return (
		<> · {link
			? <a class="l" href={link} rel="noreferrer" title={run.commit ?? link}>{text}</a>
			: <code title={run.commit ?? ''}>{text}</code>}</>
	);
}

const stateText: Record<Run['state'], string> = {
	resolving: 'resolving: its files are being fetched and checked',
	open: 'open',
	done: 'done',
};

function Line({ run }: { run: Run }): JSX.Element {
	return (
		<div class="sub">
			run {run.id} · priority {run.priority} · {run.kind === 'canary' ? 'canary started' : 'started'} <Time at={run.created_at_ms} /> by
			{' '}{run.user}<Commit run={run} />
			{run.rerun_of !== null && (
				<> · only what failed in <a class="l" href={`/runs/${run.rerun_of}`}>run {run.rerun_of}</a></>
			)} · <span class={run.state === 'done' ? '' : 'wait'}>
				{stateText[run.state]}</span>
		</div>
	);
}

function Card({ label, tone = '', children }: {
	label: string;
	tone?: Tone;
	children: ComponentChildren;
}): JSX.Element {
	return <div class="card">{label}<b class={tone}>{children}</b></div>;
}

function LeftCard({ run, changes }: { run: Run; changes: Changes | null }): JSX.Element {
	if (run.state === 'done' && run.ended_at_ms)
		return <Card label="Took">{duration(run.ended_at_ms - run.created_at_ms)}</Card>;
	const left = changes?.left_ms;
	if (left !== null && left !== undefined)
		return <Card label="Left">~{duration(left)}</Card>;
	return (
		<Card label="Since">
			<Ticking text={(now) => duration(Math.max(1000, now - run.created_at_ms))} />
		</Card>
	);
}

function Cards({ run, changes }: { run: Run; changes: Changes | null }): JSX.Element {
	const { jobs } = run;
	const only = (show: string): string => withQuery({ only: show, q: null });
	return (
		<div class="cards">
			<Card label="Passed"><Count n={jobs.passed} tone="ok" /></Card>
			<Card label="Failed"><a href={only('failures')}><Count n={jobs.failed} tone="bad" /></a></Card>
			<Card label="Lab errors"><a href={only('failures')}><Count n={jobs.error} tone="lab" /></a></Card>
			<Card label="Running and waiting">
				<a href={only('open')}><Count n={jobs.running + jobs.waiting} /></a>
			</Card>
			{jobs.disabled > 0 && <Card label="Disabled"><Count n={jobs.disabled} /></Card>}
			<LeftCard run={run} changes={changes} />
		</div>
	);
}

// Whether the run has measurements; asked once it may have.
function useHasOverhead(run: Run | null): boolean {
	const [has, set] = useState(false);
	const ended = run ? run.jobs.total - run.jobs.waiting - run.jobs.running : 0;
	const ask = !!run && ended > 0 && !has && (run.state === 'done' || ended === 1);
	useEffect(() => {
		if (!ask || !run)
			return;
		const stop = new AbortController();
		get<Overhead>(`/api/v1/runs/${run.id}/overhead`, stop.signal)
			.then((o) => set(o.tables.length > 0))
			.catch(() => undefined); // no link then
		return () => stop.abort();
	}, [ask, run?.id]);
	return has;
}

// What a run measured against the one before it; asked once it is done.
function useCompared(run: Run, against: number | null): Comparison | null {
	const [data, set] = useState<Comparison | null>(null);
	const ask = run.state === 'done' && against !== null;
	useEffect(() => {
		if (!ask)
			return;
		const stop = new AbortController();
		get<Comparison>(`/api/v1/compare?a=${against}&b=${run.id}`, stop.signal)
			.then((c) => set(c.rows.length > 0 ? c : null))
			.catch(() => undefined); // no link then
		return () => stop.abort();
	}, [ask, run.id, against]);
	return data;
}

function CompareLink({ data }: { data: Comparison }): JSX.Element {
	const { a, b, counts } = data;
	return (
		<a class="button" href={`/compare?a=${a.run}&b=${b.run}`}
			title={`${counts.worse} worse, ${counts.unknown} unknown, ${counts.same} same, ${counts.better} better`}>
			Compare with run {a.run}{counts.worse > 0 && <> · <span class="worse">{counts.worse} worse</span></>}
		</a>
	);
}

function Acts({ run }: { run: Run }): JSX.Element {
	const [cancelling, setCancelling] = useState(false);
	const rerun = async (body?: { only: 'failed' }): Promise<void> => {
		const made = await post<{ id: number }>(`/api/v1/runs/${run.id}/rerun`, body);
		go(`/runs/${made.id}`);
	};
	const failed = run.jobs.failed + run.jobs.error;
	return (
		<>
			<ActButton scope="submit" act={() => rerun()} title="Starts a new run of the same suite and files">
				Rerun
			</ActButton>
			{failed > 0 && (
				<ActButton scope="submit" quiet act={() => rerun({ only: 'failed' })}
					title={`Starts a new run of ${counted(failed, 'job')} that failed so far, lab errors too`}>
					Rerun failed
				</ActButton>
			)}
			{run.state !== 'done' && (
				<ActButton scope="submit" danger quiet act={() => Promise.resolve(setCancelling(true))}>
					Cancel
				</ActButton>
			)}
			{cancelling && (
				<ConfirmDialog title={`Cancel run ${run.id}?`} verb="Cancel the run" danger
					act={() => post(`/api/v1/runs/${run.id}/cancel`)} close={() => setCancelling(false)}>
					<p>What waits is not started any more; what runs is stopped, and its machines are
						switched off. What has ended keeps its result.</p>
				</ConfirmDialog>
			)}
		</>
	);
}

function Toggle({ show, now, children }: {
	show: NonNullable<Show>;
	now: Show;
	children: string;
}): JSX.Element {
	return (
		<button type="button" aria-pressed={now === show}
			onClick={() => go(withQuery({ only: now === show ? null : show }), true)}>
			{children}
		</button>
	);
}

function MatrixBar({ run, matrix, against, show, filter }: {
	run: Run;
	matrix: LiveMatrix;
	against: number | null;
	show: Show;
	filter: string;
}): JSX.Element {
	const input = useFilterKey();
	const overhead = useHasOverhead(run);
	const compared = useCompared(run, against);
	const csv = (): void =>
		download(`run-${run.id}.csv`, 'text/csv;charset=utf-8', matrixCsv(matrix));
	return (
		<div class="bar">
			<h2>Matrix</h2>
			<span class="sub">
				{counted(matrix.items.length, 'item')} × {counted(matrix.platforms.length, 'platform')}
			</span>
			<input ref={input} type="search" class="short" aria-label="Filter items" placeholder="/ item"
				value={filter} spellcheck={false} autocomplete="off"
				onInput={(e) => go(withQuery({ q: e.currentTarget.value }), true)} />
			<Toggle show="changes" now={show}>Only changes</Toggle>
			<Toggle show="failures" now={show}>Only failures</Toggle>
			{show === 'open' && <Toggle show="open" now={show}>Only running</Toggle>}
			<span class="sp" />
			{overhead && <a class="button" href={`/runs/${run.id}/overhead`}>Overhead</a>}
			{compared && <CompareLink data={compared} />}
			<button type="button" onClick={csv}>CSV</button>
			<a class="button" href={`/api/v1/runs/${run.id}/matrix`} download={`run-${run.id}.json`}>JSON</a>
			<Acts run={run} />
		</div>
	);
}

function showOf(query: URLSearchParams): Show {
	const only = query.get('only');
	return shows.find((s) => s === only) ?? null;
}

function Matrix({ run, changes }: { run: Run; changes: Changes | null }): JSX.Element {
	const { query } = useAddress();
	const { matrix, error, reload } = useMatrix(run.id);
	const show = showOf(query);
	const filter = query.get('q') ?? '';
	if (!matrix)
		return error
			? <ErrorBox what="The matrix cannot be shown" error={error} retry={reload} />
			: <Skeleton lines={8} />;
	return (
		<>
			{error && <ErrorBox what="The matrix cannot be shown as it is now" error={error} retry={reload} />}
			<MatrixBar run={run} matrix={matrix} against={changes?.against ?? null} show={show} filter={filter} />
			{matrix.items.length
				? (
					<RunMatrix matrix={matrix} changes={changes} show={show} filter={filter}
						clear={<a class="l" href={withQuery({ only: null, q: null })}>Show all</a>} />
				)
				: (
					<div class="empty">{run.state === 'resolving'
						? 'The items are known when the files are there.'
						: 'This run has no items.'}</div>
				)}
			<Legend />
		</>
	);
}

// What the suite asks for and does not get: a run that is green all the same.
function Ignored({ keys }: { keys: string[] }): JSX.Element | null {
	if (!keys.length)
		return null;
	return (
		<details class="sub">
			<summary>{counted(keys.length, 'key')} of the suite without effect yet</summary>
			<ul>{keys.map((key) => <li key={key}><code>{key}</code></li>)}</ul>
		</details>
	);
}

export function RunPage({ id }: { id: number }): JSX.Element {
	const path = `/api/v1/runs/${id}`;
	const { data: run, error, reload } = useApi<RunDetail>(path, (e) => e.run === id, REST_MS);
	const { data: changes, error: noChanges, reload: readChanges } = useApi<Changes>(
		`${path}/changes`, (e) => e.run === id, REST_MS);
	const isOpen = run?.state === 'open';
	useTitle(titleOf(run, id));
	useEffect(() => {
		if (!isOpen)
			return;
		const timer = setInterval(readChanges, LEFT_MS);
		return () => clearInterval(timer);
	}, [isOpen, readChanges]);
	if (!run)
		return error
			? <><h1>Run {id}</h1><ErrorBox what={`Run ${id} cannot be shown`} error={error} retry={reload} /></>
			: <><h1>Run {id}</h1><Skeleton /></>;
	return (
		<>
			{error && <ErrorBox what={`Run ${id} cannot be shown as it is now`} error={error} retry={reload} />}
			<Line run={run} />
			<h1>{run.name}</h1>
			<div class="run-progress"><Progress jobs={run.jobs} /></div>
			<Cards run={run} changes={changes} />
			<Ignored keys={run.ignored} />
			{changes && <RunChanges changes={changes} />}
			{noChanges && (
				<ErrorBox what="What has changed cannot be shown" error={noChanges} retry={readChanges} />
			)}
			{/* Not before: it would jump when they come. */}
			{(changes || noChanges) && <Matrix run={run} changes={changes} />}
		</>
	);
}
