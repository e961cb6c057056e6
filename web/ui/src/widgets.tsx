// SPDX-License-Identifier: GPL-3.0-or-later
// The small parts that every page is made of.
import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, type Run, type Scope } from './api';
import { ago, count, utc } from './format';
import { useKeys } from './keys';
import { loginAddress, may, useSession } from './session';

// ---- title -----------------------------------------------------------------

// The title of the document: '✗ 2 failed · run 12' gets ' · ironbench'.
export function useTitle(title: string): void {
	useEffect(() => {
		document.title = title ? `${title} · ironbench` : 'ironbench';
	}, [title]);
}

// ---- time ------------------------------------------------------------------

const TICK_MS = 1000;
const ticks = new Set<() => void>();
let ticker = 0;

// Calls every second, with one timer for all.
function onTick(tick: () => void): () => void {
	ticks.add(tick);
	ticker ||= window.setInterval(() => {
		for (const t of [...ticks])
			t();
	}, TICK_MS);
	return () => {
		ticks.delete(tick);
		if (!ticks.size) {
			clearInterval(ticker);
			ticker = 0;
		}
	};
}

// '2 min ago', with the absolute time on hover.
export function Time({ at }: { at: number }): JSX.Element {
	const [, set] = useState('');
	// Renders again only when the words change.
	useEffect(() => onTick(() => set(ago(at, Date.now()))), [at]);
	return (
		<time dateTime={new Date(at).toISOString()} title={utc(at)}>
			{ago(at, Date.now())}
		</time>
	);
}

// A text that changes with time, such as '12 s' since something began.
export function Ticking({ text }: { text: (nowMs: number) => string }): JSX.Element {
	const [, set] = useState('');
	const latest = useRef(text);
	latest.current = text;
	useEffect(() => onTick(() => set(latest.current(Date.now()))), []);
	return <>{text(Date.now())}</>;
}

// ---- signs -----------------------------------------------------------------

export type Tone = 'ok' | 'bad' | 'lab' | 'wait' | 'pale' | '';

// What a cell's sign (scheduler/job.c) means, as a tone.
export function toneOf(sign: string): Tone {
	if (sign.startsWith('✓') || sign === '✗(e)')
		return 'ok';
	if (sign === '✗' || sign === 'T')
		return 'bad';
	if (sign.startsWith('!'))
		return 'lab';
	if (sign === '…')
		return 'wait';
	return 'pale';
}

export function aboutSign(sign: string): string {
	switch (sign) {
	case '✓':
		return 'passed';
	case '✓(s)':
		return 'passed, with skips';
	case '✗':
		return 'failed';
	case '✗(e)':
		return 'failed as expected';
	case 'T':
		return 'timed out';
	case '…':
		return 'running or waiting';
	case '*':
		return 'not run here: hardware-independent, see the column “any”';
	case '-':
		return 'cancelled or disabled';
	default:
		return sign.startsWith('!') ? `lab error: ${sign.slice(1)}` : sign;
	}
}

export function Sign({ sign }: { sign: string }): JSX.Element {
	return <span class={`sign ${toneOf(sign)}`} title={aboutSign(sign)}>{sign}</span>;
}

const signs: [string, string][] = [
	['✓', 'pass'],
	['✓(s)', 'pass with skips'],
	['✗', 'fail'],
	['✗(e)', 'fails as expected'],
	['T', 'timeout'],
	['!layer', 'the lab failed, retried elsewhere'],
	['…', 'waiting or running'],
	['-', 'cancelled or disabled'],
	['*', 'not run here, hardware-independent'],
];

export function Legend(): JSX.Element {
	return (
		<ul class="legend" aria-label="What the signs mean">
			{signs.map(([sign, means]) => (
				<li key={sign}><span class={`sign ${toneOf(sign)}`}>{sign}</span> {means}</li>
			))}
		</ul>
	);
}

// ---- numbers ---------------------------------------------------------------

// Zero is pale; others have their tone.
export function Count({ n, tone = '' }: { n: number; tone?: Tone }): JSX.Element {
	return <span class={n ? tone : 'zero'}>{count(n)}</span>;
}

export function Progress({ jobs }: { jobs: Run['jobs'] }): JSX.Element {
	const { total } = jobs;
	const parts: [tone: string, n: number][] = [
		['ok', jobs.passed], ['bad', jobs.failed], ['lab', jobs.error], ['pale', jobs.disabled],
	];
	const ended = total - jobs.waiting - jobs.running;
	return (
		<div class="progress" role="img"
			aria-label={`${count(ended)} of ${count(total)} ended, ${count(jobs.passed)} passed, `
				+ `${count(jobs.failed)} failed, ${count(jobs.error)} lab errors`}>
			{parts.map(([tone, n]) => n > 0 &&
				<i key={tone} class={tone} style={{ width: `${(100 * n) / total}%` }} />)}
		</div>
	);
}

