/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which runs have a name like a pattern: from memory, because no index of a
 * database finds page 300 of a filter. One for all readers of a process
 * (db_filter_new() in db/read.h); any thread, each with its own connection.
 */
#ifndef DB_FILTER_H
#define DB_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db_filter;
struct db_reader;

/*
 * Learns the names and runs there are, in read transactions of its own, as
 * many as it takes: outside of any other. What one call learned is there for
 * the next. Error: TIMEOUT, it takes long; ask again.
 */
int filter_fill(struct db_filter *f, struct db_reader *r, struct err *err);

/*
 * How many runs have a name like it, in the reader's transaction, whose first
 * query this should be: else the filter may be ahead of it.
 */
int filter_count(struct db_filter *f, struct db_reader *r, const char *like,
    int64_t *ret, struct err *err);
/*
 * Ids of those runs, newest first: at most limit of them that are below
 * before (0: no bound), after leaving out skip.
 */
int filter_page(struct db_filter *f, struct db_reader *r, const char *like,
    int64_t before, int64_t skip, size_t limit, int64_t *ret_ids, size_t *ret_n,
    struct err *err);

#endif
