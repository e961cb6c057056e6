// SPDX-License-Identifier: GPL-3.0-or-later
// What a job is, how its chosen attempt went, and what that means.
import type { JSX } from 'preact';
import type { Attempt, Case, Job, JobHistory, Matrix } from './api';
import { count, duration, shortCommit, utc } from './format';
import { elsewhere, endSeen, past } from './job_past';
import { layerWords, type Phase, phases } from './job_phases';
import { withQuery } from './router';
import { aboutSign, Sign, Ticking, Time, toneOf } from './widgets';

// ---- attempts --------------------------------------------------------------

// An attempt's outcome as the sign of a cell.
export function signOf(a: Pick<Attempt, 'outcome' | 'layer'>): string {
	switch (a.outcome) {
	case 'none':
		return '…';
	case 'pass':
		return '✓';
	case 'fail':
		return '✗';
	case 'timeout':
		return 'T';
	case 'error':
		return `!${a.layer}`;
	default:
		return '-';
	}
}

export function Took({ a }: { a: Pick<Attempt, 'outcome' | 'took_ms' | 'started_at_ms'> }): JSX.Element {
	if (a.outcome === 'none')
		return <Ticking text={(now) => duration(now - a.started_at_ms)} />;
	return <>{duration(a.took_ms)}</>;
}

