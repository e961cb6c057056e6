// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and reading again: what a page shows is what the daemon last said.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get } from './api';
import { type LiveEvent, listen } from './live';
import { needLogin } from './session';

export interface Loaded<T> {
	data: T | null; // null: nothing came yet
	error: ApiError | null; // of the last reading; data may still be there
	askedAt: number; // when the reading of data began, as performance.now()
	reload: () => void;
}

interface Reading<T> {
	path: string | null;
	data: T | null;
	error: ApiError | null;
	askedAt: number;
}

// Reads path now, when it changes, and when an event concerns it. One reading at
// a time: what happens meanwhile is read after it, so that a busy lab neither
// starves the page nor floods the daemon, which is let alone for restMs between
// two. null: reads nothing.
export function useApi<T>(path: string | null, concerns?: (e: LiveEvent) => boolean,
	restMs = 50): Loaded<T> {
	const [state, set] = useState<Reading<T>>({ path, data: null, error: null, askedAt: 0 });
	const filter = useRef(concerns);
	filter.current = concerns;
	const again = useRef<() => void>(() => undefined);
	const reload = useCallback(() => again.current(), []);

	useEffect(() => {
		if (path === null)
			return;
		const stop = new AbortController();
		let reading = false;
		let dirty = false;
		let timer = 0;
		const read = async (): Promise<void> => {
			reading = true;
			dirty = false;
			const askedAt = performance.now();
			try {
				const data = await get<T>(path, stop.signal);
				set({ path, data, error: null, askedAt });
			} catch (e) {
				if (stop.signal.aborted)
					return;
				const error = e instanceof ApiError ? e : new ApiError(0, String(e));
				if (error.status === 401)
					needLogin();
				set((old) => old.path === path
					? { ...old, error }
					: { path, data: null, error, askedAt });
			}
			reading = false;
			if (dirty)
				soon();
		};
		const soon = (): void => {
			dirty = true;
			if (reading || timer)
				return;
			timer = window.setTimeout(() => {
				timer = 0;
				void read();
			}, restMs);
		};
		again.current = soon;
		void read();
		const unlisten = listen((e) => {
			if (e.event === 'resync' || filter.current?.(e))
				soon();
		});
		return () => {
			stop.abort();
			clearTimeout(timer);
			unlisten();
		};
	}, [path, restMs]);

	const current = state.path === path;
	return {
		data: current ? state.data : null,
		error: current ? state.error : null,
		askedAt: current ? state.askedAt : 0,
		reload,
	};
}

// Now, again every so many milliseconds: for relative times.
export function useNow(everyMs = 1000): number {
	const [now, set] = useState(Date.now);
	useEffect(() => {
		const timer = setInterval(() => set(Date.now()), everyMs);
		return () => clearInterval(timer);
	}, [everyMs]);
	return now;
}
