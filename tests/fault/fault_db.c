/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One life of a database with its 1st, 2nd, 3rd ... fallible call failing,
 * until none is left. After each: nothing half-done, everything that was
 * posted is there, and it opens again.
 */
#include <stdio.h>

#include "db/fault.h"

#ifndef IB_FAULTS

int main(void)
{
	(void)printf("1..0 # SKIP built without --enable-fault-injection\n");
	return 0;
}

#else

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "bench/bench.h"
#include "tests/unit/db_kit.h"

#define POINTS_MAX 20000
#define LOG_ATTEMPT 1
#define POSTED_ATTEMPT 2

struct life {
	struct kit kit;
	struct kit_run run;
	struct buf logged; /* what db_log_append() took */
	bool lived;        /* it could be opened and had its machine */
	int posted;
	int called;
	int errors; /* calls that failed and said so */
	bool has_token;
	bool adopted;
	uint8_t hash[HASH_BYTES];
};

static void called(void *arg)
{
	struct life *l = arg;

	l->called++;
}

static void wake(void *arg)
{
	struct life *l = arg;

	(void)eventfd_write(l->kit.wake_fd, 1); /* full: awake already */
}

static void health(void *arg, const struct err *err)
{
	struct life *l = arg;

	l->errors += err != NULL;
}

static int failed(struct life *l, int r)
{
	l->errors += r < 0;
	return r;
}

static void post(struct life *l, struct db_tx *tx)
{
	l->posted++;
	db_tx_post(tx, called, l);
	kit_wait(&l->kit);
}

/* ---- the parts of a life ------------------------------------------------ */

static void live_jobs(struct life *l, int64_t machine)
{
	static const struct db_case cases[] = {
	    {"one", CASE_PASS, "", 10}, {"two", CASE_FAIL, "x == 3", 20}};
	static const double values[] = {1, 2, 4};
	struct kit *k = &l->kit;
	struct db_sample s = {.machine_id = machine,
	    .metric = "boot.time",
	    .unit = "ms",
	    .variant = "",
	    .guest = "",
	    .controller = "",
	    .values = values,
	    .n_values = 3};
	struct db_tx *tx = db_tx_new(k->db);

	kit_run_new(k, tx, NULL, 2, 1, &l->run);
	post(l, tx);
	tx = db_tx_new(k->db);
	kit_play_begin(k, tx, &l->run, 0, machine);
	post(l, tx);
	tx = db_tx_new(k->db);
	s.attempt_id = l->run.jobs[0].attempt_id;
	db_tx_sample(tx, &s);
	db_tx_points(tx, s.attempt_id, NULL);
	db_tx_cases(tx, l->run.jobs[0].id, s.attempt_id, cases, 2);
	kit_play_end(k, tx, &l->run, 0);
	db_tx_machine_health(tx, machine, HEALTH_SUSPECT, "why not", 5);
	post(l, tx);
	tx = db_tx_new(k->db);
	kit_event(k, tx, &l->run, 1, JOB_EV_CANCEL, NULL);
	db_tx_audit(tx, 1, "me", "cancelled it");
	post(l, tx);
}

static void log_some(struct life *l, struct db_log *log)
{
	char data[3000];
	size_t len = sizeof(data);

	for (int i = 0; i < 60; i++) {
		int64_t was = db_log_size(log);

		memset(data, 'a' + i % 26, len);
		(void)failed(l, db_log_append(log, data, len, 100 * i, NULL));
		/* A failed one may have taken the first part. */
		buf_add(&l->logged, data, (size_t)(db_log_size(log) - was));
		if (i % 20 == 19)
			(void)failed(l, db_log_sync(log, NULL));
	}
}

static void live_log(struct life *l)
{
	for (int i = 0; i < 2; i++) {
		struct db_log *log = NULL;

		if (failed(l,
		        db_log_open(l->kit.dir, LOG_ATTEMPT, &log, NULL)) < 0)
			continue;
		log_some(l, log);
		(void)failed(l, db_log_close(log, NULL));
	}
}

