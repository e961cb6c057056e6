// SPDX-License-Identifier: GPL-3.0-or-later
// What the pages of the infrastructure have in common.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Machine, post } from './api';
import { duration } from './format';
import { ActButton, ConfirmDialog, Ticking, Time } from './widgets';

// ---- health ----------------------------------------------------------------

interface Look {
	sign: string;
	word: string;
	tone: string;
	about: string;
}

const looks: Record<Machine['health'], Look> = {
	good: { sign: '●', word: 'good', tone: 'ok', about: 'takes jobs' },
	suspect: { sign: '◐', word: 'suspect', tone: 'wait',
		about: 'failed where others did not: a canary will tell' },
	quarantined: { sign: '✗', word: 'quarantined', tone: 'lab',
		about: 'takes no jobs until somebody has looked at it' },
	maintenance: { sign: '‖', word: 'offline', tone: 'pale', about: 'taken out of service by a person' },
	retired: { sign: '–', word: 'retired', tone: 'pale', about: 'no longer in the lab' },
};

export function HealthWord({ health }: { health: Machine['health'] }): JSX.Element {
	const look = looks[health];
	return <span class={look.tone} title={look.about}>{look.sign} {look.word}</span>;
}

export function healthWord(health: Machine['health']): string {
	return looks[health].word;
}

// ---- power -----------------------------------------------------------------

export function Power({ m }: { m: Pick<Machine, 'power' | 'power_at_ms'> }): JSX.Element {
	if (!m.power_at_ms)
		return <span class="pale" title="never read">? unknown</span>;
	const sign = m.power === 'on' ? '▮' : m.power === 'off' ? '▯' : '?';
	return (
		<span class={m.power === 'unknown' ? 'wait' : ''}>
			{sign} {m.power} <span class="sub">· <Time at={m.power_at_ms} /></span>
		</span>
	);
}

// ---- what it does ----------------------------------------------------------

export function Doing({ m }: { m: Pick<Machine, 'busy' | 'health'> }): JSX.Element | null {
	const { busy } = m;
	if (!busy)
		return outOfService(m.health) ? null : <span class="pale">idle</span>;
	return (
		<>
			<a class="l" href={`/jobs/${busy.job}`}>{busy.item}</a>{' '}
			<span class="wait">{busy.step || busy.state}</span>
			{busy.since_at_ms > 0 && (
				<span class="sub"> · <Ticking text={(now) => duration(now - busy.since_at_ms)} /></span>
			)}
		</>
	);
}

// Why it is not good, and since when.
export function Reason({ m }: { m: Machine }): JSX.Element | null {
	if (m.health === 'good' || (!m.why && !m.since_at_ms))
		return null;
	return (
		<>
			{m.why || 'no reason was given'}
			{m.since_at_ms > 0 && <span class="sub"> · <Time at={m.since_at_ms} /></span>}
		</>
	);
}

// ---- in and out of service -------------------------------------------------

export function outOfService(health: Machine['health']): boolean {
	return health === 'maintenance' || health === 'quarantined' || health === 'retired';
}

// Offline asks why: the next person wants to know.
export function ServiceButtons({ m, done }: { m: Machine; done: () => void }): JSX.Element {
	const [asking, ask] = useState(false);
	const to = async (where: 'online' | 'offline', why: string): Promise<void> => {
		await post(`/api/v1/machines/${encodeURIComponent(m.name)}/${where}`, { why });
		done();
	};
	return (
		<>
			{m.health !== 'maintenance' && m.health !== 'retired' && (
				<ActButton scope="operate" title={`Takes ${m.name} out of service at once`}
					act={async () => ask(true)}>Offline…</ActButton>
			)}
			{m.health !== 'good' && (
				<ActButton scope="operate" title={`Gives ${m.name} jobs again`}
					act={() => to('online', 'put online on the page')}>Online</ActButton>
			)}
			{asking && (
				<ConfirmDialog title={`Take ${m.name} offline`} verb="Take offline" ask="Why?"
					act={(why) => to('offline', why)} close={() => ask(false)}>
					<p>It takes no new job until it is put online again
						{m.busy ? `; job ${m.busy.job} ends here, blames nobody and waits for another machine` : ''}.</p>
				</ConfirmDialog>
			)}
		</>
	);
}
