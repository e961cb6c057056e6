/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Imports, written. Invariants: an import and all that its file says are one
 * transaction; a key is there once, whoever comes first.
 */
#include "db/db.h"
#include "db/reader.h"
#include "db/sample.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/tx.h"
#include "db/words.h"

/* ---- the machine -------------------------------------------------------- */

static const char sql_import_machine[] =
    "SELECT coalesce(m.same_as, m.id) FROM machine m WHERE m.name = ?1 "
    "UNION ALL SELECT a.machine_id FROM machine_alias a WHERE a.name = ?1 "
    "LIMIT 1";
static const char sql_import_machine_put[] =
    "INSERT INTO machine (name, platform_id, health, why, since_ms) "
    "VALUES (?1, ?2, 0, '', ?3) RETURNING id";

static int machine_make(struct conn *c, const char *name, int64_t at_ms,
    int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(c, sql_import_machine_put);
	int64_t none = 0;
	int r = word_id(c, "", &none, err);

	if (r < 0)
		return r;
	stmt_bind_text(st, 1, name);
	stmt_bind_int(st, 2, none);
	stmt_bind_int(st, 3, at_ms);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

/* Whether the name is two machines' was seen before: db_machine_named(). */
static int machine_of(struct conn *c, const char *name, int64_t at_ms,
    int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_import_machine);
	int r;

	stmt_bind_text(st, 1, name);
	r = stmt_step(st, err);
	if (r == 0)
		return machine_make(c, name, at_ms, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

/* ---- rows --------------------------------------------------------------- */

static const char sql_import_put[] =
    "INSERT INTO import (key, at_ms, who, name, sha256, size, format, facts) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (key) DO NOTHING "
    "RETURNING id";

/* 1 and its id; 0: there is one with this key. */
static int head_put(
    struct conn *c, const struct db_import *im, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_import_put);
	int r;

	stmt_bind_blob(st, 1, im->key, HASH_BYTES);
	stmt_bind_int(st, 2, im->at_ms);
	stmt_bind_text(st, 3, im->who);
	stmt_bind_text(st, 4, im->name);
	stmt_bind_blob(st, 5, im->sha256, HASH_BYTES);
	stmt_bind_int(st, 6, im->size);
	stmt_bind_text(st, 7, im->format);
	stmt_bind_text(st, 8, im->facts);
	r = stmt_step(st, err);
	if (r <= 0)
		return r;
	*ret = stmt_int(st, 0);
	r = stmt_run(st, err);
	return r < 0 ? r : 1;
}

static const char sql_import_sample_put[] =
    "INSERT INTO import_sample (import_id, no, series_id, label_id, "
    "direction, kind, n, mean, m2, low, high, data, why) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

static int sample_ids(struct conn *c, const struct db_import *im,
    const struct db_import_sample *s, int64_t *ret_series, int64_t *ret_label,
    struct err *err)
{
	struct db_sample of = {
	    .metric = s->metric,
	    .unit = s->unit,
	    .variant = s->variant,
	    .guest = s->guest,
	    .controller = s->controller,
	};
	int r = machine_of(c, s->machine, im->at_ms, &of.machine_id, err);

	if (r == 0)
		r = series_id(c, &of, ret_series, err);
	return r < 0 ? r : word_id(c, s->label, ret_label, err);
}

static int sample_put(struct conn *c, const struct db_import *im, int64_t id,
    size_t no, struct err *err)
{
	const struct db_import_sample *s = &im->samples[no];
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_import_sample_put);
	int64_t series = 0;
	int64_t label = 0;
	int r = sample_ids(c, im, s, &series, &label, err);

	if (r < 0)
		return r;
	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, (int64_t)no);
	stmt_bind_int(st, 3, series);
	stmt_bind_int(st, 4, label);
	stmt_bind_int(st, 5, s->direction);
	stmt_bind_int(st, 6, s->kind);
	stmt_bind_int(st, 7, s->n);
	stmt_bind_real(st, 8, s->mean);
	/* SQLite takes NAN for NULL. */
	stmt_bind_real(st, 9, s->m2);
	stmt_bind_real(st, 10, s->low);
	stmt_bind_real(st, 11, s->high);
	if (s->values)
		stmt_bind_blob(
		    st, 12, s->values, (size_t)s->n * sizeof(double));
	else
		stmt_bind_text(st, 12, NULL);
	stmt_bind_text(st, 13, s->why);
	return stmt_run(st, err);
}

static const char sql_import_ratio_put[] =
    "INSERT INTO import_ratio (import_id, no, metric_id, direction, "
    "machine_id, named_id, guest_id, controller_id, baseline_id, "
    "candidate_id, overhead, printed) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

static int ratio_words(struct conn *c, struct stmt *st,
    const struct db_import_ratio *q, struct err *err)
{
	const struct {
		const char *text;
		int at;
	} words[] = {{q->metric, 3}, {q->machine, 6}, {q->guest, 7},
	    {q->controller, 8}, {q->baseline, 9}, {q->candidate, 10}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(words) / sizeof(*words); i++) {
		int64_t id = 0;

		r = word_id(c, words[i].text, &id, err);
		stmt_bind_int(st, words[i].at, id);
	}
	return r;
}

