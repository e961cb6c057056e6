/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs: the index, one run, its matrix, and what may be done with it. */
#include <string.h>

#include "base/str.h"
#include "web/overhead.h"
#include "web/render.h"
#include "web/routes.h"

#define LIMIT_DEFAULT 25
#define LIMIT_MAX 500
#define PAGE_MAX 1000000

const struct query_param runs_query[] = {
    [RUNS_LIMIT] = {"limit", QUERY_INT, 1, LIMIT_MAX, "rows of the answer"},
    [RUNS_BEFORE] = {"before", QUERY_INT, 1, INT64_MAX, "only ids below this"},
    [RUNS_PAGE] = {"page", QUERY_INT, 1, PAGE_MAX, "1 is the newest"},
    [RUNS_NAME] = {"name", QUERY_TEXT, 0, 0, "SQL LIKE pattern of the name"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static bool on_run(void *arg, const struct db_run *run)
{
	render_run(arg, run);
	return true;
}

static struct db_run_query query_of(const struct request *rq)
{
	const struct query_value *v = rq->query.values;
	struct db_run_query q = {.limit = LIMIT_DEFAULT};

	if (v[RUNS_LIMIT].set)
		q.limit = (int)v[RUNS_LIMIT].number;
	if (v[RUNS_BEFORE].set)
		q.before = v[RUNS_BEFORE].number;
	if (v[RUNS_PAGE].set)
		q.page = v[RUNS_PAGE].number;
	if (v[RUNS_NAME].set && *v[RUNS_NAME].text)
		q.name_like = v[RUNS_NAME].text;
	return q;
}

static int runs_render(struct request *rq, struct jw *w, struct err *err)
{
	struct db_run_query q = query_of(rq);
	struct db_reader *reader;
	int64_t total;
	int r = request_reader(rq, &reader, err);

	if (r < 0)
		return r;
	jw_object(w, NULL);
	jw_array(w, "runs");
	r = db_runs(reader, &q, on_run, w, err);
	if (r < 0)
		return r;
	jw_array_end(w);
	r = db_run_count(reader, &q, &total, err);
	if (r < 0)
		return r;
	jw_int(w, "total", total);
	jw_object_end(w);
	return 0;
}

enum MHD_Result api_runs(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;

	if (runs_render(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}

/* ---- one run ------------------------------------------------------------ */

static enum MHD_Result one_run(
    struct request *rq, bool (*row)(void *arg, const struct db_run *run))
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	struct db_reader *reader;
	enum MHD_Result refused;
	int64_t id;

	if (!request_id(rq, &id, &refused))
		return refused;
	if (request_reader(rq, &reader, &err) < 0 ||
	    db_run_get(reader, id, row, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}

static bool on_run_fields(void *arg, const struct db_run *run)
{
	render_run_fields(arg, run);
	return true;
}

/* How many VM boots each benchmark has on each platform. */
static void boots_render(const struct suite *s, struct jw *w)
{
	jw_array(w, "boots");
	for (size_t i = 0; s && i < s->n_benches; i++) {
		jw_object(w, NULL);
		jw_str(w, "item", s->benches[i].item.name);
		jw_int(w, "boots", suite_bench_boots(&s->benches[i]));
		jw_bool(w, "at_most", s->benches[i].planned);
		jw_object_end(w);
	}
	jw_array_end(w);
}

/*
 * What the suite says that has no effect, and the run goes on without; and what
 * its benchmarks cost.
 */
static int suite_render(
    struct db_reader *reader, int64_t id, struct jw *w, struct err *err)
{
	scoped_val(overhead_suite_done) struct overhead_suite s = {
	    NULL, NULL, 0, NULL, NULL};
	int r = overhead_suite_read(reader, id, &s, err);

	jw_array(w, "ignored");
	for (char **key = s.suite ? s.suite->ignored : NULL; key && *key; key++)
		jw_str(w, NULL, *key);
	jw_array_end(w);
	boots_render(s.suite, w);
	return r;
}

enum MHD_Result api_run(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	struct db_reader *reader;
	enum MHD_Result refused;
	int64_t id;

	if (!request_id(rq, &id, &refused))
		return refused;
	jw_object(&w, NULL);
	if (request_reader(rq, &reader, &err) < 0 ||
	    db_run_get(reader, id, on_run_fields, &w, &err) < 0 ||
	    suite_render(reader, id, &w, &err) < 0)
		return answer_err(rq, &err);
	jw_object_end(&w);
	return answer_json(rq, &b);
}

static bool on_status(void *arg, const struct db_run *run)
{
	jw_str(arg, NULL, render_status(run));
	return true;
}

enum MHD_Result api_sotest_status(struct request *rq)
{
	return one_run(rq, on_status);
}

/* ---- the matrix --------------------------------------------------------- */

/* Cells come in the order of the plan, so they are written as they come. */
struct matrix {
	struct jw w;
	int64_t run_id;
	char *cells;
	size_t n_cells;
	size_t n_platforms;
	size_t at; /* the next cell to write */
};

static void on_plan(void *arg, const struct db_plan *plan)
{
	struct matrix *m = arg;

	jw_object(&m->w, NULL);
	jw_int(&m->w, "run", m->run_id);
	jw_array(&m->w, "items");
	for (size_t i = 0; i < plan->n_items; i++)
		jw_str(&m->w, NULL, plan->items[i]);
	jw_array_end(&m->w);
	jw_array(&m->w, "platforms");
	for (size_t i = 0; i < plan->n_platforms; i++)
		jw_str(&m->w, NULL, plan->platforms[i]);
	jw_array_end(&m->w);
	jw_array(&m->w, "rows");
	m->n_cells = plan->n_items * plan->n_platforms;
	m->n_platforms = plan->n_platforms;
	m->cells = xcalloc(m->n_cells, 1);
	if (m->n_cells)
		memcpy(m->cells, plan->cells, m->n_cells);
}

static void why_of_cell(struct jw *w, const struct db_cell *cell)
{
	char text[64];

	if (cell->why || cell->state != JOB_DONE || cell->attempts) {
		jw_str(w, "why", cell->why);
		return;
	}
	/* Who did it is one of its events. */
	(void)snprintf(text, sizeof(text), "%s before it had a machine",
	    outcome_name(cell->verdict.outcome));
	jw_str(w, "why", text);
}

static void job_cell(struct jw *w, const struct db_cell *cell)
{
	jw_object(w, NULL);
	jw_str(w, "sign", job_sign(cell->state, &cell->verdict));
	jw_int(w, "job", cell->job_id);
	jw_str(w, "state", job_state_name(cell->state));
	render_verdict(w, &cell->verdict);
	jw_int(w, "attempts", cell->attempts);
	jw_int(w, "took_ms", cell->took_ms);
	why_of_cell(w, cell);
	jw_object_end(w);
}

static void one_cell(struct matrix *m, const struct db_cell *cell)
{
	if (m->at % m->n_platforms == 0)
		jw_array(&m->w, NULL);
	if (cell) {
		job_cell(&m->w, cell);
	} else if (m->cells[m->at] == '*') {
		jw_object(&m->w, NULL);
		jw_str(&m->w, "sign", "*");
		jw_object_end(&m->w);
	} else {
		jw_null(&m->w, NULL);
	}
	if (++m->at % m->n_platforms == 0)
		jw_array_end(&m->w);
}

static bool on_cell(void *arg, const struct db_cell *cell)
{
	struct matrix *m = arg;

	while (m->at < m->n_cells && m->cells[m->at] != 'j')
		one_cell(m, NULL);
	if (m->at == m->n_cells)
		return false;
	one_cell(m, cell);
	return true;
}

static void matrix_end(struct matrix *m)
{
	while (m->at < m->n_cells)
		one_cell(m, NULL);
	free(m->cells);
	m->cells = NULL;
	jw_array_end(&m->w);
	jw_object_end(&m->w);
}

enum MHD_Result api_matrix(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct matrix m = {.w = {.to = &b}};
	struct err err = ERR_INIT;
	struct db_reader *reader;
	enum MHD_Result refused;
	int r;

	if (!request_id(rq, &m.run_id, &refused))
		return refused;
	r = request_reader(rq, &reader, &err);
	if (r == 0)
		r = db_matrix(reader, m.run_id, on_plan, on_cell, &m, &err);
	matrix_end(&m);
	return r < 0 ? answer_err(rq, &err) : answer_json(rq, &b);
}

/* ---- acts --------------------------------------------------------------- */

enum MHD_Result api_cancel(struct request *rq)
{
	enum MHD_Result refused;
	int64_t id;

	if (rq->step)
		return answer_passed(rq);
	if (!request_id(rq, &id, &refused))
		return refused;
	return request_ask(rq,
	    json_pack("{ss ss ss sI}", "op", "cancel", "token", rq->token,
	        "remote", rq->remote, "run", id),
	    WEB_DEADLINE_MS);
}

/* {"only":"failed"}, or {}; an empty body stands for {}. */
static int only_parse(const struct buf *body, bool *ret_failed, struct err *err)
{
	json_error_t je;
	json_t *doc = body->len
	    ? json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, &je)
	    : json_object();
	json_t *only = json_object_get(doc, "only");
	bool good = json_is_object(doc) &&
	    json_object_size(doc) == (only ? 1u : 0u) &&
	    (!only || str_eq(json_string_value(only), "failed"));
	int r = 0;

	if (!doc)
		r = err_set(err, ERR_INVAL, "the body is not JSON: line %d: %s",
		    je.line, je.text);
	else if (!good)
		r = err_set(err, ERR_INVAL,
		    "the body is not {\"only\":\"failed\"}, nor {} for all");
	*ret_failed = only != NULL;
	json_decref(doc);
	return r;
}

enum MHD_Result api_rerun(struct request *rq)
{
	struct err err = ERR_INIT;
	enum MHD_Result refused;
	bool failed;
	int64_t id;

	if (rq->step)
		return answer_passed(rq);
	if (!request_id(rq, &id, &refused))
		return refused;
	if (only_parse(&rq->body, &failed, &err) < 0)
		return answer_err(rq, &err);
	return request_ask(rq,
	    json_pack("{ss ss ss sI ss*}", "op", "rerun", "token", rq->token,
	        "remote", rq->remote, "run", id, "only",
	        failed ? "failed" : NULL),
	    WEB_DEADLINE_MS);
}
