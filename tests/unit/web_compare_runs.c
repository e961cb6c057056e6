/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two runs, commits, branches or variants against each other, over HTTP. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/series_world.h"
#include "tests/unit/web_harness.h"

#define OLD_COMMIT "00000000000000000000000000000000000000aa"
#define NEW_COMMIT "00000000000000000000000000000000000000bb"
#define VALUES 6

struct world {
	struct harness *h;
	int64_t before;
	int64_t after;
};

static const double steady[VALUES] = {1000, 1001, 999, 1002, 998, 1000};
static const double slower[VALUES] = {900, 901, 899, 902, 898, 900};
static const double wild[VALUES] = {1000, 1300, 800, 1200, 900, 1100};

/*
 * What each run has: a metric that gets worse, one that stays, one that varies
 * too much, one of seconds by its unit, one that means nothing, and one alone.
 */
static int64_t put(
    struct world *w, const char *name, const char *commit, bool after)
{
	const double *worse = after ? slower : steady;
	struct world_numbers numbers[] = {
	    {WORLD_METRIC, "MB/s", "kvm", "linux", "nvme", worse, VALUES,
	        false},
	    {WORLD_METRIC, "MB/s", "vboxdrv", "linux", "nvme", steady, VALUES,
	        false},
	    {WORLD_METRIC, "MB/s", "kvm", "linux", "sata", wild, VALUES, false},
	    {"boot.time", "s", "", "", "", worse, VALUES, false},
	    {"boot.apples", "apples", "", "", "", worse, VALUES, false},
	    {after ? "boot.after" : "boot.before", "ms", "", "", "", steady, 3,
	        false},
	    {"boot.broken", "ms", "", "", "", steady, 3, after},
	};
	struct world_run run = {WORLD_PROJECT, name, commit, 1700000000000,
	    WORLD_MACHINE, OUTCOME_PASS, NULL, numbers, ARRAY_LEN(numbers)};
	struct db_tx *tx = db_tx_new(harness_db(w->h));
	int64_t id = world_run_put(harness_db(w->h), tx, &run);

	harness_commit(w->h, tx);
	return id;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->h = harness_new(READS_OPEN);
	w->before = put(w, "old", OLD_COMMIT, false);
	w->after = put(w, "new", NEW_COMMIT, true);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	harness_free(w->h);
	free(w);
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static json_t *compare(struct world *w, const char *query, int status)
{
	scoped(free) char *path = xasprintf("/api/v1/compare?%s", query);

	return harness_json(w->h, path, status);
}

static json_t *of_runs(struct world *w, int64_t a, int64_t b, const char *more)
{
	scoped(free) char *query =
	    xasprintf("a=%" PRId64 "&b=%" PRId64 "%s", a, b, more);

	return compare(w, query, 200);
}

static double ratio(const json_t *row)
{
	return json_number_value(json_object_get(row, "ratio"));
}

static const json_t *row(const json_t *doc, const char *metric,
    const char *variant, const char *controller)
{
	const json_t *x;
	size_t i;

	json_array_foreach(json_object_get(doc, "rows"), i, x)
	{
		if (str_eq(doc_text(x, "metric"), metric) &&
		    str_eq(doc_text(x, "variant"), variant) &&
		    str_eq(doc_text(x, "controller"), controller))
			return x;
	}
	fail_msg("no row %s %s %s", metric, variant, controller);
	return NULL;
}

/* ---- tests -------------------------------------------------------------- */

static void rows_say_what_got_worse_stayed_and_is_not_known(void **state)
{
	struct world *w = *state;
	json_t *doc = of_runs(w, w->before, w->after, "");
	const json_t *counts = json_object_get(doc, "counts");
	const json_t *r = row(doc, WORLD_METRIC, "kvm", "nvme");

	assert_string_equal(doc_text(r, "verdict"), "worse");
	assert_true(fabs(ratio(r) - 1 / .9) < .001);
	assert_int_equal(doc_number(r, "more"), 0);
	assert_int_equal(json_array_size(json_object_get(r, "interval")), 2);
	assert_string_equal(
	    doc_text(row(doc, WORLD_METRIC, "vboxdrv", "nvme"), "verdict"),
	    "same");
	r = row(doc, WORLD_METRIC, "kvm", "sata");
	assert_string_equal(doc_text(r, "verdict"), "unknown");
	assert_true(doc_number(r, "more") > 0);
	/* Seconds: less is better, says the unit. */
	r = row(doc, "boot.time", "", "");
	assert_string_equal(doc_text(r, "verdict"), "better");
	assert_true(fabs(ratio(r) - .9) < .001);
	assert_int_equal(doc_number(counts, "worse"), 1);
	assert_int_equal(doc_number(counts, "better"), 1);
	assert_int_equal(doc_number(counts, "same"), 1);
	assert_int_equal(doc_number(counts, "unknown"), 1);
	json_decref(doc);
}

static void the_other_way_round_gives_the_inverse(void **state)
{
	struct world *w = *state;
	json_t *doc = of_runs(w, w->after, w->before, "");
	const json_t *r = row(doc, WORLD_METRIC, "kvm", "nvme");

	assert_string_equal(doc_text(r, "verdict"), "better");
	assert_true(fabs(ratio(r) - .9) < .001);
	json_decref(doc);
}

static void what_one_side_lacks_is_told_apart(void **state)
{
	struct world *w = *state;
	json_t *doc = of_runs(w, w->before, w->after, "");
	const json_t *alone = json_object_get(doc, "alone");
	const json_t *x = json_array_get(alone, 0);

	assert_int_equal(json_array_size(alone), 4);
	assert_string_equal(doc_text(x, "metric"), "boot.after");
	assert_string_equal(doc_text(x, "side"), "b");
	assert_int_equal(doc_number(x, "n"), 3);
	assert_string_equal(
	    doc_text(json_array_get(alone, 1), "metric"), "boot.before");
	/* The other side's values are there and not valid. */
	for (size_t i = 2; i < 4; i++)
		assert_string_equal(
		    doc_text(json_array_get(alone, i), "metric"),
		    "boot.broken");
	assert_int_equal(doc_number(json_array_get(alone, 2), "n"), 3);
	assert_string_equal(doc_text(json_array_get(alone, 3), "side"), "b");
	assert_int_equal(doc_number(json_array_get(alone, 3), "n"), 0);
	json_decref(doc);
}

static void a_metric_without_direction_is_left_out_and_noted(void **state)
{
	struct world *w = *state;
	json_t *doc = of_runs(w, w->before, w->after, "");
	const json_t *notes = json_object_get(doc, "notes");

	assert_int_equal(json_array_size(notes), 1);
	assert_non_null(
	    strstr(json_string_value(json_array_get(notes, 0)), "boot.apples"));
	json_decref(doc);
}

static void commits_and_branches_name_their_newest_run(void **state)
{
	static const char *const queries[] = {"a=" OLD_COMMIT "&b=" NEW_COMMIT,
	    "a=old&b=new", "a=demo/old&b=branch:demo/new",
	    "a=old&b=new&project=demo",
	    "a=commit:" OLD_COMMIT "&b=" NEW_COMMIT "&project=demo"};
	struct world *w = *state;
	json_t *want = of_runs(w, w->before, w->after, "");

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		json_t *doc = compare(w, queries[i], 200);

		if (!json_equal(doc, want))
			fail_msg("%s", queries[i]);
		json_decref(doc);
	}
	assert_string_equal(
	    doc_text(json_object_get(want, "a"), "commit"), OLD_COMMIT);
	json_decref(want);
	json_decref(compare(w, "a=old&b=new&project=other", 404));
	json_decref(compare(w, "a=abcdef1&b=new", 404));
	json_decref(compare(w, "a=commit:xyz&b=new", 400));
}

