/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One series in the order of time. The facts of an attempt are compared as
 * numbers of words with those of the attempt before: their texts are looked up
 * only where one differs.
 */
#include "base/str.h"
#include "db/environment.h"
#include "db/mark.h"
#include "db/read_series.h"
#include "db/reader.h"
#include "db/series.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- environments ------------------------------------------------------- */

struct fact {
	int64_t key;
	int64_t value;
};

struct facts {
	struct fact *v;
	size_t n;
};

struct known_key {
	int64_t id;
	char *text; /* NULL: it makes no environment */
};

struct environments {
	struct facts now;
	struct facts last; /* those of text */
	struct known_key *keys;
	size_t n_keys;
	size_t next_key; /* where the next one is looked for first */
	char *text;      /* of the point before */
};

static void environments_done(struct environments *e)
{
	for (size_t i = 0; i < e->n_keys; i++)
		free(e->keys[i].text);
	free(e->keys);
	free(e->now.v);
	free(e->last.v);
	free(e->text);
}

static const char sql_word_text[] = "SELECT text FROM word WHERE id = ?1";

/* Caller frees. */
static int word_text(
    struct db_reader *r, int64_t id, char **ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_word_text);
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	*ret = xstrdup(e ? stmt_text(st, 0) : "");
	return 0;
}

/* *ret is NULL for a key that makes no environment. */
static int key_text(struct environments *e, struct db_reader *r, int64_t id,
    const char **ret, struct err *err)
{
	scoped(free) char *text = NULL;
	int x;

	/* Keys come in the same order from attempt to attempt. */
	for (size_t i = 0; i < e->n_keys; i++) {
		size_t k = (e->next_key + i) % e->n_keys;

		if (e->keys[k].id != id)
			continue;
		e->next_key = k + 1;
		*ret = e->keys[k].text;
		return 0;
	}
	x = word_text(r, id, &text, err);
	if (x < 0)
		return x;
	e->keys = xrealloc(e->keys, e->n_keys + 1, sizeof(e->keys[0]));
	*ret = db_env_is_segment(text) && !strpbrk(text, "=\n") ? text : NULL;
	e->keys[e->n_keys++] = (struct known_key){id, *ret ? take(text) : NULL};
	return 0;
}

static int put_fact(struct environments *e, struct db_reader *r,
    const struct fact *f, struct buf *to, struct err *err)
{
	scoped(free) char *value = NULL;
	const char *key;
	int x = key_text(e, r, f->key, &key, err);

	if (x == 0)
		x = word_text(r, f->value, &value, err);
	if (x < 0)
		return x;
	str_tidy(value);
	buf_printf(to, "%s=%s\n", key, value);
	return 0;
}

/* Of the facts in e->now. */
static int make_text(
    struct environments *e, struct db_reader *r, struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ENVIRONMENT_BYTES);
	struct facts last = e->last;
	char *text;
	int x = 0;

	for (size_t i = 0; i < e->now.n && x == 0; i++)
		x = put_fact(e, r, &e->now.v[i], &b, err);
	if (x == 0 && b.failed)
		x = err_set(err, ERR_LIMIT,
		    "the facts of an attempt are over "
		    "1 MiB");
	if (x < 0)
		return x;
	text = e->text;
	/* Before the old one is freed: callers tell them apart by address. */
	e->text = xstrdup(buf_str(&b));
	free(text);
	e->last = e->now;
	e->now = last;
	return 0;
}

static const char sql_env_numbers[] =
    "SELECT key_id, value_id FROM attempt_env WHERE attempt_id = ?1";

/* e->text is that of the attempt afterwards. */
static int environment_of(struct environments *e, struct db_reader *r,
    int64_t attempt_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_env_numbers);
	int x;

	e->now.n = 0;
	stmt_bind_int(st, 1, attempt_id);
	while ((x = stmt_step(st, err)) == 1) {
		struct fact f = {stmt_int(st, 0), stmt_int(st, 1)};
		const char *key;

		x = key_text(e, r, f.key, &key, err);
		if (x < 0)
			return x;
		if (!key)
			continue;
		e->now.v =
		    xrealloc(e->now.v, e->now.n + 1, sizeof(e->now.v[0]));
		e->now.v[e->now.n++] = f;
	}
	if (x < 0)
		return x;
	if (e->text && e->now.n == e->last.n &&
	    (!e->now.n ||
	        !memcmp(e->now.v, e->last.v, e->now.n * sizeof(e->now.v[0]))))
		return 0;
	return make_text(e, r, err);
}

