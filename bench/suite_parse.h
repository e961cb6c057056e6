/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that read a suite share. */
#ifndef BENCH_SUITE_PARSE_H
#define BENCH_SUITE_PARSE_H

#include "base/conf.h"
#include "bench/bench.h"

/* Frees a NULL-terminated list; NULL is allowed. */
void strings_free(char **list);
SCOPED_DEFINE(char *, strings_free);

/* A NULL-terminated list that grows; v is never NULL after strings_init(). */
struct strings {
	char **v;
	size_t n;
	size_t cap;
};

void strings_init(struct strings *l);
void strings_done(struct strings *l);
/* Takes ownership of s. */
void strings_add(struct strings *l, char *s);
/* Hands the list over; free with strings_free(). */
char **strings_take(struct strings *l);

struct suite_parser {
	const char *file;       /* for positions */
	struct strings ignored; /* keys without effect, with their position */
};

/* Remembers that a key has no effect. */
void suite_ignore(
    struct suite_parser *p, const struct conf_node *n, const char *key);

/*
 * Refuses text that is empty, longer than max characters, not UTF-8, or has
 * control characters or ones that turn the direction of writing.
 */
int suite_check_text(const struct conf_node *n, const char *key,
    const char *text, size_t max, struct err *err);
/* Refuses a path that leaves the bundle. */
int suite_check_path(const struct conf_node *n, const char *key,
    const char *path, struct err *err);
/* True if the key is there and its value is not null. */
bool suite_has(const struct conf_node *map, const char *key);
/* The node of the i-th string that conf_strings() returned for a key. */
const struct conf_node *suite_string_node(
    const struct conf_node *map, const char *key, size_t i);
/*
 * conf_strings() with at most max_n entries, each of at most max_len
 * characters. An absent key is an empty list, which is never NULL.
 */
int suite_texts(const struct conf_node *map, const char *key, size_t max_n,
    size_t max_len, char ***ret, struct err *err);
/* Turns the kind of a complaint of conf_error() into LIMIT. */
int suite_limit(struct err *err);

/* Reads one boot item into *ret, which owns its memory on success only. */
int suite_item_parse(struct suite_parser *p, const struct conf_node *node,
    struct suite_item *ret, struct err *err);
void suite_item_done(struct suite_item *it);
/* What items and benchmarks share: name, tags, platforms, retries. */
int suite_item_common(
    const struct conf_node *node, struct suite_item *it, struct err *err);
/* exec, load and extra_files, from the item or from its boot_source. */
int suite_boot_parse(struct suite_parser *p, const struct conf_node *node,
    struct suite_item *it, struct err *err);

/* variants, guests and benchmarks, in this order; what is absent is empty. */
int suite_variants_parse(
    const struct conf_node *root, struct suite *s, struct err *err);
int suite_guests_parse(
    const struct conf_node *root, struct suite *s, struct err *err);
int suite_benches_parse(
    const struct conf_node *root, struct suite *s, struct err *err);
void suite_variant_done(struct suite_variant *v);
void suite_guest_done(struct suite_guest *g);
void suite_bench_done(struct suite_bench *b);
/* The key margin, "1%" or ".01", from 0.05 % to 50 %; absent: as it was. */
int suite_margin_parse(
    const struct conf_node *map, double *ret, struct err *err);
int suite_metrics_parse(
    const struct conf_node *root, struct suite *s, struct err *err);
void suite_metric_done(struct suite_metric *m);
/* pairs, once the metrics and guests of the benchmark are known. */
int suite_pairs_parse(
    const struct conf_node *node, struct suite_bench *b, struct err *err);
/*
 * Text that may stand in a path, a command line and a line for a guest:
 * letters, digits and . _ - + : @ / without a leading dash or dot; at most 100.
 */
int suite_check_word(const struct conf_node *n, const char *key,
    const char *text, struct err *err);

/* A string and where it stood, to find equal ones by sorting. */
struct suite_name {
	const char *s;
	size_t i;
};

/* Orders by string, then by place. */
int suite_name_compare(const void *a, const void *b);

#endif
