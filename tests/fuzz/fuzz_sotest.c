/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Serial streams: whatever a console prints, and however it is cut, there is
 * one verdict, it does not depend on the cuts, and it agrees with the counters.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool is_text(const char *s)
{
	return str_is_utf8(s, strlen(s)) && !strpbrk(s, "\r\n\x1b");
}

static void on_case(void *arg, const struct sotest_case *c)
{
	int64_t *last = arg;

	require(is_text(c->name) && is_text(c->text));
	require(c->offset >= *last);
	*last = c->offset;
}

static void on_number(void *arg, const struct sotest_number *n)
{
	int64_t *last = arg;

	require(is_text(n->name) && is_text(n->unit) && n->name[0]);
	require(n->offset >= *last);
	*last = n->offset;
}

static struct guest_test *run(const char *data, size_t size, size_t step)
{
	static const char *const patterns[] = {
	    "Kernel panic", "\xff\xfe", NULL};
	int64_t last = 0;
	struct guest_test_options opts = {
	    .boot_timeout_ms = 120000,
	    .timeout_ms = 600000,
	    .silence_ms = 120000,
	    .panic_patterns = patterns,
	    .on_case = on_case,
	    .on_number = on_number,
	    .arg = &last,
	};
	struct guest_test *t = guest_test_new(&opts);

	guest_test_start(t, 0);
	for (size_t at = 0; at < size; at += step) {
		size_t n = step < size - at ? step : size - at;

		guest_test_feed(t, data + at, n, 1000);
		require(guest_test_deadline(t) > 0);
	}
	guest_test_eof(t, 1000);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size ? 1 + data[0] % 16U : 1;
	scoped(guest_test_free) struct guest_test *a =
	    run((const char *)data, size, size ? size : 1);
	scoped(guest_test_free) struct guest_test *b =
	    run((const char *)data, size, step);
	const struct guest_test_result *r = guest_test_result(a);

	require(memcmp(r, guest_test_result(b), sizeof(*r)) == 0);
	require(r->end != TEST_RUNNING && r->end != TEST_TIMEOUT);
	require((r->end == TEST_PASS) == (r->reason == REASON_NONE));
	require(r->end != TEST_PASS ||
	    (r->begun && !r->fails && r->successes + r->skips == r->cases));
	require(r->offset >= 0 && (size_t)r->offset <= size);
	require(is_text(r->text));
	return 0;
}
