/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two runs, commits, branches or variants: what got worse, better, stayed. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/overhead.h"
#include "cli/series.h"
#include "cli/suggest.h"

#define LINE_BYTES 65536

static const struct column columns[] = {
    {"verdict", "VERDICT", COLUMN_LEFT, COLUMN_ALL},
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_CUT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_CUT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_CUT, COLUMN_ALL},
    {"method", "METHOD", COLUMN_LEFT, COLUMN_WIDE},
    {"ratio", "RATIO", COLUMN_LEFT, COLUMN_ALL},
    {"interval", "INTERVAL", COLUMN_LEFT, COLUMN_TABLE},
    {"lo", "", COLUMN_LEFT, COLUMN_CSV},
    {"hi", "", COLUMN_LEFT, COLUMN_CSV},
    {"mean_a", "A", COLUMN_RIGHT, COLUMN_WIDE},
    {"mean_b", "B", COLUMN_RIGHT, COLUMN_WIDE},
    {"unit", "UNIT", COLUMN_LEFT, COLUMN_WIDE},
    {"n_a", "", COLUMN_LEFT, COLUMN_CSV},
    {"n_b", "", COLUMN_LEFT, COLUMN_CSV},
    {"p", "", COLUMN_LEFT, COLUMN_CSV},
    {"p_adjusted", "", COLUMN_LEFT, COLUMN_CSV},
    {"more", "NEEDS", COLUMN_LEFT, COLUMN_ALL},
};

/* ---- rows --------------------------------------------------------------- */

static double item(const json_t *o, const char *key, size_t i)
{
	const json_t *v = json_array_get(api_list(o, key), i);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void add_more(struct table *t, const json_t *row)
{
	int64_t more = api_int(row, "more");
	scoped(free) char *shown = more
	    ? xasprintf("%" PRId64 " more pair%s", more, more == 1 ? "" : "s")
	    : xstrdup("");
	scoped(free) char *raw = xasprintf("%" PRId64, more);

	table_cell(t, TONE_DIM, shown, raw);
}

static void add_row(struct table *t, const json_t *row)
{
	const char *verdict = api_text(row, "verdict");
	enum tone tone = overhead_tone(verdict);

	table_cell(t, tone, verdict, NULL);
	table_text(t, api_text(row, "metric"));
	table_text(t, api_text(row, "machine"));
	table_text(t, api_text(row, "variant"));
	table_text(t, api_text(row, "guest"));
	table_text(t, api_text(row, "controller"));
	table_cell(t, TONE_DIM, api_text(row, "method"), NULL);
	series_ratio(t, tone, row);
	series_number(t, TONE_PLAIN, item(row, "interval", 0));
	series_number(t, TONE_PLAIN, item(row, "interval", 1));
	series_number(t, TONE_PLAIN, item(row, "mean", 0));
	series_number(t, TONE_PLAIN, item(row, "mean", 1));
	table_text(t, api_text(row, "unit"));
	series_number(t, TONE_PLAIN, item(row, "n", 0));
	series_number(t, TONE_PLAIN, item(row, "n", 1));
	series_number(t, TONE_PLAIN, overhead_number(row, "p"));
	series_number(t, TONE_PLAIN, overhead_number(row, "p_adjusted"));
	add_more(t, row);
}

static void print_rows(struct cli *cli, const json_t *answer)
{
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	const json_t *row;
	size_t i;

	json_array_foreach(api_list(answer, "rows"), i, row)
	{
		add_row(t, row);
	}
	if (table_rows(t) || cli->format == FORMAT_CSV)
		table_print(t, &cli->out, cli->format);
}

/* ---- around them -------------------------------------------------------- */

static void side_text(struct buf *to, const char *letter, const json_t *side)
{
	const char *project = api_text(side, "project");
	const char *variant = api_text(side, "variant");

	buf_printf(to, "%s = run %" PRId64 " %s%s%s", letter,
	    api_int(side, "run"), project, *project ? "/" : "",
	    api_text(side, "name"));
	if (*api_text(side, "commit")) {
		buf_puts(to, " at ");
		series_commit(side, "commit", to);
	}
	if (*variant)
		buf_printf(to, ", only %s", variant);
}

static void text_line(struct cli *cli, const struct buf *line)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(LINE_BYTES);

	if (cli->format != FORMAT_MARKDOWN) {
		term_line(&cli->out, line->data);
		return;
	}
	markdown_text(&out, line->data);
	buf_puts(&out, "\n\n");
	term_write(&cli->out, &out);
}

