/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile request targets and headers: matching of paths, parsing of queries,
 * of cookies, of Host and Origin.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "web/origin.h"
#include "web/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {"/", "/api/v1/runs",
    "/api/v1/runs/{id}/matrix", "/files/{nonce}/{sha256}/{name}",
    "/boot/{mac}"};
static const struct query_param params[] = {
    {"limit", QUERY_INT, 1, 500, ""},
    {"name", QUERY_TEXT, 0, 0, ""},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static void check(const struct path_args *args)
{
	assert(args->n <= PATH_ARGS_MAX);
	for (size_t i = 0; i < args->n; i++) {
		size_t len = strlen(args->text[i]);

		assert(len && len < PATH_ARG_SIZE);
		assert(str_is_utf8(args->text[i], len));
	}
}

/* The same text as each of the headers. */
static void check_headers(const char *text)
{
	char value[24];

	if (cookie_get(text, COOKIE_NAME, value, sizeof(value))) {
		assert(*value && strlen(value) < sizeof(value));
		assert(strstr(text, value) && !strchr(value, ';'));
	}
	if (cookie_can_hold(text))
		assert(!strpbrk(text, "\r\n; "));
	if (host_is_loopback(text))
		assert(!strpbrk(text, "/@ "));
	if (origin_is_host(text, "localhost:8080"))
		assert(str_starts(text, "http"));
	(void)origin_is_host("http://localhost", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *target = xstrndup(size ? (const char *)data : "", size);
	struct path_args args;
	struct query query;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (path_match(patterns[i], target, &args))
			check(&args);
	if (query_parse(target, params, &query, &err) == 0 &&
	    query.values[0].set)
		assert(query.values[0].number >= 1 &&
		    query.values[0].number <= 500);
	check_headers(target);
	free(target);
	return 0;
}
