// SPDX-License-Identifier: GPL-3.0-or-later
// The pages of a daemon with one machine, in a browser. Started by
// tests/t/t0700-pages.t in the folder of the packages, with
//
//	IRONBENCH_SERVER, IRONBENCH_TOKEN	the daemon; a token that may all
//	IB_READ_TOKEN				one that may only read
//	IB_CHROMIUM				the browser
//	IB_BUNDLE				a folder with test kernels
//	IRONBENCH_LAB, LAB_DIR			the lab, to be asked what is on
//	IB_TMP					for "restart": see cutStream()
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, exit, stdout } from 'node:process';
import {
	accessible, api, check, complaints, diag, expecting, launch, logIn, MACHINE_MS, mark, named, newPage,
	same, stillThere, until,
} from './kit.mjs';

const MACHINE = 'm1';
const BULK = 23; // with the others, two pages of the index
const NIGHTLY = 3;
const MISSING = '/no/such/page';

const files = (...names) =>
	Object.fromEntries(names.map((n) => [n, readFileSync(join(env.IB_BUNDLE, n))]));
const suite = (items) => `boot_items:\n${Object.entries(items).map(([name, exec]) =>
	`  - name: ${name}\n    exec: ${exec}\n    platforms: [ virtual ]\n`).join('')}`;
const GOOD = suite({ first: 'cpuid.elf32 --serial', second: 'cpuid.elf32 --serial' });
const BROKEN = suite({ second: 'fail.elf32 --serial' });

const browser = await launch();

const path = (page) => new URL(page.url()).pathname;
const query = (page, key) => new URL(page.url()).searchParams.get(key);
const card = (page, label) => page.locator('.card', { hasText: label });
const rowCount = (page) => page.locator('table.runs tbody tr[data-run]').count();

// ---- what there is to see -----------------------------------------------------

// Runs that never start: the machine is out of service, and they are cancelled.
async function fillIndex() {
	await api.post(`/api/v1/machines/${MACHINE}/offline`, { why: 'the index is being filled' });
	const names = [
		...Array.from({ length: BULK }, (_, i) => `bulk ${i}`),
		...Array.from({ length: NIGHTLY }, (_, i) => `fsmaster-nightly: ${i}`),
	];
	for (const name of names) {
		const id = await api.submit(name, GOOD, files('cpuid.elf32'));
		await api.post(`/api/v1/runs/${id}/cancel`);
	}
	await api.post(`/api/v1/machines/${MACHINE}/online`, { why: 'it is full' });
}

// ---- the index ---------------------------------------------------------------

async function index(page) {
	await page.goto('/');
	await check('the index shows a page of runs', () =>
		until('25 rows', async () => same(await rowCount(page), 25)));
	await check('it says how many there are', async () =>
		same(await page.locator('.total').textContent(), `${BULK + NIGHTLY} runs`));
	await check('the second page is an address of its own', async () => {
		await page.getByRole('link', { name: 'Next' }).click();
		await until('the rest of the rows', async () => same(await rowCount(page), BULK + NIGHTLY - 25));
		return same(query(page, 'page'), '2');
	});
	await check('Back leads to the first', async () => {
		await page.goBack();
		await until('25 rows', async () => same(await rowCount(page), 25));
	});
}

async function filter(page) {
	const box = page.getByRole('searchbox', { name: 'Filter' });
	await page.goto('/');
	await check('a filter is typed after /, and shows what it names', async () => {
		await page.locator('table.runs tr[data-run]').first().waitFor();
		await page.keyboard.press('/');
		await page.keyboard.type('name like "fsmaster%"');
		await until('the rows', async () => same(await rowCount(page), NIGHTLY));
		return same(query(page, 'filter'), 'name like "fsmaster%"');
	});
	await check('the address shows the same again', async () => {
		await page.reload();
		await until('the rows', async () => same(await rowCount(page), NIGHTLY));
		return same(await box.inputValue(), 'name like "fsmaster%"');
	});
	await check('a word is enough', async () => {
		await box.fill('nightly: 1');
		await until('one row', async () => same(await rowCount(page), 1));
	});
	await check('what is wrong is said, where, and what is allowed', async () => {
		await box.fill('name = "x"');
		const said = page.locator('#filter-error');
		await said.waitFor();
		const text = await said.textContent();
		return (/character 6.*name like "PATTERN"/s).test(text) || text;
	});
	await check('Help shows examples that can be followed', async () => {
		await page.getByRole('button', { name: 'Help', exact: true }).click();
		await page.getByRole('link', { name: 'name like "fsmaster%"' }).click();
		await until('the rows', async () => same(await rowCount(page), NIGHTLY));
	});
	await check('a filter that nothing matches says so', async () => {
		await box.fill('nothing-is-called-this');
		await page.getByText('No run has such a name').waitFor();
	});
}

