/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A new run: its row, its jobs, and what is shared with other runs (names,
 * suite, plan). Invariant: its counters add up to its jobs from the start.
 */
#include <inttypes.h>

#include "db/db.h"
#include "db/pack.h"
#include "db/plan.h"
#include "db/run_file.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"
#include "db/words.h"

#define COMMIT_BYTES 20

struct new_run {
	struct db_new_run run; /* strings in the transaction; no plan */
	const void *plan;      /* encoded */
	size_t plan_len;
	uint8_t plan_sha256[HASH_BYTES];
	uint8_t suite_sha256[HASH_BYTES];
	uint8_t commit[COMMIT_BYTES];
	bool has_commit;
};

/* ---- what is shared ----------------------------------------------------- */

static const char sql_suite_get[] =
    "SELECT id FROM suite WHERE sha256 = ?1 AND name = ?2";
static const char sql_suite_put[] =
    "INSERT INTO suite (sha256, name, body) VALUES (?1, ?2, ?3) RETURNING id";

static int suite_put(
    struct conn *c, const struct new_run *n, int64_t *ret, struct err *err)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(SUITE_MAX);
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_suite_put);
	int r;

	pack_body(&body, n->run.suite_text, n->run.suite_len);
	if (body.failed)
		return err_set(err, ERR_LIMIT, "suite: out of memory");
	stmt_bind_blob(st, 1, n->suite_sha256, HASH_BYTES);
	stmt_bind_text(st, 2, n->run.suite_name);
	stmt_bind_blob(st, 3, body.data, body.len);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

static int suite_id(
    struct conn *c, const struct new_run *n, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_suite_get);
	int r;

	stmt_bind_blob(st, 1, n->suite_sha256, HASH_BYTES);
	stmt_bind_text(st, 2, n->run.suite_name);
	r = stmt_step(st, err);
	if (r == 0)
		return suite_put(c, n, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

static const char sql_plan_get[] = "SELECT id FROM plan WHERE sha256 = ?1";
static const char sql_plan_put[] =
    "INSERT INTO plan (sha256, jobs, body) VALUES (?1, ?2, ?3) RETURNING id";

static int plan_put(
    struct conn *c, const struct new_run *n, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_plan_put);
	int r;

	stmt_bind_blob(st, 1, n->plan_sha256, HASH_BYTES);
	stmt_bind_int(st, 2, n->run.n_jobs);
	stmt_bind_blob(st, 3, n->plan, n->plan_len);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

static int plan_id(
    struct conn *c, const struct new_run *n, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_plan_get);
	int r;

	stmt_bind_blob(st, 1, n->plan_sha256, HASH_BYTES);
	r = stmt_step(st, err);
	if (r == 0)
		return plan_put(c, n, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

/* ---- the row ------------------------------------------------------------ */

struct run_ids {
	int64_t project;
	int64_t user;
	int64_t name;
	int64_t suite;
	int64_t plan;
};

static int get_ids(struct conn *c, const struct new_run *n, struct run_ids *ret,
    struct err *err)
{
	int r = word_id(c, n->run.project, &ret->project, err);

	if (r == 0)
		r = word_id(c, n->run.user, &ret->user, err);
	if (r == 0)
		r = name_count(c, n->run.name, &ret->name, err);
	if (r == 0)
		r = suite_id(c, n, &ret->suite, err);
	if (r == 0)
		r = plan_id(c, n, &ret->plan, err);
	return r;
}

static const char sql_run_put[] =
    "INSERT INTO run (id, project_id, user_id, name_id, suite_id, plan_id, "
    "kind, pin_machine, commit_sha, link, priority, created_at_ms, "
    "ended_at_ms, state, first_job, n_total, n_waiting, n_running, n_passed, "
    "n_failed, n_error, n_disabled, n_skips, rerun_of) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
    "?15, ?16, ?16, 0, 0, 0, 0, 0, 0, nullif(?17, 0))";

static int run_put(struct conn *c, const struct new_run *n, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_put);
	const struct db_new_run *run = &n->run;
	/* What has no jobs to wait for has ended. */
	bool done = run->state == RUN_OPEN && run->n_jobs == 0;
	struct run_ids ids = {0};
	int r = get_ids(c, n, &ids, err);

	if (r < 0)
		return r;
	stmt_bind_int(st, 1, run->id);
	stmt_bind_int(st, 2, ids.project);
	stmt_bind_int(st, 3, ids.user);
	stmt_bind_int(st, 4, ids.name);
	stmt_bind_int(st, 5, ids.suite);
	stmt_bind_int(st, 6, ids.plan);
	stmt_bind_text(st, 7, run->kind);
	stmt_bind_int(st, 8, run->pin_machine);
	stmt_bind_blob(st, 9, n->has_commit ? n->commit : NULL,
	    n->has_commit ? COMMIT_BYTES : 0);
	stmt_bind_text(st, 10, run->link);
	stmt_bind_int(st, 11, run->priority);
	stmt_bind_int(st, 12, run->created_at_ms);
	if (done)
		stmt_bind_int(st, 13, run->created_at_ms);
	stmt_bind_int(st, 14, done ? RUN_DONE : run->state);
	stmt_bind_int(st, 15, run->first_job);
	stmt_bind_int(st, 16, run->n_jobs);
	stmt_bind_int(st, 17, run->rerun_of);
	return stmt_run(st, err);
}

static const char sql_block_count[] =
    "INSERT INTO run_block (block, runs) VALUES (?1 / 1024, 1) "
    "ON CONFLICT (block) DO UPDATE SET runs = runs + 1";

static int block_count(struct conn *c, int64_t run_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_block_count);

	stmt_bind_int(st, 1, run_id);
	return stmt_run(st, err);
}

