/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matching of request paths against patterns, and strict queries. */
#include "web/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

static bool unescape(const char *from, size_t left, char *ret)
{
	char hex[3];

	if (left < 3)
		return false;
	hex[0] = from[1];
	hex[1] = from[2];
	hex[2] = '\0';
	return hash_unhex(hex, ret, 1) && *ret;
}

bool path_decode(
    const char *from, size_t len, enum path_plus plus, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (n + 1 >= size)
			return false;
		if (c == '%') {
			if (!unescape(from + i, len - i, &c))
				return false;
			i += 2;
		} else if (c == '+' && plus == PLUS_IS_BLANK) {
			c = ' ';
		}
		to[n++] = c;
	}
	to[n] = '\0';
	return str_is_utf8(to, n);
}

static bool segment_match(
    const char *pattern, size_t len, const char *text, struct path_args *ret)
{
	if (pattern[0] != '{')
		return strlen(text) == len && memcmp(pattern, text, len) == 0;
	if (!*text || ret->n == PATH_ARGS_MAX)
		return false;
	(void)snprintf(ret->text[ret->n++], PATH_ARG_SIZE, "%s", text);
	return true;
}

bool path_match(const char *pattern, const char *target, struct path_args *ret)
{
	char text[PATH_ARG_SIZE];

	ret->n = 0;
	while (*pattern == '/' && *target == '/') {
		size_t want = strcspn(++pattern, "/");
		size_t have = strcspn(++target, "/?");

		if (!path_decode(
		        target, have, PLUS_IS_PLUS, text, sizeof(text)) ||
		    !segment_match(pattern, want, text, ret))
			return false;
		pattern += want;
		target += have;
	}
	return !*pattern && (!*target || *target == '?');
}

/* ---- queries ------------------------------------------------------------ */

static int refuse(const struct query_param *params, const char *name,
    size_t len, struct err *err)
{
	char allowed[200] = "";

	for (; params && params->name; params++) {
		size_t n = strlen(allowed);

		(void)snprintf(allowed + n, sizeof(allowed) - n, "%s%s",
		    n ? ", " : "", params->name);
	}
	return err_set(err, ERR_INVAL,
	    "unknown query parameter '%.*s'; allowed: %s",
	    len < 60 ? (int)len : 60, name, *allowed ? allowed : "none");
}

static int value_parse(const char *text, size_t len,
    const struct query_param *param, struct query_value *ret, struct err *err)
{
	if (ret->set)
		return err_set(
		    err, ERR_INVAL, "%s: given more than once", param->name);
	if (!path_decode(
	        text, len, PLUS_IS_BLANK, ret->text, sizeof(ret->text)))
		return err_set(err, ERR_INVAL,
		    "%s: bad escape, or over %d bytes", param->name,
		    PATH_ARG_SIZE - 1);
	if (param->kind == QUERY_INT &&
	    str_to_i64(ret->text, param->min, param->max, &ret->number, err) <
	        0) {
		(void)err_prefix(err, "%s", param->name);
		return -ERR_INVAL;
	}
	ret->set = true;
	return 0;
}

static int pair_parse(const char *pair, size_t len,
    const struct query_param *params, struct query *ret, struct err *err)
{
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals ? (size_t)(equals - pair) : len;
	char name[64];

	if (!path_decode(pair, name_len, PLUS_IS_BLANK, name, sizeof(name)))
		return refuse(params, pair, name_len, err);
	for (size_t i = 0; params && params[i].name; i++) {
		if (!str_eq(params[i].name, name))
			continue;
		return value_parse(equals ? equals + 1 : "",
		    equals ? len - name_len - 1 : 0, &params[i],
		    &ret->values[i], err);
	}
	return refuse(params, name, strlen(name), err);
}

/* The lists are in the program: one that is too long fails each request. */
static void check_length(const struct query_param *params)
{
	size_t n = 0;

	while (params && params[n].name)
		if (++n > QUERY_VALUES_MAX)
			abort();
}

int query_parse(const char *target, const struct query_param *params,
    struct query *ret, struct err *err)
{
	const char *at = strchr(target, '?');
	size_t len;
	int r;

	check_length(params);
	memset(ret, 0, sizeof(*ret));
	for (at = at ? at + 1 : ""; *at; at += len + (at[len] == '&')) {
		len = strcspn(at, "&");
		r = len ? pair_parse(at, len, params, ret, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
