/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history of one series: its levels, what changed between them, and what
 * is no change. The server has computed it; as CSV it is a row a point.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/bench.h"
#include "cli/overhead.h"
#include "cli/series.h"
#include "cli/suggest.h"

#define LINE_BYTES 65536
#define SPARK_COLUMNS 32
#define MATCHES_SHOWN 8

/* ---- which series ------------------------------------------------------- */

/* Several series, or several branches of one: a person has to choose. */
static int not_one(struct cli *cli, const json_t *list)
{
	size_t n = json_array_size(list);
	const json_t *s;
	size_t i;

	if (!n) {
		scoped(free) char *hint = suggest_metric(
		    cli, cli->opts.value[OPT_METRIC], HINT_SERIES);

		return cli_bad(cli, "history: no such series (%s)", hint);
	}
	json_array_foreach(list, i, s)
	{
		scoped_val(buf_done) struct buf place = BUF_INIT(LINE_BYTES);

		if (i == MATCHES_SHOWN)
			break;
		series_place(s, &place);
		cli_note(cli, "%" PRId64 "  %s %s, %s", api_int(s, "id"),
		    api_text(s, "metric"), buf_str(&place),
		    api_text(s, "branch"));
	}
	return cli_bad(cli,
	    "history: %zu series and branches are so (give the number of one, "
	    "or more "
	    "options; %s)",
	    n, HINT_SERIES);
}

static bool same_series(const json_t *list)
{
	const json_t *first = json_array_get(list, 0);
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s)
	{
		if (api_int(s, "id") != api_int(first, "id"))
			return false;
	}
	return first != NULL;
}

static int choose(struct cli *cli, int64_t *ret)
{
	scoped(json_decref) json_t *answer = NULL;
	const json_t *list;
	int code;

	if (cli->opts.n_args > 1) {
		struct err err = ERR_INIT;

		if (str_to_i64(cli->opts.args[1], 1, INT64_MAX, ret, &err) < 0)
			return cli_bad(cli,
			    "history: %s is not a series' number (%s)",
			    cli->opts.args[1], HINT_SERIES);
		return CLI_OK;
	}
	if (!options_has(&cli->opts, OPT_METRIC))
		return cli_bad(cli,
		    "history: which? Give a series' number or --metric (%s)",
		    HINT_SERIES);
	code = series_ask(cli, &answer);
	if (code != CLI_OK)
		return code;
	list = api_list(answer, "series");
	if (!same_series(list))
		return not_one(cli, list);
	*ret = api_int(json_array_get(list, 0), "id");
	return CLI_OK;
}

/* ---- for programs ------------------------------------------------------- */

static const struct column point_columns[] = {
    {"index", "POINT", COLUMN_RIGHT, COLUMN_ALL},
    {"run", "RUN", COLUMN_RIGHT, COLUMN_ALL},
    {"job", "JOB", COLUMN_RIGHT, COLUMN_CSV},
    {"attempt", "ATTEMPT", COLUMN_RIGHT, COLUMN_CSV},
    {"commit", "COMMIT", COLUMN_LEFT, COLUMN_ALL},
    {"at_ms", "WHEN", COLUMN_LEFT, COLUMN_ALL},
    {"value", "VALUE", COLUMN_RIGHT, COLUMN_ALL},
    {"n", "N", COLUMN_RIGHT, COLUMN_ALL},
    {"valid", "", COLUMN_LEFT, COLUMN_CSV},
    {"import", "", COLUMN_RIGHT, COLUMN_CSV},
    {"why", "", COLUMN_LEFT, COLUMN_CSV},
    {"segment", "SEGMENT", COLUMN_RIGHT, COLUMN_ALL},
    {"mark", "", COLUMN_LEFT, COLUMN_ALL},
};

static bool has_index(const json_t *list, size_t index)
{
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
	{
		const json_t *at =
		    json_is_object(x) ? json_object_get(x, "index") : x;

		if (json_integer_value(at) == (json_int_t)index)
			return true;
	}
	return false;
}

static const char *mark_of(const json_t *answer, size_t i, const json_t *point)
{
	if (!api_true(point, "valid"))
		return "not valid";
	if (has_index(api_list(answer, "changes"), i))
		return "change";
	if (has_index(api_list(answer, "environments"), i))
		return "environment";
	return has_index(api_list(answer, "spikes"), i) ? "spike" : "";
}

