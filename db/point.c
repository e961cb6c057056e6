/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points and cells: sums over all attempts that count. Invariant: the row of
 * an attempt is that of the attempt before with the attempt's own values in
 * it, so that the sums of any stretch of time are a difference of two rows.
 */
#include "db/point.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "db/environment.h"
#include "db/mark.h"
#include "db/recall.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"

/* ---- the samples of an attempt ------------------------------------------- */

enum {
	PLACE_METRIC,
	PLACE_MACHINE,
	PLACE_GUEST,
	PLACE_CONTROLLER,
	PLACE_UNIT,
	PLACE_PARTS
};

struct series {
	int64_t id;
	int64_t place[PLACE_PARTS]; /* all but the variant; for cells */
	char *variant;              /* for cells; or NULL */
	struct bench_value *values;
	size_t n;
	struct bench_moments good; /* valid ones, also those below 0 */
};

struct attempt {
	int64_t id;
	struct series *series;
	size_t n;
};

static void attempt_done(struct attempt *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->series[i].variant);
		free(a->series[i].values);
	}
	free(a->series);
}

static int read_values(struct stmt *st, struct series *s, struct err *err)
{
	scoped(free) struct db_sample_mark *marks = NULL;
	size_t len;
	size_t marks_len;
	const char *data = stmt_blob(st, 1, &len);
	const void *body = stmt_blob(st, 2, &marks_len);
	int r = 0;

	s->n = len / sizeof(double);
	s->values = xcalloc(s->n, sizeof(s->values[0]));
	if (marks_len)
		r = mark_decode(body, marks_len, s->n, &marks, err);
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct db_sample_mark *m = marks ? &marks[i] : NULL;
		bool good;
		double x;

		memcpy(&x, data + i * sizeof(x), sizeof(x));
		good = (!m || m->valid) && isfinite(x);
		s->values[i] = (struct bench_value){
		    .pair = m ? m->pair : -1,
		    .position = m ? m->position : 0,
		    .valid = good && x > 0,
		    .value = x,
		};
		if (good)
			bench_moments_add(&s->good, x);
	}
	return r;
}

static const char sql_point_samples[] =
    "SELECT series_id, data, marks FROM sample WHERE attempt_id = ?1";
/* For cells, in the order in which a run shows them. */
static const char sql_point_places[] =
    "SELECT p.series_id, p.data, p.marks, s.metric_id, s.machine_id, "
    "s.guest_id, s.controller_id, s.unit_id, v.text FROM sample p "
    "CROSS JOIN series s ON s.id = p.series_id "
    "CROSS JOIN word m ON m.id = s.metric_id "
    "CROSS JOIN word v ON v.id = s.variant_id "
    "CROSS JOIN word g ON g.id = s.guest_id "
    "CROSS JOIN word t ON t.id = s.controller_id WHERE p.attempt_id = ?1 "
    "ORDER BY m.text, g.text, t.text, v.text, p.series_id";

static void read_place(struct stmt *st, struct series *s)
{
	for (int i = 0; i < PLACE_PARTS; i++)
		s->place[i] = stmt_int(st, 3 + i);
	s->variant = xstrdup(stmt_text(st, 3 + PLACE_PARTS));
}

