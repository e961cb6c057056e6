// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of a console that are in view. Every line is equally high, so that
// where it stands is arithmetic; only what can be seen is in the document.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clock, utc } from './format';
import type { Lines } from './log_address';
import { ranges } from './log_find';
import type { LogStore } from './log_store';
import { type Span, spans } from './log_text';
import type { LogTimes } from './log_times';

const LINE_PX = 18;
const PAD_PX = 8;
const OVERSCAN = 12;
const LINE_BYTES = 4096; // shown of one line
// Browsers stop somewhere behind 16 million pixels; a higher log is scrolled by
// proportion.
const MAX_PX = 12_000_000;

// Between the scrollbar's pixels and those of the whole log.
export interface Geometry {
	height: number; // of what is scrolled
	factor: number; // log pixels for one scrollbar pixel
}

export function geometry(lines: number, view: number): Geometry {
	const whole = lines * LINE_PX + 2 * PAD_PX;
	const height = Math.min(whole, MAX_PX);
	const factor = whole > MAX_PX ? (whole - view) / (height - view) : 1;
	return { height, factor };
}

// Scroll here; another object means again.
export interface Jump {
	line: number; // from 0
}

interface Props {
	store: LogStore;
	times: LogTimes;
	version: number;
	deciding: ReadonlySet<number>;
	tone: string; // of the deciding lines
	selected: Lines | null;
	find: string;
	found: number; // the line of the current hit, -1: none
	jump: Jump | null;
	follow: boolean;
	setFollow: (on: boolean) => void;
	select: (line: number, extend: boolean) => void; // the first is 1
}

function marked(span: Span, find: string): JSX.Element | (JSX.Element | string)[] | string {
	const hits = ranges(span.text, find);
	if (!hits.length)
		return span.text;
	const out: (JSX.Element | string)[] = [];
	let at = 0;
	for (const [from, to] of hits) {
		out.push(span.text.slice(at, from), <mark>{span.text.slice(from, to)}</mark>);
		at = to;
	}
	out.push(span.text.slice(at));
	return out;
}

function Line({ i, p, columns }: { i: number; p: Props; columns: number }): JSX.Element {
	const { store, times, selected } = p;
	const { bytes, left } = store.line(i, LINE_BYTES);
	const at = times.at(store.offsetAt(store.start(i)));
	const before = i ? times.at(store.offsetAt(store.start(i - 1))) : null;
	const later = at !== null && before !== null && at > before
		? `, ${at - before} ms after the line before` : '';
	const classes = ['line'];
	if (p.deciding.has(i))
		classes.push('hit', p.tone);
	if (selected && i + 1 >= selected.from && i + 1 <= selected.to)
		classes.push('selected');
	if (i === p.found)
		classes.push('found');
	if (store.isMarker(i))
		classes.push('marker');
	return (
		<div class={classes.join(' ')}>
			<a href={`#L${i + 1}`} class="number" style={{ width: `${columns}ch` }}
				title="Select; with Shift up to here"
				onClick={(e) => {
					if (e.ctrlKey || e.metaKey || e.button)
						return;
					e.preventDefault();
					p.select(i + 1, e.shiftKey);
				}}>
				{i + 1}
			</a>
			{times.end > 0 && (
				<time title={at === null ? '' : `${utc(at)}${later}`}>
					{at === null ? '' : clock(at)}
				</time>
			)}
			<code>
				{spans(bytes).map((s, k) => (
					<span key={k} class={s.style}>{marked(s, p.find)}</span>
				))}
				{left > 0 && <i class="sub"> … {left} bytes more: see Raw</i>}
			</code>
		</div>
	);
}

export function LogView(p: Props): JSX.Element {
	const box = useRef<HTMLDivElement>(null);
	const [top, setTop] = useState(0);
	const [view, setView] = useState(600);
	const last = useRef(0); // scrollTop before
	const place = useRef(0); // what is at the top, in pixels of the log
	const { store } = p;
	const { height, factor } = geometry(store.lines, view);

	useEffect(() => {
		const element = box.current as HTMLDivElement;
		const observer = new ResizeObserver(() => setView(element.clientHeight));
		observer.observe(element);
		return () => observer.disconnect();
	}, []);

	// A log that grows while it is scrolled by proportion stays where it is.
	useLayoutEffect(() => {
		const element = box.current as HTMLDivElement;
		element.scrollTop = place.current / factor;
		setTop(element.scrollTop);
	}, [factor]);

	useLayoutEffect(() => {
		const element = box.current as HTMLDivElement;
		if (p.follow)
			element.scrollTop = element.scrollHeight;
	}, [p.follow, p.version, view]);

	useLayoutEffect(() => {
		const element = box.current as HTMLDivElement;
		if (!p.jump)
			return;
		// A third from above: what came before is the context that explains.
		const wanted = PAD_PX + p.jump.line * LINE_PX - element.clientHeight * 0.4;
		const g = geometry(store.lines, element.clientHeight);
		element.scrollTop = Math.max(0, wanted) / g.factor;
		place.current = element.scrollTop * g.factor;
		setTop(element.scrollTop);
	}, [p.jump]);

	const scrolled = (): void => {
		const element = box.current as HTMLDivElement;
		const now = element.scrollTop;
		const left = element.scrollHeight - element.clientHeight - now;
		// Bytes only make it longer: who goes up is a person.
		if (p.follow && now < last.current - 1 && left > LINE_PX)
			p.setFollow(false);
		last.current = now;
		place.current = now * factor;
		setTop(now);
	};

	const logTop = top * factor;
	const first = Math.max(0, Math.floor((logTop - PAD_PX) / LINE_PX) - OVERSCAN);
	const end = Math.min(store.lines, Math.ceil((logTop + view) / LINE_PX) + OVERSCAN);
	const shift = top + PAD_PX + first * LINE_PX - logTop;
	const columns = String(Math.max(1, store.lines)).length + 1;
	const lines = [];
	for (let i = first; i < end; i++)
		lines.push(<Line key={i} i={i} p={p} columns={columns} />);
	return (
		<div class="log" role="log" aria-live="off" aria-label="Console" tabIndex={0} ref={box}
			onScroll={scrolled}>
			<div class="whole" style={{ height: `${height}px` }}>
				<div class="lines" style={{ transform: `translateY(${shift}px)` }}>{lines}</div>
			</div>
		</div>
	);
}
