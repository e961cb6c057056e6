// SPDX-License-Identifier: GPL-3.0-or-later
// Two runs, commits, branches or variants: what got worse, better, stayed, and
// what is not known yet.
import '../pages.css';
import type { JSX } from 'preact';
import type { Comparison, CompareRow, CompareSide, Verdict } from '../api';
import { useApi } from '../data';
import { counted, ratio, shortCommit, unbroken } from '../format';
import { figure } from '../job_parts';
import { Notes } from '../overhead_table';
import { go, useAddress, withQuery } from '../router';
import { ErrorBox, Skeleton, Time, useRows, useTitle } from '../widgets';

const fields = ['a', 'b', 'variant_a', 'variant_b', 'metric', 'project'] as const;
const labels: Record<typeof fields[number], string> = { a: 'A', b: 'B', variant_a: 'only variant of A',
	variant_b: 'of B', metric: 'metric', project: 'project' };
const verdicts: Verdict[] = ['worse', 'unknown', 'same', 'better'];

function Form({ query }: { query: URLSearchParams }): JSX.Element {
	const submit = (e: SubmitEvent): void => {
		e.preventDefault();
		const form = new FormData(e.currentTarget as HTMLFormElement);
		go(withQuery(Object.fromEntries(fields.map((f) => [f, String(form.get(f) ?? '').trim()]))));
	};
	return (
		<form class="bar" onSubmit={submit}>
			{fields.map((f) => (
				<label key={f}>{labels[f]}{' '}
					<input name={f} class="short" value={query.get(f) ?? ''} spellcheck={false}
						autocomplete="off" placeholder={f === 'a' || f === 'b' ? 'run, commit or name' : ''} />
				</label>
			))}
			<button type="submit">Compare</button>
		</form>
	);
}

function Side({ name, side }: { name: string; side: CompareSide }): JSX.Element {
	return (
		<span>
			<b>{name}</b>: <a class="l" href={`/runs/${side.run}`}>run {side.run}</a>
			{' '}{side.project && `${side.project}/`}{side.name}
			{side.commit && <> at <code title={side.commit}>{shortCommit(side.commit)}</code></>}
			{side.variant && `, only ${side.variant}`} · <Time at={side.created_at_ms} />
		</span>
	);
}

const place = (r: Pick<CompareRow, 'guest' | 'controller'>): string =>
	[r.guest, r.controller].filter(Boolean).join(' ');

function Row({ row: r, variants }: { row: CompareRow; variants: boolean }): JSX.Element {
	const shown = (v: number | null): string => (v === null ? '–' : figure(v));
	return (
		<tr data-row>
			<td><span class={r.verdict}>{r.verdict}</span></td>
			<td class="mono">{r.metric}</td>
			<td>{r.machine}</td>
			{variants && <td class="mono">{r.variant}</td>}
			<td>{place(r)}</td>
			<td class="n" title={r.p === null ? '' : `p = ${r.p.toPrecision(2)}`}>
				<b>{r.ratio === null ? '–' : ratio(r.ratio)}</b>
				{r.interval && <span class="sub"> [{ratio(r.interval[0])}, {ratio(r.interval[1])}]</span>}
			</td>
			<td class="n">{shown(r.mean[0])}</td>
			<td class="n">{shown(r.mean[1])}</td>
			<td>{r.unit}</td>
			<td class="n">{r.method === 'paired' ? r.n[0] : `${r.n[0]}, ${r.n[1]}`}</td>
			<td class="sub">{r.method}</td>
			<td>{r.more > 0 && `${counted(r.more, 'more pair')}`}</td>
		</tr>
	);
}

function Table({ data }: { data: Comparison }): JSX.Element {
	const rows = useRows<HTMLTableElement>();
	const variants = data.rows.some((r) => r.variant); // else they are the sides
	return (
		<div class="scroll">
			<table ref={rows}>
				<thead><tr><th>verdict</th><th>metric</th><th>machine</th>{variants && <th>variant</th>}<th>guest</th>
					<th class="n">ratio</th><th class="n">A</th><th class="n">B</th><th>unit</th>
					<th class="n">n</th><th>method</th><th>needs</th></tr></thead>
				<tbody>
					{data.rows.map((r) => (
						<Row key={[r.metric, r.machine, r.variant, place(r)].join(' ')} row={r} variants={variants} />
					))}
				</tbody>
			</table>
		</div>
	);
}

function Result({ data }: { data: Comparison }): JSX.Element {
	return (
		<>
			<p><Side name="A" side={data.a} /><br /><Side name="B" side={data.b} /></p>
			<p aria-live="polite">
				{verdicts.map((v, i) => (
					<span key={v}>{i > 0 && ' · '}<span class={data.counts[v] ? v : 'sub'}>{data.counts[v]} {v}</span></span>
				))}
			</p>
			{data.rows.length > 0
				? <><Table data={data} /><p class="sub definition">{unbroken(data.definition)}</p></> : <div class="empty">Nothing was measured on both sides.</div>}
			<Notes notes={[
				...data.alone.map((x) => `only in ${x.side.toUpperCase()}: ${
					[x.metric, x.machine, x.variant, place(x)].filter(Boolean).join(' ')}`),
				...data.notes,
			]} />
		</>
	);
}

export function ComparePage(): JSX.Element {
	const { query } = useAddress();
	const asked = new URLSearchParams(fields.flatMap((f) => {
		const value = query.get(f);
		return value ? [[f, value]] : [];
	}));
	const path = query.get('a') ? `/api/v1/compare?${asked}` : null;
	const { data, error, reload } = useApi<Comparison>(path);
	useTitle('Compare');
	return (
		<>
			<h1>Compare</h1>
			<Form key={asked.toString()} query={query} />
			{error && <ErrorBox what="They cannot be compared" error={error} retry={reload} />}
			{path && !data && !error && <Skeleton lines={6} />}
			{data && <Result data={data} />}
			{!path && (
				<p class="sub">Two runs by their numbers, commits, or names (PROJECT/NAME: its newest run that is
					done); or two variants of one run.</p>
			)}
		</>
	);
}
