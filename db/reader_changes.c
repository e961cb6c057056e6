/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run against the one before it, and a job in the runs before. Runs are of
 * the same project and name; only the newest LOOK_BACK of a name are looked at.
 */
#include <inttypes.h>

#include "db/case.h"
#include "db/changes.h"
#include "db/db.h"
#include "db/job.h"
#include "db/pack.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

#define LOOK_BACK 500
#define HISTORY_RUNS 50
/* Jobs that may be looked through in runs of other plans. */
#define HISTORY_JOBS_MAX 200000
#define TEXT_MAX 4096

/* ---- runs of the same name ---------------------------------------------- */

struct peer {
	int64_t run_id;
	int64_t name_id;
	int64_t project_id;
	enum run_state state;
	int64_t first_job;
	int64_t n_jobs;
	int64_t plan_id;
	int64_t created_at_ms;
	bool partial; /* the failed jobs of another run once more */
	char commit[2 * HASH_BYTES + 1]; /* "": unknown */
};

#define PEER_ROWS                                                     \
	"SELECT id, name_id, project_id, state, first_job, n_total, " \
	"plan_id, created_at_ms, commit_sha, rerun_of IS NOT NULL FROM run "

static void peer_row(struct stmt *st, struct peer *ret)
{
	size_t len;
	const void *sha = stmt_blob(st, 8, &len);

	*ret = (struct peer){
	    .run_id = stmt_int(st, 0),
	    .name_id = stmt_int(st, 1),
	    .project_id = stmt_int(st, 2),
	    .state = (enum run_state)stmt_int(st, 3),
	    .first_job = stmt_int(st, 4),
	    .n_jobs = stmt_int(st, 5),
	    .plan_id = stmt_int(st, 6),
	    .created_at_ms = stmt_int(st, 7),
	    .partial = stmt_int(st, 9),
	};
	if (len && len <= HASH_BYTES)
		(void)hash_hex(sha, len, ret->commit);
}

static const char sql_peer_get[] = PEER_ROWS "WHERE id = ?1";

static int peer_get(
    struct db_reader *r, int64_t run_id, struct peer *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_peer_get);
	int e;

	stmt_bind_int(st, 1, run_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(
		    err, ERR_NOTFOUND, "run %" PRId64 ": no such run", run_id);
	peer_row(st, ret);
	return 0;
}

static const char sql_peers[] =
    PEER_ROWS "WHERE name_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";

/* The newest done one before it that has all jobs; run_id 0 if there is none.
 */
static int peer_before(struct db_reader *r, const struct peer *run,
    struct peer *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_peers);
	int e;

	stmt_bind_int(st, 1, run->name_id);
	stmt_bind_int(st, 2, run->run_id);
	stmt_bind_int(st, 3, LOOK_BACK);
	while ((e = stmt_step(st, err)) == 1) {
		peer_row(st, ret);
		if (ret->project_id == run->project_id &&
		    ret->state == RUN_DONE && !ret->partial)
			return 0;
	}
	*ret = (struct peer){0};
	return e;
}

/* ---- the jobs of a run -------------------------------------------------- */

static const char sql_change_jobs[] =
    "SELECT j.id, j.item_id, j.platform_id, j.state, j.outcome, j.layer, "
    "j.flags, j.took_ms, j.last_attempt, a.started_at_ms, a.machine_id "
    "FROM job j LEFT JOIN attempt a ON a.id = j.last_attempt "
    "WHERE j.id >= ?1 AND j.id < ?2 ORDER BY j.id";

static void job_row(struct stmt *st, struct change_job *ret)
{
	*ret = (struct change_job){
	    .id = stmt_int(st, 0),
	    .item_id = stmt_int(st, 1),
	    .platform_id = stmt_int(st, 2),
	    .state = (enum job_state)stmt_int(st, 3),
	    .took_ms = stmt_int(st, 7),
	    .last_attempt = stmt_int(st, 8),
	    .started_at_ms = stmt_int(st, 9),
	    .machine_id = stmt_int(st, 10),
	};
	verdict_get(st, 4, &ret->verdict);
}

