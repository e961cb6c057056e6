/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs and their waiting jobs, in memory. A run is made by one transaction
 * with all its jobs; it leaves the memory with its last job.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/attempt.h"
#include "orchestrator/metrics.h"
#include "orchestrator/room.h"
#include "orchestrator/runplan.h"

static const char canary_suite[] =
    "boot_items:\n"
    "  - { name: canary, exec: canary, retries: 0, boot_item_timeout: 120 }\n";

void run_free(struct run *run)
{
	resolve_free(run->resolve);
	suite_free(run->suite);
	for (size_t i = 0; i < run->n_files; i++)
		free(run->files[i].path);
	free(run->files);
	free(run->name);
	free(run->project);
	free(run->user);
	free(run->commit);
	free(run);
}

const struct suite_item *job_item(const struct live_job *lj)
{
	return runplan_item(lj->run->suite, (size_t)lj->item);
}

bool job_is_bench(const struct live_job *lj)
{
	return (size_t)lj->item >= lj->run->suite->n_items;
}

int64_t job_timeout_ms(const struct live_job *lj)
{
	const struct suite *s = lj->run->suite;
	const struct suite_bench *b =
	    &s->benches[(size_t)lj->item - s->n_items];

	return (int64_t)b->n_guests * b->pairs * 2 * b->step_timeout_s * 1000;
}

struct hashes {
	const struct run *run;
	char hex[HASH_HEX + 1];
};

static const char *hash_of(void *arg, const char *path)
{
	struct hashes *h = arg;

	for (size_t i = 0; i < h->run->n_files; i++)
		if (strcmp(h->run->files[i].path, path) == 0)
			return hash_hex(
			    h->run->files[i].sha256, HASH_BYTES, h->hex);
	return NULL;
}

int job_spec(
    const struct live_job *lj, uint64_t seed, char **ret, struct err *err)
{
	const struct suite *s = lj->run->suite;
	struct hashes hashes = {.run = lj->run};
	json_t *spec = NULL;
	int r = bench_spec(s, (size_t)lj->item - s->n_items, seed, hash_of,
	    &hashes, &spec, err);

	if (r == 0)
		*ret = json_dumps(spec, JSON_COMPACT);
	json_decref(spec);
	return r;
}

void job_wait(struct daemon *d, struct live_job *lj)
{
	if (lj->job.held)
		return;
	scheduler_push(d->scheduler,
	    &(struct waiting_job){
	        .id = lj->job.id,
	        .class_id = lj->class_id,
	        .priority = lj->run->priority,
	        .project_id = lj->run->project_id,
	        .excluded = lj->job.excluded,
	        .n_excluded = lj->job.n_excluded,
	    });
}

void job_forget(struct daemon *d, struct live_job *lj)
{
	struct run *run = lj->run;

	if (lj->in_flight || !map_take(&d->jobs, lj->job.id))
		return;
	free(lj->platform);
	free(lj);
	if (--run->open_jobs == 0)
		run_forget(d, run);
}

void run_forget(struct daemon *d, struct run *run)
{
	weblink_event(d,
	    json_pack("{s:s s:I}", "event", "run", "run", (json_int_t)run->id));
	log_info("run=%lld done", (long long)run->id);
	map_take(&d->runs, run->id);
	run_free(run);
}

static struct live_job *add_job(struct daemon *d, struct run *run,
    const struct job *job, int item, const char *platform)
{
	struct live_job *lj = xcalloc(1, sizeof(*lj));

	lj->job = *job;
	lj->run = run;
	lj->item = item;
	lj->platform = xstrdup(platform);
	lj->class_id =
	    runplan_class(d, run, job_item(lj), job_is_bench(lj), platform);
	map_put(&d->jobs, job->id, lj);
	run->open_jobs++;
	return lj;
}

/* The number of a project: 0 is none. */
static int64_t project_id(struct daemon *d, const char *name)
{
	if (!*name)
		return 0;
	for (size_t i = 0; i < d->n_projects; i++)
		if (strcmp(d->projects[i], name) == 0)
			return (int64_t)i + 1;
	d->projects =
	    xrealloc(d->projects, d->n_projects + 1, sizeof(*d->projects));
	d->projects[d->n_projects++] = xstrdup(name);
	return (int64_t)d->n_projects;
}

void run_set_files(struct run *run, const struct db_run_file *files, size_t n)
{
	run->files = xcalloc(n, sizeof(*run->files));
	run->n_files = n;
	for (size_t i = 0; i < n; i++) {
		run->files[i].path = xstrdup(files[i].path);
		run->files[i].size = files[i].size;
		memcpy(run->files[i].sha256, files[i].sha256, HASH_BYTES);
	}
}

struct run *run_new(struct daemon *d, const struct run_request *req)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->d = d;
	run->name = xstrdup(req->name);
	run->project = xstrdup(req->project);
	run->user = xstrdup(req->user);
	run->commit = xstrdup(req->commit);
	run->project_id = project_id(d, req->project);
	run->priority = req->priority;
	run->canary = req->canary != NULL;
	run->pin_machine = req->canary ? req->canary->id : 0;
	run_set_files(run, req->files, req->n_files);
	return run;
}

