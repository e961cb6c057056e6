/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table whose places each hold the last key that fell on them. */
#include "db/recall.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 4096, /* a power of two */
	KEY_BYTES = 80
};

struct place {
	alignas(max_align_t) char value[RECALL_VALUE_BYTES];
	const char *table; /* NULL: empty */
	size_t len;
	char key[KEY_BYTES];
};

/* Memory that was never written takes none: see calloc(3) and mmap(2). */
struct recall {
	struct place places[PLACES];
};

struct recall *recall_new(void)
{
	return xcalloc(1, sizeof(struct recall));
}

void recall_free(struct recall *r)
{
	free(r);
}

/* FNV-1a (Fowler, Noll and Vo). */
static size_t place_of(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619U;
	return (h ^ h >> 16) & (PLACES - 1);
}

const void *recall_get(
    const struct recall *r, const char *table, const void *key, size_t len)
{
	const struct place *p = &r->places[place_of(key, len)];
	bool same =
	    p->table == table && p->len == len && memcmp(p->key, key, len) == 0;

	return same ? p->value : NULL;
}

void recall_put(struct recall *r, const char *table, const void *key,
    size_t len, const void *value, size_t value_len)
{
	struct place *p = &r->places[place_of(key, len)];

	assert(value_len <= RECALL_VALUE_BYTES);
	if (len > KEY_BYTES)
		return;
	p->table = table;
	p->len = len;
	memcpy(p->key, key, len);
	memcpy(p->value, value, value_len);
}

void recall_forget(struct recall *r)
{
	memset(r, 0, sizeof(*r));
}
