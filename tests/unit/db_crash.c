/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A writer that is killed at any moment. What its callbacks said is there;
 * what is there is whole; and the next one goes on from it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/db_kit.h"

#define ROUNDS 25
#define JOBS 6

struct promise {
	int fd;
	int64_t number;
};

/* Says to the parent that this transaction is durable. */
static void tell_parent(void *arg)
{
	struct promise *p = arg;

	if (write(p->fd, &p->number, sizeof(p->number)) != sizeof(p->number))
		_exit(1);
	free(p);
}

/* Each transaction has a pair of audit lines: half of one would show. */
static void post(struct kit *k, struct db_tx *tx, int fd, int64_t number)
{
	struct promise *p = xcalloc(1, sizeof(*p));
	char what[40];

	(void)snprintf(what, sizeof(what), "%" PRId64, number);
	db_tx_audit(tx, number, "a", what);
	db_tx_audit(tx, number, "b", what);
	p->fd = fd;
	p->number = number;
	db_tx_post(tx, tell_parent, p);
	db_dispatch(k->db);
}

struct found {
	struct kit_run runs[JOBS * 4]; /* of one job each */
	int n;
};

static void on_run(void *arg, const struct db_open_run *run)
{
	(void)arg;
	(void)run;
}

static void on_job(void *arg, const struct db_open_job *open)
{
	struct found *f = arg;
	struct kit_run *run = &f->runs[f->n];

	if (open->job.state == JOB_QUEUED)
		return;
	if (f->n++ == (int)ARRAY_LEN(f->runs))
		_exit(1);
	run->id = open->run_id;
	run->jobs = xcalloc(1, sizeof(*run->jobs));
	run->jobs[0] = open->job;
}

/* As the daemon would: what ran when the last one died ends as an error. */
static int64_t recover(struct kit *k, int fd, int64_t number)
{
	struct verdict v = {.outcome = OUTCOME_ERROR, .layer = LAYER_HARNESS};
	struct found f = {.n = 0};

	if (db_load_open(k->db, on_run, on_job, &f, NULL) < 0)
		_exit(2);
	for (int i = 0; i < f.n; i++) {
		struct db_tx *tx = db_tx_new(k->db);

		kit_verdict(
		    k, tx, &f.runs[i], 0, JOB_EV_ABORT, v, "was killed");
		kit_event(k, tx, &f.runs[i], 0, JOB_EV_DONE, NULL);
		post(k, tx, fd, number++);
		kit_run_done(&f.runs[i]);
	}
	return number;
}

/* How many events of the agent there are, it says with each. */
static void say(struct db_tx *tx, int64_t attempt_id, int64_t s)
{
	char resume[20];
	struct db_agent_event ev = {attempt_id, s, "{}", 2, resume};

	(void)snprintf(resume, sizeof(resume), "%" PRId64, s);
	db_tx_agent_event(tx, &ev);
}

static int64_t play(struct kit *k, struct kit_run *run, const int64_t *machines,
    int fd, int64_t number)
{
	struct db_tx *tx = db_tx_new(k->db);

	kit_run_new(k, tx, NULL, JOBS, 1, run);
	for (int i = 0; i < JOBS; i++) {
		kit_play_begin(k, tx, run, i, machines[i]);
		say(tx, run->jobs[i].attempt_id, 1);
		post(k, tx, fd, number++);
		tx = db_tx_new(k->db);
	}
	for (int i = 0; i < JOBS; i++) {
		say(tx, run->jobs[i].attempt_id, 2);
		post(k, tx, fd, number++);
		tx = db_tx_new(k->db);
	}
	for (int i = 0; i < JOBS; i++) {
		kit_play_end(k, tx, run, i);
		post(k, tx, fd, number++);
		tx = db_tx_new(k->db);
	}
	db_tx_free(tx);
	return number;
}

static void write_for_ever(struct kit *k, int fd, uint64_t rnd)
{
	int64_t machines[JOBS];
	int64_t number;

	kit_open(k);
	number = kit_sql(k, "SELECT coalesce(max(at_ms), 0) + 1 FROM audit");
	for (int i = 0; i < JOBS; i++)
		machines[i] = kit_machine(k, i);
	number = recover(k, fd, number);
	for (;;) {
		struct kit_run run;

		number = play(k, &run, machines, fd, number);
		kit_run_done(&run);
		if (kit_random(&rnd) % 4 == 0)
			kit_wait(k);
	}
}

static void await_promise(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 30000), 1);
}

/* Reads promises until the writer is dead; returns the last one. */
static int64_t last_promise(int fd)
{
	int64_t last = 0;
	int64_t number;

	while (read(fd, &number, sizeof(number)) == sizeof(number)) {
		if (last)
			assert_int_equal(number, last + 1);
		last = number;
	}
	return last;
}

static void check_promises(struct kit *k, int64_t last)
{
	static const char halves[] =
	    "SELECT count(*) FROM (SELECT at_ms FROM audit GROUP BY at_ms "
	    "HAVING count(*) <> 2)";
	static const char torn[] =
	    "SELECT count(*) FROM attempt_agent g WHERE history IS NULL AND "
	    "CAST(resume AS INTEGER) <> (SELECT count(*) FROM agent_event "
	    "WHERE attempt_id = g.attempt_id)";

	kit_open(k);
	assert_true(
	    kit_sql(k, "SELECT coalesce(max(at_ms), 0) FROM audit") >= last);
	assert_int_equal(kit_sql(k,
	                     "SELECT coalesce(max(at_ms), 0) * 2 - count(*) "
	                     "FROM audit"),
	    0);
	assert_int_equal(kit_sql(k, halves), 0);
	assert_int_equal(kit_sql(k, torn), 0);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM attempt WHERE id NOT IN "
	                     "(SELECT attempt_id FROM attempt_agent)"),
	    0);
	/* A transaction leads a job to RUN, or from there to DONE. */
	assert_int_equal(
	    kit_sql(k, "SELECT count(*) FROM job WHERE state NOT IN (0, 3, 6)"),
	    0);
	kit_check(k);
	kit_close(k);
}

static void killed_writer_keeps_its_promises(void **state)
{
	uint64_t rnd = kit_seed();
	int64_t before = 0;
	struct kit k;

	(void)state;
	kit_init(&k);
	for (int i = 0; i < ROUNDS; i++) {
		int fds[2];
		int64_t last;
		pid_t pid;

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_for_ever(&k, fds[1], rnd);
		fd_done(&fds[1]);
		/* Some die while they open, some after a promise. */
		if (i % 2)
			await_promise(fds[0]);
		(void)poll(NULL, 0, (int)(kit_random(&rnd) % 120));
		assert_int_equal(kill(pid, SIGKILL), 0);
		last = last_promise(fds[0]);
		fd_done(&fds[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		before = last ? last : before;
		check_promises(&k, before);
	}
	print_message("# %" PRId64 " promises in %d lives\n", before, ROUNDS);
	assert_true(before > 0);
	kit_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_writer_keeps_its_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
