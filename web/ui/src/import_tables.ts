// SPDX-License-Identifier: GPL-3.0-or-later
// The cells of published tables, put together again as tables.
import type { ImportCell } from './api';
import { columnTitle } from './overhead_export';

export interface ImportTable {
	title: string;
	metric: string;
	direction: 'higher' | 'lower';
	baseline: string;
	candidate: string;
	columns: string[];
	rows: { machine: string; cells: (ImportCell | undefined)[] }[];
}

function unique(list: readonly string[]): string[] {
	return [...new Set(list)];
}

function tableOf(title: string, cells: readonly ImportCell[]): ImportTable {
	const first = cells[0] as ImportCell; // a group has one
	const columns = unique(cells.map((c) => columnTitle(c)));
	return {
		title,
		metric: first.metric,
		direction: first.direction,
		baseline: first.baseline,
		candidate: first.candidate,
		columns,
		rows: unique(cells.map((c) => c.named)).map((machine) => ({
			machine,
			cells: columns.map((column) =>
				cells.find((c) => c.named === machine && columnTitle(c) === column)),
		})),
	};
}

// One for each metric and pair of variants; machines, guests and controllers in
// the order of the file.
export function importTables(cells: readonly ImportCell[]): ImportTable[] {
	const groups = new Map<string, ImportCell[]>();
	for (const c of cells) {
		const title = `${c.metric}: ${c.candidate} against ${c.baseline}`;
		groups.set(title, [...(groups.get(title) ?? []), c]);
	}
	return [...groups].map(([title, list]) => tableOf(title, list));
}
