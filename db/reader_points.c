/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The points of one series. */
#include <math.h>

#include "db/import_facts.h"
#include "db/mark.h"
#include "db/read_series.h"
#include "db/reader.h"
#include "db/series.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- one series --------------------------------------------------------- */

struct points {
	struct db_reader *reader;
	const struct db_points_query *q;
	bool (*row)(void *arg, const struct db_point *p);
	void *arg;
	bool stop;
};

/* In the row values may lie at any address; caller frees. */
static double *copy_values(struct stmt *st, int col, size_t *ret_n)
{
	size_t len;
	const void *data = stmt_blob(st, col, &len);
	double *values = xcalloc(len / sizeof(double) + 1, sizeof(double));

	*ret_n = len / sizeof(double);
	memcpy(values, data, *ret_n * sizeof(double));
	return values;
}

static double real_or_nan(struct stmt *st, int col)
{
	double v = stmt_real(st, col);

	/* The type is asked for only where it can be NULL. */
	return v == 0 && stmt_null(st, col) ? (double)NAN : v;
}

static const char sql_points[] =
    "SELECT p.run_id, a.job_id, p.attempt_id, a.started_at_ms, r.commit_sha, "
    "p.environment_id, p.value, p.left_out FROM point p "
    "CROSS JOIN attempt a ON a.id = p.attempt_id "
    "CROSS JOIN run r ON r.id = p.run_id "
    "WHERE p.series_id = ?1 AND p.branch_id = ?2 "
    "ORDER BY p.attempt_id DESC LIMIT ?3";

static const char sql_point_values[] =
    "SELECT data, marks FROM sample WHERE attempt_id = ?1 AND series_id = ?2";

static int pass_values(
    struct points *ps, int64_t series_id, struct db_point *p, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(ps->reader), sql_point_values);
	scoped(free) struct db_sample_mark *marks = NULL;
	scoped(free) double *values = NULL;
	const void *data;
	size_t len;
	int e;

	stmt_bind_int(st, 1, p->attempt_id);
	stmt_bind_int(st, 2, series_id);
	e = stmt_step(st, err);
	if (e <= 0)
		return e;
	values = copy_values(st, 0, &p->n_values);
	p->values = values;
	data = stmt_blob(st, 1, &len);
	e = len ? mark_decode(data, len, p->n_values, &marks, err) : 0;
	p->marks = marks;
	if (e == 0)
		ps->stop = !ps->row(ps->arg, p);
	return e;
}

static int pass_point(
    struct points *ps, int64_t series_id, struct stmt *st, struct err *err)
{
	char commit[2 * HASH_BYTES + 1];
	size_t len;
	const void *sha = stmt_blob(st, 4, &len);
	struct db_point p = {
	    .run_id = stmt_int(st, 0),
	    .job_id = stmt_int(st, 1),
	    .attempt_id = stmt_int(st, 2),
	    .at_ms = stmt_int(st, 3),
	    .commit =
	        len && len <= HASH_BYTES ? hash_hex(sha, len, commit) : NULL,
	    .environment_id = stmt_int(st, 5),
	    .value = real_or_nan(st, 6),
	    .left_out = stmt_int(st, 7),
	};

	if (ps->q->values || p.left_out)
		return pass_values(ps, series_id, &p, err);
	ps->stop = !ps->row(ps->arg, &p);
	return 0;
}

static int pass_measured(struct points *ps, int64_t series_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(ps->reader), sql_points);
	int e;

	stmt_bind_int(st, 1, series_id);
	stmt_bind_int(st, 2, ps->q->branch_id);
	stmt_bind_int(st, 3, ps->q->most);
	while (!ps->stop && (e = stmt_step(st, err)) == 1) {
		/* Attempts begin in the order of their ids. */
		if (stmt_int(st, 3) < ps->q->since_ms)
			return 0;
		e = pass_point(ps, series_id, st, err);
		if (e < 0)
			return e;
	}
	return ps->stop ? 0 : e;
}

/* 1: values. */
static const char sql_points_imported[] =
    "SELECT i.id, i.at_ms, i.facts, q.mean, q.data, q.why, l.text "
    "FROM import_sample q CROSS JOIN import i ON i.id = q.import_id "
    "CROSS JOIN word l ON l.id = q.label_id "
    "WHERE q.series_id = ?1 AND q.kind = 1 AND l.text = ?2 "
    "ORDER BY q.import_id DESC LIMIT ?3";

static void pass_import(struct points *ps, struct stmt *st)
{
	scoped_val(import_facts_done) struct import_facts facts = {0};
	struct db_point p = {
	    .import_id = stmt_int(st, 0),
	    .value = (double)NAN,
	    .why = stmt_text_or_null(st, 5),
	};
	scoped(free) double *values = copy_values(st, 4, &p.n_values);

	import_facts_read(stmt_text(st, 2), stmt_int(st, 1), &facts);
	p.at_ms = facts.at_ms;
	p.facts = facts.environment;
	p.values = values;
	if (p.why)
		p.left_out = (int64_t)p.n_values;
	else
		p.value = stmt_real(st, 3);
	if (p.at_ms >= ps->q->since_ms)
		ps->stop = !ps->row(ps->arg, &p);
}

static int pass_imported(struct points *ps, int64_t series_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(ps->reader), sql_points_imported);
	int e;

	stmt_bind_int(st, 1, series_id);
	stmt_bind_text(st, 2, ps->q->label);
	stmt_bind_int(st, 3, ps->q->most);
	while (!ps->stop && (e = stmt_step(st, err)) == 1)
		pass_import(ps, st);
	return ps->stop ? 0 : e;
}

static int pass_points(struct points *ps, struct err *err)
{
	scoped_val(series_group_done) struct series_group g = {NULL, 0};
	int e = series_group(ps->reader, ps->q->series_id, &g, err);

	for (size_t i = 0; e == 0 && i < g.n && ps->q->branch_id; i++)
		e = pass_measured(ps, g.ids[i], err);
	for (size_t i = 0; e == 0 && i < g.n && !ps->stop; i++)
		e = pass_imported(ps, g.ids[i], err);
	return e;
}

int db_series_points(struct db_reader *r, const struct db_points_query *q,
    bool (*row)(void *arg, const struct db_point *p), void *arg,
    struct err *err)
{
	struct points ps = {r, q, row, arg, false};
	int e = q->most < 1 || q->most > DB_POINTS_MAX
	    ? err_set(err, ERR_INVAL, "points: must be 1 to %d", DB_POINTS_MAX)
	    : reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_points(&ps, err);
	reader_end(r);
	return e;
}

static const char sql_environment_text[] =
    "SELECT text FROM environment WHERE id = ?1";

int db_environment_get(
    struct db_reader *r, int64_t id, char **ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_environment_text);
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	*ret = xstrdup(e ? stmt_text(st, 0) : "");
	return 0;
}

const char *const sql_reader_points[] = {sql_points, sql_point_values,
    sql_points_imported, sql_environment_text, NULL};