// ---- states of a page ------------------------------------------------------

// Rows of a table that is being read; they appear only if that takes long
// enough to be noticed.
export function SkeletonRows({ rows, columns }: { rows: number; columns: number }): JSX.Element {
	return (
		<>
			{Array.from({ length: rows }, (_, r) => (
				<tr key={r} class="skeleton" aria-hidden="true">
					{Array.from({ length: columns }, (__, c) => <td key={c}><i /></td>)}
				</tr>
			))}
		</>
	);
}

export function Skeleton({ lines = 3 }: { lines?: number }): JSX.Element {
	return (
		<div class="skeleton lines" role="status" aria-label="reading">
			{Array.from({ length: lines }, (_, i) => <i key={i} />)}
		</div>
	);
}

export function Command({ children }: { children: string }): JSX.Element {
	return <pre class="command" tabIndex={0}><code>{children}</code></pre>;
}

// What is not there yet, and the command that makes it be there.
export function Empty({ title, command, children }: {
	title: string;
	command?: string;
	children?: ComponentChildren;
}): JSX.Element {
	return (
		<div class="empty">
			<p><b>{title}</b></p>
			{children}
			{command && <Command>{command}</Command>}
		</div>
	);
}

// What a person can do about it.
function remedy(error: ApiError): { text: string; command?: string } {
	if (error.status === 0)
		return {
			text: 'Is the daemon running? This page reads again by itself when it answers.',
			command: 'systemctl status ironbenchd',
		};
	if (error.status === 401)
		return { text: 'Log in with a token that has the scope “read”.' };
	if (error.status === 403)
		return {
			text: 'Ask for a token with the scope named above, or make one where the daemon runs:',
			command: 'ironbenchd token add NAME --scope read,submit,operate --state DIR',
		};
	if (error.status === 404)
		return location.pathname.startsWith('/machines')
			? { text: 'The machines that this lab has:', command: 'ironbench machines' }
			: { text: 'Look for it in the index; ids are never used twice.', command: 'ironbench runs' };
	return { text: 'Its log says more:', command: 'journalctl -u ironbenchd -e' };
}

// What failed, why, and what to do next, with the command.
export function ErrorBox({ what, error, retry }: {
	what: string; // 'Run 12 cannot be shown'
	error: ApiError;
	retry?: () => void;
}): JSX.Element {
	const { text, command } = remedy(error);
	useEffect(() => {
		if (error.status !== 0 || !retry)
			return;
		const timer = setTimeout(retry, 3000);
		return () => clearTimeout(timer);
	}, [error]);
	return (
		<div class="alert bad" role="alert">
			<p><b>{what}</b>: {error.message}.</p>
			<p>{text}</p>
			{command && <Command>{command}</Command>}
			{retry && <p><button type="button" onClick={retry}>Read again</button></p>}
		</div>
	);
}

// ---- acts ------------------------------------------------------------------

// A button for something that needs a scope: without it, it is there and says
// what is missing. While it acts it is off; an error is shown beside it.
export function ActButton({ scope, act, disabled, title, danger, quiet, children }: {
	scope: Scope;
	act: () => Promise<unknown>;
	disabled?: boolean;
	title?: string;
	danger?: boolean;
	quiet?: boolean; // another button beside it leads to the login
	children: ComponentChildren;
}): JSX.Element {
	const who = useSession();
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState('');
	const allowed = may(who, scope);
	const missing = who?.name
		? `The token of ${who.name} lacks the scope “${scope}”`
		: `Log in with a token that has the scope “${scope}”`;
	const click = async (): Promise<void> => {
		setBusy(true);
		setError('');
		try {
			await act();
		} catch (e) {
			setError(e instanceof Error ? e.message : String(e));
		}
		setBusy(false);
	};
	return (
		<span class="act">
			<button type="button" class={danger ? 'danger' : ''} aria-busy={busy}
				disabled={!allowed || busy || !!disabled}
				title={allowed ? title ?? '' : missing} onClick={() => void click()}>
				{children}
			</button>
			{who && !allowed && !quiet && (
				<a class="l why" href={loginAddress()} title={missing}>
					{who.name ? `needs ${scope}` : 'log in'}
				</a>
			)}
			{error && <span class="bad" role="alert">{error}</span>}
		</span>
	);
}

