/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What passes between the daemon and the agent of an attempt. Invariants: an
 * event and the state of the link after it are one transaction; the events of
 * an attempt are rows of agent_event until it ends and one packed body
 * afterwards, never both.
 *
 * The body is the events in order: s (8 bytes) and length (4 bytes), lowest
 * byte first, then the line. Numbers of a fixed size tell how long it will be
 * before the first line is read, so that no more than one is in memory.
 */
#include "db/agent.h"

#include <assert.h>
#include <inttypes.h>

#include "db/db.h"
#include "db/pack.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/tx.h"

#define HEAD_BYTES 12
#define HISTORY_MAX (1 << 30) /* more than the wire lets pass */

/* ---- as it goes on ------------------------------------------------------ */

static const char sql_agent_spec[] =
    "INSERT INTO attempt_agent (attempt_id, spec) VALUES (?1, ?2) "
    "ON CONFLICT (attempt_id) DO UPDATE SET spec = excluded.spec";
static const char sql_agent_boot[] =
    "INSERT INTO attempt_agent (attempt_id, boot_id) VALUES (?1, ?2) "
    "ON CONFLICT (attempt_id) DO UPDATE SET boot_id = excluded.boot_id";
static const char sql_agent_resume[] =
    "INSERT INTO attempt_agent (attempt_id, resume) VALUES (?1, ?2) "
    "ON CONFLICT (attempt_id) DO UPDATE SET resume = excluded.resume";

static int text_put(struct conn *c, const char *sql, int64_t attempt_id,
    const char *text, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);

	stmt_bind_int(st, 1, attempt_id);
	stmt_bind_text(st, 2, text);
	return stmt_run(st, err);
}

struct text_op {
	int64_t attempt_id;
	const char *text;
};

static int spec_put(struct conn *c, const void *arg, struct err *err)
{
	const struct text_op *op = arg;

	return text_put(c, sql_agent_spec, op->attempt_id, op->text, err);
}

static int boot_put(struct conn *c, const void *arg, struct err *err)
{
	const struct text_op *op = arg;

	return text_put(c, sql_agent_boot, op->attempt_id, op->text, err);
}

/* Only of an unfinished attempt: nothing would pack it any more. */
static const char sql_agent_event[] =
    "INSERT INTO agent_event (attempt_id, s, line) "
    "SELECT id, ?2, ?3 FROM attempt WHERE id = ?1 AND took_ms IS NULL";

static int event_put(struct conn *c, const void *arg, struct err *err)
{
	const struct db_agent_event *ev = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_event);
	int r;

	stmt_bind_int(st, 1, ev->attempt_id);
	stmt_bind_int(st, 2, ev->s);
	stmt_bind_blob(st, 3, ev->line, ev->len);
	r = stmt_run_one(st, err);
	if (r < 0)
		return r;
	return text_put(c, sql_agent_resume, ev->attempt_id, ev->resume, err);
}

static void add_text_op(struct db_tx *tx, const char *name, op_fn *run,
    int64_t attempt_id, const char *text)
{
	struct text_op *op = tx_alloc(tx, 1, sizeof(*op));

	op->attempt_id = attempt_id;
	op->text = tx_str(tx, text);
	tx_op(tx, name, attempt_id, run, op);
}

void db_tx_agent_spec(struct db_tx *tx, int64_t attempt_id, const char *spec)
{
	add_text_op(tx, "agent_spec of attempt", spec_put, attempt_id, spec);
}

void db_tx_agent_boot(struct db_tx *tx, int64_t attempt_id, const char *boot_id)
{
	add_text_op(tx, "agent_boot of attempt", boot_put, attempt_id, boot_id);
}

void db_tx_agent_event(struct db_tx *tx, const struct db_agent_event *ev)
{
	struct db_agent_event *to = tx_copy(tx, ev, sizeof(*ev));

	assert(ev->resume);
	to->line = tx_copy(tx, ev->line, ev->len);
	to->resume = tx_str(tx, ev->resume);
	tx_op(tx, "agent_event of attempt", ev->attempt_id, event_put, to);
}

/* ---- when it has ended -------------------------------------------------- */

static const char sql_agent_size[] =
    "SELECT count(*), sum(length(line)) FROM agent_event "
    "WHERE attempt_id = ?1";

