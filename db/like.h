/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names in memory, and which of them a LIKE pattern matches: the same ones as
 * in SQL, where `%` is any text, `_` one character, and a to z are A to Z.
 */
#ifndef DB_LIKE_H
#define DB_LIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

/* A pattern, made ready. */
struct like;

struct like *like_new(const char *pattern);
void like_free(struct like *l); /* NULL is allowed */
SCOPED_DEFINE(struct like, like_free);
/* As it was given; borrowed. */
const char *like_pattern(const struct like *l);

/* A bit, which others may share, for each two and three adjacent letters. */
struct grams {
	uint64_t pairs;
	uint64_t triples;
};

/* Names by their numbers, which begin at 1. */
struct names {
	char *text; /* without capitals, each with a zero behind it */
	size_t len;
	size_t text_cap;
	uint32_t *at;        /* by number: where in text; 0: no such name */
	struct grams *grams; /* by number */
	size_t cap;
	int64_t last; /* the highest number */
};

#define NAMES_INIT                           \
	{                                    \
		NULL, 0, 0, NULL, NULL, 0, 0 \
	}

/* Numbers only grow. Error: LIMIT, all names are over NAMES_MAX bytes. */
#define NAMES_MAX (512 << 20)
int names_add(
    struct names *n, int64_t number, const char *name, struct err *err);
void names_done(struct names *n);
/* The first number in [from, to] whose name matches; 0: none. from is over 0.
 */
int64_t names_next_like(
    const struct names *n, int64_t from, int64_t to, const struct like *l);

#endif
