/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed in all series, asked again and again: only what is new is read,
 * and the answer is that of somebody who reads everything.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/db_kit.h"
#include "tests/unit/series_world.h"
#include "web/series_changes.h"

#define SERIES 2 /* of the history: a series for each variant */
#define THREADS 4

struct world {
	struct kit k;
	struct db_reader *r;
	struct series_watch *watch;
	int n_runs; /* added to the history */
};

static void commit(void *arg, struct db_tx *tx)
{
	kit_commit(arg, tx);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int64_t first;

	kit_init(&w->k);
	kit_open(&w->k);
	world_history_put(w->k.db, commit, &w->k, &first);
	w->watch = series_watch_new();
	*state = w;
	return db_reader_open(w->k.dir, &w->r, NULL);
}

static int teardown(void **state)
{
	struct world *w = *state;

	series_watch_free(w->watch);
	db_reader_close(w->r);
	kit_done(&w->k);
	free(w);
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static struct series_changes *find(struct world *w, struct series_watch *watch)
{
	struct series_changes *c = NULL;

	assert_int_equal(series_changes_find(watch, w->r, &c, NULL), 0);
	return c;
}

static void same(const struct series_changes *a, const struct series_changes *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->n_histories, b->n_histories);
	assert_int_equal(a->n_found, b->n_found);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->v[i].series_id, b->v[i].series_id);
		assert_int_equal(a->v[i].branch_id, b->v[i].branch_id);
		assert_int_equal(a->v[i].attempt_id, b->v[i].attempt_id);
		assert_true(a->v[i].p == b->v[i].p);
	}
}

/* So many series are read for an answer, which is that of a new watch. */
static size_t asked(struct world *w, size_t n_read)
{
	scoped(series_watch_free) struct series_watch *fresh =
	    series_watch_new();
	scoped(series_changes_free) struct series_changes *all = find(w, fresh);
	scoped(series_changes_free) struct series_changes *c =
	    find(w, w->watch);

	assert_int_equal(c->n_read, n_read);
	same(c, all);
	return c->n;
}

/* One run more, of one variant. */
static void measured(struct world *w, const char *variant, double level)
{
	const double values[] = {level - 1, level, level + 2};
	struct world_numbers n = {WORLD_METRIC, WORLD_UNIT, variant, "linux",
	    "nvme", values, ARRAY_LEN(values), false};
	struct world_run run = {WORLD_PROJECT, WORLD_NAME, NULL,
	    1700000000000 + (WORLD_POINTS + ++w->n_runs) * WORLD_STEP_MS,
	    WORLD_MACHINE, OUTCOME_PASS, NULL, &n, 1};
	struct db_tx *tx = db_tx_new(w->k.db);

	(void)world_run_put(w->k.db, tx, &run);
	kit_commit(&w->k, tx);
}

/* ---- tests -------------------------------------------------------------- */

static void what_nothing_came_to_is_not_read_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, SERIES), 1);
	assert_int_equal(asked(w, 0), 1);
}

static void a_new_point_has_its_series_read_and_no_other(void **state)
{
	struct world *w = *state;
	size_t n = asked(w, SERIES);

	for (int i = 0; i < 12; i++) {
		measured(w, "vboxdrv", 500 + i % 3);
		n = asked(w, 1);
	}
	assert_int_equal(n, 2);
	assert_int_equal(asked(w, 0), 2);
}

static void a_point_that_is_written_anew_is_read_again(void **state)
{
	static const double worse[] = {400, 401, 402};
	struct world *w = *state;
	struct db_sample s = {.metric = WORLD_METRIC,
	    .unit = WORLD_UNIT,
	    .variant = "kvm",
	    .guest = "linux",
	    .controller = "nvme",
	    .values = worse,
	    .n_values = ARRAY_LEN(worse)};
	struct db_tx *tx;

	measured(w, "kvm", 1000);
	(void)asked(w, SERIES);
	s.attempt_id = kit_sql(&w->k, "SELECT max(id) FROM attempt");
	assert_int_equal(db_machine_id(w->k.db, WORLD_MACHINE, "alder_lake",
	                     &s.machine_id, NULL),
	    0);
	tx = db_tx_new(w->k.db);
	db_tx_sample(tx, &s);
	db_tx_points(tx, s.attempt_id, NULL);
	kit_commit(&w->k, tx);
	(void)asked(w, 1);
	(void)asked(w, 0);
}

static void a_point_without_a_valid_value_is_read_once(void **state)
{
	struct world *w = *state;
	const double values[] = {0};
	struct world_numbers n = {WORLD_METRIC, WORLD_UNIT, "kvm", "linux",
	    "nvme", values, ARRAY_LEN(values), true};
	struct world_run run = {WORLD_PROJECT, WORLD_NAME, NULL, 1800000000000,
	    WORLD_MACHINE, OUTCOME_PASS, NULL, &n, 1};
	struct db_tx *tx = db_tx_new(w->k.db);

	(void)world_run_put(w->k.db, tx, &run);
	kit_commit(&w->k, tx);
	(void)asked(w, SERIES);
	(void)asked(w, 0);
}

static void placebos_are_not_looked_at(void **state)
{
	struct world *w = *state;

	(void)asked(w, SERIES);
	for (int i = 0; i < 24; i++)
		measured(w, "vboxdrv#placebo", i < 12 ? 1000 : 500);
	assert_int_equal(asked(w, 0), 1);
}

struct asking {
	struct world *w;
	pthread_t thread;
	struct series_changes *found;
};

static void *ask(void *arg)
{
	struct asking *a = arg;
	scoped(db_reader_close) struct db_reader *r = NULL;

	if (db_reader_open(a->w->k.dir, &r, NULL) == 0)
		(void)series_changes_find(/* found tells */
		    a->w->watch, r, &a->found, NULL);
	return NULL;
}

static void threads_that_ask_at_once_read_a_series_once(void **state)
{
	struct world *w = *state;
	struct asking all[THREADS] = {{0}};
	size_t n_read = 0;

	for (int i = 0; i < THREADS; i++) {
		all[i].w = w;
		assert_int_equal(
		    pthread_create(&all[i].thread, NULL, ask, &all[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(all[i].thread, NULL), 0);
		assert_non_null(all[i].found);
		n_read += all[i].found->n_read;
		same(all[i].found, all[0].found);
	}
	assert_int_equal(n_read, SERIES);
	for (int i = 0; i < THREADS; i++)
		series_changes_free(all[i].found);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_nothing_came_to_is_not_read_again),
	    TEST(a_new_point_has_its_series_read_and_no_other),
	    TEST(a_point_that_is_written_anew_is_read_again),
	    TEST(a_point_without_a_valid_value_is_read_once),
	    TEST(placebos_are_not_looked_at),
	    TEST(threads_that_ask_at_once_read_a_series_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
