/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of runs, and what can be done with one. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api.h"
#include "cli/junit.h"

#define PAGE_MOST 500 /* the server's limit for one answer */
#define RUNS_MOST 100000
#define QUERY_BYTES 8192

static const struct column run_columns[] = {
    {"id", "RUN", COLUMN_RIGHT, COLUMN_ALL},
    {"name", "NAME", COLUMN_CUT, COLUMN_ALL},
    {"project", "PROJECT", COLUMN_LEFT, COLUMN_CSV},
    {"commit", "COMMIT", COLUMN_LEFT, COLUMN_CSV},
    {"user", "USER", COLUMN_LEFT, COLUMN_CSV},
    {"priority", "PRIORITY", COLUMN_RIGHT, COLUMN_CSV},
    {"status", "STATUS", COLUMN_LEFT, COLUMN_ALL},
    {"total", "TOTAL", COLUMN_RIGHT, COLUMN_ALL},
    {"running", "RUNNING", COLUMN_RIGHT, COLUMN_WIDE},
    {"passed", "PASSED", COLUMN_RIGHT, COLUMN_ALL},
    {"failed", "FAILED", COLUMN_RIGHT, COLUMN_ALL},
    {"lab", "", COLUMN_LEFT, COLUMN_ALL},
    {"disabled", "DISABLED", COLUMN_RIGHT, COLUMN_WIDE},
    {"created_at_ms", "STARTED", COLUMN_RIGHT, COLUMN_ALL},
    {"ended_at_ms", "TOOK", COLUMN_RIGHT, COLUMN_WIDE},
};

static void add_number(struct table *t, enum tone tone, int64_t v)
{
	scoped(free) char *s = xasprintf("%" PRId64, v);

	table_cell(t, v ? tone : TONE_DIM, s, NULL);
}

/* For people: what ago, or how long; for programs: the time. */
static void add_times(struct table *t, const json_t *run)
{
	int64_t created = api_int(run, "created_at_ms");
	int64_t ended = api_int(run, "ended_at_ms");
	scoped_val(buf_done) struct buf ago = BUF_INIT(64);
	scoped_val(buf_done) struct buf took = BUF_INIT(64);
	scoped(free) char *raw_created = xasprintf("%" PRId64, created);
	scoped(free) char *raw_ended = xasprintf("%" PRId64, ended);

	text_duration(&ago, clock_wall_ms() - created);
	buf_puts(&ago, " ago");
	if (ended)
		text_duration(&took, ended - created);
	table_cell(t, TONE_PLAIN, buf_str(&ago), raw_created);
	table_cell(t, TONE_PLAIN, buf_str(&took), ended ? raw_ended : "");
}

static void add_run(struct table *t, const json_t *run)
{
	struct counts c = api_counts(run);
	const char *status = api_text(run, "status");
	scoped(free) char *lab = NULL;
	scoped(free) char *raw = xasprintf("%" PRId64, c.lab);

	table_number(t, api_int(run, "id"));
	table_text(t, api_text(run, "name"));
	table_text(t, api_text(run, "project"));
	table_text(t, api_text(run, "commit"));
	table_text(t, api_text(run, "user"));
	table_number(t, api_int(run, "priority"));
	table_cell(t, api_status_tone(status), status, NULL);
	table_number(t, c.total);
	add_number(t, TONE_PLAIN, c.open);
	add_number(t, TONE_GOOD, c.passed);
	/* Failed counts the lab's errors, and says how many they are. */
	add_number(t, c.failed ? TONE_BAD : TONE_LAB, c.failed + c.lab);
	lab = c.lab ? xasprintf("(lab %" PRId64 ")", c.lab) : xstrdup("");
	table_cell(t, TONE_LAB, lab, raw);
	add_number(t, TONE_PLAIN, c.disabled);
	add_times(t, run);
}

static void print_runs(struct cli *cli, const json_t *runs)
{
	scoped(table_free) struct table *t =
	    table_new(run_columns, ARRAY_LEN(run_columns));
	const json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		add_run(t, run);
	}
	if (!table_rows(t) && cli->format == FORMAT_TABLE)
		cli_note(cli, "no runs; \"ironbench submit SUITE\" starts one");
	else
		table_print(t, &cli->out, cli->format);
}

