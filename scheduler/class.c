/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requirement classes and machine profiles, each interned by its signature,
 * and the two bit matrices that say which profile can run which class. Both
 * only grow: a class id is valid for as long as the scheduler lives.
 */
#include "scheduler/core.h"

#include <assert.h>
#include <inttypes.h>

/* Parsers have lower ceilings on tags: reaching this one is our own bug. */
#define SIGNATURE_MAX ((size_t)1 << 24)

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Tag names to sorted, distinct numbers. Caller frees. */
static int *tag_numbers(
    struct scheduler *s, const char *const *names, size_t n_names, int *ret_n)
{
	int *tags = xcalloc(n_names, sizeof(*tags));
	int n = 0;

	for (size_t i = 0; i < n_names; i++)
		tags[i] = intern_add(&s->tags, names[i]);
	qsort(tags, n_names, sizeof(*tags), compare_int);
	for (size_t i = 0; i < n_names; i++)
		if (i == 0 || tags[i] != tags[n - 1])
			tags[n++] = tags[i];
	*ret_n = n;
	return tags;
}

static void add_numbers(struct buf *b, char what, const int *numbers, int n)
{
	buf_putc(b, what);
	for (int i = 0; i < n; i++)
		buf_printf(b, "%d,", numbers[i]);
}

/* ---- the matrices ------------------------------------------------------- */

static bool has_tag(const struct profile *p, int tag)
{
	return tag < p->tag_words * 64 && bit_get(p->tags, tag);
}

bool class_matches(const struct class *c, const struct profile *p)
{
	if (c->platform >= 0 && c->platform != p->platform)
		return false;
	for (int i = 0; i < c->n_required; i++)
		if (!has_tag(p, c->required[i]))
			return false;
	for (int i = 0; i < c->n_forbidden; i++)
		if (has_tag(p, c->forbidden[i]))
			return false;
	return true;
}

static void match(struct scheduler *s, int class_id, int profile)
{
	struct class *c = &s->classes[class_id];
	bool yes =
	    !c->pin && !c->canary && class_matches(c, &s->profiles[profile]);

	bit_put(c->profiles, profile, yes);
	bit_put(s->profiles[profile].classes, class_id, yes);
}

static uint64_t *row_grow(uint64_t *row, int words, int want)
{
	int cap = words;

	return array_grow(row, &cap, want, sizeof(*row));
}

/* Makes every set of classes wide enough. */
static void widen_classes(struct scheduler *s)
{
	int words = s->class_words;
	int want = words ? words : 8;
	int cap;

	if (bit_words(s->n_classes) <= words)
		return;
	while (want < bit_words(s->n_classes))
		want *= 2;
	for (int p = 0; p < s->n_profiles; p++)
		s->profiles[p].classes =
		    row_grow(s->profiles[p].classes, words, want);
	s->waiting = row_grow(s->waiting, words, want);
	s->picky = row_grow(s->picky, words, want);
	s->touched = row_grow(s->touched, words, want);
	cap = words;
	s->block_heads =
	    array_grow(s->block_heads, &cap, want, sizeof(*s->block_heads));
	cap = words * 64;
	s->heads = array_grow(s->heads, &cap, want * 64, sizeof(*s->heads));
	s->class_words = want;
}

static void widen_profiles(struct scheduler *s)
{
	int words = s->profile_words;
	int want = words ? words : 8;

	if (bit_words(s->n_profiles) <= words)
		return;
	while (want < bit_words(s->n_profiles))
		want *= 2;
	for (int c = 0; c < s->n_classes; c++)
		s->classes[c].profiles =
		    row_grow(s->classes[c].profiles, words, want);
	s->free_profiles = row_grow(s->free_profiles, words, want);
	s->profile_words = want;
}

/* ---- classes ------------------------------------------------------------ */

/* Chains the class to the others of its machine. */
static void pin(struct scheduler *s, int class_id)
{
	struct class *c = &s->classes[class_id];
	int machine = machine_find(s, c->pin);

	c->next_pinned = ids_get(&s->pinned_of, c->pin);
	ids_put(&s->pinned_of, c->pin, class_id);
	if (machine >= 0)
		s->machines[machine].first_pinned = class_id;
}

/* Takes ownership of the arrays in *c. */
static void class_add(struct scheduler *s, const struct class *c)
{
	int id = s->n_classes++;

	s->classes = array_grow(
	    s->classes, &s->cap_classes, s->n_classes, sizeof(*s->classes));
	s->classes[id] = *c;
	s->classes[id].profiles =
	    xcalloc((size_t)s->profile_words, sizeof(uint64_t));
	widen_classes(s);
	if (c->pin) {
		pin(s, id);
		return;
	}
	for (int p = 0; p < s->n_profiles; p++)
		match(s, id, p);
}