async function keyboard(page) {
	await page.goto('/');
	await page.locator('table.runs tr[data-run]').nth(2).waitFor();
	const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.rowIndex ?? 0);
	await check('j and k walk over the rows', async () => {
		for (const key of ['j', 'j', 'j', 'k'])
			await page.keyboard.press(key);
		return same(await focused(), 2);
	});
	await check('Enter opens the row', async () => {
		const id = await page.evaluate(() => document.activeElement.closest('tr').dataset.run);
		await page.keyboard.press('Enter');
		await until('the page of the run', () => path(page) === `/runs/${id}`);
	});
	await check('g and a letter go to the pages', async () => {
		for (const [letter, to] of [['m', '/machines'], ['o', '/overhead'], ['i', '/']]) {
			await page.keyboard.press('g');
			await page.keyboard.press(letter);
			await until(to, () => path(page) === to);
		}
	});
	await check('? opens the help, Escape closes it', async () => {
		const help = page.getByRole('dialog', { name: 'Help' });
		await page.keyboard.press('?');
		await help.waitFor();
		await page.keyboard.press('Escape');
		await help.waitFor({ state: 'hidden' });
	});
}

// ---- who one is --------------------------------------------------------------

async function login(page, run) {
	await page.goto(`/runs/${run}`);
	const rerun = page.getByRole('button', { name: 'Rerun', exact: true });
	await check('without a login an act is off, and says what it needs', async () => {
		await rerun.waitFor();
		const title = await rerun.getAttribute('title');
		return (await rerun.isDisabled() && /scope .submit/.test(title)) || title;
	});
	await check('beside it is the way to the login', async () => {
		await page.locator('main').getByRole('link', { name: 'log in' }).click();
		await until('the login', () => path(page) === '/login');
	});
	await check('a wrong token is refused in words', () => expecting(/\/login\b.*\b401\b/, async () => {
		await page.getByLabel('Token').fill('wrong');
		await page.getByRole('button', { name: 'Log in' }).click();
		await page.getByText('This is no token of this daemon').waitFor();
		return same((await page.context().cookies()).length, 0);
	}));
	await check('the right one leads back to where one was', async () => {
		await page.getByLabel('Token').fill(env.IRONBENCH_TOKEN);
		await page.getByRole('button', { name: 'Log in' }).click();
		await until('the run', () => path(page) === `/runs/${run}`);
		await until('the act is on', () => rerun.isEnabled());
	});
	await check('no script can read the cookie', async () => {
		const seen = await page.evaluate(() => document.cookie);
		return seen === '' || seen;
	});
	for (const next of ['//other.example/', '/\\other.example', 'https://other.example/'])
		await check(`a login does not lead to ${next}`, async () => {
			await logIn(page, next);
			await until('the index', () => path(page) === '/');
		});
}

