/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which metrics have been measured, and what their numbers mean. */
#include "web/metric.h"

#include <math.h>

#include "db/db.h"
#include "web/routes.h"

int metric_facts(struct db_reader *reader, const char *metric, const char *unit,
    struct metric_facts *ret, struct err *err)
{
	const struct bench_metric *m = bench_metric_find(metric);
	struct metric_facts f = {.title = metric, .margin = METRIC_MARGIN};
	enum bench_direction direction;
	int r;

	if (m) {
		*ret = (struct metric_facts){
		    m->profile, m->direction, m->margin, false};
		return 0;
	}
	r = db_metric_find(reader, metric, unit, &f.direction, &f.margin, err);
	if (r == 0 && bench_unit_direction(unit, &direction)) {
		f.direction = direction;
		f.by_unit = true;
	}
	if (r >= 0)
		*ret = f;
	return r < 0 ? r : 0;
}

void metric_render(struct jw *w, const struct metric_facts *m)
{
	jw_str(w, "direction",
	    m->direction ? bench_direction_name(m->direction) : NULL);
	jw_bool(w, "direction_by_unit", m->by_unit);
	jw_double(w, "margin", m->margin);
}

void metric_estimate(struct jw *w, const struct bench_estimate *e)
{
	jw_double(w, "ratio", e->overhead);
	if (isnan(e->lo) || isnan(e->hi)) {
		jw_null(w, "interval");
		return;
	}
	jw_array(w, "interval");
	jw_double(w, NULL, e->lo);
	jw_double(w, NULL, e->hi);
	jw_array_end(w);
}

size_t metric_valid(const double *values, size_t n,
    const struct db_sample_mark *marks, double *ret)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++)
		if ((!marks || marks[i].valid) && isfinite(values[i]))
			ret[good++] = values[i];
	return good;
}

struct metrics_list {
	struct jw *w;
	struct db_reader *reader;
	int r;
	struct err *err;
};

static bool on_metric(
    void *arg, const char *metric, const char *unit, int64_t n_series)
{
	struct metrics_list *l = arg;
	struct jw *w = l->w;
	struct metric_facts m;

	l->r = metric_facts(l->reader, metric, unit, &m, l->err);
	if (l->r < 0)
		return false;
	jw_object(w, NULL);
	jw_str(w, "name", metric);
	jw_str(w, "title", m.title);
	jw_str(w, "unit", unit);
	metric_render(w, &m);
	jw_int(w, "series", n_series);
	jw_object_end(w);
	return !w->to->failed;
}

enum MHD_Result api_metrics(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	struct metrics_list list = {.w = &w, .err = &err};
	int r = request_reader(rq, &list.reader, &err);

	jw_object(&w, NULL);
	jw_array(&w, "metrics");
	if (r == 0)
		r = db_series_metrics(list.reader, on_metric, &list, &err);
	if (r == 0)
		r = list.r;
	jw_array_end(&w);
	jw_object_end(&w);
	return r < 0 ? answer_err(rq, &err) : answer_json(rq, &b);
}
