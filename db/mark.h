/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The marks of a sample as bytes. */
#ifndef DB_MARK_H
#define DB_MARK_H

#include "db/db.h"

#define MARKS_MAX (1 << 30) /* bytes of the marks of a sample */

/* Appends n marks; the reverse of mark_decode(). */
void mark_encode(const struct db_sample_mark *marks, size_t n, struct buf *to);
/*
 * Reads exactly n marks, whose texts are borrowed from the body; the caller
 * frees the list. Error: PROTO.
 */
int mark_decode(const void *body, size_t len, size_t n,
    struct db_sample_mark **ret, struct err *err);

#endif
