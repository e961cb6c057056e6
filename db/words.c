/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dictionaries. Invariant: name.runs is the number of runs with that name. */
#include "db/words.h"

#include "db/recall.h"
#include "db/sql.h"
#include "db/stmt.h"

static const char sql_word_get[] = "SELECT id FROM word WHERE text = ?1";
static const char sql_word_put[] =
    "INSERT INTO word (text) VALUES (?1) RETURNING id";

static int put(struct conn *c, const char *sql, const char *text, int64_t *ret,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r;

	stmt_bind_text(st, 1, text);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	/* To the end: only then is the row written for certain. */
	return stmt_run(st, err);
}

static int look_up(struct conn *c, const char *sql_get, const char *sql_put,
    const char *text, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_get);
	int r;

	stmt_bind_text(st, 1, text);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	if (r == 0)
		return put(c, sql_put, text, ret, err);
	*ret = stmt_int(st, 0);
	return 0;
}

/* Most come again soon. */
static int get_or_put(struct conn *c, const char *sql_get, const char *sql_put,
    const char *text, int64_t *ret, struct err *err)
{
	struct recall *recall = conn_recall(c);
	size_t len = strlen(text);
	const int64_t *known = recall_get(recall, sql_get, text, len);
	int r;

	if (known) {
		*ret = *known;
		return 0;
	}
	r = look_up(c, sql_get, sql_put, text, ret, err);
	if (r == 0)
		recall_put(recall, sql_get, text, len, ret, sizeof(*ret));
	return r;
}

int word_id(struct conn *c, const char *text, int64_t *ret, struct err *err)
{
	return get_or_put(
	    c, sql_word_get, sql_word_put, text ? text : "", ret, err);
}

static const char sql_evidence_get[] =
    "SELECT id FROM evidence WHERE text = ?1";
static const char sql_evidence_put[] =
    "INSERT INTO evidence (text) VALUES (?1) RETURNING id";

int evidence_id(struct conn *c, const char *text, int64_t *ret, struct err *err)
{
	return get_or_put(
	    c, sql_evidence_get, sql_evidence_put, text, ret, err);
}

static const char sql_name_count[] =
    "INSERT INTO name (name, runs) VALUES (?1, 1) "
    "ON CONFLICT (name) DO UPDATE SET runs = runs + 1 RETURNING id";

int name_count(struct conn *c, const char *name, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_name_count);
	int r;

	stmt_bind_text(st, 1, name ? name : "");
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

const char *const sql_words[] = {sql_word_get, sql_word_put, sql_evidence_get,
    sql_evidence_put, sql_name_count, NULL};
