/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machines and their health. Invariant: the health of a machine is that of
 * the last row of its history, or good if it has none.
 */
#include <assert.h>

#include "base/clock.h"
#include "db/db.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/tx.h"
#include "db/words.h"

struct machine_request {
	const char *name;
	const char *platform;
	int64_t at_ms;
	int64_t *ret;
};

static const char sql_machine_put[] =
    "INSERT INTO machine (name, platform_id, health, why, since_ms) "
    "VALUES (?1, ?2, 0, '', ?3) "
    "ON CONFLICT (name) DO UPDATE SET platform_id = excluded.platform_id "
    "RETURNING id";

static int machine_put(struct conn *c, const void *arg, struct err *err)
{
	const struct machine_request *q = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_machine_put);
	int64_t platform = 0;
	int r = word_id(c, q->platform, &platform, err);

	if (r < 0)
		return r;
	stmt_bind_text(st, 1, q->name);
	stmt_bind_int(st, 2, platform);
	stmt_bind_int(st, 3, q->at_ms);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*q->ret = stmt_int(st, 0);
	return stmt_run(st, err);
}

static const char sql_machine_get[] =
    "SELECT m.id, w.text FROM machine m JOIN word w ON w.id = m.platform_id "
    "WHERE m.name = ?1";

/* True if the machine is there as it should be: the usual start. */
static bool machine_is_known(
    struct conn *c, const struct machine_request *q, int64_t *ret)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_machine_get);

	stmt_bind_text(st, 1, q->name);
	if (stmt_step(st, NULL) != 1 ||
	    strcmp(stmt_text(st, 1), q->platform) != 0)
		return false;
	*ret = stmt_int(st, 0);
	return true;
}

int db_machine_id(struct db *db, const char *name, const char *platform,
    int64_t *ret, struct err *err)
{
	int64_t id = 0;
	struct machine_request q = {
	    name, platform ? platform : "", clock_wall_ms(), &id};
	bool known;
	int r;

	if (pthread_mutex_lock(&db->conn_lock) != 0)
		abort();
	known = machine_is_known(db->conn, &q, &id);
	if (pthread_mutex_unlock(&db->conn_lock) != 0)
		abort();
	r = known ? 0 : db_run_now(db, machine_put, &q, err);
	if (r < 0)
		return r;
	*ret = id;
	return 0;
}

/* ---- health ------------------------------------------------------------- */

struct health_op {
	int64_t machine_id;
	enum health health;
	const char *why;
	int64_t at_ms;
};

static const char sql_health_set[] =
    "UPDATE machine SET health = ?2, why = ?3, since_ms = ?4 WHERE id = ?1";
static const char sql_health_add[] =
    "INSERT INTO machine_health (machine_id, no, health, why, at_ms) "
    "VALUES (?1, (SELECT coalesce(max(no), 0) + 1 FROM machine_health "
    "WHERE machine_id = ?1), ?2, ?3, ?4)";

static int health_run(struct conn *c, const char *sql,
    const struct health_op *op, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);

	stmt_bind_int(st, 1, op->machine_id);
	stmt_bind_int(st, 2, op->health);
	stmt_bind_text(st, 3, op->why);
	stmt_bind_int(st, 4, op->at_ms);
	return stmt_run_one(st, err);
}

static int health_put(struct conn *c, const void *arg, struct err *err)
{
	int r = health_run(c, sql_health_set, arg, err);

	return r < 0 ? r : health_run(c, sql_health_add, arg, err);
}

void db_tx_machine_health(struct db_tx *tx, int64_t machine_id,
    enum health health, const char *why, int64_t at_ms)
{
	struct health_op *op = tx_alloc(tx, 1, sizeof(*op));

	op->machine_id = machine_id;
	op->health = health;
	op->why = tx_str(tx, why ? why : "");
	op->at_ms = at_ms;
	tx_op(tx, "health of machine", machine_id, health_put, op);
}

const char *const sql_machine[] = {
    sql_machine_put, sql_machine_get, sql_health_set, sql_health_add, NULL};
