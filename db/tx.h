/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transaction in memory: operations with copies of what they need, filled
 * on the loop and run by the writer, perhaps more than once.
 */
#ifndef DB_TX_H
#define DB_TX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conn;
struct db;

/* arg lives in the transaction. Errors but those of the disk are our bugs. */
typedef int op_fn(struct conn *c, const void *arg, struct err *err);

struct log_sync;

struct op {
	struct op *next;
	const char *name; /* for messages: what, and ... */
	int64_t id;       /* ... of which object */
	op_fn *run;
	const void *arg;
};

struct db_tx {
	struct db *db;
	struct op *ops;
	struct op **last;
	struct tx_chunk *chunks;
	struct log_sync *logs; /* durable before the operations are */
	void (*done)(void *arg);
	void *done_arg;
	struct db_tx *next; /* in the writer's lists */
};

/* Zeroed memory that lives as long as the transaction. */
void *tx_alloc(struct db_tx *tx, size_t n, size_t size);
void *tx_copy(struct db_tx *tx, const void *data, size_t len);
char *tx_str(struct db_tx *tx, const char *s); /* NULL gives NULL */
/* Adds an operation; arg is from tx_alloc(). */
void tx_op(struct db_tx *tx, const char *name, int64_t id, op_fn *run,
    const void *arg);
/* Takes ownership; carried out before the batch is committed. */
void tx_log(struct db_tx *tx, struct log_sync *sync);

#endif
