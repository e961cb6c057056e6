/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics that a suite declared, wherever numbers are told over HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/series_world.h"
#include "tests/unit/web_harness.h"

/* Its unit says nothing, or the opposite of what was declared. */
#define OWN "guest_test.switch"
#define OWN_UNIT "frobs"
#define TURNED "my.waits"
#define TURNED_UNIT "waits/s"
#define UNKNOWN "guest_test.other"

#define PAIRS 6

static void put(struct db_tx *tx, const char *name, const char *unit,
    enum bench_direction direction, double margin)
{
	db_tx_metric(tx, &(struct db_metric){name, unit, direction, margin});
}

/* A run whose candidate has values of twice the baseline's. */
static int64_t run(struct harness *h, int64_t at_ms)
{
	static const char *const metrics[][2] = {
	    {OWN, OWN_UNIT}, {TURNED, TURNED_UNIT}, {UNKNOWN, OWN_UNIT}};
	struct world_numbers numbers[2 * ARRAY_LEN(metrics)];
	const struct world_run r = {WORLD_PROJECT, WORLD_NAME, NULL, at_ms,
	    WORLD_MACHINE, OUTCOME_PASS, NULL, numbers, ARRAY_LEN(numbers)};
	struct db_tx *tx = db_tx_new(harness_db(h));
	double values[2][PAIRS];
	int64_t id;

	for (int i = 0; i < PAIRS; i++) {
		values[0][i] = 10 + .01 * i;
		values[1][i] = 20 + .02 * i;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		numbers[i] = (struct world_numbers){metrics[i / 2][0],
		    metrics[i / 2][1], i % 2 ? "kvm" : "vboxdrv", "linux",
		    "nvme", values[i % 2], PAIRS, false};
	id = world_run_put(harness_db(h), tx, &r);
	harness_commit(h, tx);
	return id;
}

static int64_t runs[2];

static int setup(void **state)
{
	struct harness *h = harness_new(READS_OPEN);
	struct db_tx *tx = db_tx_new(harness_db(h));

	put(tx, OWN, OWN_UNIT, BENCH_HIGHER, .1);
	put(tx, TURNED, TURNED_UNIT, BENCH_LOWER, .02);
	harness_commit(h, tx);
	tx = db_tx_new(harness_db(h));
	/* A margin is said anew, a direction and a unit are not. */
	put(tx, OWN, OWN_UNIT, BENCH_HIGHER, .05);
	put(tx, TURNED, TURNED_UNIT, BENCH_HIGHER, .03);
	put(tx, TURNED, "apples", BENCH_LOWER, .04);
	harness_commit(h, tx);
	runs[0] = run(h, 1700000000000);
	runs[1] = run(h, 1700003600000);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

/* The one of a list whose key is this; fails if there is none. */
static const json_t *pick(
    const json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
	{
		if (str_eq(doc_text(o, key), value))
			return o;
	}
	fail_msg("no %s %s", key, value);
	return NULL;
}

static void the_list_has_what_was_declared_first(void **state)
{
	json_t *doc = harness_json(*state, "/api/v1/metrics", 200);
	const json_t *list = json_object_get(doc, "metrics");
	const json_t *m = pick(list, "name", OWN);

	assert_string_equal(doc_text(m, "direction"), "higher");
	assert_true(doc_real(m, "margin") == .05);
	assert_true(json_is_false(json_object_get(m, "direction_by_unit")));
	m = pick(list, "name", TURNED);
	assert_string_equal(doc_text(m, "direction"), "lower");
	assert_true(doc_real(m, "margin") == .02);
	m = pick(list, "name", UNKNOWN);
	assert_string_equal(doc_text(m, "direction"), "(none)");
	json_decref(doc);
}

static void overhead_tables_have_them(void **state)
{
	scoped(free) char *one =
	    xasprintf("/api/v1/runs/%d/overhead", (int)runs[0]);
	scoped(free) char *own = xasprintf("%s?metric=" OWN, one);
	scoped(free) char *unknown = xasprintf("%s?metric=" UNKNOWN, one);
	const char *const paths[] = {one, "/api/v1/overhead"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		json_t *doc = harness_json(*state, paths[i], 200);
		const json_t *tables = json_object_get(doc, "tables");
		const json_t *t = pick(tables, "metric", TURNED);
		const json_t *row =
		    json_array_get(json_object_get(t, "rows"), 0);
		const json_t *cell =
		    json_array_get(json_object_get(row, "cells"), 0);

		/* Twice as much is twice the cost: lower is better. */
		assert_true(doc_real(cell, "overhead") > 1.99);
		assert_string_equal(doc_text(cell, "verdict"), "worse");
		t = pick(tables, "metric", OWN);
		assert_string_equal(doc_text(t, "direction"), "higher");
		assert_true(doc_real(t, "margin") == .05);
		assert_int_equal(json_array_size(tables), 2);
		json_decref(doc);
	}
	json_decref(harness_json(*state, own, 200));
	json_decref(harness_json(*state, unknown, 400));
}

static void comparisons_and_histories_have_them(void **state)
{
	scoped(free) char *sides =
	    xasprintf("/api/v1/compare?a=%d&b=%d"
	              "&variant_a=vboxdrv&variant_b=kvm&metric=" TURNED,
	        (int)runs[0], (int)runs[1]);
	json_t *doc = harness_json(*state, sides, 200);
	scoped(free) char *all = json_dumps(doc, JSON_COMPACT);
	json_t *list;
	scoped(free) char *path = NULL;

	if (!strstr(all, "\"verdict\":\"worse\""))
		fail_msg("%s", all);
	json_decref(doc);
	list = harness_json(
	    *state, "/api/v1/series?metric=" OWN "&variant=kvm", 200);
	path = xasprintf("/api/v1/series/%d",
	    (int)doc_real(
	        json_array_get(json_object_get(list, "series"), 0), "id"));
	doc = harness_json(*state, path, 200);
	assert_string_equal(doc_text(doc, "direction"), "higher");
	assert_true(doc_real(doc, "margin") == .05);
	json_decref(doc);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_list_has_what_was_declared_first),
	    cmocka_unit_test(overhead_tables_have_them),
	    cmocka_unit_test(comparisons_and_histories_have_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
