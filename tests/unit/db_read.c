/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading: pages, filters, matrices, jobs; also while another one writes. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/db_kit.h"

/* ---- the index ---------------------------------------------------------- */

struct ids {
	int64_t id[600];
	size_t n;
	size_t max;
};

static bool see_run(void *arg, const struct db_run *run)
{
	struct ids *ids = arg;

	assert_true(ids->n < ARRAY_LEN(ids->id));
	ids->id[ids->n++] = run->id;
	return !ids->max || ids->n < ids->max;
}

static void query(
    struct kit_reader *c, const struct db_run_query *q, struct ids *ids)
{
	struct err err = ERR_INIT;

	ids->n = 0;
	ids->max = 0;
	if (db_runs(c->r, q, see_run, ids, &err) < 0)
		fail_msg("%s", err.msg);
}

static const char *const colours[] = {"red", "green", "Red wine", "blue"};

/* n runs without jobs, with gaps in their ids; returns the newest id. */
static int64_t make_runs(struct kit_reader *c, int n)
{
	struct db_tx *tx = db_tx_new(c->kit.db);
	struct kit_run run = {0};

	for (int i = 0; i < n; i++) {
		if (i % 5 == 0)
			for (int skip = 0; skip < 7 * (i % 3); skip++)
				(void)db_next_run_id(c->kit.db);
		kit_run_new(&c->kit, tx, colours[i % 4], 0, 0, &run);
		kit_run_done(&run);
	}
	kit_commit(&c->kit, tx);
	return run.id;
}

/* All ids that match, newest first, by keys. */
static size_t all_ids(
    struct kit_reader *c, const char *like, int64_t *ret, size_t max)
{
	struct db_run_query q = {.limit = 500, .name_like = like};
	struct ids ids;
	size_t n = 0;

	do {
		query(c, &q, &ids);
		assert_true(n + ids.n <= max);
		memcpy(ret + n, ids.id, ids.n * sizeof(ids.id[0]));
		n += ids.n;
		if (ids.n)
			q.before = ids.id[ids.n - 1];
	} while (ids.n);
	return n;
}

static void check_pages(struct kit_reader *c, const char *like, size_t want)
{
	scoped(free) int64_t *all = xcalloc(4000, sizeof(*all));
	size_t n = all_ids(c, like, all, 4000);
	struct db_run_query q = {.limit = 37, .name_like = like};
	int64_t count = 0;
	struct ids ids;

	assert_int_equal(n, want);
	for (size_t i = 1; i < n; i++)
		assert_true(all[i] < all[i - 1]);
	for (q.page = 1; (size_t)(q.page - 1) * 37 <= n + 37; q.page++) {
		size_t first = (size_t)(q.page - 1) * 37;
		size_t left = first < n ? n - first : 0;

		query(c, &q, &ids);
		assert_int_equal(ids.n, left < 37 ? left : 37);
		for (size_t i = 0; i < ids.n; i++)
			assert_int_equal(ids.id[i], all[first + i]);
	}
	assert_int_equal(db_run_count(c->r, &q, &count, NULL), 0);
	assert_int_equal(count, n);
}

static void numbered_pages_are_those_of_the_keys(void **state)
{
	struct kit_reader *c = *state;

	check_pages(c, NULL, 0);
	(void)make_runs(c, 3000); /* three blocks and more */
	check_pages(c, NULL, 3000);
	check_pages(c, "red", 750);
	check_pages(c, "red%", 1500);
	check_pages(c, "%e%", 3000);
	check_pages(c, "nothing", 0);
	(void)make_runs(c, 100);
	check_pages(c, "red", 775);
	check_pages(c, NULL, 3100);
}

static void run_that_comes_late_is_found_by_the_filter(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *early = db_tx_new(k->db);
	struct db_tx *late = db_tx_new(k->db);
	struct kit_run a;
	struct kit_run b;

	kit_run_new(k, late, "same", 0, 0, &a);
	kit_run_new(k, early, "same", 0, 0, &b);
	assert_true(a.id < b.id);
	kit_commit(k, early);
	check_pages(c, "same", 1);
	kit_commit(k, late);
	check_pages(c, "same", 2);
	kit_run_done(&a);
	kit_run_done(&b);
}

