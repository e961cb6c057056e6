/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the candidate costs, a table a metric. The server has computed it: here
 * it is only laid out.
 */
#include "cli/overhead.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"
#include "cli/date.h"
#include "cli/suggest.h"

#define LINE_BYTES 65536
#define I2_MUCH .5 /* from here on a mean over machines says little */

/* ---- the long table ----------------------------------------------------- */

static const struct column long_columns[] = {
    {"metric", "", COLUMN_LEFT, COLUMN_CSV},
    {"machine", "machine", COLUMN_CUT, COLUMN_ALL},
    {"guest", "guest", COLUMN_CUT, COLUMN_ALL},
    {"controller", "controller", COLUMN_CUT, COLUMN_ALL},
    {"overhead", "overhead", COLUMN_LEFT, COLUMN_ALL},
    {"lo", "", COLUMN_LEFT, COLUMN_CSV},
    {"hi", "", COLUMN_LEFT, COLUMN_CSV},
    {"", "interval", COLUMN_LEFT, COLUMN_TABLE},
    {"n", "n", COLUMN_RIGHT, COLUMN_ALL},
    {"method", "method", COLUMN_LEFT, COLUMN_WIDE},
    {"p", "p", COLUMN_LEFT, COLUMN_WIDE},
    {"verdict", "verdict", COLUMN_LEFT, COLUMN_ALL},
    {"baseline_mean", "", COLUMN_LEFT, COLUMN_CSV},
    {"candidate_mean", "", COLUMN_LEFT, COLUMN_CSV},
};

/* For people shortly, for programs with every digit; nothing if not known. */
static void add_number(
    struct table *t, enum tone tone, const char *shown, double v)
{
	char raw[40] = "";

	if (!isnan(v))
		(void)snprintf(raw, sizeof(raw), "%.17g", v);
	table_cell(t, tone, shown, raw);
}

static void add_interval(struct table *t, const json_t *cell)
{
	const json_t *interval = api_list(cell, "interval");
	scoped_val(buf_done) struct buf s = BUF_INIT(256);

	for (size_t i = 0; i < 2; i++) {
		const json_t *v = json_array_get(interval, i);

		add_number(
		    t, TONE_PLAIN, "", v ? json_number_value(v) : (double)NAN);
	}
	overhead_interval(interval, &s);
	table_cell(t, TONE_DIM, buf_str(&s), NULL);
}

static void long_row(struct table *t, const char *metric, const char *machine,
    const json_t *place, const json_t *cell)
{
	const char *verdict = api_text(cell, "verdict");
	enum tone tone = overhead_tone(verdict);
	double p = overhead_number(cell, "p");
	char text[BENCH_RATIO_TEXT];

	table_text(t, metric);
	table_text(t, machine);
	table_text(t, api_text(place, "guest"));
	table_text(t, api_text(place, "controller"));
	add_number(t, tone,
	    bench_ratio_text(overhead_number(cell, "overhead"), text),
	    overhead_number(cell, "overhead"));
	add_interval(t, cell);
	table_number(t, api_int(cell, json_object_get(cell, "n") ? "n" : "k"));
	table_text(t, api_text(cell, "method"));
	(void)snprintf(text, sizeof(text), "%.2g", p);
	add_number(t, TONE_PLAIN, isnan(p) ? "" : text, p);
	table_cell(t, tone, verdict, NULL);
	add_number(t, TONE_PLAIN, "", overhead_number(cell, "baseline_mean"));
	add_number(t, TONE_PLAIN, "", overhead_number(cell, "candidate_mean"));
}

static void long_rows(struct table *t, const json_t *table)
{
	const json_t *row;
	const json_t *place;
	size_t y;
	size_t x;

	json_array_foreach(api_list(table, "rows"), y, row)
	{
		json_array_foreach(api_list(table, "columns"), x, place)
		{
			const json_t *cell = overhead_cell(table, y, x);

			if (json_is_object(cell))
				long_row(t, api_text(table, "metric"),
				    api_text(row, "machine"), place, cell);
		}
	}
}

static void long_geomeans(struct table *t, const json_t *table)
{
	const json_t *place;
	size_t x;

	json_array_foreach(api_list(table, "columns"), x, place)
	{
		if (json_is_object(overhead_geomean(table, x)))
			long_row(t, "", "geomean", place,
			    overhead_geomean(table, x));
	}
}

static void print_long(struct cli *cli, const json_t *table)
{
	scoped(table_free) struct table *t =
	    table_new(long_columns, ARRAY_LEN(long_columns));

	long_rows(t, table);
	long_geomeans(t, table);
	table_print(t, &cli->out, cli->format);
}

/* ---- what stands around a table ----------------------------------------- */