static int attempt_read(
    struct conn *c, const char *sql, struct attempt *a, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r;

	stmt_bind_int(st, 1, a->id);
	while ((r = stmt_step(st, err)) == 1) {
		struct series *s;

		a->series = xrealloc(a->series, a->n + 1, sizeof(a->series[0]));
		s = &a->series[a->n++];
		*s = (struct series){.id = stmt_int(st, 0)};
		if (sql == sql_point_places)
			read_place(st, s);
		r = read_values(st, s, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- where it belongs ---------------------------------------------------- */

struct context {
	int64_t run_id;
	int64_t branch_id;
	int64_t environment_id; /* 0: nothing was recorded */
};

static const char sql_branch_get[] =
    "SELECT id FROM branch WHERE project_id = ?1 AND name_id = ?2";
static const char sql_branch_put[] =
    "INSERT INTO branch (project_id, name_id) VALUES (?1, ?2) RETURNING id";

static int branch_of(struct conn *c, const char *sql, int64_t project,
    int64_t name, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r;

	stmt_bind_int(st, 1, project);
	stmt_bind_int(st, 2, name);
	r = stmt_step(st, err);
	if (r <= 0)
		return r;
	*ret = stmt_int(st, 0);
	/* To the end: only then is a row written for certain. */
	r = stmt_run(st, err);
	return r < 0 ? r : 1;
}

static const char sql_point_run[] =
    "SELECT r.id, r.project_id, r.name_id FROM attempt a CROSS JOIN run r ON "
    "r.id = (SELECT q.id FROM run q WHERE q.first_job <= a.job_id AND "
    "q.n_total > 0 ORDER BY q.first_job DESC LIMIT 1) WHERE a.id = ?1";

static int context_read(
    struct conn *c, int64_t attempt_id, struct context *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_point_run);
	int64_t project;
	int64_t name;
	int r;

	stmt_bind_int(st, 1, attempt_id);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	ret->run_id = stmt_int(st, 0);
	project = stmt_int(st, 1);
	name = stmt_int(st, 2);
	r = branch_of(c, sql_branch_get, project, name, &ret->branch_id, err);
	if (r == 0)
		r = branch_of(
		    c, sql_branch_put, project, name, &ret->branch_id, err);
	return r < 0 ? r
	             : environment_id(c, attempt_id, &ret->environment_id, err);
}

/* ---- points -------------------------------------------------------------- */

static struct bench_moments moments_at(struct stmt *st, int col)
{
	return (struct bench_moments){.n = (size_t)stmt_int(st, col),
	    .mean = stmt_real(st, col + 1),
	    .m2 = stmt_real(st, col + 2)};
}

static void bind_moments(struct stmt *st, int i, const struct bench_moments *m)
{
	stmt_bind_int(st, i, (int64_t)m->n);
	stmt_bind_real(st, i + 1, m->mean);
	stmt_bind_real(st, i + 2, m->m2);
}

static const char sql_point_before[] =
    "SELECT n, ln_mean, ln_m2 FROM point "
    "WHERE series_id = ?1 AND attempt_id < ?2 "
    "ORDER BY attempt_id DESC LIMIT 1";

static int look_before(struct conn *c, int64_t series, int64_t attempt,
    struct bench_moments *ret_ln, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_point_before);
	int r;

	stmt_bind_int(st, 1, series);
	stmt_bind_int(st, 2, attempt);
	r = stmt_step(st, err);
	if (r > 0)
		*ret_ln = moments_at(st, 0);
	return r;
}

/* What is remembered of a series: its last point. */
struct last {
	int64_t attempt_id;
	struct bench_moments ln;
};
_Static_assert(sizeof(struct last) <= RECALL_VALUE_BYTES, "one is a value");

static int point_before(struct conn *c, int64_t series, int64_t attempt,
    struct bench_moments *ret_ln, struct err *err)
{
	const struct last *last = recall_get(
	    conn_recall(c), sql_point_before, &series, sizeof(series));

	if (!last || last->attempt_id >= attempt)
		return look_before(c, series, attempt, ret_ln, err);
	*ret_ln = last->ln;
	return 0;
}

/* Two, as one that may update has to keep each page as it was until its end. */
static const char sql_point_put[] =
    "INSERT INTO point (series_id, attempt_id, run_id, branch_id, "
    "environment_id, value, left_out, n, ln_mean, ln_m2) "
    "VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, nullif(?7, 0), ?8, ?9, ?10) "
    "ON CONFLICT (series_id, attempt_id) DO NOTHING";
static const char sql_point_again[] =
    "UPDATE point SET environment_id = nullif(?5, 0), value = ?6, "
    "left_out = nullif(?7, 0), n = ?8, ln_mean = ?9, ln_m2 = ?10 "
    "WHERE series_id = ?1 AND attempt_id = ?2";

/* 1: written; 0: it is there already. */
static int point_write(struct conn *c, const char *sql, const struct series *s,
    const struct context *context, const struct last *last, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r;

	stmt_bind_int(st, 1, s->id);
	stmt_bind_int(st, 2, last->attempt_id);
	stmt_bind_int(st, 3, context->run_id);
	stmt_bind_int(st, 4, context->branch_id);
	stmt_bind_int(st, 5, context->environment_id);
	if (s->good.n)
		stmt_bind_real(st, 6, s->good.mean);
	stmt_bind_int(st, 7, (int64_t)(s->n - s->good.n));
	bind_moments(st, 8, &last->ln);
	r = stmt_run(st, err);
	return r < 0 ? r : (int)conn_changes(c);
}

static int point_put(struct conn *c, int64_t attempt, const struct series *s,
    const struct context *context, struct err *err)
{
	struct bench_cell own = {0};
	struct last last = {attempt, {0, 0, 0}};
	int r = point_before(c, s->id, attempt, &last.ln, err);

	if (r < 0)
		return r;
	bench_cell_add(&own, s->values, s->n);
	bench_moments_merge(&last.ln, &own.ln[BENCH_BASELINE]);
	r = point_write(c, sql_point_put, s, context, &last, err);
	if (r == 0)
		r = point_write(c, sql_point_again, s, context, &last, err);
	if (r >= 0)
		recall_put(conn_recall(c), sql_point_before, &s->id,
		    sizeof(s->id), &last, sizeof(last));
	return r;
}

/* ---- cells --------------------------------------------------------------- */

struct cell {
	int64_t id;
	int64_t machine_id;
	int64_t first; /* attempts that have sums; 0: none */
	int64_t last;
};

static const char sql_cell_get[] =
    "SELECT id, first_attempt, last_attempt FROM cell "
    "WHERE baseline_id = ?1 AND candidate_id = ?2";
static const char sql_cell_put[] =
    "INSERT INTO cell (baseline_id, candidate_id, machine_id) "
    "VALUES (?1, ?2, ?3) RETURNING id, first_attempt, last_attempt";

static int cell_of(struct conn *c, const char *sql,
    const struct series *baseline, const struct series *candidate,
    struct cell *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r;

	ret->machine_id = baseline->place[PLACE_MACHINE];
	stmt_bind_int(st, 1, baseline->id);
	stmt_bind_int(st, 2, candidate->id);
	if (sql == sql_cell_put)
		stmt_bind_int(st, 3, ret->machine_id);
	r = stmt_step(st, err);
	if (r <= 0)
		return r;
	ret->id = stmt_int(st, 0);
	ret->first = stmt_int(st, 1);
	ret->last = stmt_int(st, 2);
	/* To the end: only then is a row written for certain. */
	r = stmt_run(st, err);
	return r < 0 ? r : 1;
}

/* From attempt to attempt: more than one only if this one was here before. */
static const char sql_cell_before[] =
    "SELECT n, ln_mean, ln_m2, ln_baseline FROM cell_sum "
    "WHERE machine_id = ?1 AND attempt_id <= ?2 AND attempt_id < ?3 AND "
    "cell_id = ?4 ORDER BY attempt_id DESC LIMIT 1";

static int cell_before(struct conn *c, const struct cell *cell, int64_t attempt,
    struct bench_cell *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_cell_before);
	int r;

	if (!cell->first || cell->first >= attempt)
		return 0;
	stmt_bind_int(st, 1, cell->machine_id);
	stmt_bind_int(st, 2, cell->last);
	stmt_bind_int(st, 3, attempt);
	stmt_bind_int(st, 4, cell->id);
	r = stmt_step(st, err);
	if (r > 0) {
		ret->pairs = moments_at(st, 0);
		ret->ln_baseline = stmt_real(st, 3);
	}
	return r;
}

