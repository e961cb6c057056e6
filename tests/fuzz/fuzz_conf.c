/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration from outside: parse it, then visit and ask for every node. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

/* A message is one line of UTF-8, and a failure has one. */
static void check(int r, const struct err *err)
{
	if (r < 0)
		must(r == -err->kind && *err->msg &&
		    str_is_utf8(err->msg, strlen(err->msg)));
}

static void ask(const struct conf_node *map, const char *key)
{
	static const char *const names[] = {"name", "power", "console"};
	const struct conf_node *n;
	char **list = NULL;
	const char *s;
	int64_t i;
	bool b;
	int e;
	struct err err = ERR_INIT;

	check(conf_only(map, "fuzz", names, ARRAY_LEN(names), &err), &err);
	check(conf_str(map, key, CONF_REQUIRED, &s, &err), &err);
	check(conf_int(map, key, CONF_REQUIRED, -5, 5, &i, &err), &err);
	check(conf_bool(map, key, CONF_REQUIRED, &b, &err), &err);
	check(conf_enum(
	          map, key, CONF_REQUIRED, names, ARRAY_LEN(names), &e, &err),
	    &err);
	check(conf_map(map, key, CONF_REQUIRED, &n, &err), &err);
	check(conf_list(map, key, CONF_REQUIRED, &n, &err), &err);
	check(conf_strings(map, key, CONF_REQUIRED, &list, &err), &err);
	conf_strings_free(list);
}

/* Visits all nodes without recursing: the parser's ceiling is 32 deep. */
static void walk(const struct conf_node *root)
{
	const struct conf_node *stack[33] = {root};
	size_t at[33] = {0};
	int depth = 1;

	while (depth) {
		const struct conf_node *n = stack[depth - 1];
		size_t i = at[depth - 1]++;

		if (i >= conf_len(n)) {
			depth--;
			continue;
		}
		must(conf_line(conf_at(n, i)) >= 1);
		must(conf_column(conf_at(n, i)) >= 1);
		must((conf_type(conf_at(n, i)) == CONF_SCALAR) ==
		    (conf_text(conf_at(n, i)) != NULL));
		if (conf_type(n) == CONF_MAP) {
			must(conf_get(n, conf_key(n, i)) == conf_at(n, i));
			if (i < 8)
				ask(n, conf_key(n, i));
		}
		must(depth < 33);
		stack[depth] = conf_at(n, i);
		at[depth++] = 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf = NULL;
	struct err err = ERR_INIT;
	int r = conf_parse("fuzz", (const char *)data, size, &conf, &err);

	check(r, &err);
	must((r == 0) == (conf != NULL));
	if (conf)
		walk(conf_root(conf));
	conf_free(conf);
	return 0;
}
