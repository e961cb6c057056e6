/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Project configurations: what is accepted keeps every promise of bench.h,
 * and what is refused says why in one line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static const char *twice(void *arg, const char *name)
{
	(void)arg;
	return strlen(name) % 2 ? NULL : name;
}

static void check_entry(const char *entry)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(1000);
	scoped(free) char *path = suite_path(entry);
	struct err err = ERR_INIT;
	int r = suite_substitute(entry, twice, NULL, &out, &err);

	require(fs_path_is_safe(path) && !strstr(path, "@{"));
	require(strlen(suite_args(entry)) < strlen(entry));
	require(!strpbrk(entry, "\r\n\t\x1b"));
	require(r == 0 || out.len == 0);
	require(out.len <= 1000);
}

static void check_list(char *const *list)
{
	require(list);
	for (; *list; list++)
		require(**list && str_is_utf8(*list, strlen(*list)));
}

static void check_item(const struct suite_item *it)
{
	require(it->name && it->name[0]);
	check_list(it->load);
	check_list(it->extra_files);
	check_list(it->tags);
	check_list(it->forbidden);
	check_list(it->platforms);
	check_entry(it->exec);
	for (char **load = it->load; *load; load++)
		check_entry(*load);
	require(it->boot_timeout_ms >= 1000 && it->timeout_ms >= 1000);
	require(it->silence_ms >= 1000 && it->retries >= 0);
	require(it->expect >= TEST_PASS && it->expect <= TEST_RESET);
}

static void check_suite(const struct suite *s)
{
	char **files = suite_files(s);

	for (size_t i = 0; i < s->n_items; i++)
		check_item(&s->items[i]);
	check_list(s->panic_patterns);
	check_list(s->ignored);
	for (char **f = files; *f; f++)
		require(fs_path_is_safe(*f));
	suite_files_free(files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(suite_free) struct suite *s = NULL;
	struct err err = ERR_INIT;
	int r = suite_parse("fuzz", (const char *)data, size, &s, &err);

	require((r == 0) == (s != NULL));
	if (s)
		check_suite(s);
	else
		require(err.kind == -r && err.msg[0] && !strchr(err.msg, '\n'));
	return 0;
}