static int64_t segment_of(const json_t *answer, size_t index)
{
	const json_t *s;
	int64_t n = 0;
	size_t i;

	json_array_foreach(api_list(answer, "segments"), i, s)
	{
		if (api_int(s, "begin") <= (int64_t)index)
			n = (int64_t)i;
	}
	return n;
}

/* An id, or nothing where the point has none. */
static void id_cell(struct table *t, const json_t *p, const char *key)
{
	if (api_int(p, key))
		table_number(t, api_int(p, key));
	else
		table_text(t, "");
}

static void run_cell(struct table *t, const json_t *p)
{
	scoped(free) char *import =
	    xasprintf("import %" PRId64, api_int(p, "import"));

	if (api_int(p, "import"))
		table_cell(t, TONE_PLAIN, import, "");
	else
		id_cell(t, p, "run");
}

static void add_point(
    struct table *t, const json_t *answer, size_t i, const json_t *p)
{
	scoped_val(buf_done) struct buf commit = BUF_INIT(64);
	scoped_val(buf_done) struct buf when = BUF_INIT(64);
	scoped(free) char *at = xasprintf("%" PRId64, api_int(p, "at_ms"));

	series_commit(p, "commit", &commit);
	text_time(&when, api_int(p, "at_ms"));
	table_number(t, (int64_t)i);
	run_cell(t, p);
	id_cell(t, p, "job");
	id_cell(t, p, "attempt");
	table_cell(t, TONE_PLAIN, buf_str(&commit), api_text(p, "commit"));
	table_cell(t, TONE_PLAIN, buf_str(&when), at);
	series_number(t, TONE_PLAIN, overhead_number(p, "value"));
	table_number(t, (int64_t)json_array_size(api_list(p, "values")));
	table_text(t, api_true(p, "valid") ? "true" : "false");
	id_cell(t, p, "import");
	table_text(t, api_text(p, "why"));
	table_number(t, segment_of(answer, i));
	table_text(t, mark_of(answer, i, p));
}

static void print_points(struct cli *cli, const json_t *answer)
{
	scoped(table_free) struct table *t =
	    table_new(point_columns, ARRAY_LEN(point_columns));
	const json_t *p;
	size_t i;

	json_array_foreach(api_list(answer, "points"), i, p)
	{
		add_point(t, answer, i, p);
	}
	table_print(t, &cli->out, cli->format);
}

/* ---- levels, for people ------------------------------------------------- */

/* Values of the points: NAN where one does not count for a level. */
struct picture {
	double *values;
	size_t n;
	double low;
	double high;
};

static void picture_done(struct picture *p)
{
	free(p->values);
}

static void picture_make(struct picture *p, const json_t *answer)
{
	const json_t *points = api_list(answer, "points");
	const json_t *x;
	size_t i;

	p->n = json_array_size(points);
	p->values = xcalloc(p->n + 1, sizeof(double));
	p->low = INFINITY;
	p->high = -INFINITY;
	json_array_foreach(points, i, x)
	{
		double v = has_index(api_list(answer, "spikes"), i)
		    ? (double)NAN
		    : overhead_number(x, "value");

		p->values[i] = v;
		p->low = v < p->low ? v : p->low;
		p->high = v > p->high ? v : p->high;
	}
}

static const struct column level_columns[] = {
    {"run", "FROM RUN", COLUMN_RIGHT, COLUMN_ALL},
    {"since", "SINCE", COLUMN_LEFT, COLUMN_ALL},
    {"n", "POINTS", COLUMN_RIGHT, COLUMN_ALL},
    {"level", "LEVEL", COLUMN_RIGHT, COLUMN_ALL},
    {"sd", "SPREAD", COLUMN_RIGHT, COLUMN_ALL},
    {"course", "COURSE", COLUMN_LEFT, COLUMN_ALL},
};

