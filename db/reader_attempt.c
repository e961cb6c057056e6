/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what attempts left behind: files, facts, the series of a run. */
#include "db/db.h"
#include "db/mark.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- files -------------------------------------------------------------- */

static const char sql_files_of_attempt[] =
    "SELECT name, sha256, size FROM attempt_file WHERE attempt_id = ?1 "
    "ORDER BY name, sha256";

int db_attempt_files(struct db_reader *r, int64_t attempt_id,
    bool (*row)(void *arg, const struct db_attempt_file *file), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_files_of_attempt);
	struct db_attempt_file f = {.attempt_id = attempt_id};
	size_t len;
	int e;

	stmt_bind_int(st, 1, attempt_id);
	while ((e = stmt_step(st, err)) == 1) {
		f.name = stmt_text(st, 0);
		memcpy(f.sha256, stmt_blob(st, 1, &len), HASH_BYTES);
		f.size = stmt_int(st, 2);
		if (!row(arg, &f))
			return 0;
	}
	return e;
}

static const char sql_is_output[] =
    "SELECT 1 FROM attempt_file WHERE sha256 = ?1 UNION ALL "
    "SELECT 1 FROM import WHERE sha256 = ?1 LIMIT 1";

int db_file_is_output(struct db_reader *r, const uint8_t sha256[HASH_BYTES],
    bool *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_is_output);
	int e;

	stmt_bind_blob(st, 1, sha256, HASH_BYTES);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	*ret = e == 1;
	return 0;
}

/* ---- facts -------------------------------------------------------------- */

static const char sql_env[] =
    "SELECT k.text, w.text FROM attempt_env e "
    "JOIN word k ON k.id = e.key_id JOIN word w ON w.id = e.value_id "
    "WHERE e.attempt_id = ?1 ORDER BY k.text";

int db_env(struct db_reader *r, int64_t attempt_id,
    bool (*row)(void *arg, const char *key, const char *value), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(reader_conn(r), sql_env);
	int e;

	stmt_bind_int(st, 1, attempt_id);
	while ((e = stmt_step(st, err)) == 1)
		if (!row(arg, stmt_text(st, 0), stmt_text(st, 1)))
			return 0;
	return e;
}

/* ---- the series of a run ------------------------------------------------ */

/* From the jobs to their samples, whatever the planner thinks is small. */
static const char sql_run_samples[] =
    "SELECT j.id, p.attempt_id, i.text, k.name, m.text, u.text, v.text, "
    "g.text, t.text, p.data, p.marks FROM run r "
    "CROSS JOIN job j ON j.id >= r.first_job AND "
    "j.id < r.first_job + r.n_total "
    "CROSS JOIN sample p ON p.attempt_id = j.last_attempt "
    "JOIN word i ON i.id = j.item_id JOIN series s ON s.id = p.series_id "
    "JOIN machine k ON k.id = s.machine_id "
    "JOIN word m ON m.id = s.metric_id JOIN word u ON u.id = s.unit_id "
    "JOIN word v ON v.id = s.variant_id JOIN word g ON g.id = s.guest_id "
    "JOIN word t ON t.id = s.controller_id "
    "WHERE r.id = ?1 AND j.state = 6 AND j.outcome = 1 "
    "ORDER BY j.id, m.text, g.text, t.text, v.text, p.series_id";

static void sample_row(struct stmt *st, struct db_run_sample *ret)
{
	*ret = (struct db_run_sample){
	    .job_id = stmt_int(st, 0),
	    .attempt_id = stmt_int(st, 1),
	    .item = stmt_text(st, 2),
	    .machine = stmt_text(st, 3),
	    .metric = stmt_text(st, 4),
	    .unit = stmt_text(st, 5),
	    .variant = stmt_text(st, 6),
	    .guest = stmt_text(st, 7),
	    .controller = stmt_text(st, 8),
	};
}

/* 1: go on; 0: row ended it. */
static int pass_run_sample(struct stmt *st,
    bool (*row)(void *arg, const struct db_run_sample *s), void *arg,
    struct err *err)
{
	scoped(free) struct db_sample_mark *marks = NULL;
	scoped(free) double *values = NULL;
	struct db_run_sample s;
	const void *data;
	size_t len;
	int e = 0;

	sample_row(st, &s);
	data = stmt_blob(st, 9, &len);
	/* In the row it may lie at any address. */
	s.n_values = len / sizeof(double);
	values = xcalloc(s.n_values, sizeof(double));
	memcpy(values, data, s.n_values * sizeof(double));
	s.values = values;
	if (!stmt_null(st, 10)) {
		data = stmt_blob(st, 10, &len);
		e = mark_decode(data, len, s.n_values, &marks, err);
	}
	s.marks = marks;
	return e < 0 ? e : row(arg, &s);
}

static int pass_run_samples(struct stmt *st,
    bool (*row)(void *arg, const struct db_run_sample *s), void *arg,
    struct err *err)
{
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		e = pass_run_sample(st, row, arg, err);
		if (e <= 0)
			return e;
	}
	return e;
}

int db_run_samples(struct db_reader *r, int64_t run_id,
    bool (*row)(void *arg, const struct db_run_sample *s), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_run_samples);
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	stmt_bind_int(st, 1, run_id);
	e = pass_run_samples(st, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_attempt[] = {
    sql_files_of_attempt, sql_is_output, sql_env, sql_run_samples, NULL};