/* One page: at most n runs that are older than `before` (0: the newest). */
static int get_page(struct cli *cli, int64_t n, int64_t before, json_t **ret)
{
	const char *name = cli->opts.value[OPT_NAME];
	scoped_val(buf_done) struct buf path = BUF_INIT(QUERY_BYTES);
	struct err err = ERR_INIT;

	buf_printf(&path, "/api/v1/runs?limit=%" PRId64,
	    n < PAGE_MOST ? n : PAGE_MOST);
	if (before)
		buf_printf(&path, "&before=%" PRId64, before);
	if (name) {
		buf_puts(&path, "&name=");
		http_escape(&path, name);
	}
	if (path.failed)
		return cli_bad(cli, "--name: too long");
	if (http_get(cli->http, buf_str(&path), ret, &err) < 0)
		return cli_refused(cli, "runs", NULL, &err);
	return CLI_OK;
}

int cmd_runs(struct cli *cli)
{
	const char *given = cli->opts.value[OPT_LIMIT];
	scoped(json_decref) json_t *first = NULL;
	json_t *all = NULL; /* the first page's list, with the others added */
	struct err err = ERR_INIT;
	int64_t left = 25;
	int code;

	if (given && str_to_i64(given, 1, RUNS_MOST, &left, &err) < 0)
		return cli_bad(cli, "--limit: %s", err.msg);
	code = get_page(cli, left, 0, &first);
	if (code != CLI_OK)
		return code;
	all = api_list(first, "runs");
	left -= (int64_t)json_array_size(all);
	while (left > 0 && json_array_size(all) % PAGE_MOST == 0 &&
	    json_array_size(all)) {
		scoped(json_decref) json_t *page = NULL;
		json_t *last = json_array_get(all, json_array_size(all) - 1);

		code = get_page(cli, left, api_int(last, "id"), &page);
		if (code != CLI_OK)
			return code;
		if (!json_array_size(api_list(page, "runs")))
			break;
		(void)json_array_extend(all, api_list(page, "runs"));
		left -= (int64_t)json_array_size(api_list(page, "runs"));
	}
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, first);
	else
		print_runs(cli, all);
	return CLI_OK;
}

static void print_link(struct cli *cli, const json_t *run)
{
	api_field(cli, "project", api_text(run, "project"));
	api_field(cli, "suite", api_text(run, "suite"));
	api_field(cli, "commit", api_text(run, "commit"));
	api_field(cli, "link", api_text(run, "link"));
	api_field(cli, "user", api_text(run, "user"));
	if (api_int(run, "rerun_of")) {
		scoped(free) char *of =
		    xasprintf("only what failed in run %" PRId64,
		        api_int(run, "rerun_of"));

		api_field(cli, "jobs of", of);
	}
}

static void print_head(struct cli *cli, const json_t *run)
{
	struct counts c = api_counts(run);
	scoped_val(buf_done) struct buf line = BUF_INIT(4096);
	scoped_val(buf_done) struct buf when = BUF_INIT(128);
	scoped(free) char *title = xasprintf(
	    "run %" PRId64 "  %s", api_int(run, "id"), api_text(run, "name"));
	scoped(free) char *priority =
	    xasprintf("%" PRId64, api_int(run, "priority"));
	const char *status = api_text(run, "status");
	int64_t ended = api_int(run, "ended_at_ms");

	term_line(&cli->out, title);
	print_link(cli, run);
	api_field(cli, "priority", priority);
	text_time(&when, api_int(run, "created_at_ms"));
	buf_puts(&when, " UTC");
	if (ended) {
		buf_puts(&when, ", took ");
		text_duration(&when, ended - api_int(run, "created_at_ms"));
	}
	api_field(cli, "started", buf_str(&when));
	buf_printf(&line, "%-11s ", "status");
	term_tone(&cli->out, &line, api_status_tone(status), status);
	buf_printf(&line, "\n%-11s ", "jobs");
	api_counts_line(&cli->out, &c, &line);
	buf_putc(&line, '\n');
	term_write(&cli->out, &line);
}

static const struct column bad_columns[] = {
    {"sign", "", COLUMN_LEFT, COLUMN_ALL},
    {"item", "ITEM", COLUMN_CUT, COLUMN_ALL},
    {"platform", "PLATFORM", COLUMN_LEFT, COLUMN_ALL},
    {"job", "JOB", COLUMN_RIGHT, COLUMN_ALL},
};

