// SPDX-License-Identifier: GPL-3.0-or-later
// What a machine finds between equals: the smallest difference it can show.
import type { JSX } from 'preact';
import type { Noise, NoiseOf } from './api';
import { useApi } from './data';
import { ratio } from './format';
import { intervalText } from './overhead_export';

function Row({ n }: { n: NoiseOf }): JSX.Element {
	const where = [n.guest, n.controller].filter((s) => s !== '').join(' ');
	return (
		<tr data-row title={n.text}>
			<th scope="row">{n.metric}</th>
			<td>{where}</td>
			<td>{n.variant}</td>
			<td class="n">{n.sessions}</td>
			<td class="n">{n.pairs}</td>
			<td class="n">{ratio(n.ratio)} <span class="ci">{intervalText(n.interval)}</span></td>
			<td class="n">{n.half_width === null ? '–'
				: `±${(100 * n.half_width).toPrecision(2)} % in ${n.for_pairs} pairs`}</td>
			<td class={`n ${n.too_often ? 'lab' : ''}`}>{n.alarms} of {n.sessions}</td>
		</tr>
	);
}

export function NoiseFloor({ machine }: { machine: string }): JSX.Element | null {
	const { data } = useApi<Noise>(`/api/v1/machines/${encodeURIComponent(machine)}/noise`,
		(e) => e.event === 'run');
	if (!data)
		return null;
	return (
		<section aria-label="Noise floor">
			<h2>Noise floor</h2>
			{data.noise.length === 0 && (
				<p class="sub">Not known: no benchmark here had placebos, which measure one variant against itself.</p>
			)}
			{data.noise.length > 0 && (
				<>
					<div class="scroll">
						<table>
							<thead><tr><th>metric</th><th>guest</th><th>variant</th><th class="n">sessions</th>
								<th class="n">pairs</th><th class="n">ratio of equals</th>
								<th class="n">smallest difference seen</th><th class="n">false alarms</th></tr></thead>
							<tbody>{data.noise.map((n) => (
								<Row key={[n.metric, n.guest, n.controller, n.variant].join('\n')} n={n} />
							))}</tbody>
						</table>
					</div>
					<p class="definition">Both arms were the same variant: a ratio whose interval leaves 1 out says that
						the order or the machine favours one arm. 5 in 100 sessions find a difference by chance alone.</p>
				</>
			)}
		</section>
	);
}
