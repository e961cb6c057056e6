/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two runs, or two variants: what got worse, better, stayed, or is not known.
 * Reads and renders; bench/compare.h compares.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"
#include "db/db.h"
#include "web/metric.h"
#include "web/routes.h"

#define COMMIT_LEAST 7 /* hex digits that are taken for a commit */
#define NOTES_MAX 100

const struct query_param compare_query[] = {
    [COMPARE_A] = {"a", QUERY_TEXT, 0, 0,
        "a run's number, a commit, or a run's name (commit:.., branch:..)"},
    [COMPARE_B] = {"b", QUERY_TEXT, 0, 0, "likewise; absent: the same as a"},
    [COMPARE_PROJECT] = {"project", QUERY_TEXT, 0, 0,
        "where commits and names are looked for; absent: everywhere"},
    [COMPARE_METRIC] = {"metric", QUERY_TEXT, 0, 0, "only this metric"},
    [COMPARE_VARIANT_A] = {"variant_a", QUERY_TEXT, 0, 0,
        "of a only this variant, whatever it is called in b"},
    [COMPARE_VARIANT_B] = {"variant_b", QUERY_TEXT, 0, 0, "likewise of b"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static const char *query_text(const struct request *rq, int i)
{
	const struct query_value *v = &rq->query.values[i];

	return v->set ? v->text : NULL;
}

/* ---- which runs --------------------------------------------------------- */

static bool is_commit(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= COMMIT_LEAST && n <= 40 && !s[n];
}

/* A branch is PROJECT/NAME as well; a name may hold a slash itself. */
static int find_branch(struct db_reader *reader, const char *text,
    const char *project, int64_t *ret, struct err *err)
{
	struct db_run_want want = {.project = project, .name = text};
	const char *slash = strchr(text, '/');
	int r = db_run_find(reader, &want, ret, err);
	scoped(free) char *first = NULL;

	if (r != -ERR_NOTFOUND || project || !slash)
		return r;
	first = xstrndup(text, (size_t)(slash - text));
	want = (struct db_run_want){.project = first, .name = slash + 1};
	return db_run_find(reader, &want, ret, err);
}

static int find_run(struct db_reader *reader, const char *text,
    const char *project, int64_t *ret, struct err *err)
{
	struct db_run_want want = {.project = project, .commit = text};

	if (str_starts(text, "branch:"))
		return find_branch(
		    reader, text + strlen("branch:"), project, ret, err);
	if (str_starts(text, "commit:")) {
		want.commit += strlen("commit:");
		if (!is_commit(want.commit))
			return err_set(err, ERR_INVAL,
			    "%.100s: a commit has %d to 40 hex digits", text,
			    COMMIT_LEAST);
		return db_run_find(reader, &want, ret, err);
	}
	if (strlen(text) < 40 && str_to_i64(text, 1, INT64_MAX, ret, NULL) == 0)
		return 0;
	return is_commit(text) ? db_run_find(reader, &want, ret, err)
	                       : find_branch(reader, text, project, ret, err);
}

struct side {
	int64_t run;
	const char *variant; /* NULL: all */
	bool open;
	bool seen; /* it has what is asked for */
};

struct comparing {
	struct request *rq;
	struct db_reader *reader;
	struct side sides[2];
	struct bench_comparison *c;
	enum bench_side side; /* that is being read */
	char **metrics;       /* metric, unit, metric, unit .. */
	size_t n_metrics;
	char **notes;
	size_t n_notes;
	int r;
	struct err *err;
};

static void list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void comparing_done(struct comparing *x)
{
	bench_comparison_free(x->c);
	list_free(x->metrics, x->n_metrics);
	list_free(x->notes, x->n_notes);
}

/* Once; takes the text. */
static void note(struct comparing *x, char *text)
{
	for (size_t i = 0; i < x->n_notes; i++)
		if (str_eq(x->notes[i], text)) {
			free(text);
			return;
		}
	if (x->n_notes == NOTES_MAX) {
		free(text);
		return;
	}
	x->notes = xrealloc(x->notes, x->n_notes + 1, sizeof(x->notes[0]));
	x->notes[x->n_notes++] = text;
}

static int find_sides(struct comparing *x, struct err *err)
{
	const char *project = query_text(x->rq, COMPARE_PROJECT);
	const char *a = query_text(x->rq, COMPARE_A);
	const char *b = query_text(x->rq, COMPARE_B);
	int r;

	x->sides[0].variant = query_text(x->rq, COMPARE_VARIANT_A);
	x->sides[1].variant = query_text(x->rq, COMPARE_VARIANT_B);
	if (!a)
		return err_set(err, ERR_INVAL, "a is missing; must be a run");
	if (!x->sides[0].variant != !x->sides[1].variant)
		return err_set(
		    err, ERR_INVAL, "variant_a and variant_b go together");
	if (!b && !x->sides[0].variant)
		return err_set(err, ERR_INVAL,
		    "b is missing; must be a run, unless two variants of a "
		    "are compared");
	r = find_run(x->reader, a, project, &x->sides[0].run, err);
	x->sides[1].run = x->sides[0].run;
	if (r == 0 && b)
		r = find_run(x->reader, b, project, &x->sides[1].run, err);
	if (r == 0 && x->sides[0].run == x->sides[1].run &&
	    (!x->sides[0].variant ||
	        str_eq(x->sides[0].variant, x->sides[1].variant)))
		return err_set(err, ERR_INVAL,
		    "both sides are run %" PRId64 "%s%s; give two runs, or two "
		    "variants of one",
		    x->sides[0].run, x->sides[0].variant ? ", only " : "",
		    x->sides[0].variant ? x->sides[0].variant : "");
	return r;
}

/* ---- values ------------------------------------------------------------- */

/* The unit that a metric came with first; remembers it. */
static const char *unit_of(
    struct comparing *x, const char *metric, const char *unit)
{
	for (size_t i = 0; i < x->n_metrics; i += 2)
		if (str_eq(x->metrics[i], metric))
			return x->metrics[i + 1];
	x->metrics =
	    xrealloc(x->metrics, x->n_metrics + 2, sizeof(x->metrics[0]));
	x->metrics[x->n_metrics++] = xstrdup(metric);
	x->metrics[x->n_metrics++] = xstrdup(unit);
	return unit;
}

static int add_values(struct comparing *x, const struct db_run_sample *s,
    const struct metric_facts *m)
{
	const char *variant = x->sides[x->side].variant;
	scoped(free) struct bench_value *values =
	    xcalloc(s->n_values + 1, sizeof(*values));
	struct bench_key key = {s->metric, s->machine,
	    variant ? "" : s->variant, s->guest, s->controller};

	for (size_t i = 0; i < s->n_values; i++) {
		const struct db_sample_mark *mark =
		    s->marks ? &s->marks[i] : NULL;

		values[i] = (struct bench_value){.pair = mark ? mark->pair : -1,
		    .position = mark ? mark->position : 0,
		    .valid = !mark || mark->valid,
		    .value = s->values[i]};
	}
	return bench_comparison_add_attempt(x->c, x->side, &key, m->direction,
	    m->margin, s->attempt_id, values, s->n_values, x->err);
}

static bool on_sample(void *arg, const struct db_run_sample *s)
{
	struct comparing *x = arg;
	const char *metric = query_text(x->rq, COMPARE_METRIC);
	const char *variant = x->sides[x->side].variant;
	struct metric_facts m;

	if ((metric && !str_eq(metric, s->metric)) ||
	    (variant && !str_eq(variant, s->variant)))
		return true;
	x->sides[x->side].seen = true;
	x->r = metric_facts(x->reader, s->metric, s->unit, &m, x->err);
	if (x->r < 0)
		return false;
	if (!m.direction) {
		note(x,
		    xasprintf("%.100s [%.40s]: left out, which values are "
		              "better is not known",
		        s->metric, s->unit));
		return true;
	}
	if (!str_eq(unit_of(x, s->metric, s->unit), s->unit)) {
		note(x,
		    xasprintf("%.100s: values in %.40s are left out, others "
		              "are in %.40s",
		        s->metric, s->unit, unit_of(x, s->metric, s->unit)));
		return true;
	}
	x->r = add_values(x, s, &m);
	return x->r == 0;
}

/* A name that nobody has must not read as "nothing got worse". */
static int check_names(const struct comparing *x, struct err *err)
{
	const char *metric = query_text(x->rq, COMPARE_METRIC);
	const struct side *s = x->sides;

	for (int i = 0; i < 2; i++)
		if (s[i].variant && !s[i].seen)
			return err_set(err, ERR_NOTFOUND,
			    "variant %.100s: run %" PRId64 " has no values of "
			    "it%s%.100s",
			    s[i].variant, s[i].run, metric ? " for " : "",
			    metric ? metric : "");
	if (!metric || s[0].seen || s[1].seen)
		return 0;
	return err_set(err, ERR_NOTFOUND,
	    "metric %.100s: neither run %" PRId64 " nor run %" PRId64
	    " has values of it",
	    metric, s[0].run, s[1].run);
}

static int read_sides(struct comparing *x, struct err *err)
{
	int r = 0;

	x->c = bench_comparison_new();
	for (int i = 0; i < 2 && r == 0; i++) {
		x->side = i ? BENCH_SECOND : BENCH_FIRST;
		r = db_run_samples(
		    x->reader, x->sides[i].run, on_sample, x, err);
		if (r == 0)
			r = x->r;
	}
	if (r == 0)
		r = check_names(x, err);
	return r < 0 ? r : bench_comparison_finish(x->c, err);
}

/* ---- rendering ---------------------------------------------------------- */

struct side_out {
	struct jw *w;
	struct side *side;
};

static bool on_run(void *arg, const struct db_run *run)
{
	const struct side_out *out = arg;
	struct jw *w = out->w;

	out->side->open = run->state != RUN_DONE;
	jw_int(w, "run", run->id);
	jw_str(w, "project", run->project);
	jw_str(w, "name", run->name);
	jw_str(w, "commit", run->commit);
	jw_int(w, "created_at_ms", run->created_at_ms);
	jw_str(w, "variant", out->side->variant);
	return true;
}

static int render_sides(struct comparing *x, struct jw *w, struct err *err)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct side_out out = {w, &x->sides[i]};

		jw_object(w, i ? "b" : "a");
		r = db_run_get(x->reader, x->sides[i].run, on_run, &out, err);
		jw_object_end(w);
		if (r == 0 && x->sides[i].open)
			note(x,
			    xasprintf("run %" PRId64 " is not done: there may "
			              "be more",
			        x->sides[i].run));
	}
	return r;
}

