/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Declared metrics: what numbers of suites mean. */
#include "db/read_metric.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"

static const char sql_metric_put[] =
    "INSERT INTO metric (name, unit, direction, margin) "
    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO UPDATE "
    "SET margin = excluded.margin WHERE unit = excluded.unit "
    "AND direction = excluded.direction";

static int metric_put(struct conn *c, const void *arg, struct err *err)
{
	const struct db_metric *m = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_metric_put);

	stmt_bind_text(st, 1, m->name);
	stmt_bind_text(st, 2, m->unit);
	stmt_bind_int(st, 3, m->direction);
	stmt_bind_real(st, 4, m->margin);
	return stmt_run(st, err);
}

void db_tx_metric(struct db_tx *tx, const struct db_metric *m)
{
	struct db_metric *to = tx_copy(tx, m, sizeof(*m));

	to->name = tx_str(tx, m->name);
	to->unit = tx_str(tx, m->unit);
	tx_op(tx, "metric", 0, metric_put, to);
}

static const char sql_metrics[] =
    "SELECT name, unit, direction, margin FROM metric ORDER BY name";

int db_metrics(struct db_reader *r,
    bool (*row)(void *arg, const struct db_metric *m), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_metrics);
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		struct db_metric m = {stmt_text(st, 0), stmt_text(st, 1),
		    (enum bench_direction)stmt_int(st, 2), stmt_real(st, 3)};

		if (!row(arg, &m))
			return 0;
	}
	return e;
}

static const char sql_metric_find[] =
    "SELECT direction, margin FROM metric WHERE name = ?1 AND unit = ?2";

int db_metric_find(struct db_reader *r, const char *name, const char *unit,
    enum bench_direction *ret_direction, double *ret_margin, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_metric_find);
	int e;

	stmt_bind_text(st, 1, name);
	stmt_bind_text(st, 2, unit);
	e = stmt_step(st, err);
	if (e == 1) {
		*ret_direction = (enum bench_direction)stmt_int(st, 0);
		*ret_margin = stmt_real(st, 1);
	}
	return e;
}

const char *const sql_metric[] = {
    sql_metric_put, sql_metrics, sql_metric_find, NULL};
