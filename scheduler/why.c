/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a job waits, as one line for a person.
 *
 * Looks at the lab as it is and never at what the scheduler remembers of its
 * own reasons, so that the answer cannot be stale.
 */
#include "scheduler/core.h"

#include <inttypes.h>

enum {
	NAMED_MAX = 3,      /* machines named in a line */
	COUNTED_MAX = 10000 /* jobs counted before this one */
};

/* Machines of one kind: how many, and the first few. */
struct kind {
	int n;
	int named[NAMED_MAX];
};

struct view {
	const struct scheduler *s;
	const struct job_slot *job;
	const struct class *class;
	int64_t now_ms;
	int n_matching;
	struct kind unhealthy;
	struct kind busy;
	struct kind idle;
};

static void kind_add(struct kind *k, int machine)
{
	if (k->n < NAMED_MAX)
		k->named[k->n] = machine;
	k->n++;
}

static bool matches(const struct view *v, const struct machine *m)
{
	const struct profile *p = &v->s->profiles[m->profile];

	if (!m->id || m->leaving)
		return false;
	if (v->class->pin)
		return m->id == v->class->pin && class_matches(v->class, p);
	return !v->class->canary && bit_get(v->class->profiles, m->profile);
}

static void look(struct view *v)
{
	const struct machine *m;

	for (int i = 0; i < v->s->n_machines; i++) {
		m = &v->s->machines[i];
		if (!matches(v, m))
			continue;
		v->n_matching++;
		if (m->health != HEALTH_GOOD &&
		    !(v->class->canary && m->health == HEALTH_SUSPECT))
			kind_add(&v->unhealthy, i);
		else if (m->busy)
			kind_add(&v->busy, i);
		else
			kind_add(&v->idle, i);
	}
}

static void put_duration(struct buf *to, int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	if (s < 60)
		buf_printf(to, "%" PRId64 " s", s);
	else if (s < 3600)
		buf_printf(to, "%" PRId64 " m", (s + 30) / 60);
	else
		buf_printf(
		    to, "%" PRId64 " h %" PRId64 " m", s / 3600, s % 3600 / 60);
}

/* ---- nothing matches ------------------------------------------------- */

static void put_tags(struct buf *to, const struct scheduler *s,
    const char *word, const int *tags, int n)
{
	if (n)
		buf_printf(to, " %s tag%s ", word, n > 1 ? "s" : "");
	for (int i = 0; i < n; i++)
		buf_printf(to, "%s%s", i ? ", " : "", s->tags.names[tags[i]]);
}

static void put_requirement(const struct view *v, struct buf *to)
{
	const struct scheduler *s = v->s;
	const struct class *c = v->class;
	int machine = c->pin ? machine_find(s, c->pin) : -1;

	buf_puts(to, "needs");
	if (machine >= 0)
		buf_printf(to, " machine %s", s->machines[machine].name);
	else if (c->pin)
		buf_printf(to, " machine %" PRId64, c->pin);
	if (c->platform >= 0)
		buf_printf(to, " platform %s", s->platforms.names[c->platform]);
	if (!c->pin && c->platform < 0)
		buf_puts(to, " a machine");
	put_tags(to, s, "with", c->required, c->n_required);
	put_tags(to, s, "without", c->forbidden, c->n_forbidden);
}

/* Some machine has the tag (-1: any), and is of the platform (-1: any). */
static bool exists(const struct scheduler *s, int platform, int tag)
{
	const struct profile *p;

	for (int i = 0; i < s->n_profiles; i++) {
		p = &s->profiles[i];
		if (p->n_machines &&
		    (platform < 0 || p->platform == platform) &&
		    (tag < 0 ||
		        (tag < p->tag_words * 64 && bit_get(p->tags, tag))))
			return true;
	}
	return false;
}

static void put_nothing_matches(const struct view *v, struct buf *to)
{
	const struct class *c = v->class;

	put_requirement(v, to);
	if (c->canary && !c->pin) {
		buf_puts(to, ": a canary must name its machine");
		return;
	}
	if (c->pin) {
		buf_puts(to,
		    machine_find(v->s, c->pin) < 0 ? ": it is not in the lab"
		                                   : ": it is not like that");
		return;
	}
	if (c->platform >= 0 && !exists(v->s, c->platform, -1)) {
		buf_puts(to, ": no machine is of that platform");
		return;
	}
	for (int i = 0; i < c->n_required; i++) {
		if (exists(v->s, -1, c->required[i]))
			continue;
		buf_printf(to, ": no machine has tag %s",
		    v->s->tags.names[c->required[i]]);
		return;
	}
	buf_puts(to, ": no machine has it");
}

/* ---- something matches ----------------------------------------------- */

/* What comes before the i-th of n named machines. */
static const char *comma(int i)
{
	return i ? ", " : "";
}

static void put_rest(struct buf *to, const struct kind *k)
{
	if (k->n > NAMED_MAX)
		buf_puts(to, ", ...");
}

static int named(const struct kind *k)
{
	return k->n < NAMED_MAX ? k->n : NAMED_MAX;
}

static void put_unhealthy(const struct view *v, struct buf *to)
{
	const struct kind *k = &v->unhealthy;
	const struct machine *m;

	for (int i = 0; i < named(k); i++) {
		m = &v->s->machines[k->named[i]];
		buf_printf(
		    to, "%s%s (%s", comma(i), m->name, health_name(m->health));
		if (m->why && *m->why)
			buf_printf(to, ": %s", m->why);
		buf_putc(to, ')');
	}
	put_rest(to, k);
}

