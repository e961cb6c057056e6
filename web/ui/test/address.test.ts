// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safePath } from '../src/safe_path';
import { shownPages } from '../src/shown_pages';

const origin = 'http://lab.example:8080';

test('a login leads back to a path of ours', () => {
	assert.equal(safePath('/runs/12?only=failures#x', origin), '/runs/12?only=failures#x');
	assert.equal(safePath('/', origin), '/');
});

test('a login leads nowhere else', () => {
	for (const bad of [null, '', 'runs/12', '//other.example/', '/\\other.example', '\\\\other.example',
		'https://other.example/', 'javascript:alert(1)', '/\t/other.example', '/login?next=/',
		'/%2e%2e//other.example', '/..//other.example'])
		assert.equal(safePath(bad, origin), '/', String(bad));
});

test('the pages at both ends and around the current one are shown', () => {
	assert.deepEqual(shownPages(1, 983), [1, 2, 3, 982, 983]);
	assert.deepEqual(shownPages(500, 983), [1, 2, 499, 500, 501, 982, 983]);
	assert.deepEqual(shownPages(983, 983), [1, 2, 982, 983]);
	assert.deepEqual(shownPages(2, 2), [1, 2]);
});
