/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A history as JSON. */
#include <math.h>

#include "web/metric.h"
#include "web/series.h"

static void render_point(struct jw *w, const struct bench_point *p,
    const struct series_detail *d, bool values)
{
	jw_object(w, NULL);
	if (d->import_id) {
		jw_int(w, "import", d->import_id);
	} else {
		jw_int(w, "run", p->run_id);
		jw_int(w, "job", d->job);
		jw_int(w, "attempt", d->attempt);
		jw_str(w, "commit", *p->commit ? p->commit : NULL);
	}
	jw_int(w, "at_ms", p->at_ms);
	jw_double(w, "value", p->value);
	if (values) {
		jw_array(w, "values");
		for (size_t i = 0; i < d->n; i++)
			jw_double(w, NULL, d->values[i]);
		jw_array_end(w);
	}
	jw_int(w, "left_out", (int64_t)d->n_left_out);
	jw_str(w, "why", d->why);
	jw_bool(w, "valid", p->valid);
	jw_object_end(w);
}

static void render_segments(struct jw *w, const struct bench_history *h)
{
	jw_array(w, "segments");
	for (size_t i = 0; i < h->n_segments; i++) {
		const struct bench_segment *s = &h->segments[i];

		jw_object(w, NULL);
		jw_int(w, "begin", (int64_t)s->begin);
		jw_int(w, "end", (int64_t)s->end);
		jw_int(w, "n", (int64_t)s->n);
		jw_double(w, "mean", s->mean);
		jw_double(w, "sd", s->sd);
		jw_bool(w, "environment", s->environment);
		jw_object_end(w);
	}
	jw_array_end(w);
}

void series_render_change(
    struct jw *w, const struct bench_history_change *c, bool verdicts)
{
	jw_int(w, "index", (int64_t)c->index);
	jw_int(w, "first", (int64_t)c->first);
	jw_int(w, "last", (int64_t)c->last);
	jw_double(w, "p", c->p);
	jw_double(w, "before", c->before);
	jw_double(w, "after", c->after);
	if (verdicts) {
		metric_estimate(w, &c->ratio);
		jw_str(w, "verdict", bench_verdict_name(c->verdict));
	} else {
		jw_null(w, "ratio");
		jw_null(w, "interval");
		jw_null(w, "verdict");
	}
	jw_str(w, "commit_before", *c->commit_before ? c->commit_before : NULL);
	jw_str(w, "commit_after", *c->commit_after ? c->commit_after : NULL);
}

static void render_environments(struct jw *w, const struct bench_history *h)
{
	jw_array(w, "environments");
	for (size_t i = 0; i < h->n_environments; i++) {
		const struct bench_environment_change *e = &h->environments[i];

		jw_object(w, NULL);
		jw_int(w, "index", (int64_t)e->index);
		jw_str(w, "key", e->key);
		jw_str(w, "before", e->before);
		jw_str(w, "after", e->after);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void render_spikes(struct jw *w, const struct bench_history *h)
{
	jw_array(w, "spikes");
	for (size_t i = 0; i < h->n_spikes; i++)
		jw_int(w, NULL, (int64_t)h->spikes[i]);
	jw_array_end(w);
	if (h->suspect == BENCH_NO_SUSPECT)
		jw_null(w, "suspect");
	else
		jw_int(w, "suspect", (int64_t)h->suspect);
}

static void render_head(struct jw *w, const struct series_points *p,
    const struct bench_history_options *opts)
{
	bool maxt = opts->changes.detector == BENCH_MAXT;

	jw_str(w, "branch", p->branch);
	jw_array(w, "branches");
	for (size_t i = 0; i < p->n_branches; i++) {
		jw_object(w, NULL);
		jw_str(w, "name", p->branches[i].name);
		jw_int(w, "points", (int64_t)p->branches[i].points);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_str(w, "detector", maxt ? "maxt" : "otava");
	jw_double(w, "alpha", maxt ? opts->changes.alpha : (double)NAN);
	jw_bool(w, "older", p->older);
}

void series_render(struct jw *w, const struct series_points *p,
    const struct bench_history *h, const struct bench_history_options *opts,
    bool verdicts)
{
	render_head(w, p, opts);
	jw_array(w, "points");
	for (size_t i = 0; i < p->n; i++)
		render_point(w, &p->points[i], &p->details[i], p->values);
	jw_array_end(w);
	render_segments(w, h);
	jw_array(w, "changes");
	for (size_t i = 0; i < h->n_changes; i++) {
		jw_object(w, NULL);
		series_render_change(w, &h->changes[i], verdicts);
		jw_object_end(w);
	}
	jw_array_end(w);
	render_environments(w, h);
	render_spikes(w, h);
}