static const char sql_run_file_put[] =
    "INSERT INTO run_file (run_id, path, sha256, size) "
    "VALUES (?1, ?2, ?3, ?4)";

static int files_put(
    struct conn *c, const struct db_new_run *run, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < run->n_files && r == 0; i++) {
		const struct db_run_file *f = &run->files[i];
		scoped(stmt_reset) struct stmt *st =
		    stmt_get(c, sql_run_file_put);

		stmt_bind_int(st, 1, run->id);
		stmt_bind_text(st, 2, f->path);
		stmt_bind_blob(st, 3, f->sha256, HASH_BYTES);
		stmt_bind_int(st, 4, f->size);
		r = stmt_run(st, err);
	}
	return r;
}

/* ---- the jobs ----------------------------------------------------------- */

static const char sql_job_put[] =
    "INSERT INTO job (id, item_id, platform_id) VALUES (?1, ?2, ?3)";

static int job_put(struct conn *c, int64_t id, int64_t item_id,
    int64_t platform_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_job_put);

	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, item_id);
	stmt_bind_int(st, 3, platform_id);
	return stmt_run(st, err);
}

/* The jobs of one row of the matrix. */
static int row_put(struct conn *c, const struct db_plan *plan, size_t item,
    const int64_t *platform_ids, int64_t *next_job, struct err *err)
{
	const char *cells = plan->cells + item * plan->n_platforms;
	int64_t item_id = 0;
	int r = word_id(c, plan->items[item], &item_id, err);

	for (size_t i = 0; i < plan->n_platforms && r == 0; i++)
		if (cells[i] == 'j')
			r = job_put(
			    c, (*next_job)++, item_id, platform_ids[i], err);
	return r;
}

static int jobs_put(struct conn *c, const struct new_run *n, struct err *err)
{
	scoped_val(plan_done) struct plan_data p = {0};
	scoped(free) int64_t *platforms = NULL;
	int64_t next = n->run.first_job;
	int r = plan_decode(n->plan, n->plan_len, &p, err);

	if (r == 0 && p.n_jobs != n->run.n_jobs)
		r = err_set(err, ERR_INVAL,
		    "%" PRId64 " jobs in the plan, not %" PRId64, p.n_jobs,
		    n->run.n_jobs);
	if (r < 0)
		return r;
	platforms = xcalloc(p.plan.n_platforms, sizeof(*platforms));
	for (size_t i = 0; i < p.plan.n_platforms && r == 0; i++)
		r = word_id(c, p.plan.platforms[i], &platforms[i], err);
	for (size_t i = 0; i < p.plan.n_items && r == 0; i++)
		r = row_put(c, &p.plan, i, platforms, &next, err);
	return r;
}

/* ---- the operation ------------------------------------------------------ */

