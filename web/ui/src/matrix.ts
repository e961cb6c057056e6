// SPDX-License-Identifier: GPL-3.0-or-later
// The matrix of a run, alive: an event changes its cell at once; what the
// daemon says when it is read again replaces that.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError, Cell, JobState, Matrix } from './api';
import { useApi } from './data';
import { listen } from './live';
import { live, type LiveCell, type Patch } from './matrix_patch';

const REST_MS = 400;

export interface LiveMatrix extends Matrix {
	rows: (LiveCell | null)[][];
}

export function isOpen(cell: Cell): boolean {
	return cell.state !== undefined && cell.state !== 'done';
}

export function isFailure(cell: Cell): boolean {
	return cell.sign === '✗' || cell.sign === 'T' || cell.sign.startsWith('!');
}

export function useMatrix(run: number): {
	matrix: LiveMatrix | null;
	error: ApiError | null;
	reload: () => void;
} {
	const { data, error, askedAt, reload } = useApi<Matrix>(`/api/v1/runs/${run}/matrix`,
		(e) => e.run === run, REST_MS);
	const patches = useRef(new Map<number, Patch>());
	const [, changed] = useState(0);

	useEffect(() => {
		let frame = 0;
		const stop = listen((e) => {
			if (e.event !== 'job' || e.run !== run || e.job === undefined || !e.sign)
				return;
			patches.current.set(e.job, {
				at: performance.now(),
				sign: e.sign,
				state: e.state as JobState,
				machine: e.machine ?? '',
			});
			// Many events in one frame are one change of the page.
			frame ||= requestAnimationFrame(() => {
				frame = 0;
				changed((n) => n + 1);
			});
		});
		return () => {
			stop();
			cancelAnimationFrame(frame);
		};
	}, [run]);

	if (!data)
		return { matrix: null, error, reload };
	const matrix = {
		...data,
		rows: data.rows.map((row) => row.map((cell) =>
			live(cell, patches.current.get(cell?.job ?? 0), askedAt))),
	};
	return { matrix, error, reload };
}
