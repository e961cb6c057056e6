/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Project configurations: the top level, and what is true of all items.
 *
 * Text of a suite ends up on kernel command lines and in boot scripts, so
 * nothing with a control character passes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/suite_parse.h"

#define PATTERNS_MAX 100
#define PATTERN_LEN_MAX 500

enum {
	MAY_BE_SCALAR = 1,
	MAY_BE_LIST = 2,
	MAY_BE_MAP = 4
};

/* Every key of the top level. Those without a type have effect. */
static const struct top_key {
	const char *key;
	int may_be;
	const char *allowed;
} top_keys[] = {
    {"boot_items", 0, NULL},
    {"boot_panic_patterns", 0, NULL},
    /* SoTest documents the names of these, but not their form. */
    {"extra_dependencies", MAY_BE_LIST | MAY_BE_MAP, "a list or a map"},
    {"fail_behavior", MAY_BE_SCALAR | MAY_BE_MAP, "text or a map"},
    {"local_tags_list", MAY_BE_LIST | MAY_BE_MAP, "a list or a map"},
    {"boot_prerequisites", MAY_BE_LIST | MAY_BE_MAP, "a list or a map"},
    {"variants", 0, NULL},
    {"guests", 0, NULL},
    {"benchmarks", 0, NULL},
    {"metrics", 0, NULL},
};

/* ---- what the parts share -------------------------------------------- */

void strings_free(char **list)
{
	conf_strings_free(list);
}

void strings_init(struct strings *l)
{
	l->n = 0;
	l->cap = 8;
	l->v = xcalloc(l->cap, sizeof(l->v[0]));
}

void strings_done(struct strings *l)
{
	strings_free(l->v);
	l->v = NULL;
}

