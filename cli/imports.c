/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was imported: the list, and one import with all that it holds. */
#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/overhead.h"
#include "cli/series.h"

#define PAGE_MOST 500
#define LIST_DEFAULT 25
#define LIST_MOST 1000000

/* ---- the list ----------------------------------------------------------- */

static const struct column list_columns[] = {
    {"import", "IMPORT", COLUMN_RIGHT, COLUMN_ALL},
    {"file", "FILE", COLUMN_CUT, COLUMN_ALL},
    {"format", "FORMAT", COLUMN_LEFT, COLUMN_ALL},
    {"samples", "SAMPLES", COLUMN_RIGHT, COLUMN_ALL},
    {"ratios", "RATIOS", COLUMN_RIGHT, COLUMN_ALL},
    {"cases", "CASES", COLUMN_RIGHT, COLUMN_ALL},
    {"verdict", "VERDICT", COLUMN_LEFT, COLUMN_ALL},
    {"who", "BY", COLUMN_LEFT, COLUMN_WIDE},
    {"at_ms", "WHEN", COLUMN_LEFT, COLUMN_ALL},
    {"size", "", COLUMN_RIGHT, COLUMN_CSV},
    {"sha256", "", COLUMN_LEFT, COLUMN_CSV},
};

static enum tone result_tone(const char *result)
{
	if (str_eq(result, "pass"))
		return TONE_GOOD;
	return str_eq(result, "fail") ? TONE_BAD : TONE_PLAIN;
}

static void add_import(struct table *t, const json_t *im)
{
	const char *verdict = api_text(im, "verdict");
	scoped_val(buf_done) struct buf when = BUF_INIT(64);
	scoped(free) char *raw = xasprintf("%" PRId64, api_int(im, "at_ms"));

	table_number(t, api_int(im, "id"));
	table_text(t, api_text(im, "name"));
	table_text(t, api_text(im, "format"));
	table_number(t, api_int(im, "samples"));
	table_number(t, api_int(im, "ratios"));
	table_number(t, api_int(im, "cases"));
	table_cell(t, result_tone(verdict), verdict, NULL);
	table_text(t, api_text(im, "who"));
	text_time(&when, api_int(im, "at_ms"));
	table_cell(t, TONE_PLAIN, buf_str(&when), raw);
	table_number(t, api_int(im, "size"));
	table_text(t, api_text(im, "sha256"));
}

/* Pages until there are as many as wanted, or no more. */
static int ask_list(struct cli *cli, int64_t want, json_t *all)
{
	int64_t before = 0;

	do {
		int64_t left = want - (int64_t)json_array_size(all);
		scoped_val(buf_done) struct buf path =
		    BUF_INIT(SERIES_PATH_BYTES);
		scoped(json_decref) json_t *page = NULL;
		struct err err = ERR_INIT;

		buf_printf(&path, "/api/v1/imports?limit=%" PRId64,
		    left < PAGE_MOST ? left : PAGE_MOST);
		if (before)
			buf_printf(&path, "&before=%" PRId64, before);
		if (http_get(cli->http, buf_str(&path), &page, &err) < 0)
			return cli_refused(cli, "imports", NULL, &err);
		(void)json_array_extend(all, api_list(page, "imports"));
		before = api_int(page, "next");
	} while (before && (int64_t)json_array_size(all) < want);
	return CLI_OK;
}

static int list(struct cli *cli)
{
	const char *given = cli->opts.value[OPT_LIMIT];
	scoped(table_free) struct table *t =
	    table_new(list_columns, ARRAY_LEN(list_columns));
	scoped(json_decref) json_t *doc = json_pack("{s[]}", "imports");
	json_t *all = json_object_get(doc, "imports");
	struct err err = ERR_INIT;
	int64_t want = LIST_DEFAULT;
	const json_t *im;
	size_t i;
	int code;

	if (given && str_to_i64(given, 1, LIST_MOST, &want, &err) < 0)
		return cli_bad(cli, "--limit: %s", err.msg);
	code = ask_list(cli, want, all);
	if (code != CLI_OK)
		return code;
	json_array_foreach(all, i, im)
	{
		add_import(t, im);
	}
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, doc);
	else if (!table_rows(t) && cli->format == FORMAT_TABLE)
		cli_note(
		    cli, "nothing imported; \"ironbench import FILE\" does it");
	else
		table_print(t, &cli->out, cli->format);
	return CLI_OK;
}