struct made {
	struct daemon *d;
	int64_t run_id;
	void (*done)(void *arg, int64_t run_id);
	void *arg;
};

static void made_durable(void *arg)
{
	struct made *made = arg;

	weblink_event(made->d,
	    json_pack(
	        "{s:s s:I}", "event", "run", "run", (json_int_t)made->run_id));
	if (made->done)
		made->done(made->arg, made->run_id);
	free(made);
}

static void post_run(struct daemon *d, const struct run_request *req,
    const struct run *run, const struct runplan *plan, int64_t first_job,
    struct made *made)
{
	struct db_tx *tx = db_tx_new(d->db);
	struct db_plan db_plan = {plan->items, plan->n_items, plan->platforms,
	    plan->n_platforms, plan->cells};

	db_tx_run_new(tx,
	    &(struct db_new_run){
	        .id = run->id,
	        .project = req->project,
	        .user = req->user,
	        .name = req->name,
	        .suite_text = req->suite_text,
	        .suite_len = req->suite_len,
	        .suite_name = req->suite_name,
	        .plan = &db_plan,
	        .commit = req->commit,
	        .link = req->link,
	        .priority = req->priority,
	        .created_at_ms = clock_wall_ms(),
	        .state = RUN_OPEN,
	        .first_job = first_job,
	        .n_jobs = plan->n_jobs,
	        .files = req->files,
	        .n_files = req->n_files,
	        .kind = run->canary ? "canary" : "test",
	        .pin_machine = run->pin_machine,
	        .rerun_of = req->rerun_of,
	    });
	metrics_put(run->suite, tx);
	db_tx_post(tx, made_durable, made);
}

/*
 * The jobs wait as soon as they are in memory: what a lease leads to is posted
 * after the run, so nothing is sent before both are durable.
 */
void run_add_jobs(struct daemon *d, struct run *run, const struct runplan *plan,
    int64_t first_job)
{
	struct job job = {.id = first_job};

	for (size_t i = 0; i < plan->n_items; i++) {
		size_t item = runplan_find(run->suite, plan->items[i], i);

		for (size_t p = 0; p < plan->n_platforms; p++) {
			if (plan->cells[i * plan->n_platforms + p] != 'j')
				continue;
			job_wait(d,
			    add_job(
			        d, run, &job, (int)item, plan->platforms[p]));
			job.id++;
		}
	}
}

int run_make(struct daemon *d, const struct run_request *req,
    struct buf *warnings, void (*done)(void *arg, int64_t run_id), void *arg,
    struct err *err)
{
	scoped(run_free) struct run *run = run_new(d, req);
	scoped_val(runplan_done) struct runplan plan = {0};
	struct made *made;
	int64_t first_job;
	/* A canary waits as its machine's health does. */
	int r = req->canary ? 0 : room_check(d, err);

	if (r == 0)
		r = suite_parse(req->suite_name, req->suite_text,
		    req->suite_len, &run->suite, err);
	if (r < 0)
		return r;
	if (req->canary)
		runplan_canary(run->suite, req->canary, &plan);
	else if (req->only)
		r = runplan_only(run->suite, req->only, &plan, err);
	else
		r = runplan_make(d, run->suite, &plan, warnings, err);
	if (r < 0)
		return r;
	run->id = db_next_run_id(d->db);
	first_job = db_next_job_ids(d->db, plan.n_jobs);
	made = xcalloc(1, sizeof(*made));
	*made = (struct made){d, run->id, done, arg};
	post_run(d, req, run, &plan, first_job, made);
	log_info("run=%lld name=\"%s\" jobs=%lld from=%lld priority=%d user=%s",
	    (long long)run->id, run->name, (long long)plan.n_jobs,
	    (long long)first_job, run->priority, run->user);
	map_put(&d->runs, run->id, run);
	run_add_jobs(d, take(run), &plan, first_job);
	daemon_dispatch(d);
	return 0;
}

void run_canary(struct daemon *d, struct machine *m)
{
	scoped(free) char *name = xasprintf("canary %s", m->name);
	struct err err = ERR_INIT;
	int r = run_make(d,
	    &(struct run_request){
	        .project = "",
	        .user = "ironbench",
	        .name = name,
	        .priority = 1000,
	        .suite_name = "canary",
	        .suite_text = canary_suite,
	        .suite_len = strlen(canary_suite),
	        .canary = m,
	    },
	    NULL, NULL, NULL, &err);

	if (r < 0)
		log_error("machine=%s canary: %s", m->name, err.msg);
}

static bool has_canary(const struct daemon *d, const struct machine *m)
{
	struct run *run;
	size_t pos = 0;

	while ((run = map_next(&d->runs, &pos)))
		if (run->canary && run->pin_machine == m->id)
			return true;
	return false;
}

void run_missing_canaries(struct daemon *d)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		struct machine *m = d->machines[i];

		if (fleet_health(d->fleet, m->id) == HEALTH_SUSPECT &&
		    !has_canary(d, m))
			run_canary(d, m);
	}
}

/* ---- after a restart ------------------------------------------------- */

