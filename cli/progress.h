/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a watched run looks like: lines made from the server's documents. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/term.h"

/* Each appends whole lines; on a terminal none is wider than it. */

/* "run 60616  NAME  COMMIT  priority N". */
void progress_head(const struct term *t, const json_t *run, struct buf *to);
/* "331/379  ✓ 329 ..." */
void progress_counts(const struct term *t, const json_t *run, struct buf *to);
/*
 * The block that is redrawn: head, bar, machines, and a note if it is not
 * empty. machines may be NULL.
 */
void progress_block(const struct term *t, const json_t *run,
    const json_t *matrix, const json_t *machines, const char *note,
    struct buf *to);
/* How the run ended, in one line; status in place of the server's own. */
void progress_end(const struct term *t, const json_t *run, const char *status,
    struct buf *to);
/* One job: "✗ ITEM on PLATFORM: fail "TEXT" (job 412)" after a prefix. */
void progress_job(const struct term *t, const char *prefix, const char *item,
    const char *platform, const json_t *cell, const char *text, struct buf *to);

#endif