static void text_line(struct cli *cli, const char *s)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);

	if (cli->format == FORMAT_MARKDOWN) {
		buf_putc(&line, '\n');
		markdown_text(&line, s);
		buf_putc(&line, '\n');
		term_write(&cli->out, &line);
	} else {
		term_line(&cli->out, s);
	}
}

static void print_title(struct cli *cli, const json_t *table)
{
	scoped(free) char *line =
	    xasprintf("%s (%s)   baseline %s   candidate %s",
	        api_text(table, "metric"), api_text(table, "unit"),
	        api_text(table, "baseline"), api_text(table, "candidate"));

	text_line(cli, line);
	if (cli->format == FORMAT_MARKDOWN)
		term_line(&cli->out, "");
}

static void print_remarks(struct cli *cli, const json_t *table)
{
	bool counts = !overhead_same_count(table);
	const json_t *g;
	size_t x;

	json_array_foreach(api_list(table, "geomean"), x, g)
	{
		scoped(free) char *name = overhead_place(
		    json_array_get(api_list(table, "columns"), x), " ");
		scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);

		if (counts && json_is_object(g))
			buf_printf(&line,
			    ", geomean of %" PRId64 " of %" PRId64 " machines",
			    api_int(g, "k"), api_int(g, "m"));
		if (overhead_number(g, "i2") >= I2_MUCH)
			buf_printf(&line,
			    ", machines differ (I2 %.0f %%): read the rows",
			    100 * overhead_number(g, "i2"));
		if (line.len) {
			scoped(free) char *text =
			    xasprintf("%s: %s", name, buf_str(&line) + 2);

			text_line(cli, text);
		}
	}
}

static void print_tables(struct cli *cli, const json_t *tables)
{
	const json_t *table;
	size_t i;

	json_array_foreach(tables, i, table)
	{
		if (i)
			term_line(&cli->out, "");
		print_title(cli, table);
		if (options_has(&cli->opts, OPT_LONG))
			print_long(cli, table);
		else
			overhead_print_wide(cli, table);
		print_remarks(cli, table);
		text_line(cli, api_text(table, "definition"));
	}
}

/* ---- the command -------------------------------------------------------- */

static int several(struct cli *cli, int64_t run, const char *names)
{
	scoped(free) char *who =
	    run ? xasprintf("run %" PRId64 " has", run) : xstrdup("there are");

	return cli_bad(cli,
	    "overhead: %s several metrics: %s (--metric names one, or --long "
	    "has all)",
	    who, names);
}

static int print_csv(struct cli *cli, int64_t run, const json_t *tables)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(LINE_BYTES);
	scoped(table_free) struct table *t =
	    table_new(long_columns, ARRAY_LEN(long_columns));
	const json_t *table;
	size_t i;

	json_array_foreach(tables, i, table)
	{
		buf_printf(
		    &names, "%s%s", i ? ", " : "", api_text(table, "metric"));
		long_rows(t, table);
	}
	if (options_has(&cli->opts, OPT_LONG))
		table_print(t, &cli->out, FORMAT_CSV);
	else if (i > 1)
		return several(cli, run, buf_str(&names));
	else if (i)
		overhead_print_wide(cli, json_array_get(tables, 0));
	return CLI_OK;
}

static void print_notes(struct cli *cli, const json_t *answer)
{
	const json_t *note;
	size_t i;

	json_array_foreach(api_list(answer, "notes"), i, note)
	{
		if (json_is_string(note))
			cli_note(cli, "%s", json_string_value(note));
	}
}

static void query_text(struct cli *cli, struct buf *path, enum option_id option)
{
	const char *value = cli->opts.value[option];

	if (!value)
		return;
	buf_putc(path, strchr(buf_str(path), '?') ? '&' : '?');
	buf_puts(path, option_row(option)->name);
	buf_putc(path, '=');
	http_escape(path, value);
}

static int query_date(struct cli *cli, struct buf *path, enum option_id option)
{
	const char *value = cli->opts.value[option];
	struct err err = ERR_INIT;
	int64_t ms;

	if (!value)
		return CLI_OK;
	if (date_parse(value, &ms, &err) < 0)
		return cli_bad(
		    cli, "--%s: %s", option_row(option)->name, err.msg);
	buf_printf(path, "%c%s=%" PRId64,
	    strchr(buf_str(path), '?') ? '&' : '?', option_row(option)->name,
	    ms);
	return CLI_OK;
}

