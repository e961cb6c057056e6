/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job with all that is known of it, and why it waits. */
#include <string.h>

#include "bench/bench.h"
#include "web/render.h"
#include "web/routes.h"

static bool on_job(void *arg, const struct db_job *job)
{
	struct jw *w = arg;

	jw_int(w, "id", job->id);
	jw_int(w, "run", job->run_id);
	jw_str(w, "item", job->item);
	jw_str(w, "platform", job->platform);
	jw_str(w, "state", job_state_name(job->state));
	render_verdict(w, &job->verdict);
	jw_str(w, "sign", job_sign(job->state, &job->verdict));
	jw_int(w, "took_ms", job->took_ms);
	return true;
}

/* ---- attempts ----------------------------------------------------------- */

struct attempts {
	struct jw *w;
	const char *dir;
};

static void attempt_log(struct jw *w, const char *dir, int64_t attempt_id)
{
	struct db_log_info info;

	/* A log that cannot be read is no reason to show nothing else. */
	if (db_log_stat(dir, attempt_id, &info, NULL) < 0) {
		jw_null(w, "log");
		return;
	}
	jw_object(w, "log");
	jw_int(w, "size", info.size);
	jw_bool(w, "open", info.open);
	jw_int(w, "gap_from", info.gap_from);
	jw_int(w, "gap_to", info.gap_to);
	jw_object_end(w);
}

static bool on_attempt(void *arg, const struct db_attempt *a)
{
	struct attempts *list = arg;
	struct jw *w = list->w;

	jw_object(w, NULL);
	jw_int(w, "id", a->id);
	jw_int(w, "no", a->no);
	jw_str(w, "machine", a->machine);
	jw_int(w, "started_at_ms", a->started_at_ms);
	jw_int(w, "took_ms", a->took_ms);
	jw_str(w, "outcome", outcome_name(a->verdict.outcome));
	jw_str(w, "layer", layer_name(a->verdict.layer));
	jw_str(w, "evidence", a->evidence);
	attempt_log(w, list->dir, a->id);
	jw_object_end(w);
	return true;
}

/* ---- events ------------------------------------------------------------- */

/* Names of machines by id: events have ids only. */
struct machines {
	struct machine_name {
		int64_t id;
		char *name;
	} * list;
	size_t n;
};

struct events_list {
	struct jw *w;
	struct machines machines;
};

static bool on_machine_name(void *arg, const struct db_attempt *a)
{
	struct machines *m = arg;

	m->list = xrealloc(m->list, m->n + 1, sizeof(m->list[0]));
	m->list[m->n].id = a->machine_id;
	m->list[m->n++].name = xstrdup(a->machine);
	return true;
}

static const char *machine_name(const struct machines *m, int64_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].id == id)
			return m->list[i].name;
	return NULL;
}

static void machines_done(struct machines *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].name);
	free(m->list);
}

static bool on_event(void *arg, const struct job_event *ev)
{
	struct events_list *list = arg;
	struct jw *w = list->w;
	bool judged = ev->verdict.outcome != OUTCOME_NONE;

	jw_object(w, NULL);
	jw_int(w, "seq", ev->seq);
	jw_int(w, "at_ms", ev->at_ms);
	jw_str(w, "event", job_event_name(ev->type));
	jw_str(w, "text", ev->text);
	if (ev->attempt_id)
		jw_int(w, "attempt", ev->attempt_id);
	else
		jw_null(w, "attempt");
	jw_str(w, "machine", machine_name(&list->machines, ev->machine_id));
	jw_str(w, "outcome", judged ? outcome_name(ev->verdict.outcome) : NULL);
	jw_str(w, "layer", judged ? layer_name(ev->verdict.layer) : NULL);
	jw_object_end(w);
	return true;
}

static int events_render(
    struct db_reader *reader, int64_t id, struct jw *w, struct err *err)
{
	struct events_list list = {.w = w};
	int r = db_attempts(reader, id, on_machine_name, &list.machines, err);

	jw_array(w, "events");
	if (r == 0)
		r = db_events(reader, id, on_event, &list, err);
	jw_array_end(w);
	machines_done(&list.machines);
	return r;
}

/* ---- why it ended as it did --------------------------------------------- */

struct ending {
	enum job_state state;
	struct verdict verdict;
	int attempts;
	char *text; /* what decided it, one line; NULL: nobody said */
};

static void ending_done(struct ending *e)
{
	free(e->text);
}

static bool ending_of_job(void *arg, const struct db_job *job)
{
	struct ending *e = arg;

	e->state = job->state;
	e->verdict = job->verdict;
	e->attempts = job->attempts;
	return true;
}

static void ending_says(struct ending *e, const char *text)
{
	free(e->text);
	e->text = text ? xstrdup(text) : NULL;
}