/* ---- points ------------------------------------------------------------- */

struct points {
	struct db_reader *reader;
	bool (*row)(void *arg, const struct db_point *p);
	void *arg;
	struct environments environments;
	struct buf branch;
};

/* The point comes with what the columns say, but for its values. */
static int pass_values(
    struct points *ps, struct stmt *st, struct db_point *p, struct err *err)
{
	scoped(free) struct db_sample_mark *marks = NULL;
	scoped(free) double *values = NULL;
	const void *data;
	size_t len;
	int e = 0;

	data = stmt_blob(st, 7, &len);
	/* In the row it may lie at any address. */
	p->n_values = len / sizeof(double);
	values = xcalloc(p->n_values, sizeof(double));
	memcpy(values, data, p->n_values * sizeof(double));
	p->values = values;
	if (!stmt_null(st, 8)) {
		data = stmt_blob(st, 8, &len);
		e = mark_decode(data, len, p->n_values, &marks, err);
	}
	p->marks = marks;
	return e < 0 ? e : ps->row(ps->arg, p);
}

/* 1: go on; 0: row ended it. */
static int pass_point(struct points *ps, struct stmt *st, struct err *err)
{
	char commit[2 * HASH_BYTES + 1];
	struct db_point p;
	size_t len;
	const void *sha = stmt_blob(st, 4, &len);
	int e;

	branch_text(&ps->branch, stmt_text(st, 5), stmt_text(st, 6));
	p = (struct db_point){
	    .run_id = stmt_int(st, 0),
	    .job_id = stmt_int(st, 1),
	    .attempt_id = stmt_int(st, 2),
	    .at_ms = stmt_int(st, 3),
	    .commit =
	        len && len <= HASH_BYTES ? hash_hex(sha, len, commit) : NULL,
	    .branch = buf_str(&ps->branch),
	};
	e = environment_of(&ps->environments, ps->reader, p.attempt_id, err);
	p.environment = ps->environments.text;
	return e < 0 ? e : pass_values(ps, st, &p, err);
}

static const char sql_point_first[] =
    "SELECT attempt_id FROM sample WHERE series_id = ?1 "
    "ORDER BY attempt_id DESC LIMIT 1 OFFSET ?2";
static const char sql_points[] =
    "SELECT r.id, j.id, a.id, a.started_at_ms, r.commit_sha, w.text, n.name, "
    "p.data, p.marks " SERIES_POINTS
    "JOIN word w ON w.id = r.project_id JOIN name n ON n.id = r.name_id "
    "WHERE p.series_id = ?1 AND p.attempt_id >= ?2 " SERIES_GOOD
    "ORDER BY p.attempt_id";

/* The attempt from which on there are so many; 0: there are not. */
static int first_attempt(struct db_reader *r, int64_t id, int64_t most,
    int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_point_first);
	int e;

	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, most - 1);
	e = stmt_step(st, err);
	*ret = e == 1 ? stmt_int(st, 0) : 0;
	return e < 0 ? e : 0;
}

static int pass_points(
    struct points *ps, int64_t id, int64_t most, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(ps->reader), sql_points);
	int64_t first = 0;
	int e = first_attempt(ps->reader, id, most, &first, err);

	if (e < 0)
		return e;
	stmt_bind_int(st, 1, id);
	stmt_bind_int(st, 2, first);
	while ((e = stmt_step(st, err)) == 1) {
		e = pass_point(ps, st, err);
		if (e <= 0)
			return e;
	}
	return e;
}

int db_series_points(struct db_reader *r, int64_t id, int64_t most,
    bool (*row)(void *arg, const struct db_point *p), void *arg,
    struct err *err)
{
	struct points ps = {.reader = r,
	    .row = row,
	    .arg = arg,
	    .branch = BUF_INIT(BRANCH_BYTES)};
	int e = most < 1 || most > DB_POINTS_MAX
	    ? err_set(err, ERR_INVAL, "points: must be 1 to %d", DB_POINTS_MAX)
	    : reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_points(&ps, id, most, err);
	reader_end(r);
	environments_done(&ps.environments);
	buf_done(&ps.branch);
	return e;
}

const char *const sql_reader_points[] = {
    sql_word_text, sql_env_numbers, sql_point_first, sql_points, NULL};
