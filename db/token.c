/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens and the audit log. A name is never given twice, so that a line of
 * the log means one person for ever.
 */
#include "db/db.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/tx.h"

struct token_request {
	const char *name;
	const uint8_t *sha256;
	unsigned scopes;
	int64_t at_ms;
};

static const char sql_token_put[] =
    "INSERT INTO token (name, sha256, scopes, created_at_ms) "
    "VALUES (?1, ?2, ?3, ?4)";

static int token_put(struct conn *c, const void *arg, struct err *err)
{
	const struct token_request *q = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_token_put);

	stmt_bind_text(st, 1, q->name);
	stmt_bind_blob(st, 2, q->sha256, HASH_BYTES);
	stmt_bind_int(st, 3, q->scopes);
	stmt_bind_int(st, 4, q->at_ms);
	return stmt_run(st, err);
}

int db_token_add(struct db *db, const char *name,
    const uint8_t sha256[HASH_BYTES], unsigned scopes, int64_t at_ms,
    struct err *err)
{
	struct token_request q = {name, sha256, scopes, at_ms};
	int r;

	if (!name[0] || !scopes || scopes > 15)
		return err_set(err, ERR_INVAL,
		    "token: needs a name and at least one scope");
	r = db_run_now(db, token_put, &q, err);
	if (r == -ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT,
		    "token %s: the name was given before", name);
	return r;
}

static const char sql_token_revoke[] =
    "UPDATE token SET revoked_at_ms = ?2 "
    "WHERE name = ?1 AND revoked_at_ms IS NULL RETURNING id";

static int token_revoke(struct conn *c, const void *arg, struct err *err)
{
	const struct token_request *q = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_token_revoke);
	int r;

	stmt_bind_text(st, 1, q->name);
	stmt_bind_int(st, 2, q->at_ms);
	r = stmt_step(st, err);
	if (r == 0)
		return err_set(
		    err, ERR_NOTFOUND, "token %s: no such token", q->name);
	return r < 0 ? r : stmt_run(st, err);
}

int db_token_revoke(
    struct db *db, const char *name, int64_t at_ms, struct err *err)
{
	struct token_request q = {name, NULL, 0, at_ms};

	return db_run_now(db, token_revoke, &q, err);
}

static const char sql_tokens[] =
    "SELECT name, scopes, created_at_ms, revoked_at_ms, sha256 FROM token "
    "ORDER BY id";

int db_tokens(struct db *db, bool (*row)(void *arg, const struct db_token *t),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(db->reader), sql_tokens);
	struct db_token t;
	size_t len;
	int r;

	while ((r = stmt_step(st, err)) == 1) {
		t.name = stmt_text(st, 0);
		t.scopes = (unsigned)stmt_int(st, 1);
		t.created_at_ms = stmt_int(st, 2);
		t.revoked_at_ms = stmt_int(st, 3);
		t.sha256 = stmt_blob(st, 4, &len);
		if (!row(arg, &t))
			return 0;
	}
	return r;
}

/* ---- audit -------------------------------------------------------------- */

struct audit_op {
	int64_t at_ms;
	const char *who;
	const char *what;
};

static const char sql_audit_put[] =
    "INSERT INTO audit (at_ms, who, what) VALUES (?1, ?2, ?3)";

static int audit_put(struct conn *c, const void *arg, struct err *err)
{
	const struct audit_op *op = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_audit_put);

	stmt_bind_int(st, 1, op->at_ms);
	stmt_bind_text(st, 2, op->who);
	stmt_bind_text(st, 3, op->what);
	return stmt_run(st, err);
}

void db_tx_audit(
    struct db_tx *tx, int64_t at_ms, const char *who, const char *what)
{
	struct audit_op *op = tx_alloc(tx, 1, sizeof(*op));

	op->at_ms = at_ms;
	op->who = tx_str(tx, who);
	op->what = tx_str(tx, what);
	tx_op(tx, "audit", at_ms, audit_put, op);
}

const char *const sql_token[] = {
    sql_token_put, sql_token_revoke, sql_tokens, sql_audit_put, NULL};
