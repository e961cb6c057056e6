/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The points of a series: all are read, those of one branch stay. */
#include "web/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "web/metric.h"

#define NAMES_BYTES 400 /* of branches in a message */

void series_points_free(struct series_points *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->details[i].values);
	for (size_t i = 0; i < p->n_branches; i++)
		free(p->branches[i].name);
	for (size_t i = 0; i < p->n_texts; i++)
		free(p->texts[i]);
	free(p->points);
	free(p->details);
	free(p->branches);
	free(p->texts);
	free(p);
}

/* ---- reading ------------------------------------------------------------ */

struct reading {
	struct series_points *p;
	size_t *branches; /* of each point: which */
	int64_t since_ms;
	size_t n_seen;
	const char
	    *environment; /* of the point before, as the database has it */
	const char *copy; /* ours */
};

static const char *keep(struct series_points *p, const char *text)
{
	p->texts = xrealloc(p->texts, p->n_texts + 1, sizeof(p->texts[0]));
	p->texts[p->n_texts++] = xstrdup(text);
	return p->texts[p->n_texts - 1];
}

static size_t branch_of(struct series_points *p, const char *name)
{
	for (size_t i = 0; i < p->n_branches; i++)
		if (str_eq(p->branches[i].name, name))
			return i;
	p->branches =
	    xrealloc(p->branches, p->n_branches + 1, sizeof(p->branches[0]));
	p->branches[p->n_branches] = (struct series_branch){xstrdup(name), 0};
	return p->n_branches++;
}

static double mean_of(const double *values, size_t n)
{
	struct bench_moments m = {0};

	for (size_t i = 0; i < n; i++)
		bench_moments_add(&m, values[i]);
	return n ? m.mean : (double)NAN;
}

static bool on_point(void *arg, const struct db_point *from)
{
	struct reading *rd = arg;
	struct series_points *p = rd->p;
	struct series_detail *d;
	size_t branch;

	rd->n_seen++;
	if (from->at_ms < rd->since_ms)
		return true;
	branch = branch_of(p, from->branch);
	if (!rd->copy || rd->environment != from->environment)
		rd->copy = keep(p, from->environment);
	rd->environment = from->environment;
	p->points = xrealloc(p->points, p->n + 1, sizeof(p->points[0]));
	p->details = xrealloc(p->details, p->n + 1, sizeof(p->details[0]));
	rd->branches =
	    xrealloc(rd->branches, p->n + 1, sizeof(rd->branches[0]));
	d = &p->details[p->n];
	*d = (struct series_detail){.job = from->job_id,
	    .attempt = from->attempt_id,
	    .values = xcalloc(from->n_values, sizeof(double))};
	d->n =
	    metric_valid(from->values, from->n_values, from->marks, d->values);
	d->n_left_out = from->n_values - d->n;
	p->points[p->n] = (struct bench_point){mean_of(d->values, d->n),
	    from->run_id, from->commit ? keep(p, from->commit) : "",
	    from->at_ms, rd->copy, d->n > 0};
	rd->branches[p->n++] = branch;
	p->branches[branch].points++;
	return true;
}

/* The points of the other branches go. */
static void keep_branch(struct reading *rd, size_t branch)
{
	struct series_points *p = rd->p;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (rd->branches[i] != branch) {
			free(p->details[i].values);
			continue;
		}
		p->points[n] = p->points[i];
		p->details[n++] = p->details[i];
	}
	p->n = n;
	p->branch = p->branches[branch].name;
}

static int no_branch(const struct series_points *p, int64_t id,
    const char *branch, struct err *err)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(NAMES_BYTES);

	for (size_t i = 0; i < p->n_branches && !names.failed; i++)
		buf_printf(&names, "%s%s",
		    i ? ", " : "; there are: ", p->branches[i].name);
	return err_set(err, ERR_NOTFOUND,
	    "series %" PRId64 " has no points of branch %.100s%s", id, branch,
	    names.failed ? "" : buf_str(&names));
}

static int choose_branch(
    struct reading *rd, int64_t id, const char *branch, struct err *err)
{
	struct series_points *p = rd->p;
	size_t best = 0;

	for (size_t i = 0; i < p->n_branches; i++) {
		if (branch && str_eq(p->branches[i].name, branch)) {
			keep_branch(rd, i);
			return 0;
		}
		if (p->branches[i].points > p->branches[best].points)
			best = i;
	}
	if (branch)
		return no_branch(p, id, branch, err);
	if (p->n_branches)
		keep_branch(rd, best);
	return 0;
}

int series_points_read(struct db_reader *reader, int64_t id, const char *branch,
    int64_t since_ms, int64_t most, struct series_points **ret, struct err *err)
{
	scoped(series_points_free) struct series_points *p =
	    xcalloc(1, sizeof(*p));
	struct reading rd = {.p = p, .since_ms = since_ms};
	int r;

	p->branch = "";
	r = db_series_points(reader, id, most, on_point, &rd, err);
	p->older = (int64_t)rd.n_seen == most;
	if (r == 0)
		r = choose_branch(&rd, id, branch, err);
	free(rd.branches);
	if (r == 0)
		*ret = take(p);
	return r;
}

/* ---- rendering ---------------------------------------------------------- */

static void render_point(
    struct jw *w, const struct bench_point *p, const struct series_detail *d)
{
	jw_object(w, NULL);
	jw_int(w, "run", p->run_id);
	jw_int(w, "job", d->job);
	jw_int(w, "attempt", d->attempt);
	jw_str(w, "commit", *p->commit ? p->commit : NULL);
	jw_int(w, "at_ms", p->at_ms);
	jw_double(w, "value", p->value);
	jw_array(w, "values");
	for (size_t i = 0; i < d->n; i++)
		jw_double(w, NULL, d->values[i]);
	jw_array_end(w);
	jw_int(w, "left_out", (int64_t)d->n_left_out);
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

static void render_change(
    struct jw *w, const struct bench_history_change *c, bool verdicts)
{
	jw_object(w, NULL);
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
	jw_object_end(w);
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
		render_point(w, &p->points[i], &p->details[i]);
	jw_array_end(w);
	render_segments(w, h);
	jw_array(w, "changes");
	for (size_t i = 0; i < h->n_changes; i++)
		render_change(w, &h->changes[i], verdicts);
	jw_array_end(w);
	render_environments(w, h);
	render_spikes(w, h);
}
