/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Environments: the facts of attempts as numbers. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/environment.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

struct ctx {
	struct kit kit;
	struct kit_run run; /* five jobs, one after the other on "m1" */
	struct conn *conn;  /* beside the writer's: nothing is posted here */
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	struct kit *k = &c->kit;
	scoped(free) char *path = NULL;
	struct db_tx *tx;

	kit_init(k);
	kit_open(k);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, "the run", 5, 1, &c->run);
	for (int i = 0; i < 5; i++)
		kit_play(k, tx, &c->run, i, kit_machine(k, 1));
	kit_commit(k, tx);
	path = xasprintf("%s/%s", k->dir, DB_FILE);
	assert_int_equal(conn_open(path, CONN_WRITE, &c->conn, NULL), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	conn_close(c->conn);
	kit_run_done(&c->run);
	kit_done(&c->kit);
	free(c);
	return 0;
}

static void put_fact(struct ctx *c, int job, const char *key, const char *value)
{
	struct db_tx *tx = db_tx_new(c->kit.db);

	db_tx_env(tx, c->run.jobs[job].attempt_id, key, value);
	kit_commit(&c->kit, tx);
}

static int64_t number_of(struct ctx *c, int job)
{
	struct err err = ERR_INIT;
	int64_t id = -1;

	assert_int_equal(conn_begin(c->conn, NULL), 0);
	if (environment_id(c->conn, c->run.jobs[job].attempt_id, &id, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(conn_commit(c->conn, NULL), 0);
	return id;
}

static void check_text(struct ctx *c, int64_t id, const char *want)
{
	static const char sql[] = "SELECT text FROM environment WHERE id = ?1";
	scoped(stmt_reset) struct stmt *st = stmt_get(c->conn, sql);

	stmt_bind_int(st, 1, id);
	assert_int_equal(stmt_step(st, NULL), 1);
	assert_string_equal(stmt_text(st, 0), want);
}

static void equal_facts_have_one_number_in_whatever_order_they_came(
    void **state)
{
	struct ctx *c = *state;
	int64_t id;

	put_fact(c, 0, "tool.fio", "3.36");
	put_fact(c, 0, "kernel", "6.1");
	put_fact(c, 1, "kernel", "6.1");
	put_fact(c, 1, "tool.fio", "3.36");
	put_fact(c, 2, "kernel", "6.6");
	put_fact(c, 2, "tool.fio", "3.36");
	id = number_of(c, 0);
	check_text(c, id, "kernel=6.1\ntool.fio=3.36\n");
	assert_int_equal(number_of(c, 1), id);
	assert_int_equal(number_of(c, 0), id);
	assert_int_not_equal(number_of(c, 2), id);
	assert_int_equal(
	    kit_sql(&c->kit, "SELECT count(*) FROM environment"), 2);
}

static void what_changes_from_attempt_to_attempt_is_no_part_of_it(void **state)
{
	struct ctx *c = *state;

	put_fact(c, 0, "kernel", "6.1");
	put_fact(c, 1, "kernel", "6.1");
	put_fact(c, 1, "temp.cpu", "41000");
	put_fact(c, 1, "proof.kvm", "/dev/kvm was open");
	put_fact(c, 1, "hypervisor.vmm", "40-12-gabcdef");
	assert_int_equal(number_of(c, 1), number_of(c, 0));
}

static void attempt_without_such_facts_has_none(void **state)
{
	struct ctx *c = *state;

	put_fact(c, 0, "temp.cpu", "41000");
	assert_int_equal(number_of(c, 0), 0);
	assert_int_equal(number_of(c, 1), 0);
	assert_int_equal(
	    kit_sql(&c->kit, "SELECT count(*) FROM environment"), 0);
}

static void text_has_a_line_for_each_fact_whatever_is_in_it(void **state)
{
	struct ctx *c = *state;

	put_fact(c, 0, "tool.a=b", "x");
	put_fact(c, 0, "tool.c\nkernel", "x");
	put_fact(c, 0, "tool.d", "two\nlines \xff=");
	check_text(c, number_of(c, 0), "tool.d=two lines ?=\n");
}

static void facts_over_its_size_are_left_out(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *much = xcalloc(ENVIRONMENT_BYTES + 1, 1);

	memset(much, 'x', ENVIRONMENT_BYTES);
	put_fact(c, 0, "kernel", "6.1");
	put_fact(c, 0, "tool.fio", much);
	check_text(c, number_of(c, 0), "kernel=6.1\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(equal_facts_have_one_number_in_whatever_order_they_came),
	    TEST(what_changes_from_attempt_to_attempt_is_no_part_of_it),
	    TEST(attempt_without_such_facts_has_none),
	    TEST(text_has_a_line_for_each_fact_whatever_is_in_it),
	    TEST(facts_over_its_size_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
