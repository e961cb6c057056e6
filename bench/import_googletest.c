/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GoogleTest's console output. A case is what stands between [ RUN      ] and
 * its result; the lists of failed and skipped tests at the end repeat them.
 */
#include <stdio.h>

#include "bench/import_private.h"

struct googletest {
	struct import_tally tally;
	char running[IMPORT_TEXT_MAX]; /* "" if none is */
	char why[IMPORT_TEXT_MAX];     /* its first line of output */
	int64_t counted; /* cases of repetitions before this one */
	bool complete;
	bool miscounted;
};

static bool recognise(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (text_starts(line, "[==========] Running ") ||
		    text_starts(line, "[ RUN      ] "))
			return true;
	return false;
}

static int finish(struct import *im, struct googletest *g,
    enum case_result result, const char *why)
{
	struct text name = {g->running, strlen(g->running)};
	int r = import_tally_case(
	    im, &g->tally, name, result, (struct text){why, strlen(why)});

	g->running[0] = '\0';
	return r;
}

/* Is this line about the case that runs? "Suite.Case (3 ms)", "Suite.Case". */
static bool is_running(const struct googletest *g, struct text l)
{
	size_t n = strlen(g->running);

	if (!n || l.len < n || memcmp(l.p, g->running, n) != 0)
		return false;
	return l.len == n || l.p[n] == ' ' || l.p[n] == ',';
}

/* "5 tests from 2 test suites ran. (0 ms total)" */
static void ran(struct googletest *g, struct text l)
{
	long n;

	if (!text_find(l, " ran.") || !text_eat_count(&l, 1000000000, &n))
		return;
	g->complete = true;
	g->miscounted |= n != g->tally.cases - g->counted;
	g->counted = g->tally.cases;
}

static int line(struct import *im, void *state, struct text l)
{
	static const struct {
		const char *word;
		enum case_result result;
	} ends[] = {
	    {"[       OK ] ", CASE_PASS},
	    {"[  FAILED  ] ", CASE_FAIL},
	    {"[  SKIPPED ] ", CASE_SKIP},
	};
	struct googletest *g = state;

	if (text_eat(&l, "[ RUN      ] ")) {
		int r = g->running[0]
		    ? finish(im, g, CASE_FAIL, "it did not end")
		    : 0;

		text_copy(g->running, sizeof(g->running), text_trim(l));
		g->why[0] = '\0';
		return r;
	}
	if (text_eat(&l, "[==========] ")) {
		ran(g, l);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct text rest = l;

		if (!text_eat(&rest, ends[i].word) || !is_running(g, rest))
			continue;
		return finish(im, g, ends[i].result,
		    ends[i].result == CASE_PASS ? "" : g->why);
	}
	if (g->running[0] && !g->why[0])
		text_copy(g->why, sizeof(g->why), text_trim(l));
	return 0;
}

static int end(struct import *im, void *state)
{
	struct googletest *g = state;
	const char *broken = NULL;
	int r = import_meta(im, "tool", (struct text){"GoogleTest", 10});

	if (r == 0 && g->running[0])
		r = finish(im, g, CASE_FAIL, "it did not end");
	if (r < 0)
		return r;
	if (!g->complete && !g->tally.cases)
		return import_refuse(im, 0, "no test of GoogleTest ran");
	if (!g->complete)
		broken = "the stream ends before its tests ran";
	else if (g->miscounted)
		broken = "other than the number of tests that ran are shown";
	return import_tally_end(im, &g->tally, broken);
}

const struct importer import_googletest = {
    .name = "googletest",
    .title = "GoogleTest output",
    .shape = IMPORT_STREAM,
    .state_size = sizeof(struct googletest),
    .recognise = recognise,
    .line = line,
    .end = end,
};
