/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading runs: the index, one run, its matrix, what it was made from. */
#include <inttypes.h>

#include "db/db.h"
#include "db/filter.h"
#include "db/job.h"
#include "db/pack.h"
#include "db/plan.h"
#include "db/reader.h"
#include "db/run_file.h"
#include "db/sql.h"
#include "db/stmt.h"

#define RUNS_MAX 500

/* ---- rows --------------------------------------------------------------- */

#define RUN_ROWS                                                              \
	"SELECT r.id, p.text, u.text, n.name, s.name, r.commit_sha, r.link, " \
	"r.kind, r.priority, r.created_at_ms, r.ended_at_ms, r.state, "       \
	"r.first_job, r.n_total, r.n_waiting, r.n_running, r.n_passed, "      \
	"r.n_failed, r.n_error, r.n_disabled, r.n_skips, r.rerun_of "         \
	"FROM run r "                                                         \
	"JOIN word p ON p.id = r.project_id "                                 \
	"JOIN word u ON u.id = r.user_id "                                    \
	"JOIN name n ON n.id = r.name_id "                                    \
	"JOIN suite s ON s.id = r.suite_id "

/* Fills a row; commit holds the digits. */
static void run_row(
    struct stmt *st, char commit[2 * HASH_BYTES + 1], struct db_run *ret)
{
	size_t len;
	const void *sha = stmt_blob(st, 5, &len);
	bool has_commit = len && len <= HASH_BYTES;

	*ret = (struct db_run){
	    .id = stmt_int(st, 0),
	    .project = stmt_text(st, 1),
	    .user = stmt_text(st, 2),
	    .name = stmt_text(st, 3),
	    .suite_name = stmt_text(st, 4),
	    .commit = has_commit ? hash_hex(sha, len, commit) : NULL,
	    .link = stmt_text_or_null(st, 6),
	    .kind = stmt_text(st, 7),
	    .priority = (int)stmt_int(st, 8),
	    .created_at_ms = stmt_int(st, 9),
	    .ended_at_ms = stmt_int(st, 10),
	    .state = (enum run_state)stmt_int(st, 11),
	    .first_job = stmt_int(st, 12),
	    .n_jobs = stmt_int(st, 13),
	    .n_skips = stmt_int(st, 20),
	    .rerun_of = stmt_int(st, 21),
	};
	for (int i = 0; i < BUCKET_COUNT; i++)
		ret->counts[i] = stmt_int(st, 14 + i);
}

/* Passes on the rows of a statement; *ret_more is false if row ended it. */
static int pass_runs(struct stmt *st,
    bool (*row)(void *arg, const struct db_run *run), void *arg, bool *ret_more,
    struct err *err)
{
	char commit[2 * HASH_BYTES + 1];
	struct db_run run;
	int e;

	*ret_more = true;
	while ((e = stmt_step(st, err)) == 1) {
		run_row(st, commit, &run);
		*ret_more = row(arg, &run);
		if (!*ret_more)
			return 0;
	}
	return e;
}

static const char sql_run_get[] = RUN_ROWS "WHERE r.id = ?1";

static int one_run(struct db_reader *r, const char *sql, int64_t id,
    bool (*row)(void *arg, const struct db_run *run), void *arg, bool *ret_more,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(reader_conn(r), sql);

	stmt_bind_int(st, 1, id);
	return pass_runs(st, row, arg, ret_more, err);
}

struct only {
	bool (*row)(void *arg, const struct db_run *run);
	void *arg;
	bool seen;
};

static bool see(void *arg, const struct db_run *run)
{
	struct only *o = arg;

	o->seen = true;
	(void)o->row(o->arg, run); /* there is only this one */
	return false;
}

int db_run_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err)
{
	struct only only = {row, arg, false};
	bool more;
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = one_run(r, sql_run_get, id, see, &only, &more, err);
	reader_end(r);
	if (e == 0 && !only.seen)
		return err_set(
		    err, ERR_NOTFOUND, "run %" PRId64 ": no such run", id);
	return e;
}

/* ---- the index ---------------------------------------------------------- */

static const char sql_runs[] =
    RUN_ROWS "WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2";

static int runs_below(struct db_reader *r, int64_t before, int limit,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(reader_conn(r), sql_runs);
	bool more;

	stmt_bind_int(st, 1, before ? before : INT64_MAX);
	stmt_bind_int(st, 2, limit);
	return pass_runs(st, row, arg, &more, err);
}

static const char sql_blocks[] =
    "SELECT block, runs FROM run_block ORDER BY block DESC";

