/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every stored value against the raw output it was read from. The output is
 * read again by this program, not by the server: the numbers can be trusted as
 * far as the outputs can.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "bench/bench.h"
#include "cli/api.h"

#define TOLERANCE 1e-9 /* relative; decimal places of an output get lost */

/* One value, and the hash of its output. */
struct check {
	const json_t *series;
	size_t at;
	const char *raw; /* "" if there is none */
	size_t no;       /* in the order of the answer */
	char *problem;   /* NULL: none was found */
};

struct verify {
	struct cli *cli;
	struct check *checks;
	size_t n;
	size_t n_verified;
	size_t n_outputs;
	json_t *problems;
};

static void verify_done(struct verify *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->checks[i].problem);
	free(v->checks);
	json_decref(v->problems);
}

/* ---- what is to be checked ---------------------------------------------- */

/*
 * Values without marks are those of guest tests: they stand in the console's
 * log. A value that nobody uses needs no output.
 */
static void add_series(struct verify *v, const json_t *series)
{
	const json_t *mark;
	size_t i;

	json_array_foreach(api_list(series, "marks"), i, mark)
	{
		struct check c = {series, i, api_text(mark, "raw"), v->n, NULL};

		if (!*c.raw && !api_true(mark, "valid"))
			continue;
		v->checks = xrealloc(v->checks, v->n + 1, sizeof(*v->checks));
		v->checks[v->n++] = c;
	}
}

static int compare_outputs(const void *a, const void *b)
{
	const struct check *x = a;
	const struct check *y = b;

	return strcmp(x->raw, y->raw);
}

static int compare_places(const void *a, const void *b)
{
	const struct check *x = a;
	const struct check *y = b;

	return (x->no > y->no) - (x->no < y->no);
}

/* ---- one output --------------------------------------------------------- */

enum fetched {
	FETCHED,
	FETCHED_NOT, /* it is not there, or not what it should be: *ret_why */
	FETCHED_STOP /* the server does not answer; it was complained about */
};

static enum fetched fetch(struct verify *v, const char *raw,
    struct http_answer *answer, char **ret_why, int *ret_code)
{
	scoped_val(buf_done) struct buf path = BUF_INIT(4096);
	struct http_request req = {.method = "GET"};
	struct err err = ERR_INIT;
	uint8_t sha256[HASH_BYTES];
	char hex[HASH_HEX + 1];
	int r;

	buf_puts(&path, "/api/v1/files/");
	http_escape(&path, raw);
	req.path = buf_str(&path);
	r = http_do(v->cli->http, &req, answer, &err);
	if (r == -ERR_NOTFOUND || r == -ERR_INVAL) {
		*ret_why = xasprintf("its output is missing: %s", err.msg);
		return FETCHED_NOT;
	}
	if (r < 0) {
		*ret_code = cli_refused(v->cli, "verify", NULL, &err);
		return FETCHED_STOP;
	}
	hash_sha256(buf_str(&answer->body), answer->body.len, sha256);
	if (!str_eq(hash_hex(sha256, HASH_BYTES, hex), raw)) {
		*ret_why = xasprintf("its output has the SHA-256 %s", hex);
		return FETCHED_NOT;
	}
	return FETCHED;
}

/* NULL if the value is what its output says; else the caller frees. */
static char *check_value(const struct check *c, const struct buf *output)
{
	const json_t *stored =
	    json_array_get(api_list(c->series, "values"), c->at);
	const struct bench_metric *metric =
	    bench_metric_find(api_text(c->series, "metric"));
	struct err err = ERR_INIT;
	double have = json_number_value(stored);
	double want;

	if (!metric)
		return xstrdup("nothing is known of this metric");
	if (bench_metric_value(
	        metric, buf_str(output), output->len, &want, &err) < 0)
		return xasprintf("its output: %s", err.msg);
	if (json_is_number(stored) &&
	    fabs(have - want) <= TOLERANCE * fabs(want))
		return NULL;
	return xasprintf("stored %.10g, its output says %.10g", have, want);
}

/* The n checks of one output; returns an exit code. */
static int check_output(struct verify *v, struct check *c, size_t n)
{
	struct http_answer answer = HTTP_ANSWER_INIT;
	scoped(free) char *why = NULL;
	int code = CLI_OK;
	enum fetched got = FETCHED_NOT;

	if (*c->raw)
		got = fetch(v, c->raw, &answer, &why, &code);
	else
		why = xstrdup("it names no output");
	v->n_outputs += got == FETCHED;
	for (size_t i = 0; i < n && got != FETCHED_STOP; i++) {
		c[i].problem = got == FETCHED ? check_value(&c[i], &answer.body)
		                              : xstrdup(why);
		v->n_verified += !c[i].problem;
	}
	http_answer_done(&answer);
	return code;
}