static void add_level(struct table *t, enum text_set set,
    const struct picture *pic, const json_t *answer, const json_t *s)
{
	size_t begin = (size_t)api_int(s, "begin");
	size_t end = (size_t)api_int(s, "end");
	const json_t *first = json_array_get(api_list(answer, "points"), begin);
	double mean = overhead_number(s, "mean");
	double sd = overhead_number(s, "sd");
	scoped_val(buf_done) struct buf when = BUF_INIT(64);
	scoped_val(buf_done) struct buf line = BUF_INIT(1024);
	char spread[40] = "";

	text_time(&when, api_int(first, "at_ms"));
	if (!isnan(sd) && mean > 0)
		(void)snprintf(
		    spread, sizeof(spread), "%.2g %%", 100 * sd / mean);
	if (begin <= end && end <= pic->n)
		sparkline(&line, set, pic->values + begin, end - begin,
		    SPARK_COLUMNS, pic->low, pic->high);
	run_cell(t, first);
	table_text(t, buf_str(&when));
	table_number(t, api_int(s, "n"));
	series_number(t, TONE_TITLE, mean);
	table_text(t, spread);
	table_text(t, buf_str(&line));
}

static void print_levels(struct cli *cli, const json_t *answer)
{
	scoped_val(picture_done) struct picture pic = {NULL, 0, 0, 0};
	scoped(table_free) struct table *t =
	    table_new(level_columns, ARRAY_LEN(level_columns));
	const json_t *s;
	size_t i;

	picture_make(&pic, answer);
	json_array_foreach(api_list(answer, "segments"), i, s)
	{
		add_level(t, cli->out.set, &pic, answer, s);
	}
	if (table_rows(t))
		table_print(t, &cli->out, cli->format);
}

/* ---- what happened between them ----------------------------------------- */

/* "run 12", or "import 3". */
static void put_place(struct buf *to, const json_t *answer, int64_t index)
{
	const json_t *p =
	    json_array_get(api_list(answer, "points"), (size_t)index);

	if (api_int(p, "import"))
		buf_printf(to, "import %" PRId64, api_int(p, "import"));
	else
		buf_printf(to, "run %" PRId64, api_int(p, "run"));
}

static void tell_change(struct cli *cli, const json_t *answer, const json_t *c)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(LINE_BYTES);
	const char *verdict = api_text(c, "verdict");
	char ratio[BENCH_RATIO_TEXT];

	buf_puts(&b, "change at ");
	put_place(&b, answer, api_int(c, "index"));
	buf_puts(&b, " (or from ");
	put_place(&b, answer, api_int(c, "first"));
	buf_puts(&b, " to ");
	put_place(&b, answer, api_int(c, "last"));
	buf_printf(&b, "): %.5g, then %.5g", overhead_number(c, "before"),
	    overhead_number(c, "after"));
	if (!isnan(overhead_number(c, "ratio"))) {
		buf_printf(&b, ", %s",
		    bench_ratio_text(overhead_number(c, "ratio"), ratio));
		buf_putc(&b, ' ');
		overhead_interval(api_list(c, "interval"), &b);
	}
	if (*verdict)
		buf_printf(&b, " %s", verdict);
	if (*api_text(c, "commit_after")) {
		buf_puts(&b, "; after commit ");
		series_commit(c, "commit_before", &b);
		buf_puts(&b, " and not later than ");
		series_commit(c, "commit_after", &b);
	}
	term_line(&cli->out, buf_str(&b));
}

static void tell_environment(
    struct cli *cli, const json_t *answer, const json_t *e)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(LINE_BYTES);
	const char *before = api_text(e, "before");
	const char *after = api_text(e, "after");

	buf_puts(&b, "environment at ");
	put_place(&b, answer, api_int(e, "index"));
	buf_printf(&b, ": %s %s, then %s", api_text(e, "key"),
	    *before ? before : "(none)", *after ? after : "(none)");
	term_line(&cli->out, buf_str(&b));
}

static void tell_spike(struct cli *cli, const json_t *answer, int64_t index)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(LINE_BYTES);
	const json_t *p =
	    json_array_get(api_list(answer, "points"), (size_t)index);

	buf_puts(&b, "spike at ");
	put_place(&b, answer, index);
	buf_printf(&b, ": %.5g, once", overhead_number(p, "value"));
	term_line(&cli->out, buf_str(&b));
}

static void tell_suspect(struct cli *cli, const json_t *answer)
{
	scoped_val(buf_done) struct buf place = BUF_INIT(LINE_BYTES);
	const json_t *x = json_object_get(answer, "suspect");

	if (!json_is_integer(x))
		return;
	put_place(&place, answer, json_integer_value(x));
	cli_note(cli, "from %s on it may be another level: measure again",
	    buf_str(&place));
}

