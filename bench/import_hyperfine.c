/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hyperfine's JSON: seconds of each run of each command. */
#include <math.h>

#include "base/str.h"
#include "bench/import_private.h"

struct hyperfine {
	size_t n_results;
	/* The result that is being read. */
	char command[IMPORT_TEXT_MAX];
	struct buf times; /* doubles */
	double mean, stddev, median, min, max;
	int64_t bad_exits;
};

static bool recognise(struct text head)
{
	text_eat_blanks(&head);
	return text_starts(head, "{") && text_find(head, "\"results\"") &&
	    text_find(head, "\"command\"") &&
	    (text_find(head, "\"times\"") || text_find(head, "\"mean\""));
}

static void begin(struct import *im, void *state)
{
	struct hyperfine *h = state;

	(void)im; /* nothing of it is needed */
	h->times = (struct buf)BUF_INIT(IMPORT_TIMES_MAX * sizeof(double) + 1);
}

static void done(void *state)
{
	struct hyperfine *h = state;

	buf_done(&h->times);
}

static void result_begin(struct hyperfine *h)
{
	h->command[0] = '\0';
	buf_reset(&h->times);
	h->mean = h->stddev = h->median = h->min = h->max = NAN;
	h->bad_exits = 0;
}

static int add_time(struct import *im, struct hyperfine *h, double t)
{
	buf_add(&h->times, &t, sizeof(t));
	if (h->times.failed)
		return import_limit(
		    im, "over %d times of one command", IMPORT_TIMES_MAX);
	return 0;
}

static int tell(struct import *im, struct hyperfine *h)
{
	struct import_value v =
	    import_value_of("hyperfine.time", "s", BENCH_LOWER, h->mean);
	size_t n = h->times.len / sizeof(double);

	v.label = h->command;
	if (!n) {
		if (isnan(h->mean))
			return import_refuse(
			    im, 0, "a result without times and mean");
		v.of = IMPORT_MEAN;
		v.n = 0;
		v.sd = h->stddev;
		v.median = h->median;
		v.min = h->min;
		v.max = h->max;
		return import_value(im, &v);
	}
	for (size_t i = 0; i < n; i++) {
		int r;

		memcpy(&v.value, h->times.data + i * sizeof(double),
		    sizeof(double));
		r = import_value(im, &v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int result_end(struct import *im, struct hyperfine *h)
{
	h->n_results++;
	if (!h->command[0])
		return import_refuse(im, 0, "a result without its command");
	/* A run that failed did something else. */
	if (h->bad_exits)
		return import_skip(im,
		    (struct text){h->command, strlen(h->command)},
		    "runs ended with an exit code other than 0");
	return tell(im, h);
}

static void number(struct hyperfine *h, const char *key, double v)
{
	const struct {
		const char *key;
		double *to;
	} rows[] = {
	    {"mean", &h->mean},
	    {"stddev", &h->stddev},
	    {"median", &h->median},
	    {"min", &h->min},
	    {"max", &h->max},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(key, rows[i].key))
			*rows[i].to = v;
}

static int node(struct import *im, void *state, const struct node *n)
{
	struct hyperfine *h = state;
	const char *key;

	if (node_is(n, NODE_BEGIN, "results/#"))
		result_begin(h);
	else if (node_is(n, NODE_END, "results/#"))
		return result_end(im, h);
	else if (node_is(n, NODE_TEXT, "results/#/command"))
		text_name(h->command, sizeof(h->command),
		    (struct text){n->text, n->len});
	else if (str_eq(n->path, "results/#/times/#"))
		return n->kind == NODE_NUMBER
		    ? add_time(im, h, n->number)
		    : import_refuse(im, 0, "a time that is no number");
	else if (str_eq(n->path, "results/#/exit_codes/#"))
		h->bad_exits +=
		    n->kind != NODE_NUMBER || n->number > 0 || n->number < 0;
	else if (n->kind == NODE_NUMBER && (key = node_below(n, "results/#/")))
		number(h, key, n->number);
	return 0;
}

static int end(struct import *im, void *state)
{
	const struct hyperfine *h = state;

	if (!h->n_results)
		return import_refuse(im, 0, "hyperfine wrote no results");
	return import_meta(im, "tool", (struct text){"hyperfine", 9});
}

const struct importer import_hyperfine = {
    .name = "hyperfine",
    .title = "hyperfine JSON",
    .shape = IMPORT_JSON,
    .state_size = sizeof(struct hyperfine),
    .recognise = recognise,
    .begin = begin,
    .node = node,
    .end = end,
    .done = done,
};