static void put_left(
    const struct view *v, const struct machine *m, struct buf *to)
{
	int64_t usual = m->expected_ms;
	int64_t left;

	if (usual <= 0 && m->class_id >= 0)
		usual = class_median_ms(&v->s->classes[m->class_id]);
	if (usual <= 0)
		return;
	left = usual - (v->now_ms - m->started_at_ms);
	buf_puts(to, " (");
	if (!m->started_at_ms)
		buf_puts(to, "usually ");
	else if (left > 0)
		buf_puts(to, "about ");
	else
		buf_puts(to, "longer than its usual ");
	put_duration(to, m->started_at_ms && left > 0 ? left : usual);
	buf_puts(to, m->started_at_ms && left > 0 ? " left)" : ")");
}

static void put_busy(const struct view *v, struct buf *to)
{
	const struct kind *k = &v->busy;
	const struct machine *m;

	if (v->n_matching > 1)
		buf_printf(to, "%d of %d matching machines busy: ", k->n,
		    v->n_matching);
	for (int i = 0; i < named(k); i++) {
		m = &v->s->machines[k->named[i]];
		buf_printf(
		    to, "%s%s runs job %" PRId64, comma(i), m->name, m->job_id);
		put_left(v, m, to);
	}
	put_rest(to, k);
}

/* The zone that keeps the job off this free machine, or NULL. */
static const char *zone_in_the_way(
    const struct view *v, const struct machine *m)
{
	const struct zone *z;
	int job = (int)(v->job - v->s->jobs);

	for (int i = 0; i < MACHINE_ZONES; i++) {
		z = m->zones[i] >= 0 ? &v->s->zones[m->zones[i]] : NULL;
		if (z &&
		    (z->n_quiet || (v->class->quiet && z->n_busy) ||
		        (z->reserved >= 0 && z->reserved != job)))
			return v->s->zone_names.names[m->zones[i]];
	}
	return NULL;
}

static void put_idle(const struct view *v, struct buf *to)
{
	const struct kind *k = &v->idle;
	const struct machine *m;
	const char *zone;

	for (int i = 0; i < named(k); i++) {
		m = &v->s->machines[k->named[i]];
		zone = zone_in_the_way(v, m);
		buf_printf(to, "%s%s ", comma(i), m->name);
		if (zone)
			buf_printf(to, "waits for %s", zone);
		else if (job_excludes(v->job, m->id))
			buf_puts(to, "is avoided after an error there");
		else
			buf_puts(to, "is free");
	}
	put_rest(to, k);
}

/* ---- its place ------------------------------------------------------- */

/* Adds the classes that a profile can run. */
static void add_rivals(
    const struct scheduler *s, int profile, uint64_t *classes)
{
	for (int w = 0; w < s->class_words; w++)
		classes[w] |= s->profiles[profile].classes[w] & s->waiting[w];
}

/* Jobs that come first on one of the machines this job can have. */
static int count_before(const struct view *v)
{
	const struct scheduler *s = v->s;
	const struct key *key = job_key(s, (int)(v->job - s->jobs));
	scoped(free) uint64_t *rivals =
	    xcalloc((size_t)s->class_words, sizeof(*rivals));
	int machine = v->class->pin ? machine_find(s, v->class->pin) : -1;
	uint64_t word;
	int n = 0;

	if (machine >= 0)
		add_rivals(s, s->machines[machine].profile, rivals);
	for (int p = 0; p < s->n_profiles && !v->class->pin; p++)
		if (s->profiles[p].n_machines && bit_get(v->class->profiles, p))
			add_rivals(s, p, rivals);
	bit_put(rivals, v->job->class_id, true);
	for (int w = 0; w < s->class_words; w++) {
		word = rivals[w];
		while (word && n < COUNTED_MAX)
			n += heap_before(
			    &s->classes[w * 64 + bit_take(&word)].heap, key,
			    COUNTED_MAX - n);
	}
	return n;
}

static void put_place(const struct view *v, struct buf *to)
{
	int n = count_before(v);

	if (n == 0)
		buf_puts(to, "; it is next");
	else if (n == 1)
		buf_puts(to, "; 1 job is before it");
	else
		buf_printf(to, "; %d%s jobs are before it", n,
		    n == COUNTED_MAX ? " or more" : "");
}

static void put_all_unhealthy(const struct view *v, struct buf *to)
{
	if (v->n_matching == 1)
		buf_puts(to, "the only matching machine is unhealthy: ");
	else
		buf_printf(to,
		    "all %d matching machines are unhealthy: ", v->n_matching);
	put_unhealthy(v, to);
}

static void put_kinds(const struct view *v, struct buf *to)
{
	if (v->busy.n)
		put_busy(v, to);
	if (v->idle.n && v->busy.n)
		buf_puts(to, "; ");
	if (v->idle.n)
		put_idle(v, to);
	if (v->unhealthy.n) {
		buf_puts(to, "; unhealthy: ");
		put_unhealthy(v, to);
	}
	put_place(v, to);
}

bool scheduler_why(
    const struct scheduler *s, int64_t job_id, int64_t now_ms, struct buf *to)
{
	int job = job_find(s, job_id);
	struct view v = {.s = s, .now_ms = now_ms};

	if (job < 0)
		return false;
	v.job = &s->jobs[job];
	v.class = &s->classes[v.job->class_id];
	look(&v);
	if (v.n_matching == 0)
		put_nothing_matches(&v, to);
	else if (v.unhealthy.n == v.n_matching)
		put_all_unhealthy(&v, to);
	else
		put_kinds(&v, to);
	return true;
}
