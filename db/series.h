/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that read series share: which of them are one. */
#ifndef DB_SERIES_H
#define DB_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define BRANCH_BYTES (64 << 10)

struct db_reader;

/* Series that are one, by id: at least the one that was asked for. */
struct series_group {
	int64_t *ids;
	size_t n;
};
/* Does not look whether there is such a series. */
int series_group(
    struct db_reader *r, int64_t id, struct series_group *ret, struct err *err);
void series_group_done(struct series_group *g);

/* In place of what is in the buffer. */
void branch_text(struct buf *to, const char *project, const char *name);

#endif
