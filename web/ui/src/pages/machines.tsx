// SPDX-License-Identifier: GPL-3.0-or-later
// The lab: what every machine does, which do not work and why, and what waits.
import '../pages.css';
import type { JSX } from 'preact';
import type { Machine, Queue } from '../api';
import { useApi } from '../data';
import { count } from '../format';
import { Doing, HealthWord, outOfService, Power, Reason, ServiceButtons } from '../machine_parts';
import { loginAddress, may, useSession } from '../session';
import { Empty, ErrorBox, SkeletonRows, useRows, useTitle } from '../widgets';

function Counts({ machines }: { machines: readonly Machine[] }): JSX.Element {
	const n = (test: (m: Machine) => boolean): number => machines.filter(test).length;
	const cards: [string, number, string][] = [
		['Machines', machines.length, ''],
		['Working', n((m) => m.busy !== null), ''],
		['Idle', n((m) => !m.busy && !outOfService(m.health)), ''],
		['Suspect', n((m) => m.health === 'suspect'), 'wait'],
		['Quarantined', n((m) => m.health === 'quarantined'), 'lab'],
		['Offline', n((m) => m.health === 'maintenance'), ''],
	];
	return (
		<div class="cards">
			{cards.map(([name, value, tone]) => (
				<div key={name} class="card">{name}<b class={value ? tone : 'zero'}>{count(value)}</b></div>
			))}
		</div>
	);
}

function Row({ m, acts, reload }: {
	m: Machine;
	acts: boolean;
	reload: () => void;
}): JSX.Element {
	return (
		<tr data-row>
			<td>
				<a class="l mono" href={`/machines/${encodeURIComponent(m.name)}`}>{m.name}</a>
				<div class="tags sub">{m.tags.join(', ')}</div>
			</td>
			<td>{m.platform}{m.host && m.host !== m.name && (
				<span class="sub" title="the computer it is part of"> on {m.host}</span>)}</td>
			<td><HealthWord health={m.health} /></td>
			<td class="wrap does">
				{m.health !== 'good' && <div><Reason m={m} /></div>}
				<Doing m={m} />
			</td>
			<td><Power m={m} /></td>
			{acts && <td class="n"><ServiceButtons m={m} done={reload} /></td>}
		</tr>
	);
}

function Waiting({ queue }: { queue: Queue }): JSX.Element {
	return (
		<section aria-label="Waiting">
			<div class="bar">
				<h2>Waiting</h2>
				<span class="sub">{count(queue.waiting)} job{queue.waiting === 1 ? '' : 's'}</span>
			</div>
			{queue.classes.length > 0 && (
				<div class="scroll">
					<table>
						<thead><tr><th>what they need</th><th class="n">jobs</th><th>why they wait</th>
							<th>first</th></tr></thead>
						<tbody>
							{queue.classes.map((c) => (
								<tr key={c.needs + c.first.job} data-row>
									<td>{c.needs}</td>
									<td class="n">{count(c.jobs)}</td>
									<td class="wrap">{c.why}</td>
									<td><a class="l" href={`/jobs/${c.first.job}`}>{c.first.item}</a>{' '}
										<a class="sub" href={`/runs/${c.first.run}`}>run {c.first.run}</a></td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
		</section>
	);
}

export function MachinesPage(): JSX.Element {
	const { data, error, reload } = useApi<{ machines: Machine[] }>('/api/v1/machines',
		(e) => e.event === 'machine' || e.event === 'job');
	const queue = useApi<Queue>('/api/v1/queue', (e) => e.event === 'machine' || e.event === 'job');
	const rows = useRows<HTMLDivElement>();
	const who = useSession();
	const acts = may(who, 'operate');
	useTitle('Infrastructure');
	const machines = data?.machines ?? [];
	return (
		<div ref={rows}>
			<h1>Infrastructure</h1>
			{error && !data && <ErrorBox what="The machines cannot be shown" error={error} retry={reload} />}
			{data && machines.length === 0 && (
				<Empty title="This lab has no machines yet."
					command="ironbench-lab --dir /tmp/lab --machines 2">
					<p>Write them into lab.yaml and let the daemon read it again
						(<code>kill -HUP</code>), or try a virtual lab:</p>
				</Empty>
			)}
			{(machines.length > 0 || (!data && !error)) && (
				<>
					<Counts machines={machines} />
					<div class="scroll">
						<table aria-label="Machines" class="machines">
							<thead><tr><th>machine</th><th>platform</th><th>health</th><th>does what, or why not</th>
								<th>power</th>{acts && <th><span class="hidden">acts</span></th>}</tr></thead>
							<tbody>
								{!data && <SkeletonRows rows={6} columns={5} />}
								{machines.map((m) => <Row key={m.name} m={m} acts={acts} reload={reload} />)}
							</tbody>
						</table>
					</div>
					{who && !acts && (
						<p class="sub">
							<a href={loginAddress()}>Log in</a> with a token that has the scope “operate” to
							take machines out of service and back.
						</p>
					)}
				</>
			)}
			{queue.data && <Waiting queue={queue.data} />}
			{queue.error && !queue.data && data && (
				<p class="sub">What waits cannot be shown: {queue.error.message}.</p>
			)}
		</div>
	);
}