/* Each reason once, with how many points it spoiled. */
static void tell_left_out(struct cli *cli, const json_t *answer)
{
	scoped(json_decref) json_t *why = json_object();
	const json_t *p;
	const char *text;
	json_t *n;
	size_t i;

	json_array_foreach(api_list(answer, "points"), i, p)
	{
		text = api_text(p, "why");
		if (*text)
			(void)json_object_set_new(
			    why, text, json_integer(1 + api_int(why, text)));
	}
	json_object_foreach(why, text, n)
	{
		scoped(free) char *line =
		    xasprintf("left out of %lld point%s: %s",
		        (long long)json_integer_value(n),
		        json_integer_value(n) == 1 ? "" : "s", text);

		term_line(&cli->out, line);
	}
}

static void print_events(struct cli *cli, const json_t *answer)
{
	const json_t *x;
	size_t i;

	json_array_foreach(api_list(answer, "changes"), i, x)
	{
		tell_change(cli, answer, x);
	}
	json_array_foreach(api_list(answer, "environments"), i, x)
	{
		tell_environment(cli, answer, x);
	}
	json_array_foreach(api_list(answer, "spikes"), i, x)
	{
		tell_spike(cli, answer, json_integer_value(x));
	}
	tell_left_out(cli, answer);
	tell_suspect(cli, answer);
}

static void print_head(struct cli *cli, const json_t *answer)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);
	const char *direction = api_text(answer, "direction");

	buf_printf(&line, "%s (%s%s%s)   ", api_text(answer, "metric"),
	    api_text(answer, "unit"), *direction ? ", better: " : "",
	    direction);
	series_place(answer, &line);
	buf_printf(&line, "   %s   %zu points, by %s",
	    api_text(answer, "branch"),
	    json_array_size(api_list(answer, "points")),
	    api_text(answer, "detector"));
	term_line(&cli->out, buf_str(&line));
	if (json_array_size(api_list(answer, "branches")) > 1 &&
	    !options_has(&cli->opts, OPT_BRANCH))
		cli_note(cli, "it has %zu branches (--branch names one)",
		    json_array_size(api_list(answer, "branches")));
	if (api_true(answer, "older"))
		cli_note(cli, "there are older points");
}

/* ---- the command -------------------------------------------------------- */

static int ask(struct cli *cli, int64_t id, json_t **ret)
{
	const struct options *o = &cli->opts;
	scoped(free) char *what = xasprintf("series %" PRId64, id);
	scoped_val(buf_done) struct buf path = BUF_INIT(SERIES_PATH_BYTES);
	char since[32] = "";
	struct err err = ERR_INIT;

	if (series_since(cli, since) != CLI_OK)
		return CLI_USAGE;
	buf_printf(&path, "/api/v1/series/%" PRId64, id);
	query_add(&path, "branch", o->value[OPT_BRANCH]);
	query_add(&path, "detector", o->value[OPT_DETECTOR]);
	query_add(&path, "alpha", o->value[OPT_ALPHA]);
	query_add(&path, "limit", o->value[OPT_LIMIT]);
	query_add(&path, "since", *since ? since : NULL);
	query_add(&path, "values", cli->format == FORMAT_JSON ? "1" : NULL);
	if (path.failed)
		return cli_bad(cli, "history: a value is too long");
	if (http_get(cli->http, buf_str(&path), ret, &err) < 0)
		return cli_refused(cli, what, HINT_SERIES, &err);
	return CLI_OK;
}

int cmd_history(struct cli *cli)
{
	scoped(json_decref) json_t *answer = NULL;
	int64_t id = 0;
	int code;

	if (options_has(&cli->opts, OPT_CHANGED))
		return history_changed(cli);
	code = choose(cli, &id);
	if (code == CLI_OK)
		code = ask(cli, id, &answer);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON) {
		print_json(&cli->out, answer);
	} else if (cli->format != FORMAT_TABLE ||
	    options_has(&cli->opts, OPT_LONG)) {
		print_points(cli, answer);
	} else {
		print_head(cli, answer);
		print_levels(cli, answer);
		print_events(cli, answer);
	}
	return CLI_OK;
}
