/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variables of a machine in the text of a suite: @{name}, once, not nested. */
#include <string.h>

#include "bench/bench.h"

#define VARIABLE_LEN_MAX 100

/* Puts back what ret was, so that it is written on success only. */
static void cut_back(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

/* *text stands behind "@{"; it is moved behind "}". */
static int add_variable(const char **text,
    const char *(*var)(void *arg, const char *name), void *arg, struct buf *ret,
    struct err *err)
{
	char name[VARIABLE_LEN_MAX + 1];
	size_t n = strcspn(*text, "}");
	const char *value;

	if (!(*text)[n])
		return err_set(err, ERR_INVAL,
		    "unclosed variable '@{%.100s'; must end with }", *text);
	if (!n || n > VARIABLE_LEN_MAX)
		return err_set(err, ERR_INVAL,
		    "variable '@{%.*s}': the name must have 1 to %d bytes",
		    n > VARIABLE_LEN_MAX ? VARIABLE_LEN_MAX : (int)n, *text,
		    VARIABLE_LEN_MAX);
	memcpy(name, *text, n);
	name[n] = '\0';
	value = var(arg, name);
	if (!value)
		return err_set(
		    err, ERR_INVAL, "unknown variable '@{%s}'", name);
	buf_puts(ret, value);
	*text += n + 1;
	return 0;
}

static int substitute(const char *text,
    const char *(*var)(void *arg, const char *name), void *arg, struct buf *ret,
    struct err *err)
{
	int r;

	for (;;) {
		const char *at = strstr(text, "@{");

		if (!at) {
			buf_puts(ret, text);
			return 0;
		}
		buf_add(ret, text, (size_t)(at - text));
		text = at + 2;
		r = add_variable(&text, var, arg, ret, err);
		if (r < 0)
			return r;
	}
}

int suite_substitute(const char *text,
    const char *(*var)(void *arg, const char *name), void *arg, struct buf *ret,
    struct err *err)
{
	size_t was = ret->len;
	int r = substitute(text, var, arg, ret, err);

	if (r == 0 && ret->failed)
		r = err_set(err, ERR_LIMIT,
		    "text over %zu bytes with its "
		    "variables",
		    ret->max);
	if (r < 0)
		cut_back(ret, was);
	return r;
}