/* The block with run number skip (from the newest), and its place there. */
static int find_block(
    struct db_reader *r, int64_t *skip, int64_t *ret_block, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_blocks);
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		*ret_block = stmt_int(st, 0);
		if (*skip < stmt_int(st, 1))
			return 1;
		*skip -= stmt_int(st, 1);
	}
	return e;
}

static const char sql_run_in_block[] =
    "SELECT id FROM run WHERE id < (?1 + 1) * 1024 ORDER BY id DESC "
    "LIMIT 1 OFFSET ?2";

/* 1: *ret_id is the run with skip newer ones before it; 0: so few there are. */
static int find_run(
    struct db_reader *r, int64_t skip, int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_run_in_block);
	int64_t block = 0;
	int e = find_block(r, &skip, &block, err);

	if (e <= 0)
		return e;
	stmt_bind_int(st, 1, block);
	stmt_bind_int(st, 2, skip);
	e = stmt_step(st, err);
	if (e == 1)
		*ret_id = stmt_int(st, 0);
	return e;
}

static int64_t skipped(const struct db_run_query *q)
{
	return q->page > 1 ? (q->page - 1) * q->limit : 0;
}

static int runs_plain(struct db_reader *r, const struct db_run_query *q,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err)
{
	int64_t first = 0;
	int e;

	if (q->page <= 1)
		return runs_below(r, q->before, q->limit, row, arg, err);
	e = find_run(r, skipped(q), &first, err);
	if (e <= 0)
		return e;
	return runs_below(r, first + 1, q->limit, row, arg, err);
}

/* The same text as sql_run_get, so that a row may ask for another run. */
static const char sql_run_found[] = RUN_ROWS "WHERE r.id = ?1";

static int runs_like(struct db_reader *r, const struct db_run_query *q,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err)
{
	int64_t ids[RUNS_MAX];
	size_t n = 0;
	bool more = true;
	int e = filter_page(reader_filter(r), r, q->name_like,
	    q->page ? 0 : q->before, skipped(q), (size_t)q->limit, ids, &n,
	    err);

	for (size_t i = 0; i < n && e == 0 && more; i++)
		e = one_run(r, sql_run_found, ids[i], row, arg, &more, err);
	return e;
}

static int begin_runs(
    struct db_reader *r, const struct db_run_query *q, struct err *err)
{
	int e = q->name_like ? filter_fill(reader_filter(r), r, err) : 0;

	return e < 0 ? e : reader_begin(r, READER_MAX_MS, err);
}

int db_runs(struct db_reader *r, const struct db_run_query *q,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err)
{
	int e;

	if (q->limit < 1 || q->limit > RUNS_MAX || q->page < 0 ||
	    q->page > INT32_MAX || q->before < 0)
		return err_set(err, ERR_INVAL,
		    "runs: limit from 1 to %d, page and before from 0",
		    RUNS_MAX);
	e = begin_runs(r, q, err);
	if (e < 0)
		return e;
	e = q->name_like ? runs_like(r, q, row, arg, err)
	                 : runs_plain(r, q, row, arg, err);
	reader_end(r);
	return e;
}

static const char sql_run_count_all[] =
    "SELECT coalesce(sum(runs), 0) FROM run_block";

static int count_all(struct db_reader *r, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_run_count_all);
	int e = stmt_step(st, err);

	if (e < 0)
		return e;
	*ret = stmt_int(st, 0);
	return 0;
}

int db_run_count(struct db_reader *r, const struct db_run_query *q,
    int64_t *ret, struct err *err)
{
	int e = begin_runs(r, q, err);

	if (e < 0)
		return e;
	e = q->name_like
	    ? filter_count(reader_filter(r), r, q->name_like, ret, err)
	    : count_all(r, ret, err);
	reader_end(r);
	return e;
}

/* ---- the matrix --------------------------------------------------------- */

static const char sql_plan_of_run[] =
    "SELECT r.first_job, r.n_total, p.body FROM run r "
    "JOIN plan p ON p.id = r.plan_id WHERE r.id = ?1";

struct range {
	int64_t first;
	int64_t end;
};

static int pass_plan(struct db_reader *r, int64_t run_id,
    void (*plan)(void *arg, const struct db_plan *plan), void *arg,
    struct range *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_plan_of_run);
	scoped_val(plan_done) struct plan_data p = {0};
	const void *body;
	size_t len;
	int e;

	stmt_bind_int(st, 1, run_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(
		    err, ERR_NOTFOUND, "run %" PRId64 ": no such run", run_id);
	ret->first = stmt_int(st, 0);
	ret->end = ret->first + stmt_int(st, 1);
	body = stmt_blob(st, 2, &len);
	e = plan_decode(body, len, &p, err);
	if (e == 0 && plan)
		plan(arg, &p.plan);
	return e;
}

