/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The noise of a machine: what it finds between equals, by metric, guest and
 * controller.
 */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/metric.h"
#include "web/routes.h"

const struct query_param noise_query[] = {
    [NOISE_PAIRS] = {"pairs", QUERY_INT, 2, BENCH_PLAN_MOST,
        "of a comparison; absent: as many as a session of placebos has"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

/* The sessions of one place, until another one begins. */
struct noise {
	struct jw *w;
	size_t for_pairs; /* 0: as they have */
	char *metric;     /* NULL: none has begun */
	char *unit;
	char *guest;
	char *controller;
	char *variant;
	struct bench_moments *sessions;
	size_t n;
};

static void place_done(struct noise *n)
{
	free(n->metric);
	free(n->unit);
	free(n->guest);
	free(n->controller);
	free(n->variant);
	n->metric = n->unit = n->guest = n->controller = n->variant = NULL;
	n->n = 0;
}

static void noise_done(struct noise *n)
{
	place_done(n);
	free(n->sessions);
}

static void floor_render(struct jw *w, const struct bench_noise_floor *f)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1024);

	bench_noise_text(f, &text);
	jw_int(w, "sessions", (int64_t)f->sessions);
	jw_int(w, "pairs", (int64_t)f->pairs);
	metric_estimate(w, &f->ratio);
	jw_double(w, "sd", f->sd);
	jw_int(w, "for_pairs", (int64_t)f->for_pairs);
	jw_double(w, "half_width", f->half_width);
	jw_int(w, "alarms", (int64_t)f->alarms);
	jw_double(w, "alarm_rate", f->alarm_rate);
	jw_array(w, "alarm_interval");
	jw_double(w, NULL, f->alarm_lo);
	jw_double(w, NULL, f->alarm_hi);
	jw_array_end(w);
	jw_bool(w, "too_often", f->too_often);
	jw_str(w, "text", buf_str(&text));
}

static void place_end(struct noise *n)
{
	struct bench_noise_floor f;

	if (!n->metric)
		return;
	bench_noise_floor(n->sessions, n->n, n->for_pairs, &f);
	/* A session of one pair says nothing. */
	if (f.sessions) {
		jw_object(n->w, NULL);
		jw_str(n->w, "metric", n->metric);
		jw_str(n->w, "unit", n->unit);
		jw_str(n->w, "guest", n->guest);
		jw_str(n->w, "controller", n->controller);
		jw_str(n->w, "variant", n->variant);
		floor_render(n->w, &f);
		jw_object_end(n->w);
	}
	place_done(n);
}

static bool is_of(const struct noise *n, const struct db_noise *row)
{
	return str_eq(n->metric, row->metric) && str_eq(n->unit, row->unit) &&
	    str_eq(n->guest, row->guest) &&
	    str_eq(n->controller, row->controller) &&
	    str_eq(n->variant, row->variant);
}

static bool on_session(void *arg, const struct db_noise *row)
{
	struct noise *n = arg;

	if (!is_of(n, row)) {
		place_end(n);
		n->metric = xstrdup(row->metric);
		n->unit = xstrdup(row->unit);
		n->guest = xstrdup(row->guest);
		n->controller = xstrdup(row->controller);
		n->variant = xstrdup(row->variant);
	}
	n->sessions = xrealloc(n->sessions, n->n + 1, sizeof(n->sessions[0]));
	n->sessions[n->n++] = row->session;
	return !n->w->to->failed;
}

static int noise_render(struct request *rq, struct jw *w, struct err *err)
{
	const struct query_value *pairs = &rq->query.values[NOISE_PAIRS];
	scoped_val(noise_done) struct noise n = {
	    .w = w, .for_pairs = pairs->set ? (size_t)pairs->number : 0};
	struct db_reader *reader;
	int64_t id = 0;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = db_machine_get(reader, rq->args.text[0], &id, err);
	if (r < 0)
		return r;
	jw_object(w, NULL);
	jw_str(w, "machine", rq->args.text[0]);
	jw_array(w, "noise");
	r = db_noise(reader, id, on_session, &n, err);
	place_end(&n);
	jw_array_end(w);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_noise(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;

	if (noise_render(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}
