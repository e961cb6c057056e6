/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which job starts next, and where.
 *
 * Every lease is the best job for its machine: a touched machine is given the
 * first job it may run, and a touched class only proposes machines, each of
 * which then chooses by the same rule. So strict priority holds in whatever
 * order changes are looked at.
 *
 * A quiet job whose turn has come on a machine with busy zones reserves them:
 * what comes after it in the queue does not start there, so they drain.
 */
#include "scheduler/core.h"

#include <assert.h>

struct scheduler *scheduler_new(void)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));

	s->free_machine_slot = -1;
	s->free_job_slot = -1;
	s->first_touched = s->last_touched = -1;
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	queue_done(s);
	machines_done(s);
	classes_done(s);
	free(s);
}

/* ---- exclusion ----------------------------------------------------------- */

bool job_excludes(const struct job_slot *j, int64_t machine_id)
{
	for (int i = 0; i < j->n_excluded; i++)
		if (j->excluded[i] == machine_id)
			return true;
	return false;
}

/* Healthy machines of the profile that the job excludes. */
static int excluded_of(
    const struct scheduler *s, const struct job_slot *j, int profile)
{
	const struct machine *m;
	int n = 0;
	int i;

	for (int k = 0; k < j->n_excluded; k++) {
		i = machine_find(s, j->excluded[k]);
		m = i >= 0 ? &s->machines[i] : NULL;
		n += m && m->profile == profile && machine_is_good(m);
	}
	return n;
}

bool job_has_alternative(const struct scheduler *s, int job)
{
	const struct job_slot *j = &s->jobs[job];
	const struct class *c = &s->classes[j->class_id];
	uint64_t word;
	int p;

	if (c->pin)
		return false;
	for (int w = 0; w < s->profile_words; w++) {
		word = c->profiles[w];
		while (word) {
			p = w * 64 + bit_take(&word);
			if (s->profiles[p].n_good > excluded_of(s, j, p))
				return true;
		}
	}
	return false;
}

/* ---- the best job for a machine ------------------------------------------ */

struct pick {
	const struct scheduler *s;
	const struct machine *m;
	int machine;
	bool alone; /* its zones are idle */
	bool found;
	struct key bound; /* of the best job so far, or of what may not start */
};

/*
 * A job of a class that the machine can run may have it: start there, or, if
 * it is quiet, reserve its zones.
 */
static bool may_have(const void *arg, int job)
{
	const struct pick *p = arg;
	const struct job_slot *j = &p->s->jobs[job];
	bool quiet = p->s->classes[j->class_id].quiet;

	if (quiet && !p->alone && j->reserved >= 0 && j->reserved != p->machine)
		return false;
	return !job_excludes(j, p->m->id) || !job_has_alternative(p->s, job);
}

static void pick_class(struct pick *p, int class_id)
{
	const struct class *c = &p->s->classes[class_id];

	if (!c->quiet && !c->n_picky) {
		p->bound = p->s->heads[class_id];
		p->found = true;
		return;
	}
	p->found |= heap_first(&c->heap, may_have, p, &p->bound);
}

static void pick_matching(struct pick *p)
{
	const struct scheduler *s = p->s;
	const uint64_t *classes = s->profiles[p->m->profile].classes;
	uint64_t word;
	int c;

	for (int w = 0; w < s->class_words; w++) {
		word = classes[w] & s->waiting[w];
		if (!word || !key_before(&s->block_heads[w], &p->bound))
			continue;
		while (word) {
			c = w * 64 + bit_take(&word);
			if (key_before(&s->heads[c], &p->bound))
				pick_class(p, c);
		}
	}
}

static void pick_pinned(struct pick *p)
{
	const struct scheduler *s = p->s;
	const struct class *c;

	for (int i = p->m->first_pinned; i >= 0; i = c->next_pinned) {
		c = &s->classes[i];
		if (bit_get(s->waiting, i) &&
		    key_before(&s->heads[i], &p->bound) &&
		    (c->canary || p->m->health == HEALTH_GOOD) &&
		    class_matches(c, &s->profiles[p->m->profile]))
			pick_class(p, i);
	}
}

/* Nothing after the quiet job for which a zone drains may start in it. */
static void bound_by_zones(struct pick *p)
{
	const struct zone *z;
	struct key k;

	for (int i = 0; i < MACHINE_ZONES; i++) {
		z = p->m->zones[i] >= 0 ? &p->s->zones[p->m->zones[i]] : NULL;
		if (!z || z->reserved < 0)
			continue;
		k = *job_key(p->s, z->reserved);
		k.seq++; /* that job itself may */
		if (key_before(&k, &p->bound))
			p->bound = k;
	}
}

/* The job for a free machine; -1 when there is none. */
static int pick(const struct scheduler *s, int machine)
{
	struct pick p = {
	    .s = s,
	    .m = &s->machines[machine],
	    .machine = machine,
	    .bound = {UINT32_MAX, -1, UINT64_MAX, UINT64_MAX},
	};

	if (machine_is_silenced(s, p.m))
		return -1;
	p.alone = machine_is_alone(s, p.m);
	bound_by_zones(&p);
	if (p.m->health == HEALTH_GOOD)
		pick_matching(&p);
	pick_pinned(&p);
	return p.found ? p.bound.job : -1;
}

static bool can_start(const struct scheduler *s, int machine, int job)
{
	return !s->classes[s->jobs[job].class_id].quiet ||
	    machine_is_alone(s, &s->machines[machine]);
}

/* ---- the machine for a job ----------------------------------------------- */

/* The order in which profiles are used up: the least capable first. */
static bool less_capable(const struct scheduler *s, int a, int b)
{
	int tags_a = s->profiles[a].n_tags;
	int tags_b = s->profiles[b].n_tags;

	return tags_a != tags_b ? tags_a < tags_b : a < b;
}

