// SPDX-License-Identifier: GPL-3.0-or-later
// The Test Run Index: what ran, what is red.
import '../runs.css';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run, Runs } from '../api';
import { useApi } from '../data';
import { ALLOWED, type Filter, parseFilter } from '../filter';
import { count, counted } from '../format';
import { Pager } from '../pager';
import { go, useAddress, withQuery } from '../router';
import {
	Count, Empty, ErrorBox, Progress, SkeletonRows, Time, useFilterKey, useRows, useTitle,
} from '../widgets';

const PAGE_SIZE = 25;
const TYPING_MS = 300;
const REST_MS = 250;
const COLUMNS = 11;

function Failed({ run }: { run: Run }): JSX.Element {
	const { failed, error } = run.jobs;
	if (!failed && !error)
		return <span class="zero">0</span>;
	return (
		<a href={`/runs/${run.id}?only=failures`}>
			<span class={failed ? 'bad' : 'lab'}>{count(failed + error)}</span>
			{error > 0 && <span class="lab"> ({count(error)} lab)</span>}
		</a>
	);
}

function RunRow({ run }: { run: Run }): JSX.Element {
	const { jobs, id } = run;
	const running = jobs.waiting + jobs.running;
	return (
		<tr data-row data-run={id}>
			<td><a class="l" href={`/runs/${id}`}>{id}</a></td>
			<td class="n">{run.priority}</td>
			<td class="sub"><Time at={run.created_at_ms} /></td>
			<td>{run.user}</td>
			<th scope="row" class="name"><a href={`/runs/${id}`}>{run.name}</a></th>
			<td>{run.state === 'resolving' ? <span class="wait">resolving files</span>
				: <Progress jobs={jobs} />}</td>
			<td class="n">{running
				? <a href={`/runs/${id}?only=open`}>{count(running)}</a>
				: <span class="zero">0</span>}</td>
			<td class="n"><Count n={jobs.passed} tone="ok" /></td>
			<td class="n failed"><Failed run={run} /></td>
			<td class="n"><Count n={jobs.disabled} /></td>
			<td class="n">{count(jobs.total)}</td>
		</tr>
	);
}

function Head(): JSX.Element {
	return (
		<thead>
			<tr>
				<th scope="col">ID</th>
				<th scope="col" class="n">Priority</th>
				<th scope="col">Creation Time</th>
				<th scope="col">User Name</th>
				<th scope="col">Test Run Name</th>
				<th scope="col">Progress</th>
				<th scope="col" class="n" title="running and waiting">Running</th>
				<th scope="col" class="n">Passed</th>
				<th scope="col" class="n" title="the test’s own failures, and those of the lab">Failed</th>
				<th scope="col" class="n">Disabled</th>
				<th scope="col" class="n">Total</th>
			</tr>
		</thead>
	);
}

const examples: [filter: string, about: string][] = [
	['name like "fsmaster%"', 'names that begin with fsmaster'],
	['name like "%: overhead"', 'names that end with “: overhead”'],
	['nightly', 'names with this word anywhere, short for name like "%nightly%"'],
];

function FilterHelp(): JSX.Element {
	return (
		<div class="alert" id="filter-help">
			<p>The filter takes <code>{ALLOWED}</code>. Upper and lower case are alike.</p>
			<ul>
				{examples.map(([filter, about]) => (
					<li key={filter}>
						<a class="l" href={withQuery({ filter, page: null })}><code>{filter}</code></a> {about}
					</li>
				))}
			</ul>
			<p class="sub">A quote inside is written <code>\"</code>. The filter is part of the address,
				so what you see can be mailed.</p>
		</div>
	);
}

function FilterError({ filter }: { filter: Filter }): JSX.Element | null {
	if (!('error' in filter))
		return null;
	return (
		<span id="filter-error" class="bad" role="alert">
			character {filter.at + 1}: {filter.error}. Allowed: <code>{ALLOWED}</code>
		</span>
	);
}

