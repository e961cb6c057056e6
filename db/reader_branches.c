/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which series are one, and the branches of it. */
#include <stdlib.h>

#include "db/read_series.h"
#include "db/reader.h"
#include "db/series.h"
#include "db/sql.h"
#include "db/stmt.h"

#define IMPORTED "imported"

/* ---- which are one ------------------------------------------------------ */

static const char sql_same_any[] =
    "SELECT 1 FROM machine m WHERE m.same_as IS NOT NULL LIMIT 1";
static const char sql_series_group[] =
    "SELECT t.id FROM series s CROSS JOIN machine k ON k.id = s.machine_id "
    "CROSS JOIN machine o ON "
    "coalesce(o.same_as, o.id) = coalesce(k.same_as, k.id) "
    "CROSS JOIN series t ON t.metric_id = s.metric_id AND "
    "t.machine_id = o.id AND t.variant_id = s.variant_id AND "
    "t.guest_id = s.guest_id AND t.controller_id = s.controller_id AND "
    "t.unit_id = s.unit_id WHERE s.id = ?1 AND t.id <> s.id";

static int has_same(struct db_reader *r, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_same_any);

	return stmt_step(st, err);
}

static void group_add(struct series_group *g, int64_t id)
{
	g->ids = xrealloc(g->ids, g->n + 1, sizeof(g->ids[0]));
	g->ids[g->n++] = id;
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_others(
    struct db_reader *r, int64_t id, struct series_group *g, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_series_group);
	int e;

	stmt_bind_int(st, 1, id);
	while ((e = stmt_step(st, err)) == 1)
		group_add(g, stmt_int(st, 0));
	qsort(g->ids, g->n, sizeof(g->ids[0]), compare_ids);
	return e;
}

int series_group(
    struct db_reader *r, int64_t id, struct series_group *ret, struct err *err)
{
	scoped_val(series_group_done) struct series_group g = {NULL, 0};
	int e = has_same(r, err);

	group_add(&g, id);
	if (e > 0)
		e = add_others(r, id, &g, err);
	if (e < 0)
		return e;
	*ret = g;
	g = (struct series_group){NULL, 0};
	return 0;
}

void series_group_done(struct series_group *g)
{
	free(g->ids);
}

/* ---- branches ----------------------------------------------------------- */

void branch_text(struct buf *to, const char *project, const char *name)
{
	buf_reset(to);
	if (*project)
		buf_printf(to, "%s/", project);
	buf_puts(to, name);
}

struct branch {
	struct db_series_branch b;
	char *label;
	char *text;
};

/* Those of all series of a group. */
struct branches {
	struct branch *v;
	size_t n;
	/* Imported values without a label. */
	int64_t loose;
	int64_t loose_at_ms;
};

static void branches_done(struct branches *bs)
{
	for (size_t i = 0; i < bs->n; i++) {
		free(bs->v[i].label);
		free(bs->v[i].text);
	}
	free(bs->v);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* To the one of that name, which is made when new. */
static void branches_add(struct branches *bs, int64_t id, const char *label,
    const char *text, int64_t points, int64_t at_ms)
{
	size_t i = 0;

	while (
	    i < bs->n && (bs->v[i].b.id != id || strcmp(bs->v[i].text, text)))
		i++;
	if (i == bs->n) {
		bs->v = xrealloc(bs->v, bs->n + 1, sizeof(bs->v[0]));
		bs->v[bs->n++] = (struct branch){.b = {.id = id},
		    .label = xstrdup(label),
		    .text = xstrdup(text)};
	}
	bs->v[i].b.points += points;
	bs->v[i].b.last_at_ms = later(bs->v[i].b.last_at_ms, at_ms);
}

static const char sql_branches[] =
    "SELECT c.branch_id, w.text, n.name, c.points, a.started_at_ms FROM "
    "(SELECT p.branch_id, count(*) AS points, max(p.attempt_id) AS last "
    "FROM point p WHERE p.series_id = ?1 GROUP BY p.branch_id) c "
    "CROSS JOIN branch b ON b.id = c.branch_id "
    "CROSS JOIN word w ON w.id = b.project_id "
    "CROSS JOIN name n ON n.id = b.name_id "
    "CROSS JOIN attempt a ON a.id = c.last";

static int add_measured(
    struct db_reader *r, int64_t id, struct branches *bs, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_branches);
	scoped_val(buf_done) struct buf text = BUF_INIT(BRANCH_BYTES);
	int e;

	stmt_bind_int(st, 1, id);
	while ((e = stmt_step(st, err)) == 1) {
		branch_text(&text, stmt_text(st, 1), stmt_text(st, 2));
		branches_add(bs, stmt_int(st, 0), "", buf_str(&text),
		    stmt_int(st, 3), stmt_int(st, 4));
	}
	return e;
}

