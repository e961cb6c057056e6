/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers that rows got lately, by what they stand for: what comes with
 * each result, like the name of a metric, is asked of the database once.
 *
 * For tables that only grow and that only the connection with this memory
 * writes. What was remembered in a transaction that is rolled back never was:
 * the connection forgets all then. Bounded: a place holds one number, and the
 * newest one stays.
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
/* 0: not remembered. table: any text of the program, compared by address. */
int64_t recall_get(
    const struct recall *r, const char *table, const void *key, size_t len);
/* id is not 0. Long keys are not remembered. */
void recall_put(struct recall *r, const char *table, const void *key,
    size_t len, int64_t id);
void recall_forget(struct recall *r);

#endif
