/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machines: facts, health, who is free, and the zones (host, quiet group) in
 * which quiet jobs are alone.
 *
 * Every change takes the machine out of the lists (unlist), changes it, and
 * puts it back (list), so that the counts cannot drift from the machines.
 */
#include "scheduler/core.h"

#include <assert.h>

int machine_find(const struct scheduler *s, int64_t machine_id)
{
	return ids_get(&s->machine_of, machine_id);
}

bool machine_is_good(const struct machine *m)
{
	return m->id && !m->leaving && m->health == HEALTH_GOOD;
}

bool machine_is_free(const struct machine *m)
{
	return m->id && !m->leaving && !m->busy &&
	    (m->health == HEALTH_GOOD || m->health == HEALTH_SUSPECT);
}

/* ---- touched machines ---------------------------------------------------- */

void machine_touch(struct scheduler *s, int machine)
{
	struct machine *m = &s->machines[machine];

	if (m->touched || !machine_is_free(m))
		return;
	m->touched = true;
	m->next_touched = -1;
	if (s->last_touched >= 0)
		s->machines[s->last_touched].next_touched = machine;
	else
		s->first_touched = machine;
	s->last_touched = machine;
}

int machine_take_touched(struct scheduler *s)
{
	int machine = s->first_touched;

	if (machine < 0)
		return -1;
	s->first_touched = s->machines[machine].next_touched;
	if (s->first_touched < 0)
		s->last_touched = -1;
	s->machines[machine].touched = false;
	return machine;
}

static void touch_zone(struct scheduler *s, const struct zone *z)
{
	for (int i = 0; i < z->n_machines; i++)
		machine_touch(s, z->machines[i]);
}

/* ---- lists of a profile -------------------------------------------------- */

static void list(struct scheduler *s, int machine)
{
	struct machine *m = &s->machines[machine];
	struct profile *p = &s->profiles[m->profile];

	p->n_machines += !m->leaving;
	p->n_good += machine_is_good(m);
	m->listed = machine_is_good(m) && !m->busy;
	if (!m->listed)
		return;
	/* To the end: machines take turns, so that none wears out alone. */
	m->next_free = -1;
	m->prev_free = p->last_free;
	if (p->last_free >= 0)
		s->machines[p->last_free].next_free = machine;
	else
		p->first_free = machine;
	p->last_free = machine;
	bit_put(s->free_profiles, m->profile, true);
}

static void unlist(struct scheduler *s, int machine)
{
	struct machine *m = &s->machines[machine];
	struct profile *p = &s->profiles[m->profile];

	p->n_machines -= !m->leaving;
	p->n_good -= machine_is_good(m);
	if (!m->listed)
		return;
	if (m->prev_free >= 0)
		s->machines[m->prev_free].next_free = m->next_free;
	else
		p->first_free = m->next_free;
	if (m->next_free >= 0)
		s->machines[m->next_free].prev_free = m->prev_free;
	else
		p->last_free = m->prev_free;
	m->listed = false;
	bit_put(s->free_profiles, m->profile, p->first_free >= 0);
}

/* ---- zones --------------------------------------------------------------- */

static int zone_get(struct scheduler *s, const char *kind, const char *name)
{
	scoped(free) char *full = NULL;
	int i;

	if (!name)
		return -1;
	/* "host x" and "quiet group x" are also how people see them. */
	full = xasprintf("%s %s", kind, name);
	i = intern_add(&s->zone_names, full);
	if (i == s->n_zones) {
		s->n_zones++;
		s->zones = array_grow(
		    s->zones, &s->cap_zones, s->n_zones, sizeof(*s->zones));
		s->zones[i].reserved = -1;
	}
	return i;
}

static void zones_join(struct scheduler *s, int machine)
{
	struct machine *m = &s->machines[machine];
	struct zone *z;

	for (int i = 0; i < MACHINE_ZONES; i++) {
		if (m->zones[i] < 0)
			continue;
		z = &s->zones[m->zones[i]];
		z->machines = array_grow(z->machines, &z->cap_machines,
		    z->n_machines + 1, sizeof(*z->machines));
		z->machines[z->n_machines++] = machine;
		z->n_busy += m->busy;
		z->n_quiet += m->busy && m->quiet;
	}
}

