/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Histories as the web process computes them, without HTTP and JSON: of one
 * series, and what changed lately in all. The past is written by db/'s own
 * writer: each attempt has the facts of a machine and a point in each of its
 * series; every tenth series has a step in the middle.
 */
#include <math.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "bench/bench.h"
#include "db/db.h"
#include "tests/bench/bench.h"
#include "web/series.h"
#include "web/series_changes.h"

enum {
	FACTS = 60, /* of an attempt; a third makes the environment */
	VALUES = 3, /* of a point */
	AHEAD = 8,
	READS = 300,
	SCANS = 15
};

struct past {
	struct db *db;
	int wake_fd;
	int machines;
	int series; /* of a machine */
	int points; /* of a series */
	int64_t clock_ms;
	uint64_t random;
};

/* ---- writing ------------------------------------------------------------- */

static void wake(void *arg)
{
	const struct past *p = arg;

	(void)eventfd_write(p->wake_fd, 1); /* full: it is awake */
}

static void wait_until_below(struct past *p, size_t n)
{
	struct pollfd fd = {.fd = p->wake_fd, .events = POLLIN};
	eventfd_t value;

	while (db_pending(p->db) >= n) {
		(void)poll(&fd, 1, 1000);
		(void)eventfd_read(p->wake_fd, &value); /* may be 0 already */
		db_dispatch(p->db);
	}
	db_dispatch(p->db);
}

/* About normal. */
static double noise(struct past *p)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		p->random =
		    p->random * 6364136223846793005U + 1442695040888963407U;
		sum += (double)(p->random >> 11) / 9007199254740992.;
	}
	return sum;
}

static void put_event(struct past *p, struct db_tx *tx, int64_t run_id,
    struct job *job, struct job_event ev)
{
	struct job before = *job;
	struct db_job_change change = {run_id, &before, job, &ev,
	    ev.type == JOB_EV_LEASE ? db_next_fence(p->db) : 0};

	ev.seq = job->seq + 1;
	ev.at_ms = p->clock_ms += 10;
	if (job_apply(job, &ev, NULL) < 0)
		abort();
	db_tx_job_event(tx, &change);
}

static void put_facts(struct db_tx *tx, int64_t attempt_id)
{
	for (int i = 0; i < FACTS; i++) {
		scoped(free) char *key = xasprintf(
		    i % 3 ? "load.of_something_%d" : "tool.number_%d", i);

		db_tx_env(tx, attempt_id, key, i % 3 ? "17" : "1.2.3");
	}
}

static void put_samples(struct past *p, struct db_tx *tx, int point,
    int64_t attempt_id, int64_t machine_id)
{
	struct db_sample_mark marks[VALUES] = {{.valid = true, .has_raw = true},
	    {.pair = 1, .valid = true, .has_raw = true},
	    {.pair = 2, .valid = true, .has_raw = true}};

	for (int i = 0; i < p->series; i++) {
		scoped(free) char *metric = xasprintf("fio.profile_%03d", i);
		double values[VALUES];
		double level =
		    i % 10 == 0 && point >= p->points / 2 ? 950 : 1000;

		for (int k = 0; k < VALUES; k++)
			values[k] = level + 10 * noise(p);
		db_tx_sample(tx,
		    &(struct db_sample){.attempt_id = attempt_id,
		        .machine_id = machine_id,
		        .metric = metric,
		        .unit = "MB/s",
		        .variant = "virtualbox/kvm",
		        .guest = "linux",
		        .controller = "nvme",
		        .values = values,
		        .n_values = VALUES,
		        .marks = marks});
	}
}

static void put_job(struct past *p, struct db_tx *tx, int point, int64_t run_id,
    int64_t job_id, int64_t machine_id)
{
	static const enum job_event_type life[] = {JOB_EV_LEASE, JOB_EV_PREPARE,
	    JOB_EV_RUN, JOB_EV_EXIT, JOB_EV_COLLECTED, JOB_EV_DONE};
	struct job job = {.id = job_id};
	int64_t attempt_id = db_next_attempt_id(p->db);

	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		struct job_event ev = {.type = life[i]};

		if (life[i] == JOB_EV_LEASE) {
			ev.attempt_id = attempt_id;
			ev.machine_id = machine_id;
		}
		if (life[i] == JOB_EV_COLLECTED) {
			ev.verdict.outcome = OUTCOME_PASS;
			ev.text = "SOTEST END";
		}
		put_event(p, tx, run_id, &job, ev);
		if (life[i] != JOB_EV_RUN)
			continue;
		put_facts(tx, attempt_id);
		put_samples(p, tx, point, attempt_id, machine_id);
		db_tx_points(tx, attempt_id, NULL);
	}
}

/* One run: a job on each machine. */
static void put_run(struct past *p, int point, const int64_t *machine_ids)
{
	static const char *const items[] = {"measure"};
	scoped(free) char **names =
	    xcalloc((size_t)p->machines, sizeof(char *));
	scoped(free) char *cells = xcalloc((size_t)p->machines + 1, 1);
	scoped(free) const char **platforms =
	    xcalloc((size_t)p->machines, sizeof(char *));
	struct db_plan plan = {items, 1, platforms, (size_t)p->machines,
	    memset(cells, 'j', (size_t)p->machines)};
	struct db_new_run run = {.id = db_next_run_id(p->db),
	    .project = "farm",
	    .user = "somebody",
	    .name = "main",
	    .commit = "0123456789abcdef0123456789abcdef01234567",
	    .suite_text = "",
	    .suite_name = "suite.yaml",
	    .plan = &plan,
	    .created_at_ms = p->clock_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(p->db, p->machines),
	    .n_jobs = p->machines,
	    .kind = "test"};
	struct db_tx *tx = db_tx_new(p->db);

	for (int i = 0; i < p->machines; i++)
		platforms[i] = names[i] = xasprintf("m%d", i);
	db_tx_run_new(tx, &run);
	for (int i = 0; i < p->machines; i++) {
		put_job(
		    p, tx, point, run.id, run.first_job + i, machine_ids[i]);
		db_tx_post(tx, NULL, NULL);
		wait_until_below(p, AHEAD);
		tx = db_tx_new(p->db);
		free(names[i]);
	}
	db_tx_post(tx, NULL, NULL);
}