static void render_key(struct jw *w, const struct bench_key *k)
{
	jw_str(w, "metric", k->metric);
	jw_str(w, "machine", k->machine);
	jw_str(w, "variant", k->variant);
	jw_str(w, "guest", k->guest);
	jw_str(w, "controller", k->controller);
}

static void render_two(struct jw *w, const char *key, const size_t n[2])
{
	jw_array(w, key);
	jw_int(w, NULL, (int64_t)n[0]);
	jw_int(w, NULL, (int64_t)n[1]);
	jw_array_end(w);
}

static void render_row(
    struct comparing *x, struct jw *w, const struct bench_compare_row *row)
{
	jw_object(w, NULL);
	render_key(w, &row->key);
	jw_str(w, "unit", unit_of(x, row->key.metric, ""));
	jw_str(w, "direction", bench_direction_name(row->direction));
	jw_double(w, "margin", row->margin);
	render_two(w, "n", row->n);
	render_two(w, "bad", row->bad);
	jw_array(w, "mean");
	jw_double(w, NULL, row->mean[0]);
	jw_double(w, NULL, row->mean[1]);
	jw_array_end(w);
	jw_str(w, "method", row->paired ? "paired" : "welch");
	metric_estimate(w, &row->estimate);
	jw_double(w, "p", row->estimate.p);
	jw_double(w, "p_adjusted", row->p_adjusted);
	if (isnan(row->robust.overhead)) {
		jw_null(w, "robust");
	} else {
		jw_object(w, "robust");
		metric_estimate(w, &row->robust);
		jw_object_end(w);
	}
	jw_bool(w, "disagrees", row->disagrees);
	jw_str(w, "verdict", bench_verdict_name(row->verdict));
	jw_int(w, "more", (int64_t)row->more);
	jw_object_end(w);
}

