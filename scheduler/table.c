/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open addressing with linear probing, at most two thirds full. Deletion moves
 * later entries back, so there are no tombstones and a table that lives for
 * years stays fast.
 */
#include "scheduler/table.h"

#include <stdbool.h>

#include "base/mem.h"

struct ids_entry {
	int64_t id;
	int index; /* -1: empty */
};

void *array_grow(void *p, int *cap, int need, size_t size)
{
	int old = *cap;
	int want = old ? old : 8;

	if (need <= old)
		return p;
	while (want < need)
		want *= 2;
	p = xrealloc(p, (size_t)want, size);
	memset((char *)p + (size_t)old * size, 0, (size_t)(want - old) * size);
	*cap = want;
	return p;
}

/* The finaliser of MurmurHash3: every bit of the id reaches the low ones. */
static int hash_id(int64_t id, int cap)
{
	uint64_t h = (uint64_t)id;

	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return (int)(h & (uint64_t)(cap - 1));
}

/* The place of the id, or the empty one where it would be put. */
static int place(const struct ids *m, int64_t id)
{
	int i = hash_id(id, m->cap);

	while (m->at[i].index >= 0 && m->at[i].id != id)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static void ids_resize(struct ids *m, int cap)
{
	struct ids_entry *old = m->at;
	int n = m->cap;

	m->at = xcalloc((size_t)cap, sizeof(*m->at));
	m->cap = cap;
	for (int i = 0; i < cap; i++)
		m->at[i].index = -1;
	for (int i = 0; i < n; i++)
		if (old[i].index >= 0)
			m->at[place(m, old[i].id)] = old[i];
	free(old);
}

void ids_done(struct ids *m)
{
	free(m->at);
	m->at = NULL;
	m->n = m->cap = 0;
}

void ids_clear(struct ids *m)
{
	for (int i = 0; i < m->cap && m->n; i++)
		m->at[i].index = -1;
	m->n = 0;
}

int ids_get(const struct ids *m, int64_t id)
{
	return m->cap ? m->at[place(m, id)].index : -1;
}

void ids_put(struct ids *m, int64_t id, int index)
{
	int i;

	if (m->n >= m->cap / 3 * 2)
		ids_resize(m, m->cap ? m->cap * 2 : 16);
	i = place(m, id);
	m->n += m->at[i].index < 0;
	m->at[i].id = id;
	m->at[i].index = index;
}

void ids_del(struct ids *m, int64_t id)
{
	int hole = m->cap ? place(m, id) : 0;
	int mask = m->cap - 1;
	int home;

	if (!m->cap || m->at[hole].index < 0)
		return;
	/* An entry may move to the hole unless its home lies behind it. */
	for (int i = (hole + 1) & mask; m->at[i].index >= 0;
	     i = (i + 1) & mask) {
		home = hash_id(m->at[i].id, m->cap);
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->at[hole] = m->at[i];
			hole = i;
		}
	}
	m->at[hole].index = -1;
	m->n--;
}

/* FNV-1a. */
static uint64_t hash_name(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static int slot_of(const struct intern *t, const char *name)
{
	uint64_t mask = (uint64_t)(t->n_slots - 1);
	uint64_t i = hash_name(name) & mask;

	while (t->slots[i] >= 0 && strcmp(t->names[t->slots[i]], name) != 0)
		i = (i + 1) & mask;
	return (int)i;
}

static void intern_resize(struct intern *t, int n_slots)
{
	free(t->slots);
	t->slots = xcalloc((size_t)n_slots, sizeof(*t->slots));
	t->n_slots = n_slots;
	for (int i = 0; i < n_slots; i++)
		t->slots[i] = -1;
	for (int i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->names[i])] = i;
}

void intern_done(struct intern *t)
{
	for (int i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t->names);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

int intern_find(const struct intern *t, const char *name)
{
	return t->n_slots ? t->slots[slot_of(t, name)] : -1;
}

int intern_add(struct intern *t, const char *name)
{
	int slot;

	if (t->n >= t->n_slots / 3 * 2)
		intern_resize(t, t->n_slots ? t->n_slots * 2 : 16);
	slot = slot_of(t, name);
	if (t->slots[slot] >= 0)
		return t->slots[slot];
	t->names = array_grow(t->names, &t->cap, t->n + 1, sizeof(*t->names));
	t->names[t->n] = xstrdup(name);
	t->slots[slot] = t->n;
	return t->n++;
}