static const char sql_cell_sum_put[] =
    "INSERT INTO cell_sum (machine_id, attempt_id, cell_id, n, ln_mean, "
    "ln_m2, ln_baseline) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
    "ON CONFLICT (machine_id, attempt_id, cell_id) DO UPDATE SET "
    "n = excluded.n, ln_mean = excluded.ln_mean, ln_m2 = excluded.ln_m2, "
    "ln_baseline = excluded.ln_baseline";

static int cell_sum_put(struct conn *c, const struct cell *cell,
    int64_t attempt, const struct bench_cell *own, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_cell_sum_put);
	struct bench_cell sums = {0};
	int r = cell_before(c, cell, attempt, &sums, err);

	if (r < 0)
		return r;
	bench_cell_merge(&sums, own);
	stmt_bind_int(st, 1, cell->machine_id);
	stmt_bind_int(st, 2, attempt);
	stmt_bind_int(st, 3, cell->id);
	bind_moments(st, 4, &sums.pairs);
	stmt_bind_real(st, 7, sums.ln_baseline);
	return stmt_run(st, err);
}

static const char sql_cell_seen[] =
    "UPDATE cell SET first_attempt = coalesce(first_attempt, ?2), "
    "last_attempt = ?2 WHERE id = ?1";

static int cell_seen(
    struct conn *c, int64_t cell, int64_t attempt, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_cell_seen);

	stmt_bind_int(st, 1, cell);
	stmt_bind_int(st, 2, attempt);
	return stmt_run(st, err);
}

static void compare_series(const struct series *baseline,
    const struct series *candidate, struct bench_cell *ret)
{
	size_t n = baseline->n + candidate->n;
	scoped(free) struct bench_value *v = xcalloc(n, sizeof(v[0]));

	memcpy(v, baseline->values, baseline->n * sizeof(v[0]));
	memcpy(v + baseline->n, candidate->values, candidate->n * sizeof(v[0]));
	for (size_t i = 0; i < n; i++)
		v[i].arm = i < baseline->n ? BENCH_BASELINE : BENCH_CANDIDATE;
	bench_cell_add(ret, v, n);
}

