/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a push to a run: a helper checks the commit out, builds, and names the
 * files; then the run gets its plan and its jobs.
 *
 * Invariant: a run is RESOLVING from its delivery until one transaction makes
 * it open or done. All that is needed to do the work again is in that row and
 * in the lab file, so after a crash it is done again from the beginning.
 *
 * What fails is told like any failure of the lab: a run with one job in column
 * any, named after the step, whose one attempt was on the daemon's computer
 * and ended as error/harness. Its log is what the step printed.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/metrics.h"
#include "orchestrator/room.h"
#include "orchestrator/runplan.h"
#include "orchestrator/weblink.h"

enum {
	AT_ONCE = 2,
	CHECKOUT_MS = 600000, /* of the helper, beside the build */
	SLACK_MS = 120000,    /* for copying files and cleaning up */
	MANIFEST_MAX = 32 << 20
};

/* As a name of the lab file it would be refused. */
#define HOST_NAME "(daemon)"

struct resolve {
	struct run *run;
	char *guid;
	char *ref;
	char *suite; /* path in the repository */
	char *scratch;
	struct child *child;      /* the helper at work, or NULL */
	int64_t began_at_ms;      /* it, wall clock */
	int tries;                /* that failed for what may pass */
	struct loop_timer *again; /* the next one waits, or NULL */
	bool durable;             /* run and delivery are */
	bool over;                /* its end is posted */
	void (*done)(void *arg, int64_t run_id);
	void *arg;
};

static void clean(struct resolve *res)
{
	struct err err = ERR_INIT;

	if (fs_remove_tree(res->scratch, &err) < 0)
		log_warn("run=%lld %s", (long long)res->run->id, err.msg);
}

void resolve_free(struct resolve *res)
{
	if (!res)
		return;
	child_abandon(res->child);
	loop_timer_free(res->again);
	free(res->guid);
	free(res->ref);
	free(res->suite);
	free(res->scratch);
	free(res);
}

static void shown(struct daemon *d, int64_t run_id)
{
	weblink_event(d,
	    json_pack("{s:s s:I}", "event", "run", "run", (json_int_t)run_id));
}

/* ---- how it ends --------------------------------------------------------- */

/* The attempt of a step: a machine of its own, which no job can get. */
static int know_host(struct daemon *d, struct err *err)
{
	if (d->host_id)
		return 0;
	return db_machine_id(d->db, HOST_NAME, RUNPLAN_ANY, &d->host_id, err);
}

static void add_event(struct db_tx *tx, const struct run *run, struct job *job,
    struct job_event ev, int64_t fence)
{
	struct job before = *job;
	struct db_job_change change = {run->id, &before, job, &ev, fence};

	ev.seq = job->seq + 1;
	if (!ev.at_ms)
		ev.at_ms = clock_wall_ms();
	if (job_apply(job, &ev, NULL) < 0)
		abort();
	db_tx_job_event(tx, &change);
}

/* What the step printed; before the rows that name the attempt. */
static void put_log(
    struct daemon *d, struct db_tx *tx, int64_t attempt_id, const json_t *text)
{
	struct db_log *log = NULL;
	struct err err = ERR_INIT;
	int r;

	if (!json_string_length(text))
		return;
	r = db_log_open(d->opts->dir, attempt_id, &log, &err);
	if (r == 0)
		r = db_log_append(log, json_string_value(text),
		    json_string_length(text), clock_wall_ms(), &err);
	db_tx_log_close(tx, log);
	if (r < 0)
		log_warn(
		    "attempt=%lld log: %s", (long long)attempt_id, err.msg);
}

static void ended(void *arg)
{
	struct run *run = arg;

	run_forget(run->d, run);
}

/* A run with one job; its events follow. */
static struct db_tx *end_with(
    struct resolve *res, const char *step, struct job *job)
{
	struct daemon *d = res->run->d;
	struct db_tx *tx = db_tx_new(d->db);
	const char *any = RUNPLAN_ANY;
	struct db_plan plan = {&step, 1, &any, 1, "j"};

	job->id = db_next_job_ids(d->db, 1);
	res->over = true;
	db_tx_run_resolve(tx,
	    &(struct db_run_resolved){
	        .run_id = res->run->id,
	        .suite_name = res->suite,
	        .suite_text = "",
	        .plan = &plan,
	        .first_job = job->id,
	        .n_jobs = 1,
	    });
	return tx;
}

