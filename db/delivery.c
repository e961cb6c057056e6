/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhook deliveries. Invariant: a push of a project has one run, however
 * often it is delivered.
 */
#include <inttypes.h>

#include "db/db.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/tx.h"
#include "db/words.h"

#define COMMIT_BYTES 20

struct delivery {
	struct db_delivery d; /* strings in the transaction */
	uint8_t commit[COMMIT_BYTES];
};

/* ---- writing ------------------------------------------------------------ */

static const char sql_delivery_put[] =
    "INSERT INTO delivery (run_id, project_id, guid, ref, commit_sha, "
    "received_at_ms, body_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static int delivery_put(struct conn *c, const void *arg, struct err *err)
{
	const struct delivery *d = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_delivery_put);
	int64_t project_id = 0;
	int r = word_id(c, d->d.project, &project_id, err);

	if (r < 0)
		return r;
	stmt_bind_int(st, 1, d->d.run_id);
	stmt_bind_int(st, 2, project_id);
	stmt_bind_text(st, 3, d->d.guid);
	stmt_bind_text(st, 4, d->d.ref);
	stmt_bind_blob(st, 5, d->commit, COMMIT_BYTES);
	stmt_bind_int(st, 6, d->d.received_at_ms);
	stmt_bind_blob(st, 7, d->d.body_sha256, HASH_BYTES);
	return stmt_run(st, err);
}

void db_tx_delivery(struct db_tx *tx, const struct db_delivery *delivery)
{
	struct delivery *d = tx_alloc(tx, 1, sizeof(*d));
	bool has_guid = delivery->guid && delivery->guid[0];

	d->d = *delivery;
	d->d.project = tx_str(tx, delivery->project);
	d->d.guid = has_guid ? tx_str(tx, delivery->guid) : NULL;
	d->d.ref = tx_str(tx, delivery->ref);
	/* Checked where the request was read. */
	if (!hash_unhex(delivery->commit, d->commit, COMMIT_BYTES))
		abort();
	tx_op(tx, "delivery", delivery->run_id, delivery_put, d);
}

/* ---- reading ------------------------------------------------------------ */

static const char sql_delivery_by_guid[] =
    "SELECT d.run_id FROM delivery d WHERE d.guid = ?2 AND d.project_id = "
    "(SELECT id FROM word WHERE text = ?1)";
static const char sql_delivery_by_push[] =
    "SELECT d.run_id FROM delivery d WHERE d.commit_sha = ?2 AND d.ref = ?3 "
    "AND d.project_id = (SELECT id FROM word WHERE text = ?1)";

static int by_guid(struct conn *c, const char *project, const char *guid,
    int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_delivery_by_guid);
	int r;

	stmt_bind_text(st, 1, project);
	stmt_bind_text(st, 2, guid);
	r = stmt_step(st, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r;
}

static int by_push(struct conn *c, const char *project, const char *ref,
    const char *commit, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_delivery_by_push);
	uint8_t sha[COMMIT_BYTES];
	int r;

	if (!hash_unhex(commit, sha, COMMIT_BYTES))
		return err_set(
		    err, ERR_INVAL, "commit %.60s: not 40 digits", commit);
	stmt_bind_text(st, 1, project);
	stmt_bind_blob(st, 2, sha, COMMIT_BYTES);
	stmt_bind_text(st, 3, ref);
	r = stmt_step(st, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r;
}

int db_delivery_find(struct db *db, const char *project, const char *guid,
    const char *ref, const char *commit, int64_t *ret, struct err *err)
{
	struct conn *c = reader_conn(db->reader);
	int r = reader_begin(db->reader, READER_MAX_MS, err);

	if (r < 0)
		return r;
	if (guid && guid[0])
		r = by_guid(c, project, guid, ret, err);
	if (r == 0)
		r = by_push(c, project, ref, commit, ret, err);
	reader_end(db->reader);
	if (r == 0)
		return err_set(err, ERR_NOTFOUND, "%s %s: never delivered",
		    project, commit);
	return r < 0 ? r : 0;
}

const char *const sql_delivery[] = {
    sql_delivery_put, sql_delivery_by_guid, sql_delivery_by_push, NULL};
