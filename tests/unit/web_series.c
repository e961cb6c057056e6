/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Series, metrics and histories over HTTP, of a history that is known. */
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

struct world {
	struct harness *h;
	int64_t first; /* run */
};

static void commit(void *arg, struct db_tx *tx)
{
	harness_commit(arg, tx);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->h = harness_new(READS_OPEN);
	world_history_put(harness_db(w->h), commit, w->h, &w->first);
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

static int64_t series_of(struct world *w, const char *variant)
{
	scoped(free) char *path = xasprintf(
	    "/api/v1/series?metric=" WORLD_METRIC "&variant=%s", variant);
	json_t *doc = harness_json(w->h, path, 200);
	int64_t id = doc_number(doc_at(doc, "series", 0), "id");

	json_decref(doc);
	return id;
}

static json_t *history(
    struct world *w, const char *variant, const char *query, int status)
{
	scoped(free) char *path = xasprintf(
	    "/api/v1/series/%" PRId64 "%s", series_of(w, variant), query);

	return harness_json(w->h, path, status);
}

static void refused(
    struct world *w, const char *path, int status, const char *why)
{
	json_t *doc = harness_json(w->h, path, status);

	if (!strstr(doc_text(doc, "error"), why))
		fail_msg("%s: %s", path, doc_text(doc, "error"));
	json_decref(doc);
}

/* ---- what there is ------------------------------------------------------ */

static void a_series_is_listed_once_a_branch(void **state)
{
	struct world *w = *state;
	json_t *doc = harness_json(w->h,
	    "/api/v1/series?metric=" WORLD_METRIC
	    "&variant=kvm&machine=" WORLD_MACHINE
	    "&guest=linux&controller=nvme",
	    200);
	const json_t *s = doc_at(doc, "series", 0);

	assert_int_equal(doc_size(doc, "series"), 2);
	assert_true(json_is_null(json_object_get(doc, "next")));
	assert_string_equal(doc_text(s, "branch"), "demo/main");
	assert_int_equal(doc_number(s, "points"), WORLD_POINTS);
	assert_string_equal(doc_text(s, "unit"), WORLD_UNIT);
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 1), "branch"), "demo/next");
	assert_int_equal(doc_number(doc_at(doc, "series", 1), "points"), 3);
	json_decref(doc);
	doc = harness_json(
	    w->h, "/api/v1/series?branch=demo/next&variant=kvm", 200);
	assert_int_equal(doc_size(doc, "series"), 1);
	json_decref(doc);
	doc = harness_json(w->h, "/api/v1/series?guest=windows", 200);
	assert_int_equal(doc_size(doc, "series"), 0);
	json_decref(doc);
}

static void pages_of_series_have_each_once(void **state)
{
	struct world *w = *state;
	json_t *all = harness_json(w->h, "/api/v1/series", 200);
	scoped(free) char *path = NULL;
	json_t *first = harness_json(w->h, "/api/v1/series?limit=1", 200);
	json_t *rest;

	path = xasprintf(
	    "/api/v1/series?after=%" PRId64, doc_number(first, "next"));
	rest = harness_json(w->h, path, 200);
	assert_int_equal(doc_size(first, "series") + doc_size(rest, "series"),
	    doc_size(all, "series"));
	assert_true(json_array_extend(json_object_get(first, "series"),
	                json_object_get(rest, "series")) == 0);
	assert_true(json_equal(
	    json_object_get(first, "series"), json_object_get(all, "series")));
	json_decref(first);
	json_decref(rest);
	json_decref(all);
	refused(w, "/api/v1/series?limit=501", 400, "limit");
}

static void metrics_say_which_values_are_better(void **state)
{
	struct world *w = *state;
	json_t *doc = harness_json(w->h, "/api/v1/metrics", 200);
	const json_t *m;
	size_t i;
	bool seen = false;

	json_array_foreach(json_object_get(doc, "metrics"), i, m)
	{
		if (!str_eq(doc_text(m, "name"), WORLD_METRIC))
			continue;
		seen = true;
		assert_string_equal(doc_text(m, "title"), "SEQ128K Q32T1 RD");
		assert_string_equal(doc_text(m, "direction"), "higher");
		assert_int_equal(doc_number(m, "series"), 2);
		assert_true(doc_real(m, "margin") > 0);
	}
	assert_true(seen);
	json_decref(doc);
}

/* ---- a history ---------------------------------------------------------- */

static void a_change_is_at_its_point_between_its_commits(void **state)
{
	struct world *w = *state;
	json_t *doc = history(w, "kvm", "", 200);
	scoped(free) char *earliest = NULL;
	scoped(free) char *latest = NULL;
	const json_t *c = doc_at(doc, "changes", 0);

	assert_string_equal(doc_text(doc, "branch"), "demo/main");
	assert_int_equal(doc_size(doc, "points"), WORLD_POINTS);
	assert_int_equal(doc_size(doc, "changes"), 1);
	assert_int_equal(doc_number(c, "index"), WORLD_CHANGE);
	assert_true(doc_number(c, "first") <= WORLD_CHANGE);
	assert_true(doc_number(c, "last") >= WORLD_CHANGE);
	earliest = world_commit_of((int)doc_number(c, "first") - 1);
	latest = world_commit_of((int)doc_number(c, "last"));
	assert_string_equal(doc_text(c, "commit_before"), earliest);
	assert_string_equal(doc_text(c, "commit_after"), latest);
	assert_string_equal(doc_text(c, "verdict"), "worse");
	assert_true(fabs(doc_real(c, "ratio") - 1 / .92) < .01);
	json_decref(doc);
}