static void fail(struct resolve *res, const char *step, const struct err *why,
    const json_t *log)
{
	struct run *run = res->run;
	struct daemon *d = run->d;
	struct job job = {0};
	struct db_tx *tx = end_with(res, step, &job);
	int64_t attempt_id = db_next_attempt_id(d->db);

	put_log(d, tx, attempt_id, log);
	add_event(tx, run, &job,
	    (struct job_event){.type = JOB_EV_LEASE,
	        .at_ms = res->began_at_ms,
	        .attempt_id = attempt_id,
	        .machine_id = d->host_id},
	    db_next_fence(d->db));
	add_event(tx, run, &job,
	    (struct job_event){.type = JOB_EV_ABORT,
	        .verdict = {.outcome = OUTCOME_ERROR, .layer = LAYER_HARNESS},
	        .text = why->msg},
	    0);
	add_event(tx, run, &job, (struct job_event){.type = JOB_EV_DONE}, 0);
	log_warn("run=%lld step=%s outcome=error layer=harness text=\"%s\"",
	    (long long)run->id, step, why->msg);
	clean(res);
	db_tx_post(tx, ended, run);
}

bool resolve_cancel(struct run *run, const char *why)
{
	struct resolve *res = run->resolve;
	struct job job = {0};
	struct db_tx *tx;

	if (res->over)
		return false;
	tx = end_with(res, "build", &job);
	add_event(tx, run, &job,
	    (struct job_event){.type = JOB_EV_CANCEL, .text = why}, 0);
	child_abandon(take(res->child));
	clean(res);
	db_tx_post(tx, ended, run);
	resolve_next(run->d);
	return true;
}

struct opened {
	struct daemon *d;
	int64_t run_id;
};

static void open_durable(void *arg)
{
	struct opened *o = arg;

	shown(o->d, o->run_id);
	free(o);
}

static void post_open(struct run *run, const struct resolve *res,
    const struct runplan *plan, const json_t *suite,
    const struct db_run_file *files, size_t n, int64_t first_job)
{
	struct db_plan db_plan = {plan->items, plan->n_items, plan->platforms,
	    plan->n_platforms, plan->cells};
	struct db_tx *tx = db_tx_new(run->d->db);
	struct opened *o = xcalloc(1, sizeof(*o));

	*o = (struct opened){run->d, run->id};
	db_tx_run_resolve(tx,
	    &(struct db_run_resolved){
	        .run_id = run->id,
	        .suite_name = res->suite,
	        .suite_text = json_string_value(suite),
	        .suite_len = json_string_length(suite),
	        .plan = &db_plan,
	        .first_job = first_job,
	        .n_jobs = plan->n_jobs,
	        .files = files,
	        .n_files = n,
	    });
	metrics_put(run->suite, tx);
	db_tx_post(tx, open_durable, o);
}

/* The run becomes one like others. */
static int open_run(
    struct resolve *res, const json_t *manifest, struct err *err)
{
	const json_t *list = json_object_get(manifest, "files");
	const json_t *suite = json_object_get(manifest, "suite");
	size_t n = json_array_size(list);
	scoped(free) struct db_run_file *files = xcalloc(n, sizeof(*files));
	scoped_val(runplan_done) struct runplan plan = {0};
	struct run *run = res->run;
	struct daemon *d = run->d;
	int64_t first_job;
	int r = suite_parse(res->suite, json_string_value(suite),
	    json_string_length(suite), &run->suite, err);

	if (r == 0)
		r = manifest_adopt(
		    d->opts->dir, res->scratch, list, files, err);
	if (r == 0)
		r = runplan_make(d, run->suite, &plan, NULL, err);
	if (r < 0)
		return r;
	free(take(run->files));
	run_set_files(run, files, n);
	first_job = db_next_job_ids(d->db, plan.n_jobs);
	post_open(run, res, &plan, suite, files, n, first_job);
	log_info("run=%lld jobs=%lld from=%lld", (long long)run->id,
	    (long long)plan.n_jobs, (long long)first_job);
	clean(res);
	resolve_free(take(run->resolve));
	run_add_jobs(d, run, &plan, first_job);
	return 0;
}

/* ---- what may pass ------------------------------------------------------- */

static void on_again(void *arg)
{
	struct resolve *res = arg;

	loop_timer_free(take(res->again));
	resolve_next(res->run->d);
}

