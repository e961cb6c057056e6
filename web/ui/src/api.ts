// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP interface (doc/api.md) as types, and the one place that fetches.

export type Outcome =
	| 'none' | 'pass' | 'fail' | 'error' | 'timeout' | 'cancelled' | 'disabled';
export type JobState =
	| 'queued' | 'leased' | 'prepare' | 'run' | 'collect' | 'cleanup' | 'done';
export type Layer =
	| 'none' | 'power' | 'boot' | 'console' | 'ssh' | 'agent' | 'host' | 'vm'
	| 'guest' | 'harness';

export interface Run {
	id: number;
	project: string;
	user: string;
	name: string;
	suite: string;
	commit: string | null;
	link: string | null;
	kind: string;
	priority: number;
	created_at_ms: number;
	ended_at_ms: number | null;
	rerun_of: number | null; // the run whose failed jobs it repeats
	state: 'resolving' | 'open' | 'done';
	status: 'unfinished' | 'success' | 'fail' | 'disabled';
	jobs: {
		total: number;
		waiting: number;
		running: number;
		passed: number;
		failed: number; // without those of the lab
		error: number;
		disabled: number;
		skips: number;
	};
}

export interface RunDetail extends Run {
	ignored: string[]; // what the suite says that has no effect yet
}

export interface Runs {
	runs: Run[];
	total: number;
}

// A job's cell; one with sign '*' alone is no job.
export interface Cell {
	sign: string;
	job?: number;
	state?: JobState;
	outcome?: Outcome;
	layer?: Layer;
	expected?: boolean;
	skips?: boolean;
	attempts?: number;
	took_ms?: number;
	why?: string | null;
}

export interface Matrix {
	run: number;
	items: string[];
	platforms: string[];
	rows: (Cell | null)[][];
}

export interface Change {
	item: string;
	platform: string;
	job: number;
	sign: string;
	text: string | null;
	offset: number | null;
	before: { job: number; sign: string } | null;
}

export interface Changes {
	run: number;
	against: number | null;
	left_ms: number | null;
	broken: Change[];
	fixed: Change[];
	lab: Change[];
}

export interface Attempt {
	id: number;
	no: number;
	machine: string;
	started_at_ms: number;
	took_ms: number;
	outcome: Outcome;
	layer: Layer;
	evidence: string | null;
	log: { size: number; open: boolean; gap_from: number; gap_to: number } | null;
}

export interface JobEvent {
	seq: number;
	at_ms: number;
	event: string;
	text: string | null;
	attempt: number | null;
	machine: string | null;
	outcome: Outcome | null;
	layer: Layer | null;
}

export interface Case {
	name: string;
	result: 'pass' | 'fail' | 'skip';
	text: string | null;
	offset: number;
}

// What placebos found on a machine.
export interface NoiseOf {
	metric: string;
	unit: string;
	guest: string;
	controller: string;
	variant: string;
	sessions: number;
	pairs: number;
	ratio: number;
	interval: [number, number] | null;
	for_pairs: number;
	half_width: number | null;
	alarms: number;
	too_often: boolean;
	text: string;
}

export interface Noise {
	machine: string;
	noise: NoiseOf[];
}

export interface Sample {
	metric: string;
	unit: string;
	variant: string;
	guest: string;
	controller: string;
	values: number[]; // the valid ones
	left_out: number;
}

export interface Job {
	id: number;
	run: number;
	item: string;
	platform: string;
	state: JobState;
	outcome: Outcome;
	layer: Layer;
	expected: boolean;
	skips: boolean;
	sign: string;
	took_ms: number;
	why: string | null;
	attempts: Attempt[];
	events: JobEvent[];
	cases: Case[];
	samples: Sample[];
}

export interface JobHistory {
	history: {
		run: number;
		job: number;
		sign: string;
		outcome: Outcome;
		commit: string | null;
		created_at_ms: number;
	}[];
}

export interface LogTimes {
	from: number;
	to: number;
	open: boolean;
	times: [offset: number, at_ms: number][];
}

