/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typed access to a configuration's tree. Every complaint names the place, the
 * key, what was found and what is allowed, so that nobody must guess.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	KEY_MAX = 64,   /* longer keys get no suggestion */
	NAMES_MAX = 256 /* bytes of a message for the allowed names */
};

/* What a value is, for "found ...". Returns to. */
static const char *found(const struct conf_node *n, char *to, size_t size)
{
	switch (conf_type(n)) {
	case CONF_LIST:
		return "a list";
	case CONF_MAP:
		return "a map";
	case CONF_SCALAR:
		(void)snprintf(to, size,
		    conf_quoted(n) ? "\"%.60s\"" : "'%.60s'", conf_text(n));
		return to;
	default:
		return "nothing";
	}
}

static int wrong(const struct conf_node *n, const char *what,
    const char *allowed, struct err *err)
{
	char text[80];

	return conf_error(n, err, "%.60s: found %s; must be %s", what,
	    found(n, text, sizeof(text)), allowed);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edit distance (Levenshtein) of two texts of at most KEY_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t row[KEY_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t up = row[j + 1];

			row[j + 1] =
			    min3(up + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = up;
		}
	}
	return row[n];
}

/* The name most like the text, or NULL if none is near enough to be meant. */
static const char *nearest(
    const char *text, const char *const *names, size_t n_names)
{
	size_t len = strlen(text);
	size_t best = len / 3 > 2 ? len / 3 + 1 : 3;
	const char *name = NULL;

	if (len > KEY_MAX)
		return NULL;
	for (size_t i = 0; i < n_names; i++) {
		size_t d;

		if (strlen(names[i]) > KEY_MAX)
			continue;
		d = distance(text, names[i]);
		if (d < best && d < len) {
			best = d;
			name = names[i];
		}
	}
	return name;
}

/* Adds "; did you mean 'x'? allowed: a, b, c", cut where it gets too long. */
static void add_names(
    struct buf *b, const char *text, const char *const *names, size_t n_names)
{
	const char *near = nearest(text, names, n_names);
	size_t start;

	if (near)
		buf_printf(b, "; did you mean '%s'? allowed: ", near);
	else
		buf_puts(b, "; allowed: ");
	start = b->len;
	for (size_t i = 0; i < n_names; i++) {
		if (b->len - start + strlen(names[i]) > NAMES_MAX) {
			buf_puts(b, ", ...");
			return;
		}
		buf_printf(b, "%s%s", i ? ", " : "", names[i]);
	}
}

int conf_only(const struct conf_node *map, const char *what,
    const char *const *keys, size_t n_keys, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);

	if (map && conf_type(map) != CONF_MAP)
		return wrong(map, what, "a map", err);
	for (size_t i = 0; i < conf_len(map); i++) {
		const char *key = conf_key(map, i);

		if (str_in(key, keys, n_keys))
			continue;
		add_names(&text, key, keys, n_keys);
		return conf_error(conf_at(map, i), err,
		    "%s: unknown key '%.60s'%s", what, key, buf_str(&text));
	}
	return 0;
}

/*
 * The value of a key: 1 with *ret, 0 if an optional one is absent, or an error.
 */
static int value(const struct conf_node *map, const char *key,
    enum conf_need need, const char *allowed, const struct conf_node **ret,
    struct err *err)
{
	const struct conf_node *n = conf_get(map, key);

	if (map && conf_type(map) != CONF_MAP)
		return wrong(map, key, "a key of a map", err);
	if (conf_type(n) != CONF_NULL) {
		*ret = n;
		return 1;
	}
	if (need == CONF_OPTIONAL)
		return 0;
	if (n)
		return wrong(n, key, allowed, err);
	return conf_error(map, err, "%s: missing; must be %s", key, allowed);
}

int conf_str(const struct conf_node *map, const char *key, enum conf_need need,
    const char **ret, struct err *err)
{
	const struct conf_node *n;
	int r = value(map, key, need, "text", &n, err);

	if (r <= 0)
		return r;
	if (conf_type(n) != CONF_SCALAR)
		return wrong(n, key, "text", err);
	*ret = conf_text(n);
	return 0;
}