/* True if it is begun again: later, or when there is room. */
static bool try_again(
    struct resolve *res, const char *step, const struct err *why)
{
	static const int wait_ms[] = {2000, 10000, 30000};
	struct daemon *d = res->run->d;
	bool room = room_look(d);

	if (room &&
	    (strcmp(step, "checkout") != 0 || !err_is_temporary(why->kind) ||
	        res->tries == ARRAY_LEN(wait_ms)))
		return false;
	log_warn("run=%lld step=%s tried again %s: %s", (long long)res->run->id,
	    step, room ? "soon" : "when there is room", why->msg);
	clean(res);
	if (!room)
		return true;
	res->again = loop_timer_new(d->loop, on_again, res);
	loop_timer_at(res->again, loop_now_ms(d->loop) + wait_ms[res->tries++]);
	return true;
}

/* ---- the helper ---------------------------------------------------------- */

static void on_helper(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct resolve *res = arg;
	struct daemon *d = res->run->d;
	json_error_t je;
	json_t *manifest = r < 0 ? NULL : json_loadb(out, len, 0, &je);
	const char *refused =
	    json_string_value(json_object_get(manifest, "error"));
	const char *step = json_string_value(json_object_get(manifest, "step"));
	struct err why = ERR_INIT;

	res->child = NULL;
	if (!step)
		step = "build";
	if (r < 0)
		r = err_copy(&why, err);
	else if (refused)
		r = err_set(&why, (enum err_kind)manifest_kind(manifest),
		    "%s: %s", step, refused);
	else if (!json_is_string(json_object_get(manifest, "suite")))
		r = err_set(&why, ERR_PROTO, "helper git: no suite");
	else
		r = open_run(res, manifest, &why);
	if (r < 0 && !try_again(res, step, &why))
		fail(res, step, &why, json_object_get(manifest, "log"));
	json_decref(manifest);
	daemon_dispatch(d);
	resolve_next(d);
}

static char *request_of(
    const struct resolve *res, const struct lab_project *project)
{
	json_t *q = json_pack("{s:s s:s s:s s:s s:s s:s s:I}", "scratch",
	    res->scratch, "repository", project->repository, "commit",
	    res->run->commit, "ref", res->ref, "suite", res->suite, "command",
	    project->build ? project->build : "", "build_ms",
	    (json_int_t)project->build_timeout_ms);
	char *text = json_dumps(q, JSON_COMPACT);

	json_decref(q);
	return text;
}

static int start(
    struct resolve *res, const struct lab_project *project, struct err *err)
{
	static const char *const argv[] = {
	    "/proc/self/exe", "--helper", "git", NULL};
	const char *search = getenv("PATH");
	scoped(free) char *path =
	    xasprintf("PATH=%s", search ? search : "/usr/bin:/bin");
	const char *env[] = {path, "LANG=C.UTF-8", NULL};
	struct daemon *d = res->run->d;
	scoped(free) char *request = NULL;
	int r = fs_mkdirs(res->scratch, 0700, err);

	if (r < 0)
		return r;
	r = child_start(d->loop,
	    &(struct child_options){
	        .argv = argv,
	        .env = env,
	        .output_max = MANIFEST_MAX,
	        .deadline_ms = loop_now_ms(d->loop) + CHECKOUT_MS +
	            project->build_timeout_ms + SLACK_MS,
	        .on_end = on_helper,
	        .arg = res,
	    },
	    &res->child, err);
	if (r < 0)
		return r;
	request = request_of(res, project);
	child_write(res->child, request, strlen(request));
	child_eof(res->child);
	log_info("run=%lld project=%s ref=%s commit=%s checkout",
	    (long long)res->run->id, res->run->project, res->ref,
	    res->run->commit);
	return 0;
}

static void begin(struct resolve *res)
{
	const struct lab_project *project =
	    project_find(res->run->d->lab, res->run->project);
	struct err err = ERR_INIT;
	int r;

	res->began_at_ms = clock_wall_ms();
	if (!project || !project->repository)
		r = err_set(&err, ERR_NOTFOUND,
		    "project '%s' is not in the lab file any more",
		    res->run->project);
	else
		r = start(res, project, &err);
	if (r < 0)
		fail(res, "checkout", &err, NULL);
}

/* The next one by priority, then by age; NULL if none waits or too many run. */
static struct resolve *next(const struct daemon *d)
{
	struct run *best = NULL;
	struct run *run;
	size_t pos = 0;
	int busy = 0;

