/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A laboratory's past: runs with all their jobs, attempts and events, written
 * the way the daemon writes them, so that what is read later lies on the disk
 * as it would.
 *
 * Outcomes and names are drawn by a generator with a fixed seed: two archives
 * of a size are the same but for the times of writing.
 */
#include <inttypes.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "db/db.h"
#include "tests/bench/bench.h"
#include "tests/bench/kept.h"

enum {
	MACHINES = 52,
	ITEMS = 30,     /* 30 x 13 cells, of which 379 are jobs */
	TOGETHER = 400, /* jobs of one transaction, about */
	TELL_MS = 10000,
	AHEAD = 4, /* transactions that are posted and not durable */
	BRANCHES = 200
};

struct writing {
	struct db *db;
	int wake_fd;
	int64_t machines[MACHINES];
	uint64_t random;
	int64_t clock_ms;
};

/* ---- waiting ------------------------------------------------------------ */

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

/* ---- one job ------------------------------------------------------------ */

/* xorshift */
static uint64_t draw(struct writing *w, uint64_t n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % n;
}

static void add_event(struct writing *w, struct db_tx *tx, int64_t run_id,
    struct job *job, struct job_event ev)
{
	struct job before = *job;
	struct db_job_change change = {run_id, &before, job, &ev,
	    ev.type == JOB_EV_LEASE ? db_next_fence(w->db) : 0};

	w->clock_ms += 1 + (int64_t)draw(w, 1500);
	ev.seq = job->seq + 1;
	ev.at_ms = w->clock_ms;
	if (job_apply(job, &ev, NULL) < 0)
		abort();
	db_tx_job_event(tx, &change);
}

static struct verdict draw_verdict(struct writing *w, const char **ret_text)
{
	uint64_t n = draw(w, 1000);

	*ret_text = "SOTEST END, 12 cases";
	if (n < 940)
		return (struct verdict){
		    .outcome = OUTCOME_PASS, .skips = n < 90};
	if (n < 980) {
		*ret_text = "SOTEST FAIL \"tsc_deadline\", 11 of 12 cases";
		return (struct verdict){.outcome = OUTCOME_FAIL};
	}
	if (n < 990) {
		*ret_text = "silent for 60 s after case 7 of 12";
		return (struct verdict){.outcome = OUTCOME_TIMEOUT};
	}
	*ret_text = "power on: bmc 10.0.0.17: connection timeout";
	return (struct verdict){.outcome = OUTCOME_ERROR, .layer = LAYER_POWER};
}

/* The events of a boot item, as attempt.c records them. */
static void play(struct writing *w, struct db_tx *tx, int64_t run_id,
    int64_t job_id, int64_t machine_id)
{
	static const char *const steps[] = {
	    "off verified", "on verified", "script served"};
	struct job job = {.id = job_id};
	const char *text;
	struct verdict verdict = draw_verdict(w, &text);

	add_event(w, tx, run_id, &job,
	    (struct job_event){.type = JOB_EV_LEASE,
	        .attempt_id = db_next_attempt_id(w->db),
	        .machine_id = machine_id});
	add_event(
	    w, tx, run_id, &job, (struct job_event){.type = JOB_EV_PREPARE});
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		add_event(w, tx, run_id, &job,
		    (struct job_event){.type = JOB_EV_STEP, .text = steps[i]});
	add_event(w, tx, run_id, &job, (struct job_event){.type = JOB_EV_RUN});
	add_event(w, tx, run_id, &job, (struct job_event){.type = JOB_EV_EXIT});
	add_event(w, tx, run_id, &job,
	    (struct job_event){
	        .type = JOB_EV_COLLECTED, .verdict = verdict, .text = text});
	add_event(w, tx, run_id, &job, (struct job_event){.type = JOB_EV_DONE});
}

/* ---- one run ------------------------------------------------------------ */

struct shape {
	char items[ARCHIVE_JOBS][24];
	char platforms[ARCHIVE_PLATFORMS][24];
	const char *item_list[ARCHIVE_JOBS];
	const char *platform_list[ARCHIVE_PLATFORMS];
	char cells[ARCHIVE_BIG_JOBS + 1];
};

static struct shape *shape_new(void)
{
	struct shape *s = xcalloc(1, sizeof(*s));

	for (int i = 0; i < ARCHIVE_JOBS; i++) {
		(void)snprintf(
		    s->items[i], sizeof(s->items[i]), "guest-test-%03d", i);
		s->item_list[i] = s->items[i];
	}
	for (int i = 0; i < ARCHIVE_PLATFORMS; i++) {
		(void)snprintf(s->platforms[i], sizeof(s->platforms[i]),
		    "platform_%02d", i);
		s->platform_list[i] = s->platforms[i];
	}
	return s;
}

/* Fills the cells: n_jobs jobs, the rest of the cells are none. */
static struct db_plan plan_of(struct shape *s, int64_t n_jobs)
{
	size_t n_items =
	    (size_t)(n_jobs + ARCHIVE_PLATFORMS - 1) / ARCHIVE_PLATFORMS;
	size_t n_cells = n_items * ARCHIVE_PLATFORMS;

