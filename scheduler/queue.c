/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is before whom: strict priority, then start-time fair queueing between
 * projects, then age.
 *
 * Every job gets its virtual start time when it is pushed: the later of "now"
 * and the end of its project's previous job, where now is the start of the
 * last job served. Keys never change afterwards, so a heap per class will do.
 * A job that was tried before has paid for its place: it starts now, and its
 * project is not charged again.
 */
#include "scheduler/core.h"

#include <assert.h>

/* ---- heaps --------------------------------------------------------------- */

static void heap_set(struct scheduler *s, struct heap *h, int i, struct key k)
{
	h->at[i] = k;
	s->jobs[k.job].pos = i;
}

static void sift_up(struct scheduler *s, struct heap *h, int i, struct key k)
{
	int parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (!key_before(&k, &h->at[parent]))
			break;
		heap_set(s, h, i, h->at[parent]);
	}
	heap_set(s, h, i, k);
}

static void sift_down(struct scheduler *s, struct heap *h, int i, struct key k)
{
	int child;

	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n &&
		    key_before(&h->at[child + 1], &h->at[child]))
			child++;
		if (!key_before(&h->at[child], &k))
			break;
		heap_set(s, h, i, h->at[child]);
	}
	heap_set(s, h, i, k);
}

static void heap_add(struct scheduler *s, struct heap *h, struct key k)
{
	h->at = array_grow(h->at, &h->cap, h->n + 1, sizeof(*h->at));
	h->n++;
	sift_up(s, h, h->n - 1, k);
}

static void heap_remove(struct scheduler *s, struct heap *h, int i)
{
	struct key last = h->at[--h->n];

	if (i == h->n)
		return;
	if (i > 0 && key_before(&last, &h->at[(i - 1) / 2]))
		sift_up(s, h, i, last);
	else
		sift_down(s, h, i, last);
}

bool heap_first(const struct heap *h, bool (*ok)(const void *arg, int job),
    const void *arg, struct key *bound)
{
	int stack[64]; /* at most one more than the depth of the heap */
	int n = 0;
	bool found = false;
	int i;

	stack[n++] = 0;
	while (n) {
		i = stack[--n];
		if (i >= h->n || !key_before(&h->at[i], bound))
			continue;
		if (ok(arg, h->at[i].job)) {
			*bound = h->at[i];
			found = true;
			continue;
		}
		stack[n++] = 2 * i + 2;
		stack[n++] = 2 * i + 1;
	}
	return found;
}

int heap_before(const struct heap *h, const struct key *bound, int max)
{
	int stack[64]; /* as above */
	int n = 0;
	int count = 0;
	int i;

	stack[n++] = 0;
	while (n && count < max) {
		i = stack[--n];
		if (i >= h->n || !key_before(&h->at[i], bound))
			continue;
		count++;
		stack[n++] = 2 * i + 2;
		stack[n++] = 2 * i + 1;
	}
	return count;
}

/* ---- heads --------------------------------------------------------------- */

/* The least head of the 64 classes around this one, from scratch. */
static void block_update(struct scheduler *s, int class_id)
{
	int block = class_id / 64;
	uint64_t word = s->waiting[block];
	struct key *least = &s->block_heads[block];
	const struct key *head;
	bool first = true;

	while (word) {
		head = &s->heads[block * 64 + bit_take(&word)];
		if (first || key_before(head, least))
			*least = *head;
		first = false;
	}
}

static void head_update(struct scheduler *s, int class_id)
{
	struct class *c = &s->classes[class_id];
	struct key *head = &s->heads[class_id];
	struct key *least = &s->block_heads[class_id / 64];
	bool alone = !s->waiting[class_id / 64];
	bool was_least =
	    bit_get(s->waiting, class_id) && head->seq == least->seq;

	bit_put(s->waiting, class_id, c->heap.n > 0);
	bit_put(s->picky, class_id, c->n_picky > 0);
	if (c->heap.n)
		*head = c->heap.at[0];
	if (c->heap.n && (alone || key_before(head, least)))
		*least = *head;
	else if (was_least)
		block_update(s, class_id);
}

int queue_first(const struct scheduler *s, const uint64_t *set)
{
	int best = -1;
	uint64_t word;
	int c;

	for (int w = 0; w < s->class_words; w++) {
		word = set[w] & s->waiting[w];
		if (!word ||
		    (best >= 0 &&
		        !key_before(&s->block_heads[w], &s->heads[best])))
			continue;
		while (word) {
			c = w * 64 + bit_take(&word);
			if (best < 0 ||
			    key_before(&s->heads[c], &s->heads[best]))
				best = c;
		}
	}
	return best;
}

/* ---- fairness ------------------------------------------------------------ */

static int64_t level_id(int priority, int platform)
{
	return (int64_t)priority * (INT64_C(1) << 32) + (platform + 1);
}

/*
 * Where a new level's clock starts. "Any platform" and the platforms share
 * machines, so it starts where the slowest of those it meets has arrived.
 */
static uint64_t level_start(
    const struct scheduler *s, int priority, int platform)
{
	uint64_t least = UINT64_MAX;
	const struct level *l;

	for (int i = 0; i < s->n_levels; i++) {
		l = &s->levels[i];
		if (l->waiting && l->priority == priority &&
		    (l->platform < 0 || platform < 0) && l->now < least)
			least = l->now;
	}
	return least == UINT64_MAX ? 0 : least;
}