static void print_head(struct cli *cli, const json_t *answer)
{
	static const char *const verdicts[] = {
	    "worse", "unknown", "same", "better"};
	const json_t *counts = api_object(answer, "counts");
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);

	side_text(&line, "A", api_object(answer, "a"));
	buf_puts(&line, "   ");
	side_text(&line, "B", api_object(answer, "b"));
	text_line(cli, &line);
	buf_reset(&line);
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		buf_printf(&line, "%s%" PRId64 " %s", i ? ", " : "",
		    api_int(counts, verdicts[i]), verdicts[i]);
	text_line(cli, &line);
}

static void print_definition(struct cli *cli, const json_t *answer)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);

	buf_puts(&line, api_text(answer, "definition"));
	text_line(cli, &line);
}

static void print_alone(struct cli *cli, const json_t *answer)
{
	const json_t *x;
	size_t i;

	json_array_foreach(api_list(answer, "alone"), i, x)
	{
		scoped_val(buf_done) struct buf place = BUF_INIT(LINE_BYTES);

		series_place(x, &place);
		cli_note(cli, "only in %s: %s %s, %" PRId64 " values",
		    str_eq(api_text(x, "side"), "a") ? "A" : "B",
		    api_text(x, "metric"), buf_str(&place), api_int(x, "n"));
	}
	json_array_foreach(api_list(answer, "notes"), i, x)
	{
		if (json_is_string(x))
			cli_note(cli, "%s", json_string_value(x));
	}
}

/* ---- the command -------------------------------------------------------- */

static int ask(struct cli *cli, json_t **ret)
{
	const struct options *o = &cli->opts;
	const char *b = o->n_args > 2 ? o->args[2] : NULL;
	scoped(free) char *what =
	    xasprintf("compare %s%s%s", o->args[1], b ? " " : "", b ? b : "");
	scoped_val(buf_done) struct buf path = BUF_INIT(SERIES_PATH_BYTES);
	scoped(free) char *hint = NULL;
	struct err err = ERR_INIT;

	if (!b && !options_has(o, OPT_BASELINE))
		return cli_bad(cli,
		    "compare: one run is no comparison (give a second one, or "
		    "--baseline and --candidate)");
	buf_puts(&path, "/api/v1/compare");
	query_add(&path, "a", o->args[1]);
	query_add(&path, "b", b);
	query_add(&path, "project", o->value[OPT_PROJECT]);
	query_add(&path, "metric", o->value[OPT_METRIC]);
	query_add(&path, "variant_a", o->value[OPT_BASELINE]);
	query_add(&path, "variant_b", o->value[OPT_CANDIDATE]);
	if (path.failed)
		return cli_bad(cli, "compare: a name is too long");
	if (http_get(cli->http, buf_str(&path), ret, &err) == 0)
		return CLI_OK;
	if (str_starts(err.msg, "metric "))
		hint = suggest_metric(
		    cli, cli->opts.value[OPT_METRIC], HINT_METRICS);
	else
		hint = xstrdup(str_starts(err.msg, "variant ") ? HINT_VARIANTS
		                                               : HINT_RUNS);
	return cli_refused(cli, what, hint, &err);
}

int cmd_compare(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	int code;

	if (options_has(&cli->opts, OPT_BASELINE) !=
	    options_has(&cli->opts, OPT_CANDIDATE))
		return cli_bad(
		    cli, "compare: --baseline and --candidate go together");
	code = ask(cli, &answer);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, answer);
	} else {
		if (cli->format != FORMAT_CSV)
			print_head(cli, answer);
		print_rows(cli, answer);
		if (cli->format != FORMAT_CSV)
			print_definition(cli, answer);
		print_alone(cli, answer);
	}
	return options_has(&cli->opts, OPT_EXIT_STATUS) &&
	        api_int(api_object(answer, "counts"), "worse") > 0
	    ? CLI_FAILED
	    : CLI_OK;
}