void strings_add(struct strings *l, char *s)
{
	if (l->n + 2 > l->cap) {
		l->cap *= 2;
		l->v = xrealloc(l->v, l->cap, sizeof(l->v[0]));
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

char **strings_take(struct strings *l)
{
	char **v = l->v;

	l->v = NULL;
	return v;
}

void suite_ignore(
    struct suite_parser *p, const struct conf_node *n, const char *key)
{
	strings_add(
	    &p->ignored, xasprintf("%s:%d: %s", p->file, conf_line(n), key));
}

int suite_limit(struct err *err)
{
	if (err)
		err->kind = ERR_LIMIT;
	return -ERR_LIMIT;
}

int suite_name_compare(const void *a, const void *b)
{
	const struct suite_name *x = a;
	const struct suite_name *y = b;
	int order = strcmp(x->s, y->s);

	return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* ---- text ------------------------------------------------------------ */

/* Control characters in two or three bytes, and what reverses a line. */
static bool is_hidden(const unsigned char *s)
{
	if (s[0] < 0x20 || s[0] == 0x7f)
		return true;
	if (s[0] == 0xc2)
		return s[1] < 0xa0;
	/* U+2028..U+202E and U+2066..U+2069 */
	if (s[0] == 0xe2 && s[1] == 0x80)
		return s[2] >= 0xa8 && s[2] <= 0xae;
	return s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

int suite_check_text(const struct conf_node *n, const char *key,
    const char *text, size_t max, struct err *err)
{
	size_t chars = 0;

	if (!str_is_utf8(text, strlen(text)))
		return conf_error(n, err, "%s: not UTF-8", key);
	for (const char *p = text; *p; p++) {
		chars += (*p & 0xc0) != 0x80;
		if (is_hidden((const unsigned char *)p))
			return conf_error(n, err,
			    "%s: has a control character at byte %td; must "
			    "be printable",
			    key, p - text + 1);
	}
	if (!chars || chars > max)
		return conf_error(n, err,
		    "%s: has %zu characters; must have 1 to %zu", key, chars,
		    max);
	return 0;
}

int suite_check_path(const struct conf_node *n, const char *key,
    const char *path, struct err *err)
{
	if (!fs_path_is_safe(path))
		return conf_error(n, err,
		    "%s: unsafe path '%.200s'; must be relative and stay in "
		    "the bundle",
		    key, path);
	/* The bundle is checked before it is known which machine runs it. */
	if (strstr(path, "@{"))
		return conf_error(n, err,
		    "%s: variable in path '%.200s'; only allowed in arguments",
		    key, path);
	return 0;
}

bool suite_has(const struct conf_node *map, const char *key)
{
	return conf_type(conf_get(map, key)) != CONF_NULL;
}

const struct conf_node *suite_string_node(
    const struct conf_node *map, const char *key, size_t i)
{
	const struct conf_node *n = conf_get(map, key);

	return conf_type(n) == CONF_LIST ? conf_at(n, i) : n;
}

int suite_texts(const struct conf_node *map, const char *key, size_t max_n,
    size_t max_len, char ***ret, struct err *err)
{
	scoped(strings_free) char **list = NULL;
	size_t n = conf_len(conf_get(map, key));
	int r;

	if (n > max_n) {
		(void)conf_error(conf_get(map, key), err,
		    "%s: has %zu entries; must have at most %zu", key, n,
		    max_n);
		return suite_limit(err);
	}
	r = conf_strings(map, key, CONF_OPTIONAL, &list, err);
	if (r < 0)
		return r;
	if (!list)
		list = xcalloc(1, sizeof(list[0]));
	for (size_t i = 0; list[i]; i++) {
		r = suite_check_text(
		    suite_string_node(map, key, i), key, list[i], max_len, err);
		if (r < 0)
			return r;
	}
	*ret = take(list);
	return 0;
}

/* ---- the suite ------------------------------------------------------- */

void suite_free(struct suite *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_items; i++)
		suite_item_done(&s->items[i]);
	free(s->items);
	for (size_t i = 0; i < s->n_variants; i++)
		suite_variant_done(&s->variants[i]);
	free(s->variants);
	for (size_t i = 0; i < s->n_guests; i++)
		suite_guest_done(&s->guests[i]);
	free(s->guests);
	for (size_t i = 0; i < s->n_benches; i++)
		suite_bench_done(&s->benches[i]);
	free(s->benches);
	for (size_t i = 0; i < s->n_metrics; i++)
		suite_metric_done(&s->metrics[i]);
	free(s->metrics);
	strings_free(s->panic_patterns);
	strings_free(s->ignored);
	free(s->name);
	free(s);
}

static bool has_type(const struct conf_node *n, int may_be)
{
	switch (conf_type(n)) {
	case CONF_SCALAR:
		return may_be & MAY_BE_SCALAR;
	case CONF_LIST:
		return may_be & MAY_BE_LIST;
	case CONF_MAP:
		return may_be & MAY_BE_MAP;
	default:
		return true;
	}
}

/* Keys without effect have the right form, and are remembered. */
static int check_ignored(
    struct suite_parser *p, const struct conf_node *root, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(top_keys); i++) {
		const struct top_key *k = &top_keys[i];
		const struct conf_node *n = conf_get(root, k->key);

		if (!k->may_be || !suite_has(root, k->key))
			continue;
		if (!has_type(n, k->may_be))
			return conf_error(
			    n, err, "%s: must be %s", k->key, k->allowed);
		suite_ignore(p, n, k->key);
	}
	return 0;
}

static int refuse_same_names(
    const struct suite *s, const struct conf_node *list, struct err *err)
{
	scoped(free) struct suite_name *names =
	    xcalloc(s->n_items, sizeof(names[0]));

	for (size_t i = 0; i < s->n_items; i++)
		names[i] = (struct suite_name){s->items[i].name, i};
	qsort(names, s->n_items, sizeof(names[0]), suite_name_compare);
	for (size_t i = 1; i < s->n_items; i++)
		if (str_eq(names[i - 1].s, names[i].s)) {
			const struct conf_node *first =
			    conf_at(list, names[i - 1].i);
			const struct conf_node *second =
			    conf_at(list, names[i].i);

			return conf_error(conf_get(second, "name"), err,
			    "name: '%.200s' is the name of the item in line %d "
			    "already; must be unique",
			    names[i].s, conf_line(first));
		}
	return 0;
}

static int parse_items(struct suite_parser *p, const struct conf_node *root,
    struct suite *s, struct err *err)
{
	/* A suite of benchmarks alone needs no boot items. */
	bool others = conf_len(conf_get(root, "benchmarks")) > 0;
	const struct conf_node *list = NULL;
	size_t n;
	int r = conf_list(root, "boot_items",
	    others ? CONF_OPTIONAL : CONF_REQUIRED, &list, err);

	if (r < 0)
		return r;
	n = list ? conf_len(list) : 0;
	if (!n && !others)
		return conf_error(
		    list, err, "boot_items: empty; must have an item");
	if (n > SUITE_ITEMS_MAX) {
		(void)conf_error(list, err,
		    "boot_items: has %zu items; must have at most %d", n,
		    SUITE_ITEMS_MAX);
		return suite_limit(err);
	}
	s->items = xcalloc(n, sizeof(s->items[0]));
	for (; s->n_items < n; s->n_items++) {
		r = suite_item_parse(
		    p, conf_at(list, s->n_items), &s->items[s->n_items], err);
		if (r < 0)
			return r;
	}
	return refuse_same_names(s, list, err);
}

static int parse_top(struct suite_parser *p, const struct conf_node *root,
    struct suite *s, struct err *err)
{
	const char *keys[ARRAY_LEN(top_keys)];
	int r;

	for (size_t i = 0; i < ARRAY_LEN(top_keys); i++)
		keys[i] = top_keys[i].key;
	r = conf_only(root, "suite", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = check_ignored(p, root, err);
	if (r == 0)
		r = suite_texts(root, "boot_panic_patterns", PATTERNS_MAX,
		    PATTERN_LEN_MAX, &s->panic_patterns, err);
	if (r == 0)
		r = parse_items(p, root, s, err);
	if (r == 0)
		r = suite_variants_parse(root, s, err);
	if (r == 0)
		r = suite_guests_parse(root, s, err);
	if (r == 0)
		r = suite_benches_parse(root, s, err);
	if (r == 0)
		r = suite_metrics_parse(root, s, err);
	return r;
}

int suite_parse(const char *name, const char *text, size_t len,
    struct suite **ret, struct err *err)
{
	scoped(conf_free) struct conf *conf = NULL;
	scoped(suite_free) struct suite *s = xcalloc(1, sizeof(*s));
	struct suite_parser p = {.file = name};
	int r = conf_parse(name, text, len, &conf, err);

	if (r < 0)
		return r;
	s->name = xstrdup(name);
	strings_init(&p.ignored);
	r = parse_top(&p, conf_root(conf), s, err);
	s->ignored = strings_take(&p.ignored);
	if (r == 0)
		*ret = take(s);
	return r;
}