/* The last attempt is the one that counts. */
static bool ending_of_attempt(void *arg, const struct db_attempt *a)
{
	ending_says(arg, a->evidence);
	return true;
}

/* So is the last event, of a job that never had a machine. */
static bool ending_of_event(void *arg, const struct job_event *ev)
{
	struct ending *e = arg;
	scoped(free) char *text = xasprintf("%s before it had a machine",
	    ev->text ? ev->text : outcome_name(e->verdict.outcome));

	ending_says(e, text);
	return true;
}

/* Nothing but its state, if it is not done. */
static int ending_get(
    struct db_reader *reader, int64_t id, struct ending *ret, struct err *err)
{
	int r = db_job_get(reader, id, ending_of_job, ret, err);

	if (r < 0 || ret->state != JOB_DONE)
		return r;
	if (ret->attempts)
		return db_attempts(reader, id, ending_of_attempt, ret, err);
	return db_events(reader, id, ending_of_event, ret, err);
}

/* "why" of a job: null if it is not done, or passed. */
static int why_render(
    struct db_reader *reader, int64_t id, struct jw *w, struct err *err)
{
	scoped_val(ending_done) struct ending e = {0};
	int r = ending_get(reader, id, &e, err);
	bool tells = e.verdict.outcome != OUTCOME_PASS;

	jw_str(w, "why", tells ? e.text : NULL);
	return r;
}

/* ---- cases and samples -------------------------------------------------- */

static bool on_case(void *arg, const struct db_case *c)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_str(w, "name", c->name);
	jw_str(w, "result", render_case_result(c->result));
	jw_str(w, "text", c->text);
	/* The database keeps it for failures only. */
	if (c->result == CASE_FAIL)
		jw_int(w, "offset", c->offset);
	else
		jw_null(w, "offset");
	jw_object_end(w);
	return true;
}

static bool on_sample(void *arg, const struct db_sample_row *s)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_str(w, "metric", s->metric);
	jw_str(w, "unit", s->unit);
	jw_str(w, "variant", s->variant);
	jw_str(w, "guest", s->guest);
	jw_str(w, "controller", s->controller);
	jw_array(w, "values");
	for (size_t i = 0; i < s->n_values; i++)
		jw_double(w, NULL, s->values[i]);
	jw_array_end(w);
	jw_int(w, "left_out", (int64_t)s->n_left_out);
	jw_object_end(w);
	return true;
}

/* ---- the job ------------------------------------------------------------ */

static int job_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	struct attempts attempts = {.w = w, .dir = rq->web->opts->dir};
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	if (r == 0)
		r = db_job_get(reader, id, on_job, w, err);
	if (r == 0)
		r = why_render(reader, id, w, err);
	jw_array(w, "attempts");
	if (r == 0)
		r = db_attempts(reader, id, on_attempt, &attempts, err);
	jw_array_end(w);
	if (r == 0)
		r = events_render(reader, id, w, err);
	jw_array(w, "cases");
	if (r == 0)
		r = db_cases(reader, id, on_case, w, err);
	jw_array_end(w);
	jw_array(w, "samples");
	if (r == 0)
		r = db_samples(reader, id, on_sample, w, err);
	jw_array_end(w);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_job(struct request *rq)
{
	return answer_of_id(rq, job_render);
}

static bool says_how_it_ended(const struct ending *e)
{
	/* Of those the text is a sentence by itself. */
	return e->text &&
	    (e->verdict.outcome == OUTCOME_CANCELLED ||
	        e->verdict.outcome == OUTCOME_DISABLED);
}

static void ending_write(const struct ending *e, struct jw *w)
{
	const struct verdict *v = &e->verdict;
	bool error = v->outcome == OUTCOME_ERROR;
	scoped(free) char *text = says_how_it_ended(e)
	    ? xstrdup(e->text)
	    : xasprintf("%s%s%s%s%s", outcome_name(v->outcome),
	          error ? " of the lab, " : "",
	          error ? layer_name(v->layer) : "", e->text ? ": " : "",
	          e->text ? e->text : "");

	jw_object(w, NULL);
	jw_str(w, "why", text);
	jw_object_end(w);
}

/* Of what is done the rows know; of the others the daemon. */
enum MHD_Result api_why(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 16);
	scoped_val(ending_done) struct ending e = {0};
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	struct db_reader *reader;
	enum MHD_Result refused;
	int64_t id;
	int r;

	if (rq->step)
		return answer_passed(rq);
	if (!request_id(rq, &id, &refused))
		return refused;
	r = request_reader(rq, &reader, &err);
	if (r == 0)
		r = ending_get(reader, id, &e, &err);
	if (r < 0)
		return answer_err(rq, &err);
	if (e.state == JOB_DONE) {
		ending_write(&e, &w);
		return answer_json(rq, &b);
	}
	return request_ask(
	    rq, json_pack("{ss sI}", "op", "why", "job", id), WEB_DEADLINE_MS);
}