/* The profile with a free machine that comes after *after* (-1: first). */
static int next_profile(
    const struct scheduler *s, const struct class *c, int after)
{
	int best = -1;
	uint64_t word;
	int p;

	for (int w = 0; w < s->profile_words; w++) {
		word = c->profiles[w] & s->free_profiles[w];
		while (word) {
			p = w * 64 + bit_take(&word);
			if ((after < 0 || less_capable(s, after, p)) &&
			    (best < 0 || less_capable(s, p, best)))
				best = p;
		}
	}
	return best;
}

static void lease(struct scheduler *s, int machine, int job, struct lease *ret)
{
	const struct job_slot *j = &s->jobs[job];

	ret->job_id = j->id;
	ret->machine_id = s->machines[machine].id;
	zones_release(s, job);
	queue_served(s, job);
	machine_set_busy(s, machine, j->id, j->class_id, j->expected_ms);
	queue_remove(s, job);
}

/* Gives the machine the first job it may run, or reserves for that job. */
static bool serve_machine(struct scheduler *s, int machine, struct lease *ret)
{
	const struct machine *m = &s->machines[machine];
	const struct class *c;
	int better = -1;
	int profile;
	int job;

	job = machine_is_free(m) ? pick(s, machine) : -1;
	if (job < 0)
		return false;
	if (!can_start(s, machine, job)) {
		zones_reserve(s, machine, job);
		return false;
	}
	c = &s->classes[s->jobs[job].class_id];
	profile = c->pin ? -1 : next_profile(s, c, -1);
	if (profile >= 0 && less_capable(s, profile, m->profile))
		better = s->profiles[profile].first_free;
	if (better >= 0 && pick(s, better) == job &&
	    can_start(s, better, job)) {
		machine_touch(s, machine);
		machine = better;
	}
	lease(s, machine, job, ret);
	return true;
}

/* Looks for a machine that takes a job because this class has one. */
static bool serve_class(struct scheduler *s, int class_id, struct lease *ret)
{
	const struct class *c = &s->classes[class_id];
	int next;
	int m;

	if (c->pin) {
		m = machine_find(s, c->pin);
		return m >= 0 && serve_machine(s, m, ret);
	}
	for (int p = next_profile(s, c, -1); p >= 0;
	     p = next_profile(s, c, p)) {
		for (m = s->profiles[p].first_free; m >= 0; m = next) {
			next = s->machines[m].next_free;
			if (serve_machine(s, m, ret))
				return true;
		}
	}
	return false;
}

static bool has_free_machine(const struct scheduler *s, const struct class *c)
{
	int machine = c->pin ? machine_find(s, c->pin) : -1;

	if (c->pin)
		return machine >= 0 && machine_is_free(&s->machines[machine]);
	for (int w = 0; w < s->profile_words; w++)
		if (c->profiles[w] & s->free_profiles[w])
			return true;
	return false;
}

/*
 * Forgets touched classes for which no machine is free. Taking them one by
 * one, the first in the queue first, took a second after a restart with 40,000
 * classes; these need no order.
 */
static void forget_hopeless(struct scheduler *s)
{
	uint64_t word;
	int c;

	for (int w = 0; w < s->class_words; w++) {
		word = s->touched[w];
		while (word) {
			c = w * 64 + bit_take(&word);
			if (!bit_get(s->waiting, c) ||
			    !has_free_machine(s, &s->classes[c]))
				bit_put(s->touched, c, false);
		}
	}
}

/* Touched classes, the first in the queue first. */
static bool serve_classes(struct scheduler *s, struct lease *ret)
{
	int c;

	while ((c = queue_first(s, s->touched)) >= 0) {
		/* Before it is served: a reservation may touch it again. */
		bit_put(s->touched, c, false);
		if (serve_class(s, c, ret)) {
			bit_put(s->touched, c, true);
			return true;
		}
		forget_hopeless(s);
	}
	return false;
}

/*
 * Classes come before machines, because that is the order of the queue: a
 * quiet job reserves its zones before what comes after it is looked at.
 */
bool scheduler_next(struct scheduler *s, struct lease *ret)
{
	int machine;

	for (;;) {
		if (serve_classes(s, ret))
			return true;
		machine = machine_take_touched(s);
		if (machine < 0)
			return false;
		if (serve_machine(s, machine, ret))
			return true;
	}
}

/* ---- changes --------------------------------------------------------- */

void scheduler_push(struct scheduler *s, const struct waiting_job *job)
{
	const struct class *c;
	int slot;

	assert(job_find(s, job->id) < 0);
	assert(job->class_id >= 0 && job->class_id < s->n_classes);
	slot = queue_add(s, job);
	c = &s->classes[job->class_id];
	/*
	 * Behind a plain head nothing new can start: what keeps the head
	 * waiting keeps this job waiting, too.
	 */
	if (s->jobs[slot].pos == 0 || c->n_picky || c->quiet)
		bit_put(s->touched, job->class_id, true);
}

void scheduler_remove(struct scheduler *s, int64_t job_id)
{
	int job = job_find(s, job_id);

	if (job < 0)
		return;
	zones_release(s, job);
	queue_remove(s, job);
}

void scheduler_busy(
    struct scheduler *s, int64_t machine_id, int64_t job_id, int class_id)
{
	int machine;

	scheduler_remove(s, job_id);
	scheduler_free_machine(s, machine_id, 0);
	machine = machine_find(s, machine_id);
	if (machine >= 0)
		machine_set_busy(s, machine, job_id, class_id, 0);
}

size_t scheduler_waiting(const struct scheduler *s)
{
	return s->n_waiting;
}