static int level_get(struct scheduler *s, int priority, int platform)
{
	int i = ids_get(&s->level_of, level_id(priority, platform));
	uint64_t now;

	if (i >= 0)
		return i;
	now = level_start(s, priority, platform);
	for (i = 0; i < s->n_levels && s->levels[i].waiting; i++)
		;
	if (i == s->n_levels)
		s->n_levels++;
	s->levels = array_grow(
	    s->levels, &s->cap_levels, s->n_levels, sizeof(*s->levels));
	s->levels[i].priority = priority;
	s->levels[i].platform = platform;
	s->levels[i].now = now;
	ids_put(&s->level_of, level_id(priority, platform), i);
	return i;
}

/* The last job has left: what the projects owe each other is forgotten. */
static void level_leave(struct scheduler *s, int level)
{
	struct level *l = &s->levels[level];

	if (--l->waiting)
		return;
	ids_del(&s->level_of, level_id(l->priority, l->platform));
	ids_clear(&l->flow_of);
	l->n_finish = 0;
}

static uint64_t *flow_get(struct level *l, int64_t project_id)
{
	int i = ids_get(&l->flow_of, project_id);

	if (i < 0) {
		i = l->n_finish++;
		l->finish = array_grow(
		    l->finish, &l->cap_finish, l->n_finish, sizeof(*l->finish));
		l->finish[i] = 0;
		ids_put(&l->flow_of, project_id, i);
	}
	return &l->finish[i];
}

static uint64_t virtual_start(struct level *l, const struct waiting_job *job)
{
	uint64_t *finish = flow_get(l, job->project_id);
	uint64_t start = *finish > l->now ? *finish : l->now;

	if (job->n_excluded)
		return l->now;
	*finish = start +
	    (uint64_t)(job->expected_ms > 0 ? job->expected_ms
	                                    : COST_UNKNOWN_MS);
	return start;
}

void queue_served(struct scheduler *s, int job)
{
	const struct key *k = job_key(s, job);
	struct level *l = &s->levels[s->jobs[job].level];

	if (k->start > l->now)
		l->now = k->start;
}

/* ---- jobs ---------------------------------------------------------------- */

int job_find(const struct scheduler *s, int64_t job_id)
{
	return ids_get(&s->job_of, job_id);
}

const struct key *job_key(const struct scheduler *s, int job)
{
	const struct job_slot *j = &s->jobs[job];

	return &s->classes[j->class_id].heap.at[j->pos];
}

static int slot_new(struct scheduler *s)
{
	int i = s->free_job_slot;

	if (i >= 0) {
		s->free_job_slot = s->jobs[i].pos;
		return i;
	}
	i = s->n_jobs++;
	s->jobs =
	    array_grow(s->jobs, &s->cap_jobs, s->n_jobs, sizeof(*s->jobs));
	return i;
}

static void slot_fill(
    struct scheduler *s, int slot, const struct waiting_job *job)
{
	struct job_slot *j = &s->jobs[slot];
	size_t n = job->n_excluded > 0 ? (size_t)job->n_excluded : 0;

	memset(j, 0, sizeof(*j));
	j->id = job->id;
	j->class_id = job->class_id;
	j->reserved = -1;
	j->expected_ms = job->expected_ms;
	if (n > JOB_EXCLUDED_MAX)
		n = JOB_EXCLUDED_MAX;
	if (n) {
		j->excluded = xcalloc(n, sizeof(*j->excluded));
		memcpy(j->excluded, job->excluded, n * sizeof(*j->excluded));
	}
	j->n_excluded = (int)n;
}

int queue_add(struct scheduler *s, const struct waiting_job *job)
{
	struct class *c = &s->classes[job->class_id];
	int level = level_get(s, job->priority, c->platform);
	int slot = slot_new(s);
	struct key k = {
	    .rank = (uint32_t)((int64_t)INT32_MAX - job->priority),
	    .job = slot,
	    .start = virtual_start(&s->levels[level], job),
	    .seq = ++s->next_seq,
	};

	slot_fill(s, slot, job);
	s->jobs[slot].level = level;
	s->levels[level].waiting++;
	c->n_picky += s->jobs[slot].n_excluded > 0;
	heap_add(s, &c->heap, k);
	head_update(s, job->class_id);
	ids_put(&s->job_of, job->id, slot);
	s->n_waiting++;
	return slot;
}

void queue_remove(struct scheduler *s, int job)
{
	struct job_slot *j = &s->jobs[job];
	struct class *c = &s->classes[j->class_id];

	assert(j->reserved < 0);
	heap_remove(s, &c->heap, j->pos);
	c->n_picky -= j->n_excluded > 0;
	head_update(s, j->class_id);
	level_leave(s, j->level);
	ids_del(&s->job_of, j->id);
	s->n_waiting--;
	free(j->excluded);
	j->excluded = NULL;
	j->class_id = -1;
	j->pos = s->free_job_slot;
	s->free_job_slot = job;
}

void queue_done(struct scheduler *s)
{
	for (int i = 0; i < s->n_jobs; i++)
		if (s->jobs[i].class_id >= 0)
			free(s->jobs[i].excluded);
	for (int i = 0; i < s->n_levels; i++) {
		ids_done(&s->levels[i].flow_of);
		free(s->levels[i].finish);
	}
	free(s->jobs);
	free(s->levels);
	ids_done(&s->job_of);
	ids_done(&s->level_of);
}
