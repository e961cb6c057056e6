/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which series and metrics there are. */
#include "cli/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "bench/bench.h"
#include "cli/date.h"
#include "cli/overhead.h"

#define COMMIT_SHOWN 10
#define PAGES_MOST 1000

/* ---- asking ------------------------------------------------------------- */

void query_add(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	buf_putc(path, path->len && strchr(path->data, '?') ? '&' : '?');
	buf_printf(path, "%s=", name);
	http_escape(path, value);
}

static int ask_page(struct cli *cli, int64_t after, json_t **ret)
{
	scoped_val(buf_done) struct buf path = BUF_INIT(SERIES_PATH_BYTES);
	struct err err = ERR_INIT;

	buf_printf(&path, "/api/v1/series?limit=500&after=%" PRId64, after);
	query_add(&path, "metric", cli->opts.value[OPT_METRIC]);
	query_add(&path, "machine", cli->opts.value[OPT_MACHINE]);
	query_add(&path, "variant", cli->opts.value[OPT_VARIANT]);
	query_add(&path, "guest", cli->opts.value[OPT_GUEST]);
	query_add(&path, "controller", cli->opts.value[OPT_CONTROLLER]);
	query_add(&path, "branch", cli->opts.value[OPT_BRANCH]);
	if (options_has(&cli->opts, OPT_PLACEBOS))
		query_add(&path, "placebos", "1");
	if (path.failed)
		return cli_bad(
		    cli, "%s: a name is too long", cli->command->name);
	if (http_get(cli->http, buf_str(&path), ret, &err) < 0)
		return cli_refused(cli, "series", NULL, &err);
	return CLI_OK;
}

int series_ask(struct cli *cli, json_t **ret)
{
	scoped(json_decref) json_t *all = json_array();
	int64_t next = 0;

	for (int i = 0; i < PAGES_MOST; i++) {
		scoped(json_decref) json_t *page = NULL;
		int code = ask_page(cli, next, &page);

		if (code != CLI_OK)
			return code;
		(void)json_array_extend(all, api_list(page, "series"));
		next = api_int(page, "next");
		if (!next)
			break;
	}
	*ret = json_pack("{sO}", "series", all);
	return CLI_OK;
}

int series_since(struct cli *cli, char ret[32])
{
	struct err err = ERR_INIT;
	int64_t at_ms = 0;

	*ret = '\0';
	if (!options_has(&cli->opts, OPT_SINCE))
		return CLI_OK;
	if (date_parse(cli->opts.value[OPT_SINCE], &at_ms, &err) < 0)
		return cli_bad(cli, "--since: %s", err.msg);
	(void)snprintf(ret, 32, "%" PRId64, at_ms);
	return CLI_OK;
}

/* ---- names and numbers -------------------------------------------------- */

void series_place(const json_t *s, struct buf *to)
{
	static const char *const keys[] = {
	    "machine", "variant", "guest", "controller"};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *text = api_text(s, keys[i]);

		if (*text)
			buf_printf(to, "%s%s", n++ ? " " : "", text);
	}
}

void series_commit(const json_t *o, const char *key, struct buf *to)
{
	buf_printf(to, "%.*s", COMMIT_SHOWN, api_text(o, key));
}

void series_number(struct table *t, enum tone tone, double v)
{
	char shown[40] = "";
	char raw[40] = "";

	if (!isnan(v)) {
		(void)snprintf(shown, sizeof(shown), "%.5g", v);
		(void)snprintf(raw, sizeof(raw), "%.17g", v);
	}
	table_cell(t, tone, shown, raw);
}

void series_ratio(struct table *t, enum tone tone, const json_t *o)
{
	scoped_val(buf_done) struct buf interval = BUF_INIT(256);
	double ratio = overhead_number(o, "ratio");
	char text[BENCH_RATIO_TEXT];
	char raw[40] = "";

	if (!isnan(ratio))
		(void)snprintf(raw, sizeof(raw), "%.17g", ratio);
	table_cell(
	    t, tone, isnan(ratio) ? "" : bench_ratio_text(ratio, text), raw);
	overhead_interval(api_list(o, "interval"), &interval);
	table_cell(t, TONE_DIM, buf_str(&interval), NULL);
}

/* ---- sparklines --------------------------------------------------------- */

static const char *const bars[][8] = {
    [TEXT_UTF8] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
    [TEXT_ASCII] = {"_", ".", ",", "-", "~", "+", "*", "#"},
};

/* Of those from begin to end that are known; NAN if none is. */
static double mean_of(const double *values, size_t begin, size_t end)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = begin; i < end; i++)
		if (!isnan(values[i])) {
			sum += values[i];
			n++;
		}
	return n ? sum / (double)n : (double)NAN;
}

