/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the server's documents leniently: a newer server may say more. */
#include "cli/api.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

#define LINE_BYTES 65536

const char *api_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int64_t api_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool api_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

json_t *api_list(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_array(v) ? v : NULL;
}

json_t *api_object(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_object(v) ? v : NULL;
}

struct counts api_counts(const json_t *run)
{
	const json_t *jobs = api_object(run, "jobs");

	return (struct counts){
	    .total = api_int(jobs, "total"),
	    .open = api_int(jobs, "waiting") + api_int(jobs, "running"),
	    .passed = api_int(jobs, "passed"),
	    .failed = api_int(jobs, "failed"),
	    .lab = api_int(jobs, "error"),
	    .disabled = api_int(jobs, "disabled"),
	    .skips = api_int(jobs, "skips"),
	};
}

static void add_count(const struct term *t, struct buf *to, enum tone tone,
    const char *fmt, int64_t n)
{
	scoped(free) char *s = xasprintf(fmt, n);
	scoped_val(buf_done) struct buf clean = BUF_INIT(LINE_BYTES);

	text_clean(&clean, t->set, s);
	buf_puts(to, "  ");
	term_tone(t, to, n ? tone : TONE_DIM, buf_str(&clean));
}

void api_counts_line(
    const struct term *t, const struct counts *c, struct buf *to)
{
	buf_printf(
	    to, "%" PRId64 "/%" PRId64 " ", c->total - c->open, c->total);
	add_count(t, to, TONE_GOOD, "✓ %" PRId64, c->passed);
	add_count(t, to, TONE_BAD, "✗ %" PRId64, c->failed);
	add_count(t, to, TONE_LAB, "!%" PRId64 " lab", c->lab);
	if (c->disabled)
		add_count(t, to, TONE_DIM, "- %" PRId64, c->disabled);
	add_count(t, to, TONE_PLAIN, "… %" PRId64, c->open);
}

enum tone api_status_tone(const char *status)
{
	if (str_eq(status, "success"))
		return TONE_GOOD;
	if (str_eq(status, "fail"))
		return TONE_BAD;
	return str_eq(status, "disabled") ? TONE_DIM : TONE_PLAIN;
}

enum tone api_outcome_tone(
    const char *state, const char *outcome, bool expected)
{
	if (!str_eq(state, "done"))
		return TONE_PLAIN;
	if (str_eq(outcome, "error"))
		return TONE_LAB;
	if (str_eq(outcome, "pass") || expected)
		return TONE_GOOD;
	if (str_eq(outcome, "fail") || str_eq(outcome, "timeout"))
		return TONE_BAD;
	return TONE_DIM;
}

void api_outcome_text(const json_t *job, struct buf *to)
{
	const char *outcome = api_text(job, "outcome");
	const char *layer = api_text(job, "layer");

	if (!str_eq(api_text(job, "state"), "done")) {
		buf_puts(to, api_text(job, "state"));
		return;
	}
	buf_puts(to, outcome);
	if (str_eq(outcome, "error"))
		buf_printf(to, " (%s)", layer);
	if (api_true(job, "expected"))
		buf_puts(to, ", as expected");
	if (api_true(job, "skips"))
		buf_puts(to, ", with skips");
}

bool api_is_bad(const json_t *job)
{
	static const char *const bad[] = {"fail", "timeout", "error"};

	return str_eq(api_text(job, "state"), "done") &&
	    !api_true(job, "expected") &&
	    str_in(api_text(job, "outcome"), bad, ARRAY_LEN(bad));
}

int api_run_exit(const json_t *run)
{
	struct counts c = api_counts(run);

	if (!str_eq(api_text(run, "state"), "done"))
		return CLI_OK;
	if (str_eq(api_text(run, "status"), "fail") || c.failed || c.lab)
		return CLI_FAILED;
	if (str_eq(api_text(run, "status"), "disabled"))
		return CLI_DISABLED;
	return CLI_OK;
}

static int get(struct cli *cli, const char *thing, int64_t id,
    const char *below, const char *hint, json_t **ret)
{
	scoped(free) char *path =
	    xasprintf("/api/v1/%ss/%" PRId64 "%s", thing, id, below);
	scoped(free) char *what = xasprintf("%s %" PRId64, thing, id);
	struct err err = ERR_INIT;
	int r = http_get(cli->http, path, ret, &err);

	return r < 0 ? cli_refused(cli, what, hint, &err) : CLI_OK;
}

int api_run(struct cli *cli, int64_t run, json_t **ret)
{
	return get(cli, "run", run, "", HINT_RUNS, ret);
}

int api_matrix(struct cli *cli, int64_t run, json_t **ret)
{
	return get(cli, "run", run, "/matrix", HINT_RUNS, ret);
}

int api_samples(struct cli *cli, int64_t run, json_t **ret)
{
	return get(cli, "run", run, "/samples", HINT_RUNS, ret);
}

int api_job(struct cli *cli, int64_t job, json_t **ret)
{
	return get(cli, "job", job, "", HINT_JOBS, ret);
}

int api_machines(struct cli *cli, json_t **ret)
{
	struct err err = ERR_INIT;
	int r = http_get(cli->http, "/api/v1/machines", ret, &err);

	return r < 0 ? cli_refused(cli, "machines", NULL, &err) : CLI_OK;
}

void api_field(struct cli *cli, const char *name, const char *value)
{
	scoped(free) char *line = NULL;

	if (!*value)
		return;
	line = xasprintf("%-11s %s", name, value);
	term_line(&cli->out, line);
}
