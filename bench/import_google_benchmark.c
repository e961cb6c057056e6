/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Google Benchmark's JSON. Iterations are the samples; aggregates are told
 * only where no iterations are shown (--benchmark_report_aggregates_only), for
 * they are computed from them.
 */
#include <math.h>

#include "base/str.h"
#include "bench/import_private.h"

struct aggregate {
	double mean, median, stddev;
};

struct google_benchmark {
	size_t n_benchmarks;
	/* The benchmark that is being read. */
	char name[IMPORT_TEXT_MAX];
	char run_name[IMPORT_TEXT_MAX];
	char run_type[32];
	char aggregate_name[32];
	char unit[16];
	char error[IMPORT_TEXT_MAX];
	double real_time, cpu_time, repetitions;
	bool failed;
	bool skipped;
	/* Aggregates of one run_name that has shown no iterations. */
	char pending[IMPORT_TEXT_MAX];
	char pending_unit[16];
	double pending_n;
	struct aggregate real, cpu;
	/* The last run_name that had iterations. */
	char sampled[IMPORT_TEXT_MAX];
};

static bool recognise(struct text head)
{
	text_eat_blanks(&head);
	return text_starts(head, "{") && text_find(head, "\"context\"") &&
	    (text_find(head, "\"library_build_type\"") ||
	        (text_find(head, "\"benchmarks\"") &&
	            text_find(head, "\"cpu_time\"")));
}

static void benchmark_begin(struct google_benchmark *g)
{
	g->name[0] = g->run_name[0] = g->run_type[0] = '\0';
	g->aggregate_name[0] = g->error[0] = '\0';
	memcpy(g->unit, "ns", sizeof("ns"));
	g->real_time = g->cpu_time = g->repetitions = NAN;
	g->failed = g->skipped = false;
}

static const char *const metrics[] = {
    "google_benchmark.real_time", "google_benchmark.cpu_time"};

/* One unit for all, or they could not be compared. */
static bool nanoseconds(const char *unit, double *ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq(unit, units[i].unit))
			continue;
		*ret = units[i].ns;
		return true;
	}
	return false;
}

static int tell_aggregate(struct import *im, struct google_benchmark *g,
    const char *metric, const struct aggregate *a)
{
	struct import_value v = import_value_of(metric, "ns", BENCH_LOWER, 0);
	double ns = 1;

	if (isnan(a->mean))
		return 0;
	(void)nanoseconds(g->pending_unit, &ns); /* it was one */
	v.label = g->pending;
	v.of = IMPORT_MEAN;
	v.n = isnan(g->pending_n) ? 0 : (int64_t)g->pending_n;
	v.value = a->mean * ns;
	v.median = a->median * ns;
	v.sd = a->stddev * ns;
	return import_value(im, &v);
}

static int flush(struct import *im, struct google_benchmark *g)
{
	int r = 0;

	if (g->pending[0]) {
		r = tell_aggregate(im, g, metrics[0], &g->real);
		if (r == 0)
			r = tell_aggregate(im, g, metrics[1], &g->cpu);
	}
	g->pending[0] = '\0';
	g->real = g->cpu = (struct aggregate){NAN, NAN, NAN};
	return r;
}

static void keep(struct aggregate *a, const char *name, double v)
{
	if (str_eq(name, "mean"))
		a->mean = v;
	else if (str_eq(name, "median"))
		a->median = v;
	else if (str_eq(name, "stddev"))
		a->stddev = v;
}

static int aggregate_end(struct import *im, struct google_benchmark *g)
{
	int r = 0;

	if (str_eq(g->sampled, g->run_name))
		return 0;
	if (!str_eq(g->pending, g->run_name))
		r = flush(im, g);
	memcpy(g->pending, g->run_name, sizeof(g->pending));
	memcpy(g->pending_unit, g->unit, sizeof(g->unit));
	g->pending_n = g->repetitions >= 1 && g->repetitions <= 1e9
	    ? g->repetitions
	    : (double)NAN;
	keep(&g->real, g->aggregate_name, g->real_time);
	keep(&g->cpu, g->aggregate_name, g->cpu_time);
	return r;
}

static int iteration_end(struct import *im, struct google_benchmark *g)
{
	const double times[] = {g->real_time, g->cpu_time};
	double ns = 1;
	int r = flush(im, g);

	(void)nanoseconds(g->unit, &ns); /* it was one */
	memcpy(g->sampled, g->run_name, sizeof(g->sampled));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(times); i++) {
		struct import_value v = import_value_of(
		    metrics[i], "ns", BENCH_LOWER, times[i] * ns);

		v.label = g->run_name;
		r = import_value(im, &v);
	}
	return r;
}

