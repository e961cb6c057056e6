/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions in memory. Invariant: nothing in one points outside it, so
 * that the writer can run it long after the caller has forgotten its data.
 * Sizes are bounded by whoever parsed the data; a failed allocation aborts.
 */
#include "db/tx.h"

#include <stdalign.h>

#include "db/db.h"
#include "db/log_sync.h"
#include "db/store.h"
#include "db/writer.h"

#define CHUNK_BYTES 4000

struct tx_chunk {
	struct tx_chunk *next;
	size_t used;
	size_t cap;
	alignas(max_align_t) char data[];
};

struct db_tx *db_tx_new(struct db *db)
{
	struct db_tx *tx = xcalloc(1, sizeof(*tx));

	tx->db = db;
	tx->last = &tx->ops;
	return tx;
}

void db_tx_free(struct db_tx *tx)
{
	struct tx_chunk *next;

	if (!tx)
		return;
	log_sync_free(tx->logs);
	for (struct tx_chunk *c = tx->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(tx);
}

void db_tx_post(struct db_tx *tx, void (*done)(void *arg), void *arg)
{
	tx->done = done;
	tx->done_arg = arg;
	writer_post(tx->db->writer, tx);
}

void *tx_alloc(struct db_tx *tx, size_t n, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct tx_chunk *c = tx->chunks;
	size_t len;
	size_t cap;
	void *p;

	if (__builtin_mul_overflow(n, size, &len) || len > SIZE_MAX / 2)
		abort();
	len = (len + align - 1) / align * align;
	if (!c || c->cap - c->used < len) {
		cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
		c = xcalloc(1, sizeof(*c) + cap);
		c->cap = cap;
		c->next = tx->chunks;
		tx->chunks = c;
	}
	p = c->data + c->used;
	c->used += len;
	return p;
}

void *tx_copy(struct db_tx *tx, const void *data, size_t len)
{
	void *p = tx_alloc(tx, len ? len : 1, 1);

	if (len)
		memcpy(p, data, len);
	return p;
}

char *tx_str(struct db_tx *tx, const char *s)
{
	return s ? tx_copy(tx, s, strlen(s) + 1) : NULL;
}

void tx_op(
    struct db_tx *tx, const char *name, int64_t id, op_fn *run, const void *arg)
{
	struct op *op = tx_alloc(tx, 1, sizeof(*op));

	op->name = name;
	op->id = id;
	op->run = run;
	op->arg = arg;
	*tx->last = op;
	tx->last = &op->next;
}

void tx_log(struct db_tx *tx, struct log_sync *sync)
{
	sync->next = tx->logs;
	tx->logs = sync;
}