// The filter's text follows the typing; the address follows when it makes sense.
function FilterBar({ filter, total }: { filter: string; total: number | null }): JSX.Element {
	const input = useFilterKey();
	const [text, setText] = useState(filter);
	const [settled, setSettled] = useState(filter);
	const [help, setHelp] = useState(false);
	const timer = useRef(0);
	const mine = useRef(filter); // what went into the address from here
	useEffect(() => {
		if (filter === mine.current)
			return; // the typing may be further already
		mine.current = filter;
		setText(filter);
		setSettled(filter);
	}, [filter]);
	useEffect(() => () => clearTimeout(timer.current), []);
	const settle = (value: string): void => {
		clearTimeout(timer.current);
		setSettled(value);
		if ('error' in parseFilter(value) || value === filter)
			return;
		mine.current = value;
		go(withQuery({ filter: value, page: null }), true);
	};
	const type = (value: string): void => {
		setText(value);
		clearTimeout(timer.current);
		timer.current = window.setTimeout(() => settle(value), TYPING_MS);
	};
	const parsed = parseFilter(settled);
	const bad = 'error' in parsed;
	return (
		<>
			<form class="bar" role="search" onSubmit={(e) => {
				e.preventDefault();
				settle(text);
			}}>
				<input ref={input} class="filter" type="search" aria-label="Filter" value={text}
					placeholder='name like "fsmaster%"' spellcheck={false} autocomplete="off"
					aria-invalid={bad} aria-describedby={bad ? 'filter-error' : undefined}
					onInput={(e) => type(e.currentTarget.value)} />
				<button type="button" aria-expanded={help} aria-controls="filter-help"
					onClick={() => setHelp(!help)}>Help</button>
				<FilterError filter={parsed} />
				<span class="sub total" role="status">
					{!bad && total !== null && counted(total, 'run')}
				</span>
			</form>
			{(help || (bad && total === null)) && <FilterHelp />}
		</>
	);
}

function NoRuns({ filter, page, pages }: {
	filter: string;
	page: number;
	pages: number;
}): JSX.Element {
	if (page > 1)
		return (
			<Empty title={`There is no page ${count(page)}`}>
				<p><a href={withQuery({ page: pages > 1 ? pages : null })}>Go to the last one</a></p>
			</Empty>
		);
	if (filter)
		return (
			<Empty title="No run has such a name">
				<p><a href="/">Show all runs</a></p>
			</Empty>
		);
	return (
		<Empty title="Nothing has run yet" command={'export IRONBENCH_SERVER=' + location.origin
			+ '\nexport IRONBENCH_TOKEN=…\nironbench submit project_config.yaml --watch'}>
			<p>Start the first run from the folder of a suite. The token is made by
				{' '}<code>ironbenchd token add NAME --scope submit --state DIR</code>.</p>
		</Empty>
	);
}

function pageOf(query: URLSearchParams): number {
	const text = query.get('page') ?? '1';
	return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
}

function apiPath(filter: Filter, page: number): string | null {
	if ('error' in filter)
		return null;
	const q = new URLSearchParams({ limit: String(PAGE_SIZE), page: String(page) });
	if (filter.pattern !== null)
		q.set('name', filter.pattern);
	return `/api/v1/runs?${q}`;
}

// What an event concerns: a run that is shown, or one that is new.
function useRuns(filter: Filter, page: number): {
	runs: Runs | null;
	fresh: boolean;
	error: ReturnType<typeof useApi>['error'];
	reload: () => void;
} {
	const shown = useRef<Runs | null>(null);
	const { data, error, reload } = useApi<Runs>(apiPath(filter, page), (e) =>
		e.event === 'run' || !!shown.current?.runs.some((r) => r.id === e.run), REST_MS);
	if (data)
		shown.current = data;
	return { runs: shown.current, fresh: !!data || !!error, error, reload };
}

function List({ runs, fresh }: { runs: Runs | null; fresh: boolean }): JSX.Element {
	const rows = useRows<HTMLTableSectionElement>();
	return (
		<div class="scroll" aria-busy={!fresh}>
			<table class="runs">
				<caption class="hidden">Runs, newest first</caption>
				<Head />
				<tbody ref={rows}>
					{runs
						? runs.runs.map((run) => <RunRow key={run.id} run={run} />)
						: <SkeletonRows rows={PAGE_SIZE} columns={COLUMNS} />}
				</tbody>
			</table>
		</div>
	);
}

export function IndexPage(): JSX.Element {
	const { query } = useAddress();
	const filter = query.get('filter') ?? '';
	const page = pageOf(query);
	const parsed = parseFilter(filter);
	const { runs, fresh, error, reload } = useRuns(parsed, page);
	const pages = runs ? Math.ceil(runs.total / PAGE_SIZE) : 0;
	const isEmpty = !!runs && !runs.runs.length;
	const isListed = runs ? !isEmpty : !error && !('error' in parsed);
	useTitle(filter ? `${filter} · Test Run Index` : 'Test Run Index');
	return (
		<>
			<h1>Test Run Index</h1>
			<FilterBar filter={filter} total={runs && runs.total} />
			{error && <ErrorBox what="The runs cannot be shown as they are now" error={error} retry={reload} />}
			{isEmpty && <NoRuns filter={filter} page={page} pages={pages} />}
			{isListed && <List runs={runs} fresh={fresh} />}
			<Pager page={page} pages={pages} />
		</>
	);
}
