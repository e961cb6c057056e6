/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the writer promises, also on a full disk. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/db_kit.h"

static int setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_init(k);
	kit_open(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	kit_done(k);
	free(k);
	return 0;
}

static void count_call(void *arg)
{
	int *n = arg;

	++*n;
}

/* ---- transactions ------------------------------------------------------- */

static void callback_runs_after_the_rows_are_durable(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	struct kit_run run;
	int calls = 0;

	kit_run_new(k, tx, NULL, 3, 2, &run);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM run"), 0);
	db_tx_post(tx, count_call, &calls);
	assert_int_equal(calls, 0);
	kit_wait(k);
	assert_int_equal(calls, 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job"), 6);
	assert_int_equal(kit_sql(k, "SELECT n_waiting FROM run"), 6);
	kit_check(k);
	kit_run_done(&run);
}

struct order {
	int next;
	int mine;
	int *shared;
};

static void in_order(void *arg)
{
	struct order *o = arg;

	assert_int_equal(o->mine, *o->shared);
	++*o->shared;
}

static void callbacks_run_in_the_order_of_posting(void **state)
{
	struct kit *k = *state;
	struct order orders[200];
	int done = 0;

	for (int i = 0; i < 200; i++) {
		struct db_tx *tx = db_tx_new(k->db);

		orders[i] = (struct order){0, i, &done};
		db_tx_audit(tx, i, "me", "did it");
		db_tx_post(tx, in_order, &orders[i]);
	}
	kit_wait(k);
	assert_int_equal(done, 200);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM audit"), 200);
}

static void dropped_transaction_leaves_nothing(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_audit(tx, 1, "me", "nothing");
	db_tx_free(tx);
	assert_int_equal(db_pending(k->db), 0);
	kit_wait(k);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM audit"), 0);
}

/* ---- jobs --------------------------------------------------------------- */

static void attempt_ends_when_cleanup_has_ended(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	struct verdict v = {.outcome = OUTCOME_ERROR, .layer = LAYER_POWER};
	int64_t m = kit_machine(k, 1);
	struct kit_run run;

	kit_run_new(k, tx, NULL, 1, 1, &run);
	kit_lease(k, tx, &run, 0, m);
	kit_verdict(k, tx, &run, 0, JOB_EV_ABORT, v, "BMC is silent");
	kit_commit(k, tx);
	assert_int_equal(
	    kit_sql(k,
	        "SELECT took_ms IS NULL AND outcome = 3 AND layer = 1 "
	        "AND text = 'BMC is silent' FROM attempt a "
	        "JOIN evidence e ON e.id = a.evidence_id"),
	    1);
	kit_check(k);
	tx = db_tx_new(k->db);
	kit_event(k, tx, &run, 0, JOB_EV_REQUEUE, "elsewhere");
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT took_ms FROM attempt"), 14);
	assert_int_equal(kit_sql(k, "SELECT outcome FROM job"), 0);
	kit_check(k);
	kit_run_done(&run);
}

static void last_job_ends_the_run_in_the_same_transaction(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	int64_t m = kit_machine(k, 1);
	struct kit_run run;

	kit_run_new(k, tx, NULL, 2, 1, &run);
	kit_play(k, tx, &run, 0, m);
	kit_event(k, tx, &run, 1, JOB_EV_HOLD, NULL);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT state FROM run"), RUN_OPEN);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job_event"), 9);
	kit_check(k);
	tx = db_tx_new(k->db);
	kit_event(k, tx, &run, 1, JOB_EV_CANCEL, NULL);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT state FROM run"), RUN_DONE);
	assert_int_equal(
	    kit_sql(k, "SELECT ended_at_ms FROM run"), k->clock_ms);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job_event"), 0);
	assert_int_equal(kit_sql(k, "SELECT n_passed FROM run"), 1);
	assert_int_equal(kit_sql(k, "SELECT n_disabled FROM run"), 1);
	kit_check(k);
	kit_run_done(&run);
}

static void run_without_jobs_is_done_at_once(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	struct kit_run run;

	kit_run_new(k, tx, NULL, 0, 0, &run);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT state FROM run"), RUN_DONE);
	kit_check(k);
	kit_run_done(&run);
}

static void equal_plans_and_suites_are_stored_once(void **state)
{
	struct kit *k = *state;

	for (int i = 0; i < 5; i++) {
		struct db_tx *tx = db_tx_new(k->db);
		struct kit_run run;

		kit_run_new(k, tx, NULL, 4, 4, &run);
		kit_commit(k, tx);
		kit_run_done(&run);
	}
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM plan"), 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM suite"), 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM name"), 5);
}

