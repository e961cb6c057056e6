/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which runs have a name like a pattern: from memory, because no index of a
 * database finds page 300 of a filter. One per reader.
 */
#ifndef DB_FILTER_H
#define DB_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conn;
struct filter;

struct filter *filter_new(void);
void filter_free(struct filter *f); /* NULL is allowed */

/* How many runs have a name like it. */
int filter_count(struct filter *f, struct conn *c, const char *like,
    int64_t *ret, struct err *err);
/*
 * Ids of those runs, newest first: at most limit of them that are below
 * before (0: no bound), after leaving out skip.
 */
int filter_page(struct filter *f, struct conn *c, const char *like,
    int64_t before, int64_t skip, size_t limit, int64_t *ret_ids, size_t *ret_n,
    struct err *err);

#endif
