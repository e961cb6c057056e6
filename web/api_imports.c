/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was imported: the list, and one import with all that it holds. */
#include <math.h>

#include "base/str.h"
#include "bench/bench.h"
#include "web/render.h"
#include "web/routes.h"

#define LIMIT_DEFAULT 25
#define LIMIT_MAX 500
#define ROWS_DEFAULT 500
#define VALUES_MAX 1000 /* of one sample that are shown */

const struct query_param imports_query[] = {
    [IMPORTS_LIMIT] = {"limit", QUERY_INT, 1, LIMIT_MAX, "rows of the answer"},
    [IMPORTS_BEFORE] = {"before", QUERY_INT, 1, INT64_MAX,
        "only ids below this"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

const struct query_param import_query[] = {
    [IMPORT_FROM] = {"from", QUERY_INT, 0, INT64_MAX,
        "the first row of each list, counted from 0"},
    [IMPORT_LIMIT] = {"limit", QUERY_INT, 1, LIMIT_MAX, "rows of each list"},
    [IMPORT_CASE] = {"case", QUERY_TEXT, 0, 0,
        "pass, fail or skip: only cases, and of those only these"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

/* ---- heads -------------------------------------------------------------- */

static const char *title_of(const char *format)
{
	const char *name;

	for (size_t i = 0; (name = import_format_name(i)); i++)
		if (str_eq(name, format))
			return import_format_title(i);
	return format;
}

static void render_head(struct jw *w, const struct db_import_row *im)
{
	json_t *facts = json_loads(im->facts, 0, NULL);
	char hex[HASH_HEX + 1];

	jw_int(w, "id", im->id);
	jw_str(w, "name", im->name);
	jw_str(w, "format", im->format);
	jw_str(w, "title", title_of(im->format));
	jw_int(w, "at_ms", im->at_ms);
	jw_str(w, "who", im->who);
	jw_int(w, "size", im->size);
	jw_str(w, "sha256", hash_hex(im->sha256, HASH_BYTES, hex));
	jw_int(w, "samples", im->n_samples);
	jw_int(w, "ratios", im->n_ratios);
	jw_int(w, "cases", im->n_cases);
	jw_str(
	    w, "verdict", json_string_value(json_object_get(facts, "verdict")));
	json_decref(facts);
}

/* ---- the list ----------------------------------------------------------- */

struct list {
	struct jw *w;
	int64_t last;
	int n;
};

static bool on_import(void *arg, const struct db_import_row *im)
{
	struct list *list = arg;

	jw_object(list->w, NULL);
	render_head(list->w, im);
	jw_object_end(list->w);
	list->last = im->id;
	list->n++;
	return !list->w->to->failed;
}

static int list_render(struct request *rq, struct jw *w, struct err *err)
{
	const struct query_value *v = rq->query.values;
	int limit =
	    v[IMPORTS_LIMIT].set ? (int)v[IMPORTS_LIMIT].number : LIMIT_DEFAULT;
	struct list list = {w, 0, 0};
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	jw_array(w, "imports");
	if (r == 0)
		r = db_imports(reader, v[IMPORTS_BEFORE].number, limit,
		    on_import, &list, err);
	jw_array_end(w);
	if (list.n == limit)
		jw_int(w, "next", list.last);
	else
		jw_null(w, "next");
	jw_object_end(w);
	return r;
}

enum MHD_Result api_imports(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;

	if (list_render(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}

/* ---- one import --------------------------------------------------------- */

/* What is asked for, and how far its rows go. */
struct one {
	struct jw *w;
	struct db_import_part part;
	int result;   /* enum case_result; 0: all rows of all lists */
	int64_t most; /* rows of the longest list */
	int64_t last; /* number of the last case */
	int n_cases;
};

static bool on_head(void *arg, const struct db_import_row *im)
{
	struct one *one = arg;

	one->most = im->n_samples > im->n_ratios ? im->n_samples : im->n_ratios;
	one->most = im->n_cases > one->most ? im->n_cases : one->most;
	render_head(one->w, im);
	jw_raw(one->w, "facts", im->facts);
	return true;
}

static const char *kind_name(int kind)
{
	switch (kind) {
	case IMPORT_MEAN:
		return "mean";
	case IMPORT_BEST:
		return "best";
	default:
		return "values";
	}
}

static void render_numbers(struct jw *w, const struct db_import_series *s)
{
	bool spread = s->n > 1 && !isnan(s->m2);

	jw_str(w, "kind", kind_name(s->kind));
	jw_int(w, "n", s->n);
	jw_double(w, "mean", s->mean);
	jw_double(
	    w, "sd", spread ? sqrt(s->m2 / (double)(s->n - 1)) : (double)NAN);
	jw_double(w, "low", s->low);
	jw_double(w, "high", s->high);
	if (!s->n_values) {
		jw_null(w, "values");
		return;
	}
	jw_array(w, "values");
	for (size_t i = 0; i < s->n_values && i < VALUES_MAX; i++)
		jw_double(w, NULL, s->values[i]);
	jw_array_end(w);
}

static bool on_series(void *arg, const struct db_import_series *s)
{
	struct one *one = arg;
	struct jw *w = one->w;

	jw_object(w, NULL);
	jw_str(w, "metric", s->metric);
	jw_str(w, "label", s->label);
	jw_str(w, "unit", s->unit);
	jw_str(w, "direction",
	    bench_direction_name((enum bench_direction)s->direction));
	jw_str(w, "machine", s->machine);
	jw_str(w, "variant", s->variant);
	jw_str(w, "guest", s->guest);
	jw_str(w, "controller", s->controller);
	render_numbers(w, s);
	jw_str(w, "why", s->why);
	jw_object_end(w);
	return !w->to->failed;
}

static bool on_ratio(void *arg, const struct db_ratio_row *q)
{
	struct one *one = arg;
	struct jw *w = one->w;

	jw_object(w, NULL);
	jw_str(w, "metric", q->metric);
	jw_str(w, "direction",
	    bench_direction_name((enum bench_direction)q->direction));
	jw_str(w, "machine", q->machine);
	jw_str(w, "named", q->named);
	jw_str(w, "guest", q->guest);
	jw_str(w, "controller", q->controller);
	jw_str(w, "baseline", q->baseline);
	jw_str(w, "candidate", q->candidate);
	jw_double(w, "overhead", q->overhead);
	jw_str(w, "text", q->printed);
	jw_object_end(w);
	return !w->to->failed;
}

static bool on_case(void *arg, int64_t no, const struct db_import_case *c)
{
	struct one *one = arg;
	struct jw *w = one->w;

	jw_object(w, NULL);
	jw_str(w, "name", c->name);
	jw_str(w, "result", render_case_result(c->result));
	jw_str(w, "text", c->text);
	jw_object_end(w);
	one->last = no;
	one->n_cases++;
	return !w->to->failed;
}

struct results {
	int64_t n[CASE_SKIP + 1];
};

static void on_result(void *arg, int result, int64_t n)
{
	struct results *all = arg;

	if (result >= CASE_PASS && result <= CASE_SKIP)
		all->n[result] += n;
}

static int render_results(
    struct db_reader *reader, int64_t id, struct jw *w, struct err *err)
{
	struct results all = {{0}};
	int r = db_import_results(reader, id, on_result, &all, err);

	jw_object(w, "results");
	for (int i = CASE_PASS; i <= CASE_SKIP; i++)
		jw_int(w, render_case_result(i), all.n[i]);
	jw_object_end(w);
	return r;
}

static int render_lists(
    struct db_reader *reader, struct one *one, struct err *err)
{
	struct jw *w = one->w;
	int r = 0;

	jw_array(w, "series");
	if (!one->result)
		r = db_import_series(reader, &one->part, on_series, one, err);
	jw_array_end(w);
	jw_array(w, "cells");
	if (r == 0 && !one->result)
		r = db_import_cells(reader, &one->part, on_ratio, one, err);
	jw_array_end(w);
	jw_array(w, "tests");
	if (r == 0)
		r = db_import_cases(
		    reader, &one->part, one->result, on_case, one, err);
	jw_array_end(w);
	return r;
}

static void render_next(const struct one *one)
{
	int64_t next = one->part.from + one->part.limit;
	bool more = next < one->most;

	if (one->result) {
		next = one->last + 1;
		more = one->n_cases == one->part.limit && next < one->most;
	}
	if (more)
		jw_int(one->w, "next", next);
	else
		jw_null(one->w, "next");
}

static int result_of(const struct query_value *v, int *ret, struct err *err)
{
	if (!v->set)
		return 0;
	for (int i = CASE_PASS; i <= CASE_SKIP; i++)
		if (str_eq(render_case_result(i), v->text)) {
			*ret = i;
			return 0;
		}
	return err_set(
	    err, ERR_INVAL, "case: %.40s; must be pass, fail or skip", v->text);
}

static int one_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	const struct query_value *v = rq->query.values;
	struct one one = {.w = w,
	    .part = {.import_id = id,
	        .from = v[IMPORT_FROM].number,
	        .limit = v[IMPORT_LIMIT].set ? (int)v[IMPORT_LIMIT].number
	                                     : ROWS_DEFAULT}};
	struct db_reader *reader;
	int r = result_of(&v[IMPORT_CASE], &one.result, err);

	if (r == 0)
		r = request_reader(rq, &reader, err);
	if (r < 0)
		return r;
	jw_object(w, NULL);
	r = db_import_get(reader, id, on_head, &one, err);
	if (r == 0)
		r = render_results(reader, id, w, err);
	if (r == 0)
		r = render_lists(reader, &one, err);
	render_next(&one);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_import_one(struct request *rq)
{
	return answer_of_id(rq, one_render);
}
