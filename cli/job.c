/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job: what was tried, what was found, what happened, and why. */
#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/api.h"

/* A heading before a part of the page. */
static void heading(struct cli *cli, const char *title)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(256);

	buf_putc(&line, '\n');
	term_tone(&cli->out, &line, TONE_TITLE, title);
	buf_putc(&line, '\n');
	term_write(&cli->out, &line);
}

static void add_duration(struct table *t, int64_t ms)
{
	scoped_val(buf_done) struct buf s = BUF_INIT(64);
	scoped(free) char *raw = xasprintf("%" PRId64, ms);

	text_duration(&s, ms);
	table_cell(t, TONE_PLAIN, ms ? buf_str(&s) : "", raw);
}

static const struct column attempt_columns[] = {
    {"no", "NO", COLUMN_RIGHT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
    {"outcome", "OUTCOME", COLUMN_LEFT, COLUMN_ALL},
    {"took_ms", "TOOK", COLUMN_RIGHT, COLUMN_WIDE},
    {"log", "LOG", COLUMN_RIGHT, COLUMN_WIDE},
    {"evidence", "EVIDENCE", COLUMN_CUT, COLUMN_ALL},
};

static void add_attempt(struct table *t, const json_t *a)
{
	scoped_val(buf_done) struct buf outcome = BUF_INIT(256);
	scoped_val(buf_done) struct buf log = BUF_INIT(64);
	const json_t *l = api_object(a, "log");
	const char *end = api_text(a, "outcome");

	buf_puts(&outcome, *end && !str_eq(end, "none") ? end : "running");
	if (str_eq(end, "error"))
		buf_printf(&outcome, " (%s)", api_text(a, "layer"));
	if (l) {
		text_size(&log, api_int(l, "size"));
		buf_puts(&log, api_true(l, "open") ? " so far" : "");
	}
	table_number(t, api_int(a, "no"));
	table_text(t, api_text(a, "machine"));
	table_cell(
	    t, api_outcome_tone("done", end, false), buf_str(&outcome), NULL);
	add_duration(t, api_int(a, "took_ms"));
	table_text(t, buf_str(&log));
	table_text(t, api_text(a, "evidence"));
}

static void print_attempts(struct cli *cli, const json_t *job)
{
	scoped(table_free) struct table *t =
	    table_new(attempt_columns, ARRAY_LEN(attempt_columns));
	const json_t *a;
	size_t i;

	json_array_foreach(api_list(job, "attempts"), i, a)
	{
		add_attempt(t, a);
	}
	if (!table_rows(t))
		return;
	heading(cli, "attempts");
	table_print(t, &cli->out, FORMAT_TABLE);
}

static const struct column case_columns[] = {
    {"result", "RESULT", COLUMN_LEFT, COLUMN_ALL},
    {"name", "CASE", COLUMN_CUT, COLUMN_ALL},
    {"text", "TEXT", COLUMN_CUT, COLUMN_ALL},
    {"offset", "OFFSET", COLUMN_RIGHT, COLUMN_WIDE},
};

static enum tone case_tone(const char *result)
{
	if (str_eq(result, "pass"))
		return TONE_GOOD;
	return str_eq(result, "fail") ? TONE_BAD : TONE_DIM;
}

static struct table *cases_of(const json_t *job)
{
	struct table *t = table_new(case_columns, ARRAY_LEN(case_columns));
	const json_t *c;
	size_t i;

	json_array_foreach(api_list(job, "cases"), i, c)
	{
		const char *result = api_text(c, "result");

		table_cell(t, case_tone(result), result, NULL);
		table_text(t, api_text(c, "name"));
		table_text(t, api_text(c, "text"));
		table_number(t, api_int(c, "offset"));
	}
	return t;
}

static void print_cases(struct cli *cli, const json_t *job)
{
	scoped(table_free) struct table *t = cases_of(job);

	if (cli->format == FORMAT_TABLE) {
		if (!table_rows(t))
			return;
		heading(cli, "cases");
	}
	table_print(t, &cli->out, cli->format);
}

static const struct column event_columns[] = {
    {"at_ms", "AT (UTC)", COLUMN_LEFT, COLUMN_ALL},
    {"event", "EVENT", COLUMN_LEFT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
    {"text", "", COLUMN_CUT, COLUMN_ALL},
};

static void add_event(struct table *t, const json_t *e)
{
	scoped_val(buf_done) struct buf at = BUF_INIT(64);
	scoped_val(buf_done) struct buf text = BUF_INIT(8192);
	const char *outcome = api_text(e, "outcome");

	text_time(&at, api_int(e, "at_ms"));
	buf_puts(&text, str_eq(outcome, "none") ? "" : outcome);
	if (str_eq(outcome, "error"))
		buf_printf(&text, " (%s)", api_text(e, "layer"));
	if (text.len && *api_text(e, "text"))
		buf_puts(&text, ": ");
	buf_puts(&text, api_text(e, "text"));
	table_text(t, buf_str(&at));
	table_text(t, api_text(e, "event"));
	table_text(t, api_text(e, "machine"));
	table_text(t, buf_str(&text));
}

static void print_events(struct cli *cli, const json_t *job)
{
	scoped(table_free) struct table *t =
	    table_new(event_columns, ARRAY_LEN(event_columns));
	const json_t *e;
	size_t i;

	json_array_foreach(api_list(job, "events"), i, e)
	{
		add_event(t, e);
	}
	if (!table_rows(t))
		return;
	heading(cli, "events");
	table_print(t, &cli->out, FORMAT_TABLE);
}

static const struct column sample_columns[] = {
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_LEFT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_LEFT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_LEFT, COLUMN_ALL},
    {"n", "N", COLUMN_RIGHT, COLUMN_ALL},
    {"mean", "MEAN", COLUMN_RIGHT, COLUMN_ALL},
    {"unit", "UNIT", COLUMN_LEFT, COLUMN_ALL},
};

static void add_sample(struct table *t, const json_t *s)
{
	const json_t *values = api_list(s, "values");
	size_t n = json_array_size(values);
	scoped(free) char *mean = NULL;
	const json_t *v;
	double sum = 0;
	size_t i;

	json_array_foreach(values, i, v)
	{
		sum += json_number_value(v);
	}
	mean = n ? xasprintf("%.4g", sum / (double)n) : xstrdup("");
	table_text(t, api_text(s, "metric"));
	table_text(t, api_text(s, "variant"));
	table_text(t, api_text(s, "guest"));
	table_text(t, api_text(s, "controller"));
	table_number(t, (int64_t)n);
	table_text(t, mean);
	table_text(t, api_text(s, "unit"));
}

static void print_samples(struct cli *cli, const json_t *job)
{
	scoped(table_free) struct table *t =
	    table_new(sample_columns, ARRAY_LEN(sample_columns));
	const json_t *s;
	size_t i;

	json_array_foreach(api_list(job, "samples"), i, s)
	{
		add_sample(t, s);
	}
	if (!table_rows(t))
		return;
	heading(cli, "samples");
	table_print(t, &cli->out, FORMAT_TABLE);
}

static void print_head(struct cli *cli, const json_t *job)
{
	scoped_val(buf_done) struct buf outcome = BUF_INIT(512);
	scoped_val(buf_done) struct buf line = BUF_INIT(1024);
	scoped_val(buf_done) struct buf sign = BUF_INIT(64);
	scoped(free) char *title =
	    xasprintf("job %" PRId64 "  %s on %s  (run %" PRId64 ")",
	        api_int(job, "id"), api_text(job, "item"),
	        api_text(job, "platform"), api_int(job, "run"));

	term_line(&cli->out, title);
	text_clean(&sign, cli->out.set, api_text(job, "sign"));
	api_outcome_text(job, &outcome);
	term_tone(&cli->out, &line,
	    api_outcome_tone(api_text(job, "state"), api_text(job, "outcome"),
	        api_true(job, "expected")),
	    buf_str(&sign));
	buf_printf(&line, " %s", buf_str(&outcome));
	if (api_int(job, "took_ms")) {
		buf_puts(&line, ", ");
		text_duration(&line, api_int(job, "took_ms"));
	}
	buf_putc(&line, '\n');
	term_write(&cli->out, &line);
}

/* Only an ended job has failed or not. */
static int exit_of(const struct cli *cli, const json_t *job)
{
	static const char *const off[] = {"cancelled", "disabled"};

	if (!options_has(&cli->opts, OPT_EXIT_STATUS))
		return CLI_OK;
	if (api_is_bad(job))
		return CLI_FAILED;
	return str_in(api_text(job, "outcome"), off, ARRAY_LEN(off))
	    ? CLI_DISABLED
	    : CLI_OK;
}

int cmd_job(struct cli *cli)
{
	scoped(json_decref) json_t *job = NULL;
	int64_t id = 0;
	int code = cli_id(cli, 1, "job", &id);

	if (code == CLI_OK)
		code = api_job(cli, id, &job);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, job);
	} else if (cli->format == FORMAT_CSV) {
		print_cases(cli, job);
	} else {
		print_head(cli, job);
		print_attempts(cli, job);
		print_cases(cli, job);
		print_samples(cli, job);
		print_events(cli, job);
	}
	return exit_of(cli, job);
}