/* What no server need be asked for. */
static int check_options(struct cli *cli)
{
	const char *const *v = cli->opts.value;
	struct err err = ERR_INIT;
	int64_t since = 0;
	int64_t until = 0;

	if (!v[OPT_BASELINE] != !v[OPT_CANDIDATE])
		return cli_bad(cli,
		    "overhead: --baseline and --candidate are given together");
	if (v[OPT_SINCE] && v[OPT_UNTIL] &&
	    date_parse(v[OPT_SINCE], &since, &err) == 0 &&
	    date_parse(v[OPT_UNTIL], &until, &err) == 0 && until <= since)
		return cli_bad(cli,
		    "overhead: --until %s is not after --since %s",
		    v[OPT_UNTIL], v[OPT_SINCE]);
	return CLI_OK;
}

/* What is asked for: of one run alone, or of all. */
static int make_path(struct cli *cli, int64_t run, struct buf *path)
{
	bool plain = run && !cli->opts.value[OPT_BASELINE] &&
	    !cli->opts.value[OPT_CANDIDATE] && !cli->opts.value[OPT_BY];
	int code = CLI_OK;

	if (run && (cli->opts.value[OPT_SINCE] || cli->opts.value[OPT_UNTIL]))
		return cli_bad(cli,
		    "overhead: a run and --since or --until exclude "
		    "each other (leave one out)");
	if (plain)
		buf_printf(path, "/api/v1/runs/%" PRId64 "/overhead", run);
	else if (run)
		buf_printf(path, "/api/v1/overhead?run=%" PRId64, run);
	else
		buf_puts(path, "/api/v1/overhead");
	query_text(cli, path, OPT_METRIC);
	query_text(cli, path, OPT_BASELINE);
	query_text(cli, path, OPT_CANDIDATE);
	query_text(cli, path, OPT_BY);
	code = query_date(cli, path, OPT_SINCE);
	if (code == CLI_OK)
		code = query_date(cli, path, OPT_UNTIL);
	if (code == CLI_OK && path->failed)
		code = cli_bad(cli, "overhead: an option is too long");
	return code;
}

static int ask(struct cli *cli, int64_t run, json_t **ret)
{
	scoped(free) char *what = run
	    ? xasprintf("overhead of run %" PRId64, run)
	    : xstrdup("overhead");
	scoped_val(buf_done) struct buf path = BUF_INIT(LINE_BYTES);
	scoped(free) char *hint = NULL;
	struct err err = ERR_INIT;
	int code = check_options(cli);

	if (code == CLI_OK)
		code = make_path(cli, run, &path);
	if (code != CLI_OK ||
	    http_get(cli->http, buf_str(&path), ret, &err) == 0)
		return code;
	/* Known or not, what there is helps. */
	if (err.kind == ERR_INVAL && str_starts(err.msg, "metric "))
		err.kind = ERR_NOTFOUND;
	if (str_starts(err.msg, "metric "))
		hint = suggest_metric(
		    cli, cli->opts.value[OPT_METRIC], HINT_METRICS);
	else
		hint = run ? xstrdup(HINT_RUNS) : NULL;
	return cli_refused(cli, what, hint, &err);
}

/* The run by argument or option; 0: all. */
static int read_run(struct cli *cli, int64_t *ret)
{
	const char *option = cli->opts.value[OPT_RUN];
	struct err err = ERR_INIT;

	*ret = 0;
	if (cli->opts.n_args > 1 && option)
		return cli_bad(cli, "overhead: the run is given twice");
	if (cli->opts.n_args > 1)
		return cli_id(cli, 1, "run", ret);
	if (option && str_to_i64(option, 1, INT64_MAX, ret, &err) < 0)
		return cli_bad(cli, "--run: %s (%s)", err.msg, HINT_RUNS);
	return CLI_OK;
}

static void note_nothing(struct cli *cli, int64_t run)
{
	const char *const *v = cli->opts.value;

	if (v[OPT_BASELINE] && v[OPT_CANDIDATE])
		cli_note(cli,
		    "there is nothing to compare of %s and %s (" HINT_VARIANTS
		    ")",
		    v[OPT_BASELINE], v[OPT_CANDIDATE]);
	else if (run)
		cli_note(
		    cli, "run %" PRId64 " has nothing to compare (yet)", run);
	else
		cli_note(cli, "there is nothing to compare (yet)");
}

int cmd_overhead(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	const json_t *tables;
	int64_t run = 0;
	int code = read_run(cli, &run);

	if (code == CLI_OK)
		code = ask(cli, run, &answer);
	if (code != CLI_OK)
		return code;
	tables = api_list(answer, "tables");
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, answer);
		return CLI_OK;
	}
	print_notes(cli, answer);
	if (!json_array_size(tables))
		note_nothing(cli, run);
	if (cli->format == FORMAT_CSV)
		return print_csv(cli, run, tables);
	print_tables(cli, tables);
	return CLI_OK;
}