static void render_alone(
    struct jw *w, const struct bench_compare_alone *alone, size_t n)
{
	jw_array(w, "alone");
	for (size_t i = 0; i < n; i++) {
		jw_object(w, NULL);
		jw_str(w, "side", alone[i].side == BENCH_FIRST ? "a" : "b");
		render_key(w, &alone[i].key);
		jw_int(w, "n", (int64_t)alone[i].n);
		jw_int(w, "bad", (int64_t)alone[i].bad);
		jw_object_end(w);
	}
	jw_array_end(w);
}

/* What a row means, as far as there are such rows. */
static void render_definition(
    struct jw *w, const struct bench_compare_row *rows, size_t n)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);
	size_t paired = 0;

	for (size_t i = 0; i < n; i++)
		paired += rows[i].paired;
	buf_puts(&text, "ratio above 1: B is slower. ");
	if (paired)
		buf_puts(&text,
		    "paired: measured in pairs in one attempt, compared by the "
		    "paired t on logarithms. ");
	if (paired < n)
		buf_puts(&text,
		    "welch: measured apart, compared by Welch's t on "
		    "logarithms; the interval knows the spread within the "
		    "sides, not what differs between two sessions. ");
	buf_puts(&text, "95 % intervals, BH q = .05 over all rows");
	jw_str(w, "definition", buf_str(&text));
}

