// SPDX-License-Identifier: GPL-3.0-or-later
// What differs from the run before: the first thing that a run's page says.
import type { JSX } from 'preact';
import type { Change, Changes } from './api';
import { Sign } from './widgets';

const SHOWN = 6;

function Item({ change }: { change: Change }): JSX.Element {
	const { item, platform, job, text, offset, before } = change;
	return (
		<>
			<Sign sign={change.sign} /> <a class="l" href={`/jobs/${job}`}>{item}</a> on {platform}
			{text && <> — “{text}”</>}
			{offset !== null && <> · <a class="l" href={`/jobs/${job}#B${offset}`}>log</a></>}
			{before && <span class="sub"> · <a href={`/jobs/${before.job}`}>before</a> {before.sign}</span>}
		</>
	);
}

function List({ tone, title, changes }: {
	tone: 'bad' | 'ok' | 'lab';
	title: JSX.Element;
	changes: Change[];
}): JSX.Element | null {
	if (!changes.length)
		return null;
	const [first] = changes;
	if (first && changes.length === 1)
		return <section class={`alert ${tone}`}><p>{title}: <Item change={first} /></p></section>;
	const rest = changes.slice(SHOWN);
	const items = (list: Change[]): JSX.Element[] =>
		list.map((c) => <li key={c.job}><Item change={c} /></li>);
	return (
		<section class={`alert ${tone}`}>
			<p>{title}</p>
			<ul>{items(changes.slice(0, SHOWN))}</ul>
			{rest.length > 0 && (
				<details>
					<summary>and {rest.length} more</summary>
					<ul>{items(rest)}</ul>
				</details>
			)}
		</section>
	);
}

export function RunChanges({ changes }: { changes: Changes }): JSX.Element {
	const { against, broken, fixed, lab } = changes;
	const than = against !== null &&
		<> against <a class="l" href={`/runs/${against}`}>run {against}</a></>;
	return (
		<div aria-live="polite">
			<List tone="bad" title={<><b>Newly broken</b>{than}</>} changes={broken} />
			<List tone="lab" title={<><b>Lab errors</b>, not the fault of the tests</>} changes={lab} />
			<List tone="ok" title={<><b>Fixed</b>{than}</>} changes={fixed} />
		</div>
	);
}