static void another_kernel_begins_a_segment_and_is_no_change(void **state)
{
	struct world *w = *state;
	json_t *doc = history(w, "vboxdrv", "", 200);
	const json_t *e = doc_at(doc, "environments", 0);
	const json_t *s = doc_at(doc, "segments", 1);

	assert_int_equal(doc_size(doc, "changes"), 0);
	assert_int_equal(doc_size(doc, "environments"), 1);
	assert_int_equal(doc_number(e, "index"), WORLD_KERNEL);
	assert_string_equal(doc_text(e, "key"), "kernel");
	assert_string_equal(doc_text(e, "before"), "6.1.0");
	assert_string_equal(doc_text(e, "after"), "6.6.0");
	assert_int_equal(doc_size(doc, "segments"), 2);
	assert_int_equal(doc_number(s, "begin"), WORLD_KERNEL);
	assert_true(json_is_true(json_object_get(s, "environment")));
	assert_true(fabs(doc_real(s, "mean") - 1100) < 10);
	json_decref(doc);
}

static void a_spike_is_flagged_and_in_no_mean(void **state)
{
	struct world *w = *state;
	json_t *doc = history(w, "vboxdrv", "", 200);

	assert_int_equal(doc_size(doc, "spikes"), 1);
	assert_int_equal(
	    json_integer_value(doc_at(doc, "spikes", 0)), WORLD_SPIKE);
	/* Neither the spike nor the point that is not valid. */
	assert_int_equal(doc_number(doc_at(doc, "segments", 1), "n"),
	    WORLD_POINTS - WORLD_KERNEL - 2);
	json_decref(doc);
}

static void failed_runs_and_bad_values_do_not_count(void **state)
{
	struct world *w = *state;
	json_t *doc = history(w, "kvm", "", 200);
	const json_t *bad = doc_at(doc, "points", WORLD_BAD);

	for (int i = 0; i < WORLD_POINTS; i++)
		assert_int_equal(
		    doc_number(doc_at(doc, "points", (size_t)i), "run"),
		    world_run_of(w->first, i));
	assert_true(json_is_false(json_object_get(bad, "valid")));
	assert_true(json_is_null(json_object_get(bad, "value")));
	assert_int_equal(doc_number(bad, "left_out"), 3);
	assert_null(json_object_get(bad, "values"));
	assert_int_equal(
	    doc_number(doc_at(doc, "points", 0), "at_ms"), 1700000000000);
	json_decref(doc);
}

static void single_values_come_when_they_are_asked_for(void **state)
{
	struct world *w = *state;
	json_t *few = history(w, "kvm", "", 200);
	json_t *all = history(w, "kvm", "?values=1", 200);

	assert_int_equal(doc_size(all, "points"), WORLD_POINTS);
	for (size_t i = 0; i < WORLD_POINTS; i++) {
		json_t *point =
		    json_array_get(json_object_get(all, "points"), i);

		assert_int_equal(doc_size(point, "values") +
		        (size_t)doc_number(point, "left_out"),
		    3);
		assert_int_equal(json_object_del(point, "values"), 0);
	}
	/* Nothing else differs. */
	assert_true(json_equal(few, all));
	json_decref(few);
	json_decref(all);
	refused(w, "/api/v1/series/1?values=2", 400, "values");
}

static void options_choose_points_and_detector(void **state)
{
	struct world *w = *state;
	json_t *doc = history(w, "kvm", "?branch=demo/next", 200);
	scoped(free) char *since = NULL;

	assert_int_equal(doc_size(doc, "points"), 3);
	assert_int_equal(doc_size(doc, "branches"), 2);
	json_decref(doc);
	/* The newest points of the lab are the other branch's. */
	doc = history(w, "kvm", "?limit=10&branch=demo/main", 200);
	assert_int_equal(doc_size(doc, "points"), 10);
	assert_int_equal(doc_number(doc_at(doc, "points", 9), "run"),
	    world_run_of(w->first, WORLD_POINTS - 1));
	assert_true(json_is_true(json_object_get(doc, "older")));
	json_decref(doc);
	since = xasprintf("?since=%" PRId64,
	    1700000000000 + (int64_t)WORLD_CHANGE * WORLD_STEP_MS);
	doc = history(w, "kvm", since, 200);
	assert_int_equal(doc_size(doc, "points"), WORLD_POINTS - WORLD_CHANGE);
	assert_int_equal(doc_size(doc, "changes"), 0);
	assert_true(json_is_false(json_object_get(doc, "older")));
	json_decref(doc);
	doc = history(w, "kvm", "?detector=otava", 200);
	assert_string_equal(doc_text(doc, "detector"), "otava");
	assert_true(json_is_null(json_object_get(doc, "alpha")));
	json_decref(doc);
}

static void what_is_wrong_is_said(void **state)
{
	struct world *w = *state;

	json_decref(history(w, "kvm", "?branch=demo/none", 404));
	json_decref(history(w, "kvm", "?detector=edm", 400));
	json_decref(history(w, "kvm", "?alpha=0.5", 400));
	json_decref(history(w, "kvm", "?alpha=", 400));
	refused(w, "/api/v1/series/99999", 404, "no such series");
	refused(w, "/api/v1/series?colour=red", 400, "metric");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_series_is_listed_once_a_branch),
	    cmocka_unit_test(pages_of_series_have_each_once),
	    cmocka_unit_test(metrics_say_which_values_are_better),
	    cmocka_unit_test(a_change_is_at_its_point_between_its_commits),
	    cmocka_unit_test(another_kernel_begins_a_segment_and_is_no_change),
	    cmocka_unit_test(a_spike_is_flagged_and_in_no_mean),
	    cmocka_unit_test(failed_runs_and_bad_values_do_not_count),
	    cmocka_unit_test(single_values_come_when_they_are_asked_for),
	    cmocka_unit_test(options_choose_points_and_detector),
	    cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
