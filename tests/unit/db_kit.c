/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Helpers of the tests of db/. */
#include "tests/unit/db_kit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "db/stmt.h"
#include "db/store.h"

/* ---- the folder --------------------------------------------------------- */

static void wake(void *arg)
{
	const struct kit *k = arg;

	assert_int_equal(eventfd_write(k->wake_fd, 1), 0);
}

static void health(void *arg, const struct err *err)
{
	struct kit *k = arg;

	k->health_calls++;
	if (err)
		k->health = *err;
	else
		k->health.kind = 0;
}

void kit_init(struct kit *k)
{
	char template[] = "/tmp/ib-db-XXXXXX";

	memset(k, 0, sizeof(*k));
	assert_non_null(mkdtemp(template));
	k->dir = xstrdup(template);
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(k->wake_fd >= 0);
	k->clock_ms = 1700000000000;
	hash_init();
}

void kit_open(struct kit *k)
{
	struct db_ops ops = {.wake = wake, .health = health, .arg = k};
	struct err err = ERR_INIT;

	if (db_open(k->dir, &ops, &k->db, &err) < 0)
		fail_msg("%s", err.msg);
}

void kit_close(struct kit *k)
{
	db_close(k->db);
	k->db = NULL;
}

void kit_done(struct kit *k)
{
	kit_close(k);
	fd_done(&k->wake_fd);
	if (getenv("IB_TEST_KEEP"))
		print_message("kept: %s\n", k->dir);
	else
		assert_int_equal(fs_remove_tree(k->dir, NULL), 0);
	free(k->dir);
}

void kit_wait(struct kit *k)
{
	struct pollfd p = {k->wake_fd, POLLIN, 0};
	int64_t deadline = clock_mono_ms() + 60000;
	eventfd_t n;

	while (db_pending(k->db)) {
		assert_true(clock_mono_ms() < deadline);
		(void)poll(&p, 1, 100);
		(void)eventfd_read(k->wake_fd, &n); /* may be 0 already */
		db_dispatch(k->db);
	}
	db_dispatch(k->db);
}

void kit_commit(struct kit *k, struct db_tx *tx)
{
	db_tx_post(tx, NULL, NULL);
	kit_wait(k);
}

int64_t kit_machine(struct kit *k, int i)
{
	char name[20];
	int64_t id = 0;

	(void)snprintf(name, sizeof(name), "m%d", i);
	assert_int_equal(db_machine_id(k->db, name, "p", &id, NULL), 0);
	return id;
}

/* ---- runs and jobs ------------------------------------------------------ */

static const char **names(const char *prefix, int n)
{
	const char **list = xcalloc((size_t)n, sizeof(*list));

	for (int i = 0; i < n; i++)
		list[i] = xasprintf("%s%d", prefix, i);
	return list;
}

static void names_free(const char **list, int n)
{
	char *s;

	for (int i = 0; i < n; i++) {
		memcpy(&s, &list[i], sizeof(s));
		free(s);
	}
	free(list);
}

void kit_run_new(struct kit *k, struct db_tx *tx, const char *name, int n_items,
    int n_platforms, struct kit_run *ret)
{
	int n = n_items * n_platforms;
	const char **items = names("item", n_items);
	const char **platforms = names("platform", n_platforms);
	scoped(free) char *cells = xcalloc((size_t)n + 1, 1);
	char own[40];
	struct db_plan plan = {items, (size_t)n_items, platforms,
	    (size_t)n_platforms, memset(cells, 'j', (size_t)n)};
	static const struct db_run_file file = {"kernel", {1, 2, 3}, 77};
	struct db_new_run run = {.id = db_next_run_id(k->db),
	    .project = "hypervisor",
	    .user = "somebody",
	    .suite_text = "boot_items: []\n",
	    .suite_len = 15,
	    .suite_name = "project_config.yaml",
	    .plan = &plan,
	    .commit = "0123456789abcdef0123456789abcdef01234567",
	    .created_at_ms = k->clock_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(k->db, n),
	    .n_jobs = n,
	    .files = &file,
	    .n_files = 1,
	    .kind = "test",
	    .rerun_of = k->rerun_of};

	(void)snprintf(own, sizeof(own), "run %" PRId64, run.id);
	run.name = name ? name : own;
	db_tx_run_new(tx, &run);
	ret->id = run.id;
	ret->first_job = run.first_job;
	ret->n_jobs = n;
	ret->jobs = xcalloc((size_t)n, sizeof(*ret->jobs));
	for (int i = 0; i < n; i++)
		ret->jobs[i].id = run.first_job + i;
	names_free(items, n_items);
	names_free(platforms, n_platforms);
}

