/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter by name: it finds what SQL's LIKE finds, is shared by threads,
 * and learns the past in as many steps as it takes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/like.h"
#include "db/reader.h"
#include "db/stmt.h"
#include "tests/unit/db_kit.h"

struct ctx {
	struct kit kit;
	struct db_filter *filter;
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));

	kit_init(&c->kit);
	kit_open(&c->kit);
	c->filter = db_filter_new();
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	kit_close(&c->kit);
	kit_done(&c->kit);
	db_filter_free(c->filter);
	free(c);
	return 0;
}

static struct db_reader *open_reader(const struct ctx *c)
{
	struct db_reader *r = NULL;

	assert_int_equal(db_reader_open(c->kit.dir, &r, NULL), 0);
	db_reader_share(r, c->filter);
	return r;
}

static void make_runs(struct ctx *c, int from, int n)
{
	struct db_tx *tx = db_tx_new(c->kit.db);

	for (int i = from; i < from + n; i++) {
		struct kit_run run;
		char name[40];

		(void)snprintf(name, sizeof(name), "Branch-%03d #%d", i % 50,
		    i % 3 ? i : 0);
		kit_run_new(&c->kit, tx, name, 0, 0, &run);
		kit_run_done(&run);
	}
	kit_commit(&c->kit, tx);
}

static int count(struct db_reader *r, const char *like, int64_t *ret)
{
	struct db_run_query q = {.limit = 25, .page = 1, .name_like = like};

	return db_run_count(r, &q, ret, NULL);
}

/* ---- the same as SQL ---------------------------------------------------- */

