/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading machines: what they are, how they were, what they did. */
#include <inttypes.h>

#include "db/db.h"
#include "db/job.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

static const char sql_machines[] =
    "SELECT m.id, m.name, w.text, m.health, m.why, m.since_ms FROM machine m "
    "JOIN word w ON w.id = m.platform_id ORDER BY m.id";

int db_machines(struct db_reader *r,
    bool (*row)(void *arg, const struct db_machine *m), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_machines);
	struct db_machine m;
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		m.id = stmt_int(st, 0);
		m.name = stmt_text(st, 1);
		m.platform = stmt_text(st, 2);
		m.health = (enum health)stmt_int(st, 3);
		m.why = stmt_text(st, 4);
		m.since_ms = stmt_int(st, 5);
		if (!row(arg, &m))
			return 0;
	}
	return e;
}

static const char sql_machine_id[] = "SELECT id FROM machine WHERE name = ?1";

int db_machine_get(
    struct db_reader *r, const char *name, int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_machine_id);
	int e;

	stmt_bind_text(st, 1, name);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(
		    err, ERR_NOTFOUND, "machine %.100s: no such machine", name);
	*ret_id = stmt_int(st, 0);
	return 0;
}

/* ---- its health --------------------------------------------------------- */

static const char sql_health_past[] =
    "SELECT at_ms, health, why FROM machine_health WHERE machine_id = ?1 "
    "ORDER BY no DESC LIMIT ?2";

int db_machine_past(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_health *h), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_health_past);
	struct db_health h;
	int e;

	stmt_bind_int(st, 1, machine_id);
	stmt_bind_int(st, 2, DB_MACHINE_ROWS);
	while ((e = stmt_step(st, err)) == 1) {
		h.at_ms = stmt_int(st, 0);
		h.health = (enum health)stmt_int(st, 1);
		h.why = stmt_text(st, 2);
		if (!row(arg, &h))
			return 0;
	}
	return e;
}

/* ---- its attempts ------------------------------------------------------- */

/*
 * Backwards through the newest attempts of all machines: an index by machine
 * would cost every attempt for a page that few look at.
 */
static const char sql_machine_attempts[] =
    "SELECT a.id, a.job_id, i.text, a.started_at_ms, a.took_ms, a.outcome, "
    "a.layer, a.flags, e.text FROM attempt a "
    "CROSS JOIN job j ON j.id = a.job_id CROSS JOIN word i ON i.id = j.item_id "
    "LEFT JOIN evidence e ON e.id = a.evidence_id "
    "WHERE a.id > (SELECT max(id) FROM attempt) - 10000 "
    "AND +a.machine_id = ?1 ORDER BY a.id DESC LIMIT ?2";

static void attempt_row(struct stmt *st, struct db_machine_attempt *ret)
{
	*ret = (struct db_machine_attempt){
	    .id = stmt_int(st, 0),
	    .job_id = stmt_int(st, 1),
	    .item = stmt_text(st, 2),
	    .started_at_ms = stmt_int(st, 3),
	    .took_ms = stmt_int(st, 4),
	    .evidence = stmt_text_or_null(st, 8),
	};
	verdict_get(st, 5, &ret->verdict);
}

static int pass_attempts(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_machine_attempt *a), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_machine_attempts);
	struct db_machine_attempt a;
	struct job_place place = {0};
	int e;

	stmt_bind_int(st, 1, machine_id);
	stmt_bind_int(st, 2, DB_MACHINE_ROWS);
	while ((e = stmt_step(st, err)) == 1) {
		attempt_row(st, &a);
		e = reader_job_place(r, a.job_id, &place, err);
		if (e < 0)
			return e;
		a.run_id = place.run_id;
		if (!row(arg, &a))
			return 0;
	}
	return e;
}

int db_machine_attempts(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_machine_attempt *a), void *arg,
    struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_attempts(r, machine_id, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_machine[] = {
    sql_machines, sql_machine_id, sql_health_past, sql_machine_attempts, NULL};
