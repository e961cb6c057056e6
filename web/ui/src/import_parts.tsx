// SPDX-License-Identifier: GPL-3.0-or-later
// What an import holds: its samples, its published ratios, its test cases.
import type { JSX } from 'preact';
import type { Case, ImportCell, ImportDetail, ImportSeries } from './api';
import { count, counted } from './format';
import { importTables } from './import_tables';
import { figure } from './job_parts';
import { go, withQuery } from './router';
import { useRows } from './widgets';

export function ImportVerdict({ verdict }: { verdict: 'pass' | 'fail' | null }): JSX.Element | null {
	return verdict && <span class={verdict === 'pass' ? 'ok' : 'bad'}>{verdict === 'pass' ? '✓' : '✗'} {verdict}</span>;
}

// ---- samples ---------------------------------------------------------------

// '12 values', 'mean of 5', 'best of 3'; the file may not say of how many.
function kindText(s: ImportSeries): string {
	if (s.kind === 'values')
		return counted(s.n, 'value');
	return s.n ? `${s.kind} of ${count(s.n)}` : `${s.kind} of some`;
}

function SeriesRow({ s }: { s: ImportSeries }): JSX.Element {
	const shown = (x: number | null): string => (x === null ? '–' : figure(x));
	return (
		<tr data-row>
			<td><span class="mono">{s.metric}</span>{s.label && <div class="sub">{s.label}</div>}</td>
			<td>{s.machine}</td>
			<td class="mono">{s.variant}</td>
			<td>{[s.guest, s.controller].filter(Boolean).join(' ')}</td>
			<td title={s.values ? s.values.map(figure).join(', ') : 'the file does not show them'}>{kindText(s)}</td>
			<td class="n"><b>{figure(s.mean)}</b>{s.sd !== null && <span class="sub"> ± {figure(s.sd)}</span>}</td>
			<td class="n">{shown(s.low)}</td>
			<td class="n">{shown(s.high)}</td>
			<td>{s.unit}</td>
			<td class="sub">{s.direction}{s.why && <span class="bad"> not valid: {s.why}</span>}</td>
		</tr>
	);
}

export function ImportSamples({ im }: { im: ImportDetail }): JSX.Element | null {
	const rows = useRows<HTMLTableElement>();
	if (!im.series.length)
		return null;
	return (
		<section aria-label="Samples">
			<div class="bar">
				<h2>Samples</h2>
				<span class="sub">{count(im.samples)} series
					{im.series.some((s) => s.sd !== null) && '; ± is the standard deviation'}</span>
			</div>
			<div class="scroll">
				<table ref={rows}>
					<thead><tr><th>metric</th><th>machine</th><th>variant</th><th>guest</th><th>what</th>
						<th class="n">{im.series.every((s) => s.kind === 'best') ? 'best' : 'mean'}</th><th class="n">lowest</th><th class="n">highest</th><th>unit</th>
						<th>better</th></tr></thead>
					<tbody>{im.series.map((s, i) => <SeriesRow key={i} s={s} />)}</tbody>
				</table>
			</div>
		</section>
	);
}

// ---- ratios ----------------------------------------------------------------

function RatioCell({ c }: { c: ImportCell | undefined }): JSX.Element {
	return c ? <td class="n">{c.text}</td> : <td class="n pale" title="not in the file">–</td>;
}

export function ImportRatios({ im }: { im: ImportDetail }): JSX.Element | null {
	if (!im.cells.length)
		return null;
	return (
		<>
			{importTables(im.cells).map((t) => (
				<section key={t.title} aria-label={t.title}>
					<div class="bar title">
						<h2>{t.metric} <span class="sub light">· {t.direction} is better · as published, no interval</span></h2>
						<span class="sp" />
						<a class="l" href="/overhead">in the overhead tables</a>
					</div>
					<div class="sub versus">
						baseline <b class="mono">{t.baseline}</b> · candidate <b class="mono">{t.candidate}</b>
					</div>
					<div class="scroll">
						<table class="overhead">
							<thead><tr><th>machine</th>{t.columns.map((c) => <th key={c} class="n">{c}</th>)}</tr></thead>
							<tbody>
								{t.rows.map((r) => (
									<tr key={r.machine} data-row>
										<th scope="row" class="mono">{r.machine}</th>
										{r.cells.map((c, i) => <RatioCell key={i} c={c} />)}
									</tr>
								))}
							</tbody>
						</table>
					</div>
				</section>
			))}
		</>
	);
}

// ---- cases -----------------------------------------------------------------

const SIGNS: Record<Case['result'], [sign: string, tone: string]> = {
	fail: ['✗', 'bad'], skip: ['(s)', 'pale'], pass: ['✓', 'ok'],
};
const RESULTS: Case['result'][] = ['fail', 'skip', 'pass'];

export function ImportCases({ im, only }: { im: ImportDetail; only: string | null }): JSX.Element | null {
	const rows = useRows<HTMLTableElement>();
	if (!im.cases)
		return null;
	return (
		<section aria-label="Cases">
			<div class="bar">
				<h2>Cases</h2>
				<span class="sub">{counted(im.cases, 'case')}</span>
				{RESULTS.map((r) => (
					<button key={r} type="button" aria-pressed={only === r} disabled={!im.results[r]}
						onClick={() => go(withQuery({ case: only === r ? null : r, from: null }), true)}>
						<span class={SIGNS[r][1]}>{SIGNS[r][0]}</span> {count(im.results[r])} {r}
					</button>
				))}
			</div>
			<div class="scroll">
				<table ref={rows}>
					<thead><tr><th>result</th><th>case</th><th>what it said</th></tr></thead>
					<tbody>
						{im.tests.map((c, i) => (
							<tr key={i} data-row>
								<td><span class={SIGNS[c.result][1]}>{SIGNS[c.result][0]} {c.result}</span></td>
								<td class="mono">{c.name}</td>
								<td class="wrap">{c.text}</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</section>
	);
}