int scheduler_class(struct scheduler *s, const struct requirement *req)
{
	scoped_val(buf_done) struct buf sig = BUF_INIT(SIGNATURE_MAX);
	struct class c = {
	    .platform = -1,
	    .pin = req->machine_id,
	    .next_pinned = -1,
	    .quiet = req->quiet,
	    .canary = req->canary,
	};
	int id;

	if (req->platform)
		c.platform = intern_add(&s->platforms, req->platform);
	c.required = tag_numbers(s, req->tags, req->n_tags, &c.n_required);
	c.forbidden =
	    tag_numbers(s, req->forbidden, req->n_forbidden, &c.n_forbidden);
	buf_printf(&sig, "p%d m%" PRId64 " q%d c%d ", c.platform, c.pin,
	    c.quiet, c.canary);
	add_numbers(&sig, 'r', c.required, c.n_required);
	add_numbers(&sig, 'f', c.forbidden, c.n_forbidden);
	assert(!sig.failed);
	id = intern_add(&s->class_names, buf_str(&sig));
	if (id == s->n_classes) {
		class_add(s, &c);
		return id;
	}
	free(c.required);
	free(c.forbidden);
	return id;
}

void class_took(struct class *c, int64_t took_ms)
{
	if (took_ms <= 0)
		return;
	c->took_ms[c->next_took] =
	    took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
	c->next_took = (c->next_took + 1) % CLASS_TOOK_MAX;
	if (c->n_took < CLASS_TOOK_MAX)
		c->n_took++;
}

int64_t class_median_ms(const struct class *c)
{
	uint32_t sorted[CLASS_TOOK_MAX];
	uint32_t v;
	int k;

	for (int i = 0; i < c->n_took; i++) {
		v = c->took_ms[i];
		for (k = i; k > 0 && sorted[k - 1] > v; k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = v;
	}
	return c->n_took ? sorted[c->n_took / 2] : 0;
}

/* ---- profiles ----------------------------------------------------------- */

static void profile_add(
    struct scheduler *s, int platform, const int *tags, int n_tags)
{
	int id = s->n_profiles++;
	struct profile *p;

	s->profiles = array_grow(
	    s->profiles, &s->cap_profiles, s->n_profiles, sizeof(*s->profiles));
	p = &s->profiles[id];
	p->platform = platform;
	p->n_tags = n_tags;
	p->tag_words = n_tags ? bit_words(tags[n_tags - 1] + 1) : 0;
	p->tags = xcalloc((size_t)p->tag_words, sizeof(*p->tags));
	for (int i = 0; i < n_tags; i++)
		bit_put(p->tags, tags[i], true);
	p->first_free = p->last_free = -1;
	p->classes = xcalloc((size_t)s->class_words, sizeof(*p->classes));
	widen_profiles(s);
	for (int c = 0; c < s->n_classes; c++)
		match(s, c, id);
}

int profile_get(struct scheduler *s, const struct machine_facts *m)
{
	scoped_val(buf_done) struct buf sig = BUF_INIT(SIGNATURE_MAX);
	scoped(free) int *tags = NULL;
	int platform = -1;
	int n_tags;
	int id;

	if (m->platform)
		platform = intern_add(&s->platforms, m->platform);
	tags = tag_numbers(s, m->tags, m->n_tags, &n_tags);
	buf_printf(&sig, "p%d ", platform);
	add_numbers(&sig, 't', tags, n_tags);
	assert(!sig.failed);
	id = intern_add(&s->profile_names, buf_str(&sig));
	if (id == s->n_profiles)
		profile_add(s, platform, tags, n_tags);
	return id;
}

void classes_done(struct scheduler *s)
{
	for (int i = 0; i < s->n_classes; i++) {
		free(s->classes[i].required);
		free(s->classes[i].forbidden);
		free(s->classes[i].profiles);
		free(s->classes[i].heap.at);
	}
	for (int i = 0; i < s->n_profiles; i++) {
		free(s->profiles[i].tags);
		free(s->profiles[i].classes);
	}
	free(s->classes);
	free(s->profiles);
	free(s->heads);
	free(s->block_heads);
	free(s->waiting);
	free(s->picky);
	free(s->touched);
	free(s->free_profiles);
	ids_done(&s->pinned_of);
	intern_done(&s->tags);
	intern_done(&s->platforms);
	intern_done(&s->class_names);
	intern_done(&s->profile_names);
	intern_done(&s->zone_names);
}