/* Each output is fetched once, however many values were read from it. */
static int check_all(struct verify *v)
{
	size_t first = 0;
	int code = CLI_OK;

	if (v->n)
		qsort(v->checks, v->n, sizeof(v->checks[0]), compare_outputs);
	for (size_t i = 1; i <= v->n && code == CLI_OK; i++) {
		if (i < v->n && str_eq(v->checks[i].raw, v->checks[first].raw))
			continue;
		code = check_output(v, &v->checks[first], i - first);
		first = i;
	}
	return code;
}

/* ---- the answer --------------------------------------------------------- */

static void add_problem(struct verify *v, const struct check *c)
{
	const json_t *mark =
	    json_array_get(api_list(c->series, "marks"), c->at);
	json_t *p = json_pack("{s:s s:s s:s s:s s:s s:I s:s s:s}", "machine",
	    api_text(c->series, "machine"), "metric",
	    api_text(c->series, "metric"), "guest",
	    api_text(c->series, "guest"), "controller",
	    api_text(c->series, "controller"), "variant",
	    api_text(c->series, "variant"), "pair",
	    (json_int_t)api_int(mark, "pair"), "raw", c->raw, "problem",
	    c->problem);

	/* The texts were JSON, or messages: only memory can fail. */
	if (!p || json_array_append_new(v->problems, p) < 0)
		abort();
}

static void add_problems(struct verify *v)
{
	if (v->n)
		qsort(v->checks, v->n, sizeof(v->checks[0]), compare_places);
	for (size_t i = 0; i < v->n; i++)
		if (v->checks[i].problem)
			add_problem(v, &v->checks[i]);
}

static const struct column problem_columns[] = {
    {"machine", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
    {"metric", "METRIC", COLUMN_LEFT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_LEFT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_LEFT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_LEFT, COLUMN_ALL},
    {"pair", "PAIR", COLUMN_RIGHT, COLUMN_ALL},
    {"problem", "PROBLEM", COLUMN_CUT, COLUMN_ALL},
    {"raw", "OUTPUT", COLUMN_LEFT, COLUMN_CSV},
};

static void print_problems(struct verify *v)
{
	scoped(table_free) struct table *t =
	    table_new(problem_columns, ARRAY_LEN(problem_columns));
	const json_t *p;
	size_t i;

	json_array_foreach(v->problems, i, p)
	{
		for (size_t k = 0; k < ARRAY_LEN(problem_columns); k++) {
			const char *key = problem_columns[k].key;

			if (str_eq(key, "pair"))
				table_number(t, api_int(p, key));
			else
				table_text(t, api_text(p, key));
		}
	}
	if (i || v->cli->format == FORMAT_CSV)
		table_print(t, &v->cli->out, v->cli->format);
}

static void print_result(struct verify *v, int64_t run)
{
	size_t bad = json_array_size(v->problems);
	scoped(free) char *line =
	    xasprintf("%zu samples verified from %zu raw outputs",
	        v->n_verified, v->n_outputs);

	if (v->cli->format == FORMAT_JSON) {
		scoped(json_decref) json_t *doc =
		    json_pack("{s:I s:I s:I s:O}", "run", (json_int_t)run,
		        "verified", (json_int_t)v->n_verified, "outputs",
		        (json_int_t)v->n_outputs, "problems", v->problems);

		print_json(&v->cli->out, doc);
		return;
	}
	print_problems(v);
	if (v->cli->format == FORMAT_TABLE)
		term_line(&v->cli->out, line);
	if (bad)
		cli_complain(v->cli,
		    "verify: run %" PRId64
		    ": %zu of %zu samples could not be verified",
		    run, bad, v->n);
}

int cmd_verify(struct cli *cli)
{
	scoped_val(verify_done) struct verify v = {
	    cli, NULL, 0, 0, 0, json_array()};
	scoped(json_decref) json_t *answer = NULL;
	const json_t *series;
	int64_t run = 0;
	size_t i;
	int code = cli_id(cli, 1, "run", &run);

	if (code == CLI_OK)
		code = api_samples(cli, run, &answer);
	if (code != CLI_OK)
		return code;
	hash_init();
	json_array_foreach(api_list(answer, "samples"), i, series)
	{
		add_series(&v, series);
	}
	code = check_all(&v);
	if (code != CLI_OK)
		return code;
	add_problems(&v);
	print_result(&v, run);
	return json_array_size(v.problems) ? CLI_FAILED : CLI_OK;
}
