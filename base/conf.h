/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration files: YAML or JSON read into one tree with positions.
 *
 * JSON is read by the same parser (it is a subset of YAML). Anchors, aliases
 * and tags are refused; duplicate keys are refused; depth is at most 32, size
 * and node count have ceilings. Every complaint reads
 * "file:line:column: key: what was found; what is allowed".
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct conf_node;

enum conf_type {
	CONF_NULL,
	CONF_SCALAR,
	CONF_LIST,
	CONF_MAP
};

#define CONF_MAX_BYTES (4 << 20)

/* Reads a file of at most CONF_MAX_BYTES. Errors: NOTFOUND, INVAL, LIMIT. */
int conf_load(const char *path, struct conf **ret, struct err *err);
/* Reads text; name stands for the file in messages. The text is copied. */
int conf_parse(const char *name, const char *text, size_t len,
    struct conf **ret, struct err *err);
void conf_free(struct conf *conf);
SCOPED_DEFINE(struct conf, conf_free);

/* The top node, borrowed until conf_free() as every node is. Never NULL. */
const struct conf_node *conf_root(const struct conf *conf);
enum conf_type conf_type(const struct conf_node *n);
/* Entries of a list or map; 0 for others. */
size_t conf_len(const struct conf_node *n);
/* The i-th entry of a list, or value of the i-th key of a map. */
const struct conf_node *conf_at(const struct conf_node *n, size_t i);
/* The i-th key of a map, in the file's order. */
const char *conf_key(const struct conf_node *map, size_t i);
/* The value of a key; NULL if there is none, or map is NULL or no map. */
const struct conf_node *conf_get(const struct conf_node *map, const char *key);
/* The text of a scalar, NULL for others. */
const char *conf_text(const struct conf_node *n);
/* True if a scalar was written in quotes (so it is text, not a number). */
bool conf_quoted(const struct conf_node *n);
/* Position of the node (of its key, in a map), from 1. */
int conf_line(const struct conf_node *n);
int conf_column(const struct conf_node *n);

/* "file:line:column: message" as ERR_INVAL; returns -ERR_INVAL. */
int conf_error(const struct conf_node *n, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Refuses a map (what it is stands in messages) with a key not in the list, and
 * what is no map. NULL is an empty map.
 */
int conf_only(const struct conf_node *map, const char *what,
    const char *const *keys, size_t n_keys, struct err *err);

enum conf_need {
	CONF_OPTIONAL,
	CONF_REQUIRED
};

/*
 * Typed values of a map. An absent optional key leaves *ret as it was, so the
 * caller sets the default before. A null value counts as absent, and a map that
 * is NULL (an optional one that is not there) as empty. Errors: INVAL.
 */
int conf_str(const struct conf_node *map, const char *key, enum conf_need need,
    const char **ret, struct err *err);
/* Strict decimal, not in quotes: no sign but minus, no leading zero. */
int conf_int(const struct conf_node *map, const char *key, enum conf_need need,
    int64_t min, int64_t max, int64_t *ret, struct err *err);
/* true, false, yes or no, not in quotes. */
int conf_bool(const struct conf_node *map, const char *key, enum conf_need need,
    bool *ret, struct err *err);
/* The index of the value in names[]; the error lists what is allowed. */
int conf_enum(const struct conf_node *map, const char *key, enum conf_need need,
    const char *const *names, size_t n_names, int *ret, struct err *err);
int conf_map(const struct conf_node *map, const char *key, enum conf_need need,
    const struct conf_node **ret, struct err *err);
int conf_list(const struct conf_node *map, const char *key, enum conf_need need,
    const struct conf_node **ret, struct err *err);
/*
 * A list of strings (a single string counts as a list of one), as a
 * NULL-terminated array the caller frees with conf_strings_free().
 */
int conf_strings(const struct conf_node *map, const char *key,
    enum conf_need need, char ***ret, struct err *err);
void conf_strings_free(char **list);

#endif
