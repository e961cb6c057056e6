/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cases of a job. Nearly all pass, and nearly every run has the same
 * names in the same order: the names are stored once, a result takes two
 * bits, and only a failure has a row for its text.
 */
#include "db/case.h"

#include <assert.h>

#include "bench/bench.h"
#include "db/db.h"
#include "db/pack.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"

struct fail {
	int64_t no;
	const char *text;
	int64_t offset;
};

struct cases {
	int64_t job_id;
	int64_t attempt_id;
	uint8_t sha256[HASH_BYTES]; /* of the names */
	const char *names;          /* each with its zero byte */
	size_t names_len;
	const unsigned char *bits;
	size_t n;
	const struct fail *fails;
	size_t n_fails;
};

static const char sql_caselist_get[] =
    "SELECT id FROM caselist WHERE sha256 = ?1";
static const char sql_caselist_put[] =
    "INSERT INTO caselist (sha256, cases, body) VALUES (?1, ?2, ?3) "
    "RETURNING id";

static int caselist_put(
    struct conn *c, const struct cases *cs, int64_t *ret, struct err *err)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(2 * CASE_NAMES_MAX);
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_caselist_put);
	int r;

	pack_body(&body, cs->names, cs->names_len);
	if (body.failed)
		return err_set(err, ERR_LIMIT, "cases: out of memory");
	stmt_bind_blob(st, 1, cs->sha256, HASH_BYTES);
	stmt_bind_int(st, 2, (int64_t)cs->n);
	stmt_bind_blob(st, 3, body.data, body.len);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

static int caselist_id(
    struct conn *c, const struct cases *cs, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_caselist_get);
	int r;

	stmt_bind_blob(st, 1, cs->sha256, HASH_BYTES);
	r = stmt_step(st, err);
	if (r == 0)
		return caselist_put(c, cs, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

static const char sql_cases_set[] =
    "UPDATE job SET caselist_id = ?2, cases = ?3 "
    "WHERE id = ?1 AND last_attempt = ?4";

static int cases_set(struct conn *c, const struct cases *cs,
    int64_t caselist_id_or_0, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_cases_set);

	stmt_bind_int(st, 1, cs->job_id);
	stmt_bind_int(st, 4, cs->attempt_id);
	if (caselist_id_or_0) {
		stmt_bind_int(st, 2, caselist_id_or_0);
		stmt_bind_blob(st, 3, cs->bits,
		    (cs->n + CASES_PER_BYTE - 1) / CASES_PER_BYTE);
	}
	return stmt_run_one(st, err);
}

static const char sql_fails_drop[] = "DELETE FROM case_fail WHERE job_id = ?1";

static int fails_drop(struct conn *c, int64_t job_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_fails_drop);

	stmt_bind_int(st, 1, job_id);
	return stmt_run(st, err);
}

static const char sql_fail_put[] =
    "INSERT INTO case_fail (job_id, no, text, log_offset) "
    "VALUES (?1, ?2, ?3, ?4)";

static int fails_put(struct conn *c, const struct cases *cs, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < cs->n_fails && r == 0; i++) {
		scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_fail_put);

		stmt_bind_int(st, 1, cs->job_id);
		stmt_bind_int(st, 2, cs->fails[i].no);
		stmt_bind_text(st, 3, cs->fails[i].text);
		stmt_bind_int(st, 4, cs->fails[i].offset);
		r = stmt_run(st, err);
	}
	return r;
}

static int cases_put(struct conn *c, const void *arg, struct err *err)
{
	const struct cases *cs = arg;
	int64_t list = 0;
	int r = fails_drop(c, cs->job_id, err);

	if (r == 0 && cs->n)
		r = caselist_id(c, cs, &list, err);
	if (r == 0)
		r = cases_set(c, cs, list, err);
	if (r == 0)
		r = fails_put(c, cs, err);
	return r;
}

static const char sql_cases_clear[] =
    "UPDATE job SET caselist_id = NULL, cases = NULL "
    "WHERE id = ?1 AND caselist_id IS NOT NULL";

int case_clear(struct conn *c, int64_t job_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_cases_clear);
	int r;

	stmt_bind_int(st, 1, job_id);
	r = stmt_run(st, err);
	return r < 0 ? r : fails_drop(c, job_id, err);
}

/* ---- the loop's side ---------------------------------------------------- */

static void copy_names(
    struct db_tx *tx, const struct db_case *cases, size_t n, struct cases *to)
{
	size_t len = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		len += strlen(cases[i].name) + 1;
	p = tx_alloc(tx, len ? len : 1, 1);
	to->names = p;
	to->names_len = len;
	for (size_t i = 0; i < n; i++) {
		size_t part = strlen(cases[i].name) + 1;

		memcpy(p, cases[i].name, part);
		p += part;
	}
	hash_sha256(to->names, len, to->sha256);
}

static void copy_results(
    struct db_tx *tx, const struct db_case *cases, size_t n, struct cases *to)
{
	unsigned char *bits = tx_alloc(tx, n / CASES_PER_BYTE + 1, 1);
	struct fail *fails;
	size_t n_fails = 0;

	for (size_t i = 0; i < n; i++)
		n_fails += cases[i].result == CASE_FAIL;
	fails = tx_alloc(tx, n_fails ? n_fails : 1, sizeof(*fails));
	to->bits = bits;
	to->fails = fails;
	to->n_fails = n_fails;
	for (size_t i = 0; i < n; i++) {
		unsigned shift = CASE_BITS * (unsigned)(i % CASES_PER_BYTE);

		assert(cases[i].result >= 0 && cases[i].result <= 3);
		bits[i / CASES_PER_BYTE] |=
		    (unsigned char)(cases[i].result << shift);
		if (cases[i].result != CASE_FAIL)
			continue;
		fails->no = (int64_t)i;
		fails->text = tx_str(tx, cases[i].text ? cases[i].text : "");
		fails->offset = cases[i].offset;
		fails++;
	}
}

void db_tx_cases(struct db_tx *tx, int64_t job_id, int64_t attempt_id,
    const struct db_case *cases, size_t n)
{
	struct cases *to = tx_alloc(tx, 1, sizeof(*to));

	to->job_id = job_id;
	to->attempt_id = attempt_id;
	to->n = n;
	copy_names(tx, cases, n, to);
	copy_results(tx, cases, n, to);
	tx_op(tx, "cases of job", job_id, cases_put, to);
}

const char *const sql_case[] = {sql_caselist_get, sql_caselist_put,
    sql_cases_set, sql_fails_drop, sql_fail_put, sql_cases_clear, NULL};