/* ---- one import --------------------------------------------------------- */

static const struct column series_columns[] = {
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"label", "OF", COLUMN_CUT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_CUT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_CUT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_CUT, COLUMN_ALL},
    {"kind", "KIND", COLUMN_LEFT, COLUMN_ALL},
    {"n", "N", COLUMN_RIGHT, COLUMN_ALL},
    {"mean", "MEAN", COLUMN_RIGHT, COLUMN_ALL},
    {"sd", "SD", COLUMN_RIGHT, COLUMN_ALL},
    {"low", "LOW", COLUMN_RIGHT, COLUMN_WIDE},
    {"high", "HIGH", COLUMN_RIGHT, COLUMN_WIDE},
    {"unit", "UNIT", COLUMN_LEFT, COLUMN_ALL},
    {"direction", "", COLUMN_LEFT, COLUMN_CSV},
    {"why", "NOT VALID", COLUMN_LEFT, COLUMN_ALL},
};

static void add_series(struct table *t, const json_t *s)
{
	table_text(t, api_text(s, "metric"));
	table_text(t, api_text(s, "label"));
	table_text(t, api_text(s, "machine"));
	table_text(t, api_text(s, "variant"));
	table_text(t, api_text(s, "guest"));
	table_text(t, api_text(s, "controller"));
	table_text(t, api_text(s, "kind"));
	if (api_int(s, "n"))
		table_number(t, api_int(s, "n"));
	else
		table_cell(t, TONE_DIM, "?", "");
	series_number(t, TONE_PLAIN, overhead_number(s, "mean"));
	series_number(t, TONE_PLAIN, overhead_number(s, "sd"));
	series_number(t, TONE_PLAIN, overhead_number(s, "low"));
	series_number(t, TONE_PLAIN, overhead_number(s, "high"));
	table_text(t, api_text(s, "unit"));
	table_text(t, api_text(s, "direction"));
	table_cell(t, TONE_BAD, api_text(s, "why"), NULL);
}

