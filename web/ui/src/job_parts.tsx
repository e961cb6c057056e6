// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a job's page below its console: cases, samples, files, events.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Attempt, AttemptFiles, Case, Job, Sample } from './api';
import { useApi } from './data';
import { bytes, clock, count, utc } from './format';
import { go, withQuery } from './router';
import { Sign, useRows } from './widgets';

// ---- waiting ---------------------------------------------------------------

export function Why({ job }: { job: Job }): JSX.Element {
	const { data, error } = useApi<{ why: string }>(`/api/v1/jobs/${job.id}/why`, () => true);
	return (
		<div class="alert wait">
			<b>Why it waits</b>: {data ? data.why : error ? error.message : '…'}
		</div>
	);
}

// ---- cases -----------------------------------------------------------------

const ORDER: Record<Case['result'], number> = { fail: 0, skip: 1, pass: 2 };
const RESULT_SIGN: Record<Case['result'], string> = { fail: '✗', skip: '(s)', pass: '✓' };
const ROWS = 500; // more on demand

export function Cases({ cases, attempt }: {
	cases: readonly Case[];
	attempt: Attempt;
}): JSX.Element | null {
	const [text, setText] = useState('');
	const [all, setAll] = useState(false);
	const rows = useRows<HTMLTableElement>();
	if (!cases.length)
		return null;
	const sorted = cases
		.filter((c) => c.name.toLowerCase().includes(text.toLowerCase()))
		.sort((a, b) => ORDER[a.result] - ORDER[b.result]);
	const shown = all ? sorted : sorted.slice(0, ROWS);
	return (
		<section aria-label="Cases">
			<div class="bar">
				<h2>Cases</h2>
				<span class="sub">{count(cases.length)}, failed first</span>
				<span class="sp" />
				{cases.length > 8 && (
					<input type="search" placeholder="filter cases" aria-label="Filter cases" size={22}
						value={text} onInput={(e) => setText(e.currentTarget.value)} />
				)}
			</div>
			<div class="scroll">
				<table ref={rows}>
					<thead><tr><th>case</th><th>result</th><th>what it said</th><th>log</th></tr></thead>
					<tbody>
						{shown.map((c, i) => <CaseRow key={i} c={c} attempt={attempt} />)}
						{!shown.length && <tr><td colSpan={4} class="sub">no case has “{text}” in its name</td></tr>}
					</tbody>
				</table>
			</div>
			{shown.length < sorted.length && (
				<p><button type="button" onClick={() => setAll(true)}>
					Show all {count(sorted.length)}</button></p>
			)}
		</section>
	);
}

function CaseRow({ c, attempt }: { c: Case; attempt: Attempt }): JSX.Element {
	const tone = c.result === 'fail' ? 'bad' : c.result === 'pass' ? 'ok' : 'pale';
	// Only what failed keeps its place in the log.
	const to = c.result === 'fail' && attempt.log
		? `${withQuery({ attempt: attempt.no })}#B${c.offset}` : null;
	return (
		<tr data-row>
			<td class="mono">{c.name}</td>
			<td><span class={tone}>{RESULT_SIGN[c.result]} {c.result}</span></td>
			<td class="wrap">{c.text}</td>
			<td>{to && (
				<a class="l" href={to} onClick={(e) => {
					if (e.ctrlKey || e.metaKey || e.shiftKey)
						return;
					e.preventDefault();
					go(to, true);
					document.querySelector('.log')?.scrollIntoView({ block: 'nearest' });
				}}>line</a>
			)}</td>
		</tr>
	);
}

// ---- samples ---------------------------------------------------------------

function mean(values: readonly number[]): number {
	return values.reduce((a, b) => a + b, 0) / values.length;
}

// Five digits: what a benchmark prints, and no more.
export function figure(x: number): string {
	if (Math.abs(x) >= 1e4)
		return count(Math.round(x));
	return Number.isInteger(x) ? String(x) : x.toPrecision(5);
}