static void filter_sees_names_that_are_new(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct kit_run run;
	char name[20];

	for (size_t i = 1; i <= 40; i++) {
		struct db_tx *tx = db_tx_new(k->db);

		(void)snprintf(name, sizeof(name), "x%zu", i);
		kit_run_new(k, tx, name, 0, 0, &run);
		kit_commit(k, tx);
		kit_run_done(&run);
		if (i % 3 == 0)
			check_pages(c, "other", 0);
		if (i % 2 == 0)
			check_pages(c, "X%", i);
	}
}

static void bad_limits_are_refused(void **state)
{
	struct kit_reader *c = *state;
	struct db_run_query q = {.limit = 501};
	struct ids ids = {.n = 0};

	assert_int_equal(db_runs(c->r, &q, see_run, &ids, NULL), -ERR_INVAL);
	q.limit = 0;
	assert_int_equal(db_runs(c->r, &q, see_run, &ids, NULL), -ERR_INVAL);
	q.limit = 10;
	q.page = -1;
	assert_int_equal(db_runs(c->r, &q, see_run, &ids, NULL), -ERR_INVAL);
}

static void row_ends_the_query(void **state)
{
	struct kit_reader *c = *state;
	struct db_run_query q = {.limit = 100};
	struct ids ids = {.max = 3};

	(void)make_runs(c, 50);
	assert_int_equal(db_runs(c->r, &q, see_run, &ids, NULL), 0);
	assert_int_equal(ids.n, 3);
	q.name_like = "%";
	ids.n = 0;
	assert_int_equal(db_runs(c->r, &q, see_run, &ids, NULL), 0);
	assert_int_equal(ids.n, 3);
}

/* ---- one run ------------------------------------------------------------ */

static bool check_run(void *arg, const struct db_run *run)
{
	int *calls = arg;

	++*calls;
	assert_string_equal(run->project, "hypervisor");
	assert_string_equal(run->user, "somebody");
	assert_string_equal(run->name, "run 1");
	assert_string_equal(run->suite_name, "project_config.yaml");
	assert_string_equal(
	    run->commit, "0123456789abcdef0123456789abcdef01234567");
	assert_null(run->link);
	assert_string_equal(run->kind, "test");
	assert_int_equal(run->state, RUN_OPEN);
	assert_int_equal(run->n_jobs, 6);
	assert_int_equal(run->counts[BUCKET_WAITING], 4);
	assert_int_equal(run->counts[BUCKET_RUNNING], 1);
	assert_int_equal(run->counts[BUCKET_PASSED], 1);
	return false;
}

struct matrix {
	int plans;
	int64_t first;
	int cells;
};

static void see_plan(void *arg, const struct db_plan *plan)
{
	struct matrix *m = arg;

	m->plans++;
	assert_int_equal(plan->n_items, 3);
	assert_int_equal(plan->n_platforms, 2);
	assert_string_equal(plan->items[2], "item2");
	assert_string_equal(plan->platforms[1], "platform1");
	assert_memory_equal(plan->cells, "jjjjjj", 6);
}

static bool see_cell(void *arg, const struct db_cell *cell)
{
	struct matrix *m = arg;

	assert_int_equal(cell->job_id, m->first + m->cells);
	if (m->cells == 0) {
		assert_int_equal(cell->state, JOB_DONE);
		assert_int_equal(cell->verdict.outcome, OUTCOME_PASS);
		assert_int_equal(cell->attempts, 1);
		assert_true(cell->took_ms > 0);
	} else {
		assert_int_equal(
		    cell->state, m->cells == 1 ? JOB_LEASED : JOB_QUEUED);
	}
	m->cells++;
	return true;
}

static bool check_job(void *arg, const struct db_job *job)
{
	int *calls = arg;

	++*calls;
	assert_int_equal(job->run_id, 1);
	assert_string_equal(job->item, "item1");
	assert_string_equal(job->platform, "platform1");
	assert_int_equal(job->state, JOB_QUEUED);
	return true;
}

