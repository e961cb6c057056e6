// SPDX-License-Identifier: GPL-3.0-or-later
// What a test of the pages needs: results for a shell test to count, a browser
// that reports every complaint, and the daemon's interface.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { env, stdout } from 'node:process';

// The packages are in the build folder, which the test is started in.
const require = createRequire(join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const server = env.IRONBENCH_SERVER;
// The same under a name that is not this computer's own: reads need a token there.
export const NAME = 'lab.example';
export const named = server.replace(/127\.0\.0\.1/, NAME);
const token = env.IRONBENCH_TOKEN;
export const WAIT_MS = 15000;
export const MACHINE_MS = 90000; // a machine boots, and is one of several

// ---- results ---------------------------------------------------------------

export function diag(text) {
	for (const line of String(text).split('\n'))
		stdout.write(`# ${line}\n`);
}

// 'ok - WHAT' if act ends and does not return false or a complaint.
export async function check(what, act) {
	let complaint = '';
	try {
		const got = await act();
		if (got === false)
			complaint = 'it is not so';
		else if (typeof got === 'string')
			complaint = got;
	} catch (e) {
		complaint = e instanceof Error ? e.message : String(e);
	}
	stdout.write(`${complaint ? 'not ok' : 'ok'} - ${what}\n`);
	if (complaint)
		diag(complaint);
}

export function same(got, want) {
	const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
	return a === b || `got ${a}, expected ${b}`;
}

// Asks until it is true; the last answer is in the complaint.
export async function until(what, ask, ms = WAIT_MS) {
	const end = Date.now() + ms;
	let last;
	do {
		last = await ask();
		if (last === true)
			return;
		await new Promise((done) => setTimeout(done, 100));
	} while (Date.now() < end);
	throw new Error(`not within ${ms / 1000} s: ${what} (${JSON.stringify(last)})`);
}

// ---- the daemon ------------------------------------------------------------

async function json(path, init = {}) {
	const answer = await fetch(server + path, {
		...init,
		headers: { Authorization: `Bearer ${token}`, ...init.headers },
	});
	if (!answer.ok)
		throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
	return answer.json();
}

export const api = {
	get: (path) => json(path),
	post: (path, body = {}) => json(path, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	}),
	// files: { name: Buffer }; the id of the run
	submit: async (name, suite, files = {}) => {
		const form = new FormData();
		form.set('name', name);
		form.set('config', new Blob([suite]), 'suite.yaml');
		for (const [file, bytes] of Object.entries(files))
			form.append('file', new Blob([bytes]), file);
		return (await json('/api/v1/runs', { method: 'POST', body: form })).id;
	},
	cell: async (run, item) => {
		const m = await json(`/api/v1/runs/${run}/matrix`);
		return m.rows[m.items.indexOf(item)].find((c) => c?.job);
	},
};

// ---- the browser -----------------------------------------------------------

export const complaints = []; // of the console, of pages, of the policy
let expected = []; // patterns of complaints that are none now

// While act runs, a complaint 'ADDRESS: TEXT' that matches is none.
export async function expecting(pattern, act) {
	expected.push(pattern);
	try {
		return await act();
	} finally {
		expected = expected.filter((p) => p !== pattern);
	}
}

function complain(page, what) {
	const text = `${page.url()}: ${what}`;
	if (!expected.some((p) => p.test(text)))
		complaints.push(text);
}

export async function launch() {
	return chromium.launch({
		executablePath: env.IB_CHROMIUM,
		args: [
			`--host-resolver-rules=MAP ${NAME} 127.0.0.1`,
			...(process.getuid() === 0 ? ['--no-sandbox'] : []),
		],
	});
}

// A new page of somebody who is not logged in.
export async function newPage(browser, options = {}) {
	const context = await browser.newContext({
		baseURL: server,
		viewport: { width: 1280, height: 900 },
		...options,
	});
	context.setDefaultTimeout(WAIT_MS);
	const page = await context.newPage();
	page.on('console', (m) => {
		if (m.type() === 'error' || m.type() === 'warning')
			complain(page, m.text());
	});
	page.on('pageerror', (e) => complain(page, e.message));
	return page;
}

export async function logIn(page, next = '/') {
	await page.goto(`/login?next=${encodeURIComponent(next)}`);
	await page.getByLabel('Token').fill(token);
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.locator('header').getByRole('button', { name: 'log out' }).waitFor();
}

// The document is not loaded again from here on: stillThere() is true.
export async function mark(page) {
	await page.evaluate(() => {
		window.__same = 1;
	});
}

export function stillThere(page) {
	return page.evaluate(() => window.__same === 1);
}

// What axe finds that is serious or critical, as text; true if nothing.
export async function accessible(page) {
	// The policy of the pages allows no script but theirs: by the debugger.
	await page.evaluate(axe);
	const found = await page.evaluate(async () => {
		const result = await window.axe.run(document, { resultTypes: ['violations'] });
		return result.violations
			.filter((v) => v.impact === 'serious' || v.impact === 'critical')
			.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3)
				.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join(' | ')}`);
	});
	return found.length === 0 || found.join('\n');
}