export function Samples({ samples, run }: {
	samples: readonly Sample[];
	run: number;
}): JSX.Element | null {
	if (!samples.length)
		return null;
	return (
		<section aria-label="Samples">
			<div class="bar">
				<h2>Samples</h2>
				<a class="l" href={`/runs/${run}/overhead`}>overhead of this run</a>
			</div>
			<div class="scroll">
				<table>
					<thead>
						<tr><th>metric</th><th>variant</th><th>guest</th><th>controller</th>
							<th class="n">mean</th><th>unit</th><th>values, in order</th></tr>
					</thead>
					<tbody>
						{samples.map((s, i) => (
							<tr key={i}>
								<td>{s.metric}</td><td>{s.variant}</td><td>{s.guest}</td><td>{s.controller}</td>
								<td class="n"><b>{s.values.length ? figure(mean(s.values)) : ''}</b></td>
								<td>{s.unit}</td>
								<td class="wrap mono">{s.values.map(figure).join('  ')}{s.left_out ? `  (${s.left_out} left out)` : ''}</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</section>
	);
}

// ---- files -----------------------------------------------------------------

export function Files({ attempt }: { attempt: Attempt }): JSX.Element | null {
	const { data } = useApi<AttemptFiles>(`/api/v1/attempts/${attempt.id}/files`,
		(e) => e.event === 'job' && e.state === 'done');
	const env = Object.entries(data?.env ?? {});
	if (!data || (!data.files.length && !env.length))
		return null;
	return (
		<section aria-label="Files and environment">
			{data.files.length > 0 && (
				<details open={data.files.length <= 12}>
					<summary><h2>Raw outputs</h2> <span class="sub">{count(data.files.length)}</span></summary>
					<div class="scroll">
						<table>
							<thead><tr><th>file</th><th class="n">size</th><th>SHA-256</th></tr></thead>
							<tbody>
								{data.files.map((f) => (
									<tr key={f.name}>
										<td><a class="l mono" href={`/api/v1/files/${f.sha256}`}
											download={f.name.replaceAll('/', '_')}>{f.name}</a></td>
										<td class="n">{bytes(f.size)}</td>
										<td class="mono" title={f.sha256}>{f.sha256.slice(0, 16)}…</td>
									</tr>
								))}
							</tbody>
						</table>
					</div>
				</details>
			)}
			{env.length > 0 && (
				<details>
					<summary><h2>Environment</h2> <span class="sub">{count(env.length)} facts</span></summary>
					<div class="scroll">
						<table>
							<tbody>
								{env.map(([key, value]) => (
									<tr key={key}><th scope="row" class="mono">{key}</th><td class="wrap">{value}</td></tr>
								))}
							</tbody>
						</table>
					</div>
				</details>
			)}
		</section>
	);
}

// ---- events ----------------------------------------------------------------

export function Events({ job }: { job: Job }): JSX.Element | null {
	let before: number | null = null;
	if (!job.events.length)
		return null;
	return (
		<details>
			<summary><h2>Events</h2> <span class="sub">{count(job.events.length)}</span></summary>
			<div class="scroll">
				<table>
					<thead><tr><th>time</th><th class="n">after</th><th>event</th><th>what</th><th>outcome</th></tr></thead>
					<tbody>
						{job.events.map((e) => {
							const after: string = before === null ? '' : `+${count(e.at_ms - before)} ms`;
							before = e.at_ms;
							return (
								<tr key={e.seq}>
									<td class="mono" title={utc(e.at_ms)}>{clock(e.at_ms)}</td>
									<td class="n sub">{after}</td>
									<td>{e.event}</td>
									<td class="wrap">{[e.machine, e.text].filter((t) => t).join(': ')}</td>
									<td>{e.outcome && <Sign sign={e.outcome === 'error' ? `!${e.layer}`
										: { pass: '✓', fail: '✗', timeout: 'T' }[e.outcome as string] ?? '-'} />}</td>
								</tr>
							);
						})}
					</tbody>
				</table>
			</div>
		</details>
	);
}
