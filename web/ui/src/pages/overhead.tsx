// SPDX-License-Identifier: GPL-3.0-or-later
// What the candidates cost, over all runs and imports of a time.
import '../pages.css';
import type { JSX } from 'preact';
import type { Overhead } from '../api';
import { useApi } from '../data';
import { Downloads, Notes, OverheadTables } from '../overhead_table';
import { go, useAddress, withQuery } from '../router';
import { Empty, ErrorBox, Skeleton, useRows, useTitle } from '../widgets';

const DAY_MS = 86400000;
const REST_MS = 5000; // all runs are read again: not with every job
const times: [days: string, text: string][] = [
	['', 'all time'], ['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['365', 'a year'],
];

// A day's beginning, so that the address of what is asked stays for a while.
function pathOf(days: string): string {
	const since = Math.floor(Date.now() / DAY_MS) * DAY_MS - Number(days) * DAY_MS;
	return days ? `/api/v1/overhead?since=${since}` : '/api/v1/overhead';
}

export function OverheadPage(): JSX.Element {
	const { query } = useAddress();
	const wanted = query.get('days') ?? '';
	const days = times.some(([d]) => d === wanted) ? wanted : '';
	const { data, error, reload } = useApi<Overhead>(pathOf(days), (e) => e.event === 'run', REST_MS);
	const rows = useRows<HTMLDivElement>();
	useTitle('Overhead');
	return (
		<div ref={rows}>
			<h1>Overhead</h1>
			<div class="bar">
				<label>of{' '}
					<select value={days} onChange={(e) => go(withQuery({ days: e.currentTarget.value }), true)}>
						{times.map(([d, text]) => <option key={d} value={d}>{text}</option>)}
					</select>
				</label>
				<span class="sub">all runs that are done, and what was imported; each run has a page of its own</span>
				<span class="sp" />
				{data && data.tables.length > 0 && <Downloads data={data} name="overhead" />}
			</div>
			{error && <ErrorBox what="The overhead cannot be shown" error={error} retry={reload} />}
			{!data && !error && <Skeleton lines={6} />}
			{data && (data.tables.length
				? <OverheadTables data={data} evidence={null} />
				: (
					<>
						<Notes notes={data.notes} />
						<Empty title="No run of that time compared two variants."
							command="ironbench submit benchmarks.yaml --watch">
							<p>A suite with variants and benchmarks (man ironbench-suite.yaml) fills this page:</p>
						</Empty>
					</>
				))}
		</div>
	);
}