/* Without pairs there is a cell, and nothing to add to its sums. */
static int cell_put(struct conn *c, int64_t attempt,
    const struct series *baseline, const struct series *candidate,
    struct err *err)
{
	struct bench_cell own = {0};
	struct cell cell = {0};
	int r = cell_of(c, sql_cell_get, baseline, candidate, &cell, err);

	if (r == 0)
		r = cell_of(c, sql_cell_put, baseline, candidate, &cell, err);
	if (r < 0)
		return r;
	compare_series(baseline, candidate, &own);
	if (own.unpaired)
		return 0;
	r = cell_sum_put(c, &cell, attempt, &own, err);
	return r < 0 ? r : cell_seen(c, cell.id, attempt, err);
}

static bool is_versus(const struct series *baseline,
    const struct series *candidate, const struct bench_roles *v)
{
	return str_eq(baseline->variant, v->baseline) &&
	    str_eq(candidate->variant, v->candidate) &&
	    memcmp(baseline->place, candidate->place,
	        sizeof(baseline->place)) == 0;
}

static int cells_put(struct conn *c, const struct attempt *a,
    const struct bench_roles *v, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; r >= 0 && k < a->n; k++)
			if (is_versus(&a->series[i], &a->series[k], v))
				r = cell_put(c, a->id, &a->series[i],
				    &a->series[k], err);
	return r;
}

int points_put(struct conn *c, const struct points *p, struct err *err)
{
	scoped_val(attempt_done) struct attempt a = {.id = p->attempt_id};
	struct context context = {0};
	int r = attempt_read(
	    c, p->versus->n ? sql_point_places : sql_point_samples, &a, err);

	if (r == 0 && a.n)
		r = context_read(c, a.id, &context, err);
	for (size_t i = 0; r >= 0 && i < a.n; i++)
		r = point_put(c, a.id, &a.series[i], &context, err);
	for (size_t i = 0; r >= 0 && i < p->versus->n; i++)
		r = cells_put(c, &a, &p->versus->pairs[i], err);
	return r < 0 ? r : 0;
}

/* ---- the transaction ----------------------------------------------------- */

static int points_op(struct conn *c, const void *arg, struct err *err)
{
	return points_put(c, arg, err);
}

void db_tx_points(
    struct db_tx *tx, int64_t attempt_id, const struct bench_versus *versus)
{
	struct points *p = tx_alloc(tx, 1, sizeof(*p));
	struct bench_versus *v = tx_alloc(tx, 1, sizeof(*v));
	size_t n = versus ? versus->n : 0;

	v->n = n;
	v->pairs = tx_alloc(tx, n ? n : 1, sizeof(v->pairs[0]));
	for (size_t i = 0; i < n; i++)
		v->pairs[i] =
		    (struct bench_roles){tx_str(tx, versus->pairs[i].baseline),
		        tx_str(tx, versus->pairs[i].candidate)};
	*p = (struct points){attempt_id, v};
	tx_op(tx, "points of attempt", attempt_id, points_op, p);
}

/* ---- databases from before ----------------------------------------------- */

static const char sql_points_next[] =
    "SELECT a.id, j.last_attempt = a.id AND j.outcome = 1, g.spec "
    "FROM attempt a CROSS JOIN job j ON j.id = a.job_id "
    "LEFT JOIN attempt_agent g ON g.attempt_id = a.id WHERE a.id = "
    "(SELECT min(p.attempt_id) FROM sample p WHERE p.attempt_id > ?1)";

static int fill_next(struct conn *c, int64_t *id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_points_next);
	scoped_val(bench_versus_done) struct bench_versus versus = {NULL, 0};
	struct points p;
	int r;

	stmt_bind_int(st, 1, *id);
	r = stmt_step(st, err);
	if (r <= 0)
		return r;
	*id = stmt_int(st, 0);
	if (!stmt_int(st, 1))
		return 1;
	bench_spec_versus(stmt_text(st, 2), &versus);
	p = (struct points){*id, &versus};
	r = points_put(c, &p, err);
	return r < 0 ? r : 1;
}

int points_fill(struct conn *c, struct err *err)
{
	int64_t id = 0;
	int r;

	do
		r = fill_next(c, &id, err);
	while (r > 0);
	return r;
}

const char *const sql_point[] = {sql_point_samples, sql_point_places,
    sql_branch_get, sql_branch_put, sql_point_run, sql_point_before,
    sql_point_put, sql_point_again, sql_cell_get, sql_cell_put, sql_cell_before,
    sql_cell_sum_put, sql_cell_seen, sql_points_next, NULL};
