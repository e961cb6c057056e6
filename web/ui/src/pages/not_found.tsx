// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { useTitle } from '../widgets';

export function NotFoundPage({ path }: { path: string }): JSX.Element {
	useTitle('Not found');
	return (
		<>
			<h1>There is no such page</h1>
			<p>Nothing is at <code>{path}</code>. Perhaps a link was cut on its way to you.</p>
			<p>
				Runs are in the <a href="/">index</a>, machines in
				the <a href="/machines">infrastructure</a>; <kbd>?</kbd> shows what the keyboard can do.
			</p>
		</>
	);
}
