/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two runs side by side: pairs of jobs, and how long the rest will take. */
#include "db/changes.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_id(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Item and platform only. */
static int by_place(const void *a, const void *b)
{
	const struct change_job *x = a;
	const struct change_job *y = b;
	int c = by_id(x->item_id, y->item_id);

	return c ? c : by_id(x->platform_id, y->platform_id);
}

static int by_place_and_id(const void *a, const void *b)
{
	const struct change_job *x = a;
	const struct change_job *y = b;
	int c = by_place(a, b);

	return c ? c : by_id(x->id, y->id);
}

void change_jobs_sort(struct change_jobs *jobs)
{
	if (jobs->n)
		qsort(
		    jobs->list, jobs->n, sizeof(*jobs->list), by_place_and_id);
}

const struct change_job *change_find(
    const struct change_jobs *in, const struct change_job *like)
{
	if (!in->n)
		return NULL;
	return bsearch(like, in->list, in->n, sizeof(*in->list), by_place);
}

/* ---- how long it will take ---------------------------------------------- */

struct lane { /* a platform */
	int64_t platform_id;
	int64_t work_ms;
	int64_t *machines; /* different ones */
	size_t n_machines;
};

struct lanes {
	struct lane *list;
	size_t n;
};

static void lanes_done(struct lanes *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].machines);
	free(l->list);
}

/* A run has few platforms. */
static struct lane *lane_get(struct lanes *l, int64_t platform_id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].platform_id == platform_id)
			return &l->list[i];
	l->list = xrealloc(l->list, l->n + 1, sizeof(*l->list));
	l->list[l->n] = (struct lane){.platform_id = platform_id};
	return &l->list[l->n++];
}

static void lane_machine(struct lane *lane, int64_t machine_id)
{
	for (size_t i = 0; i < lane->n_machines; i++)
		if (lane->machines[i] == machine_id)
			return;
	lane->machines = xrealloc(
	    lane->machines, lane->n_machines + 1, sizeof(*lane->machines));
	lane->machines[lane->n_machines++] = machine_id;
}

/* 0: nothing is known. */
static int64_t mean_ms(const struct change_jobs *jobs)
{
	int64_t sum = 0;
	int64_t n = 0;

	for (size_t i = 0; i < jobs->n; i++) {
		sum += jobs->list[i].took_ms;
		n += jobs->list[i].took_ms > 0;
	}
	return n ? sum / n : 0;
}

/* What is left of one job. */
static int64_t job_left_ms(const struct change_job *job,
    const struct change_jobs *before, int64_t usual_ms, int64_t now_ms)
{
	const struct change_job *same = change_find(before, job);
	int64_t left = same && same->took_ms ? same->took_ms : usual_ms;

	if (job->state == JOB_DONE)
		return 0;
	if (job->state != JOB_QUEUED && job->started_at_ms)
		left -= now_ms - job->started_at_ms;
	return left > 0 ? left : 0;
}

int64_t change_left_ms(const struct change_jobs *now,
    const struct change_jobs *before, int64_t now_ms)
{
	scoped_val(lanes_done) struct lanes lanes = {NULL, 0};
	int64_t usual_ms = mean_ms(before);
	int64_t longest = 0;

	if (!usual_ms)
		return -1;
	for (size_t i = 0; i < before->n; i++)
		if (before->list[i].machine_id)
			lane_machine(
			    lane_get(&lanes, before->list[i].platform_id),
			    before->list[i].machine_id);
	for (size_t i = 0; i < now->n; i++)
		lane_get(&lanes, now->list[i].platform_id)->work_ms +=
		    job_left_ms(&now->list[i], before, usual_ms, now_ms);
	for (size_t i = 0; i < lanes.n; i++) {
		const struct lane *lane = &lanes.list[i];
		int64_t n = lane->n_machines ? (int64_t)lane->n_machines : 1;

		if (lane->work_ms / n > longest)
			longest = lane->work_ms / n;
	}
	return longest;
}