// A modal dialog: Escape and a click beside it close it.
export function Dialog({ title, close, children }: {
	title: string;
	close: () => void;
	children: ComponentChildren;
}): JSX.Element {
	const ref = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		ref.current?.showModal();
	}, []);
	return (
		<dialog ref={ref} aria-label={title} onClose={close}
			onClick={(e) => e.target === ref.current && close()}>
			<div class="inside">
				<h2>{title}</h2>
				{children}
			</div>
		</dialog>
	);
}

// Asks before something that cannot be taken back. act gets the text that was
// typed in, if ask says what for.
export function ConfirmDialog({ title, verb, ask, act, close, danger, children }: {
	title: string;
	verb: string; // on the button: 'Cancel the run'
	ask?: string; // label of a text
	act: (text: string) => Promise<unknown>;
	close: () => void;
	danger?: boolean;
	children?: ComponentChildren;
}): JSX.Element {
	const [text, setText] = useState('');
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState('');
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		setBusy(true);
		setError('');
		try {
			await act(text.trim());
			close();
		} catch (wrong) {
			setError(wrong instanceof Error ? wrong.message : String(wrong));
			setBusy(false);
		}
	};
	return (
		<Dialog title={title} close={close}>
			<form onSubmit={(e) => void submit(e)}>
				{children}
				{ask && (
					<label class="field">{ask}
						<input type="text" value={text} required autoFocus
							onInput={(e) => setText(e.currentTarget.value)} />
					</label>
				)}
				{error && <p class="bad" role="alert">{error}</p>}
				<div class="bar end">
					<button type="button" onClick={close}>Back</button>
					<button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}
						autoFocus={!ask}>{verb}</button>
				</div>
			</form>
		</Dialog>
	);
}

// ---- keyboard --------------------------------------------------------------

// The links of a table's row, by cell; of any other row, one after another.
function links(row: HTMLElement): (HTMLElement | null)[] {
	return row instanceof HTMLTableRowElement
		? [...row.cells].map((cell) => cell.querySelector<HTMLElement>('a[href]'))
		: [...row.querySelectorAll<HTMLElement>('a[href]')];
}

function focusLink(row: HTMLElement, at: number): void {
	const all = links(row);
	const link = all[at] ?? all.find((l) => l) ?? row;
	link.focus();
	link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

// j and k move the focus over the elements with data-row inside the returned
// element, h and l over the links of a row; Enter on a link is its own. Rows are
// found when a key is pressed, so they may come and go.
export function useRows<T extends HTMLElement>(): RefObject<T | null> {
	const ref = useRef<T>(null);
	const place = (): { rows: HTMLElement[]; at: number; link: number } => {
		const rows = [...(ref.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
		const focused = document.activeElement;
		const at = rows.findIndex((r) => r.contains(focused));
		const row = rows[at];
		return { rows, at, link: row ? links(row).findIndex((l) => l === focused) : -1 };
	};
	const down = (by: number): void => {
		const { rows, at, link } = place();
		const row = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
		if (row)
			focusLink(row, link);
	};
	const right = (by: number): void => {
		const { rows, at, link } = place();
		const row = rows[at];
		if (!row)
			return;
		const all = links(row);
		for (let to = link + by; to >= 0 && to < all.length; to += by)
			if (all[to]) {
				focusLink(row, to);
				return;
			}
	};
	useKeys([
		{ keys: 'j', about: 'next row', act: () => down(1) },
		{ keys: 'k', about: 'row before', act: () => down(-1) },
		{ keys: 'l', about: 'next link of the row', act: () => right(1) },
		{ keys: 'h', about: 'link before', act: () => right(-1) },
		{ keys: 'Enter', about: 'open what is selected', act: () => undefined },
	]);
	return ref;
}

// The text field that '/' goes to; Escape leaves it.
export function useFilterKey(): RefObject<HTMLInputElement | null> {
	const ref = useRef<HTMLInputElement>(null);
	useKeys([{
		keys: '/',
		about: 'filter',
		act: () => {
			ref.current?.focus();
			ref.current?.select();
		},
	}]);
	useEffect(() => {
		const input = ref.current;
		const leave = (e: KeyboardEvent): void => {
			if (e.key === 'Escape')
				input?.blur();
		};
		input?.addEventListener('keydown', leave);
		return () => input?.removeEventListener('keydown', leave);
	}, []);
	return ref;
}