void kit_run_done(struct kit_run *run)
{
	free(run->jobs);
	run->jobs = NULL;
}

static void apply(struct kit *k, struct db_tx *tx, struct kit_run *run, int i,
    struct job_event *ev)
{
	struct job before = run->jobs[i];
	struct db_job_change change = {run->id, &before, &run->jobs[i], ev, 0};
	struct err err = ERR_INIT;

	k->clock_ms += 7;
	ev->seq = before.seq + 1;
	ev->at_ms = k->clock_ms;
	if (ev->type == JOB_EV_LEASE)
		change.fence = db_next_fence(k->db);
	if (job_apply(&run->jobs[i], ev, &err) < 0)
		fail_msg("%s", err.msg);
	db_tx_job_event(tx, &change);
}

void kit_event(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    enum job_event_type type, const char *text)
{
	struct job_event ev = {.type = type, .text = text};

	apply(k, tx, run, job, &ev);
}

void kit_lease(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    int64_t machine_id)
{
	struct job_event ev = {.type = JOB_EV_LEASE,
	    .attempt_id = db_next_attempt_id(k->db),
	    .machine_id = machine_id};

	apply(k, tx, run, job, &ev);
}

void kit_verdict(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    enum job_event_type type, struct verdict v, const char *text)
{
	struct job_event ev = {.type = type, .verdict = v, .text = text};

	apply(k, tx, run, job, &ev);
}

void kit_play_begin(struct kit *k, struct db_tx *tx, struct kit_run *run,
    int job, int64_t machine_id)
{
	kit_lease(k, tx, run, job, machine_id);
	kit_event(k, tx, run, job, JOB_EV_PREPARE, NULL);
	kit_event(k, tx, run, job, JOB_EV_STEP, "off verified");
	kit_event(k, tx, run, job, JOB_EV_STEP, "on sent");
	kit_event(k, tx, run, job, JOB_EV_RUN, NULL);
}

void kit_play_end(struct kit *k, struct db_tx *tx, struct kit_run *run, int job)
{
	struct verdict pass = {.outcome = OUTCOME_PASS};

	kit_event(k, tx, run, job, JOB_EV_EXIT, NULL);
	kit_verdict(
	    k, tx, run, job, JOB_EV_COLLECTED, pass, "SOTEST END, 12 cases");
	kit_event(k, tx, run, job, JOB_EV_DONE, NULL);
}

void kit_play(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    int64_t machine_id)
{
	kit_play_begin(k, tx, run, job, machine_id);
	kit_play_end(k, tx, run, job);
}

/* ---- looking at it ------------------------------------------------------ */

int kit_reader_setup(void **state)
{
	struct kit_reader *c = xcalloc(1, sizeof(*c));

	kit_init(&c->kit);
	kit_open(&c->kit);
	assert_int_equal(db_reader_open(c->kit.dir, &c->r, NULL), 0);
	*state = c;
	return 0;
}

int kit_reader_teardown(void **state)
{
	struct kit_reader *c = *state;

	db_reader_close(c->r);
	kit_done(&c->kit);
	free(c);
	return 0;
}

int64_t kit_sql(const struct kit *k, const char *sql)
{
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(conn_close) struct conn *c = NULL;
	scoped(stmt_reset) struct stmt *st = NULL;
	struct err err = ERR_INIT;
	int r = conn_open(path, CONN_READ, &c, &err);

	if (r == 0) {
		st = stmt_get(c, sql);
		r = stmt_step(st, &err);
	}
	if (r < 0)
		fail_msg("%s", err.msg);
	return r ? stmt_int(st, 0) : -1;
}

