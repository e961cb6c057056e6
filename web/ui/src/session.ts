// SPDX-License-Identifier: GPL-3.0-or-later
// Who the person is, and what that allows: one answer for the whole document.
import { useEffect, useState } from 'preact/hooks';
import { get, post, type Scope, type Session } from './api';
import { reopen } from './live';
import { go } from './router';

let session: Session | null = null; // null: not asked yet
let asking: Promise<void> | null = null;
const watchers = new Set<() => void>();

function set(to: Session): void {
	session = to;
	for (const w of [...watchers])
		w();
}

async function ask(): Promise<void> {
	try {
		set(await get<Session>('/api/v1/session'));
	} catch {
		// Not known: asked again by whoever comes next.
	} finally {
		asking = null;
	}
}

export function askSession(): Promise<void> {
	asking ??= ask();
	return asking;
}

export function useSession(): Session | null {
	const [now, update] = useState(session);
	useEffect(() => {
		const watch = (): void => update(session);
		watchers.add(watch);
		watch();
		if (!session)
			void askSession();
		return () => {
			watchers.delete(watch);
		};
	}, []);
	return now;
}

export function may(who: Session | null, scope: Scope): boolean {
	return !!who && (who.scopes.includes(scope) || (scope === 'read' && who.open_reads));
}

// Throws an ApiError if it is no token.
export async function logIn(token: string): Promise<void> {
	set(await post<Session>('/api/v1/session', { token }));
	reopen();
}

export async function logOut(): Promise<void> {
	await post('/api/v1/session/end');
	await askSession();
	if (may(session, 'read'))
		reopen();
	else
		needLogin();
}

// Where to go for a token, and then back to here.
export function loginAddress(): string {
	const back = location.pathname + location.search + location.hash;
	return back === '/' ? '/login' : `/login?next=${encodeURIComponent(back)}`;
}

// The page wants to be read by somebody who may.
export function needLogin(): void {
	if (location.pathname !== '/login')
		go(loginAddress(), true);
}