static void render_rows(struct comparing *x, struct jw *w)
{
	static const enum bench_verdict verdicts[] = {
	    BENCH_WORSE, BENCH_UNKNOWN, BENCH_SAME, BENCH_BETTER};
	const struct bench_compare_alone *alone;
	const struct bench_compare_row *rows;
	size_t n;

	jw_object(w, "counts");
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		jw_int(w, bench_verdict_name(verdicts[i]),
		    (int64_t)bench_comparison_count(x->c, verdicts[i]));
	jw_object_end(w);
	rows = bench_comparison_rows(x->c, &n);
	jw_array(w, "rows");
	for (size_t i = 0; i < n; i++)
		render_row(x, w, &rows[i]);
	jw_array_end(w);
	render_definition(w, rows, n);
	alone = bench_comparison_alone(x->c, &n);
	render_alone(w, alone, n);
}

static int compare(struct comparing *x, struct jw *w, struct err *err)
{
	int r = request_reader(x->rq, &x->reader, err);

	if (r == 0)
		r = find_sides(x, err);
	jw_object(w, NULL);
	if (r == 0)
		r = render_sides(x, w, err);
	if (r == 0)
		r = read_sides(x, err);
	if (r < 0)
		return r;
	render_rows(x, w);
	jw_array(w, "notes");
	for (size_t i = 0; i < x->n_notes; i++)
		jw_str(w, NULL, x->notes[i]);
	jw_array_end(w);
	jw_object_end(w);
	return 0;
}

enum MHD_Result api_compare(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct err err = ERR_INIT;
	scoped_val(comparing_done) struct comparing x = {.rq = rq, .err = &err};
	struct jw w = {.to = &b};

	if (compare(&x, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}
