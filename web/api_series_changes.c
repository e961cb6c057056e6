/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed lately, over all series: see doc/api.md. */
#include <stdlib.h>

#include "base/str.h"
#include "bench/bench.h"
#include "db/db.h"
#include "web/metric.h"
#include "web/routes.h"
#include "web/series.h"
#include "web/series_changes.h"

#define LIST_DEFAULT 50
#define LIST_MAX 500

const struct query_param lately_query[] = {
    [LATELY_METRIC] = {"metric", QUERY_TEXT, 0, 0, "only of this metric"},
    [LATELY_MACHINE] = {"machine", QUERY_TEXT, 0, 0, "of this machine"},
    [LATELY_BRANCH] = {"branch", QUERY_TEXT, 0, 0,
        "of runs of this PROJECT/NAME"},
    [LATELY_SINCE] = {"since", QUERY_INT, 0, INT64_MAX,
        "changes from this time on (Unix milliseconds)"},
    [LATELY_LIMIT] = {"limit", QUERY_INT, 1, LIST_MAX, "changes, 50 if absent"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static const char *query_text(const struct request *rq, int i)
{
	const struct query_value *v = &rq->query.values[i];

	return v->set ? v->text : NULL;
}

/* ---- one branch of a series --------------------------------------------- */

/* The names of a series, and the history of one of its branches. */
struct shown {
	int64_t series_id; /* as the change has it */
	int64_t branch_id;
	bool wanted; /* the query wants this series; only then the rest is */
	int64_t id;  /* as readers call it */
	char *metric;
	char *unit;
	char *machine;
	char *variant;
	char *guest;
	char *controller;
	char *branch;
	struct metric_facts facts;
	struct series_points *points;
	struct bench_history *history;
};
struct shown_all {
	struct shown *v;
	size_t n;
};

static void shown_done(struct shown_all *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].metric);
		free(a->v[i].unit);
		free(a->v[i].machine);
		free(a->v[i].variant);
		free(a->v[i].guest);
		free(a->v[i].controller);
		free(a->v[i].branch);
		series_points_free(a->v[i].points);
		bench_history_free(a->v[i].history);
	}
	free(a->v);
}

static void on_series(void *arg, const struct db_series *s)
{
	struct shown *to = arg;

	to->id = s->id;
	to->metric = xstrdup(s->metric);
	to->unit = xstrdup(s->unit);
	to->machine = xstrdup(s->machine);
	to->variant = xstrdup(s->variant);
	to->guest = xstrdup(s->guest);
	to->controller = xstrdup(s->controller);
}

static bool fits(const struct request *rq, int i, const char *text)
{
	const char *want = query_text(rq, i);

	return !want || str_eq(want, text);
}

static int read_history(
    struct db_reader *reader, struct shown *s, struct err *err)
{
	struct bench_history_options opts = {
	    .changes = BENCH_CHANGES_DEFAULTS,
	    .direction = s->facts.direction ? s->facts.direction : BENCH_HIGHER,
	    .margin = s->facts.margin,
	};
	int r = series_points_read(reader,
	    &(struct series_want){.id = s->series_id,
	        .branch = s->branch,
	        .most = SERIES_POINTS_MAX},
	    &s->points, err);

	return r < 0 ? r
	             : bench_history(s->points->points, s->points->n, &opts,
	                   &s->history, err);
}

static int look(const struct request *rq, struct db_reader *reader,
    struct shown *s, struct err *err)
{
	int r = db_series_get(reader, s->series_id, on_series, s, err);

	if (r == 0)
		r = db_branch_get(reader, s->branch_id, &s->branch, err);
	if (r == 0)
		r = metric_facts(reader, s->metric, s->unit, &s->facts, err);
	if (r < 0)
		return r;
	s->wanted = fits(rq, LATELY_METRIC, s->metric) &&
	    fits(rq, LATELY_MACHINE, s->machine) &&
	    fits(rq, LATELY_BRANCH, s->branch);
	return s->wanted ? read_history(reader, s, err) : 0;
}

