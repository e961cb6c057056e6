/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overhead tables as a document: of one run, or of all. */
#ifndef WEB_OVERHEAD_H
#define WEB_OVERHEAD_H

#include "web/compare.h"
#include "web/json.h"

/* The document OVERHEAD; run 0: of no run alone. After compare_finish(). */
void overhead_render(struct jw *w, int64_t run, const struct compare *compare);
/*
 * What the suite's benchmark of this name compares; false if it has none, or
 * only a placebo, or s is NULL.
 */
bool overhead_roles(
    const struct suite *s, const char *item, struct compare_roles *ret);
/* The suite that was read last: that of the next run is mostly the same. */
struct overhead_suite {
	char *name;
	char *text;
	size_t len;
	struct suite *suite; /* NULL: it was refused, */
	char *why;           /* for this reason */
};
void overhead_suite_done(struct overhead_suite *s);
/*
 * Reads the suite of a run. One that an older version accepted may be refused
 * by now: that is not the fault of who asks, and no error.
 */
int overhead_suite_read(struct db_reader *reader, int64_t run,
    struct overhead_suite *s, struct err *err);

#endif
