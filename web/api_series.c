/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which series there are, and the history of one: see doc/api.md. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/str.h"
#include "bench/bench.h"
#include "db/db.h"
#include "web/metric.h"
#include "web/routes.h"
#include "web/series.h"

#define LIST_DEFAULT 100

static const char *query_text(const struct request *rq, int i)
{
	const struct query_value *v = &rq->query.values[i];

	return v->set ? v->text : NULL;
}

static void render_series(struct jw *w, const struct db_series *s)
{
	jw_int(w, "id", s->id);
	jw_str(w, "metric", s->metric);
	jw_str(w, "unit", s->unit);
	jw_str(w, "machine", s->machine);
	jw_str(w, "variant", s->variant);
	jw_str(w, "guest", s->guest);
	jw_str(w, "controller", s->controller);
}

/* ---- the list ----------------------------------------------------------- */

const struct query_param series_query[] = {
    [SERIES_METRIC] = {"metric", QUERY_TEXT, 0, 0, "only of this metric"},
    [SERIES_MACHINE] = {"machine", QUERY_TEXT, 0, 0,
        "of this machine, by any of its names"},
    [SERIES_VARIANT] = {"variant", QUERY_TEXT, 0, 0, "of this variant"},
    [SERIES_GUEST] = {"guest", QUERY_TEXT, 0, 0, "of this guest"},
    [SERIES_CONTROLLER] = {"controller", QUERY_TEXT, 0, 0,
        "of this controller"},
    [SERIES_BRANCH] = {"branch", QUERY_TEXT, 0, 0,
        "of runs of this PROJECT/NAME, or imported"},
    [SERIES_FIND] = {"find", QUERY_TEXT, 0, 0,
        "with each of these words in its metric, machine, variant, guest or "
        "controller"},
    [SERIES_AFTER] = {"after", QUERY_INT, 0, INT64_MAX,
        "ids above it: next of the page before"},
    [SERIES_LIMIT] = {"limit", QUERY_INT, 1, DB_SERIES_MAX,
        "series, 100 if absent"},
    [SERIES_PLACEBOS] = {"placebos", QUERY_INT, 0, 1,
        "1: with those that measure a variant against itself"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static bool on_series(
    void *arg, const struct db_series *s, const struct db_series_branch *b)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	render_series(w, s);
	jw_str(w, "branch", b->branch);
	jw_int(w, "points", b->points);
	jw_int(w, "last_at_ms", b->last_at_ms);
	jw_object_end(w);
	return !w->to->failed;
}

static int list(struct request *rq, struct jw *w, struct err *err)
{
	const struct query_value *v = rq->query.values;
	struct db_series_query q = {query_text(rq, SERIES_METRIC),
	    query_text(rq, SERIES_MACHINE), query_text(rq, SERIES_VARIANT),
	    query_text(rq, SERIES_GUEST), query_text(rq, SERIES_CONTROLLER),
	    query_text(rq, SERIES_BRANCH), query_text(rq, SERIES_FIND),
	    v[SERIES_AFTER].number,
	    v[SERIES_LIMIT].set ? (int)v[SERIES_LIMIT].number : LIST_DEFAULT,
	    v[SERIES_PLACEBOS].number == 1};
	struct db_reader *reader;
	int64_t next = 0;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	jw_array(w, "series");
	if (r == 0)
		r = db_series_list(reader, &q, on_series, w, &next, err);
	jw_array_end(w);
	if (next)
		jw_int(w, "next", next);
	else
		jw_null(w, "next");
	jw_object_end(w);
	return r;
}

enum MHD_Result api_series_list(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;

	if (list(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}

/* ---- the history of one ------------------------------------------------- */

const struct query_param history_query[] = {
    [HISTORY_BRANCH] = {"branch", QUERY_TEXT, 0, 0,
        "of runs of this PROJECT/NAME; absent: the one with most points"},
    [HISTORY_SINCE] = {"since", QUERY_INT, 0, INT64_MAX,
        "points from this time on (Unix milliseconds)"},
    [HISTORY_LIMIT] = {"limit", QUERY_INT, 1, SERIES_POINTS_MAX,
        "the newest points, 2000 if absent"},
    [HISTORY_DETECTOR] = {"detector", QUERY_TEXT, 0, 0,
        "maxt (ours, if absent) or otava"},
    [HISTORY_ALPHA] = {"alpha", QUERY_TEXT, 0, 0,
        "of maxt: 0.0001 to 0.05; 0.01 if absent"},
    [HISTORY_VALUES] = {"values", QUERY_INT, 0, 1,
        "1: each point with its single values"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static int read_options(
    struct request *rq, struct bench_history_options *ret, struct err *err)
{
	const char *detector = query_text(rq, HISTORY_DETECTOR);
	const char *alpha = query_text(rq, HISTORY_ALPHA);
	char *end;

	*ret =
	    (struct bench_history_options){.changes = BENCH_CHANGES_DEFAULTS};
	if (detector && str_eq(detector, "otava"))
		ret->changes.detector = BENCH_OTAVA;
	else if (detector && !str_eq(detector, "maxt"))
		return err_set(err, ERR_INVAL,
		    "detector: %.40s is none; must be maxt or otava", detector);
	if (!alpha)
		return 0;
	ret->changes.alpha = strtod(alpha, &end);
	if (*end || end == alpha ||
	    !(ret->changes.alpha >= BENCH_ALPHA_LEAST &&
	        ret->changes.alpha <= BENCH_ALPHA_MOST))
		return err_set(err, ERR_INVAL,
		    "alpha: %.40s; must be a number from %g to %g", alpha,
		    BENCH_ALPHA_LEAST, BENCH_ALPHA_MOST);
	return 0;
}

struct history_of {
	struct jw *w;
	struct db_reader *reader;
	struct metric_facts metric;
	int r;
	struct err *err;
};

static void on_history_series(void *arg, const struct db_series *s)
{
	struct history_of *h = arg;

	h->r = metric_facts(h->reader, s->metric, s->unit, &h->metric, h->err);
	h->metric.title = NULL; /* it is borrowed */
	render_series(h->w, s);
	metric_render(h->w, &h->metric);
}

static int history(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	const struct query_value *v = rq->query.values;
	scoped(series_points_free) struct series_points *points = NULL;
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct bench_history_options opts = {0};
	struct history_of of = {.w = w, .err = err};
	struct db_reader *reader;
	int r = read_options(rq, &opts, err);

	if (r == 0)
		r = request_reader(rq, &reader, err);
	of.reader = r == 0 ? reader : NULL;
	jw_object(w, NULL);
	if (r == 0)
		r = db_series_get(reader, id, on_history_series, &of, err);
	if (r == 0)
		r = of.r;
	if (r == 0)
		r = series_points_read(reader,
		    &(struct series_want){
		        .id = id,
		        .branch = query_text(rq, HISTORY_BRANCH),
		        .since_ms = v[HISTORY_SINCE].number,
		        .most = v[HISTORY_LIMIT].set ? v[HISTORY_LIMIT].number
		                                     : SERIES_POINTS_DEFAULT,
		        .values = v[HISTORY_VALUES].number == 1,
		    },
		    &points, err);
	if (r < 0)
		return r;
	/* Without a direction the levels are known, and no verdict is. */
	opts.direction =
	    of.metric.direction ? of.metric.direction : BENCH_HIGHER;
	opts.margin = of.metric.margin;
	r = bench_history(points->points, points->n, &opts, &h, err);
	if (r == 0)
		series_render(w, points, h, &opts, of.metric.direction != 0);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_history(struct request *rq)
{
	return answer_of_id(rq, history);
}
