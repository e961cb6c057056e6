/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jobs of two runs side by side. */
#ifndef DB_CHANGES_H
#define DB_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "scheduler/scheduler.h"

struct change_job {
	int64_t id;
	int64_t item_id; /* words */
	int64_t platform_id;
	enum job_state state;
	struct verdict verdict;
	int64_t took_ms; /* of its last attempt; 0: not done, or never begun */
	int64_t last_attempt;  /* 0: none */
	int64_t started_at_ms; /* of that attempt */
	int64_t machine_id;    /* of that attempt */
};

/* In order of item and platform, and of id. */
struct change_jobs {
	struct change_job *list;
	size_t n;
};

/* The job of the same item and platform, or NULL. */
const struct change_job *change_find(
    const struct change_jobs *in, const struct change_job *like);
void change_jobs_sort(struct change_jobs *jobs);

/*
 * About how many milliseconds the jobs of now that are not done will take: each
 * as long as the same job took before (or as the mean job did), those of a
 * platform on as many machines as it had before; the slowest platform counts.
 * -1: nothing took any time before.
 */
int64_t change_left_ms(const struct change_jobs *now,
    const struct change_jobs *before, int64_t now_ms);

#endif