static const char posted[] = "what the verdict is read from\n";

/* Its syncs are the writer's, with a row that stands for the verdict. */
static void live_posted_log(struct life *l)
{
	struct db_tx *tx = db_tx_new(l->kit.db);
	struct db_log *log = NULL;
	int r = failed(l, db_log_open(l->kit.dir, POSTED_ATTEMPT, &log, NULL));

	if (r == 0)
		r = failed(
		    l, db_log_append(log, posted, strlen(posted), 5, NULL));
	if (r == 0)
		r = failed(l, db_tx_log_sync(tx, log, NULL));
	if (r == 0)
		db_tx_audit(tx, 2, "me", "verdict");
	post(l, tx);
	tx = db_tx_new(l->kit.db);
	db_tx_log_close(tx, log);
	post(l, tx);
}

static void live_file(struct life *l)
{
	scoped(free) char *path = xasprintf("%s/upload", l->kit.dir);

	hash_sha256("hello", 5, l->hash);
	assert_int_equal(fs_write_atomic(path, "hello", 5, 0600, NULL), 0);
	(void)failed(l, db_file_adopt(l->kit.dir, path, l->hash, NULL));
	if (access(path, F_OK) == 0)
		(void)failed(l, db_file_adopt(l->kit.dir, path, l->hash, NULL));
}

static bool ignore_event(void *arg, const struct job_event *ev)
{
	(void)arg;
	(void)ev;
	return true;
}

static bool ignore_case(void *arg, const struct db_case *c)
{
	(void)arg;
	(void)c;
	return true;
}

static bool ignore_runs(void *arg, const struct db_run *run)
{
	(void)arg;
	(void)run;
	return true;
}

static void live_reader(struct life *l)
{
	struct db_run_query q = {.limit = 5, .page = 1, .name_like = "run%"};
	scoped(db_reader_close) struct db_reader *r = NULL;
	int64_t job = l->run.first_job;

	if (failed(l, db_reader_open(l->kit.dir, &r, NULL)) < 0)
		return;
	(void)failed(l, db_events(r, job, ignore_event, NULL, NULL));
	(void)failed(l, db_cases(r, job, ignore_case, NULL, NULL));
	(void)failed(l, db_runs(r, &q, ignore_runs, NULL, NULL));
}

static void live(struct life *l)
{
	struct db_ops ops = {.wake = wake, .health = health, .arg = l};
	int64_t machine = 0;

	if (failed(l, db_open(l->kit.dir, &ops, &l->kit.db, NULL)) < 0)
		return;
	l->has_token = failed(l,
	                   db_token_add(l->kit.db, "ci", l->hash, SCOPE_READ, 5,
	                       NULL)) == 0;
	if (failed(l, db_machine_id(l->kit.db, "m1", "p", &machine, NULL)) < 0)
		return;
	l->lived = true;
	live_jobs(l, machine);
	live_log(l);
	live_posted_log(l);
	live_file(l);
	live_reader(l);
}

/* ---- what must be so afterwards ----------------------------------------- */

static bool compare(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	const struct life *l = arg;

	(void)at_ms;
	assert_true((size_t)offset + len <= l->logged.len);
	assert_memory_equal(data, l->logged.data + offset, len);
	return true;
}

static void check_log(struct life *l)
{
	struct db_log_info info = {0};
	struct db_log *log = NULL;

	assert_int_equal(db_log_open(l->kit.dir, LOG_ATTEMPT, &log, NULL), 0);
	assert_int_equal(db_log_size(log), l->logged.len);
	assert_int_equal(db_log_close(log, NULL), 0);
	assert_int_equal(db_log_stat(l->kit.dir, LOG_ATTEMPT, &info, NULL), 0);
	assert_int_equal(info.size, l->logged.len);
	assert_int_equal(db_log_read(l->kit.dir, LOG_ATTEMPT, 0, info.size,
	                     compare, l, NULL),
	    0);
}

static bool is_posted(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	bool *seen = arg;

	(void)at_ms;
	*seen = offset == 0 && len == strlen(posted) &&
	    memcmp(data, posted, len) == 0;
	return true;
}

