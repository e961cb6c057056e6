/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rows say that were written or read lately, by a key: what is needed for
 * each result, like the number of a metric's name, is asked of the database
 * once.
 *
 * For tables that only the connection with this memory writes. What was
 * remembered in a transaction that is rolled back never was: the connection
 * forgets all then. Bounded: of keys that share a place the last one stays.
 */
#ifndef DB_RECALL_H
#define DB_RECALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct recall;

struct recall *recall_new(void);
void recall_free(struct recall *r); /* NULL is allowed */
SCOPED_DEFINE(struct recall, recall_free);
/*
 * The value that was put, aligned for anything; borrowed until the next put.
 * NULL: not remembered. table: a text of the program, compared by address.
 */
const void *recall_get(
    const struct recall *r, const char *table, const void *key, size_t len);
#define RECALL_VALUE_BYTES 32 /* at most */
/* Keys over 80 bytes are not remembered. */
void recall_put(struct recall *r, const char *table, const void *key,
    size_t len, const void *value, size_t value_len);
void recall_forget(struct recall *r);

#endif