static void change_jobs_done(struct change_jobs *jobs)
{
	free(jobs->list);
}

static int jobs_get(struct db_reader *r, const struct peer *run,
    struct change_jobs *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_change_jobs);
	int e = 0;

	if (!run->n_jobs)
		return 0;
	ret->list = xcalloc((size_t)run->n_jobs, sizeof(*ret->list));
	stmt_bind_int(st, 1, run->first_job);
	stmt_bind_int(st, 2, run->first_job + run->n_jobs);
	while (ret->n < (size_t)run->n_jobs && (e = stmt_step(st, err)) == 1)
		job_row(st, &ret->list[ret->n++]);
	change_jobs_sort(ret);
	return e < 0 ? e : 0;
}

/* ---- what failed -------------------------------------------------------- */

static const char sql_first_fail[] =
    "SELECT f.no, f.text, f.log_offset, l.body FROM case_fail f "
    "JOIN job j ON j.id = f.job_id JOIN caselist l ON l.id = j.caselist_id "
    "WHERE f.job_id = ?1 ORDER BY f.no LIMIT 1";

/* "name: text" of the first case that failed; nothing if none did. */
static int first_fail(struct db_reader *r, int64_t job_id, struct buf *text,
    int64_t *ret_offset, struct err *err)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(CASE_NAMES_MAX);
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_first_fail);
	const char *name = "";
	const char *said;
	const void *body;
	struct unpack u;
	size_t len;
	int e;

	stmt_bind_int(st, 1, job_id);
	e = stmt_step(st, err);
	if (e <= 0)
		return e;
	body = stmt_blob(st, 3, &len);
	e = unpack_body(body, len, &names, err);
	if (e < 0)
		return e;
	u = (struct unpack){(const unsigned char *)names.data,
	    (const unsigned char *)names.data + names.len, false};
	for (int64_t i = 0; i <= stmt_int(st, 0) && !u.failed; i++)
		name = unpack_str(&u);
	if (u.failed)
		return err_set(err, ERR_PROTO, "cases: damaged");
	said = stmt_text(st, 1);
	buf_printf(text, "%s%s%s", name, *name && *said ? ": " : "", said);
	*ret_offset = stmt_int(st, 2);
	return 0;
}

static const char sql_evidence[] =
    "SELECT e.text FROM attempt a JOIN evidence e ON e.id = a.evidence_id "
    "WHERE a.id = ?1";

static int evidence(
    struct db_reader *r, int64_t attempt_id, struct buf *text, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_evidence);
	int e;

	stmt_bind_int(st, 1, attempt_id);
	e = stmt_step(st, err);
	if (e == 1)
		buf_puts(text, stmt_text(st, 0));
	return e < 0 ? e : 0;
}

static int what_failed(struct db_reader *r, const struct change_job *job,
    struct buf *text, int64_t *ret_offset, struct err *err)
{
	int e = 0;

	*ret_offset = -1;
	if (job->verdict.outcome == OUTCOME_FAIL)
		e = first_fail(r, job->id, text, ret_offset, err);
	if (e == 0 && !text->len && job->last_attempt)
		e = evidence(r, job->last_attempt, text, err);
	return e;
}

/* ---- changes ------------------------------------------------------------ */

static enum job_bucket bucket_of(const struct change_job *j)
{
	struct job job = {.state = j->state, .verdict = j->verdict};

	return job_bucket(&job);
}

/* Whether a job is a change of the kind. */
static bool is_change(enum db_change_kind kind, const struct change_job *now,
    const struct change_job *before)
{
	enum job_bucket is = bucket_of(now);
	enum job_bucket was = before ? bucket_of(before) : BUCKET_WAITING;

	switch (kind) {
	case DB_CHANGE_BROKEN:
		return was == BUCKET_PASSED && is == BUCKET_FAILED;
	case DB_CHANGE_FIXED:
		return was == BUCKET_FAILED && is == BUCKET_PASSED;
	default:
		return is == BUCKET_ERROR;
	}
}