static const char sql_cells[] =
    "SELECT j.id, j.state, j.outcome, j.layer, j.flags, j.attempts, j.took_ms, "
    "j.last_attempt, CASE WHEN j.outcome > 1 THEN (SELECT e.text FROM "
    "attempt a JOIN evidence e ON e.id = a.evidence_id "
    "WHERE a.id = j.last_attempt) END FROM job j "
    "WHERE j.id >= ?1 AND j.id < ?2 ORDER BY j.id";

static int pass_cells(struct db_reader *r, const struct range *jobs,
    bool (*cell)(void *arg, const struct db_cell *cell), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_cells);
	struct db_cell c;
	int e;

	stmt_bind_int(st, 1, jobs->first);
	stmt_bind_int(st, 2, jobs->end);
	while ((e = stmt_step(st, err)) == 1) {
		c.job_id = stmt_int(st, 0);
		c.state = (enum job_state)stmt_int(st, 1);
		verdict_get(st, 2, &c.verdict);
		c.attempts = (int)stmt_int(st, 5);
		c.took_ms = stmt_int(st, 6);
		c.last_attempt = stmt_int(st, 7);
		c.why = stmt_text_or_null(st, 8);
		if (!cell(arg, &c))
			return 0;
	}
	return e;
}

int db_matrix(struct db_reader *r, int64_t run_id,
    void (*plan)(void *arg, const struct db_plan *plan),
    bool (*cell)(void *arg, const struct db_cell *cell), void *arg,
    struct err *err)
{
	struct range jobs = {0, 0};
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_plan(r, run_id, plan, arg, &jobs, err);
	if (e == 0)
		e = pass_cells(r, &jobs, cell, arg, err);
	reader_end(r);
	return e;
}

/* ---- what it was made from ---------------------------------------------- */

static const char sql_source[] =
    "SELECT p.text, u.text, n.name, r.link, r.commit_sha, r.priority, r.kind, "
    "s.name, s.body FROM run r JOIN word p ON p.id = r.project_id "
    "JOIN word u ON u.id = r.user_id JOIN name n ON n.id = r.name_id "
    "JOIN suite s ON s.id = r.suite_id WHERE r.id = ?1";

static void source_row(
    struct stmt *st, char commit[2 * HASH_BYTES + 1], struct db_source *ret)
{
	size_t len;
	const void *sha = stmt_blob(st, 4, &len);
	bool has_commit = len && len <= HASH_BYTES;

	*ret = (struct db_source){
	    .project = stmt_text(st, 0),
	    .user = stmt_text(st, 1),
	    .name = stmt_text(st, 2),
	    .link = stmt_text_or_null(st, 3),
	    .commit = has_commit ? hash_hex(sha, len, commit) : NULL,
	    .priority = (int)stmt_int(st, 5),
	    .kind = stmt_text(st, 6),
	    .suite_name = stmt_text(st, 7),
	};
}

static int pass_source(struct db_reader *r, int64_t run_id,
    bool (*row)(void *arg, const struct db_source *source), void *arg,
    struct err *err)
{
	scoped_val(buf_done) struct buf suite = BUF_INIT(SUITE_MAX);
	scoped_val(run_files_done) struct run_files files = {NULL, 0};
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_source);
	char commit[2 * HASH_BYTES + 1];
	struct db_source source;
	const void *body;
	size_t len;
	int e;

	stmt_bind_int(st, 1, run_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(
		    err, ERR_NOTFOUND, "run %" PRId64 ": no such run", run_id);
	source_row(st, commit, &source);
	body = stmt_blob(st, 8, &len);
	e = unpack_body(body, len, &suite, err);
	if (e == 0)
		e = run_files_get(reader_conn(r), run_id, &files, err);
	if (e < 0)
		return err_prefix(err, "run %" PRId64, run_id);
	source.suite_text = buf_str(&suite);
	source.suite_len = suite.len;
	source.files = files.list;
	source.n_files = files.n;
	(void)row(arg, &source); /* there is only this one */
	return 0;
}

int db_run_source(struct db_reader *r, int64_t run_id,
    bool (*row)(void *arg, const struct db_source *source), void *arg,
    struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_source(r, run_id, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_run[] = {sql_run_get, sql_run_found, sql_runs,
    sql_blocks, sql_run_in_block, sql_run_count_all, sql_plan_of_run, sql_cells,
    sql_source, NULL};
