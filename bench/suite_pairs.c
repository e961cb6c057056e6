/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many pairs of VM boots a benchmark has: a number, or until each value of
 * a guest is known to a margin.
 */
#include <string.h>

#include "bench/number.h"
#include "bench/suite_parse.h"

#define MARGIN_LEAST .0005
#define MARGIN_MOST .5
#define PLAN_MOST 40 /* as a cap, if none is given */

static const char *const plan_keys[] = {"margin", "least", "most"};

/* "1%" or ".01". */
static bool read_margin(const char *text, double *ret)
{
	size_t len = strlen(text);
	double v;
	size_t n = bench_number(text, len, &v);

	if (n && n + 1 == len && text[n] == '%')
		v /= 100;
	else if (!n || n < len)
		return false;
	*ret = v;
	return v >= MARGIN_LEAST && v <= MARGIN_MOST;
}

int suite_margin_parse(
    const struct conf_node *map, double *ret, struct err *err)
{
	const char *text = NULL;
	int r = conf_str(map, "margin", CONF_OPTIONAL, &text, err);

	if (r < 0 || !text || read_margin(text, ret))
		return r;
	return conf_error(conf_get(map, "margin"), err,
	    "margin: found '%.60s'; must be from 0.05%% to 50%%, as 1%% or .01",
	    text);
}

static int parse_even(const struct conf_node *map, const char *key, size_t min,
    size_t *ret, struct err *err)
{
	int64_t v = (int64_t)*ret;
	int r = conf_int(
	    map, key, CONF_OPTIONAL, (int64_t)min, BENCH_PLAN_MOST, &v, err);

	if (r == 0 && v % BENCH_PLAN_BLOCK)
		r = conf_error(conf_get(map, key), err,
		    "%s: found %lld; must be even: pairs come in blocks of %d",
		    key, (long long)v, BENCH_PLAN_BLOCK);
	if (r == 0)
		*ret = (size_t)v;
	return r;
}

/* What is worth telling of the metric that is measured best. */
static double own_margin(const struct suite_bench *b)
{
	double margin = MARGIN_MOST;

	for (size_t i = 0; i < b->n_metrics; i++)
		if (b->metrics[i]->margin < margin)
			margin = b->metrics[i]->margin;
	return margin;
}

static int parse_plan(
    const struct conf_node *map, struct suite_bench *b, struct err *err)
{
	struct bench_plan p = {own_margin(b), BENCH_PLAN_LEAST, PLAN_MOST};
	int r = conf_only(map, "pairs", plan_keys, ARRAY_LEN(plan_keys), err);

	if (r == 0)
		r = suite_margin_parse(map, &p.margin, err);
	if (r == 0)
		r = parse_even(map, "least", BENCH_PLAN_LEAST, &p.least, err);
	if (p.most < p.least)
		p.most = p.least;
	if (r == 0)
		r = parse_even(map, "most", p.least, &p.most, err);
	if (r < 0)
		return r;
	b->planned = true;
	b->plan = p;
	b->pairs = (int)p.most;
	return 0;
}

int64_t suite_bench_boots(const struct suite_bench *b)
{
	return (int64_t)b->n_guests * b->pairs * 2;
}

int suite_pairs_parse(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	const struct conf_node *pairs = conf_get(node, "pairs");
	int64_t n = SUITE_PAIRS;
	int r;

	if (conf_type(pairs) == CONF_MAP) {
		r = parse_plan(pairs, b, err);
	} else {
		r = conf_int(
		    node, "pairs", CONF_OPTIONAL, 1, SUITE_PAIRS_MAX, &n, err);
		b->pairs = (int)n;
	}
	if (r == 0 && suite_bench_boots(b) > SUITE_BOOTS_MAX)
		r = conf_error(pairs, err,
		    "pairs: found %d for %zu guests; must be at most %d boots",
		    b->pairs, b->n_guests, SUITE_BOOTS_MAX);
	return r;
}