static const char sql_two_words[] =
    "SELECT i.text, p.text FROM word i, word p WHERE i.id = ?1 AND p.id = ?2";

/* 1: go on; 0: row ended it. */
static int pass_change(struct db_reader *r, enum db_change_kind kind,
    const struct change_job *now, const struct change_job *before,
    bool (*row)(void *arg, const struct db_change *c), void *arg,
    struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_two_words);
	struct db_change c = {.kind = kind,
	    .job = {now->id, now->state, now->verdict},
	    .offset = -1};
	int e = 0;

	if (before)
		c.before = (struct db_change_job){
		    before->id, before->state, before->verdict};
	if (kind != DB_CHANGE_FIXED)
		e = what_failed(r, now, &text, &c.offset, err);
	if (e < 0)
		return e;
	stmt_bind_int(st, 1, now->item_id);
	stmt_bind_int(st, 2, now->platform_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	c.item = stmt_text(st, 0);
	c.platform = stmt_text(st, 1);
	c.text = text.len ? buf_str(&text) : NULL;
	return row(arg, &c) ? 1 : 0;
}

static int by_job(const void *a, const void *b)
{
	const struct change_job *x = *(const struct change_job *const *)a;
	const struct change_job *y = *(const struct change_job *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Those of one kind, in order of the run's jobs. */
static int pass_kind(struct db_reader *r, enum db_change_kind kind,
    const struct change_jobs *now, const struct change_jobs *before,
    bool (*row)(void *arg, const struct db_change *c), void *arg,
    struct db_changes *ret, struct err *err)
{
	scoped(free) const struct change_job **found =
	    xcalloc(now->n + 1, sizeof(struct change_job *));
	size_t n = 0;
	int e = 1;

	for (size_t i = 0; i < now->n; i++)
		if (is_change(kind, &now->list[i],
		        change_find(before, &now->list[i])))
			found[n++] = &now->list[i];
	qsort(found, n, sizeof(found[0]), by_job);
	for (size_t i = 0; i < n && i < DB_CHANGES_MAX && e == 1; i++)
		e = pass_change(r, kind, found[i],
		    change_find(before, found[i]), row, arg, err);
	if (n > DB_CHANGES_MAX)
		ret->left_out += (int64_t)(n - DB_CHANGES_MAX);
	return e;
}

static int pass_changes(struct db_reader *r, int64_t run_id, int64_t now_ms,
    bool (*row)(void *arg, const struct db_change *c), void *arg,
    struct db_changes *ret, struct err *err)
{
	scoped_val(change_jobs_done) struct change_jobs now = {NULL, 0};
	scoped_val(change_jobs_done) struct change_jobs before = {NULL, 0};
	struct peer run = {0};
	struct peer against = {0};
	int e = peer_get(r, run_id, &run, err);

	if (e == 0)
		e = peer_before(r, &run, &against, err);
	if (e == 0)
		e = jobs_get(r, &run, &now, err);
	if (e == 0 && against.run_id)
		e = jobs_get(r, &against, &before, err);
	if (e < 0)
		return e;
	ret->against = against.run_id;
	ret->left_ms =
	    run.state == RUN_OPEN ? change_left_ms(&now, &before, now_ms) : -1;
	e = 1;
	for (int kind = DB_CHANGE_BROKEN; kind <= DB_CHANGE_LAB && e == 1;
	     kind++)
		e = pass_kind(r, (enum db_change_kind)kind, &now, &before, row,
		    arg, ret, err);
	return e < 0 ? e : 0;
}

int db_changes(struct db_reader *r, int64_t run_id, int64_t now_ms,
    bool (*row)(void *arg, const struct db_change *c), void *arg,
    struct db_changes *ret, struct err *err)
{
	struct db_changes all = {0};
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_changes(r, run_id, now_ms, row, arg, &all, err);
	reader_end(r);
	if (e == 0)
		*ret = all;
	return e;
}

/* ---- a job in the runs before ------------------------------------------- */

struct place {
	struct peer run; /* of the job that is asked for */
	int64_t job_id;
	int64_t item_id;
	int64_t platform_id;
	int64_t jobs_left; /* of HISTORY_JOBS_MAX */
};

static const char sql_place[] =
    "SELECT item_id, platform_id FROM job WHERE id = ?1";

static int place_get(
    struct db_reader *r, int64_t job_id, struct place *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_place);
	struct job_place at = {0};
	int e = reader_job_place(r, job_id, &at, err);

	if (e == 0)
		e = peer_get(r, at.run_id, &ret->run, err);
	if (e < 0)
		return e;
	stmt_bind_int(st, 1, job_id);
	e = stmt_step(st, err);
	ret->job_id = job_id;
	ret->item_id = stmt_int(st, 0);
	ret->platform_id = stmt_int(st, 1);
	ret->jobs_left = HISTORY_JOBS_MAX;
	return e < 0 ? e : 0;
}

static const char sql_job_at[] =
    "SELECT id, state, outcome, layer, flags FROM job "
    "WHERE id >= ?1 AND id < ?2 AND item_id = ?3 AND platform_id = ?4 LIMIT 1";

/* 1: go on; 0: enough. */
static int pass_peer(struct db_reader *r, struct place *place,
    const struct peer *run,
    bool (*row)(void *arg, const struct db_past_job *job), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_job_at);
	/* The same plan has the same job at the same place. */
	bool same = run->plan_id == place->run.plan_id;
	int64_t first = same
	    ? run->first_job + (place->job_id - place->run.first_job)
	    : run->first_job;
	int64_t end = same ? first + 1 : first + run->n_jobs;
	struct db_past_job job = {.run_id = run->run_id,
	    .commit = *run->commit ? run->commit : NULL,
	    .created_at_ms = run->created_at_ms};
	int e;

	place->jobs_left -= same ? 0 : end - first;
	if (place->jobs_left < 0)
		return 0;
	stmt_bind_int(st, 1, first);
	stmt_bind_int(st, 2, end);
	stmt_bind_int(st, 3, place->item_id);
	stmt_bind_int(st, 4, place->platform_id);
	e = stmt_step(st, err);
	if (e <= 0)
		return e < 0 ? e : 1;
	job.job_id = stmt_int(st, 0);
	job.state = (enum job_state)stmt_int(st, 1);
	verdict_get(st, 2, &job.verdict);
	return row(arg, &job) ? 1 : 0;
}

