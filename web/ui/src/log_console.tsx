// SPDX-License-Identifier: GPL-3.0-or-later
// The console of one attempt: its lines, what decided, finding, following, and
// an address for every line.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Attempt, Case } from './api';
import { bytes, count } from './format';
import { useKeys } from './keys';
import { extend, type Lines, readTarget, writeTarget } from './log_address';
import { decidingLines } from './log_decide';
import { LogFind, nextHit } from './log_find';
import { type Log, useLog } from './log_load';
import { type Jump, LogView } from './log_view';
import { go, useAddress } from './router';
import { useFilterKey } from './widgets';

const FIND_SLICE = 2 << 20; // bytes looked at between two frames

function addressOf(lines: Lines): string {
	return `${location.pathname}${location.search}#${writeTarget(lines)}`;
}

// ---- finding ---------------------------------------------------------------

interface Found {
	hits: readonly number[];
	busy: boolean;
}

// The lines with the text, found a slice at a time and on as the log grows.
function useFind(log: Log, text: string): Found {
	const find = useMemo(() => (text ? new LogFind(log.store, text) : null), [log.store, text]);
	const [, render] = useState(0);
	const busy = useRef(false);
	useEffect(() => {
		if (!find)
			return;
		let timer = 0;
		const step = (): void => {
			busy.current = find.step(FIND_SLICE);
			render((n) => n + 1);
			if (busy.current)
				timer = window.setTimeout(step, 0);
		};
		step();
		return () => clearTimeout(timer);
	}, [find, log.version]);
	return { hits: find?.hits ?? [], busy: busy.current };
}

function Finder({ text, setText, found, at, move }: {
	text: string;
	setText: (text: string) => void;
	found: Found;
	at: number;
	move: (by: number) => void;
}): JSX.Element {
	const field = useFilterKey();
	return (
		<span class="finder" role="search">
			<input ref={field} type="search" value={text} placeholder="find in the log  /"
				aria-label="Find in the log" size={22}
				onInput={(e) => setText(e.currentTarget.value)}
				onKeyDown={(e) => {
					if (e.key === 'Enter') {
						e.preventDefault();
						move(e.shiftKey ? -1 : 1);
					}
				}} />
			{text && (
				<span class="sub" role="status">
					{found.hits.length
						? `${count(at + 1)} of ${count(found.hits.length)} lines`
						: found.busy ? 'looking' : 'not found'}
				</span>
			)}
		</span>
	);
}

// ---- where to look ---------------------------------------------------------

// Where the address, or else the verdict, wants one to look, when it is there.
function useFirstLook(log: Log, deciding: readonly number[], follow: boolean,
	jumpTo: (line: number) => void): void {
	const { hash } = useAddress();
	const done = useRef<string | null>(null);
	useEffect(() => {
		const target = readTarget(hash);
		if (target ? done.current === hash : done.current !== null)
			return;
		if (target) {
			const line = 'lines' in target
				? target.lines.from - 1 : log.store.lineOfOffset(target.offset);
			if (line < 0 || line >= log.store.lines)
				return; // not read yet
			done.current = hash;
			jumpTo(line);
			if ('offset' in target) {
				done.current = writeTarget({ from: line + 1, to: line + 1 });
				go(addressOf({ from: line + 1, to: line + 1 }), true);
			}
		} else if (deciding[0] !== undefined && !follow) {
			done.current = '';
			jumpTo(deciding[0]);
		}
	});
}

function useSelection(): [Lines | null, (line: number, more: boolean) => void] {
	const { hash } = useAddress();
	const target = readTarget(hash);
	const selected = target && 'lines' in target ? target.lines : null;
	return [selected, (line, more) => {
		const one = selected?.from === line && selected.to === line;
		if (one && !more)
			go(location.pathname + location.search, true);
		else
			go(addressOf(more ? extend(selected, line) : { from: line, to: line }), true);
	}];
}

// ---- the whole -------------------------------------------------------------

