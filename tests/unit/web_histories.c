/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Histories beyond one series of one machine over HTTP: imported values in
 * them, other names of machines, and what changed lately in all of them.
 */
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

#define BEGAN_MS INT64_C(1700000000000) /* 2023-11-14 22:13:20, point 0 */
#define IMPORTED_MS INT64_C(1750000000000)
#define OTHER_NAME "t16 of the slides"

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

static json_t *list(struct world *w, const char *query)
{
	scoped(free) char *path = xasprintf("/api/v1/series?%s", query);

	return harness_json(w->h, path, 200);
}

/* Of the first series that the query lists, and the branch it is listed by. */
static json_t *history_of(struct world *w, const char *query)
{
	json_t *doc = list(w, query);
	scoped(free) char *path =
	    xasprintf("/api/v1/series/%" PRId64 "?values=1&branch=%s",
	        doc_number(doc_at(doc, "series", 0), "id"),
	        doc_text(doc_at(doc, "series", 0), "branch"));

	json_decref(doc);
	return harness_json(w->h, path, 200);
}

/* ---- imports ------------------------------------------------------------ */

static const double three[] = {1098, 1100, 1102};

struct imported {
	const char *machine;
	const char *variant;
	const char *label;
	const char *facts;
	const char *why;
};

static void import(struct world *w, uint8_t key, const struct imported *i)
{
	const struct db_import_sample sample = {WORLD_METRIC, i->label,
	    WORLD_UNIT, i->machine, i->variant, "linux", "nvme", 1, 1, 3, 1100,
	    8, 1098, 1102, three, i->why};
	struct db_import im = {.key = {key},
	    .at_ms = IMPORTED_MS,
	    .who = "somebody",
	    .name = "x.json",
	    .sha256 = {key},
	    .size = 12,
	    .format = "fio",
	    .facts = i->facts,
	    .samples = &sample,
	    .n_samples = 1};
	struct db_tx *tx = db_tx_new(harness_db(w->h));

	db_tx_import(tx, &im);
	harness_commit(w->h, tx);
}

static void imported_values_alone_are_a_history(void **state)
{
	struct world *w = *state;
	json_t *doc;
	const json_t *p;

	import(w, 1,
	    &(struct imported){"laptop", "kvm", "",
	        "{\"date\":\"2024-01-02T03:04:05+01:00\"}", NULL});
	import(w, 2, &(struct imported){"laptop", "kvm", "", "{}", "too hot"});
	doc = list(w, "machine=laptop");
	assert_int_equal(doc_size(doc, "series"), 1);
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 0), "branch"), "imported");
	assert_int_equal(doc_number(doc_at(doc, "series", 0), "points"), 2);
	json_decref(doc);
	doc = history_of(w, "machine=laptop");
	assert_int_equal(doc_size(doc, "points"), 2);
	p = doc_at(doc, "points", 0);
	assert_int_equal(doc_number(p, "import"), 1);
	assert_null(json_object_get(p, "run"));
	assert_null(json_object_get(p, "commit"));
	assert_int_equal(doc_number(p, "at_ms"), 1704161045000);
	assert_int_equal(doc_size(p, "values"), 3);
	assert_true(json_is_null(json_object_get(p, "why")));
	p = doc_at(doc, "points", 1);
	assert_int_equal(doc_number(p, "at_ms"), IMPORTED_MS);
	assert_true(json_is_false(json_object_get(p, "valid")));
	assert_true(json_is_null(json_object_get(p, "value")));
	assert_string_equal(doc_text(p, "why"), "too hot");
	assert_int_equal(doc_number(p, "left_out"), 3);
	json_decref(doc);
}

static void what_needs_a_label_is_a_branch_of_its_own(void **state)
{
	struct world *w = *state;
	json_t *doc;

	import(w, 3, &(struct imported){"desktop", "kvm", "a", "{}", NULL});
	import(w, 4, &(struct imported){"desktop", "kvm", "b", "{}", NULL});
	doc = list(w, "machine=desktop");
	assert_int_equal(doc_size(doc, "series"), 2);
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 0), "branch"), "imported/a");
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 1), "branch"), "imported/b");
	json_decref(doc);
	doc = history_of(w, "machine=desktop&branch=imported/b");
	assert_int_equal(doc_size(doc, "points"), 1);
	assert_int_equal(doc_number(doc_at(doc, "points", 0), "import"), 4);
	json_decref(doc);
}