/* What is red: the jobs that a person would look at first. */
static void print_bad(struct cli *cli, const json_t *matrix)
{
	scoped(table_free) struct table *t =
	    table_new(bad_columns, ARRAY_LEN(bad_columns));
	const json_t *items = api_list(matrix, "items");
	const json_t *platforms = api_list(matrix, "platforms");
	const json_t *row;
	const json_t *cell;
	size_t y;
	size_t x;

	json_array_foreach(api_list(matrix, "rows"), y, row)
	{
		json_array_foreach(row, x, cell)
		{
			if (!api_is_bad(cell))
				continue;
			table_cell(t,
			    api_outcome_tone(
			        "done", api_text(cell, "outcome"), false),
			    api_text(cell, "sign"), NULL);
			table_text(
			    t, json_string_value(json_array_get(items, y)));
			table_text(
			    t, json_string_value(json_array_get(platforms, x)));
			table_number(t, api_int(cell, "job"));
		}
	}
	if (!table_rows(t))
		return;
	(void)fputc('\n', cli->out.file); /* as term_write() */
	table_print(t, &cli->out, FORMAT_TABLE);
	term_line(&cli->out,
	    "\"ironbench job JOB\" says what happened, "
	    "\"ironbench logs JOB\" prints its log");
}

int cmd_show(struct cli *cli)
{
	scoped(json_decref) json_t *run = NULL;
	scoped(json_decref) json_t *matrix = NULL;
	int64_t id = 0;
	int code = cli_id(cli, 1, "run", &id);

	if (code == CLI_OK)
		code = api_run(cli, id, &run);
	if (code == CLI_OK &&
	    (cli->format == FORMAT_TABLE || cli->format == FORMAT_JUNIT))
		code = api_matrix(cli, id, &matrix);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, run);
	} else if (cli->format == FORMAT_JUNIT) {
		junit_print(cli, run, matrix);
	} else if (cli->format == FORMAT_CSV) {
		scoped(json_decref) json_t *one = json_pack("[O]", run);

		print_runs(cli, one);
	} else {
		print_head(cli, run);
		print_bad(cli, matrix);
	}
	return options_has(&cli->opts, OPT_EXIT_STATUS) ? api_run_exit(run)
	                                                : CLI_OK;
}

/* POST /api/v1/runs/ID/WHAT with a body, or NULL for none. */
static int act(struct cli *cli, const char *what, const json_t *body,
    int64_t *ret_run, json_t **ret)
{
	scoped(free) char *path = NULL;
	scoped(free) char *thing = NULL;
	struct err err = ERR_INIT;
	int code = cli_id(cli, 1, "run", ret_run);

	if (code != CLI_OK)
		return code;
	path = xasprintf("/api/v1/runs/%" PRId64 "/%s", *ret_run, what);
	thing = xasprintf("%s run %" PRId64, what, *ret_run);
	if (http_post(cli->http, path, body, ret, &err) < 0)
		return cli_refused(cli, thing, HINT_RUNS, &err);
	return CLI_OK;
}

/* One object as CSV: its numbers and texts, in one row. */
static void print_flat(struct cli *cli, const char *key, int64_t v)
{
	struct column column = {key, key, COLUMN_LEFT, COLUMN_ALL};
	scoped(table_free) struct table *t = table_new(&column, 1);

	table_number(t, v);
	table_print(t, &cli->out, FORMAT_CSV);
}

int cmd_cancel(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	scoped(free) char *line = NULL;
	int64_t run = 0;
	int64_t n;
	int code = act(cli, "cancel", NULL, &run, &answer);

	if (code != CLI_OK)
		return code;
	n = api_int(answer, "cancelled");
	line = xasprintf("run %" PRId64 ": %" PRId64 " job%s cancelled", run, n,
	    n == 1 ? "" : "s");
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (cli->format == FORMAT_CSV)
		print_flat(cli, "cancelled", n);
	else
		term_line(&cli->out, line);
	return CLI_OK;
}

int cmd_rerun(struct cli *cli)
{
	scoped(json_decref) json_t *body = options_has(&cli->opts, OPT_FAILED)
	    ? json_pack("{ss}", "only", "failed")
	    : NULL;
	scoped(json_decref) json_t *answer = NULL;
	scoped(free) char *line = NULL;
	int64_t old = 0;
	int64_t run;
	int code = act(cli, "rerun", body, &old, &answer);

	if (code != CLI_OK)
		return code;
	run = api_int(answer, "id");
	line = xasprintf("%" PRId64, run);
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (cli->format == FORMAT_CSV)
		print_flat(cli, "id", run);
	else
		term_line(&cli->out, line);
	if (options_has(&cli->opts, OPT_WATCH)) {
		(void)fflush(stdout); /* looked at in cli_main() */
		return watch_run(cli, run, &cli->errs);
	}
	return CLI_OK;
}