/* A leading zero would mean octal to some readers and decimal to others. */
static bool has_leading_zero(const char *s)
{
	s += *s == '-';
	return s[0] == '0' && s[1];
}

int conf_int(const struct conf_node *map, const char *key, enum conf_need need,
    int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	const struct conf_node *n;
	char allowed[100];
	int r;

	(void)snprintf(allowed, sizeof(allowed),
	    "a whole number from %" PRId64 " to %" PRId64, min, max);
	r = value(map, key, need, allowed, &n, err);
	if (r <= 0)
		return r;
	if (conf_type(n) != CONF_SCALAR || conf_quoted(n) ||
	    has_leading_zero(conf_text(n)) ||
	    str_to_i64(conf_text(n), min, max, ret, NULL) < 0)
		return wrong(n, key, allowed, err);
	return 0;
}

int conf_bool(const struct conf_node *map, const char *key, enum conf_need need,
    bool *ret, struct err *err)
{
	static const char allowed[] = "true, false, yes or no (without quotes)";
	static const char *const on[] = {"true", "yes"};
	static const char *const off[] = {"false", "no"};
	const struct conf_node *n;
	int r = value(map, key, need, allowed, &n, err);
	bool is_on;

	if (r <= 0)
		return r;
	if (conf_type(n) != CONF_SCALAR || conf_quoted(n))
		return wrong(n, key, allowed, err);
	is_on = str_in(conf_text(n), on, ARRAY_LEN(on));
	if (!is_on && !str_in(conf_text(n), off, ARRAY_LEN(off)))
		return wrong(n, key, allowed, err);
	*ret = is_on;
	return 0;
}

int conf_enum(const struct conf_node *map, const char *key, enum conf_need need,
    const char *const *names, size_t n_names, int *ret, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);
	const struct conf_node *n = conf_get(map, key);
	const char *s = conf_text(n);
	char was[80];

	if (map && conf_type(map) != CONF_MAP)
		return wrong(map, key, "a key of a map", err);
	if (conf_type(n) == CONF_NULL && need == CONF_OPTIONAL)
		return 0;
	for (size_t i = 0; s && i < n_names; i++)
		if (str_eq(s, names[i])) {
			*ret = (int)i;
			return 0;
		}
	add_names(&text, s ? s : "", names, n_names);
	if (!n)
		return conf_error(
		    map, err, "%s: missing%s", key, buf_str(&text));
	return conf_error(n, err, "%s: found %s%s", key,
	    found(n, was, sizeof(was)), buf_str(&text));
}

int conf_map(const struct conf_node *map, const char *key, enum conf_need need,
    const struct conf_node **ret, struct err *err)
{
	const struct conf_node *n;
	int r = value(map, key, need, "a map", &n, err);

	if (r <= 0)
		return r;
	if (conf_type(n) != CONF_MAP)
		return wrong(n, key, "a map", err);
	*ret = n;
	return 0;
}

int conf_list(const struct conf_node *map, const char *key, enum conf_need need,
    const struct conf_node **ret, struct err *err)
{
	const struct conf_node *n;
	int r = value(map, key, need, "a list", &n, err);

	if (r <= 0)
		return r;
	if (conf_type(n) != CONF_LIST)
		return wrong(n, key, "a list", err);
	*ret = n;
	return 0;
}

int conf_strings(const struct conf_node *map, const char *key,
    enum conf_need need, char ***ret, struct err *err)
{
	static const char allowed[] = "text or a list of texts";
	const struct conf_node *n;
	int r = value(map, key, need, allowed, &n, err);
	bool is_list;
	size_t len;
	char **list;

	if (r <= 0)
		return r;
	is_list = conf_type(n) == CONF_LIST;
	len = is_list ? conf_len(n) : 1;
	for (size_t i = 0; i < len; i++) {
		const struct conf_node *item = is_list ? conf_at(n, i) : n;

		if (conf_type(item) != CONF_SCALAR)
			return wrong(
			    item, key, is_list ? "text" : allowed, err);
	}
	/* At most as long as the file has values. */
	list = xcalloc(len + 1, sizeof(list[0]));
	for (size_t i = 0; i < len; i++)
		list[i] = xstrdup(conf_text(is_list ? conf_at(n, i) : n));
	*ret = list;
	return 0;
}

void conf_strings_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}