/* Runs whose counters are not what their jobs say. */
static const char sql_bad_counts[] =
    "SELECT count(*) FROM run r WHERE (n_waiting, n_running, n_passed, "
    "n_failed, n_error, n_disabled, n_skips) IS NOT (SELECT "
    "count(*) FILTER (WHERE state = 0), "
    "count(*) FILTER (WHERE state BETWEEN 1 AND 5), "
    "count(*) FILTER (WHERE state = 6 AND (outcome = 1 OR flags & 1)), "
    "count(*) FILTER (WHERE state = 6 AND outcome IN (2, 4) AND "
    "NOT flags & 1), "
    "count(*) FILTER (WHERE state = 6 AND outcome = 3), "
    "count(*) FILTER (WHERE state = 6 AND outcome IN (5, 6)), "
    "count(*) FILTER (WHERE state = 6 AND outcome = 1 AND flags & 2) "
    "FROM job WHERE id >= r.first_job AND id < r.first_job + r.n_total)";
static const char sql_bad_totals[] =
    "SELECT count(*) FROM run r WHERE n_total <> (SELECT count(*) FROM job "
    "WHERE id >= r.first_job AND id < r.first_job + r.n_total)";
static const char sql_bad_events[] =
    "SELECT count(*) FROM job j, run r WHERE r.state < 2 AND "
    "j.id >= r.first_job AND j.id < r.first_job + r.n_total AND "
    "j.seq <> (SELECT count(*) FROM job_event e WHERE e.job_id = j.id)";
static const char sql_bad_history[] =
    "SELECT count(*) FROM run r WHERE (state = 2 AND n_total > 0) <> "
    "EXISTS (SELECT 1 FROM run_history WHERE run_id = r.id)";
static const char sql_late_events[] =
    "SELECT count(*) FROM job_event e, run r WHERE r.state = 2 AND "
    "e.job_id >= r.first_job AND e.job_id < r.first_job + r.n_total";
static const char sql_late_reports[] =
    "SELECT count(*) FROM agent_event e JOIN attempt a ON "
    "a.id = e.attempt_id WHERE a.took_ms IS NOT NULL";
static const char sql_early_history[] =
    "SELECT count(*) FROM attempt_agent g JOIN attempt a ON "
    "a.id = g.attempt_id WHERE a.took_ms IS NULL AND g.history IS NOT NULL";
static const char sql_bad_names[] =
    "SELECT (SELECT sum(runs) FROM name) IS NOT (SELECT count(*) FROM run) "
    "AND (SELECT count(*) FROM run) > 0";
static const char sql_bad_blocks[] =
    "SELECT (SELECT sum(runs) FROM run_block) IS NOT "
    "(SELECT count(*) FROM run) AND (SELECT count(*) FROM run) > 0";
static const char sql_bad_keys[] =
    "SELECT count(*) FROM pragma_foreign_key_check";

static void ignore_run(void *arg, const struct db_open_run *run)
{
	(void)arg;
	(void)run;
}

static void ignore_job(void *arg, const struct db_open_job *job)
{
	(void)arg;
	(void)job;
}

void kit_check(struct kit *k)
{
	struct err err = ERR_INIT;

	assert_int_equal(kit_sql(k, sql_bad_counts), 0);
	assert_int_equal(kit_sql(k, sql_bad_totals), 0);
	assert_int_equal(kit_sql(k, sql_bad_events), 0);
	assert_int_equal(kit_sql(k, sql_bad_history), 0);
	assert_int_equal(kit_sql(k, sql_late_events), 0);
	assert_int_equal(kit_sql(k, sql_late_reports), 0);
	assert_int_equal(kit_sql(k, sql_early_history), 0);
	assert_int_equal(kit_sql(k, sql_bad_names), 0);
	assert_int_equal(kit_sql(k, sql_bad_blocks), 0);
	assert_int_equal(kit_sql(k, sql_bad_keys), 0);
	if (db_load_open(k->db, ignore_run, ignore_job, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

int kit_in_child(void (*fn)(struct kit *k), struct kit *k, struct buf *said)
{
	int fds[2];
	int status = 0;
	char *room;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		fn(k);
		_exit(0);
	}
	fd_done(&fds[1]);
	while (
	    (room = buf_room(said, 4096)) && (n = read(fds[0], room, 4096)) > 0)
		buf_added(said, (size_t)n);
	fd_done(&fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

uint64_t kit_seed(void)
{
	const char *env = getenv("IB_TEST_SEED");
	int64_t seed = clock_wall_ms();

	if (env)
		assert_int_equal(str_to_i64(env, 0, INT64_MAX, &seed, NULL), 0);
	print_message("# IB_TEST_SEED=%" PRId64 "\n", seed);
	return (uint64_t)seed;
}

/* splitmix64 */
uint64_t kit_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
