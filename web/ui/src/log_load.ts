// SPDX-License-Identifier: GPL-3.0-or-later
// Reading an attempt's console, and reading on while it grows.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, type LogTimes as Times } from './api';
import { LogStore } from './log_store';
import { LogTimes } from './log_times';

const AGAIN_MS = 500;
const RETRY_MS = 3000;

export interface Log {
	store: LogStore;
	times: LogTimes;
	version: number; // another one when store or times have more
	open: boolean; // more may come
	complete: boolean; // all of it is here
	total: number; // bytes there are to read
	error: ApiError | null; // of the last try; it is tried again
}

function wait(ms: number, stop: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		stop.addEventListener('abort', () => {
			clearTimeout(timer);
			resolve();
		}, { once: true });
	});
}

// Nobody looks at a hidden tab: nothing is read for it.
function visible(stop: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (document.visibilityState === 'visible')
			return resolve();
		document.addEventListener('visibilitychange', () => resolve(),
			{ once: true, signal: stop });
		stop.addEventListener('abort', () => resolve(), { once: true });
	});
}

export interface Round {
	open: boolean; // more may come
	total: number; // bytes there are by now
	took: boolean; // there was something new
	complete: boolean; // nothing will be new any more
}

// One request for what is not here yet, of a console that is known to have total
// bytes; what comes is taken as it arrives.
export async function readMore(path: string, store: LogStore, total: number, took: () => void,
	stop: AbortSignal): Promise<Round> {
	const before = store.end;
	// Asked for what is not there yet, a server says 416, and a browser complains
	// of that: so it is asked for the last byte again. Not so if there must be
	// more: a range ends where bytes were not kept, and would go no farther.
	const from = before && before >= total ? before - 1 : before;
	const answer = await fetch(path, {
		credentials: 'same-origin',
		cache: 'no-store',
		headers: { Range: `bytes=${from}-` },
		signal: stop,
	});
	const open = answer.headers.get('X-Log-Open') === '1';
	const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(answer.headers.get('Content-Range') ?? '');
	if (answer.status === 416)
		return { open, total: before, took: false, complete: !open };
	if (answer.status !== 206 || !range || !answer.body)
		throw new ApiError(answer.status, answer.status === 404
			? 'there is no console of this attempt' : `the daemon answered ${answer.status}`);
	let offset = Number(range[1]);
	const reader = answer.body.getReader();
	for (let part = await reader.read(); !part.done; part = await reader.read()) {
		store.append(part.value, offset);
		offset += part.value.length;
		took();
	}
	const now = Number(range[2]);
	return { open, total: now, took: store.end > before, complete: !open && store.end >= now };
}

async function readTimes(path: string, store: LogStore, times: LogTimes,
	stop: AbortSignal): Promise<void> {
	while (times.end < store.end) {
		const more = await get<Times>(`${path}&from=${times.end}`, stop);
		if (more.to <= times.end)
			return;
		times.add(more.times, more.to);
	}
}

// job and attempt (its number) stay the same as long as the component is there;
// opened: the attempt has a console by now.
export function useLog(job: number, attempt: number, opened: boolean): Log {
	const log = useRef<Log | null>(null);
	const [, render] = useState(0);
	log.current ??= { store: new LogStore(), times: new LogTimes(), version: 0, open: false,
		complete: false, total: 0, error: null };

	useEffect(() => {
		if (!opened)
			return;
		const stop = new AbortController();
		const { signal } = stop;
		const now = log.current as Log;
		let frame = 0;
		const changed = (): void => {
			now.version++;
			frame ||= requestAnimationFrame(() => {
				frame = 0;
				render(now.version);
			});
		};
		const base = `/api/v1/jobs/${job}/log`;
		// A daemon that cannot tell the times tells the rest.
		const readAllTimes = async (): Promise<void> => {
			try {
				await readTimes(`${base}/times?attempt=${attempt}`, now.store, now.times, signal);
				changed();
			} catch {
				// They are asked for again with the next bytes.
			}
		};
		const read = async (): Promise<void> => {
			while (!signal.aborted && !now.complete) {
				await visible(signal);
				if (signal.aborted)
					return;
				try {
					const round = await readMore(`${base}?attempt=${attempt}`, now.store, now.total,
						changed, signal);
					now.open = round.open;
					now.total = round.total;
					now.error = null;
					now.complete = round.complete;
					if (round.took)
						await readAllTimes();
					changed();
					if (round.open && now.store.end >= round.total)
						await wait(AGAIN_MS, signal);
				} catch (e) {
					if (signal.aborted)
						return;
					now.error = e instanceof ApiError ? e : new ApiError(0, 'the daemon cannot be reached');
					changed();
					await wait(RETRY_MS, signal);
				}
			}
		};
		void read();
		return () => {
			stop.abort();
			cancelAnimationFrame(frame);
		};
	}, [job, attempt, opened]);

	return log.current;
}