static const struct column cell_columns[] = {
    {"metric", "METRIC", COLUMN_LEFT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
    {"named", "", COLUMN_LEFT, COLUMN_CSV},
    {"guest", "GUEST", COLUMN_LEFT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_LEFT, COLUMN_ALL},
    {"baseline", "BASELINE", COLUMN_LEFT, COLUMN_ALL},
    {"candidate", "CANDIDATE", COLUMN_LEFT, COLUMN_ALL},
    {"overhead", "OVERHEAD", COLUMN_RIGHT, COLUMN_ALL},
};

static void add_cell(struct table *t, const json_t *q)
{
	table_text(t, api_text(q, "metric"));
	table_text(t, api_text(q, "machine"));
	table_text(t, api_text(q, "named"));
	table_text(t, api_text(q, "guest"));
	table_text(t, api_text(q, "controller"));
	table_text(t, api_text(q, "baseline"));
	table_text(t, api_text(q, "candidate"));
	table_text(t, api_text(q, "text"));
}

static const struct column case_columns[] = {
    {"result", "RESULT", COLUMN_LEFT, COLUMN_ALL},
    {"name", "CASE", COLUMN_LEFT, COLUMN_ALL},
    {"text", "WHY", COLUMN_CUT, COLUMN_ALL},
};

static void add_case(struct table *t, const json_t *c)
{
	const char *result = api_text(c, "result");

	table_cell(t, result_tone(result), result, NULL);
	table_text(t, api_text(c, "name"));
	table_text(t, api_text(c, "text"));
}

static const struct kind {
	const char *key; /* of the list in the answer */
	const struct column *columns;
	size_t n_columns;
	void (*add)(struct table *t, const json_t *row);
} kinds[] = {
    {"series", series_columns, ARRAY_LEN(series_columns), add_series},
    {"cells", cell_columns, ARRAY_LEN(cell_columns), add_cell},
    {"tests", case_columns, ARRAY_LEN(case_columns), add_case},
};

/* All pages as one document. */
static int ask_one(struct cli *cli, int64_t id, json_t **ret)
{
	scoped(free) char *what = xasprintf("imports %" PRId64, id);
	scoped(json_decref) json_t *first = NULL;
	int64_t from = 0;

	do {
		scoped(free) char *path = xasprintf(
		    "/api/v1/imports/%" PRId64 "?from=%" PRId64, id, from);
		scoped(json_decref) json_t *page = NULL;
		struct err err = ERR_INIT;

		if (http_get(cli->http, path, &page, &err) < 0)
			return cli_refused(cli, what, HINT_IMPORTS, &err);
		if (!first)
			first = json_incref(page);
		for (size_t i = 0; from && i < ARRAY_LEN(kinds); i++)
			(void)json_array_extend(api_list(first, kinds[i].key),
			    api_list(page, kinds[i].key));
		from = api_int(page, "next");
	} while (from);
	(void)json_object_del(first, "next");
	*ret = take(first);
	return CLI_OK;
}

static void print_facts(struct cli *cli, json_t *im)
{
	const char *key;
	json_t *value;

	json_object_foreach(api_object(im, "facts"), key, value)
	{
		if (json_is_string(value))
			api_field(cli, key, json_string_value(value));
	}
}

static void print_head(struct cli *cli, json_t *im)
{
	const json_t *results = api_object(im, "results");
	scoped(free) char *title = xasprintf(
	    "import %" PRId64 "  %s", api_int(im, "id"), api_text(im, "name"));
	scoped(free) char *cases = xasprintf("%" PRId64 " passed, %" PRId64
	                                     " failed, %" PRId64 " skipped",
	    api_int(results, "pass"), api_int(results, "fail"),
	    api_int(results, "skip"));
	scoped_val(buf_done) struct buf when = BUF_INIT(1024);
	scoped_val(buf_done) struct buf size = BUF_INIT(64);

	term_line(&cli->out, title);
	api_field(cli, "format", api_text(im, "title"));
	text_time(&when, api_int(im, "at_ms"));
	buf_printf(&when, " UTC by %s", api_text(im, "who"));
	api_field(cli, "imported", buf_str(&when));
	text_size(&size, api_int(im, "size"));
	api_field(cli, "size", buf_str(&size));
	api_field(cli, "sha256", api_text(im, "sha256"));
	print_facts(cli, im);
	if (api_int(im, "cases"))
		api_field(cli, "cases", cases);
}

/* People get all lists that are not empty, programs the first of them. */
static void print_lists(struct cli *cli, const json_t *im)
{
	bool csv = cli->format == FORMAT_CSV;
	bool printed = false;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		scoped(table_free) struct table *t =
		    table_new(kinds[k].columns, kinds[k].n_columns);
		const json_t *row;
		size_t i;

		json_array_foreach(api_list(im, kinds[k].key), i, row)
		{
			kinds[k].add(t, row);
		}
		if (!table_rows(t))
			continue;
		if (cli->format == FORMAT_TABLE || printed)
			(void)fputc('\n', cli->out.file); /* as term_write() */
		table_print(t, &cli->out, cli->format);
		if (csv)
			return;
		printed = true;
	}
}

static int one(struct cli *cli)
{
	scoped(json_decref) json_t *im = NULL;
	int64_t id = 0;
	int code;

	if (options_has(&cli->opts, OPT_LIMIT))
		return cli_bad(cli, "imports: --limit is for the list");
	code = cli_id(cli, 1, "import", &id);
	if (code == CLI_OK)
		code = ask_one(cli, id, &im);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, im);
		return CLI_OK;
	}
	if (cli->format == FORMAT_TABLE)
		print_head(cli, im);
	print_lists(cli, im);
	return CLI_OK;
}

int cmd_imports(struct cli *cli)
{
	return cli->opts.n_args > 1 ? one(cli) : list(cli);
}
