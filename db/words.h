/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dictionaries: texts that repeat, as numbers. For the writer. */
#ifndef DB_WORDS_H
#define DB_WORDS_H

#include <stdint.h>

#include "base/err.h"

struct conn;

/* The number of a word, made when new. NULL is "". */
int word_id(struct conn *c, const char *text, int64_t *ret, struct err *err);
/* The number of what decided an attempt, made when new. */
int evidence_id(
    struct conn *c, const char *text, int64_t *ret, struct err *err);
/* Counts one more run of this name. */
int name_count(struct conn *c, const char *name, int64_t *ret, struct err *err);

#endif
