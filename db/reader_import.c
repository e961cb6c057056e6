/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Imported numbers, read. */
#include <math.h>

#include "db/db.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* What is the same as another machine counts there. */
#define MACHINE(of)                                     \
	"JOIN machine k0 ON k0.id = " of ".machine_id " \
	"JOIN machine k ON k.id = coalesce(k0.same_as, k0.id) "

static const char sql_ratios[] =
    "SELECT i.id, m.text, q.direction, k.name, d.text, g.text, t.text, "
    "b.text, c.text, q.overhead, q.printed FROM import i "
    "CROSS JOIN import_ratio q ON q.import_id = i.id "
    "JOIN word m ON m.id = q.metric_id " MACHINE(
        "q") "JOIN word d ON d.id = q.named_id JOIN word g ON g.id = "
             "q.guest_id "
             "JOIN word t ON t.id = q.controller_id JOIN word b ON b.id = "
             "q.baseline_id "
             "JOIN word c ON c.id = q.candidate_id "
             "WHERE i.at_ms >= ?1 AND (?2 = 0 OR i.at_ms < ?2) AND "
             "(?3 IS NULL OR m.text = ?3) ORDER BY i.id, q.no";

static void bind(struct stmt *st, const struct db_window *w)
{
	stmt_bind_int(st, 1, w->since_ms);
	stmt_bind_int(st, 2, w->until_ms);
	stmt_bind_text(st, 3, w->metric);
}

int db_import_ratios(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_ratio_row *ratio), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_ratios);
	int e;

	bind(st, w);
	while ((e = stmt_step(st, err)) == 1) {
		struct db_ratio_row q = {
		    .import_id = stmt_int(st, 0),
		    .metric = stmt_text(st, 1),
		    .direction = (int)stmt_int(st, 2),
		    .machine = stmt_text(st, 3),
		    .named = stmt_text(st, 4),
		    .guest = stmt_text(st, 5),
		    .controller = stmt_text(st, 6),
		    .baseline = stmt_text(st, 7),
		    .candidate = stmt_text(st, 8),
		    .overhead = stmt_real(st, 9),
		    .printed = stmt_text(st, 10),
		};

		if (!row(arg, &q))
			return 0;
	}
	return e;
}

/* ---- values ------------------------------------------------------------- */

#define VALUE_ROWS(columns)                                                  \
	"SELECT i.id, m.text, l.text, u.text, p.direction, k.name, v.text, " \
	"g.text, t.text, " columns " FROM import i "                         \
	"CROSS JOIN import_sample p ON p.import_id = i.id "                  \
	"JOIN series s ON s.id = p.series_id "                               \
	"JOIN word m ON m.id = s.metric_id "                                 \
	"JOIN word l ON l.id = p.label_id "                                  \
	"JOIN word u ON u.id = s.unit_id " MACHINE(                          \
	    "s") "JOIN word v ON v.id = s.variant_id "                       \
	         "JOIN word g ON g.id = s.guest_id "                         \
	         "JOIN word t ON t.id = s.controller_id "                    \
	         "WHERE i.at_ms >= ?1 AND (?2 = 0 OR i.at_ms < ?2) AND "     \
	         "(?3 IS NULL OR m.text = ?3) AND p.why IS NULL AND "

static const char sql_import_values[] =
    VALUE_ROWS("p.data") "p.data IS NOT NULL ORDER BY i.id, p.no";

/* In the row the values may lie at any address. */
static bool pass(struct stmt *st,
    bool (*row)(void *arg, const struct db_import_values *v), void *arg)
{
	size_t len;
	const void *data = stmt_blob(st, 9, &len);
	size_t n = len / sizeof(double);
	scoped(free) double *values = xcalloc(n, sizeof(double));
	struct db_import_values v = {
	    .import_id = stmt_int(st, 0),
	    .metric = stmt_text(st, 1),
	    .label = stmt_text(st, 2),
	    .unit = stmt_text(st, 3),
	    .direction = (int)stmt_int(st, 4),
	    .machine = stmt_text(st, 5),
	    .variant = stmt_text(st, 6),
	    .guest = stmt_text(st, 7),
	    .controller = stmt_text(st, 8),
	    .values = values,
	    .n_values = n,
	};

	memcpy(values, data, n * sizeof(double));
	return row(arg, &v);
}

int db_import_samples(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_import_values *v), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_values);
	int e;

	bind(st, w);
	while ((e = stmt_step(st, err)) == 1)
		if (!pass(st, row, arg))
			return 0;
	return e;
}

/* ---- summaries ---------------------------------------------------------- */

static const char sql_import_summaries[] = VALUE_ROWS(
    "p.kind, p.n, p.mean, p.m2") "p.data IS NULL ORDER BY i.id, p.no";

static double deviation(struct stmt *st, int m2, int64_t n)
{
	return stmt_null(st, m2) || n < 2
	    ? (double)NAN
	    : sqrt(stmt_real(st, m2) / (double)(n - 1));
}

int db_import_summaries(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_import_summary *s), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_summaries);
	int e;

	bind(st, w);
	while ((e = stmt_step(st, err)) == 1) {
		struct db_import_summary s = {
		    .metric = stmt_text(st, 1),
		    .label = stmt_text(st, 2),
		    .unit = stmt_text(st, 3),
		    .direction = (int)stmt_int(st, 4),
		    .machine = stmt_text(st, 5),
		    .variant = stmt_text(st, 6),
		    .guest = stmt_text(st, 7),
		    .controller = stmt_text(st, 8),
		    .kind = (int)stmt_int(st, 9),
		    .n = stmt_int(st, 10),
		    .mean = stmt_real(st, 11),
		    .sd = deviation(st, 12, stmt_int(st, 10)),
		};

		if (!row(arg, &s))
			return 0;
	}
	return e;
}

const char *const sql_reader_import[] = {
    sql_ratios, sql_import_values, sql_import_summaries, NULL};
