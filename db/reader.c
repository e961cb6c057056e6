/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reader: a read-only connection of one thread. Invariant: a query sees one
 * state of the database and ends within READER_MAX_MS.
 */
#include "db/reader.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "db/filter.h"
#include "db/migrate.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"

struct db_reader {
	char *dir;
	struct conn *conn;
	struct db_filter *filter; /* own_filter, or of others too */
	struct db_filter *own_filter;
	int depth; /* of reader_begin() */
};

static const char sql_schema[] = "PRAGMA user_version";

static int check_schema(struct conn *c, const char *path, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_schema);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	if (stmt_int(st, 0) == migrations_count)
		return 0;
	return err_set(err, ERR_INVAL,
	    "%s: schema %" PRId64 ", this program knows %d", path,
	    stmt_int(st, 0), migrations_count);
}

int db_reader_open(const char *dir, struct db_reader **ret, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/%s", dir, DB_FILE);
	scoped(db_reader_close) struct db_reader *r = xcalloc(1, sizeof(*r));
	int e;

	if (access(path, F_OK) < 0)
		return err_set(err, ERR_NOTFOUND, "%s: no such file", path);
	e = conn_open(path, CONN_READ, &r->conn, err);
	if (e == 0)
		e = check_schema(r->conn, path, err);
	if (e < 0)
		return e;
	r->dir = xstrdup(dir);
	*ret = take(r);
	return 0;
}

void db_reader_close(struct db_reader *r)
{
	if (!r)
		return;
	if (r->conn)
		conn_close(r->conn);
	db_filter_free(r->own_filter);
	free(r->dir);
	free(r);
}

struct conn *reader_conn(struct db_reader *r)
{
	return r->conn;
}

const char *reader_dir(const struct db_reader *r)
{
	return r->dir;
}

void db_reader_share(struct db_reader *r, struct db_filter *filter)
{
	r->filter = filter;
}

struct db_filter *reader_filter(struct db_reader *r)
{
	if (!r->filter)
		r->filter = r->own_filter = db_filter_new();
	return r->filter;
}

int reader_begin(struct db_reader *r, int64_t max_ms, struct err *err)
{
	int e;

	if (r->depth == 0) {
		conn_deadline(r->conn, max_ms ? clock_mono_ms() + max_ms : 0);
		e = conn_exec(r->conn, "BEGIN", err);
		if (e < 0)
			return e;
	}
	r->depth++;
	return 0;
}

void reader_end(struct db_reader *r)
{
	if (--r->depth)
		return;
	conn_rollback(r->conn); /* nothing was written */
	conn_deadline(r->conn, 0);
}

static const char sql_job_place[] =
    "SELECT id, first_job, n_total, state FROM run "
    "WHERE first_job <= ?1 AND n_total > 0 ORDER BY first_job DESC LIMIT 1";

int reader_job_place(
    struct db_reader *r, int64_t job_id, struct job_place *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(r->conn, sql_job_place);
	int e;

	stmt_bind_int(st, 1, job_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0 || job_id >= stmt_int(st, 1) + stmt_int(st, 2))
		return err_set(
		    err, ERR_NOTFOUND, "job %" PRId64 ": no such job", job_id);
	ret->run_id = stmt_int(st, 0);
	ret->first_job = stmt_int(st, 1);
	ret->done = stmt_int(st, 3) == RUN_DONE;
	return 0;
}

const char *const sql_reader[] = {sql_schema, sql_job_place, NULL};
