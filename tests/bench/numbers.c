/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of benchmarks, written the way the daemon writes them. */
#include "tests/bench/numbers.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "db/db.h"
#include "tests/bench/kept.h"

enum {
	AHEAD = 4, /* transactions that are posted and not durable */
	TELL_MS = 10000
};

static const char *const guests[] = {"debian-12", "windows-11"};
static const char *const controllers[] = {"nvme", "sata"};
static const char *const variants[] = {"vboxdrv", "kvm"};

struct writing {
	struct db *db;
	int wake_fd;
	int64_t *machines;
	uint64_t random;
	int64_t clock_ms;
	struct bench_roles roles;
	struct bench_versus versus;
};

static void wake(void *arg)
{
	const struct writing *w = arg;

	(void)eventfd_write(w->wake_fd, 1); /* full: it is awake */
}

static void wait_until_below(struct writing *w, size_t n)
{
	struct pollfd p = {.fd = w->wake_fd, .events = POLLIN};
	eventfd_t value;

	while (db_pending(w->db) >= n) {
		(void)poll(&p, 1, 1000);
		(void)eventfd_read(w->wake_fd, &value); /* may be 0 already */
		db_dispatch(w->db);
	}
	db_dispatch(w->db);
}

/* Uniform in [0, 1), by xorshift. */
static double draw(struct writing *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (double)(w->random >> 11) / 9007199254740992.;
}

/* ---- one attempt --------------------------------------------------------- */

static void add_event(struct writing *w, struct db_tx *tx, int64_t run_id,
    struct job *job, struct job_event ev)
{
	struct job before = *job;
	struct db_job_change change = {run_id, &before, job, &ev,
	    ev.type == JOB_EV_LEASE ? db_next_fence(w->db) : 0};

	ev.seq = job->seq + 1;
	ev.at_ms = w->clock_ms += 5;
	if (job_apply(job, &ev, NULL) < 0)
		abort();
	db_tx_job_event(tx, &change);
}

static void add_series(struct writing *w, struct db_tx *tx,
    const struct job *job, const struct bench_metric *metric, int place,
    int arm)
{
	double level = 1000 * (1 + place) * (arm ? .97 : 1);
	struct db_sample_mark marks[NUMBERS_PAIRS] = {0};
	double values[NUMBERS_PAIRS];
	struct db_sample s = {.attempt_id = job->attempt_id,
	    .machine_id = job->machine_id,
	    .metric = metric->name,
	    .unit = metric->unit,
	    .variant = variants[arm],
	    .guest = guests[place / 2],
	    .controller = controllers[place % 2],
	    .values = values,
	    .n_values = NUMBERS_PAIRS,
	    .marks = marks};

	for (int i = 0; i < NUMBERS_PAIRS; i++) {
		values[i] = level * (1 + .05 * draw(w));
		marks[i] = (struct db_sample_mark){.pair = i,
		    .position = (i % 2 == 1) != (arm == 1),
		    .valid = true};
	}
	db_tx_sample(tx, &s);
}

static void add_numbers(
    struct writing *w, struct db_tx *tx, const struct job *job)
{
	size_t n;
	const struct bench_metric *metrics = bench_metric_table(&n);

	for (int m = 0; m < NUMBERS_METRICS; m++)
		for (int place = 0; place < NUMBERS_PLACES; place++)
			for (int arm = 0; arm < 2; arm++)
				add_series(w, tx, job, &metrics[m], place, arm);
	db_tx_env(tx, job->attempt_id, "kernel", "6.1.0-28-amd64");
	db_tx_env(tx, job->attempt_id, "microcode", "0x41c");
	db_tx_env(tx, job->attempt_id, "governor", "performance");
	db_tx_points(tx, job->attempt_id, &w->versus);
}

/* All that the daemon posts for it, in one transaction. */
static void play(struct writing *w, struct db_tx *tx, int64_t run_id,
    int64_t job_id, int64_t machine_id)
{
	static const enum job_event_type life[] = {
	    JOB_EV_PREPARE, JOB_EV_RUN, JOB_EV_EXIT};
	struct job job = {.id = job_id};

	add_event(w, tx, run_id, &job,
	    (struct job_event){.type = JOB_EV_LEASE,
	        .attempt_id = db_next_attempt_id(w->db),
	        .machine_id = machine_id});
	for (size_t i = 0; i < ARRAY_LEN(life); i++)
		add_event(
		    w, tx, run_id, &job, (struct job_event){.type = life[i]});
	add_event(w, tx, run_id, &job,
	    (struct job_event){.type = JOB_EV_COLLECTED,
	        .verdict = {.outcome = OUTCOME_PASS},
	        .text = "pass, 560 samples"});
	add_numbers(w, tx, &job);
	add_event(w, tx, run_id, &job, (struct job_event){.type = JOB_EV_DONE});
}

