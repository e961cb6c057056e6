/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed lately, over all series. The server has found it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/overhead.h"
#include "cli/series.h"

static const struct column columns[] = {
    {"at_ms", "SINCE", COLUMN_LEFT, COLUMN_ALL},
    {"series", "SERIES", COLUMN_RIGHT, COLUMN_ALL},
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"machine", "MACHINE", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_CUT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_CUT, COLUMN_WIDE},
    {"controller", "CONTROLLER", COLUMN_CUT, COLUMN_WIDE},
    {"branch", "BRANCH", COLUMN_CUT, COLUMN_WIDE},
    {"before", "BEFORE", COLUMN_RIGHT, COLUMN_WIDE},
    {"after", "AFTER", COLUMN_RIGHT, COLUMN_WIDE},
    {"unit", "", COLUMN_LEFT, COLUMN_WIDE},
    {"verdict", "VERDICT", COLUMN_LEFT, COLUMN_ALL},
    {"ratio", "RATIO", COLUMN_RIGHT, COLUMN_ALL},
    {"interval", "INTERVAL", COLUMN_LEFT, COLUMN_WIDE},
    {"run", "RUN", COLUMN_RIGHT, COLUMN_WIDE},
    {"run_before", "", COLUMN_RIGHT, COLUMN_CSV},
    {"run_after", "", COLUMN_RIGHT, COLUMN_CSV},
    {"commit_before", "AFTER COMMIT", COLUMN_LEFT, COLUMN_WIDE},
    {"commit_after", "NOT LATER THAN", COLUMN_LEFT, COLUMN_WIDE},
};

static void commit_cell(struct table *t, const json_t *c, const char *key)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(64);

	series_commit(c, key, &text);
	table_cell(t, TONE_PLAIN, buf_str(&text), api_text(c, key));
}

static void add_change(struct table *t, const json_t *c)
{
	const char *verdict = api_text(c, "verdict");
	enum tone tone = overhead_tone(verdict);
	scoped_val(buf_done) struct buf when = BUF_INIT(64);
	scoped(free) char *raw = xasprintf("%" PRId64, api_int(c, "at_ms"));

	text_time(&when, api_int(c, "at_ms"));
	table_cell(t, TONE_PLAIN, buf_str(&when), raw);
	table_number(t, api_int(c, "series"));
	table_text(t, api_text(c, "metric"));
	table_text(t, api_text(c, "machine"));
	table_text(t, api_text(c, "variant"));
	table_text(t, api_text(c, "guest"));
	table_text(t, api_text(c, "controller"));
	table_text(t, api_text(c, "branch"));
	series_number(t, TONE_PLAIN, overhead_number(c, "before"));
	series_number(t, TONE_PLAIN, overhead_number(c, "after"));
	table_text(t, api_text(c, "unit"));
	table_cell(t, tone, *verdict ? verdict : "changed", verdict);
	series_ratio(t, tone, c);
	table_number(t, api_int(c, "run"));
	table_number(t, api_int(c, "run_before"));
	table_number(t, api_int(c, "run_after"));
	commit_cell(t, c, "commit_before");
	commit_cell(t, c, "commit_after");
}

static int ask(struct cli *cli, json_t **ret)
{
	scoped_val(buf_done) struct buf path = BUF_INIT(SERIES_PATH_BYTES);
	char since[32] = "";
	struct err err = ERR_INIT;
	const struct options *o = &cli->opts;

	if (series_since(cli, since) != CLI_OK)
		return CLI_USAGE;
	buf_puts(&path, "/api/v1/changes");
	query_add(&path, "metric", o->value[OPT_METRIC]);
	query_add(&path, "machine", o->value[OPT_MACHINE]);
	query_add(&path, "branch", o->value[OPT_BRANCH]);
	query_add(&path, "limit", o->value[OPT_LIMIT]);
	query_add(&path, "since", *since ? since : NULL);
	if (path.failed)
		return cli_bad(cli, "history: a value is too long");
	if (http_get(cli->http, buf_str(&path), ret, &err) < 0)
		return cli_refused(cli, "changes", NULL, &err);
	return CLI_OK;
}

/* Options of one series, which would be ignored here. */
static int check(struct cli *cli)
{
	static const enum option_id wrong[] = {OPT_VARIANT, OPT_GUEST,
	    OPT_CONTROLLER, OPT_DETECTOR, OPT_ALPHA, OPT_LONG};

	if (cli->opts.n_args > 1)
		return cli_bad(cli, "history: --changed takes no series");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (options_has(&cli->opts, wrong[i]))
			return cli_bad(cli,
			    "history: --%s and --changed do not go together",
			    option_row(wrong[i])->name);
	return CLI_OK;
}

/* Is there an option that leaves histories out? */
static bool is_chosen(const struct cli *cli)
{
	return options_has(&cli->opts, OPT_METRIC) ||
	    options_has(&cli->opts, OPT_MACHINE) ||
	    options_has(&cli->opts, OPT_BRANCH) ||
	    options_has(&cli->opts, OPT_SINCE);
}

static void print_changes(struct cli *cli, const json_t *answer)
{
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	const json_t *c;
	size_t i;

	json_array_foreach(api_list(answer, "changes"), i, c)
	{
		add_change(t, c);
	}
	if (table_rows(t) || cli->format != FORMAT_TABLE)
		table_print(t, &cli->out, cli->format);
	else
		cli_note(cli,
		    "nothing has changed%s (%" PRId64
		    " histories were looked at)",
		    is_chosen(cli) ? " in what was asked for" : "",
		    api_int(answer, "histories"));
	if (api_true(answer, "more"))
		cli_note(cli, "there are more (--limit)");
}

int history_changed(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	int code = check(cli);

	if (code == CLI_OK)
		code = ask(cli, &answer);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else
		print_changes(cli, answer);
	return CLI_OK;
}
