/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the candidate costs, by run: reads and renders, compare.c computes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/compare.h"
#include "web/overhead.h"
#include "web/routes.h"

const struct query_param overhead_query[] = {
    [OVERHEAD_METRIC] = {"metric", QUERY_TEXT, 0, 0,
        "only this metric; absent: all of the run"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

/* ---- the variants of a run ---------------------------------------------- */

void overhead_suite_done(struct overhead_suite *s)
{
	free(s->name);
	free(s->text);
	free(s->why);
	suite_free(s->suite);
	*s = (struct overhead_suite){NULL, NULL, 0, NULL, NULL};
}

/* Copied, if it is another: reading a suite takes longer than a query should.
 */
static bool on_source(void *arg, const struct db_source *source)
{
	struct overhead_suite *s = arg;

	if (s->name && str_eq(s->name, source->suite_name) &&
	    s->len == source->suite_len &&
	    memcmp(s->text, source->suite_text, s->len) == 0)
		return true;
	overhead_suite_done(s);
	s->name = xstrdup(source->suite_name);
	s->len = source->suite_len;
	s->text = xcalloc(s->len + 1, 1);
	if (s->len)
		memcpy(s->text, source->suite_text, s->len);
	return true;
}

int overhead_suite_read(struct db_reader *reader, int64_t run,
    struct overhead_suite *s, struct err *err)
{
	struct err why = ERR_INIT;
	int r = db_run_source(reader, run, on_source, s, err);

	if (r < 0 || s->suite || s->why)
		return r;
	if (!s->len)
		s->why = xstrdup("its suite never came: see its build");
	else if (suite_parse(s->name, s->text, s->len, &s->suite, &why) < 0)
		s->why =
		    xasprintf("the suite cannot be read any more: %s", why.msg);
	return 0;
}

bool overhead_roles(
    const struct suite *s, const char *item, struct compare_roles *ret)
{
	for (size_t i = 0; s && i < s->n_benches; i++) {
		const struct suite_bench *b = &s->benches[i];

		if (!str_eq(b->item.name, item) || b->placebo)
			continue;
		ret->baseline = s->variants[b->baseline].name;
		ret->candidate = s->variants[b->candidate].name;
		return true;
	}
	return false;
}

/* ---- collecting --------------------------------------------------------- */

struct collect {
	struct compare *compare;
	const struct suite *suite;
	const char *metric; /* only this one; NULL: all */
	bool seen;          /* there are values of it */
	int r;
	struct err *err;
};

static bool on_series(void *arg, const struct db_run_sample *s)
{
	struct collect *c = arg;
	struct compare_roles roles;

	if ((c->metric && !str_eq(c->metric, s->metric)) ||
	    !overhead_roles(c->suite, s->item, &roles))
		return true;
	c->seen = true;
	c->r = compare_add(c->compare, s, &roles, c->err);
	return c->r == 0;
}

/* The metric that was asked for, or NULL. Its direction must be known. */
static int metric_wanted(const struct request *rq, const struct compare *c,
    const char **ret, struct err *err)
{
	const struct query_value *v = &rq->query.values[OVERHEAD_METRIC];

	*ret = v->set ? v->text : NULL;
	if (v->set && !compare_metric_find(c, v->text))
		return err_set(err, ERR_INVAL,
		    "metric %.100s: not known, nor is its direction", v->text);
	return 0;
}

static int collect(struct db_reader *reader, int64_t run,
    const struct suite *suite, const char *metric, struct compare *compare,
    struct err *err)
{
	struct collect c = {compare, suite, metric, false, 0, err};
	int r = db_run_samples(reader, run, on_series, &c, err);

	if (r == 0)
		r = c.r;
	if (r == 0 && metric && !c.seen)
		r = err_set(err, ERR_NOTFOUND,
		    "run %" PRId64 ": no benchmark has values of %s", run,
		    metric);
	return r;
}

/* ---- rendering ---------------------------------------------------------- */

static void interval(struct jw *w, double lo, double hi)
{
	if (isnan(lo) || isnan(hi)) {
		jw_null(w, "interval");
		return;
	}
	jw_array(w, "interval");
	jw_double(w, NULL, lo);
	jw_double(w, NULL, hi);
	jw_array_end(w);
}

static void one_cell(struct jw *w, const struct compare_cell *c)
{
	if (!c->present) {
		jw_null(w, NULL);
		return;
	}
	jw_object(w, NULL);
	jw_double(w, "overhead", c->estimate.overhead);
	interval(w, c->estimate.lo, c->estimate.hi);
	jw_int(w, "n", (int64_t)c->n);
	jw_str(w, "method", compare_method_name(c->method));
	jw_double(w, "p", c->estimate.p);
	jw_str(w, "verdict", bench_verdict_name(c->verdict));
	jw_double(w, "baseline_mean", c->baseline_mean);
	jw_double(w, "candidate_mean", c->candidate_mean);
	if (c->printed)
		jw_str(w, "text", c->printed);
	jw_object_end(w);
}

static void rows(struct jw *w, const struct compare_table *t)
{
	jw_array(w, "rows");
	for (size_t y = 0; y < t->n_machines; y++) {
		jw_object(w, NULL);
		jw_str(w, "machine", t->machines[y]);
		if (t->named[y])
			jw_str(w, "named", t->named[y]);
		jw_array(w, "cells");
		for (size_t x = 0; x < t->n_places; x++)
			one_cell(w, &t->cells[y * t->n_places + x]);
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void one_geomean(struct jw *w, const struct compare_geomean *g)
{
	if (!g->column.present) {
		jw_null(w, NULL);
		return;
	}
	jw_object(w, NULL);
	jw_double(w, "overhead", g->column.geomean);
	interval(w, g->column.lo, g->column.hi);
	jw_int(w, "k", (int64_t)g->column.present);
	jw_int(w, "m", (int64_t)g->column.machines);
	jw_double(w, "sd", g->column.sd);
	jw_double(w, "i2", g->column.i2);
	jw_double(w, "between_sd", g->column.between_sd);
	jw_str(w, "verdict", bench_verdict_name(g->verdict));
	jw_object_end(w);
}

static void columns(struct jw *w, const struct compare_table *t)
{
	jw_array(w, "columns");
	for (size_t x = 0; x < t->n_places; x++) {
		jw_object(w, NULL);
		jw_str(w, "guest", t->places[x].guest);
		jw_str(w, "controller", t->places[x].controller);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void one_table(struct jw *w, const struct compare_table *t)
{
	scoped_val(buf_done) struct buf definition = BUF_INIT(1024);

	compare_definition(t, &definition);
	jw_object(w, NULL);
	jw_str(w, "metric", t->metric->name);
	jw_str(w, "unit", t->metric->unit);
	jw_str(w, "direction", bench_direction_name(t->metric->direction));
	jw_double(w, "margin", t->metric->margin);
	jw_str(w, "definition", buf_str(&definition));
	jw_str(w, "baseline", t->baseline);
	jw_str(w, "candidate", t->candidate);
	columns(w, t);
	rows(w, t);
	jw_array(w, "geomean");
	for (size_t x = 0; x < t->n_places; x++)
		one_geomean(w, &t->geomeans[x]);
	jw_array_end(w);
	jw_object_end(w);
}

static void tables(struct jw *w, const struct compare *c)
{
	const struct compare_table *t;
	size_t n;

	t = compare_tables(c, &n);
	jw_array(w, "tables");
	for (size_t i = 0; i < n; i++)
		one_table(w, &t[i]);
	jw_array_end(w);
}

static void notes(struct jw *w, const struct compare *c)
{
	const char *const *text;
	size_t n;

	text = compare_notes(c, &n);
	jw_array(w, "notes");
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, text[i]);
	jw_array_end(w);
}

void overhead_render(struct jw *w, int64_t run, const struct compare *compare)
{
	jw_object(w, NULL);
	if (run)
		jw_int(w, "run", run);
	else
		jw_null(w, "run");
	jw_str(w, "definition", BENCH_OVERHEAD_TEXT);
	tables(w, compare);
	notes(w, compare);
	jw_object_end(w);
}

static int overhead(
    struct request *rq, int64_t run, struct jw *w, struct err *err)
{
	scoped_val(overhead_suite_done) struct overhead_suite suite = {0};
	scoped(compare_free) struct compare *compare = compare_new();
	struct db_reader *reader;
	const char *metric;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = compare_declare(compare, reader, err);
	if (r == 0)
		r = metric_wanted(rq, compare, &metric, err);
	if (r == 0)
		r = overhead_suite_read(reader, run, &suite, err);
	if (r == 0 && suite.why)
		compare_note(compare, xstrdup(suite.why));
	if (r == 0)
		r = collect(reader, run, suite.suite, metric, compare, err);
	if (r < 0)
		return r;
	compare_finish(compare);
	overhead_render(w, run, compare);
	return 0;
}

enum MHD_Result api_overhead(struct request *rq)
{
	return answer_of_id(rq, overhead);
}
