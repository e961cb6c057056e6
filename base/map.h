/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hash table from a 64-bit id to a pointer. Id 0 cannot be a key. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map {
	int64_t *keys;
	void **values;
	size_t cap; /* a power of two, or 0 */
	size_t len;
};

void map_done(struct map *m); /* the values are the caller's */
/* Adds or replaces. value must not be NULL. */
void map_put(struct map *m, int64_t key, void *value);
/* NULL if there is none. */
void *map_find(const struct map *m, int64_t key);
/* Removes and returns the value, NULL if there was none. */
void *map_take(struct map *m, int64_t key);
/*
 * The next value at or after *pos (start with 0), NULL at the end. Nothing may
 * be put or taken during the walk, in no particular order.
 */
void *map_next(const struct map *m, size_t *pos);

#endif
