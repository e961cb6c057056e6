/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which imports there are, and what each of them holds. */
#include <inttypes.h>
#include <math.h>

#include "db/db.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- heads -------------------------------------------------------------- */

/* Rows are numbered without a gap: the last number is their count. */
#define IMPORT_ROWS                                                         \
	"SELECT i.id, i.at_ms, i.who, i.name, i.sha256, i.size, i.format, " \
	"i.facts, "                                                         \
	"(SELECT coalesce(max(s.no) + 1, 0) FROM import_sample s "          \
	"WHERE s.import_id = i.id), "                                       \
	"(SELECT coalesce(max(q.no) + 1, 0) FROM import_ratio q "           \
	"WHERE q.import_id = i.id), "                                       \
	"(SELECT coalesce(max(c.no) + 1, 0) FROM import_case c "            \
	"WHERE c.import_id = i.id) FROM import i "

static void head_row(struct stmt *st, struct db_import_row *ret)
{
	size_t len;
	const void *sha256 = stmt_blob(st, 4, &len);

	*ret = (struct db_import_row){
	    .id = stmt_int(st, 0),
	    .at_ms = stmt_int(st, 1),
	    .who = stmt_text(st, 2),
	    .name = stmt_text(st, 3),
	    .size = stmt_int(st, 5),
	    .format = stmt_text(st, 6),
	    .facts = stmt_text(st, 7),
	    .n_samples = stmt_int(st, 8),
	    .n_ratios = stmt_int(st, 9),
	    .n_cases = stmt_int(st, 10),
	};
	memcpy(ret->sha256, sha256, HASH_BYTES);
}

static const char sql_imports[] =
    IMPORT_ROWS "WHERE i.id < ?1 ORDER BY i.id DESC LIMIT ?2";

int db_imports(struct db_reader *r, int64_t before, int limit,
    bool (*row)(void *arg, const struct db_import_row *im), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_imports);
	struct db_import_row im;
	int e;

	stmt_bind_int(st, 1, before ? before : INT64_MAX);
	stmt_bind_int(st, 2, limit);
	while ((e = stmt_step(st, err)) == 1) {
		head_row(st, &im);
		if (!row(arg, &im))
			return 0;
	}
	return e;
}

static const char sql_import_get[] = IMPORT_ROWS "WHERE i.id = ?1";

int db_import_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_import_row *im), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_get);
	struct db_import_row im;
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(err, ERR_NOTFOUND,
		    "import %" PRId64 ": no such import", id);
	head_row(st, &im);
	(void)row(arg, &im); /* there is only this one */
	return 0;
}

/* ---- samples ------------------------------------------------------------ */

/* What is the same as another machine is shown as that one. */
#define MACHINE(of)                                     \
	"JOIN machine k0 ON k0.id = " of ".machine_id " \
	"JOIN machine k ON k.id = coalesce(k0.same_as, k0.id) "

static const char sql_import_series[] =
    "SELECT p.no, m.text, l.text, u.text, k.name, v.text, g.text, t.text, "
    "p.direction, p.kind, p.n, p.mean, p.m2, p.low, p.high, p.data, p.why "
    "FROM import_sample p JOIN series s ON s.id = p.series_id "
    "JOIN word m ON m.id = s.metric_id JOIN word l ON l.id = p.label_id "
    "JOIN word u ON u.id = s.unit_id " MACHINE(
        "s") "JOIN word v ON v.id = s.variant_id "
             "JOIN word g ON g.id = s.guest_id "
             "JOIN word t ON t.id = s.controller_id "
             "WHERE p.import_id = ?1 AND p.no >= ?2 ORDER BY p.no LIMIT ?3";

static double real_or_nan(struct stmt *st, int i)
{
	return stmt_null(st, i) ? (double)NAN : stmt_real(st, i);
}

/* In the row the values may lie at any address. */
static bool pass_series(struct stmt *st,
    bool (*row)(void *arg, const struct db_import_series *s), void *arg)
{
	size_t len;
	const void *data = stmt_blob(st, 15, &len);
	size_t n = data ? len / sizeof(double) : 0;
	scoped(free) double *values = xcalloc(n + 1, sizeof(double));
	struct db_import_series s = {
	    .no = stmt_int(st, 0),
	    .metric = stmt_text(st, 1),
	    .label = stmt_text(st, 2),
	    .unit = stmt_text(st, 3),
	    .machine = stmt_text(st, 4),
	    .variant = stmt_text(st, 5),
	    .guest = stmt_text(st, 6),
	    .controller = stmt_text(st, 7),
	    .direction = (int)stmt_int(st, 8),
	    .kind = (int)stmt_int(st, 9),
	    .n = stmt_int(st, 10),
	    .mean = stmt_real(st, 11),
	    .m2 = real_or_nan(st, 12),
	    .low = real_or_nan(st, 13),
	    .high = real_or_nan(st, 14),
	    .values = values,
	    .n_values = n,
	    .why = stmt_text_or_null(st, 16),
	};

	if (n)
		memcpy(values, data, n * sizeof(double));
	return row(arg, &s);
}

