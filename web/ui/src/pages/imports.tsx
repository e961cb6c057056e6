// SPDX-License-Identifier: GPL-3.0-or-later
// What was imported from other programs, newest first.
import '../pages.css';
import type { JSX } from 'preact';
import type { ImportHead, Imports } from '../api';
import { useApi } from '../data';
import { baseName, bytes } from '../format';
import { ImportVerdict } from '../import_parts';
import { useAddress, withQuery } from '../router';
import { Count, Empty, ErrorBox, SkeletonRows, Time, useRows, useTitle } from '../widgets';

const COLUMNS = 10;

function Row({ im }: { im: ImportHead }): JSX.Element {
	return (
		<tr data-row>
			<td class="n"><a class="l" href={`/imports/${im.id}`}>{im.id}</a></td>
			<td class="wrap mono" title={im.name}>{baseName(im.name)}</td>
			<td>{im.title}</td>
			<td class="n"><Count n={im.samples} /></td>
			<td class="n"><Count n={im.ratios} /></td>
			<td class="n"><Count n={im.cases} /></td>
			<td><ImportVerdict verdict={im.verdict} /></td>
			<td>{im.who}</td>
			<td><Time at={im.at_ms} /></td>
			<td class="n sub">{bytes(im.size)}</td>
		</tr>
	);
}

export function ImportsPage(): JSX.Element {
	const { query } = useAddress();
	const before = query.get('before');
	const { data, error, reload } = useApi<Imports>(
		before ? `/api/v1/imports?before=${encodeURIComponent(before)}` : '/api/v1/imports');
	const rows = useRows<HTMLTableElement>();
	useTitle('Imports');
	const list = data?.imports ?? [];
	return (
		<>
			<h1>Imports</h1>
			{error && <ErrorBox what="The imports cannot be shown" error={error} retry={reload} />}
			{data && !list.length && !before && (
				<Empty title="Nothing was imported yet."
					command="ironbench import --machine NAME --variant NAME results.json">
					<p>Results of fio, Geekbench, CrystalDiskMark, sysbench, kvm-unit-tests and others, and
						published tables, become part of the overhead and are kept with their files:</p>
				</Empty>
			)}
			{(list.length > 0 || (!data && !error)) && (
				<div class="scroll">
					<table ref={rows} aria-label="Imports">
						<thead><tr><th class="n">import</th><th>file</th><th>format</th><th class="n">samples</th>
							<th class="n">ratios</th><th class="n">cases</th><th>verdict</th><th>by</th><th>when</th>
							<th class="n">size</th></tr></thead>
						<tbody>
							{!data && <SkeletonRows rows={6} columns={COLUMNS} />}
							{list.map((im) => <Row key={im.id} im={im} />)}
						</tbody>
					</table>
				</div>
			)}
			{data && (before || data.next !== null) && (
				<nav class="pager" aria-label="Pages of the list">
					{before && <a href={withQuery({ before: null })}>Newest</a>}
					{data.next !== null && <a href={withQuery({ before: data.next })}>Older</a>}
				</nav>
			)}
		</>
	);
}
