/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers that the writer remembers are those that the database has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "db/point.h"
#include "db/recall.h"
#include "db/sample.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/words.h"
#include "tests/unit/db_kit.h"

/* ---- the memory by itself ------------------------------------------------ */

static const char table_a[] = "a";
static const char table_b[] = "b";

static int64_t get(const struct recall *r, const char *table, const char *key)
{
	const int64_t *n = recall_get(r, table, key, strlen(key));

	return n ? *n : 0;
}

static void put(struct recall *r, const char *table, const char *key, int64_t n)
{
	recall_put(r, table, key, strlen(key), &n, sizeof(n));
}

static void each_table_has_its_own_numbers(void **state)
{
	scoped(recall_free) struct recall *r = recall_new();

	(void)state;
	put(r, table_a, "x", 1);
	assert_int_equal(get(r, table_a, "x"), 1);
	assert_int_equal(get(r, table_b, "x"), 0);
	put(r, table_b, "x", 2);
	assert_int_equal(get(r, table_b, "x"), 2);
	recall_forget(r);
	assert_int_equal(get(r, table_b, "x"), 0);
}

/* Far more keys than places: what is still there is right. */
static void no_key_gets_the_number_of_another(void **state)
{
	scoped(recall_free) struct recall *r = recall_new();
	int64_t known = 0;
	char key[24];

	(void)state;
	for (int64_t i = 1; i <= 100000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", (int)i);
		put(r, table_a, key, i);
		assert_int_equal(get(r, table_a, key), i);
	}
	for (int64_t i = 1; i <= 100000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", (int)i);
		if (!get(r, table_a, key))
			continue;
		assert_int_equal(get(r, table_a, key), i);
		known++;
	}
	assert_in_range(known, 1000, 50000);
}

static void long_keys_are_not_remembered(void **state)
{
	scoped(recall_free) struct recall *r = recall_new();
	char key[4096] = "";

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	put(r, table_a, key, 7);
	assert_int_equal(get(r, table_a, key), 0);
	put(r, table_a, key + sizeof(key) - 60, 8);
	assert_int_equal(get(r, table_a, key + sizeof(key) - 60), 8);
	assert_int_equal(get(r, table_a, key), 0);
}

/* ---- of a connection ----------------------------------------------------- */

struct ctx {
	struct kit kit;
	struct conn *conn;
	struct db_sample sample;
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	struct kit *k = &c->kit;
	scoped(free) char *path = NULL;

	kit_init(k);
	kit_open(k);
	path = xasprintf("%s/%s", k->dir, DB_FILE);
	assert_int_equal(conn_open(path, CONN_WRITE, &c->conn, NULL), 0);
	c->sample = (struct db_sample){.machine_id = kit_machine(k, 1),
	    .metric = "boot.time",
	    .unit = "ms",
	    .variant = "kvm",
	    .guest = "linux",
	    .controller = "nvme"};
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	conn_close(c->conn);
	kit_done(&c->kit);
	free(c);
	return 0;
}

static void begin(struct ctx *c)
{
	assert_int_equal(conn_begin(c->conn, NULL), 0);
}

static void commit(struct ctx *c)
{
	assert_int_equal(conn_commit(c->conn, NULL), 0);
}

static int64_t word(struct ctx *c, const char *text)
{
	int64_t id = 0;

	assert_int_equal(word_id(c->conn, text, &id, NULL), 0);
	return id;
}

static int64_t series(struct ctx *c)
{
	int64_t id = 0;

	assert_int_equal(series_id(c->conn, &c->sample, &id, NULL), 0);
	return id;
}

static void word_is_looked_up_once(void **state)
{
	struct ctx *c = *state;
	int64_t id;

	begin(c);
	id = word(c, "once");
	/* Behind its back: it still has the number. */
	assert_int_equal(conn_exec(c->conn,
	                     "UPDATE word SET text = 'other' "
	                     "WHERE text = 'once'",
	                     NULL),
	    0);
	assert_int_equal(word(c, "once"), id);
	conn_rollback(c->conn);
}

static void rolled_back_word_is_made_anew(void **state)
{
	struct ctx *c = *state;
	int64_t gone;

	begin(c);
	gone = word(c, "gone");
	conn_rollback(c->conn);
	begin(c);
	assert_int_equal(word(c, "another"), gone);
	assert_int_not_equal(word(c, "gone"), gone);
	commit(c);
	assert_int_equal(kit_sql(&c->kit,
	                     "SELECT count(*) FROM word "
	                     "WHERE text IN ('gone', 'another')"),
	    2);
}

static void rolled_back_series_is_made_anew(void **state)
{
	static const char sql_count[] =
	    "SELECT count(*) FROM series s JOIN word m ON m.id = s.metric_id "
	    "JOIN word u ON u.id = s.unit_id JOIN word g ON g.id = s.guest_id "
	    "WHERE m.text = 'boot.time' AND u.text = 'ms' AND g.text = 'linux'";
	struct ctx *c = *state;
	int64_t gone;

	begin(c);
	gone = series(c);
	conn_rollback(c->conn);
	begin(c);
	/* Words first: the series' own numbers are others now. */
	(void)word(c, "another");
	c->sample.variant = "vboxdrv";
	assert_int_equal(series(c), gone);
	c->sample.variant = "kvm";
	assert_int_not_equal(series(c), gone);
	commit(c);
	assert_int_equal(kit_sql(&c->kit, sql_count), 2);
}

/* A commit that fails is a rollback, too. */
static void word_of_a_failed_commit_is_made_anew(void **state)
{
	struct ctx *c = *state;

	begin(c);
	assert_int_equal(conn_exec(c->conn,
	                     "PRAGMA defer_foreign_keys=ON; INSERT INTO "
	                     "branch (project_id, name_id) VALUES (9999, 9999)",
	                     NULL),
	    0);
	(void)word(c, "gone");
	assert_true(conn_commit(c->conn, NULL) < 0);
	begin(c);
	(void)word(c, "gone");
	commit(c);
	assert_int_equal(
	    kit_sql(&c->kit, "SELECT count(*) FROM word WHERE text = 'gone'"),
	    1);
}

static void put_points(struct ctx *c, int64_t attempt_id)
{
	static const struct bench_versus none = {NULL, 0};
	const struct points p = {attempt_id, &none};

	assert_int_equal(points_put(c->conn, &p, NULL), 0);
}

static void sums_of_a_rolled_back_point_are_forgotten(void **state)
{
	static const double values[] = {1, 2, 4};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct kit_run run;

	kit_run_new(k, tx, NULL, 2, 1, &run);
	c->sample.values = values;
	c->sample.n_values = 3;
	for (int i = 0; i < 2; i++) {
		kit_play(k, tx, &run, i, c->sample.machine_id);
		c->sample.attempt_id = run.jobs[i].attempt_id;
		db_tx_sample(tx, &c->sample);
	}
	kit_commit(k, tx);
	begin(c);
	put_points(c, run.jobs[0].attempt_id);
	conn_rollback(c->conn);
	begin(c);
	put_points(c, run.jobs[1].attempt_id);
	commit(c);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM point"), 1);
	assert_int_equal(kit_sql(k, "SELECT n FROM point"), 3);
	kit_run_done(&run);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_table_has_its_own_numbers),
	    cmocka_unit_test(no_key_gets_the_number_of_another),
	    cmocka_unit_test(long_keys_are_not_remembered),
	    cmocka_unit_test_setup_teardown(
	        word_is_looked_up_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        rolled_back_word_is_made_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        rolled_back_series_is_made_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        word_of_a_failed_commit_is_made_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        sums_of_a_rolled_back_point_are_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