static void lease_busy_machine(struct kit *k)
{
	struct db_tx *tx;
	struct kit_run run;
	int64_t m;

	(void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
	kit_open(k);
	m = kit_machine(k, 1);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, NULL, 2, 1, &run);
	kit_lease(k, tx, &run, 0, m);
	kit_lease(k, tx, &run, 1, m);
	kit_commit(k, tx);
}

static void second_unfinished_attempt_on_a_machine_is_a_bug(void **state)
{
	struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);
	int status;

	kit_close(k);
	status = kit_in_child(lease_busy_machine, k, &said);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(buf_str(&said), "job_event 2"));
	assert_non_null(strstr(buf_str(&said), "attempt.machine_id"));
	kit_open(k);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM attempt"), 0);
}

static void change_that_does_not_follow_its_row(struct kit *k)
{
	struct db_tx *tx;
	struct kit_run run;

	(void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
	kit_open(k);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, NULL, 1, 1, &run);
	kit_event(k, tx, &run, 0, JOB_EV_HOLD, NULL);
	run.jobs[0].seq += 1;
	kit_event(k, tx, &run, 0, JOB_EV_RELEASE, NULL);
	kit_commit(k, tx);
}

static void event_that_does_not_follow_its_row_is_a_bug(void **state)
{
	struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);
	int status;

	kit_close(k);
	status = kit_in_child(change_that_does_not_follow_its_row, k, &said);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(buf_str(&said), "job_event 1"));
}

/* ---- a full disk -------------------------------------------------------- */

static void set_limit(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void fill_the_disk(struct kit *k)
{
	struct db_tx *tx;
	struct kit_run run;
	int calls = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	kit_open(k);
	set_limit(20000); /* the log has a page or two of room */
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, NULL, 200, 3, &run);
	db_tx_post(tx, count_call, &calls);
	tx = db_tx_new(k->db);
	db_tx_audit(tx, 1, "me", "waited for the disk");
	db_tx_post(tx, count_call, &calls);
	while (!k->health_calls) {
		(void)poll(NULL, 0, 10);
		db_dispatch(k->db);
	}
	assert_int_equal(k->health.kind, ERR_IO);
	/* Twice more it fails; nobody is told again. */
	(void)poll(NULL, 0, 1500);
	db_dispatch(k->db);
	assert_int_equal(k->health_calls, 1);
	assert_int_equal(calls, 0);
	assert_int_equal(db_pending(k->db), 2);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM run"), 0);
	set_limit(RLIM_INFINITY);
	kit_wait(k);
	assert_int_equal(calls, 2);
	assert_int_equal(k->health_calls, 2);
	assert_int_equal(k->health.kind, 0);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job"), 600);
	kit_check(k);
	kit_run_done(&run);
	kit_close(k);
	_exit(42); /* an assertion would have ended otherwise */
}

static void full_disk_keeps_the_batch_and_goes_on_when_there_is_room(
    void **state)
{
	struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);
	int status;

	kit_close(k);
	status = kit_in_child(fill_the_disk, k, &said);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		fail_msg("status %x: %s", status, buf_str(&said));
	kit_open(k);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job"), 600);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM audit"), 1);
	kit_check(k);
}

static void close_on_a_full_disk(struct kit *k)
{
	struct db_tx *tx;
	struct kit_run run;
	int calls = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	kit_open(k);
	set_limit(20000);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, NULL, 200, 3, &run);
	db_tx_post(tx, count_call, &calls);
	kit_close(k);
	if (calls || !k->health_calls)
		_exit(1);
	_exit(42);
}

static void closing_on_a_full_disk_ends_and_tells(void **state)
{
	struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);
	int status;

	kit_close(k);
	status = kit_in_child(close_on_a_full_disk, k, &said);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	kit_open(k);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM run"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(callback_runs_after_the_rows_are_durable),
	    TEST(callbacks_run_in_the_order_of_posting),
	    TEST(dropped_transaction_leaves_nothing),
	    TEST(attempt_ends_when_cleanup_has_ended),
	    TEST(last_job_ends_the_run_in_the_same_transaction),
	    TEST(run_without_jobs_is_done_at_once),
	    TEST(equal_plans_and_suites_are_stored_once),
	    TEST(second_unfinished_attempt_on_a_machine_is_a_bug),
	    TEST(event_that_does_not_follow_its_row_is_a_bug),
	    TEST(full_disk_keeps_the_batch_and_goes_on_when_there_is_room),
	    TEST(closing_on_a_full_disk_ends_and_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