export interface Machine {
	name: string;
	platform: string;
	host: string;
	tags: string[];
	health: 'good' | 'suspect' | 'quarantined' | 'maintenance' | 'retired';
	why: string;
	since_at_ms: number;
	busy: {
		job: number;
		run: number;
		item: string;
		state: JobState;
		step: string;
		since_at_ms: number;
	} | null;
	power: 'on' | 'off' | 'unknown';
	power_at_ms: number;
}

export interface MachineDetail extends Machine {
	history: { at_ms: number; health: Machine['health']; why: string }[];
	attempts: {
		id: number;
		job: number;
		run: number;
		item: string;
		started_at_ms: number;
		took_ms: number;
		outcome: Outcome;
		layer: Layer;
		evidence: string | null;
	}[];
}

export interface Queue {
	waiting: number;
	classes: {
		needs: string;
		jobs: number;
		why: string;
		first: { job: number; run: number; item: string };
	}[];
}

export type Verdict = 'better' | 'worse' | 'same' | 'unknown';

export interface OverheadCell {
	overhead: number;
	interval: [number, number] | null;
	n: number; // 0: there are no values behind it, or it is not said of how many
	method: 'paired' | 'welch' | 'summary' | 'best' | 'published' | 'pooled';
	p: number | null;
	verdict: Verdict;
	baseline_mean: number | null;
	candidate_mean: number | null;
}

export interface OverheadTable {
	metric: string;
	unit: string;
	direction: 'higher' | 'lower';
	margin: number;
	definition: string;
	baseline: string;
	candidate: string;
	columns: { guest: string; controller: string }[];
	rows: { machine: string; cells: (OverheadCell | null)[] }[];
	geomean: ({
		overhead: number;
		interval: [number, number] | null;
		k: number;
		m: number;
		i2: number | null;
		between_sd: number | null;
		verdict: Verdict;
	} | null)[];
}

export interface Overhead {
	run: number | null; // null: of all runs
	definition: string;
	notes: string[];
	tables: OverheadTable[];
}

export interface SampleSeries {
	job: number;
	attempt: number;
	item: string;
	machine: string;
	metric: string;
	unit: string;
	variant: string;
	guest: string;
	controller: string;
	values: number[];
	marks:
		| { pair: number; position: number; valid: boolean; why: string; raw: string }[]
		| null;
}

export interface AttemptFiles {
	files: { name: string; sha256: string; size: number }[];
	env: Record<string, string>;
}

export interface Health {
	status: 'ok' | 'degraded';
	version: string;
	problems: string[];
}

export type Scope = 'read' | 'submit' | 'operate' | 'admin';

export interface Session {
	name: string | null;
	scopes: Scope[];
	open_reads: boolean;
}

// What went wrong, in words for the person who asked.
export class ApiError extends Error {
	constructor(readonly status: number, message: string) {
		super(message);
	}
}

async function failure(answer: Response): Promise<ApiError> {
	let text = `the daemon answered ${answer.status}`;
	try {
		const body = (await answer.json()) as { error?: string };
		if (body.error)
			text = body.error;
	} catch {
		// not JSON: the status has to do
	}
	return new ApiError(answer.status, text);
}

async function ask(path: string, init: RequestInit): Promise<Response> {
	let answer: Response;
	try {
		answer = await fetch(path, { credentials: 'same-origin', ...init });
	} catch (e) {
		if (e instanceof DOMException && e.name === 'AbortError')
			throw e;
		throw new ApiError(0, 'the daemon cannot be reached');
	}
	if (!answer.ok)
		throw await failure(answer);
	return answer;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
	const answer = await ask(path, signal ? { signal } : {});
	return (await answer.json()) as T;
}

// Acts need a token; a cookie counts only with this header (doc/api.md).
export async function post<T>(path: string, body?: unknown): Promise<T> {
	const answer = await ask(path, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json', 'X-Ironbench': 'page' },
		body: body === undefined ? '' : JSON.stringify(body),
	});
	return (await answer.json()) as T;
}

// ---- numbers over time ------------------------------------------------------