static void zone_leave(struct scheduler *s, struct zone *z, int machine)
{
	const struct machine *m = &s->machines[machine];
	int i = 0;

	while (z->machines[i] != machine)
		i++;
	z->machines[i] = z->machines[--z->n_machines];
	z->n_busy -= m->busy;
	z->n_quiet -= m->busy && m->quiet;
	touch_zone(s, z);
}

static void zones_leave(struct scheduler *s, int machine)
{
	const struct machine *m = &s->machines[machine];

	for (int i = 0; i < MACHINE_ZONES; i++)
		if (m->zones[i] >= 0)
			zone_leave(s, &s->zones[m->zones[i]], machine);
}

bool machine_is_alone(const struct scheduler *s, const struct machine *m)
{
	for (int i = 0; i < MACHINE_ZONES; i++)
		if (m->zones[i] >= 0 && s->zones[m->zones[i]].n_busy)
			return false;
	return true;
}

bool machine_is_silenced(const struct scheduler *s, const struct machine *m)
{
	for (int i = 0; i < MACHINE_ZONES; i++)
		if (m->zones[i] >= 0 && s->zones[m->zones[i]].n_quiet)
			return true;
	return false;
}

/* ---- reservations -------------------------------------------------------- */

void zones_reserve(struct scheduler *s, int machine, int job)
{
	const struct machine *m = &s->machines[machine];
	int other;

	if (s->jobs[job].reserved == machine)
		return;
	zones_release(s, job);
	for (int i = 0; i < MACHINE_ZONES; i++) {
		if (m->zones[i] < 0)
			continue;
		other = s->zones[m->zones[i]].reserved;
		if (other >= 0)
			zones_release(s, other);
		s->zones[m->zones[i]].reserved = job;
	}
	s->jobs[job].reserved = machine;
}

void zones_release(struct scheduler *s, int job)
{
	struct job_slot *j = &s->jobs[job];
	const struct machine *m;
	struct zone *z;

	if (j->reserved < 0)
		return;
	m = &s->machines[j->reserved];
	for (int i = 0; i < MACHINE_ZONES; i++) {
		z = m->zones[i] >= 0 ? &s->zones[m->zones[i]] : NULL;
		if (!z || z->reserved != job)
			continue;
		z->reserved = -1;
		touch_zone(s, z);
	}
	j->reserved = -1;
	/* It may reserve another machine, or start there. */
	bit_put(s->touched, j->class_id, true);
}

/* The machine cannot take the job for which its zones drain. */
static void unreserve(struct scheduler *s, int machine)
{
	const struct machine *m = &s->machines[machine];
	int job;

	for (int i = 0; i < MACHINE_ZONES; i++) {
		job = m->zones[i] >= 0 ? s->zones[m->zones[i]].reserved : -1;
		if (job >= 0 && s->jobs[job].reserved == machine)
			zones_release(s, job);
	}
}

/* ---- coming and going ---------------------------------------------------- */

/* With one healthy machine less, an excluded one may be the only one left. */
static void touch_picky(struct scheduler *s)
{
	for (int w = 0; w < s->class_words; w++)
		s->touched[w] |= s->picky[w];
}

static int slot_new(struct scheduler *s, int64_t id)
{
	int i = s->free_machine_slot;
	bool touched = false;
	int next_touched = -1;
	struct machine *m;

	if (i >= 0) {
		s->free_machine_slot = s->machines[i].next_free;
		touched = s->machines[i].touched;
		next_touched = s->machines[i].next_touched;
	} else {
		i = s->n_machines++;
		s->machines = array_grow(s->machines, &s->cap_machines,
		    s->n_machines, sizeof(*s->machines));
	}
	m = &s->machines[i];
	memset(m, 0, sizeof(*m));
	m->id = id;
	m->class_id = -1;
	m->touched = touched;
	m->next_touched = next_touched;
	m->first_pinned = ids_get(&s->pinned_of, id);
	ids_put(&s->machine_of, id, i);
	return i;
}

static void slot_free(struct scheduler *s, int machine)
{
	struct machine *m = &s->machines[machine];

	unreserve(s, machine);
	zones_leave(s, machine);
	ids_del(&s->machine_of, m->id);
	free(m->name);
	free(m->why);
	m->name = m->why = NULL;
	m->id = 0;
	m->next_free = s->free_machine_slot;
	s->free_machine_slot = machine;
}