// Where reads need a token, and with one that may only read.
async function reader(run) {
	const page = await newPage(browser, { baseURL: named });
	await check('who may not read is led to the login', () => expecting(/\b401\b/, async () => {
		await page.goto(`/runs/${run}?only=failures`);
		await until('the login', () => path(page) === '/login');
		await page.getByText('to those who have a token').waitFor();
	}));
	await check('and from there to where one wanted to go', async () => {
		await page.getByLabel('Token').fill(env.IB_READ_TOKEN);
		await page.getByRole('button', { name: 'Log in' }).click();
		await until('the run', () => path(page) === `/runs/${run}` && query(page, 'only') === 'failures');
		await page.locator('h1', { hasText: 'live' }).waitFor();
	});
	await check('whose token lacks a scope is told which', async () => {
		const rerun = page.getByRole('button', { name: 'Rerun', exact: true });
		await rerun.waitFor();
		const title = await rerun.getAttribute('title');
		return (await rerun.isDisabled() && /lacks the scope .submit/.test(title)) || title;
	});
	await check('who logs out is led to the login', () => expecting(/\b401\b/, async () => {
		await page.locator('header').getByRole('button', { name: 'log out' }).click();
		await until('the login', () => path(page) === '/login');
	}));
	await page.context().close();
}

// ---- a run ---------------------------------------------------------------------

// Writes down what a cell is, one after another.
function watchCell(page, job) {
	return page.evaluate((id) => {
		window.__seen = [];
		const look = () => {
			const cell = document.querySelector(`td[data-job="${id}"]`);
			const now = cell && `${cell.className.split(' ')[0]} ${cell.textContent}`;
			if (now && now !== window.__seen.at(-1))
				window.__seen.push(now);
		};
		new MutationObserver(look).observe(document.body,
			{ subtree: true, childList: true, attributes: true, characterData: true });
		look();
	}, job);
}

async function liveRun(page, other) {
	const run = await api.submit('live', GOOD, files('cpuid.elf32'));
	const { job } = await api.cell(run, 'second');
	await other.goto('/');
	await other.locator(`tr[data-run="${run}"]`).waitFor();
	await page.goto(`/runs/${run}`);
	await page.locator(`td[data-job="${job}"]`).waitFor();
	await Promise.all([mark(page), mark(other), watchCell(page, job)]);
	await check('a cell goes from waiting to running to its verdict, by itself', async () => {
		const seen = () => page.evaluate(() => window.__seen);
		await until('the verdict', async () => (await seen()).at(-1) === 'ok ✓', MACHINE_MS);
		return same(await seen(), ['waiting …', 'running …', 'ok ✓']);
	});
	await check('the cards and the title follow', async () => {
		await card(page, 'Took').waitFor();
		await until('the title', async () => same(await page.title(), `✓ passed · run ${run} · ironbench`));
		return same(await card(page, 'Passed').locator('b').textContent(), '2');
	});
	await check('so does the row of the index', () => until('2 passed', async () =>
		same(await other.locator(`tr[data-run="${run}"] td.n .ok`).textContent(), '2')));
	await check('neither document was loaded again', async () =>
		await stillThere(page) && stillThere(other));
	return run;
}

