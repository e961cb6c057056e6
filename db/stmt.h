/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection and its prepared statements.
 *
 * Statements are cached by the address of their text, which is a static array
 * above the function that runs it. What goes wrong in stmt_get() or a bind
 * sticks until stmt_step(), which reports it.
 *
 * Kinds of errors: CONFLICT a constraint said no, INVAL our own bug, AGAIN
 * another connection has it, TIMEOUT over the deadline, IO everything that
 * freeing disk space or memory can cure.
 */
#ifndef DB_STMT_H
#define DB_STMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conn;
struct recall;
struct stmt;

enum conn_mode {
	CONN_WRITE, /* made if missing */
	CONN_READ,
	CONN_PEEK /* like CONN_READ, and leaves the log file alone */
};

#define CONN_BUSY_MS 1000

int conn_open(
    const char *path, enum conn_mode mode, struct conn **ret, struct err *err);
void conn_close(struct conn *c);
SCOPED_DEFINE(struct conn, conn_close);
/* Runs statements without parameters or rows: migrations and PRAGMAs. */
int conn_exec(struct conn *c, const char *sql, struct err *err);
/* Queries end with TIMEOUT after it (monotonic); 0: none. */
void conn_deadline(struct conn *c, int64_t deadline_ms);
/* Of one that writes: calls fn (NULL: no more) every so often meanwhile. */
void conn_every(
    struct conn *c, int64_t every_ms, void (*fn)(void *arg), void *arg);
/* Rows changed by the last statement. */
int64_t conn_changes(const struct conn *c);
/* Begins to write; fails at once and not in the middle. */
int conn_begin(struct conn *c, struct err *err);
/* Commits, or says why not; the transaction is over in any case. */
int conn_commit(struct conn *c, struct err *err);
void conn_rollback(struct conn *c);
/* Of one that writes; a transaction that is rolled back empties it. */
struct recall *conn_recall(struct conn *c);
/* Bytes of the write-ahead log after the last commit. */
int64_t conn_wal_bytes(const struct conn *c);
/* Copies the log into the database; truncate: and empties its file. */
void conn_checkpoint(struct conn *c, bool truncate);

/* Never NULL. It must not be in use: no query inside its own callback. */
struct stmt *stmt_get(struct conn *c, const char *sql);
void stmt_reset(struct stmt *st);
SCOPED_DEFINE(struct stmt, stmt_reset);
void stmt_bind_int(struct stmt *st, int i, int64_t v);
void stmt_bind_real(struct stmt *st, int i, double v);
/* Text and blobs are borrowed until stmt_reset(). NULL binds NULL. */
void stmt_bind_text(struct stmt *st, int i, const char *s);
void stmt_bind_blob(struct stmt *st, int i, const void *data, size_t len);
/* 1: a row; 0: at the end; or an error. */
int stmt_step(struct stmt *st, struct err *err);
/* Steps a statement that returns nothing: 0 or an error. */
int stmt_run(struct stmt *st, struct err *err);
/* The same, and it must have changed exactly one row: else INVAL. */
int stmt_run_one(struct stmt *st, struct err *err);
int64_t stmt_int(struct stmt *st, int col); /* 0 for NULL */
double stmt_real(struct stmt *st, int col);
bool stmt_null(struct stmt *st, int col);
/* Borrowed until the next step. "" for NULL. */
const char *stmt_text(struct stmt *st, int col);
/* The same, but NULL for NULL. */
const char *stmt_text_or_null(struct stmt *st, int col);
const void *stmt_blob(struct stmt *st, int col, size_t *ret_len);

/* Whether SQL says `text LIKE pattern`. */
bool stmt_like(const char *text, const char *pattern);

/* The text behind a statement for EXPLAIN: for tests. */
struct sqlite3 *conn_handle(struct conn *c);

#endif
