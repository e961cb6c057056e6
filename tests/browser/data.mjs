// SPDX-License-Identifier: GPL-3.0-or-later
// Pages with numbers on them, of a daemon without machines. Started by
// tests/t/t0710-pages-data.t in the folder of the packages, with
//
//	IRONBENCH_SERVER, IRONBENCH_TOKEN	the daemon, with runs and imports
//	IB_CHROMIUM				the browser
import { exit, stdout } from 'node:process';
import {
	accessible, api, check, complaints, diag, launch, logIn, newPage, same, until,
} from './kit.mjs';

const browser = await launch();
const STOPS_MOST = 400; // of the Tab key on a page
// tests/unit/series_world.h
const HISTORY = `/history?${new URLSearchParams({ metric: 'disk.seq128k_q32t1.rd', machine: 't16-1',
	variant: 'kvm', guest: 'linux', controller: 'nvme', branch: 'demo/main' })}`;

async function read(page, address) {
	await page.goto(address);
	await page.locator('main h1').first().waitFor();
	await until('it is read', async () => await page.locator('.skeleton').count() === 0);
	return page;
}

// ---- what they show ----------------------------------------------------------

async function overhead(page, run) {
	await read(page, '/overhead');
	await check('the overhead has a table for each metric and pair of variants', async () => {
		const tables = (await api.get('/api/v1/overhead')).tables;
		return tables.length >= 3 && same(await page.locator('table.overhead').count(), tables.length);
	});
	await check('a published cell has its digits', async () =>
		same(await page.locator('section[aria-label^="geekbench.multi_core"] tbody td span:first-child').first()
			.textContent(), '1.04'));
	await check('a machine that the lab does not have is no link', async () => same(
		await page.locator('section[aria-label^="geekbench.multi_core"] tbody th a').count(), 0));
	await read(page, `/runs/${run}/overhead`);
	await check('the overhead of a run leads to the job that measured it', async () => {
		await page.locator('table.overhead td a').first().click();
		await page.waitForURL(/\/jobs\/\d+$/);
	});
}

async function imports(page, all) {
	await page.goto('/');
	await check('the imports are a page of their own', async () => {
		await page.getByRole('navigation', { name: 'Pages', exact: true }).getByText('Imports').click();
		await page.locator('table[aria-label="Imports"] tbody tr[data-row]').nth(24).waitFor();
		return same(await page.locator('tr[data-row] a').first().textContent(), String(all[0].id));
	});
	await check('older ones are an address of their own', async () => {
		await page.getByRole('link', { name: 'Older' }).click();
		await until('the rest', async () =>
			same(await page.locator('tr[data-row]').count(), Math.min(25, all.length - 25)));
		return new URL(page.url()).searchParams.has('before');
	});
	await check('a published table is a table again', async () => {
		const first = all.at(-1);
		await read(page, `/imports/${first.id}`);
		const numbers = await page.locator('table.overhead tbody td.n').allTextContents();
		return same(numbers.filter((n) => /^\d/.test(n)).length, first.ratios);
	});
	await check('its bytes can be had', async () => {
		const [download] = await Promise.all([page.waitForEvent('download'),
			page.getByRole('link', { name: /^the file as it came/ }).click()]);
		return same(download.suggestedFilename(), all.at(-1).name.split('/').at(-1));
	});
}

async function cases(page, all) {
	const failed = all.find((im) => im.verdict === 'fail' && im.cases > 3);
	await read(page, `/imports/${failed.id}`);
	const { results } = await api.get(`/api/v1/imports/${failed.id}`);
	await check('the cases of a stream are counted by their results', async () =>
		same(await page.getByRole('button', { name: / pass$/ }).textContent(), `✓ ${results.pass} pass`));
	await check('those that failed can be had alone', async () => {
		await page.getByRole('button', { name: / fail$/ }).click();
		await until('only they', async () => same(
			await page.locator('section[aria-label="Cases"] tbody tr').count(), results.fail));
	});
	await check('an import that is not there says where to look', async () => {
		await page.goto('/imports/4711');
		await page.getByText('no such import').waitFor();
	});
}

async function compare(page, run) {
	await read(page, `/compare?a=${run}&variant_a=vboxdrv&variant_b=kvm`);
	await check('variants of one run are compared in pairs', async () =>
		same(await page.locator('tbody tr td:nth-last-child(2)').first().textContent(), 'paired'));
	await check('what that means stands under the table', async () =>
		/measured in pairs/.test(await page.locator('.definition').textContent()));
}

