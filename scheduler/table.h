/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables from ids to array indexes and from names to numbers, and arrays that
 * grow. Allocation cannot fail (base/mem.h).
 */
#ifndef SCHEDULER_TABLE_H
#define SCHEDULER_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * From any int64_t (0 and negative ones, too, unlike base/map.h) to an index
 * of 0 or more: what it finds lies in arrays that move. Zero-initialise.
 */
struct ids {
	struct ids_entry *at;
	int n;
	int cap; /* a power of two, or 0 */
};

void ids_done(struct ids *m);
/* Forgets all entries, keeps the memory. */
void ids_clear(struct ids *m);
/* The index, or -1. */
int ids_get(const struct ids *m, int64_t id);
/* Adds or replaces. */
void ids_put(struct ids *m, int64_t id, int index);
/* An unknown id is ignored. */
void ids_del(struct ids *m, int64_t id);

/* Numbers names from 0. Zero-initialise. */
struct intern {
	char **names; /* n of them, in order */
	int n;
	int cap;
	int *slots;
	int n_slots; /* a power of two, or 0 */
};

void intern_done(struct intern *t);
/* The number of a name, or -1. */
int intern_find(const struct intern *t, const char *name);
/* The number of a name, added when new. */
int intern_add(struct intern *t, const char *name);

/*
 * Makes room for need objects; what is new is zeroed. Doubles, so that adding
 * one at a time is cheap.
 */
void *array_grow(void *p, int *cap, int need, size_t size);

#endif
