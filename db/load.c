/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a restart needs: unfinished runs and jobs, and the machines' health.
 *
 * Invariant: a job is handed out only if its events reproduce its row. They
 * are written together, so a difference is damage or a bug, and going on with
 * either half would lose or repeat something.
 */
#include <inttypes.h>

#include "db/db.h"
#include "db/job.h"
#include "db/pack.h"
#include "db/plan.h"
#include "db/reader.h"
#include "db/run_file.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"

struct load {
	struct db_reader *reader;
	struct conn *conn;
	void (*on_run)(void *arg, const struct db_open_run *run);
	void (*on_job)(void *arg, const struct db_open_job *job);
	void *arg;
};

/* ---- one job ------------------------------------------------------------ */

static const char sql_open_events[] =
    "SELECT seq, at_ms, type, data FROM job_event WHERE job_id = ?1 "
    "ORDER BY seq";

static int apply_row(struct stmt *st, struct job *job, struct err *err)
{
	struct job_event ev = {.seq = stmt_int(st, 0),
	    .at_ms = stmt_int(st, 1),
	    .type = (enum job_event_type)stmt_int(st, 2)};
	const char *data = stmt_text_or_null(st, 3);
	scoped(free) char *text = NULL;
	int r = job_event_decode(data ? data : "{}", &ev, &text, err);

	return r < 0 ? r : job_apply(job, &ev, err);
}

static int replay(struct conn *c, struct job *job, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_open_events);
	int r;

	stmt_bind_int(st, 1, job->id);
	while ((r = stmt_step(st, err)) == 1) {
		r = apply_row(st, job, err);
		/* What does not apply is a damaged history. */
		if (r < 0)
			return err_set(err, ERR_PROTO,
			    "job %" PRId64
			    ": its events cannot be replayed after %" PRId64,
			    job->id, job->seq);
	}
	return r;
}

static bool same_verdict(const struct verdict *a, const struct verdict *b)
{
	return a->outcome == b->outcome && a->layer == b->layer &&
	    verdict_flags(a) == verdict_flags(b);
}

/* The columns of sql_open_jobs from 3 on. */
static bool same_as_row(struct stmt *st, const struct job *job)
{
	struct verdict verdict;

	verdict_get(st, 7, &verdict);
	return stmt_int(st, 2) == (int64_t)job->state &&
	    stmt_int(st, 3) == job->seq && stmt_int(st, 4) == job->held &&
	    stmt_int(st, 5) == job->attempts &&
	    stmt_int(st, 6) == job->attempt_id &&
	    same_verdict(&verdict, &job->verdict);
}

/* An unfinished attempt must be the job's, on the machine of its LEASE. */
static bool same_as_attempt(struct stmt *st, const struct job *job)
{
	bool has = job->state != JOB_QUEUED;
	bool unfinished = !stmt_null(st, 10);

	if (has != unfinished)
		return false;
	return !has || stmt_int(st, 10) == job->machine_id;
}

static int load_job(struct load *l, struct stmt *st, const struct db_plan *plan,
    struct db_open_job *oj, struct err *err)
{
	struct db_log_info info = {0};
	int r;

	memset(&oj->job, 0, sizeof(oj->job));
	oj->job.id = stmt_int(st, 0);
	r = replay(l->conn, &oj->job, err);
	if (r < 0)
		return r;
	if (!same_as_row(st, &oj->job) || !same_as_attempt(st, &oj->job))
		return err_set(err, ERR_PROTO,
		    "job %" PRId64 ": its row is not what its events say",
		    oj->job.id);
	oj->item_name = plan->items[oj->item];
	oj->platform = stmt_text(st, 1);
	oj->fence = stmt_int(st, 11);
	oj->log_bytes = 0;
	if (oj->fence) {
		r = db_log_stat(
		    reader_dir(l->reader), oj->job.attempt_id, &info, err);
		if (r < 0 && r != -ERR_NOTFOUND)
			return r;
		oj->log_bytes = r < 0 ? 0 : info.size;
	}
	l->on_job(l->arg, oj);
	return 0;
}

/* ---- the jobs of a run -------------------------------------------------- */

static const char sql_open_jobs[] =
    "SELECT j.id, w.text, j.state, j.seq, j.held, j.attempts, "
    "j.last_attempt, j.outcome, j.layer, j.flags, a.machine_id, a.fence "
    "FROM job j JOIN word w ON w.id = j.platform_id "
    "LEFT JOIN attempt a ON a.id = j.last_attempt AND a.took_ms IS NULL "
    "WHERE j.id >= ?1 AND j.id < ?2 AND j.state < 6 ORDER BY j.id";

