// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { readMore, type Round } from '../src/log_load';
import { LogStore } from '../src/log_store';

// A console as the daemon serves it: a range is cut to one stretch of bytes.
interface Console {
	text: string;
	open: boolean;
	gap: [from: number, to: number] | null;
	asked: string[]; // the ranges, and how they were answered
}

const ownFetch = globalThis.fetch;
afterEach(() => {
	globalThis.fetch = ownFetch;
});

function serve(c: Console): void {
	globalThis.fetch = (async (_: unknown, init: { headers: { Range: string } }) => {
		const bytes = new TextEncoder().encode(c.text);
		let from = Number(/^bytes=(\d+)-$/.exec(init.headers.Range)?.[1]);
		let to = bytes.length;
		if (c.gap && from < c.gap[0])
			to = c.gap[0];
		else if (c.gap && from < c.gap[1])
			from = c.gap[1];
		const headers = new Headers(c.open ? { 'X-Log-Open': '1' } : {});
		c.asked.push(`${init.headers.Range} ${from < to ? 206 : 416}`);
		if (from >= to)
			return new Response(null, { status: 416, headers });
		headers.set('Content-Range', `bytes ${from}-${to - 1}/${bytes.length}`);
		return new Response(bytes.slice(from, to), { status: 206, headers });
	}) as unknown as typeof fetch;
}

async function read(store: LogStore, total: number): Promise<Round> {
	return readMore('/log', store, total, () => undefined, new AbortController().signal);
}

async function readAll(store: LogStore): Promise<number> {
	let total = 0;
	for (let rounds = 1; rounds < 10; rounds++) {
		const round = await read(store, total);
		total = round.total;
		if (round.complete)
			return rounds;
	}
	throw new Error('it never ends');
}

test('a closed console is complete at once', async () => {
	const c = { text: 'one\ntwo\n', open: false, gap: null, asked: [] };
	serve(c);
	const store = new LogStore();
	assert.equal(await readAll(store), 1);
	assert.equal(store.lines, 2);
});

test('a gap right behind what is here is not the end', async () => {
	serve({ text: 'one\n-----two\n', open: false, gap: [4, 9], asked: [] });
	const store = new LogStore();
	await readAll(store);
	assert.equal(store.lines, 3);
	assert.equal(store.isMarker(1), true);
	assert.equal(store.end, 13);
});

test('a gap that arises while one waits is crossed', async () => {
	const c: Console = { text: 'one\n', open: true, gap: null, asked: [] };
	serve(c);
	const store = new LogStore();
	let round = await read(store, 0);
	c.text = 'one\n-----two\n';
	c.gap = [4, 9];
	c.open = false;
	for (let i = 0; i < 5 && !round.complete; i++)
		round = await read(store, round.total);
	assert.equal(round.complete, true);
	assert.equal(store.lines, 3);
});

test('waiting for more is never refused, and takes nothing twice', async () => {
	const c: Console = { text: 'one\n', open: true, gap: null, asked: [] };
	serve(c);
	const store = new LogStore();
	let round = await read(store, 0);
	for (let i = 0; i < 3; i++) {
		round = await read(store, round.total);
		assert.deepEqual([round.took, round.complete, store.end], [false, false, 4]);
	}
	c.text += 'two\n';
	round = await read(store, round.total);
	assert.deepEqual([round.took, store.lines, store.end], [true, 2, 8]);
	c.open = false;
	round = await read(store, round.total);
	assert.equal(round.complete, true);
	assert.deepEqual(c.asked.filter((a) => a.endsWith('416')), []);
});

test('an empty console is complete when it is closed, not before', async () => {
	const c: Console = { text: '', open: true, gap: null, asked: [] };
	serve(c);
	const store = new LogStore();
	assert.equal((await read(store, 0)).complete, false);
	c.open = false;
	assert.equal((await read(store, 0)).complete, true);
});

test('an answer that is none is an error with its status', async () => {
	globalThis.fetch = (async () => new Response('{}', { status: 404 })) as typeof fetch;
	await assert.rejects(read(new LogStore(), 0), { status: 404 });
});