function Summary({ log, deciding, jumpTo }: {
	log: Log;
	deciding: readonly number[];
	jumpTo: (line: number) => void;
}): JSX.Element {
	const { store } = log;
	const first = deciding[0];
	const reading = !log.complete && !log.open && log.total > store.end;
	return (
		<span class="sub">
			{reading ? `${bytes(store.size)} of ${bytes(log.total)}` : bytes(store.size)}
			{' · '}{count(store.lines)} line{store.lines === 1 ? '' : 's'}
			{first !== undefined && (
				<>
					{' · '}
					<button type="button" class="plain link" onClick={() => jumpTo(first)}>
						line {count((deciding[deciding.length - 1] as number) + 1)} decided
					</button>
				</>
			)}
			{log.open && <> · <span class="wait">live</span></>}
			{log.error && <> · <span class="bad">{log.error.message}, trying again</span></>}
		</span>
	);
}

export function Console({ job, attempt, cases, tone, children }: {
	job: number;
	attempt: Attempt;
	cases: readonly Case[]; // of this attempt
	tone: 'bad' | 'lab' | 'test';
	children?: JSX.Element; // more buttons
}): JSX.Element {
	const log = useLog(job, attempt.no, attempt.log !== null);
	const { store, times, version } = log;
	const [wish, setWish] = useState<boolean | null>(null); // of the person
	const [jump, setJump] = useState<Jump | null>(null);
	const [text, setText] = useState('');
	const [at, setAt] = useState(0);
	const { hash } = useAddress();
	const follow = log.open && (wish ?? !readTarget(hash));
	const jumpTo = (line: number): void => {
		setWish(false);
		setJump({ line });
	};
	// They are looked for again only when one more of them may be here.
	const reached = cases.filter((c) => c.result === 'fail' && c.offset < store.end).length;
	const deciding = useMemo(() => decidingLines(store, {
		outcome: attempt.outcome,
		evidence: attempt.evidence,
		cases,
		complete: log.complete,
	}), [store, attempt.outcome, attempt.evidence, cases, log.complete, reached]);
	const decidingSet = useMemo(() => new Set(deciding), [deciding]);
	const found = useFind(log, text);
	const [selected, select] = useSelection();
	useFirstLook(log, deciding, follow, jumpTo);

	const look = (hits: readonly number[], index: number): void => {
		const n = hits.length;
		if (!n)
			return;
		const to = (index + n) % n;
		setAt(to);
		jumpTo(hits[to] as number);
	};
	const move = (by: number): void => look(found.hits, at + by);
	// The first hit behind what is selected, as soon as there is one.
	const fresh = useRef('');
	useEffect(() => {
		if (!text || fresh.current === text || !found.hits.length)
			return;
		fresh.current = text;
		look(found.hits, nextHit(found.hits, (selected?.from ?? 1) - 1));
	});
	useKeys([
		{ keys: 'n', about: 'next line found in the log', act: () => move(1) },
		{ keys: 'N', about: 'line found before', act: () => move(-1) },
		{ keys: 'f', about: 'follow the log', act: () => setWish(!follow) },
		{ keys: 'd', about: 'the line that decided',
			act: () => deciding[0] !== undefined && jumpTo(deciding[0]) },
	]);

	return (
		<section aria-label="Console">
			<div class="bar">
				<h2>Console</h2>
				{attempt.log && <Summary log={log} deciding={deciding} jumpTo={jumpTo} />}
				<span class="sp" />
				{attempt.log && (
					<>
						<Finder text={text} setText={setText} found={found} at={at} move={move} />
						<a class="button" href={`/api/v1/jobs/${job}/log?attempt=${attempt.no}`}>Raw</a>
						{log.open && (
							<button type="button" aria-pressed={follow} title="f"
								onClick={() => setWish(!follow)}>Follow</button>
						)}
					</>
				)}
				{children}
			</div>
			{attempt.log && (store.lines > 0 || !log.complete) && (
				<LogView store={store} times={times} version={version} deciding={decidingSet}
					tone={tone} selected={selected} find={text}
					found={text ? found.hits[at] ?? -1 : -1} jump={jump} follow={follow}
					setFollow={setWish} select={select} />
			)}
			{attempt.log && log.complete && !store.lines && (
				<p class="sub">The machine printed nothing.</p>
			)}
			{!attempt.log && (
				<p class="sub">
					{attempt.outcome === 'none'
						? 'The console opens before the machine is switched on; it will be here.'
						: 'This attempt has no console: it works over SSH, or ended before it was opened.'}
				</p>
			)}
		</section>
	);
}