static int load_jobs(struct load *l, int64_t run_id, int64_t first_job,
    const struct plan_data *p, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(l->conn, sql_open_jobs);
	struct db_open_job oj = {.run_id = run_id};
	size_t cell = 0;
	int64_t at = first_job - 1; /* the job of the last 'j' passed */
	int r;

	stmt_bind_int(st, 1, first_job);
	stmt_bind_int(st, 2, first_job + p->n_jobs);
	while ((r = stmt_step(st, err)) == 1) {
		while (at < stmt_int(st, 0))
			at += p->plan.cells[cell++] == 'j';
		oj.item = (int)((cell - 1) / p->plan.n_platforms);
		r = load_job(l, st, &p->plan, &oj, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- one run ------------------------------------------------------------ */

static int load_run(struct load *l, struct stmt *st, struct err *err)
{
	scoped_val(buf_done) struct buf suite = BUF_INIT(SUITE_MAX);
	scoped_val(plan_done) struct plan_data plan = {0};
	scoped_val(run_files_done) struct run_files files = {NULL, 0};
	char commit[2 * HASH_BYTES + 1];
	struct db_open_run run = {.id = stmt_int(st, 0),
	    .project = stmt_text(st, 1),
	    .user = stmt_text(st, 2),
	    .name = stmt_text(st, 3),
	    .suite_name = stmt_text(st, 4),
	    .kind = stmt_text(st, 7),
	    .pin_machine = stmt_int(st, 8),
	    .priority = (int)stmt_int(st, 9),
	    .state = (enum run_state)stmt_int(st, 10),
	    .ref = stmt_text_or_null(st, 13)};
	size_t len;
	const void *blob = stmt_blob(st, 6, &len);
	int r;

	if (len && len <= HASH_BYTES)
		run.commit = hash_hex(blob, len, commit);
	blob = stmt_blob(st, 5, &len);
	r = unpack_body(blob, len, &suite, err);
	run.suite_text = buf_str(&suite);
	run.suite_len = suite.len;
	if (r == 0)
		r = run_files_get(l->conn, run.id, &files, err);
	run.files = files.list;
	run.n_files = files.n;
	blob = stmt_blob(st, 12, &len);
	if (r == 0)
		r = plan_decode(blob, len, &plan, err);
	if (r < 0)
		return err_prefix(err, "run %" PRId64, run.id);
	l->on_run(l->arg, &run);
	return load_jobs(l, run.id, stmt_int(st, 11), &plan, err);
}

static const char sql_open_runs[] =
    "SELECT r.id, p.text, u.text, n.name, s.name, s.body, r.commit_sha, "
    "r.kind, r.pin_machine, r.priority, r.state, r.first_job, l.body, d.ref "
    "FROM run r JOIN word p ON p.id = r.project_id "
    "JOIN word u ON u.id = r.user_id JOIN name n ON n.id = r.name_id "
    "JOIN suite s ON s.id = r.suite_id JOIN plan l ON l.id = r.plan_id "
    "LEFT JOIN delivery d ON d.run_id = r.id "
    "WHERE r.state < 2 ORDER BY r.id";

static int load_runs(struct load *l, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(l->conn, sql_open_runs);
	int r;

	while ((r = stmt_step(st, err)) == 1) {
		r = load_run(l, st, err);
		if (r < 0)
			return r;
	}
	return r;
}

int db_load_open(struct db *db,
    void (*on_run)(void *arg, const struct db_open_run *run),
    void (*on_job)(void *arg, const struct db_open_job *job), void *arg,
    struct err *err)
{
	struct load l = {
	    db->reader, reader_conn(db->reader), on_run, on_job, arg};
	/* Before anybody else reads or writes: it may take its time. */
	int r = reader_begin(db->reader, 0, err);

	if (r < 0)
		return r;
	r = load_runs(&l, err);
	reader_end(db->reader);
	return r;
}

/* ---- health ------------------------------------------------------------- */

static const char sql_health_all[] =
    "SELECT id, health, why, since_ms FROM machine ORDER BY id";

int db_load_health(struct db *db,
    void (*row)(void *arg, int64_t machine_id, enum health health,
        const char *why, int64_t at_ms),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(db->reader), sql_health_all);
	int r;

	while ((r = stmt_step(st, err)) == 1)
		row(arg, stmt_int(st, 0), (enum health)stmt_int(st, 1),
		    stmt_text(st, 2), stmt_int(st, 3));
	return r;
}

const char *const sql_load[] = {
    sql_open_events, sql_open_jobs, sql_open_runs, sql_health_all, NULL};
