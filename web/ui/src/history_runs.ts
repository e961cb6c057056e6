// SPDX-License-Identifier: GPL-3.0-or-later
// The newest runs that measured something. There is no list of them: the newest
// runs are asked one after the other, a few at a time, and what has ended is
// asked once.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, type Run, type Runs } from './api';

const AT_ONCE = 4;
export const LOOKED_AT = 50;

export interface Found<T> {
	runs: { run: Run; data: T }[]; // newest first
	asked: number;
	of: number;
	done: boolean;
	error: ApiError | null;
}

const ended = new Map<string, unknown>();

async function ask<T>(run: Run, what: string, stop: AbortSignal): Promise<T | null> {
	const path = `/api/v1/runs/${run.id}/${what}`;
	if (ended.has(path))
		return ended.get(path) as T | null;
	try {
		const data = await get<T>(path, stop);
		if (run.state === 'done')
			ended.set(path, data);
		return data;
	} catch (e) {
		// A run that cannot be asked is one of those without.
		if (e instanceof ApiError && e.status >= 400 && e.status < 500 && e.status !== 401)
			return null;
		throw e;
	}
}

// Asks the newest runs for what ('overhead', 'samples'); those for which has()
// says so are in the result. It grows while they answer.
export function useRunsWith<T>(what: string, has: (data: T) => boolean): Found<T> {
	const [found, set] = useState<Found<T>>({ runs: [], asked: 0, of: 0, done: false, error: null });
	useEffect(() => {
		const stop = new AbortController();
		const result: (T | null)[] = [];
		let asked = 0;
		const tell = (runs: Run[], error: ApiError | null): void => set({
			runs: runs.flatMap((run, i) => {
				const data = result[i];
				return data && has(data) ? [{ run, data }] : [];
			}),
			asked,
			of: runs.length,
			done: asked === runs.length,
			error,
		});
		const read = async (): Promise<void> => {
			let runs: Run[] = [];
			try {
				runs = (await get<Runs>(`/api/v1/runs?limit=${LOOKED_AT}`, stop.signal)).runs;
				let next = 0;
				const worker = async (): Promise<void> => {
					while (next < runs.length) {
						const i = next++;
						result[i] = await ask<T>(runs[i] as Run, what, stop.signal);
						asked++;
						tell(runs, null);
					}
				};
				await Promise.all(Array.from({ length: AT_ONCE }, worker));
				tell(runs, null);
			} catch (e) {
				if (!stop.signal.aborted)
					tell(runs, e instanceof ApiError ? e : new ApiError(0, String(e)));
			}
		};
		void read();
		return () => stop.abort();
	}, [what]);
	return found;
}