static void run_matrix_and_job_say_what_happened(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct matrix m = {0};
	struct kit_run run;
	int calls = 0;

	kit_run_new(k, tx, NULL, 3, 2, &run);
	kit_play(k, tx, &run, 0, kit_machine(k, 1));
	kit_lease(k, tx, &run, 1, kit_machine(k, 2));
	kit_commit(k, tx);
	assert_int_equal(db_run_get(c->r, 1, check_run, &calls, NULL), 0);
	assert_int_equal(calls, 1);
	m.first = run.first_job;
	assert_int_equal(db_matrix(c->r, 1, see_plan, see_cell, &m, NULL), 0);
	assert_int_equal(m.plans, 1);
	assert_int_equal(m.cells, 6);
	assert_int_equal(
	    db_job_get(c->r, run.first_job + 3, check_job, &calls, NULL), 0);
	assert_int_equal(calls, 2);
	kit_run_done(&run);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct matrix m = {0};
	struct kit_run run;
	int calls = 0;

	kit_run_new(k, tx, NULL, 1, 1, &run);
	kit_commit(k, tx);
	assert_int_equal(
	    db_run_get(c->r, 2, check_run, &calls, NULL), -ERR_NOTFOUND);
	assert_int_equal(
	    db_matrix(c->r, 2, see_plan, see_cell, &m, NULL), -ERR_NOTFOUND);
	assert_int_equal(
	    db_job_get(c->r, 0, check_job, &calls, NULL), -ERR_NOTFOUND);
	assert_int_equal(
	    db_job_get(c->r, 2, check_job, &calls, NULL), -ERR_NOTFOUND);
	assert_int_equal(db_events(c->r, 2, NULL, &calls, NULL), -ERR_NOTFOUND);
	assert_int_equal(calls + m.plans, 0);
	kit_run_done(&run);
}

/* ---- another process ---------------------------------------------------- */

struct consistency {
	int64_t total;
	int64_t sum;
};

static bool add_counts(void *arg, const struct db_run *run)
{
	struct consistency *s = arg;

	s->total += run->n_jobs;
	for (int i = 0; i < BUCKET_COUNT; i++)
		s->sum += run->counts[i];
	return true;
}

/* Reads until the pipe to the writer is closed. */
static int read_for_ever(const char *dir, int fd)
{
	struct db_reader *r = NULL;
	struct db_run_query q = {.limit = 50, .name_like = "run%"};
	struct ids ids;
	char end;
	int n = 0;

	if (db_reader_open(dir, &r, NULL) < 0)
		return 1;
	do {
		struct consistency s = {0, 0};

		q.name_like = q.name_like ? NULL : "run%";
		ids.n = ids.max = 0;
		if (db_runs(r, &q, see_run, &ids, NULL) < 0)
			return 2;
		if (db_runs(r, &q, add_counts, &s, NULL) < 0)
			return 3;
		if (s.total != s.sum)
			return 4;
		n++;
	} while (read(fd, &end, 1) < 0); /* EAGAIN until it is closed */
	db_reader_close(r);
	return n > 10 ? 0 : 5;
}

static void reader_in_another_process_sees_whole_states(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	int64_t m = kit_machine(k, 1);
	int fds[2];
	int status = 0;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fd_done(&fds[1]);
		_exit(read_for_ever(k->dir, fds[0]));
	}
	fd_done(&fds[0]);
	for (int i = 0; i < 60; i++) {
		struct db_tx *tx = db_tx_new(k->db);
		struct kit_run run;

		kit_run_new(k, tx, NULL, 10, 1, &run);
		kit_commit(k, tx);
		for (int j = 0; j < 10; j++) {
			tx = db_tx_new(k->db);
			kit_play(k, tx, &run, j, m);
			db_tx_post(tx, NULL, NULL);
		}
		kit_wait(k);
		kit_run_done(&run);
	}
	fd_done(&fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	kit_check(k);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, kit_reader_setup, kit_reader_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(numbered_pages_are_those_of_the_keys),
	    TEST(run_that_comes_late_is_found_by_the_filter),
	    TEST(filter_sees_names_that_are_new),
	    TEST(bad_limits_are_refused),
	    TEST(row_ends_the_query),
	    TEST(run_matrix_and_job_say_what_happened),
	    TEST(what_is_not_there_is_not_found),
	    TEST(reader_in_another_process_sees_whole_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
