/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measured numbers: one row per series and attempt. Values are stored as they
 * lie in memory, which is little-endian on every machine this runs on.
 */
#include <assert.h>

#include "db/db.h"
#include "db/mark.h"
#include "db/recall.h"
#include "db/sample.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"
#include "db/words.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "see above");

/* ---- which series ------------------------------------------------------- */

struct series {
	int64_t metric;
	int64_t machine;
	int64_t variant;
	int64_t guest;
	int64_t controller;
	int64_t unit;
};

static void series_bind(struct stmt *st, const struct series *s)
{
	stmt_bind_int(st, 1, s->metric);
	stmt_bind_int(st, 2, s->machine);
	stmt_bind_int(st, 3, s->variant);
	stmt_bind_int(st, 4, s->guest);
	stmt_bind_int(st, 5, s->controller);
	stmt_bind_int(st, 6, s->unit);
}

static int series_words(struct conn *c, const struct db_sample *s,
    struct series *ret, struct err *err)
{
	int r = word_id(c, s->metric, &ret->metric, err);

	ret->machine = s->machine_id;
	if (r == 0)
		r = word_id(c, s->unit, &ret->unit, err);
	if (r == 0)
		r = word_id(c, s->variant, &ret->variant, err);
	if (r == 0)
		r = word_id(c, s->guest, &ret->guest, err);
	if (r == 0)
		r = word_id(c, s->controller, &ret->controller, err);
	return r;
}

static const char sql_series_get[] =
    "SELECT id FROM series WHERE metric_id = ?1 AND machine_id = ?2 AND "
    "variant_id = ?3 AND guest_id = ?4 AND controller_id = ?5 AND "
    "unit_id = ?6";
static const char sql_series_put[] =
    "INSERT INTO series (metric_id, machine_id, variant_id, guest_id, "
    "controller_id, unit_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";

static int series_put(
    struct conn *c, const struct series *s, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_series_put);
	int r;

	series_bind(st, s);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

static int series_look_up(
    struct conn *c, const struct series *s, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_series_get);
	int r;

	series_bind(st, s);
	r = stmt_step(st, err);
	if (r == 0)
		return series_put(c, s, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

int series_id(struct conn *c, const struct db_sample *sample, int64_t *ret,
    struct err *err)
{
	struct recall *recall = conn_recall(c);
	struct series s = {0};
	const int64_t *known;
	int r = series_words(c, sample, &s, err);

	if (r < 0)
		return r;
	known = recall_get(recall, sql_series_get, &s, sizeof(s));
	if (known) {
		*ret = *known;
		return 0;
	}
	r = series_look_up(c, &s, ret, err);
	if (r == 0)
		recall_put(
		    recall, sql_series_get, &s, sizeof(s), ret, sizeof(*ret));
	return r;
}

/* ---- the row ------------------------------------------------------------ */

struct sample {
	struct db_sample s; /* all in the transaction; no marks */
	const void *marks;  /* encoded, or NULL */
	size_t marks_len;
};

static const char sql_sample_put[] =
    "INSERT INTO sample (attempt_id, series_id, data, marks) "
    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (attempt_id, series_id) DO UPDATE "
    "SET data = excluded.data, marks = excluded.marks";

static int sample_put(struct conn *c, const void *arg, struct err *err)
{
	const struct sample *sample = arg;
	const struct db_sample *s = &sample->s;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_sample_put);
	int64_t series = 0;
	int r = series_id(c, s, &series, err);

	if (r < 0)
		return r;
	stmt_bind_int(st, 1, s->attempt_id);
	stmt_bind_int(st, 2, series);
	stmt_bind_blob(st, 3, s->values, s->n_values * sizeof(double));
	stmt_bind_blob(st, 4, sample->marks, sample->marks_len);
	return stmt_run(st, err);
}

static void copy_marks(
    struct db_tx *tx, const struct db_sample *from, struct sample *to)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(MARKS_MAX);

	mark_encode(from->marks, from->n_values, &body);
	/* An attempt's events are bounded, and say more than their marks. */
	if (body.failed)
		abort();
	to->marks = tx_copy(tx, body.data, body.len);
	to->marks_len = body.len;
}

void db_tx_sample(struct db_tx *tx, const struct db_sample *sample)
{
	struct sample *to = tx_alloc(tx, 1, sizeof(*to));

	assert(sample->n_values > 0);
	to->s = *sample;
	to->s.metric = tx_str(tx, sample->metric);
	to->s.unit = tx_str(tx, sample->unit);
	to->s.variant = tx_str(tx, sample->variant);
	to->s.guest = tx_str(tx, sample->guest);
	to->s.controller = tx_str(tx, sample->controller);
	to->s.values =
	    tx_copy(tx, sample->values, sample->n_values * sizeof(double));
	to->s.marks = NULL;
	if (sample->marks)
		copy_marks(tx, sample, to);
	tx_op(tx, "sample of attempt", sample->attempt_id, sample_put, to);
}

const char *const sql_sample[] = {
    sql_series_get, sql_series_put, sql_sample_put, NULL};
