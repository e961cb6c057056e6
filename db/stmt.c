/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The only file that calls SQLite. Invariant: a statement in the cache is
 * either reset or owned by one caller.
 */
#include "db/stmt.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "db/fault.h"
#include "db/recall.h"

struct stmt {
	const char *sql;
	sqlite3_stmt *st; /* NULL if it could not be prepared */
	struct conn *conn;
	int rc; /* first error, reported by the next step */
	bool busy;
};

struct conn {
	sqlite3 *sq;
	struct stmt **slots; /* open addressing by address of the text */
	size_t n_slots;      /* a power of two */
	size_t n_used;
	int64_t deadline_ms;
	int64_t every_ms;
	int64_t next_ms; /* when it is called again */
	void (*every)(void *arg);
	void *every_arg;
	struct recall *recall; /* of one that writes */
	int wal_pages;
	int page_size;
};

static enum err_kind kind_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_AGAIN;
	case SQLITE_INTERRUPT:
		return ERR_TIMEOUT;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
		return ERR_INVAL;
	default:
		return ERR_IO;
	}
}

static int conn_error(struct conn *c, int rc, struct err *err)
{
	bool last = sqlite3_extended_errcode(c->sq) == rc;

	(void)err_set(err, kind_of(rc), "database: %s",
	    last ? sqlite3_errmsg(c->sq) : sqlite3_errstr(rc));
	if (err)
		err->code = rc;
	return -(int)kind_of(rc);
}

/* ---- connections -------------------------------------------------------- */

static int over_deadline(void *arg)
{
	const struct conn *c = arg;

	return c->deadline_ms && clock_mono_ms() > c->deadline_ms;
}