/* *ret: bytes of the plain body; 0: there are no events. */
static int plain_size(
    struct conn *c, int64_t attempt_id, uint64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_size);
	int r;

	stmt_bind_int(st, 1, attempt_id);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = (uint64_t)(HEAD_BYTES * stmt_int(st, 0) + stmt_int(st, 1));
	return 0;
}

static void put_number(unsigned char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

static const char sql_agent_events[] =
    "SELECT s, line FROM agent_event WHERE attempt_id = ?1 ORDER BY s";

static int gather(
    struct conn *c, int64_t attempt_id, struct packer *p, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_events);
	unsigned char head[HEAD_BYTES];
	int r;

	stmt_bind_int(st, 1, attempt_id);
	while ((r = stmt_step(st, err)) == 1) {
		size_t len;
		const void *line = stmt_blob(st, 1, &len);

		put_number(head, (uint64_t)stmt_int(st, 0), 8);
		put_number(head + 8, len, 4);
		packer_add(p, head, sizeof(head));
		packer_add(p, line, len);
	}
	packer_end(p);
	return r;
}

static const char sql_agent_history[] =
    "UPDATE attempt_agent SET history = ?2 "
    "WHERE attempt_id = ?1 AND history IS NULL";

static int history_put(
    struct conn *c, int64_t attempt_id, uint64_t size, struct err *err)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(HISTORY_MAX);
	scoped_val(packer_done) struct packer p = {NULL, NULL};
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_history);
	int r;

	packer_init(&p, &body, size);
	r = gather(c, attempt_id, &p, err);
	if (r < 0)
		return r;
	if (body.failed)
		return err_set(err, ERR_LIMIT,
		    "attempt %" PRId64 ": events too long for memory",
		    attempt_id);
	stmt_bind_int(st, 1, attempt_id);
	stmt_bind_blob(st, 2, body.data, body.len);
	return stmt_run_one(st, err);
}

static const char sql_agent_drop[] =
    "DELETE FROM agent_event WHERE attempt_id = ?1";

int agent_pack(struct conn *c, int64_t attempt_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_drop);
	uint64_t size = 0;
	int r = plain_size(c, attempt_id, &size, err);

	if (r == 0 && size)
		r = history_put(c, attempt_id, size, err);
	if (r < 0 || !size)
		return r;
	stmt_bind_int(st, 1, attempt_id);
	return stmt_run(st, err);
}

/* ---- after a restart ---------------------------------------------------- */

static const char sql_agent_head[] =
    "SELECT g.spec, g.boot_id, g.resume FROM attempt a "
    "LEFT JOIN attempt_agent g ON g.attempt_id = a.id "
    "WHERE a.id = ?1 AND a.took_ms IS NULL";

/* 1: it is unfinished, and head was called. */
static int load_head(struct conn *c, int64_t attempt_id,
    void (*head)(
        void *arg, const char *spec, const char *boot_id, const char *resume),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_head);
	int r;

	stmt_bind_int(st, 1, attempt_id);
	r = stmt_step(st, err);
	if (r == 1)
		head(arg, stmt_text_or_null(st, 0), stmt_text_or_null(st, 1),
		    stmt_text_or_null(st, 2));
	return r;
}

static int load_events(struct conn *c, int64_t attempt_id,
    void (*event)(void *arg, int64_t s, const char *line, size_t len),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_agent_events);
	int r;

	stmt_bind_int(st, 1, attempt_id);
	while ((r = stmt_step(st, err)) == 1) {
		size_t len;
		const char *line = stmt_blob(st, 1, &len);

		event(arg, stmt_int(st, 0), line, len);
	}
	return r;
}

int db_load_agent(struct db *db, int64_t attempt_id,
    void (*head)(
        void *arg, const char *spec, const char *boot_id, const char *resume),
    void (*event)(void *arg, int64_t s, const char *line, size_t len),
    void *arg, struct err *err)
{
	struct conn *c = reader_conn(db->reader);
	/* At start-up, like db_load_open(): it may take its time. */
	int r = reader_begin(db->reader, 0, err);

	if (r < 0)
		return r;
	r = load_head(c, attempt_id, head, arg, err);
	if (r == 1)
		r = load_events(c, attempt_id, event, arg, err);
	reader_end(db->reader);
	return r;
}

const char *const sql_agent[] = {sql_agent_spec, sql_agent_boot,
    sql_agent_resume, sql_agent_event, sql_agent_size, sql_agent_events,
    sql_agent_history, sql_agent_drop, sql_agent_head, NULL};