/* ---- one run ------------------------------------------------------------- */

static void add_run(
    struct writing *w, const struct numbers *n, const struct db_plan *plan)
{
	struct db_tx *tx = db_tx_new(w->db);
	char commit[41];
	struct db_new_run run = {.id = db_next_run_id(w->db),
	    .project = "virtualbox-kvm",
	    .user = "somebody",
	    .name = "main",
	    .suite_text = "boot_items: []\n",
	    .suite_len = 15,
	    .suite_name = "ci/project_config.yaml",
	    .plan = plan,
	    .commit = commit,
	    .created_at_ms = w->clock_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(w->db, n->machines),
	    .n_jobs = n->machines,
	    .kind = "test"};

	(void)snprintf(commit, sizeof(commit), "%040" PRIx64, run.id);
	db_tx_run_new(tx, &run);
	for (int64_t i = 0; i < n->machines; i++)
		play(w, tx, run.id, run.first_job + i, w->machines[i]);
	db_tx_post(tx, NULL, NULL);
	wait_until_below(w, AHEAD);
}

static void write_runs(struct writing *w, const struct numbers *n)
{
	scoped(free) char **names =
	    xcalloc((size_t)n->machines, sizeof(names[0]));
	scoped(free) char *cells = xcalloc((size_t)n->machines + 1, 1);
	const char *item = "disk";
	struct db_plan plan = {.items = &item,
	    .n_items = 1,
	    .platforms = (const char *const *)names,
	    .n_platforms = (size_t)n->machines,
	    .cells = cells};
	int64_t told_ms = clock_mono_ms();

	for (int64_t i = 0; i < n->machines; i++) {
		names[i] = xasprintf("platform-%02" PRId64, i);
		cells[i] = 'j';
	}
	for (int64_t i = 0; i < n->runs; i++) {
		w->clock_ms = NUMBERS_SINCE_MS + i * NUMBERS_STEP_MS;
		add_run(w, n, &plan);
		if (clock_mono_ms() < told_ms + TELL_MS)
			continue;
		told_ms = clock_mono_ms();
		bench_say(
		    "numbers: %" PRId64 " of %" PRId64 " runs", i + 1, n->runs);
	}
	wait_until_below(w, 1);
	for (int64_t i = 0; i < n->machines; i++)
		free(names[i]);
}

/* ---- the whole ----------------------------------------------------------- */

static int add_machines(
    struct writing *w, const struct numbers *n, struct err *err)
{
	int r = 0;

	for (int64_t i = 0; r == 0 && i < n->machines; i++) {
		scoped(free) char *name = xasprintf("machine-%02" PRId64, i);

		r = db_machine_id(w->db, name, name, &w->machines[i], err);
	}
	return r;
}

static int write_all(const void *arg, struct err *err)
{
	const struct numbers *n = arg;
	scoped(free) int64_t *machines =
	    xcalloc((size_t)n->machines, sizeof(machines[0]));
	struct writing w = {.random = 88172645463325252,
	    .machines = machines,
	    .roles = {variants[0], variants[1]},
	    .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	struct db_ops ops = {.wake = wake, .arg = &w};
	int r = w.wake_fd < 0 ? err_set(err, ERR_IO, "no eventfd")
	                      : db_open(n->dir, &ops, &w.db, err);

	w.versus = (struct bench_versus){&w.roles, 1};
	if (r == 0)
		r = add_machines(&w, n, err);
	if (r == 0)
		write_runs(&w, n);
	if (w.db)
		db_close(w.db);
	fd_done(&w.wake_fd);
	return r;
}

int numbers_make(const char *dir, int64_t machines, int64_t runs,
    struct numbers *ret, struct err *err)
{
	scoped(free) char *size =
	    xasprintf("%" PRId64 "x%" PRId64, machines, runs);
	struct numbers n = {xstrdup(dir), machines, runs, 0};
	int r = kept_make(dir, size, write_all, &n, &n.made_s, err);

	if (r < 0)
		numbers_done(&n);
	else
		*ret = n;
	return r;
}

void numbers_done(struct numbers *n)
{
	free(take(n->dir));
}

int64_t numbers_cells(const struct numbers *n)
{
	return n->machines * NUMBERS_METRICS * NUMBERS_PLACES;
}

int64_t numbers_points(const struct numbers *n)
{
	return 2 * numbers_cells(n) * n->runs;
}

int64_t numbers_bytes(const struct numbers *n)
{
	return kept_bytes(n->dir);
}