int db_import_series(struct db_reader *r, const struct db_import_part *part,
    bool (*row)(void *arg, const struct db_import_series *s), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_series);
	int e;

	stmt_bind_int(st, 1, part->import_id);
	stmt_bind_int(st, 2, part->from);
	stmt_bind_int(st, 3, part->limit);
	while ((e = stmt_step(st, err)) == 1)
		if (!pass_series(st, row, arg))
			return 0;
	return e;
}

/* ---- ratios ------------------------------------------------------------- */

static const char sql_import_cells[] =
    "SELECT m.text, q.direction, k.name, d.text, g.text, t.text, b.text, "
    "c.text, q.overhead, q.printed FROM import_ratio q "
    "JOIN word m ON m.id = q.metric_id " MACHINE(
        "q") "JOIN word d ON d.id = q.named_id "
             "JOIN word g ON g.id = q.guest_id "
             "JOIN word t ON t.id = q.controller_id "
             "JOIN word b ON b.id = q.baseline_id "
             "JOIN word c ON c.id = q.candidate_id "
             "WHERE q.import_id = ?1 AND q.no >= ?2 ORDER BY q.no LIMIT ?3";

int db_import_cells(struct db_reader *r, const struct db_import_part *part,
    bool (*row)(void *arg, const struct db_ratio_row *ratio), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_cells);
	int e;

	stmt_bind_int(st, 1, part->import_id);
	stmt_bind_int(st, 2, part->from);
	stmt_bind_int(st, 3, part->limit);
	while ((e = stmt_step(st, err)) == 1) {
		struct db_ratio_row q = {
		    .import_id = part->import_id,
		    .metric = stmt_text(st, 0),
		    .direction = (int)stmt_int(st, 1),
		    .machine = stmt_text(st, 2),
		    .named = stmt_text(st, 3),
		    .guest = stmt_text(st, 4),
		    .controller = stmt_text(st, 5),
		    .baseline = stmt_text(st, 6),
		    .candidate = stmt_text(st, 7),
		    .overhead = stmt_real(st, 8),
		    .printed = stmt_text(st, 9),
		};

		if (!row(arg, &q))
			return 0;
	}
	return e;
}

/* ---- cases -------------------------------------------------------------- */

static const char sql_import_cases[] =
    "SELECT no, name, result, text FROM import_case "
    "WHERE import_id = ?1 AND no >= ?2 AND (?4 = 0 OR result = ?4) "
    "ORDER BY no LIMIT ?3";

int db_import_cases(struct db_reader *r, const struct db_import_part *part,
    int result,
    bool (*row)(void *arg, int64_t no, const struct db_import_case *c),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_cases);
	int e;

	stmt_bind_int(st, 1, part->import_id);
	stmt_bind_int(st, 2, part->from);
	stmt_bind_int(st, 3, part->limit);
	stmt_bind_int(st, 4, result);
	while ((e = stmt_step(st, err)) == 1) {
		struct db_import_case c = {
		    stmt_text(st, 1), (int)stmt_int(st, 2), stmt_text(st, 3)};

		if (!row(arg, stmt_int(st, 0), &c))
			return 0;
	}
	return e;
}

static const char sql_import_results[] =
    "SELECT result, count(*) FROM import_case WHERE import_id = ?1 "
    "GROUP BY result";

int db_import_results(struct db_reader *r, int64_t id,
    void (*row)(void *arg, int result, int64_t n), void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_import_results);
	int e;

	stmt_bind_int(st, 1, id);
	while ((e = stmt_step(st, err)) == 1)
		row(arg, (int)stmt_int(st, 0), stmt_int(st, 1));
	return e;
}

const char *const sql_reader_imports[] = {sql_imports, sql_import_get,
    sql_import_series, sql_import_cells, sql_import_cases, sql_import_results,
    NULL};