/* A name that was unknown when it was imported turns out to be t16-1. */
static void series_of_two_names_are_one_and_merged_by_time(void **state)
{
	struct world *w = *state;
	struct db_alias alias = {OTHER_NAME, 0};
	json_t *doc;
	const json_t *p;

	/* Between the points 29 and 30. */
	import(w, 5,
	    &(struct imported){OTHER_NAME, "vboxdrv", "",
	        "{\"tool\":\"fio\",\"version\":\"3.36\",\"date\":"
	        "\"2023/11/16 03:40:00\"}",
	        NULL});
	doc = list(w, "variant=vboxdrv&find=slides");
	assert_int_equal(doc_size(doc, "series"), 1);
	json_decref(doc);
	assert_int_equal(db_machine_id(harness_db(w->h), WORLD_MACHINE,
	                     "alder_lake", &alias.machine_id, NULL),
	    0);
	assert_int_equal(db_aliases_set(harness_db(w->h), &alias.machine_id, 1,
	                     &alias, 1, NULL),
	    0);
	doc = list(w, "variant=vboxdrv&find=slides");
	assert_int_equal(doc_size(doc, "series"), 0);
	json_decref(doc);
	doc = list(w, "variant=vboxdrv&branch=demo/main");
	assert_int_equal(doc_size(doc, "series"), 1);
	assert_int_equal(
	    doc_number(doc_at(doc, "series", 0), "points"), WORLD_POINTS + 1);
	json_decref(doc);
	doc = list(w, "variant=vboxdrv&machine=t16%20of%20the%20slides");
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 0), "machine"), WORLD_MACHINE);
	json_decref(doc);
	doc = history_of(w, "variant=vboxdrv&branch=demo/main");
	assert_int_equal(doc_size(doc, "points"), WORLD_POINTS + 1);
	p = doc_at(doc, "points", 30);
	assert_int_equal(doc_number(p, "import"), 5);
	assert_int_equal(doc_number(doc_at(doc, "points", 29), "run"),
	    world_run_of(w->first, 29));
	assert_int_equal(doc_number(doc_at(doc, "points", 31), "run"),
	    world_run_of(w->first, 30));
	/* Its tool is told by it alone; the kernel is as it was. */
	assert_int_equal(doc_size(doc, "environments"), 3);
	p = doc_at(doc, "environments", 1);
	assert_string_equal(doc_text(p, "key"), "tool.fio");
	assert_int_equal(doc_number(p, "index"), 30);
	json_decref(doc);
}

/* ---- what is left out --------------------------------------------------- */

static void points_say_why_values_were_left_out(void **state)
{
	struct world *w = *state;
	json_t *doc = history_of(w, "variant=kvm&branch=demo/main");

	assert_string_equal(doc_text(doc_at(doc, "points", WORLD_BAD), "why"),
	    "the clock ran away");
	assert_true(
	    json_is_null(json_object_get(doc_at(doc, "points", 0), "why")));
	json_decref(doc);
}

static void words_find_series_in_any_of_their_names(void **state)
{
	struct world *w = *state;
	json_t *doc = list(w, "find=SEQ128K%20t16-1%20boxdrv&branch=demo/next");

	assert_int_equal(doc_size(doc, "series"), 1);
	assert_string_equal(
	    doc_text(doc_at(doc, "series", 0), "variant"), "vboxdrv");
	json_decref(doc);
	doc = list(w, "find=seq128k%20nothing");
	assert_int_equal(doc_size(doc, "series"), 0);
	json_decref(doc);
}

/* ---- lately ------------------------------------------------------------- */

static void all_series_tell_the_one_change_there_is(void **state)
{
	struct world *w = *state;
	json_t *doc = harness_json(w->h, "/api/v1/changes", 200);
	const json_t *c = doc_at(doc, "changes", 0);
	json_t *history = history_of(w, "variant=kvm&branch=demo/main");
	json_t *same = doc_at(history, "changes", 0);

	assert_int_equal(doc_size(doc, "changes"), 1);
	assert_true(json_is_false(json_object_get(doc, "more")));
	assert_true(doc_number(doc, "histories") >= 4);
	assert_string_equal(doc_text(c, "metric"), WORLD_METRIC);
	assert_string_equal(doc_text(c, "machine"), WORLD_MACHINE);
	assert_string_equal(doc_text(c, "variant"), "kvm");
	assert_string_equal(doc_text(c, "branch"), "demo/main");
	assert_int_equal(
	    doc_number(c, "run"), world_run_of(w->first, WORLD_CHANGE));
	assert_int_equal(doc_number(c, "at_ms"),
	    BEGAN_MS + (int64_t)WORLD_CHANGE * WORLD_STEP_MS);
	/* All that the history of the series says of it. */
	assert_int_equal(doc_number(history, "id"), doc_number(c, "series"));
	assert_true(json_object_size(same) > 8);
	for (void *i = json_object_iter(same); i;
	     i = json_object_iter_next(same, i))
		assert_true(json_equal(json_object_iter_value(i),
		    json_object_get(c, json_object_iter_key(i))));
	json_decref(history);
	json_decref(doc);
}

static void lists_of_changes_can_be_narrowed(void **state)
{
	static const struct {
		const char *query;
		size_t n;
	} asked[] = {{"metric=" WORLD_METRIC "&machine=" WORLD_MACHINE, 1},
	    {"metric=boot.time", 0}, {"machine=m9", 0},
	    {"branch=demo/main&limit=1", 1}, {"branch=demo/next", 0},
	    {"since=1700140000000", 1}, {"since=1700150000000", 0}};
	struct world *w = *state;
	json_t *doc;

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		scoped(free) char *path =
		    xasprintf("/api/v1/changes?%s", asked[i].query);

		doc = harness_json(w->h, path, 200);
		assert_int_equal(doc_size(doc, "changes"), asked[i].n);
		json_decref(doc);
	}
	doc = harness_json(w->h, "/api/v1/changes?limit=0", 400);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_series_tell_the_one_change_there_is),
	    cmocka_unit_test(lists_of_changes_can_be_narrowed),
	    cmocka_unit_test(points_say_why_values_were_left_out),
	    cmocka_unit_test(words_find_series_in_any_of_their_names),
	    cmocka_unit_test(imported_values_alone_are_a_history),
	    cmocka_unit_test(what_needs_a_label_is_a_branch_of_its_own),
	    cmocka_unit_test(series_of_two_names_are_one_and_merged_by_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