/* The answer may have several lines; each is cleaned on its own. */
static void print_lines(struct cli *cli, const char *text)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		scoped(free) char *line = xstrndup(text, (size_t)(end - text));

		term_line(&cli->out, line);
		text = *end ? end + 1 : end;
	}
}

int cmd_why(struct cli *cli)
{
	static const struct column columns[] = {
	    {"job", "JOB", COLUMN_RIGHT, COLUMN_ALL},
	    {"why", "WHY", COLUMN_CUT, COLUMN_ALL},
	};
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped(json_decref) json_t *answer = NULL;
	scoped(free) char *path = NULL;
	scoped(free) char *what = NULL;
	struct err err = ERR_INIT;
	int64_t id = 0;
	int code = cli_id(cli, 1, "job", &id);

	if (code != CLI_OK)
		return code;
	path = xasprintf("/api/v1/jobs/%" PRId64 "/why", id);
	what = xasprintf("job %" PRId64, id);
	if (http_get(cli->http, path, &answer, &err) < 0)
		return cli_refused(cli, what, HINT_JOBS, &err);
	table_number(t, id);
	table_text(t, api_text(answer, "why"));
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (cli->format == FORMAT_CSV)
		table_print(t, &cli->out, FORMAT_CSV);
	else
		print_lines(cli, api_text(answer, "why"));
	return CLI_OK;
}