/* 1: values. */
static const char sql_branches_imported[] =
    "SELECT l.text, count(*), max(i.at_ms) FROM import_sample q "
    "CROSS JOIN import i ON i.id = q.import_id "
    "CROSS JOIN word l ON l.id = q.label_id "
    "WHERE q.series_id = ?1 AND q.kind = 1 GROUP BY q.label_id";

static int add_imported(
    struct db_reader *r, int64_t id, struct branches *bs, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_branches_imported);
	int e;

	stmt_bind_int(st, 1, id);
	while ((e = stmt_step(st, err)) == 1) {
		const char *label = stmt_text(st, 0);
		scoped(free) char *text = xasprintf(IMPORTED "/%s", label);

		if (*label) {
			branches_add(bs, 0, label, text, stmt_int(st, 1),
			    stmt_int(st, 2));
			continue;
		}
		bs->loose += stmt_int(st, 1);
		bs->loose_at_ms = later(bs->loose_at_ms, stmt_int(st, 2));
	}
	return e;
}

/* They stand in every branch of runs. */
static void spread_loose(struct branches *bs)
{
	bool any = false;

	for (size_t i = 0; bs->loose && i < bs->n; i++) {
		if (!bs->v[i].b.id)
			continue;
		any = true;
		bs->v[i].b.points += bs->loose;
		bs->v[i].b.last_at_ms =
		    later(bs->v[i].b.last_at_ms, bs->loose_at_ms);
	}
	if (bs->loose && !any)
		branches_add(bs, 0, "", IMPORTED, bs->loose, bs->loose_at_ms);
}

static int compare_branches(const void *a, const void *b)
{
	const struct branch *x = a;
	const struct branch *y = b;

	return strcmp(x->text, y->text);
}

static int read_branches(
    struct db_reader *r, int64_t id, struct branches *bs, struct err *err)
{
	scoped_val(series_group_done) struct series_group g = {NULL, 0};
	int e = series_group(r, id, &g, err);

	for (size_t i = 0; e == 0 && i < g.n; i++) {
		e = add_measured(r, g.ids[i], bs, err);
		if (e == 0)
			e = add_imported(r, g.ids[i], bs, err);
	}
	if (e < 0)
		return e;
	spread_loose(bs);
	if (bs->n)
		qsort(bs->v, bs->n, sizeof(bs->v[0]), compare_branches);
	return 0;
}

int db_series_branches(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_series_branch *b), void *arg,
    struct err *err)
{
	scoped_val(branches_done) struct branches bs = {.v = NULL};
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = read_branches(r, id, &bs, err);
	reader_end(r);
	for (size_t i = 0; e == 0 && i < bs.n; i++) {
		bs.v[i].b.label = bs.v[i].label;
		bs.v[i].b.branch = bs.v[i].text;
		if (!row(arg, &bs.v[i].b))
			break;
	}
	return e;
}

static const char sql_branch_get[] =
    "SELECT w.text, n.name FROM branch b JOIN word w ON w.id = b.project_id "
    "JOIN name n ON n.id = b.name_id WHERE b.id = ?1";

int db_branch_get(struct db_reader *r, int64_t id, char **ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_branch_get);
	scoped_val(buf_done) struct buf text = BUF_INIT(BRANCH_BYTES);
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e == 0)
		return err_set(err, ERR_NOTFOUND, "no such branch");
	if (e < 0)
		return e;
	branch_text(&text, stmt_text(st, 0), stmt_text(st, 1));
	*ret = buf_take(&text);
	return 0;
}

const char *const sql_reader_branches[] = {sql_same_any, sql_series_group,
    sql_branches, sql_branches_imported, sql_branch_get, NULL};