static void two_variants_of_a_run_are_compared(void **state)
{
	struct world *w = *state;
	scoped(free) char *query = xasprintf(
	    "a=%" PRId64 "&variant_a=vboxdrv&variant_b=kvm", w->after);
	json_t *doc = compare(w, query, 200);
	const json_t *r = row(doc, WORLD_METRIC, "", "nvme");

	assert_true(fabs(ratio(r) - 1 / .9) < .001);
	assert_int_equal(json_array_size(json_object_get(doc, "rows")), 1);
	/* SATA was measured with one of them. */
	assert_int_equal(json_array_size(json_object_get(doc, "alone")), 1);
	assert_string_equal(
	    doc_text(json_object_get(doc, "b"), "variant"), "kvm");
	json_decref(doc);
}

static void only_one_metric_is_compared_if_asked_for(void **state)
{
	struct world *w = *state;
	json_t *doc = of_runs(w, w->before, w->after, "&metric=boot.time");

	assert_int_equal(json_array_size(json_object_get(doc, "rows")), 1);
	assert_int_equal(json_array_size(json_object_get(doc, "alone")), 0);
	assert_int_equal(json_array_size(json_object_get(doc, "notes")), 0);
	json_decref(doc);
}

static void what_is_missing_is_said(void **state)
{
	struct world *w = *state;

	json_decref(compare(w, "", 400));
	json_decref(compare(w, "a=1", 400));
	json_decref(compare(w, "a=1&variant_a=kvm", 400));
	json_decref(compare(w, "a=1&b=99999", 404));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_say_what_got_worse_stayed_and_is_not_known),
	    cmocka_unit_test(the_other_way_round_gives_the_inverse),
	    cmocka_unit_test(what_one_side_lacks_is_told_apart),
	    cmocka_unit_test(a_metric_without_direction_is_left_out_and_noted),
	    cmocka_unit_test(commits_and_branches_name_their_newest_run),
	    cmocka_unit_test(two_variants_of_a_run_are_compared),
	    cmocka_unit_test(only_one_metric_is_compared_if_asked_for),
	    cmocka_unit_test(what_is_missing_is_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