/* Few letters, so that many patterns match. */
static void draw_text(uint64_t *rnd, bool wild, char to[64])
{
	static const char *const letters[] = {"a", "A", "b", "B", "z", "Z", "@",
	    "[", "`", "{", "0", "-", " ", "\xc3\xa4", "\xc3\x84",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f", "\\"};
	static const char *const wilds[] = {"%", "_", "%%", "%_"};
	size_t n = kit_random(rnd) % 9;

	to[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		bool is_wild = wild && kit_random(rnd) % 3 == 0;
		const char *add = is_wild
		    ? wilds[kit_random(rnd) % ARRAY_LEN(wilds)]
		    : letters[kit_random(rnd) % ARRAY_LEN(letters)];

		memcpy(to + strlen(to), add, strlen(add) + 1);
	}
}

/* As a search field asks. */
static void surround(char text[64])
{
	size_t len = strlen(text);

	memmove(text + 1, text, len);
	text[0] = '%';
	text[len + 1] = '%';
	text[len + 2] = '\0';
}

static bool sql_like(sqlite3_stmt *st, const char *name, const char *pattern)
{
	bool is_like;

	assert_int_equal(
	    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(
	    sqlite3_bind_text(st, 2, pattern, -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	is_like = sqlite3_column_int(st, 0) != 0;
	assert_int_equal(sqlite3_reset(st), SQLITE_OK);
	return is_like;
}

static void any_pattern_matches_what_sql_matches(void **state)
{
	uint64_t rnd = kit_seed();
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int n_like = 0;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT ?1 LIKE ?2", -1, &st, NULL),
	    SQLITE_OK);
	for (int i = 0; i < 100000; i++) {
		struct names names = NAMES_INIT;
		scoped(like_free) struct like *l = NULL;
		char name[64];
		char pattern[64];
		bool want;

		draw_text(&rnd, i % 4 == 0, name);
		draw_text(&rnd, i % 2 == 0, pattern);
		if (i % 3 == 0)
			surround(pattern);
		l = like_new(pattern);
		assert_int_equal(names_add(&names, 1, name, NULL), 0);
		want = sql_like(st, name, pattern);
		if (names_next_like(&names, 1, 1, l) != want)
			fail_msg(
			    "'%s' LIKE '%s' is %d in SQL", name, pattern, want);
		n_like += want;
		names_done(&names);
	}
	/* Else it would say little. */
	assert_true(n_like > 2000);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void number_without_a_name_matches_nothing(void **state)
{
	struct names names = NAMES_INIT;
	scoped(like_free) struct like *l = like_new("%");

	(void)state;
	assert_int_equal(names_next_like(&names, 1, 9, l), 0);
	assert_int_equal(names_add(&names, 3, "", NULL), 0);
	assert_int_equal(names_next_like(&names, 1, 2, l), 0);
	assert_int_equal(names_next_like(&names, 1, 9, l), 3);
	assert_int_equal(names_next_like(&names, 4, 9, l), 0);
	names_done(&names);
}

/* ---- steps -------------------------------------------------------------- */

/*
 * Each try may take so few steps of the database that it never reads all: a
 * filter that began anew would never answer.
 */
struct budget {
	int left;
};

static int spend(void *arg)
{
	struct budget *b = arg;

	return b->left-- <= 0;
}

static void filter_that_is_cut_short_goes_on_the_next_time(void **state)
{
	struct ctx *c = *state;
	scoped(db_reader_close) struct db_reader *r = NULL;
	struct budget b = {0};
	int64_t n = 0;
	int tries = 0;
	int e = -ERR_TIMEOUT;

	make_runs(c, 0, 3000);
	r = open_reader(c);
	/* Replaces the reader's own clock: the same interruption. */
	while (e == -ERR_TIMEOUT && tries++ < 3000) {
		b.left = 40;
		sqlite3_progress_handler(
		    conn_handle(reader_conn(r)), 100, spend, &b);
		e = count(r, "branch-007%", &n);
	}
	assert_int_equal(e, 0);
	assert_int_equal(n, 60);
	assert_true(tries > 1);
}

/* ---- threads ------------------------------------------------------------ */

struct asker {
	const struct ctx *c;
	int until;
	bool failed;
};

static void *ask(void *arg)
{
	struct asker *a = arg;
	scoped(db_reader_close) struct db_reader *r = open_reader(a->c);
	int64_t seen = 0;

	while (!a->failed && seen < a->until) {
		int64_t n = 0;

		a->failed =
		    count(r, "%BRANCH%", &n) < 0 || n < seen || n > a->until;
		seen = n;
	}
	return NULL;
}

static void threads_share_a_filter_while_runs_are_added(void **state)
{
	struct ctx *c = *state;
	pthread_t threads[4];
	struct asker askers[4];

	make_runs(c, 0, 100);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		askers[i] = (struct asker){.c = c, .until = 1600};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
	}
	for (int i = 100; i < 1600; i += 50)
		make_runs(c, i, 50);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(askers[i].failed);
	}
}

static void pattern_that_was_asked_before_sees_new_runs(void **state)
{
	struct ctx *c = *state;
	scoped(db_reader_close) struct db_reader *a = open_reader(c);
	scoped(db_reader_close) struct db_reader *b = open_reader(c);
	int64_t n = 0;

	for (int round = 1; round <= 5; round++) {
		make_runs(c, 50 * (round - 1), 50);
		/* More patterns than are kept. */
		for (int i = 0; i < 12; i++) {
			char like[20];

			(void)snprintf(like, sizeof(like), "%%-%03d%%", i);
			assert_int_equal(count(i % 2 ? a : b, like, &n), 0);
			assert_int_equal(n, round);
		}
		assert_int_equal(count(a, "%-001%", &n), 0);
		assert_int_equal(n, round);
		assert_int_equal(count(b, "nothing", &n), 0);
		assert_int_equal(n, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_pattern_matches_what_sql_matches),
	    cmocka_unit_test(number_without_a_name_matches_nothing),
	    TEST(filter_that_is_cut_short_goes_on_the_next_time),
	    TEST(threads_share_a_filter_while_runs_are_added),
	    TEST(pattern_that_was_asked_before_sees_new_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
