// SPDX-License-Identifier: GPL-3.0-or-later
// Which page an address is, and what is around every page.
import type { JSX } from 'preact';
import { onLinkClick, useAddress } from './router';
import { Shell } from './shell';
import { ComparePage } from './pages/compare';
import { HistoryPage } from './pages/history';
import { ImportPage } from './pages/import';
import { ImportsPage } from './pages/imports';
import { IndexPage } from './pages/index';
import { JobPage } from './pages/job';
import { LoginPage } from './pages/login';
import { MachinePage } from './pages/machine';
import { MachinesPage } from './pages/machines';
import { NotFoundPage } from './pages/not_found';
import { OverheadPage } from './pages/overhead';
import { RunOverheadPage } from './pages/run_overhead';
import { RunPage } from './pages/run';

const routes: [RegExp, (part: string) => JSX.Element][] = [
	[/^\/$/, () => <IndexPage />],
	[/^\/runs\/(\d+)$/, (id) => <RunPage key={id} id={Number(id)} />],
	[/^\/runs\/(\d+)\/overhead$/, (id) => <RunOverheadPage key={id} id={Number(id)} />],
	[/^\/jobs\/(\d+)$/, (id) => <JobPage key={id} id={Number(id)} />],
	[/^\/machines$/, () => <MachinesPage />],
	[/^\/machines\/([^/]+)$/, (name) =>
		<MachinePage key={name} name={decodeURIComponent(name)} />],
	[/^\/overhead$/, () => <OverheadPage />],
	[/^\/history$/, () => <HistoryPage />],
	[/^\/imports$/, () => <ImportsPage />],
	[/^\/imports\/(\d+)$/, (id) => <ImportPage key={id} id={Number(id)} />],
	[/^\/compare$/, () => <ComparePage />],
	[/^\/login$/, () => <LoginPage />],
];

function page(path: string): JSX.Element {
	for (const [pattern, make] of routes) {
		const m = pattern.exec(path);
		if (m)
			return make(m[1] ?? '');
	}
	return <NotFoundPage path={path} />;
}

export function App(): JSX.Element {
	const { path } = useAddress();
	return (
		<div onClick={onLinkClick}>
			<Shell path={path}>{page(path)}</Shell>
		</div>
	);
}