async function history(page) {
	await read(page, '/history');
	await check('the history begins with the one change there is', async () => {
		const row = page.locator('.lately tbody tr');
		return same(await row.count(), 1)
			&& /t16-1.*kvm.*worse.*1\.09/.test(await row.textContent());
	});
	await check('it leads to the chart of its series', async () => {
		await page.locator('.lately a').first().click();
		await page.waitForURL(HISTORY);
		await page.locator('.chart canvas').waitFor();
		return /^worse since run/.test(await page.locator('.findings li').first().textContent());
	});
	await check('another variant can be chosen beside it', async () => {
		await page.getByLabel('variant').selectOption('vboxdrv');
		await page.waitForURL(/variant=vboxdrv/);
		await page.getByText('No change of level.').waitFor();
	});
	await check('words find series, and the address keeps them', async () => {
		await page.goto('/history');
		await page.getByLabel('Find series').fill('BENCH-1 geekbench6 navigation');
		await page.waitForURL(/find=BENCH-1/);
		await until('only they', async () =>
			same(await page.locator('section[aria-labelledby="series"] tbody tr').count(), 2));
	});
	await check('the other pages of the list have the others', async () => {
		const first = async () => page.locator('section[aria-labelledby="series"] tbody tr').first().textContent();
		await read(page, '/history');
		const before = await first();
		await page.getByRole('link', { name: 'Next' }).click();
		await until('the next page', async () => await first() !== before);
		await page.getByRole('link', { name: 'First' }).click();
		await until('the first page', async () => await first() === before);
	});
	await check('a point that was imported leads to its import', async () => {
		await page.goto('/history?metric=geekbench6.multi_core');
		await page.getByRole('link', { name: /^import \d+$/ }).first().click();
		await page.waitForURL(/\/imports\/\d+$/);
	});
}

// ---- everybody can use them ----------------------------------------------------

async function everybody(pages) {
	for (const colorScheme of ['light', 'dark']) {
		const page = await newPage(browser, { colorScheme });
		for (const [name, address] of pages)
			await check(`no serious obstacle: ${name}, ${colorScheme}`, async () => {
				await read(page, address);
				return accessible(page);
			});
		await page.context().close();
	}
	for (const width of [1280, 400]) {
		const page = await newPage(browser, { viewport: { width, height: 800 } });
		for (const [name, address] of pages)
			await check(`it fits ${width} pixels: ${name}`, async () => {
				await read(page, address);
				const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
				return beyond <= 0 || `${beyond} px too wide`;
			});
		await page.context().close();
	}
}

// What can be used and was not reached by the Tab key; true if nothing.
async function unreached(page) {
	const n = await page.evaluate(() => {
		const all = [...document.querySelectorAll(
			'a[href], button:not([disabled]), input, select, summary, [tabindex="0"]')]
			.filter((e) => e.checkVisibility());
		all.forEach((e, i) => {
			e.dataset.stop = String(i);
		});
		return all.length;
	});
	const seen = new Set();
	for (let i = 0; i < Math.min(n + 5, STOPS_MOST); i++) {
		await page.keyboard.press('Tab');
		seen.add(await page.evaluate(() => document.activeElement?.dataset.stop));
	}
	if (n > STOPS_MOST - 5)
		return `${n} stops are too many`;
	const missed = Array.from({ length: n }, (_, i) => String(i)).filter((i) => !seen.has(i));
	return missed.length === 0 || page.evaluate((list) => list.map((i) =>
		document.querySelector(`[data-stop="${i}"]`)?.outerHTML.slice(0, 160) ?? i).join('\n'), missed);
}

async function keyboard(pages) {
	const page = await newPage(browser);
	await logIn(page);
	for (const [name, address] of pages)
		await check(`all of it is reached by the Tab key: ${name}`, async () => {
			await read(page, address);
			return unreached(page);
		});
	await page.context().close();
}

// ---- all of it -----------------------------------------------------------------

async function all() {
	const list = (await api.get('/api/v1/imports?limit=500')).imports;
	const run = (await api.get('/api/v1/runs?limit=1')).runs[0].id;
	const { a, b } = { a: run - 1, b: run };
	const of = (test) => list.find(test).id;
	const pages = [
		['the overhead', '/overhead'], ['of a run', `/runs/${run}/overhead`],
		['imports', '/imports'], ['published cells', `/imports/${of((im) => im.ratios > 0)}`],
		['imported samples', `/imports/${of((im) => im.samples > 3)}`],
		['imported cases', `/imports/${of((im) => im.cases > 3)}`],
		['two runs', `/compare?a=${a}&b=${b}`],
		['two variants', `/compare?a=${run}&variant_a=vboxdrv&variant_b=kvm`],
		['what changed', '/history'], ['a history', HISTORY],
		['a run', `/runs/${run}`], ['the index', '/'],
	];
	const page = await newPage(browser);
	await overhead(page, run);
	await imports(page, list);
	await compare(page, run);
	await history(page);
	await everybody(pages);
	await keyboard(pages);
	await check('no page has complained', () => same(complaints, []));
	await cases(page, list); // Chromium complains of what is missing on purpose
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
