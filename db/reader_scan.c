/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All series, as far as finding changes in them needs it. */
#include <math.h>

#include "base/clock.h"
#include "db/read_series.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

#define PAGE_MS 80    /* a page of heads ends then */
#define PAGE_LOOK 256 /* heads between two looks at the clock */

/* Columns from col on: attempt, branch, environment, value. */
static struct db_scan_point point_at(struct stmt *st, int col)
{
	double v = stmt_real(st, col + 3);

	return (struct db_scan_point){
	    .attempt_id = stmt_int(st, col),
	    .branch_id = stmt_int(st, col + 1),
	    .environment_id = stmt_int(st, col + 2),
	    /* The type is asked for only where it can be NULL. */
	    .value = v == 0 && stmt_null(st, col + 3) ? (double)NAN : v,
	};
}

/* ---- the newest point of each ------------------------------------------- */

static const char sql_heads[] =
    "SELECT s.id, v.text, p.attempt_id, p.branch_id, p.environment_id, "
    "p.value FROM series s CROSS JOIN word v ON v.id = s.variant_id "
    "CROSS JOIN point p ON p.series_id = s.id AND p.attempt_id = "
    "(SELECT max(q.attempt_id) FROM point q WHERE q.series_id = s.id) "
    "WHERE s.id > ?1 ORDER BY s.id";

static int heads(struct db_reader *r, int64_t after,
    void (*row)(void *arg, const struct db_series_head *head), void *arg,
    int64_t *ret_next, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_heads);
	int64_t until_ms = clock_mono_ms() + PAGE_MS;
	size_t n = 0;
	int e;

	stmt_bind_int(st, 1, after);
	*ret_next = 0;
	while ((e = stmt_step(st, err)) == 1) {
		struct db_series_head head = {
		    stmt_int(st, 0), stmt_text(st, 1), point_at(st, 2)};

		row(arg, &head);
		if (++n % PAGE_LOOK == 0 && clock_mono_ms() > until_ms) {
			*ret_next = head.series_id;
			return 0;
		}
	}
	return e;
}

int db_series_heads(struct db_reader *r, int64_t after,
    void (*row)(void *arg, const struct db_series_head *head), void *arg,
    int64_t *ret_next, struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = heads(r, after, row, arg, ret_next, err);
	reader_end(r);
	return e;
}

/* ---- the points of one -------------------------------------------------- */

static const char sql_scan[] =
    "SELECT attempt_id, branch_id, environment_id, value FROM point "
    "WHERE series_id = ?1 ORDER BY attempt_id";

static int scan(struct db_reader *r, int64_t series_id,
    void (*row)(void *arg, const struct db_scan_point *p), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(reader_conn(r), sql_scan);
	int e;

	stmt_bind_int(st, 1, series_id);
	while ((e = stmt_step(st, err)) == 1) {
		struct db_scan_point p = point_at(st, 0);

		row(arg, &p);
	}
	return e;
}

int db_series_scan(struct db_reader *r, int64_t series_id,
    void (*row)(void *arg, const struct db_scan_point *p), void *arg,
    struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = scan(r, series_id, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_scan[] = {sql_heads, sql_scan, NULL};