// All attempts of the job, if there is a choice.
export function Attempts({ job, chosen }: { job: Job; chosen: Attempt }): JSX.Element | null {
	if (job.attempts.length < 2)
		return null;
	return (
		<div class="scroll attempts">
			<table aria-label="Attempts">
				<thead>
					<tr><th>attempt</th><th>outcome</th><th>machine</th><th>began</th>
						<th class="n">took</th><th>evidence</th></tr>
				</thead>
				<tbody>
					{job.attempts.map((a) => (
						<tr key={a.id} data-row {...(a === chosen ? { 'aria-selected': 'true' } : {})}>
							<td><a class="l" href={withQuery({ attempt: a.no })}
								{...(a === chosen ? { 'aria-current': 'true' } : {})}>{a.no}</a></td>
							<td><Sign sign={signOf(a)} /></td>
							<td><a href={`/machines/${encodeURIComponent(a.machine)}`}>{a.machine}</a></td>
							<td><Time at={a.started_at_ms} /></td>
							<td class="n"><Took a={a} /></td>
							<td class="wrap">{a.evidence}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

// ---- title -----------------------------------------------------------------

export function Title({ job, attempt }: { job: Job; attempt: Attempt | undefined }): JSX.Element {
	const n = job.attempts.length;
	const words = job.state === 'done' ? aboutSign(job.sign)
		: job.state === 'queued' ? 'waiting' : job.state;
	return (
		<>
			<div class="sub">
				<a class="l" href={`/runs/${job.run}`}>run {job.run}</a>
				{' · '}job {count(job.id)}
				{attempt && (
					<>
						{' · '}attempt {attempt.no} of {n}
						{' · '}machine{' '}
						<a class="l" href={`/machines/${encodeURIComponent(attempt.machine)}`}>
							{attempt.machine}
						</a>
						{' · '}<Time at={attempt.started_at_ms} />
						{attempt.outcome === 'none' ? ', for ' : ', took '}<Took a={attempt} />
					</>
				)}
			</div>
			<h1>
				{job.item} on {job.platform}{' '}
				<span class={toneOf(job.sign)}>{job.sign} {words}</span>
			</h1>
		</>
	);
}

// ---- phases ----------------------------------------------------------------

function PhasePart({ p }: { p: Phase }): JSX.Element {
	const took = p.to_ms === null ? null : p.to_ms - p.from_ms;
	const about = `${p.name}, from ${utc(p.from_ms)}`
		+ (p.tone === 'bad' ? ': the verdict fell here' : '')
		+ (p.tone === 'lab' ? ': the lab failed here' : '');
	return (
		<li class={`phase ${p.tone}${took === null ? ' lasts' : ''}`} title={about}
			style={{ flexGrow: Math.max(1, took ?? Date.now() - p.from_ms) }}>
			{p.tone === 'bad' && '✗ '}{p.tone === 'lab' && '! '}
			{p.name}{' '}
			<b>{took === null
				? <Ticking text={(now) => duration(now - p.from_ms)} /> : duration(took)}</b>
		</li>
	);
}

export function Phases({ job, attempt }: { job: Job; attempt: Attempt }): JSX.Element {
	const list = phases(job.events, attempt.id, job.expected);
	return (
		<ol class="phases" aria-label="What the time went into">
			{list.map((p) => <PhasePart key={p.from_ms + p.name} p={p} />)}
		</ol>
	);
}

// ---- facts -----------------------------------------------------------------

const MANY = 3;

function platforms(names: readonly string[]): string {
	return names.length > MANY ? `${names.length} other platforms` : names.join(', ');
}

// '15 passed · 1 failed · 0 skipped of 16 · passed on 5 other platforms'
export function Facts({ job, attempt, cases, matrix }: {
	job: Job;
	attempt: Attempt | undefined;
	cases: readonly Case[];
	matrix: Matrix | null;
}): JSX.Element | null {
	const n = (result: Case['result']): number => cases.filter((c) => c.result === result).length;
	const failed = n('fail');
	const other = matrix ? elsewhere(matrix, job.item, job.platform) : { passed: [], failed: [] };
	const parts: JSX.Element[] = [];
	if (cases.length) {
		parts.push(<>{count(n('pass'))} passed</>,
			<span class={failed ? 'bad' : ''}>{count(failed)} failed</span>,
			<>{count(n('skip'))} skipped of {count(cases.length)}</>);
		const end = attempt ? endSeen(attempt) : null;
		if (end !== null)
			parts.push(<span class={end ? '' : 'bad'}>{end ? 'END seen' : 'END not seen'}</span>);
	}
	if (job.expected)
		parts.push(<span class="ok">bad, as the suite expects</span>);
	if (other.passed.length)
		parts.push(<span title={other.passed.join(', ')}>passed on {platforms(other.passed)}</span>);
	if (other.failed.length) {
		parts.push(<span class="bad" title={other.failed.join(', ')}>
			fails on {platforms(other.failed)}, too</span>);
	}
	if (!parts.length)
		return null;
	return (
		<div class="facts">
			{parts.map((p, i) => <span key={i}>{i > 0 && <span class="sub"> · </span>}{p}</span>)}
		</div>
	);
}

// What decided the attempt, in one line; a pass needs none.
export function Evidence({ attempt, counted, expected }: {
	attempt: Attempt;
	counted: boolean; // its cases have been counted above
	expected: boolean;
}): JSX.Element | null {
	const { outcome, layer, evidence } = attempt;
	if (outcome === 'error') {
		return (
			<div class="alert lab">
				<b class="lab">The lab failed, not the test</b>
				{layerWords(layer) && <>, in {layerWords(layer)}</>}
				{evidence && <>: {evidence}</>}
			</div>
		);
	}
	if ((outcome === 'fail' || outcome === 'timeout') && evidence) {
		return (
			<div class={`alert ${expected ? '' : 'bad'}`}>
				<b class={expected ? '' : 'bad'}>{outcome === 'fail' ? 'Failed' : 'Timed out'}</b>
				{expected && ' as expected'}: {evidence}
			</div>
		);
	}
	return evidence && !counted ? <div class="sub">{evidence}</div> : null;
}

// ---- the other runs --------------------------------------------------------

function Since({ job, history }: { job: Job; history: JobHistory['history'] }): JSX.Element | null {
	const p = past(history, job.id);
	if (!p)
		return null;
	if (!p.bad)
		return <>passed in {p.same === 1 ? 'this run' : `${p.same} runs in a row`}</>;
	return (
		<>
			{p.before ? 'failing since ' : 'failing at least since '}
			<a class="l" href={`/jobs/${p.since.job}`} title={utc(p.since.created_at_ms)}>
				run {p.since.run}
				{p.since.commit && ` (${shortCommit(p.since.commit)})`}
			</a>
			{p.before && (
				<>, passed in <a class="l" href={`/jobs/${p.before.job}`}>run {p.before.run}</a></>
			)}
		</>
	);
}

// The same cell in the newest runs, the newest at the right.
export function Strip({ job, history }: {
	job: Job;
	history: JobHistory['history'];
}): JSX.Element | null {
	if (history.length < 2)
		return null;
	return (
		<div class="strip">
			<span class="sub"><Since job={job} history={history} /></span>
			<ol aria-label={`The last ${history.length} runs, oldest first`}>
				{[...history].reverse().map((e) => (
					<li key={e.job}>
						<a href={`/jobs/${e.job}`} class={`cell ${toneOf(e.sign)}`}
							{...(e.job === job.id ? { 'aria-current': 'true' } : {})}
							title={`run ${e.run}${e.commit ? ` · ${shortCommit(e.commit)}` : ''} · `
								+ `${aboutSign(e.sign)} · ${utc(e.created_at_ms)}`}>
							{e.sign.startsWith('!') ? '!' : e.sign}
						</a>
					</li>
				))}
			</ol>
		</div>
	);
}
