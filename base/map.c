/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing with linear probing and backward-shift deletion. */
#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

static size_t home(const struct map *m, int64_t key)
{
	/* Fibonacci hashing: ids that count up spread over the table. */
	return (size_t)((uint64_t)key * 0x9e3779b97f4a7c15u >> 20) &
	    (m->cap - 1);
}

void map_done(struct map *m)
{
	free(m->keys);
	free(m->values);
	*m = (struct map){0};
}

static size_t slot(const struct map *m, int64_t key)
{
	size_t i = home(m, key);

	while (m->keys[i] && m->keys[i] != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static void grow(struct map *m)
{
	struct map bigger = {.cap = m->cap ? m->cap * 2 : 16};

	bigger.keys = xcalloc(bigger.cap, sizeof(*bigger.keys));
	bigger.values = xcalloc(bigger.cap, sizeof(*bigger.values));
	for (size_t i = 0; i < m->cap; i++)
		if (m->keys[i])
			map_put(&bigger, m->keys[i], m->values[i]);
	map_done(m);
	*m = bigger;
}

void map_put(struct map *m, int64_t key, void *value)
{
	size_t i;

	if ((m->len + 1) * 4 > m->cap * 3)
		grow(m);
	i = slot(m, key);
	if (!m->keys[i])
		m->len++;
	m->keys[i] = key;
	m->values[i] = value;
}

void *map_find(const struct map *m, int64_t key)
{
	size_t i;

	if (!m->cap)
		return NULL;
	i = slot(m, key);
	return m->keys[i] ? m->values[i] : NULL;
}

void *map_take(struct map *m, int64_t key)
{
	size_t mask = m->cap - 1;
	size_t i;
	size_t j;
	void *value;

	if (!m->cap)
		return NULL;
	i = slot(m, key);
	if (!m->keys[i])
		return NULL;
	value = m->values[i];
	m->len--;
	/* Entries that probed past the hole move back into it. */
	for (j = (i + 1) & mask; m->keys[j]; j = (j + 1) & mask) {
		if (((j - home(m, m->keys[j])) & mask) < ((j - i) & mask))
			continue;
		m->keys[i] = m->keys[j];
		m->values[i] = m->values[j];
		i = j;
	}
	m->keys[i] = 0;
	m->values[i] = NULL;
	return value;
}

void *map_next(const struct map *m, size_t *pos)
{
	while (*pos < m->cap) {
		size_t i = (*pos)++;

		if (m->keys[i])
			return m->values[i];
	}
	return NULL;
}
