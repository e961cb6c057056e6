/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed lately, over all series: each branch of each is looked at by
 * the default detector, and of what was found those changes are left that are
 * to be believed together. A watch keeps what was found, so that only series
 * that have new points are read again.
 */
#ifndef WEB_SERIES_CHANGES_H
#define WEB_SERIES_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SERIES_CHANGES_Q .05 /* rate of wrong ones among them, at most */

struct db_reader;

struct series_change {
	int64_t series_id;
	int64_t branch_id;
	int64_t attempt_id; /* the first point of the new level */
	double p;           /* struct bench_change, p_bound */
};
struct series_changes {
	struct series_change *v; /* the newest first */
	size_t n;
	size_t n_histories; /* that were looked at */
	size_t n_found;     /* changes, believed or not */
	size_t n_read;      /* series whose points were read for this */
};

/*
 * One for all threads of a process, each with its own reader of the same
 * folder: about 200 bytes a series.
 */
struct series_watch;
struct series_watch *series_watch_new(void);
void series_watch_free(struct series_watch *w); /* NULL is allowed */
SCOPED_DEFINE(struct series_watch, series_watch_free);

/* Neither imported values nor placebos are looked at. */
int series_changes_find(struct series_watch *w, struct db_reader *reader,
    struct series_changes **ret, struct err *err);
void series_changes_free(struct series_changes *c);
SCOPED_DEFINE(struct series_changes, series_changes_free);

#endif
