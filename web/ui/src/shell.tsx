// SPDX-License-Identifier: GPL-3.0-or-later
// What is around every page: where one can go, how the lab is, who is there.
import { type ComponentChildren, Fragment, type JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Health, Machine } from './api';
import { useApi } from './data';
import { counted } from './format';
import { bindings, useKeys } from './keys';
import { listenState } from './live';
import { go } from './router';
import { loginAddress, logOut, may, useSession } from './session';
import { toggleTheme, useTheme } from './theme';
import { Dialog, Legend } from './widgets';

const HEALTH_MS = 15000;
const REST_MS = 500;

const places: [href: string, text: string, covers: RegExp][] = [
	['/', 'Index', /^\/($|runs\/\d+$|jobs\/)/],
	['/overhead', 'Overhead', /^\/(overhead|runs\/\d+\/overhead)/],
	['/history', 'History', /^\/(history|compare)/],
	['/imports', 'Imports', /^\/imports/],
	['/machines', 'Infrastructure', /^\/machines/],
];

function Places({ path, help }: { path: string; help: () => void }): JSX.Element {
	return (
		<nav aria-label="Pages">
			{places.map(([href, text, covers]) => (
				<a key={href} href={href} {...(covers.test(path) ? { 'aria-current': 'page' } : {})}>
					{text}
				</a>
			))}
			<button type="button" onClick={help}>Docs</button>
		</nav>
	);
}

// '7 machines · 1 quarantined': what is not good is named.
function machineSummary(machines: Machine[]): string {
	const parts = [counted(machines.length, 'machine')];
	for (const health of ['quarantined', 'suspect', 'maintenance'] as const) {
		const n = machines.filter((m) => m.health === health).length;
		if (n)
			parts.push(`${n} ${health === 'maintenance' ? 'offline' : health}`);
	}
	return parts.join(' · ');
}

function MachinesPill(): JSX.Element | null {
	const { data } = useApi<{ machines: Machine[] }>('/api/v1/machines',
		(e) => e.event === 'machine', REST_MS);
	return data && <a class="pill" href="/machines">{machineSummary(data.machines)}</a>;
}

// Quiet while events arrive. A stream that has just been opened is not yet one
// that was cut.
function LiveState(): JSX.Element {
	const [up, setUp] = useState(true);
	useEffect(() => {
		let timer = 0;
		const stop = listenState((now) => {
			clearTimeout(timer);
			if (now)
				setUp(true);
			else
				timer = window.setTimeout(() => setUp(false), 1000);
		});
		return () => {
			clearTimeout(timer);
			stop();
		};
	}, []);
	return (
		<span class={up ? 'hidden' : 'live down'} role="status">
			{up ? '' : 'live updates interrupted, reconnecting…'}
		</span>
	);
}

// What the daemon itself complains about.
function useHealth(): Health | null {
	const [health, set] = useState<Health | null>(null);
	useEffect(() => {
		const stop = new AbortController();
		const read = async (): Promise<void> => {
			try {
				const answer = await fetch('/health', { signal: stop.signal });
				set((await answer.json()) as Health); // 503 has a body, too
			} catch {
				// Not reached: the state of the stream says so.
			}
		};
		void read();
		const timer = setInterval(() => void read(), HEALTH_MS);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, []);
	return health;
}

function Problems({ health }: { health: Health | null }): JSX.Element | null {
	if (health?.status !== 'degraded')
		return null;
	return (
		<div class="banner" role="alert">
			<b class="bad">The daemon is not well:</b> {health.problems.join('; ')}.
			It goes on when that has ended; its log says more.
		</div>
	);
}

function User(): JSX.Element | null {
	const who = useSession();
	if (!who)
		return null;
	if (!who.name)
		return <a class="l" href={loginAddress()}>log in</a>;
	return (
		<span>
			<span title={`may ${who.scopes.join(', ')}`}>{who.name}</span>
			<button type="button" class="plain" onClick={() => void logOut()}>log out</button>
		</span>
	);
}

function Help({ health, close }: { health: Health | null; close: () => void }): JSX.Element {
	const seen = new Set<string>();
	const list = bindings().filter((b) => !seen.has(b.keys) && seen.add(b.keys));
	return (
		<Dialog title="Help" close={close}>
			<dl class="keys">
				{list.map((b) => (
					<Fragment key={b.keys}>
						<dt>{b.keys.split(' ').map((k) => <kbd key={k}>{k}</kbd>)}</dt>
						<dd>{b.about}</dd>
					</Fragment>
				))}
				<dt><kbd>Escape</kbd></dt>
				<dd>close, or leave a text field</dd>
			</dl>
			<h2>Signs</h2>
			<Legend />
			<h2>Documents</h2>
			<p>
				Everything on these pages is also an answer of the HTTP interface
				(<a href="/api/v1/openapi.json">its description, OpenAPI</a>) and of the
				command <code>ironbench</code> (<code>man ironbench</code>, <code>man ironbenchd</code>).
			</p>
			{health && <p class="sub">ironbench {health.version}</p>}
			<div class="bar end">
				<button type="button" class="primary" autoFocus onClick={close}>Close</button>
			</div>
		</Dialog>
	);
}

function ThemeButton(): JSX.Element {
	const other = useTheme() === 'dark' ? 'light' : 'dark';
	return (
		<button type="button" class="plain" onClick={toggleTheme} title={`switch to ${other} colours`}
			aria-label={`switch to ${other} colours`}>
			{other === 'dark' ? '◐' : '◑'}
		</button>
	);
}

// A new page begins at its top for those who hear it, too.
function usePageFocus(path: string): void {
	const before = useRef(path);
	useEffect(() => {
		if (before.current !== path)
			document.getElementById('main')?.focus({ preventScroll: true });
		before.current = path;
	}, [path]);
}

export function Shell({ path, children }: {
	path: string;
	children: ComponentChildren;
}): JSX.Element {
	const [help, setHelp] = useState(false);
	const health = useHealth();
	const who = useSession();
	const readable = may(who, 'read');
	usePageFocus(path);
	useKeys([
		{ keys: 'g i', about: 'go to the index', act: () => go('/') },
		{ keys: 'g o', about: 'go to the overhead', act: () => go('/overhead') },
		{ keys: 'g h', about: 'go to the history', act: () => go('/history') },
		{ keys: 'g m', about: 'go to the machines', act: () => go('/machines') },
		{ keys: '?', about: 'this help', act: () => setHelp(true) },
	], 'everywhere');
	return (
		<>
			<a class="skip" href="#main">Skip to the page</a>
			<header class="top">
				<a class="brand" href="/">iron<i>bench</i></a>
				<Places path={path} help={() => setHelp(true)} />
				<div class="right">
					{readable && <LiveState />}
					{readable && <MachinesPill />}
					<User />
					<ThemeButton />
					<button type="button" class="pill wide-only" onClick={() => setHelp(true)}>? help</button>
				</div>
			</header>
			<Problems health={health} />
			<main id="main" tabIndex={-1}>{children}</main>
			{help && <Help health={health} close={() => setHelp(false)} />}
		</>
	);
}