	while ((run = map_next(&d->runs, &pos))) {
		const struct resolve *res = run->resolve;

		if (!res || res->over || !res->durable || res->again)
			continue;
		if (res->child)
			busy++;
		else if (!best || run->priority > best->priority ||
		    (run->priority == best->priority && run->id < best->id))
			best = run;
	}
	return best && busy < AT_ONCE ? best->resolve : NULL;
}

void resolve_next(struct daemon *d)
{
	struct resolve *res;
	struct err err = ERR_INIT;

	/* What is not begun now is begun at the next start, or with room. */
	if (d->draining || d->db_failing)
		return;
	while ((res = next(d))) {
		if (know_host(d, &err) < 0) {
			log_error(
			    "run=%lld: %s", (long long)res->run->id, err.msg);
			return;
		}
		begin(res);
	}
}

/* ---- how it begins ------------------------------------------------------- */

static struct run *make(struct daemon *d, const struct run_request *req,
    int64_t run_id, const char *guid, const char *ref, const char *suite)
{
	struct run *run = run_new(d, req);
	struct resolve *res = xcalloc(1, sizeof(*res));

	run->id = run_id;
	run->resolve = res;
	res->run = run;
	res->guid = xstrdup(guid);
	res->ref = xstrdup(ref);
	res->suite = xstrdup(suite);
	res->scratch =
	    xasprintf("%s/tmp/resolve-%lld", d->opts->dir, (long long)run_id);
	map_put(&d->runs, run_id, run);
	return run;
}

static void push_durable(void *arg)
{
	struct run *run = arg;
	struct resolve *res = run->resolve;

	shown(run->d, run->id);
	res->durable = true;
	if (res->done)
		res->done(res->arg, run->id);
	resolve_next(run->d);
}

static void post_push(struct run *run, const struct push *push, int64_t now_ms)
{
	struct db_tx *tx = db_tx_new(run->d->db);
	struct db_delivery delivery = {run->id, push->project, push->guid,
	    push->ref, push->commit, now_ms, {0}};

	memcpy(delivery.body_sha256, push->body_sha256, HASH_BYTES);
	db_tx_run_new(tx,
	    &(struct db_new_run){
	        .id = run->id,
	        .project = push->project,
	        .user = push->user,
	        .name = push->name,
	        .suite_text = "",
	        .suite_name = push->suite,
	        .commit = push->commit,
	        .link = push->link,
	        .priority = push->priority,
	        .created_at_ms = now_ms,
	        .state = RUN_RESOLVING,
	        .kind = "test",
	    });
	db_tx_delivery(tx, &delivery);
	db_tx_post(tx, push_durable, run);
}

int resolve_push(struct daemon *d, const struct push *push,
    void (*done)(void *arg, int64_t run_id), void *arg, struct err *err)
{
	struct run *run;
	int r = know_host(d, err);

	if (r < 0)
		return r;
	run = make(d,
	    &(struct run_request){
	        .project = push->project,
	        .user = push->user,
	        .name = push->name,
	        .commit = push->commit,
	        .priority = push->priority,
	    },
	    db_next_run_id(d->db), push->guid, push->ref, push->suite);
	run->resolve->done = done;
	run->resolve->arg = arg;
	log_info("run=%lld project=%s ref=%s commit=%s user=%s delivery=%s",
	    (long long)run->id, push->project, push->ref, push->commit,
	    push->user, push->guid);
	post_push(run, push, clock_wall_ms());
	return 0;
}

int64_t resolve_find(const struct daemon *d, const struct push *push)
{
	const struct run *run;
	size_t pos = 0;

	while ((run = map_next(&d->runs, &pos))) {
		const struct resolve *res = run->resolve;

		if (!res || strcmp(run->project, push->project) != 0)
			continue;
		if (*push->guid && strcmp(res->guid, push->guid) == 0)
			return run->id;
		if (strcmp(res->ref, push->ref) == 0 &&
		    str_eq(run->commit, push->commit))
			return run->id;
	}
	return 0;
}

void resolve_load(struct daemon *d, const struct db_open_run *row)
{
	struct run *run = make(d,
	    &(struct run_request){
	        .project = row->project,
	        .user = row->user,
	        .name = row->name,
	        .commit = row->commit,
	        .priority = row->priority,
	    },
	    row->id, "", row->ref ? row->ref : "", row->suite_name);

	run->resolve->durable = true;
}