static int ratio_put(struct conn *c, const struct db_import *im, int64_t id,
    size_t no, struct err *err)
{
	const struct db_import_ratio *q = &im->ratios[no];
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_import_ratio_put);
	int64_t machine = 0;
	int r = machine_of(c, q->machine, im->at_ms, &machine, err);

	if (r == 0)
		r = ratio_words(c, st, q, err);
	if (r < 0)
		return r;
	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, (int64_t)no);
	stmt_bind_int(st, 4, q->direction);
	stmt_bind_int(st, 5, machine);
	stmt_bind_real(st, 11, q->overhead);
	stmt_bind_text(st, 12, q->printed);
	return stmt_run(st, err);
}

static const char sql_import_case_put[] =
    "INSERT INTO import_case (import_id, no, name, result, text) "
    "VALUES (?1, ?2, ?3, ?4, ?5)";

static int case_put(struct conn *c, const struct db_import *im, int64_t id,
    size_t no, struct err *err)
{
	const struct db_import_case *q = &im->cases[no];
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_import_case_put);

	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, (int64_t)no);
	stmt_bind_text(st, 3, q->name);
	stmt_bind_int(st, 4, q->result);
	stmt_bind_text(st, 5, q->text);
	return stmt_run(st, err);
}

static int import_put(struct conn *c, const void *arg, struct err *err)
{
	const struct db_import *im = arg;
	int64_t id = 0;
	int r = head_put(c, im, &id, err);

	if (r <= 0)
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && i < im->n_samples; i++)
		r = sample_put(c, im, id, i, err);
	for (size_t i = 0; r == 0 && i < im->n_ratios; i++)
		r = ratio_put(c, im, id, i, err);
	for (size_t i = 0; r == 0 && i < im->n_cases; i++)
		r = case_put(c, im, id, i, err);
	return r;
}

/* ---- the copy ----------------------------------------------------------- */

static void copy_samples(struct db_tx *tx, struct db_import *to)
{
	struct db_import_sample *s =
	    tx_copy(tx, to->samples, to->n_samples * sizeof(*s));

	to->samples = s;
	for (size_t i = 0; i < to->n_samples; i++) {
		s[i].metric = tx_str(tx, s[i].metric);
		s[i].label = tx_str(tx, s[i].label);
		s[i].unit = tx_str(tx, s[i].unit);
		s[i].machine = tx_str(tx, s[i].machine);
		s[i].variant = tx_str(tx, s[i].variant);
		s[i].guest = tx_str(tx, s[i].guest);
		s[i].controller = tx_str(tx, s[i].controller);
		s[i].why = tx_str(tx, s[i].why);
		if (s[i].values)
			s[i].values = tx_copy(
			    tx, s[i].values, (size_t)s[i].n * sizeof(double));
	}
}

static void copy_ratios(struct db_tx *tx, struct db_import *to)
{
	struct db_import_ratio *q =
	    tx_copy(tx, to->ratios, to->n_ratios * sizeof(*q));

	to->ratios = q;
	for (size_t i = 0; i < to->n_ratios; i++) {
		q[i].metric = tx_str(tx, q[i].metric);
		q[i].machine = tx_str(tx, q[i].machine);
		q[i].guest = tx_str(tx, q[i].guest);
		q[i].controller = tx_str(tx, q[i].controller);
		q[i].baseline = tx_str(tx, q[i].baseline);
		q[i].candidate = tx_str(tx, q[i].candidate);
		q[i].printed = tx_str(tx, q[i].printed);
	}
}

static void copy_cases(struct db_tx *tx, struct db_import *to)
{
	struct db_import_case *q =
	    tx_copy(tx, to->cases, to->n_cases * sizeof(*q));

	to->cases = q;
	for (size_t i = 0; i < to->n_cases; i++) {
		q[i].name = tx_str(tx, q[i].name);
		q[i].text = tx_str(tx, q[i].text);
	}
}

void db_tx_import(struct db_tx *tx, const struct db_import *im)
{
	struct db_import *to = tx_copy(tx, im, sizeof(*im));

	to->who = tx_str(tx, im->who);
	to->name = tx_str(tx, im->name);
	to->format = tx_str(tx, im->format);
	to->facts = tx_str(tx, im->facts);
	copy_samples(tx, to);
	copy_ratios(tx, to);
	copy_cases(tx, to);
	tx_op(tx, "import of bytes", im->size, import_put, to);
}

/* ---- found again -------------------------------------------------------- */

static const char sql_import_find[] = "SELECT id FROM import WHERE key = ?1";

int db_import_find(struct db *db, const uint8_t key[HASH_BYTES],
    int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(db->reader), sql_import_find);
	int r;

	stmt_bind_blob(st, 1, key, HASH_BYTES);
	r = stmt_step(st, err);
	if (r == 0)
		return err_set(err, ERR_NOTFOUND, "import: no such key");
	if (r > 0)
		*ret_id = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

const char *const sql_import[] = {sql_import_machine, sql_import_machine_put,
    sql_import_put, sql_import_sample_put, sql_import_ratio_put,
    sql_import_case_put, sql_import_find, NULL};