static void load_run(void *arg, const struct db_open_run *row)
{
	struct daemon *d = arg;
	struct run *run;
	struct err err = ERR_INIT;

	if (row->state == RUN_RESOLVING) {
		resolve_load(d, row);
		return;
	}
	run = run_new(d,
	    &(struct run_request){
	        .project = row->project,
	        .user = row->user,
	        .name = row->name,
	        .commit = row->commit,
	        .priority = row->priority,
	        .files = row->files,
	        .n_files = row->n_files,
	    });
	run->id = row->id;
	run->canary = strcmp(row->kind, "canary") == 0;
	run->pin_machine = row->pin_machine;
	if (suite_parse(row->suite_name, row->suite_text, row->suite_len,
	        &run->suite, &err) < 0) {
		/* It was parsed before it was stored: a bug, or damage. */
		log_error("run=%lld: %s", (long long)run->id, err.msg);
		run_free(run);
		return;
	}
	map_put(&d->runs, run->id, run);
}

static void load_job(void *arg, const struct db_open_job *row)
{
	struct daemon *d = arg;
	struct run *run = map_find(&d->runs, row->run_id);
	struct live_job *lj;
	size_t item;

	if (!run || row->item < 0)
		return;
	item = runplan_find(run->suite, row->item_name, (size_t)row->item);
	if (item == SIZE_MAX)
		return;
	lj = add_job(d, run, &row->job, (int)item, row->platform);
	lj->fence = row->fence;
}

/* A machine with an unfinished attempt is busy before anything is driven. */
static void mark_busy(struct daemon *d, struct live_job *lj)
{
	struct machine *m = map_find(&d->machines_by_id, lj->job.machine_id);

	if (!m)
		return;
	m->job = lj;
	scheduler_busy(d->scheduler, m->id, lj->job.id, lj->class_id);
	scheduler_started(d->scheduler, m->id, loop_now_ms(d->loop));
}

static int by_id(const void *a, const void *b)
{
	const struct live_job *const *x = a;
	const struct live_job *const *y = b;

	return ((*x)->job.id > (*y)->job.id) - ((*x)->job.id < (*y)->job.id);
}

int run_load(struct daemon *d, struct err *err)
{
	size_t pos = 0;
	struct live_job *lj;
	scoped(free) struct live_job **all = NULL;
	size_t n = 0;
	int r = db_load_open(d->db, load_run, load_job, d, err);

	if (r < 0)
		return r;
	all = xcalloc(d->jobs.len, sizeof(struct live_job *));
	while ((lj = map_next(&d->jobs, &pos))) {
		all[n++] = lj;
		if (lj->job.machine_id)
			mark_busy(d, lj);
	}
	/* Older jobs wait longer: the queue is rebuilt in their order. */
	qsort(all, n, sizeof(struct live_job *), by_id);
	d->loading = true;
	for (size_t i = 0; i < n; i++)
		drive(d, all[i]);
	d->loading = false;
	resolve_next(d);
	return 0;
}

/* ---- cancel ---------------------------------------------------------- */

static void drive_job(void *arg)
{
	struct live_job *lj = arg;

	drive(lj->run->d, lj);
}

static bool cancel(struct daemon *d, struct live_job *lj, const char *why)
{
	struct record *rec;

	if (lj->job.state == JOB_QUEUED) {
		scheduler_remove(d->scheduler, lj->job.id);
		rec = record_new(d, lj);
		record_event(rec,
		    (struct job_event){.type = JOB_EV_CANCEL, .text = why});
		record_post(rec, drive_job, lj);
		return true;
	}
	if (lj->cancelling || lj->job.state == JOB_DONE)
		return false;
	if (lj->job.state == JOB_CLEANUP) {
		/* Its verdict stays, but it is not tried again. */
		lj->cancelling = true;
		return lj->job.verdict.outcome == OUTCOME_ERROR;
	}
	drive_cancel(d, lj, why);
	return true;
}

int64_t run_cancel(
    struct daemon *d, int64_t run_id, const char *who, struct err *err)
{
	scoped(free) char *why = xasprintf("cancelled by %s", who);
	struct run *run = map_find(&d->runs, run_id);
	struct live_job *lj;
	size_t pos = 0;
	int64_t n = 0;

	if (!run)
		return err_set(err, ERR_NOTFOUND,
		    "run %lld: no such run, or it is done", (long long)run_id);
	if (run->resolve)
		return resolve_cancel(run, why);
	while ((lj = map_next(&d->jobs, &pos)))
		if (lj->run == run)
			n += cancel(d, lj, why);
	return n;
}

void runs_free(struct daemon *d)
{
	struct live_job *lj;
	struct run *run;
	size_t pos = 0;

	while ((lj = map_next(&d->jobs, &pos))) {
		attempt_free(lj->attempt);
		free(lj->platform);
		free(lj);
	}
	pos = 0;
	while ((run = map_next(&d->runs, &pos)))
		run_free(run);
	map_done(&d->jobs);
	map_done(&d->runs);
	for (size_t i = 0; i < d->n_projects; i++)
		free(d->projects[i]);
	free(take(d->projects));
}