/* A verdict without its log is what must never be. */
static void check_posted_log(const struct life *l)
{
	bool seen = false;

	if (kit_sql(&l->kit,
	        "SELECT count(*) FROM audit WHERE what = 'verdict'") == 0)
		return;
	assert_int_equal(db_log_read(l->kit.dir, POSTED_ATTEMPT, 0, INT64_MAX,
	                     is_posted, &seen, NULL),
	    0);
	assert_true(seen);
}

static void check_life(struct life *l)
{
	struct kit *k = &l->kit;
	int64_t size = 0;
	int fd = -1;

	assert_int_equal(l->called, l->posted);
	assert_int_equal(kit_sql(k, "SELECT state FROM run"), RUN_DONE);
	assert_int_equal(kit_sql(k, "SELECT n_passed FROM run"), 1);
	assert_int_equal(kit_sql(k, "SELECT n_disabled FROM run"), 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM sample"), 1);
	assert_int_equal(kit_sql(k, "SELECT n FROM point"), 3);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM case_fail"), 1);
	assert_int_equal(
	    kit_sql(k, "SELECT count(*) FROM audit WHERE at_ms = 1"), 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM machine_health"), 1);
	check_log(l);
	check_posted_log(l);
	assert_int_equal(db_file_open(k->dir, l->hash, &fd, &size, NULL), 0);
	assert_int_equal(size, 5);
	fd_done(&fd);
}

/* Returns how many points were reached. */
static int one_life(const char *point, int n)
{
	struct life l = {.logged = BUF_INIT(1 << 20)};
	int reached;

	kit_init(&l.kit);
	fault_arm(point, n);
	live(&l);
	reached = fault_reached();
	fault_arm("", 0);
	kit_close(&l.kit);
	kit_open(&l.kit);
	kit_check(&l.kit);
	if (l.lived)
		check_life(&l);
	assert_int_equal(
	    kit_sql(&l.kit, "SELECT count(*) FROM token"), l.has_token ? 1 : 0);
	if (n == 0)
		assert_int_equal(l.errors, 0);
	buf_done(&l.logged);
	kit_run_done(&l.run);
	kit_done(&l.kit);
	return reached;
}

static void any_single_failure_leaves_nothing_half_done(void **state)
{
	int n;

	(void)state;
	(void)one_life("any", 0);
	for (n = 1; one_life("any", n) >= n; n++)
		assert_true(n < POINTS_MAX);
	print_message("# fault points reached: %d\n", n - 1);
	assert_true(n > 100);
}

/* Those of the caller's thread, then those of the writer's. */
static void short_log_is_synced_once_and_not_by_its_caller(void **state)
{
	struct life l = {.logged = BUF_INIT(1 << 20)};
	struct db_ops ops = {.wake = wake, .health = health, .arg = &l};
	struct db_log *log = NULL;
	struct db_tx *tx;

	(void)state;
	kit_init(&l.kit);
	assert_int_equal(db_open(l.kit.dir, &ops, &l.kit.db, NULL), 0);
	fault_arm("fsync", 0);
	tx = db_tx_new(l.kit.db);
	assert_int_equal(db_log_open(l.kit.dir, POSTED_ATTEMPT, &log, NULL), 0);
	assert_int_equal(
	    db_log_append(log, posted, strlen(posted), 5, NULL), 0);
	assert_int_equal(db_tx_log_sync(tx, log, NULL), 0);
	assert_int_equal(fault_reached(), 0);
	post(&l, tx);
	assert_int_equal(fault_reached(), 1);
	tx = db_tx_new(l.kit.db);
	db_tx_log_close(tx, log);
	assert_int_equal(fault_reached(), 1);
	post(&l, tx);
	assert_int_equal(fault_reached(), 1);
	fault_arm("", 0);
	kit_close(&l.kit);
	kit_done(&l.kit);
	buf_done(&l.logged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_log_is_synced_once_and_not_by_its_caller),
	    cmocka_unit_test(any_single_failure_leaves_nothing_half_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