void scheduler_machine_put(struct scheduler *s, const struct machine_facts *f)
{
	int profile = profile_get(s, f);
	int machine = machine_find(s, f->id);
	struct machine *m;

	assert(f->id != 0);
	if (machine < 0) {
		machine = slot_new(s, f->id);
	} else {
		unlist(s, machine);
		unreserve(s, machine);
		zones_leave(s, machine);
		touch_picky(s);
	}
	m = &s->machines[machine];
	free(m->name);
	m->name = xstrdup(f->name ? f->name : "?");
	m->leaving = false;
	m->profile = profile;
	m->zones[0] = zone_get(s, "host", f->host);
	m->zones[1] = zone_get(s, "quiet group", f->group);
	zones_join(s, machine);
	list(s, machine);
	machine_touch(s, machine);
}

void scheduler_machine_remove(struct scheduler *s, int64_t machine_id)
{
	int machine = machine_find(s, machine_id);

	if (machine < 0 || s->machines[machine].leaving)
		return;
	unlist(s, machine);
	unreserve(s, machine);
	s->machines[machine].leaving = true;
	if (s->machines[machine].busy)
		list(s, machine);
	else
		slot_free(s, machine);
	touch_picky(s);
}

void scheduler_machine_health(struct scheduler *s, int64_t machine_id,
    enum health health, const char *why)
{
	int machine = machine_find(s, machine_id);
	struct machine *m;
	char *copy;

	if (machine < 0)
		return;
	m = &s->machines[machine];
	copy = xstrdup(why); /* may be the old text */
	free(m->why);
	m->why = copy;
	if (m->health == health)
		return;
	unlist(s, machine);
	if (health != HEALTH_GOOD) {
		unreserve(s, machine);
		touch_picky(s);
	}
	m->health = health;
	list(s, machine);
	machine_touch(s, machine);
}

/* ---- busy and free ------------------------------------------------------- */

static void zones_count(struct scheduler *s, const struct machine *m, int n)
{
	for (int i = 0; i < MACHINE_ZONES; i++) {
		if (m->zones[i] < 0)
			continue;
		s->zones[m->zones[i]].n_busy += n;
		s->zones[m->zones[i]].n_quiet += m->quiet ? n : 0;
	}
}

void machine_set_busy(struct scheduler *s, int machine, int64_t job_id,
    int class_id, int64_t expected_ms)
{
	struct machine *m = &s->machines[machine];

	unlist(s, machine);
	m->busy = true;
	m->quiet = class_id >= 0 && s->classes[class_id].quiet;
	m->class_id = class_id;
	m->job_id = job_id;
	m->expected_ms = expected_ms;
	m->started_at_ms = 0;
	zones_count(s, m, 1);
	list(s, machine);
}

void scheduler_started(struct scheduler *s, int64_t machine_id, int64_t at_ms)
{
	int machine = machine_find(s, machine_id);

	if (machine >= 0 && s->machines[machine].busy)
		s->machines[machine].started_at_ms = at_ms;
}

void scheduler_free_machine(
    struct scheduler *s, int64_t machine_id, int64_t took_ms)
{
	int machine = machine_find(s, machine_id);
	struct machine *m = machine >= 0 ? &s->machines[machine] : NULL;
	struct zone *z;

	if (!m || !m->busy)
		return;
	if (m->class_id >= 0)
		class_took(&s->classes[m->class_id], took_ms);
	unlist(s, machine);
	zones_count(s, m, -1);
	m->busy = false;
	for (int i = 0; i < MACHINE_ZONES; i++) {
		z = m->zones[i] >= 0 ? &s->zones[m->zones[i]] : NULL;
		if (z && (m->quiet || !z->n_busy))
			touch_zone(s, z);
	}
	if (m->leaving) {
		slot_free(s, machine);
		return;
	}
	list(s, machine);
	machine_touch(s, machine);
}

void machines_done(struct scheduler *s)
{
	for (int i = 0; i < s->n_machines; i++) {
		free(s->machines[i].name);
		free(s->machines[i].why);
	}
	for (int i = 0; i < s->n_zones; i++)
		free(s->zones[i].machines);
	free(s->machines);
	free(s->zones);
	ids_done(&s->machine_of);
}
