/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Serial logs in SOTEST's protocol, judged by the same code that judges a live
 * console; a file has no time, so no timer runs.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/import_private.h"

#define NEVER (INT64_MAX / 4)

struct sotest {
	struct import *im;
	struct guest_test *test;
	int r; /* of what a callback told */
};

static bool recognise(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (text_starts(line, "SOTEST VERSION "))
			return true;
	return false;
}

static void on_case(void *arg, const struct sotest_case *c)
{
	struct sotest *s = arg;

	if (s->r == 0)
		s->r =
		    import_case(s->im, (struct text){c->name, strlen(c->name)},
		        c->result, (struct text){c->text, strlen(c->text)});
}

static void on_number(void *arg, const struct sotest_number *n)
{
	struct sotest *s = arg;
	struct text name = {n->name, strlen(n->name)};
	enum bench_direction direction = BENCH_LOWER;
	char slug[80];
	char metric[IMPORT_NAME_MAX];

	if (s->r < 0)
		return;
	text_slug(slug, sizeof(slug), name);
	(void)snprintf(metric, sizeof(metric), "guest_test.%s", slug);
	if (n->value < 0)
		s->r = import_skip(s->im, name, "it is below 0");
	else if (!bench_unit_direction(n->unit, &direction))
		s->r = import_skip(s->im, name,
		    "its unit does not say whether higher or lower is better");
	else
		s->r =
		    import_number(s->im, metric, n->unit, direction, n->value);
}

static void begin(struct import *im, void *state)
{
	struct sotest *s = state;
	struct guest_test_options opts = {
	    .boot_timeout_ms = NEVER,
	    .timeout_ms = NEVER,
	    .silence_ms = NEVER,
	    .on_case = on_case,
	    .on_number = on_number,
	    .arg = s,
	};

	s->im = im;
	s->test = guest_test_new(&opts);
	guest_test_start(s->test, 0);
}

static void done(void *state)
{
	struct sotest *s = state;

	guest_test_free(s->test);
}

static int line(struct import *im, void *state, struct text l)
{
	struct sotest *s = state;

	(void)im; /* the callbacks have it */
	guest_test_feed(s->test, l.p, l.len, 0);
	guest_test_feed(s->test, "\n", 1, 0);
	return s->r;
}

static int end(struct import *im, void *state)
{
	struct sotest *s = state;
	const struct guest_test_result *result;
	int r;

	guest_test_eof(s->test, 0);
	result = guest_test_result(s->test);
	if (s->r < 0)
		return s->r;
	if (!result->begun)
		return import_refuse(im, 0, "no line SOTEST VERSION 1 BEGIN n");
	r = import_meta(im, "tool", (struct text){"SOTEST", 6});
	if (r < 0)
		return r;
	return import_verdict(im, result->end == TEST_PASS,
	    result->end == TEST_PASS ? "" : result->text);
}

const struct importer import_sotest = {
    .name = "sotest",
    .title = "SOTEST serial logs",
    .shape = IMPORT_STREAM,
    .state_size = sizeof(struct sotest),
    .recognise = recognise,
    .begin = begin,
    .line = line,
    .end = end,
    .done = done,
};