static int pass_past(struct db_reader *r, struct place *place,
    bool (*row)(void *arg, const struct db_past_job *job), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_peers);
	struct peer run;
	bool seen = false;
	int n = 0;
	int e = 0;

	stmt_bind_int(st, 1, place->run.name_id);
	stmt_bind_int(st, 2, INT64_MAX);
	stmt_bind_int(st, 3, LOOK_BACK);
	while (n < HISTORY_RUNS && (e = stmt_step(st, err)) == 1) {
		peer_row(st, &run);
		if (run.project_id != place->run.project_id || !run.n_jobs)
			continue;
		seen = seen || run.run_id == place->run.run_id;
		n++;
		e = pass_peer(r, place, &run, row, arg, err);
		if (e <= 0)
			return e;
	}
	if (e >= 0 && !seen)
		e = pass_peer(r, place, &place->run, row, arg, err);
	return e < 0 ? e : 0;
}

int db_job_past(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_past_job *job), void *arg,
    struct err *err)
{
	struct place place = {0};
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = place_get(r, job_id, &place, err);
	if (e == 0)
		e = pass_past(r, &place, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_changes[] = {sql_peer_get, sql_peers,
    sql_change_jobs, sql_first_fail, sql_evidence, sql_two_words, sql_place,
    sql_job_at, NULL};