async function brokenRun(page, before) {
	const run = await api.submit('live', BROKEN, files('fail.elf32'));
	await page.goto(`/runs/${run}`);
	const alert = page.locator('.alert', { hasText: 'Newly broken' });
	await check('what is newly broken is said, against which run', async () => {
		await alert.waitFor({ timeout: MACHINE_MS });
		const text = await alert.textContent();
		return text.includes(`against run ${before}`) && text.includes('second on virtual') || text;
	});
	await check('the title of the tab says it', () => until('the title', async () =>
		same(await page.title(), `✗ 1 failed · run ${run} · ironbench`)));
	await check('it leads to the line of the log that decided', async () => {
		await alert.getByRole('link', { name: 'log' }).click();
		await until('the job', () => /^\/jobs\/\d+$/.test(path(page)));
		await page.getByText(/^SOTEST FAIL/).first().waitFor();
		return (/^#[BL]\d+$/).test(new URL(page.url()).hash) || page.url();
	});
	return run;
}

async function rerunFailed(page, broken, good) {
	await logIn(page, `/runs/${good}`);
	await check('where nothing failed there is nothing to run again', async () => {
		await page.getByRole('button', { name: 'Rerun', exact: true }).waitFor();
		return same(await page.getByRole('button', { name: 'Rerun failed' }).count(), 0);
	});
	await page.goto(`/runs/${broken}`);
	await check('Rerun failed repeats what failed, and says of which run', async () => {
		await page.getByRole('button', { name: 'Rerun failed' }).click();
		await until('another run', () => /^\/runs\/\d+$/.test(path(page)) && path(page) !== `/runs/${broken}`);
		await page.getByText(`only what failed in run ${broken}`).waitFor();
		const again = Number(path(page).split('/').at(-1));
		const { items } = await api.get(`/api/v1/runs/${again}/matrix`);
		await api.post(`/api/v1/runs/${again}/cancel`);
		await card(page, 'Took').waitFor({ timeout: MACHINE_MS });
		return same(items, ['second']);
	});
}

async function acts(page, run) {
	await logIn(page, `/runs/${run}`);
	await check('Rerun starts a run and shows it', async () => {
		await page.getByRole('button', { name: 'Rerun', exact: true }).click();
		await until('another run', () => /^\/runs\/\d+$/.test(path(page)) && path(page) !== `/runs/${run}`);
	});
	await check('Cancel asks, and ends it', async () => {
		await page.getByRole('button', { name: 'Cancel', exact: true }).click();
		await page.getByRole('button', { name: 'Cancel the run' }).click();
		await card(page, 'Took').waitFor({ timeout: MACHINE_MS });
		return same(await card(page, 'Disabled').locator('b').textContent(), '2');
	});
	await check('a run that has ended cannot be cancelled', async () =>
		same(await page.getByRole('button', { name: 'Cancel', exact: true }).count(), 0));
}

// What the lab itself says of the machine: its process, not the daemon's view.
function inTheLab() {
	const said = execFileSync(env.IRONBENCH_LAB, ['--dir', env.LAB_DIR, 'status'], { encoding: 'utf8' });
	return said.split('\n').find((line) => line.split(/\s+/)[0] === MACHINE) ?? said;
}

async function powerButtons(page) {
	const said = page.getByRole('status').filter({ hasText: /^(on|off): / });
	const press = async (name, state) => {
		await page.getByRole('button', { name, exact: true }).click();
		await said.filter({ hasText: new RegExp(`^${state}: `) }).waitFor();
		await until(`the lab says ${state}`, () =>
			inTheLab().split(/\s+/)[1] === state || inTheLab());
	};
	await check('its power is switched on, and it really is', () => press('Power on', 'on'));
	const before = inTheLab();
	await check('a cycle is another start of it', async () => {
		await press('Power cycle', 'on');
		return inTheLab() !== before || before;
	});
	await check('it is switched off, and it really is', () => press('Power off', 'off'));
}

async function machine(page) {
	await logIn(page, `/machines/${MACHINE}`);
	const pill = page.locator('header').getByRole('link', { name: '1 machine' });
	await check('a machine is taken out of service, with the reason', async () => {
		await page.getByRole('button', { name: 'Offline…' }).click();
		await page.getByLabel('Why?').fill('a test of the pages');
		await page.getByRole('button', { name: 'Take offline' }).click();
		await page.getByText('a test of the pages').first().waitFor();
		const [m] = (await api.get('/api/v1/machines')).machines;
		return (m.health === 'maintenance' && m.why.endsWith('a test of the pages')) || JSON.stringify(m);
	});
	await check('the top of every page tells', () =>
		until('the pill', async () => same(await pill.textContent(), '1 machine · 1 offline')));
	await powerButtons(page);
	await check('it is put back', async () => {
		await page.getByRole('button', { name: 'Online' }).click();
		await until('the pill', async () => same(await pill.textContent(), '1 machine'));
		return same((await api.get('/api/v1/machines')).machines[0].health, 'good');
	});
	await noise(page);
}

// What placebos found is recorded here: this lab has measured none.
async function noise(page) {
	const section = page.locator('section[aria-label="Noise floor"]');
	await check('without placebos the noise of a machine is not known', async () => {
		await section.getByText('Not known').waitFor();
		return true;
	});
	await check('with them it says which difference it can see', async () => {
		await page.route('**/noise', (route) => route.fulfill({ json: { machine: MACHINE, noise: [{
			metric: 'sysbench.cpu_1', unit: 'events/s', guest: 'linux', controller: '', variant: 'single',
			sessions: 3, pairs: 12, ratio: 1.004, interval: [0.992, 1.017], for_pairs: 4, half_width: 0.0213,
			alarms: 1, too_often: false, text: 'recorded' }] } }));
		await page.reload();
		await section.getByText('±2.1 % in 4 pairs').waitFor();
		return same(await section.locator('tbody tr td').last().textContent(), '1 of 3');
	});
	await page.unroute('**/noise');
}

// ---- everybody can use them ------------------------------------------------

async function everybody(run, job) {
	const pages = ['/', '/?filter=user+like+x', `/runs/${run}`, `/runs/${run}/overhead`, `/jobs/${job}`,
		'/machines', `/machines/${MACHINE}`, '/overhead', '/history', '/compare', '/login', MISSING];
	for (const colorScheme of ['light', 'dark']) {
		const page = await newPage(browser, { colorScheme });
		for (const address of pages)
			await check(`no serious obstacle: ${address.replace(/\d+/g, 'N')}, ${colorScheme}`, async () => {
				await page.goto(address);
				await page.waitForLoadState('load');
				await page.locator('main h1').first().waitFor();
				await until('it is read', async () => await page.locator('.skeleton').count() === 0);
				return accessible(page);
			});
		await check(`no serious obstacle: the help, ${colorScheme}`, async () => {
			await page.keyboard.press('?');
			await page.getByRole('dialog', { name: 'Help' }).waitFor();
			return accessible(page);
		});
		await page.context().close();
	}
	const page = await newPage(browser, { viewport: { width: 390, height: 844 } });
	for (const address of pages)
		await check(`it fits a narrow screen: ${address.replace(/\d+/g, 'N')}`, async () => {
			await page.goto(address);
			await until('it is read', async () => await page.locator('.skeleton').count() === 0);
			const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
			return beyond <= 0 || `${beyond} px too wide`;
		});
	await page.context().close();
}

// ---- the daemon goes and comes back ----------------------------------------------

// The shell test restarts the daemon when it finds the file "restart", and says
// so with "down" and "up".
async function cutStream(page) {
	const word = (name) => join(env.IB_TMP, name);
	const interrupted = page.getByText('live updates interrupted');
	await page.goto('/');
	await page.locator('table.runs tr[data-run]').first().waitFor();
	await mark(page);
	await expecting(/net::ERR_/, async () => {
		writeFileSync(word('restart'), '');
		await check('a cut stream is said', async () => {
			await until('the daemon is down', () => existsSync(word('down')));
			await interrupted.waitFor();
			writeFileSync(word('seen'), '');
		});
		await check('it comes back by itself', async () => {
			await until('the daemon is up', () => existsSync(word('up')), MACHINE_MS);
			await interrupted.waitFor({ state: 'hidden' });
		});
	});
	await check('and shows what is new, in the same document', async () => {
		const run = await api.submit('after the restart', GOOD, files('cpuid.elf32'));
		await page.locator(`tr[data-run="${run}"]`).waitFor();
		await api.post(`/api/v1/runs/${run}/cancel`);
		return stillThere(page);
	});
}

// ---- all of it -----------------------------------------------------------------

async function all() {
	await fillIndex();
	const page = await newPage(browser);
	await index(page);
	await filter(page);
	await keyboard(page);
	const other = await newPage(browser);
	const run = await liveRun(page, other);
	await other.context().close();
	const broken = await brokenRun(page, run);
	await login(page, run);
	await reader(run);
	await rerunFailed(page, broken, run);
	await acts(page, run);
	await machine(page);
	const { job } = await api.cell(broken, 'second');
	// Chromium complains of the address that is missing on purpose.
	await expecting(/\/no\/such\/page: .*\b404\b/, () => everybody(broken, job));
	await cutStream(page);
	await check('no page has complained', () => same(complaints, []));
}

try {
	await all();
	stdout.write('done\n');
} catch (e) {
	diag(e instanceof Error ? e.stack : e);
	exit(1);
} finally {
	await browser.close();
}