/* *ret is borrowed until the next call. */
static int shown_of(const struct request *rq, struct db_reader *reader,
    struct shown_all *a, const struct series_change *c,
    const struct shown **ret, struct err *err)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].series_id == c->series_id &&
		    a->v[i].branch_id == c->branch_id) {
			*ret = &a->v[i];
			return 0;
		}
	a->v = xrealloc(a->v, a->n + 1, sizeof(a->v[0]));
	a->v[a->n++] = (struct shown){
	    .series_id = c->series_id, .branch_id = c->branch_id};
	*ret = &a->v[a->n - 1];
	return look(rq, reader, &a->v[a->n - 1], err);
}

/* ---- rows --------------------------------------------------------------- */

/* NULL: with imported values, or with what came meanwhile, it is none. */
static const struct bench_history_change *change_of(
    const struct shown *s, int64_t attempt_id)
{
	for (size_t i = 0; i < s->history->n_changes; i++) {
		const struct bench_history_change *c = &s->history->changes[i];

		if (s->points->details[c->index].attempt == attempt_id)
			return c;
	}
	return NULL;
}

/* Null of an imported point. */
static void render_run(
    struct jw *w, const char *key, const struct bench_point *p)
{
	if (p->run_id)
		jw_int(w, key, p->run_id);
	else
		jw_null(w, key);
}

static void render(
    struct jw *w, const struct shown *s, const struct bench_history_change *c)
{
	const struct bench_point *p = s->points->points;

	jw_object(w, NULL);
	jw_int(w, "series", s->id);
	jw_str(w, "metric", s->metric);
	jw_str(w, "unit", s->unit);
	jw_str(w, "machine", s->machine);
	jw_str(w, "variant", s->variant);
	jw_str(w, "guest", s->guest);
	jw_str(w, "controller", s->controller);
	metric_render(w, &s->facts);
	jw_str(w, "branch", s->branch);
	jw_int(w, "at_ms", p[c->index].at_ms);
	render_run(w, "run", &p[c->index]);
	render_run(w, "run_before", &p[c->first - 1]);
	render_run(w, "run_after", &p[c->last]);
	series_render_change(w, c, s->facts.direction != 0);
	jw_object_end(w);
}

struct rows {
	int64_t since_ms;
	int64_t limit;
	int64_t n;
	bool more;
};

static int render_rows(struct request *rq, struct db_reader *reader,
    const struct series_changes *found, struct jw *w, struct rows *rows,
    struct err *err)
{
	scoped_val(shown_done) struct shown_all all = {NULL, 0};

	for (size_t i = 0; i < found->n; i++) {
		const struct bench_history_change *c;
		const struct shown *s;
		int r = shown_of(rq, reader, &all, &found->v[i], &s, err);

		if (r < 0)
			return r;
		c = s->wanted ? change_of(s, found->v[i].attempt_id) : NULL;
		if (!c)
			continue;
		if (s->points->points[c->index].at_ms < rows->since_ms)
			return 0;
		if (rows->n == rows->limit) {
			rows->more = true;
			return 0;
		}
		render(w, s, c);
		rows->n++;
	}
	return 0;
}

static int lately(struct request *rq, struct jw *w, struct err *err)
{
	const struct query_value *v = rq->query.values;
	scoped(series_changes_free) struct series_changes *found = NULL;
	struct rows rows = {.since_ms = v[LATELY_SINCE].number,
	    .limit =
	        v[LATELY_LIMIT].set ? v[LATELY_LIMIT].number : LIST_DEFAULT};
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = series_changes_find(rq->web->watch, reader, &found, err);
	if (r < 0)
		return r;
	jw_object(w, NULL);
	jw_array(w, "changes");
	r = render_rows(rq, reader, found, w, &rows, err);
	jw_array_end(w);
	jw_bool(w, "more", rows.more);
	jw_int(w, "histories", (int64_t)found->n_histories);
	jw_int(w, "not_believed", (int64_t)(found->n_found - found->n));
	jw_double(w, "q", SERIES_CHANGES_Q);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_lately(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;

	if (lately(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}
