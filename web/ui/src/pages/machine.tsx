// SPDX-License-Identifier: GPL-3.0-or-later
// One machine: why it is not working, since when, and what was tried on it.
import '../pages.css';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type MachineDetail, post } from '../api';
import { useApi } from '../data';
import { signOf, Took } from '../job_head';
import { layerWords } from '../job_phases';
import { Doing, HealthWord, healthWord, outOfService, Power, ServiceButtons } from '../machine_parts';
import { NoiseFloor } from '../noise';
import { ActButton, ErrorBox, Sign, Skeleton, Time, useRows, useTitle } from '../widgets';

function Why({ m }: { m: MachineDetail }): JSX.Element | null {
	if (m.health === 'good')
		return null;
	const tone = m.health === 'quarantined' ? 'lab' : m.health === 'suspect' ? 'wait' : '';
	return (
		<div class={`alert ${tone}`}>
			<b class={tone}>{healthWord(m.health)}</b>
			{m.since_at_ms > 0 && <>, <Time at={m.since_at_ms} /></>}
			{m.why && <>: {m.why}</>}
		</div>
	);
}

// Switching by hand, while no job can be disturbed; the answer says what was read
// back.
function PowerButtons({ m, done }: { m: MachineDetail; done: () => void }): JSX.Element | null {
	const [said, say] = useState('');
	if (m.health !== 'maintenance')
		return null;
	const to = async (power: 'on' | 'off' | 'cycle'): Promise<void> => {
		say('');
		const answer = await post<{ power: string; evidence: string }>(
			`/api/v1/machines/${encodeURIComponent(m.name)}/power/${power}`);
		say(`${answer.power}: ${answer.evidence}`);
		done();
	};
	return (
		<>
			<ActButton scope="operate" act={() => to('on')}>Power on</ActButton>
			<ActButton scope="operate" act={() => to('off')}>Power off</ActButton>
			<ActButton scope="operate" title="Off, read back, and on" act={() => to('cycle')}>Power cycle</ActButton>
			{said && <span class="sub" role="status">{said}</span>}
		</>
	);
}

function Attempts({ m }: { m: MachineDetail }): JSX.Element {
	return (
		<section aria-label="Last attempts">
			<h2>Last attempts</h2>
			{m.attempts.length === 0 && <p class="sub">It has not worked on anything yet.</p>}
			{m.attempts.length > 0 && (
				<div class="scroll">
					<table>
						<thead><tr><th>job</th><th>outcome</th><th>began</th><th class="n">took</th>
							<th>evidence</th><th>run</th></tr></thead>
						<tbody>
							{m.attempts.map((a) => (
								<tr key={a.id} data-row>
									<td><a class="l" href={`/jobs/${a.job}`}>{a.item}</a></td>
									<td><Sign sign={signOf(a)} /></td>
									<td><Time at={a.started_at_ms} /></td>
									<td class="n"><Took a={a} /></td>
									<td class={`wrap ${a.outcome === 'error' ? 'lab' : ''}`}
										title={a.outcome === 'error' ? layerWords(a.layer) : ''}>{a.evidence}</td>
									<td><a href={`/runs/${a.run}`}>{a.run}</a></td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
		</section>
	);
}

function History({ m }: { m: MachineDetail }): JSX.Element {
	return (
		<section aria-label="Health">
			<h2>Health</h2>
			{m.history.length === 0 && <p class="sub">It has been good as long as this lab knows it.</p>}
			{m.history.length > 0 && (
				<div class="scroll">
					<table>
						<thead><tr><th>since</th><th>health</th><th>why</th></tr></thead>
						<tbody>
							{m.history.map((h) => (
								<tr key={h.at_ms + h.health} data-row>
									<td><Time at={h.at_ms} /></td>
									<td><HealthWord health={h.health} /></td>
									<td class="wrap">{h.why}</td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
		</section>
	);
}

function Loaded({ m, reload }: { m: MachineDetail; reload: () => void }): JSX.Element {
	const rows = useRows<HTMLDivElement>();
	return (
		<div ref={rows}>
			<div class="sub"><a class="l" href="/machines">Infrastructure</a> · {m.platform}
				{m.host && m.host !== m.name && <> · on host {m.host}</>}</div>
			<h1>{m.name} <HealthWord health={m.health} /></h1>
			<Why m={m} />
			<dl class="facts-list">
				<dt>does</dt><dd>{m.busy || !outOfService(m.health) ? <Doing m={m} /> : <span class="pale">nothing</span>}</dd>
				<dt>power</dt><dd><Power m={m} /></dd>
				<dt>tags</dt><dd>{m.tags.length ? m.tags.map((t) => (
					<span key={t} class="pill">{t}</span>)) : <span class="pale">none</span>}</dd>
			</dl>
			<div class="bar">
				<ServiceButtons m={m} done={reload} />
				<PowerButtons m={m} done={reload} />
				{!outOfService(m.health) && (
					<span class="sub">Its power can be switched by hand while it is offline.</span>
				)}
			</div>
			<Attempts m={m} />
			<History m={m} />
			<NoiseFloor machine={m.name} />
		</div>
	);
}

export function MachinePage({ name }: { name: string }): JSX.Element {
	const { data, error, reload } = useApi<MachineDetail>(
		`/api/v1/machines/${encodeURIComponent(name)}`,
		(e) => e.event === 'machine' ? e.machine === undefined || e.machine === name : e.event === 'job');
	useTitle(data ? `${name}: ${healthWord(data.health)}` : name);
	if (!data && error)
		return <><h1>{name}</h1><ErrorBox what={`Machine ${name} cannot be shown`} error={error} retry={reload} /></>;
	return data ? <Loaded m={data} reload={reload} /> : <Skeleton lines={5} />;
}
