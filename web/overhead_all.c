/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the candidate costs over all runs and imports. Which variants are
 * compared is said by the caller; else by what the attempts compared and by
 * the published tables.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "web/overhead.h"
#include "web/routes.h"

const struct query_param overhead_all_query[] = {
    [OVERHEAD_ALL_RUN] = {"run", QUERY_INT, 1, INT64_MAX, "only this run"},
    [OVERHEAD_ALL_SINCE] = {"since", QUERY_INT, 0, INT64_MAX,
        "not older than this (Unix milliseconds)"},
    [OVERHEAD_ALL_UNTIL] = {"until", QUERY_INT, 1, INT64_MAX,
        "older than this (Unix milliseconds)"},
    [OVERHEAD_ALL_METRIC] = {"metric", QUERY_TEXT, 0, 0, "only this metric"},
    [OVERHEAD_ALL_BASELINE] = {"baseline", QUERY_TEXT, 0, 0,
        "variant; with candidate; absent: what suites and tables say"},
    [OVERHEAD_ALL_CANDIDATE] = {"candidate", QUERY_TEXT, 0, 0, "variant"},
    [OVERHEAD_ALL_BY] = {"by", QUERY_TEXT, 0, 0,
        "what is kept apart: machine,guest,controller; others are pooled"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

struct pair {
	char *baseline;
	char *candidate;
};

struct all {
	struct compare *compare;
	struct db_reader *reader;
	struct db_window window;
	const char *metric; /* NULL: all */
	char *base;         /* "METRIC" of "METRIC (LABEL)", as tables print */
	const char *label;  /* of the imports that are wanted; NULL: all */
	bool given;         /* roles are what the caller said */
	struct compare_roles roles;
	struct pair *pairs; /* that are compared somewhere */
	size_t n_pairs;
	struct overhead_suite suite; /* of the one run */
	bool seen;
	int r;
	struct err *err;
};

static void all_done(struct all *a)
{
	compare_free(a->compare);
	overhead_suite_done(&a->suite);
	for (size_t i = 0; i < a->n_pairs; i++) {
		free(a->pairs[i].baseline);
		free(a->pairs[i].candidate);
	}
	free(a->pairs);
	free(a->base);
}

/* A metric that is not known, but reads as a table of imports is headed. */
static void split_label(struct all *a)
{
	const char *at = a->metric ? strstr(a->metric, " (") : NULL;
	size_t len = a->metric ? strlen(a->metric) : 0;

	if (!at || a->metric[len - 1] != ')' ||
	    compare_metric_find(a->compare, a->metric))
		return;
	a->base = xstrdup(a->metric);
	a->base[len - 1] = '\0';
	a->base[at - a->metric] = '\0';
	a->label = a->base + (at - a->metric) + strlen(" (");
	a->window.metric = a->base;
}

static bool has_label(const struct all *a, const char *label)
{
	return !a->label || str_eq(a->label, label);
}

/* Remembers which variants are compared, for imported values. */
static void pair_add(struct all *a, const struct compare_roles *roles)
{
	for (size_t i = 0; i < a->n_pairs; i++)
		if (str_eq(a->pairs[i].baseline, roles->baseline) &&
		    str_eq(a->pairs[i].candidate, roles->candidate))
			return;
	a->pairs = xrealloc(a->pairs, a->n_pairs + 1, sizeof(a->pairs[0]));
	a->pairs[a->n_pairs++] =
	    (struct pair){xstrdup(roles->baseline), xstrdup(roles->candidate)};
}

/* ---- one run ------------------------------------------------------------ */

static bool on_series(void *arg, const struct db_run_sample *s)
{
	struct all *a = arg;
	struct compare_roles roles = a->roles;

	if ((a->metric && !str_eq(a->metric, s->metric)) ||
	    (!a->given && !overhead_roles(a->suite.suite, s->item, &roles)))
		return true;
	a->seen = true;
	a->r = compare_add(a->compare, s, &roles, a->err);
	return a->r == 0;
}

static int add_run(struct all *a, int64_t run)
{
	int r = 0;

	if (!a->given)
		r = overhead_suite_read(a->reader, run, &a->suite, a->err);
	if (r == 0 && a->suite.why)
		compare_note(a->compare,
		    xasprintf("run %" PRId64 ": %s", run, a->suite.why));
	if (r == 0)
		r = db_run_samples(a->reader, run, on_series, a, a->err);
	return r < 0 ? r : a->r;
}

/* ---- all runs ----------------------------------------------------------- */

/* The other way round than it was measured. */
static void turn(struct db_cell_sums *s)
{
	struct db_cell_sums was = *s;

	s->baseline_id = was.candidate_id;
	s->candidate_id = was.baseline_id;
	s->baseline = was.candidate;
	s->candidate = was.baseline;
	bench_cell_swap(&s->sums);
}

/* Noise is no overhead, unless it is asked for. */
static bool is_wanted(const struct all *a, const struct db_cell_sums *s)
{
	if (!a->given)
		return !bench_is_placebo(s->baseline, s->candidate);
	return str_eq(s->baseline, a->roles.baseline) &&
	    str_eq(s->candidate, a->roles.candidate);
}

static bool on_cell(void *arg, const struct db_cell_sums *cell)
{
	struct all *a = arg;
	struct db_cell_sums s = *cell;
	struct compare_roles roles;

	if (a->given && str_eq(s.baseline, a->roles.candidate))
		turn(&s);
	if (!is_wanted(a, &s))
		return true;
	roles = (struct compare_roles){s.baseline, s.candidate};
	pair_add(a, &roles);
	if (!has_label(a, ""))
		return true;
	a->seen = true;
	compare_add_sums(a->compare, &s);
	return true;
}

static int add_cells(struct all *a)
{
	int r = db_cells(a->reader, &a->window, on_cell, a, a->err);

	if (r == 0 && a->given)
		r = db_cells_apart(a->reader, &a->window, a->roles.baseline,
		    a->roles.candidate, on_cell, a, a->err);
	return r;
}

static int fill(void *arg, int64_t baseline_id, int64_t candidate_id,
    struct bench_cell *cell, struct err *err)
{
	struct all *a = arg;

	return db_cell_values(
	    a->reader, &a->window, baseline_id, candidate_id, cell, err);
}

/* ---- imports ------------------------------------------------------------ */

static bool on_ratio(void *arg, const struct db_ratio_row *q)
{
	struct all *a = arg;
	struct compare_roles roles = {q->baseline, q->candidate};

	if (a->given &&
	    (!str_eq(q->baseline, a->roles.baseline) ||
	        !str_eq(q->candidate, a->roles.candidate)))
		return true;
	pair_add(a, &roles);
	if (!has_label(a, ""))
		return true;
	a->seen = true;
	compare_add_ratio(a->compare, q);
	return true;
}

static bool on_values(void *arg, const struct db_import_values *v)
{
	struct all *a = arg;

	if (!has_label(a, v->label))
		return true;

	for (size_t i = 0; a->r == 0 && i < a->n_pairs; i++) {
		struct compare_roles roles = {
		    a->pairs[i].baseline, a->pairs[i].candidate};

		a->seen = a->seen || str_eq(v->variant, roles.baseline) ||
		    str_eq(v->variant, roles.candidate);
		a->r = compare_add_import(a->compare, v, &roles, a->err);
	}
	return a->r == 0;
}

static bool on_summary(void *arg, const struct db_import_summary *s)
{
	struct all *a = arg;

	if (!has_label(a, s->label))
		return true;

	for (size_t i = 0; i < a->n_pairs; i++) {
		struct compare_roles roles = {
		    a->pairs[i].baseline, a->pairs[i].candidate};

		a->seen = a->seen || str_eq(s->variant, roles.baseline) ||
		    str_eq(s->variant, roles.candidate);
		compare_add_summary(a->compare, s, &roles);
	}
	return true;
}

static int add_imports(struct all *a)
{
	int r = db_import_ratios(a->reader, &a->window, on_ratio, a, a->err);

	if (r == 0 && a->given)
		pair_add(a, &a->roles);
	if (r == 0)
		r = db_import_samples(
		    a->reader, &a->window, on_values, a, a->err);
	if (r == 0 && a->r == 0)
		r = db_import_summaries(
		    a->reader, &a->window, on_summary, a, a->err);
	return r < 0 ? r : a->r;
}

/* ---- the request -------------------------------------------------------- */

static const char *text(const struct request *rq, int i)
{
	const struct query_value *v = &rq->query.values[i];

	return v->set ? v->text : NULL;
}

static int64_t number(const struct request *rq, int i)
{
	return rq->query.values[i].set ? rq->query.values[i].number : 0;
}

static int by_read(const char *list, unsigned *ret, struct err *err)
{
	static const char *const words[] = {"machine", "guest", "controller"};
	unsigned by = 0;

	while (*list) {
		size_t n = strcspn(list, ",");
		size_t i = 0;

		while (i < ARRAY_LEN(words) &&
		    (strlen(words[i]) != n || strncmp(words[i], list, n) != 0))
			i++;
		if (i == ARRAY_LEN(words))
			return err_set(err, ERR_INVAL,
			    "by: %.*s is none of machine, guest, controller",
			    (int)n, list);
		by |= 1u << i;
		list += n + (list[n] == ',');
	}
	*ret = by;
	return 0;
}

static int roles_read(const struct request *rq, struct all *a, struct err *err)
{
	const char *by = text(rq, OVERHEAD_ALL_BY);
	unsigned bits = COMPARE_BY_ALL;
	int r = by ? by_read(by, &bits, err) : 0;

	a->roles.baseline = text(rq, OVERHEAD_ALL_BASELINE);
	a->roles.candidate = text(rq, OVERHEAD_ALL_CANDIDATE);
	a->given = a->roles.baseline && a->roles.candidate;
	if (r == 0 && !a->given && (a->roles.baseline || a->roles.candidate))
		r = err_set(err, ERR_INVAL,
		    "baseline and candidate are given together");
	if (r == 0 && a->given && str_eq(a->roles.baseline, a->roles.candidate))
		r = err_set(err, ERR_INVAL,
		    "baseline and candidate are the same: %.100s",
		    a->roles.baseline);
	compare_by(a->compare, bits);
	return r;
}

static int collect(struct request *rq, struct all *a, struct err *err)
{
	int64_t run = number(rq, OVERHEAD_ALL_RUN);
	int r = roles_read(rq, a, err);

	a->metric = text(rq, OVERHEAD_ALL_METRIC);
	a->window = (struct db_window){number(rq, OVERHEAD_ALL_SINCE),
	    number(rq, OVERHEAD_ALL_UNTIL), a->metric};
	if (r == 0)
		r = request_reader(rq, &a->reader, err);
	if (r == 0)
		r = compare_declare(a->compare, a->reader, err);
	if (r < 0)
		return r;
	if (run)
		return add_run(a, run);
	split_label(a);
	r = add_cells(a);
	if (r == 0)
		r = add_imports(a);
	return r < 0 ? r : compare_fill(a->compare, fill, a, err);
}

enum MHD_Result api_overhead_all(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct err err = ERR_INIT;
	scoped_val(all_done) struct all a = {
	    .compare = compare_new(), .err = &err};
	struct jw w = {.to = &b};
	int r = collect(rq, &a, &err);

	if (r == 0 && a.metric && !a.seen)
		r = err_set(&err, ERR_NOTFOUND,
		    "metric %.100s: there are no values that can be compared",
		    a.metric);
	if (r < 0)
		return answer_err(rq, &err);
	compare_finish(a.compare);
	overhead_render(&w, number(rq, OVERHEAD_ALL_RUN), a.compare);
	return answer_json(rq, &b);
}