static int put_past(struct past *p, struct err *err)
{
	scoped(free) int64_t *ids =
	    xcalloc((size_t)p->machines, sizeof(ids[0]));
	int r = 0;

	for (int i = 0; i < p->machines && r == 0; i++) {
		scoped(free) char *name = xasprintf("m%d", i);

		r = db_machine_id(p->db, name, name, &ids[i], err);
	}
	for (int i = 0; i < p->points && r == 0; i++)
		put_run(p, i, ids);
	wait_until_below(p, 1);
	return r;
}

/* ---- reading ------------------------------------------------------------- */

static int read_one(
    struct db_reader *reader, int64_t id, bool values, struct err *err)
{
	scoped(series_points_free) struct series_points *points = NULL;
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct bench_history_options opts = {
	    .changes = BENCH_CHANGES_DEFAULTS, .direction = BENCH_HIGHER};
	int r = series_points_read(reader,
	    &(struct series_want){
	        .id = id, .most = SERIES_POINTS_DEFAULT, .values = values},
	    &points, err);

	return r < 0 ? r
	             : bench_history(points->points, points->n, &opts, &h, err);
}

static int measure_one(struct bench *b, struct past *p,
    struct db_reader *reader, bool values, struct err *err)
{
	scoped_val(samples_done) struct samples s = {NULL, 0, 0, false};
	scoped(free) char *name = xasprintf("history of a series, %d points%s",
	    p->points, values ? ", with single values" : "");

	for (int i = 0; i < READS; i++) {
		int64_t began_ns = clock_mono_ns();
		int r = read_one(reader,
		    1 + i * 7919 % (p->machines * p->series), values, err);

		if (r < 0)
			return r;
		samples_add(&s, clock_mono_ns() - began_ns);
	}
	bench_times(b, &s, NS_PER_MS,
	    &(struct row){.part = "history",
	        .name = name,
	        .unit = "ms",
	        .max_p50 = values ? 0 : 1});
	return 0;
}

/* With nothing known before; or, of the same watch, again. */
static int measure_all(struct bench *b, struct past *p,
    struct db_reader *reader, bool again, struct err *err)
{
	scoped_val(samples_done) struct samples s = {NULL, 0, 0, false};
	scoped(series_watch_free) struct series_watch *known =
	    series_watch_new();
	scoped(free) char *name = xasprintf("changes in %d series%s",
	    p->machines * p->series, again ? ", nothing new" : "");
	size_t n = 0;

	for (int i = again ? -1 : 0; i < SCANS; i++) {
		scoped(series_changes_free) struct series_changes *c = NULL;
		scoped(series_watch_free) struct series_watch *unknown =
		    series_watch_new();
		int64_t began_ns = clock_mono_ns();
		int r = series_changes_find(
		    again ? known : unknown, reader, &c, err);

		if (r < 0)
			return r;
		if (i >= 0)
			samples_add(&s, clock_mono_ns() - began_ns);
		n = c->n;
	}
	bench_say("%zu changes in %d series", n, p->machines * p->series);
	bench_times(b, &s, NS_PER_MS,
	    &(struct row){
	        .part = "history", .name = name, .unit = "ms", .max_p50 = 500});
	return 0;
}

static int measure(
    struct bench *b, struct past *p, const char *dir, struct err *err)
{
	scoped(db_reader_close) struct db_reader *reader = NULL;
	int r;

	bench_say("history: writing %d x %d points", p->machines * p->series,
	    p->points);
	r = put_past(p, err);
	if (r == 0)
		r = db_reader_open(dir, &reader, err);
	if (r == 0)
		r = measure_one(b, p, reader, false, err);
	if (r == 0)
		r = measure_one(b, p, reader, true, err);
	if (r == 0)
		r = measure_all(b, p, reader, false, err);
	return r < 0 ? r : measure_all(b, p, reader, true, err);
}

int part_history(struct bench *b, struct err *err)
{
	scoped(free) char *dir = xasprintf("%s/history", b->dir);
	struct past p = {.machines = b->small ? 2 : 35,
	    .series = b->small ? 10 : 100,
	    .points = b->small ? 30 : 300,
	    .clock_ms = 1700000000000,
	    .random = 42};
	struct db_ops ops = {.wake = wake, .arg = &p};
	int r;

	p.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p.wake_fd < 0 ? err_set(err, ERR_IO, "no eventfd")
	                  : fs_mkdirs(dir, 0700, err);
	if (r == 0)
		r = db_open(dir, &ops, &p.db, err);
	if (r == 0)
		r = measure(b, &p, dir, err);
	if (p.db)
		db_close(p.db);
	fd_done(&p.wake_fd);
	return r < 0 ? r : fs_remove_tree(dir, err);
}
