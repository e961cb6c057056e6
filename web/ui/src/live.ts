// SPDX-License-Identifier: GPL-3.0-or-later
// One stream of the daemon's events for the whole document, shared by what is
// on it. A cut stream is opened again by the browser, which says where it was;
// 'resync' tells everybody to read again.

export interface LiveEvent {
	event: 'run' | 'job' | 'machine' | 'resync';
	run?: number;
	job?: number;
	state?: string;
	sign?: string;
	machine?: string;
}

const REOPEN_MS = 3000;

type Listener = (e: LiveEvent) => void;

const listeners = new Set<Listener>();
const states = new Set<(up: boolean) => void>();
let source: EventSource | null = null;
let up = false;
let isNew = true; // this stream has not been up yet

function tell(e: LiveEvent): void {
	for (const listener of [...listeners])
		listener(e);
}

function setUp(now: boolean): void {
	if (now === up)
		return;
	up = now;
	for (const s of [...states])
		s(up);
}

function open(): void {
	isNew = true;
	source = new EventSource('/events');
	for (const kind of ['run', 'job', 'machine'] as const)
		source.addEventListener(kind, (m: MessageEvent<string>) =>
			tell({ ...(JSON.parse(m.data) as object), event: kind }));
	source.addEventListener('resync', () => tell({ event: 'resync' }));
	source.onopen = () => {
		setUp(true);
		// What happened between a page's first reading and now is in
		// neither.
		if (isNew) {
			isNew = false;
			tell({ event: 'resync' });
		}
	};
	source.onerror = () => {
		setUp(false);
		// Refused for good (a login is needed, the daemon is being started):
		// the browser gives up, we do not.
		if (source?.readyState === EventSource.CLOSED) {
			source = null;
			setTimeout(() => {
				if (!source && listeners.size)
					open();
			}, REOPEN_MS);
		}
	};
}

// Somebody else is logged in now: their stream, from the beginning.
export function reopen(): void {
	source?.close();
	open();
}

// Calls listener for every event until the returned function is called.
export function listen(listener: Listener): () => void {
	listeners.add(listener);
	if (!source)
		open();
	return () => {
		listeners.delete(listener);
	};
}

// Tells whether the stream is up, now and when that changes.
export function listenState(listener: (up: boolean) => void): () => void {
	states.add(listener);
	listener(up);
	return () => {
		states.delete(listener);
	};
}