	memset(s->cells, '.', n_cells);
	memset(s->cells, 'j', (size_t)n_jobs);
	s->cells[n_cells] = '\0';
	return (struct db_plan){s->item_list, n_items, s->platform_list,
	    ARCHIVE_PLATFORMS, s->cells};
}

/* Half of the runs are pushes to a branch, half have a name of their own. */
static void name_run(struct writing *w, int64_t id, char *to, size_t size)
{
	if (draw(w, 2))
		(void)snprintf(to, size, "virtualbox-kvm wip/topic-%03d",
		    (int)draw(w, BRANCHES));
	else
		(void)snprintf(to, size,
		    "nightly %06" PRId64 " virtualbox-kvm %012" PRIx64, id,
		    draw(w, UINT64_C(1) << 48));
}

static void add_run(
    struct writing *w, struct shape *s, struct db_tx *tx, int64_t n_jobs)
{
	static const char suite[] = "boot_items: []\n";
	struct db_plan plan = plan_of(s, n_jobs);
	char name[80];
	char commit[41];
	struct db_new_run run = {.id = db_next_run_id(w->db),
	    .project = "virtualbox-kvm",
	    .user = "somebody",
	    .name = name,
	    .suite_text = suite,
	    .suite_len = strlen(suite),
	    .suite_name = "ci/project_config.yaml",
	    .plan = &plan,
	    .commit = commit,
	    .created_at_ms = w->clock_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(w->db, n_jobs),
	    .n_jobs = n_jobs,
	    .kind = "test"};

	name_run(w, run.id, name, sizeof(name));
	(void)snprintf(commit, sizeof(commit), "%020" PRIx64 "%020" PRIx64,
	    draw(w, INT64_MAX), draw(w, INT64_MAX));
	db_tx_run_new(tx, &run);
	for (int64_t i = 0; i < n_jobs; i++)
		play(w, tx, run.id, run.first_job + i,
		    w->machines[draw(w, MACHINES)]);
}

/* ---- the whole ---------------------------------------------------------- */

static int add_machines(struct writing *w, struct err *err)
{
	char name[32];
	char platform[32];
	int r = 0;

	for (int i = 0; r == 0 && i < MACHINES; i++) {
		(void)snprintf(name, sizeof(name), "machine-%02d", i);
		(void)snprintf(platform, sizeof(platform), "platform_%02d",
		    i % ARCHIVE_PLATFORMS);
		r = db_machine_id(w->db, name, platform, &w->machines[i], err);
	}
	return r;
}

static void post(struct writing *w, struct db_tx *tx)
{
	db_tx_post(tx, NULL, NULL);
	wait_until_below(w, AHEAD);
}

static void write_runs(struct writing *w, const struct archive *a)
{
	scoped(free) struct shape *s = shape_new();
	int64_t together = 1 + TOGETHER / a->jobs_per_run;
	int64_t began_ms = clock_mono_ms();
	int64_t told_ms = began_ms;
	struct db_tx *tx = db_tx_new(w->db);

	for (int64_t i = 1; i <= a->runs; i++) {
		add_run(w, s, tx, a->jobs_per_run);
		if (i % together != 0)
			continue;
		post(w, tx);
		tx = db_tx_new(w->db);
		if (clock_mono_ms() < told_ms + TELL_MS)
			continue;
		told_ms = clock_mono_ms();
		bench_say("archive: %" PRId64 " of %" PRId64
		          " runs, %.0f jobs/s",
		    i, a->runs,
		    (double)(i * a->jobs_per_run) * 1e3 /
		        (double)(told_ms - began_ms));
	}
	add_run(w, s, tx, ARCHIVE_BIG_JOBS);
	post(w, tx);
	wait_until_below(w, 1);
}

static int write_all(const void *arg, struct err *err)
{
	const struct archive *a = arg;
	struct writing w = {.random = 88172645463325252,
	    .clock_ms = 1500000000000,
	    .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	struct db_ops ops = {.wake = wake, .arg = &w};
	int r = w.wake_fd < 0 ? err_set(err, ERR_IO, "no eventfd")
	                      : db_open(a->dir, &ops, &w.db, err);

	if (r == 0)
		r = add_machines(&w, err);
	if (r == 0)
		write_runs(&w, a);
	if (w.db)
		db_close(w.db);
	fd_done(&w.wake_fd);
	return r;
}

int archive_make(const char *dir, int64_t runs, int64_t jobs_per_run,
    struct archive *ret, struct err *err)
{
	scoped(free) char *size =
	    xasprintf("%" PRId64 "x%" PRId64, runs, jobs_per_run);
	struct archive a = {.dir = xstrdup(dir),
	    .runs = runs,
	    .jobs_per_run = jobs_per_run,
	    .jobs = runs * jobs_per_run + ARCHIVE_BIG_JOBS};
	int r = kept_make(dir, size, write_all, &a, &a.made_s, err);

	if (r < 0)
		archive_done(&a);
	else
		*ret = a;
	return r;
}

void archive_done(struct archive *a)
{
	free(take(a->dir));
}

int64_t archive_bytes(const struct archive *a)
{
	return kept_bytes(a->dir);
}