void sparkline(struct buf *to, enum text_set set, const double *values,
    size_t n, size_t columns, double low, double high)
{
	size_t width = n < columns ? n : columns;

	for (size_t i = 0; i < width; i++) {
		double v = mean_of(values, i * n / width, (i + 1) * n / width);
		double part = high > low ? (v - low) / (high - low) : .5;

		part = part < 0 ? 0 : part > 1 ? 1 : part;
		buf_puts(
		    to, isnan(v) ? " " : bars[set][(size_t)(part * 7 + .5)]);
	}
}

/* ---- the commands ------------------------------------------------------- */

static const struct column series_columns[] = {
    {"id", "SERIES", COLUMN_RIGHT, COLUMN_ALL},
    {"metric", "METRIC", COLUMN_CUT, COLUMN_ALL},
    {"unit", "UNIT", COLUMN_LEFT, COLUMN_CSV},
    {"machine", "MACHINE", COLUMN_CUT, COLUMN_ALL},
    {"variant", "VARIANT", COLUMN_CUT, COLUMN_ALL},
    {"guest", "GUEST", COLUMN_CUT, COLUMN_ALL},
    {"controller", "CONTROLLER", COLUMN_CUT, COLUMN_ALL},
    {"branch", "BRANCH", COLUMN_CUT, COLUMN_ALL},
    {"points", "POINTS", COLUMN_RIGHT, COLUMN_ALL},
    {"last_at_ms", "NEWEST", COLUMN_RIGHT, COLUMN_WIDE},
};

static void add_series(struct table *t, const json_t *s)
{
	scoped_val(buf_done) struct buf ago = BUF_INIT(64);
	scoped(free) char *raw =
	    xasprintf("%" PRId64, api_int(s, "last_at_ms"));

	text_duration(&ago, clock_wall_ms() - api_int(s, "last_at_ms"));
	buf_puts(&ago, " ago");
	table_number(t, api_int(s, "id"));
	table_text(t, api_text(s, "metric"));
	table_text(t, api_text(s, "unit"));
	table_text(t, api_text(s, "machine"));
	table_text(t, api_text(s, "variant"));
	table_text(t, api_text(s, "guest"));
	table_text(t, api_text(s, "controller"));
	table_text(t, api_text(s, "branch"));
	table_number(t, api_int(s, "points"));
	table_cell(t, TONE_PLAIN, buf_str(&ago), raw);
}

int cmd_series(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	scoped(table_free) struct table *t =
	    table_new(series_columns, ARRAY_LEN(series_columns));
	int code = series_ask(cli, &answer);
	const json_t *s;
	size_t i;

	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, answer);
		return CLI_OK;
	}
	json_array_foreach(api_list(answer, "series"), i, s)
	{
		add_series(t, s);
	}
	if (!table_rows(t) && cli->format == FORMAT_TABLE)
		cli_note(cli, "no such series has been measured");
	else
		table_print(t, &cli->out, cli->format);
	return CLI_OK;
}

static const struct column metric_columns[] = {
    {"name", "METRIC", COLUMN_LEFT, COLUMN_ALL},
    {"title", "TITLE", COLUMN_CUT, COLUMN_ALL},
    {"unit", "UNIT", COLUMN_LEFT, COLUMN_ALL},
    {"direction", "BETTER", COLUMN_LEFT, COLUMN_ALL},
    {"margin", "MARGIN", COLUMN_RIGHT, COLUMN_ALL},
    {"series", "SERIES", COLUMN_RIGHT, COLUMN_ALL},
};

static void add_metric(struct table *t, const json_t *m)
{
	const char *direction = api_text(m, "direction");
	scoped(free) char *shown =
	    xasprintf("%s%s", *direction ? direction : "not known",
	        api_true(m, "direction_by_unit") ? " (by its unit)" : "");

	table_text(t, api_text(m, "name"));
	table_text(t, api_text(m, "title"));
	table_text(t, api_text(m, "unit"));
	table_cell(t, *direction ? TONE_PLAIN : TONE_DIM, shown, direction);
	series_number(t, TONE_PLAIN, overhead_number(m, "margin"));
	table_number(t, api_int(m, "series"));
}

int cmd_metrics(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	scoped(table_free) struct table *t =
	    table_new(metric_columns, ARRAY_LEN(metric_columns));
	struct err err = ERR_INIT;
	const json_t *m;
	size_t i;

	if (http_get(cli->http, "/api/v1/metrics", &answer, &err) < 0)
		return cli_refused(cli, "metrics", NULL, &err);
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, answer);
		return CLI_OK;
	}
	json_array_foreach(api_list(answer, "metrics"), i, m)
	{
		add_metric(t, m);
	}
	if (!table_rows(t) && cli->format == FORMAT_TABLE)
		cli_note(cli, "nothing has been measured yet");
	else
		table_print(t, &cli->out, cli->format);
	return CLI_OK;
}