/* Replaces SQLite's own checkpoints: the writer chooses the moment. */
static int count_wal(void *arg, sqlite3 *sq, const char *name, int pages)
{
	struct conn *c = arg;

	(void)sq;
	(void)name;
	c->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * A new database gets its page size before anything else; on an existing one
 * these say what is so already.
 */
static const char sql_setup_write[] = "PRAGMA page_size=8192;"
                                      "PRAGMA auto_vacuum=INCREMENTAL;"
                                      "PRAGMA journal_mode=WAL;"
                                      "PRAGMA synchronous=FULL;"
                                      "PRAGMA foreign_keys=ON;"
                                      "PRAGMA cache_size=-16384;";
static const char sql_setup_read[] = "PRAGMA query_only=ON;"
                                     "PRAGMA cache_size=-8192;";

static int setup(struct conn *c, enum conn_mode mode, struct err *err)
{
	int rc = sqlite3_busy_timeout(c->sq, CONN_BUSY_MS);

	if (rc != SQLITE_OK)
		return conn_error(c, rc, err);
	if (mode == CONN_PEEK) {
		rc = sqlite3_db_config(
		    c->sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
		return rc == SQLITE_OK ? 0 : conn_error(c, rc, err);
	}
	if (mode == CONN_READ) {
		sqlite3_progress_handler(c->sq, 2000, over_deadline, c);
		return conn_exec(c, sql_setup_read, err);
	}
	(void)sqlite3_wal_hook(c->sq, count_wal, c); /* returns the old one */
	c->recall = recall_new();
	c->page_size = 8192;
	return conn_exec(c, sql_setup_write, err);
}

/*
 * Nobody asks how many bytes SQLite has; without counting them, threads need
 * no lock to allocate.
 */
static void configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* or goes on so */
}

int conn_open(
    const char *path, enum conn_mode mode, struct conn **ret, struct err *err)
{
	static pthread_once_t configured = PTHREAD_ONCE_INIT;
	int flags = mode == CONN_WRITE
	    ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
	    : SQLITE_OPEN_READONLY;
	scoped(conn_close) struct conn *c = xcalloc(1, sizeof(*c));
	int r;

	if (pthread_once(&configured, configure) != 0)
		abort();
	/* One thread at a time uses a connection: no locks inside. */
	r = sqlite3_open_v2(path, &c->sq, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK) {
		(void)conn_error(c, r, err);
		return err_prefix(err, "%s", path);
	}
	(void)sqlite3_extended_result_codes(c->sq, 1); /* cannot fail */
	r = setup(c, mode, err);
	if (r < 0)
		return err_prefix(err, "%s", path);
	*ret = take(c);
	return 0;
}

void conn_close(struct conn *c)
{
	int rc;

	for (size_t i = 0; i < c->n_slots; i++) {
		if (!c->slots[i])
			continue;
		/* Repeats the error of its last step, reported then. */
		(void)sqlite3_finalize(c->slots[i]->st);
		free(c->slots[i]);
	}
	free(c->slots);
	recall_free(c->recall);
	rc = sqlite3_close(c->sq);
	assert(rc == SQLITE_OK);
	(void)rc;
	free(c);
}

int conn_exec(struct conn *c, const char *sql, struct err *err)
{
	int rc = FAULT("step") ? SQLITE_IOERR
	                       : sqlite3_exec(c->sq, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : conn_error(c, rc, err);
}

void conn_deadline(struct conn *c, int64_t deadline_ms)
{
	c->deadline_ms = deadline_ms;
}

static int look_at_time(void *arg)
{
	struct conn *c = arg;
	int64_t now_ms = clock_mono_ms();

	if (now_ms >= c->next_ms) {
		c->next_ms = now_ms + c->every_ms;
		c->every(c->every_arg);
	}
	return 0;
}

void conn_every(
    struct conn *c, int64_t every_ms, void (*fn)(void *arg), void *arg)
{
	c->every_ms = every_ms;
	c->next_ms = clock_mono_ms() + every_ms;
	c->every = fn;
	c->every_arg = arg;
	sqlite3_progress_handler(c->sq, 100000, fn ? look_at_time : NULL, c);
}

int64_t conn_changes(const struct conn *c)
{
	return sqlite3_changes64(c->sq);
}

int conn_begin(struct conn *c, struct err *err)
{
	return conn_exec(c, "BEGIN IMMEDIATE", err);
}

int conn_commit(struct conn *c, struct err *err)
{
	int rc = FAULT("commit")
	    ? SQLITE_IOERR_FSYNC
	    : sqlite3_exec(c->sq, "COMMIT", NULL, NULL, NULL);
	int r;

	if (rc == SQLITE_OK)
		return 0;
	r = conn_error(c, rc, err);
	conn_rollback(c);
	return r;
}

void conn_rollback(struct conn *c)
{
	if (c->recall)
		recall_forget(c->recall);
	/* SQLite has rolled back by itself after some errors. */
	if (!sqlite3_get_autocommit(c->sq))
		(void)sqlite3_exec(c->sq, "ROLLBACK", NULL, NULL, NULL);
	assert(sqlite3_get_autocommit(c->sq));
}

int64_t conn_wal_bytes(const struct conn *c)
{
	return (int64_t)c->wal_pages * c->page_size;
}

void conn_checkpoint(struct conn *c, bool truncate)
{
	int mode =
	    truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

	/* A reader in the way, or a full disk: the next one will do it. */
	(void)sqlite3_wal_checkpoint_v2(c->sq, NULL, mode, NULL, NULL);
}

bool stmt_like(const char *text, const char *pattern)
{
	return sqlite3_strlike(pattern, text, 0) == 0;
}

struct recall *conn_recall(struct conn *c)
{
	return c->recall;
}

struct sqlite3 *conn_handle(struct conn *c)
{
	return c->sq;
}

/* ---- statements --------------------------------------------------------- */

static struct stmt **slot_of(struct conn *c, const char *sql)
{
	size_t mask = c->n_slots - 1;
	size_t i = (size_t)(((uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 32);

	for (i &= mask; c->slots[i]; i = (i + 1) & mask)
		if (c->slots[i]->sql == sql)
			break;
	return &c->slots[i];
}

static void grow(struct conn *c)
{
	struct stmt **old = c->slots;
	size_t n = c->n_slots;

	c->n_slots = n ? 2 * n : 64;
	c->slots = xcalloc(c->n_slots, sizeof(*c->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i])
			*slot_of(c, old[i]->sql) = old[i];
	free(old);
}

static struct stmt *stmt_new(struct conn *c, const char *sql)
{
	struct stmt *st = xcalloc(1, sizeof(*st));

	st->sql = sql;
	st->conn = c;
	c->n_used++;
	return st;
}

struct stmt *stmt_get(struct conn *c, const char *sql)
{
	struct stmt **slot;

	if (2 * c->n_used >= c->n_slots)
		grow(c);
	slot = slot_of(c, sql);
	if (!*slot)
		*slot = stmt_new(c, sql);
	assert(!(*slot)->busy);
	(*slot)->busy = true;
	(*slot)->rc = SQLITE_OK;
	if (!(*slot)->st)
		(*slot)->rc = sqlite3_prepare_v3(c->sq, sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &(*slot)->st, NULL);
	return *slot;
}

void stmt_reset(struct stmt *st)
{
	/* Repeats the error of the last step, which was reported. */
	(void)sqlite3_reset(st->st);
	(void)sqlite3_clear_bindings(st->st);
	st->busy = false;
}

static void keep_first(struct stmt *st, int rc)
{
	if (st->rc == SQLITE_OK)
		st->rc = rc;
}

void stmt_bind_int(struct stmt *st, int i, int64_t v)
{
	keep_first(st, sqlite3_bind_int64(st->st, i, v));
}

void stmt_bind_real(struct stmt *st, int i, double v)
{
	keep_first(st, sqlite3_bind_double(st->st, i, v));
}

void stmt_bind_text(struct stmt *st, int i, const char *s)
{
	keep_first(st, sqlite3_bind_text(st->st, i, s, -1, SQLITE_STATIC));
}

void stmt_bind_blob(struct stmt *st, int i, const void *data, size_t len)
{
	/* A NULL pointer with length 0 would be NULL and not an empty blob. */
	if (!len && data)
		keep_first(st, sqlite3_bind_zeroblob(st->st, i, 0));
	else
		keep_first(st,
		    sqlite3_bind_blob64(st->st, i, data, len, SQLITE_STATIC));
}

int stmt_step(struct stmt *st, struct err *err)
{
	int rc = st->rc;

	if (rc == SQLITE_OK)
		rc = FAULT("step") ? SQLITE_IOERR : sqlite3_step(st->st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return conn_error(st->conn, rc, err);
}

int stmt_run(struct stmt *st, struct err *err)
{
	int r = stmt_step(st, err);

	return r == 1 ? err_set(err, ERR_INVAL, "database: unexpected row") : r;
}

int stmt_run_one(struct stmt *st, struct err *err)
{
	int r = stmt_run(st, err);

	if (r < 0 || conn_changes(st->conn) == 1)
		return r;
	return err_set(
	    err, ERR_INVAL, "database: no such row: %.100s", st->sql);
}

int64_t stmt_int(struct stmt *st, int col)
{
	return sqlite3_column_int64(st->st, col);
}

double stmt_real(struct stmt *st, int col)
{
	return sqlite3_column_double(st->st, col);
}

bool stmt_null(struct stmt *st, int col)
{
	return sqlite3_column_type(st->st, col) == SQLITE_NULL;
}

const char *stmt_text_or_null(struct stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st->st, col);
}

const char *stmt_text(struct stmt *st, int col)
{
	const char *s = stmt_text_or_null(st, col);

	return s ? s : "";
}

const void *stmt_blob(struct stmt *st, int col, size_t *ret_len)
{
	const void *p = sqlite3_column_blob(st->st, col);

	*ret_len = (size_t)sqlite3_column_bytes(st->st, col);
	return p ? p : "";
}