static int run_new(struct conn *c, const void *arg, struct err *err)
{
	const struct new_run *n = arg;
	int r = run_put(c, n, err);

	if (r == 0)
		r = block_count(c, n->run.id, err);
	if (r == 0)
		r = files_put(c, &n->run, err);
	if (r == 0)
		r = jobs_put(c, n, err);
	return r;
}

static void copy_plan(
    struct db_tx *tx, const struct db_plan *plan, struct new_run *to)
{
	static const struct db_plan none;
	scoped_val(buf_done) struct buf body = BUF_INIT(PLAN_MAX);

	plan_encode(plan ? plan : &none, &body);
	/* Bounded by SUITE_ITEMS_MAX and the lab: cannot be that big. */
	if (body.failed)
		abort();
	to->plan = tx_copy(tx, body.data, body.len);
	to->plan_len = body.len;
	hash_sha256(body.data, body.len, to->plan_sha256);
}

static const struct db_run_file *copy_files(
    struct db_tx *tx, const struct db_run_file *files, size_t n)
{
	struct db_run_file *to = tx_alloc(tx, n, sizeof(*to));

	for (size_t i = 0; i < n; i++) {
		to[i] = files[i];
		to[i].path = tx_str(tx, files[i].path);
	}
	return to;
}

/* ---- what a push turned out to be --------------------------------------- */

static const char sql_run_resolve[] =
    "UPDATE run SET state = 1, suite_id = ?2, plan_id = ?3, first_job = ?4, "
    "n_total = ?5, n_waiting = ?5 WHERE id = ?1 AND state = 0";

static int run_resolve(struct conn *c, const void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_resolve);
	const struct new_run *n = arg;
	int64_t suite = 0;
	int64_t plan = 0;
	int r = suite_id(c, n, &suite, err);

	if (r == 0)
		r = plan_id(c, n, &plan, err);
	if (r < 0)
		return r;
	stmt_bind_int(st, 1, n->run.id);
	stmt_bind_int(st, 2, suite);
	stmt_bind_int(st, 3, plan);
	stmt_bind_int(st, 4, n->run.first_job);
	stmt_bind_int(st, 5, n->run.n_jobs);
	r = stmt_run_one(st, err);
	if (r == 0)
		r = files_put(c, &n->run, err);
	if (r == 0)
		r = jobs_put(c, n, err);
	return r;
}

/* ---- for the loop ------------------------------------------------------- */

static void copy_suite(struct db_tx *tx, const char *name, const char *text,
    size_t len, struct new_run *to)
{
	to->run.suite_name = tx_str(tx, name ? name : "");
	to->run.suite_text = tx_copy(tx, text, len);
	to->run.suite_len = len;
	hash_sha256(to->run.suite_text, len, to->suite_sha256);
}

void db_tx_run_resolve(struct db_tx *tx, const struct db_run_resolved *run)
{
	struct new_run *n = tx_alloc(tx, 1, sizeof(*n));

	n->run.id = run->run_id;
	n->run.first_job = run->first_job;
	n->run.n_jobs = run->n_jobs;
	n->run.n_files = run->n_files;
	n->run.files = copy_files(tx, run->files, run->n_files);
	copy_suite(tx, run->suite_name, run->suite_text, run->suite_len, n);
	copy_plan(tx, run->plan, n);
	tx_op(tx, "run_resolve", run->run_id, run_resolve, n);
}

void db_tx_run_new(struct db_tx *tx, const struct db_new_run *run)
{
	struct new_run *n = tx_alloc(tx, 1, sizeof(*n));
	struct db_new_run *to = &n->run;

	*to = *run;
	to->plan = NULL;
	to->project = tx_str(tx, run->project);
	to->user = tx_str(tx, run->user);
	to->name = tx_str(tx, run->name);
	copy_suite(tx, run->suite_name, run->suite_text, run->suite_len, n);
	to->link = tx_str(tx, run->link);
	to->kind = tx_str(tx, run->kind ? run->kind : "test");
	to->files = copy_files(tx, run->files, run->n_files);
	n->has_commit =
	    run->commit && hash_unhex(run->commit, n->commit, COMMIT_BYTES);
	copy_plan(tx, run->plan, n);
	tx_op(tx, "run_new", run->id, run_new, n);
}

const char *const sql_run[] = {sql_suite_get, sql_suite_put, sql_plan_get,
    sql_plan_put, sql_run_put, sql_block_count, sql_run_file_put, sql_job_put,
    sql_run_resolve, NULL};