export interface SeriesRow {
	id: number;
	metric: string;
	unit: string;
	machine: string;
	variant: string;
	guest: string;
	controller: string;
	branch: string;
	points: number;
	last_at_ms: number;
}

// Of an attempt; or of an import, which has no run, job, attempt and commit.
export interface HistoryPoint {
	import?: number;
	run?: number;
	job?: number;
	attempt?: number;
	commit?: string | null;
	at_ms: number;
	value: number | null; // null: none of its values is valid
	values: number[];
	left_out: number;
	why: string | null;
	valid: boolean;
}

export interface HistoryChange {
	index: number;
	first: number;
	last: number;
	p: number | null;
	before: number;
	after: number;
	ratio: number | null;
	interval: [number, number] | null;
	verdict: Verdict | null;
	commit_before: string | null;
	commit_after: string | null;
}

export interface History {
	id: number;
	metric: string;
	unit: string;
	direction: 'higher' | 'lower' | null;
	branch: string;
	detector: 'maxt' | 'otava';
	older: boolean;
	points: HistoryPoint[]; // oldest first; all indices are places in it
	segments: { begin: number; end: number; n: number; mean: number; sd: number | null;
		environment: boolean }[];
	changes: HistoryChange[];
	environments: { index: number; key: string; before: string | null; after: string | null }[];
	spikes: number[];
	suspect: number | null;
}

export interface LatelyChange extends HistoryChange {
	series: number;
	metric: string;
	unit: string;
	machine: string;
	variant: string;
	guest: string;
	controller: string;
	branch: string;
	direction: 'higher' | 'lower' | null;
	at_ms: number;
	run: number | null; // null: an import
	run_before: number | null;
	run_after: number | null;
}

export interface Lately {
	changes: LatelyChange[]; // the newest first
	more: boolean;
	histories: number; // that were looked at
	not_believed: number;
	q: number;
}

export interface CompareSide {
	run: number;
	project: string;
	name: string;
	commit: string | null;
	created_at_ms: number;
	variant: string | null;
}

interface CompareKey {
	metric: string;
	machine: string;
	variant: string;
	guest: string;
	controller: string;
}

export interface CompareRow extends CompareKey {
	unit: string;
	n: [number, number];
	mean: [number | null, number | null];
	method: 'paired' | 'welch';
	ratio: number | null;
	interval: [number, number] | null;
	p: number | null;
	verdict: Verdict;
	more: number;
}

export interface Comparison {
	a: CompareSide;
	b: CompareSide;
	counts: Record<Verdict, number>;
	rows: CompareRow[];
	alone: (CompareKey & { side: 'a' | 'b'; n: number })[];
	definition: string;
	notes: string[];
}

// ---- imports ----------------------------------------------------------------

export interface ImportHead {
	id: number;
	name: string;
	format: string;
	title: string;
	at_ms: number;
	who: string;
	size: number;
	sha256: string;
	samples: number;
	ratios: number;
	cases: number;
	verdict: 'pass' | 'fail' | null; // of cases
}

export interface Imports {
	imports: ImportHead[];
	next: number | null;
}

export interface ImportSeries {
	metric: string;
	label: string;
	unit: string;
	direction: 'higher' | 'lower';
	machine: string;
	variant: string;
	guest: string;
	controller: string;
	kind: 'values' | 'mean' | 'best';
	n: number; // 0: the file does not say
	mean: number;
	sd: number | null;
	low: number | null;
	high: number | null;
	values: number[] | null;
	why: string | null; // why they are not valid
}

export interface ImportCell {
	metric: string;
	direction: 'higher' | 'lower';
	machine: string;
	named: string; // as the file spells it
	guest: string;
	controller: string;
	baseline: string;
	candidate: string;
	overhead: number;
	text: string; // its digits
}

export interface ImportDetail extends ImportHead {
	facts: Record<string, string>;
	results: Record<'pass' | 'fail' | 'skip', number>;
	series: ImportSeries[];
	cells: ImportCell[];
	tests: { name: string; result: 'pass' | 'fail' | 'skip'; text: string }[];
	next: number | null;
}
