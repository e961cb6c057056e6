/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "cli/api.h"

#define NAME_MAX_BYTES 128 /* longer ones are not mistyped */
#define MISTYPED 4         /* one character of so many may be wrong */

/* How many characters are to be changed, added or left out (Levenshtein). */
static size_t mistakes(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1];
	size_t n = strlen(b);

	if (strlen(a) > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t before = row[0]++;

		for (size_t j = 1; j <= n; j++) {
			size_t best = before + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			before = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

/* A part of a name is as good as a name with one mistake. */
static size_t distance(const char *given, const char *name)
{
	size_t d = mistakes(given, name);

	return *given && strstr(name, given) && d > 1 ? 1 : d;
}

char *suggest_metric(struct cli *cli, const char *metric, const char *hint)
{
	scoped(json_decref) json_t *answer = NULL;
	const char *best = NULL;
	size_t least = strlen(metric) / MISTYPED + 1;
	const json_t *m;
	struct err err = ERR_INIT;
	size_t i;

	/* Without an answer there is only less to say. */
	if (http_get(cli->http, "/api/v1/metrics", &answer, &err) < 0)
		return xstrdup(hint);
	json_array_foreach(api_list(answer, "metrics"), i, m)
	{
		size_t d = distance(metric, api_text(m, "name"));

		if (d >= least)
			continue;
		best = api_text(m, "name");
		least = d;
	}
	/* It is not the metric that is wrong. */
	if (!best || !least)
		return xstrdup(hint);
	return xasprintf("did you mean %s? %s", best, hint);
}
