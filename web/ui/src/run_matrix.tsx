// SPDX-License-Identifier: GPL-3.0-or-later
// Items x platforms of a run. A row is rendered again only when a cell of it
// has changed: a matrix of five thousand cells stays fluid.
import { Component, type JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Cell, Changes } from './api';
import { counted, duration } from './format';
import { isFailure, isOpen, type LiveMatrix } from './matrix';
import type { LiveCell } from './matrix_patch';
import { aboutSign, toneOf, useRows } from './widgets';

// Which rows are shown: of the address, ?only=...
export const shows = ['changes', 'failures', 'open'] as const;
export type Show = (typeof shows)[number] | null;

function about(cell: LiveCell, item: string, platform: string): string {
	const parts: string[] = [];
	if (!isOpen(cell))
		parts.push(aboutSign(cell.sign));
	else if (cell.state === 'queued')
		parts.push('waiting');
	else
		parts.push(`running${cell.machine ? ` on ${cell.machine}` : ''} (${cell.state})`);
	if (cell.why)
		parts.push(cell.why);
	if (cell.took_ms && !isOpen(cell))
		parts.push(`took ${duration(cell.took_ms)}`);
	if (cell.attempts && cell.attempts > 1)
		parts.push(`${cell.attempts} attempts`);
	return `${item} on ${platform}: ${parts.join(' · ')}`;
}

function cellClass(cell: Cell): string {
	if (!isOpen(cell))
		return toneOf(cell.sign);
	return cell.state === 'queued' ? 'waiting' : 'running';
}

function MatrixCell({ cell, item, platform, changed }: {
	cell: LiveCell | null;
	item: string;
	platform: string;
	changed: boolean;
}): JSX.Element {
	if (!cell)
		return <td />;
	const title = about(cell, item, platform);
	const name = `${cellClass(cell)}${changed ? ' changed' : ''}`;
	if (cell.job === undefined)
		return <td class={name} title={title}><span>{cell.sign}</span></td>;
	return (
		<td class={name} data-job={cell.job}>
			<a href={`/jobs/${cell.job}`} title={title} aria-label={title}>{cell.sign}</a>
		</td>
	);
}

interface RowProps {
	item: string;
	platforms: string[];
	cells: (LiveCell | null)[];
	changed: Set<number>; // jobs
}

function same(a: LiveCell | null | undefined, b: LiveCell | null | undefined): boolean {
	return a === b || (!!a && !!b && a.sign === b.sign && a.state === b.state && a.job === b.job &&
		a.machine === b.machine && a.took_ms === b.took_ms && a.attempts === b.attempts &&
		a.why === b.why);
}

class Row extends Component<RowProps> {
	override shouldComponentUpdate(next: RowProps): boolean {
		return next.item !== this.props.item || next.platforms !== this.props.platforms ||
			next.changed !== this.props.changed || next.cells.length !== this.props.cells.length ||
			!next.cells.every((cell, i) => same(cell, this.props.cells[i]));
	}

	override render({ item, platforms, cells, changed }: RowProps): JSX.Element {
		return (
			<tr data-row>
				<th scope="row" title={item}>{item}</th>
				{platforms.map((platform, i) => {
					const cell = cells[i] ?? null;
					return (
						<MatrixCell key={platform} cell={cell} item={item} platform={platform}
							changed={changed.has(cell?.job ?? 0)} />
					);
				})}
			</tr>
		);
	}
}

// The same names are the same array, whatever is read again.
function useNames(names: string[]): string[] {
	return useMemo(() => names, [JSON.stringify(names)]);
}

function useChanged(changes: Changes | null): Set<number> {
	const jobs = changes ? [...changes.broken, ...changes.fixed].map((c) => c.job) : [];
	return useMemo(() => new Set(jobs), [jobs.join()]);
}

function isShown(cells: (LiveCell | null)[], show: Show, changed: Set<number>): boolean {
	if (show === 'changes')
		return cells.some((c) => c?.job !== undefined && changed.has(c.job));
	if (show === 'failures')
		return cells.some((c) => c && isFailure(c));
	if (show === 'open')
		return cells.some((c) => c && isOpen(c));
	return true;
}

// Words of an item or a platform, all of which must be there.
function matches(text: string, words: string[]): boolean {
	const lower = text.toLowerCase();
	return words.every((w) => lower.includes(w));
}

export function RunMatrix({ matrix, changes, show, filter, clear }: {
	matrix: LiveMatrix;
	changes: Changes | null;
	show: Show;
	filter: string;
	clear: JSX.Element; // shown when the filters leave nothing
}): JSX.Element {
	const rows = useRows<HTMLTableSectionElement>();
	const platforms = useNames(matrix.platforms);
	const changed = useChanged(changes);
	const words = filter.toLowerCase().split(/\s+/).filter((w) => w);
	const shown = matrix.items
		.map((item, i) => ({ item, cells: matrix.rows[i] ?? [] }))
		.filter(({ item, cells }) => matches(item, words) && isShown(cells, show, changed));
	if (!shown.length)
		return <div class="empty">None of {counted(matrix.items.length, 'item')} is like that. {clear}</div>;
	return (
		<div class="scroll tall">
			<table class="matrix">
				<caption class="hidden">Items and platforms of the run</caption>
				<thead>
					<tr>
						<th scope="col">item</th>
						{platforms.map((name) => <th scope="col" key={name}>{name}</th>)}
					</tr>
				</thead>
				<tbody ref={rows}>
					{shown.map(({ item, cells }) => (
						<Row key={item} item={item} platforms={platforms} cells={cells} changed={changed} />
					))}
				</tbody>
			</table>
		</div>
	);
}

// ---- the same, as a file ---------------------------------------------------

// Hands text to the browser as a download.
export function download(name: string, type: string, text: string): void {
	const url = URL.createObjectURL(new Blob([text], { type }));
	const a = document.createElement('a');
	a.href = url;
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(url), 1000);
}
