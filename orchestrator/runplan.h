/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From items and machines to jobs: the matrix of a run before it runs. */
#ifndef ORCHESTRATOR_RUNPLAN_H
#define ORCHESTRATOR_RUNPLAN_H

#include "orchestrator/daemon.h"

#define RUNPLAN_ANY "any" /* the column of hardware-independent items */

struct runplan {
	const char **items;     /* borrowed, as from the suite */
	const char **platforms; /* borrowed from the machines; may end in any */
	size_t n_items;
	size_t n_platforms;
	char *cells; /* as in struct db_plan */
	int64_t n_jobs;
};

/*
 * Every item meets every platform that has a machine for it; an independent
 * item gets one job in column any and '*' where it could have run. An item
 * that no machine can take waits in column any, and gets a warning line.
 * Errors: INVAL, LIMIT (over 1,000,000 jobs).
 */
int runplan_make(const struct daemon *d, const struct suite *suite,
    struct runplan *ret, struct buf *warnings, struct err *err);
/*
 * The same items on the same platforms as in the plan of another run of this
 * suite, whatever the lab is now; borrows from that plan. Error: INVAL (an
 * item is not in the suite).
 */
int runplan_only(const struct suite *suite, const struct db_plan *only,
    struct runplan *ret, struct err *err);
/* A canary: one item, the platform of its machine. */
void runplan_canary(
    const struct suite *suite, const struct machine *m, struct runplan *ret);
void runplan_done(struct runplan *plan);

/* The items of a suite, then its benchmarks: the rows of the matrix. */
const struct suite_item *runplan_item(const struct suite *suite, size_t i);
/*
 * The number of the item that is the i-th row of a plan, which has all items in
 * their order, or only some. SIZE_MAX: the suite has none of this name.
 */
size_t runplan_find(const struct suite *suite, const char *name, size_t i);

/* The requirement class of an item on a platform. */
int runplan_class(struct daemon *d, const struct run *run,
    const struct suite_item *item, bool bench, const char *platform);

#endif
