/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machines find between equals: the noise of what they measure. */
#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/overhead.h"
#include "cli/series.h"

static const struct column columns[] = {
    {"machine", "MACHINE", COLUMN_CUT, COLUMN_ALL},
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_CUT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_CUT, COLUMN_WIDE},
    {"sessions", "SESSIONS", COLUMN_RIGHT, COLUMN_ALL},
    {"pairs", "PAIRS", COLUMN_RIGHT, COLUMN_ALL},
    {"ratio", "RATIO", COLUMN_RIGHT, COLUMN_ALL},
    {"interval", "INTERVAL", COLUMN_LEFT, COLUMN_ALL},
    {"for_pairs", "FOR PAIRS", COLUMN_RIGHT, COLUMN_CSV},
    {"half_width", "NOISE", COLUMN_RIGHT, COLUMN_ALL},
    {"alarms", "ALARMS", COLUMN_RIGHT, COLUMN_ALL},
    {"alarm_rate", "ALARM RATE", COLUMN_RIGHT, COLUMN_CSV},
    {"text", "WHAT IT SAYS", COLUMN_LEFT, COLUMN_CSV},
};

/* "+-1.3 %", and the ratio less 1 for programs. */
static void add_width(struct table *t, double half)
{
	char shown[40];
	char raw[40];

	(void)snprintf(
	    shown, sizeof(shown), "+-%.*f %%", half < .1 ? 2 : 0, 100 * half);
	(void)snprintf(raw, sizeof(raw), "%.17g", half);
	table_cell(t, TONE_PLAIN, shown, raw);
}

static void add_noise(struct table *t, const char *machine, const json_t *n)
{
	scoped(free) char *alarms = xasprintf("%" PRId64, api_int(n, "alarms"));

	table_text(t, machine);
	table_text(t, api_text(n, "metric"));
	table_text(t, api_text(n, "guest"));
	table_text(t, api_text(n, "controller"));
	table_text(t, api_text(n, "variant"));
	table_number(t, api_int(n, "sessions"));
	table_number(t, api_int(n, "pairs"));
	series_ratio(t, TONE_PLAIN, n);
	table_number(t, api_int(n, "for_pairs"));
	add_width(t, overhead_number(n, "half_width"));
	table_cell(
	    t, api_true(n, "too_often") ? TONE_BAD : TONE_PLAIN, alarms, NULL);
	series_number(t, TONE_PLAIN, overhead_number(n, "alarm_rate"));
	table_text(t, api_text(n, "text"));
}

static int ask(struct cli *cli, const char *machine, json_t *all)
{
	scoped_val(buf_done) struct buf path = BUF_INIT(SERIES_PATH_BYTES);
	scoped(free) char *what = xasprintf("machine %s", machine);
	json_t *answer = NULL;
	struct err err = ERR_INIT;

	buf_puts(&path, "/api/v1/machines/");
	http_escape(&path, machine);
	buf_puts(&path, "/noise");
	if (path.failed)
		return cli_bad(cli, "noise: the name is too long");
	if (http_get(cli->http, buf_str(&path), &answer, &err) < 0)
		return cli_refused(cli, what, HINT_MACHINES, &err);
	(void)json_array_append_new(all, answer);
	return CLI_OK;
}

/* Of the machine that is named, or of all that the lab has. */
static int ask_all(struct cli *cli, json_t *all)
{
	scoped(json_decref) json_t *machines = NULL;
	const json_t *m;
	size_t i;
	int code;

	if (cli->opts.n_args > 1)
		return ask(cli, cli->opts.args[1], all);
	code = api_machines(cli, &machines);
	json_array_foreach(api_list(machines, "machines"), i, m)
	{
		if (code == CLI_OK)
			code = ask(cli, api_text(m, "name"), all);
	}
	return code;
}

static void fill(struct table *t, const json_t *all)
{
	const json_t *m;
	const json_t *n;
	size_t i;
	size_t k;

	json_array_foreach(all, i, m)
	{
		json_array_foreach(api_list(m, "noise"), k, n)
		{
			add_noise(t, api_text(m, "machine"), n);
		}
	}
}

/* A sentence for each row, where people can read it. */
static void explain(struct cli *cli, const json_t *all)
{
	const json_t *m;
	const json_t *n;
	size_t i;
	size_t k;

	json_array_foreach(all, i, m)
	{
		json_array_foreach(api_list(m, "noise"), k, n)
		{
			scoped_val(buf_done) struct buf line = BUF_INIT(4096);

			buf_printf(&line, "%s ", api_text(n, "metric"));
			series_place(n, &line);
			buf_printf(&line, " on %s: %s", api_text(m, "machine"),
			    api_text(n, "text"));
			term_line(&cli->out, buf_str(&line));
		}
	}
}

int cmd_noise(struct cli *cli)
{
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped(json_decref) json_t *all = json_array();
	scoped(json_decref) json_t *doc = NULL;
	int code = ask_all(cli, all);

	if (code != CLI_OK)
		return code;
	doc = json_pack("{s:O}", "machines", all);
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, doc);
		return CLI_OK;
	}
	fill(t, all);
	if (!table_rows(t) && cli->format == FORMAT_TABLE) {
		cli_note(cli,
		    "no placebos were measured; \"placebos: 1\" of a benchmark "
		    "asks for them");
		return CLI_OK;
	}
	table_print(t, &cli->out, cli->format);
	if (cli->format == FORMAT_TABLE)
		explain(cli, all);
	return CLI_OK;
}
