// SPDX-License-Identifier: GPL-3.0-or-later
// Overhead tables as files: what is downloaded is what the page shows.
import type { OverheadTable } from './api';
import { ratio } from './format';

// A column's title: the guest, and its controller where it has one.
export function columnTitle(c: { guest: string; controller: string }, between = ' '): string {
	return [c.guest, c.controller].filter((t) => t).join(between) || 'overhead';
}

// A comma, a quote or a line break makes quotes necessary. What a spreadsheet
// would take for a formula gets an apostrophe.
export function csvField(text: string): string {
	const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// First column machine, then one for each guest and controller; cells %#.3g,
// empty where nothing was measured: what the command prints as CSV.
export function tableCsv(table: OverheadTable): string {
	const rows = [['machine', ...table.columns.map((c) => columnTitle(c, '_'))],
		...table.rows.map((row) =>
			[row.machine, ...row.cells.map((c) => (c ? ratio(c.overhead) : ''))])];
	return rows.map((r) => `${r.map(csvField).join(',')}\n`).join('');
}

const LONG = ['metric', 'machine', 'guest', 'controller', 'overhead', 'lo', 'hi', 'n', 'method', 'p',
	'verdict', 'baseline_mean', 'candidate_mean'];

function orEmpty(x: number | null | undefined): string {
	return x === null || x === undefined ? '' : String(x);
}

// Every cell of every table with every digit: for programs.
export function longCsv(tables: readonly OverheadTable[]): string {
	const rows = tables.flatMap((t) => t.rows.flatMap((row) => row.cells.flatMap((c, i) => {
		const column = t.columns[i];
		return c && column ? [[t.metric, row.machine, column.guest, column.controller, String(c.overhead), orEmpty(c.interval?.[0]),
			orEmpty(c.interval?.[1]), String(c.n), c.method, orEmpty(c.p), c.verdict,
			orEmpty(c.baseline_mean), orEmpty(c.candidate_mean)]] : [];
	})));
	return [LONG, ...rows].map((r) => `${r.map(csvField).join(',')}\n`).join('');
}

export function tableTitle(t: OverheadTable): string {
	return `${t.metric}: ${t.candidate} against ${t.baseline}`;
}

function escapeMarkdown(text: string): string {
	return text.replace(/[\\|*_`<>[\]]/g, '\\$&').replace(/\r?\n/g, ' ');
}

const sides = { better: 'better', worse: 'worse', same: 'same', unknown: 'unknown' } as const;

// Both ends with as many decimals as the lower one needs: [0.849, 1.059].
export function intervalText(interval: readonly [number, number] | null): string {
	if (!interval)
		return '';
	const low = ratio(interval[0]);
	const decimals = /^-?\d+\.(\d+)$/.exec(low)?.[1]?.length;
	const high = decimals === undefined || interval[1] > 100 * interval[0]
		? ratio(interval[1]) : interval[1].toFixed(decimals);
	return `[${low}, ${high}]`;
}

function markdownCell(c: { overhead: number; interval: [number, number] | null;
	verdict: keyof typeof sides; } | null): string {
	if (!c)
		return '';
	const text = [ratio(c.overhead), intervalText(c.interval), sides[c.verdict]];
	return escapeMarkdown(text.filter((t) => t).join(' '));
}

function line(cells: readonly string[]): string {
	return `| ${cells.join(' | ')} |\n`;
}

export function tableMarkdown(t: OverheadTable): string {
	const head = ['machine', ...t.columns.map((c) => columnTitle(c))].map(escapeMarkdown);
	const first = t.geomean.find((g) => g);
	return `### ${escapeMarkdown(tableTitle(t))}\n\n${line(head)}`
		+ line(head.map((_, i) => (i ? '---:' : '---')))
		+ t.rows.map((r) => line([escapeMarkdown(r.machine), ...r.cells.map(markdownCell)])).join('')
		+ (first ? line(['geomean', ...t.geomean.map((g) =>
			(g ? `${markdownCell(g)} (${g.k} of ${g.m})` : ''))]) : '')
		+ `\n${escapeMarkdown(t.definition)}\n`;
}

export function tablesMarkdown(tables: readonly OverheadTable[]): string {
	return tables.map(tableMarkdown).join('\n');
}