/* Before 1.5 only its name says what it is: "BM_copy/64_stddev". */
static void old_names(struct google_benchmark *g)
{
	static const char *const ends[] = {
	    "_mean", "_median", "_stddev", "_BigO", "_RMS"};
	size_t len = strlen(g->name);

	memcpy(g->run_name, g->name, sizeof(g->run_name));
	for (size_t i = 0; !g->run_type[0] && i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len <= n || !str_eq(g->name + len - n, ends[i]))
			continue;
		g->run_name[len - n] = '\0';
		memcpy(g->run_type, "aggregate", sizeof("aggregate"));
		(void)stpcpy(g->aggregate_name, ends[i] + 1);
		g->repetitions = NAN;
	}
}

static int benchmark_end(struct import *im, struct google_benchmark *g)
{
	double ns;

	g->n_benchmarks++;
	if (!g->name[0])
		return import_refuse(im, 0, "a benchmark without its name");
	if (!g->run_name[0])
		old_names(g);
	if (g->failed || g->skipped) {
		scoped(free) char *why = xasprintf("it %s: %s",
		    g->failed ? "failed" : "was skipped", g->error);

		return import_skip(
		    im, (struct text){g->name, strlen(g->name)}, why);
	}
	if (!nanoseconds(g->unit, &ns))
		return import_refuse(im, 0,
		    "%.100s: time_unit '%s' is none of ns, us, ms, s", g->name,
		    g->unit);
	/* Big-O fits and relative deviations are no times. */
	if (str_eq(g->run_type, "aggregate"))
		return aggregate_end(im, g);
	if (isnan(g->real_time) || isnan(g->cpu_time))
		return import_refuse(
		    im, 0, "%.100s: no real_time or no cpu_time", g->name);
	return iteration_end(im, g);
}

static void text(struct google_benchmark *g, const char *key, struct text t)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} rows[] = {
	    {"name", g->name, sizeof(g->name)},
	    {"run_name", g->run_name, sizeof(g->run_name)},
	    {"run_type", g->run_type, sizeof(g->run_type)},
	    {"aggregate_name", g->aggregate_name, sizeof(g->aggregate_name)},
	    {"time_unit", g->unit, sizeof(g->unit)},
	    {"error_message", g->error, sizeof(g->error)},
	    {"skip_message", g->error, sizeof(g->error)},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(key, rows[i].key))
			text_name(rows[i].to, rows[i].size, t);
}

static void number(struct google_benchmark *g, const char *key, double v)
{
	if (str_eq(key, "real_time"))
		g->real_time = v;
	else if (str_eq(key, "cpu_time"))
		g->cpu_time = v;
	else if (str_eq(key, "repetitions"))
		g->repetitions = v;
}

static int node(struct import *im, void *state, const struct node *n)
{
	struct google_benchmark *g = state;
	const char *key = node_below(n, "benchmarks/#/");

	if (node_is(n, NODE_BEGIN, "benchmarks/#"))
		benchmark_begin(g);
	else if (node_is(n, NODE_END, "benchmarks/#"))
		return benchmark_end(im, g);
	else if (key && n->kind == NODE_TEXT)
		text(g, key, (struct text){n->text, n->len});
	else if (key && n->kind == NODE_NUMBER)
		number(g, key, n->number);
	else if (key && n->kind == NODE_BOOL && str_eq(key, "error_occurred"))
		g->failed = n->number > 0;
	else if (key && n->kind == NODE_BOOL && str_eq(key, "skipped"))
		g->skipped = n->number > 0;
	else if (node_is(n, NODE_TEXT, "context/host_name"))
		return import_meta(
		    im, "machine", (struct text){n->text, n->len});
	else if (node_is(n, NODE_TEXT, "context/date"))
		return import_meta(im, "date", (struct text){n->text, n->len});
	return 0;
}

static void begin(struct import *im, void *state)
{
	struct google_benchmark *g = state;

	(void)im; /* nothing of it is needed */
	g->real = g->cpu = (struct aggregate){NAN, NAN, NAN};
}

static int end(struct import *im, void *state)
{
	struct google_benchmark *g = state;
	int r;

	if (!g->n_benchmarks)
		return import_refuse(
		    im, 0, "Google Benchmark wrote no benchmarks");
	r = flush(im, g);
	return r < 0
	    ? r
	    : import_meta(im, "tool", (struct text){"Google Benchmark", 16});
}

const struct importer import_google_benchmark = {
    .name = "google-benchmark",
    .title = "Google Benchmark JSON",
    .shape = IMPORT_JSON,
    .state_size = sizeof(struct google_benchmark),
    .recognise = recognise,
    .begin = begin,
    .node = node,
    .end = end,
};
