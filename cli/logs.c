/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs, byte by byte. What came over a serial line may hold anything, so on a
 * terminal control bytes are spelled out; into a file every byte goes as it is.
 *
 * Following asks for what is behind the bytes we have, twice a second while the
 * log grows; events tell of states, not of bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api.h"
#include "cli/escape.h"
#include "cli/interrupt.h"

#define FOLLOW_MS 500
#define GIVE_UP_MS 120000 /* a server that is away for longer is gone */

struct logs {
	struct cli *cli;
	int64_t job;
	int64_t attempt; /* 0: the last one */
	int64_t at;      /* bytes of it that we have */
	int64_t skip;    /* bytes of a whole answer that we have already */
	const struct http_answer *answer; /* while a request runs */
	struct escape escape;
	bool escaped;
	bool open;    /* there may be more of this attempt */
	bool fetched; /* this attempt was asked for, and answered */
	bool gap_told;
};

static void on_data(void *arg, const char *data, size_t len)
{
	struct logs *l = arg;
	FILE *out = l->cli->out.file;

	/* A server may ignore the range: then its answer begins at 0. */
	if (l->skip && l->answer->status == 200) {
		size_t n = (int64_t)len < l->skip ? len : (size_t)l->skip;

		l->skip -= (int64_t)n;
		data += n;
		len -= n;
	}
	l->at += (int64_t)len;
	if (l->escaped)
		escape_write(&l->escape, data, len, out);
	else
		/* A failed write shows at the end, in cli_main(). */
		(void)fwrite(data, 1, len, out);
}

/* ---- which job -----------------------------------------------------------*/

static const char *name_at(const json_t *list, size_t i)
{
	const char *s = json_string_value(json_array_get(list, i));

	return s ? s : "";
}

static size_t index_of(const json_t *list, const char *name)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		if (str_eq(name_at(list, i), name))
			return i;
	return n;
}

/* The only job of an item, or the list of its platforms as a complaint. */
static int only_job(
    struct cli *cli, const json_t *matrix, size_t item, int64_t *ret_job)
{
	const json_t *row = json_array_get(api_list(matrix, "rows"), item);
	const json_t *platforms = api_list(matrix, "platforms");
	scoped_val(buf_done) struct buf names = BUF_INIT(65536);
	const json_t *cell;
	size_t n = 0;
	size_t x;

	json_array_foreach(row, x, cell)
	{
		if (!api_int(cell, "job"))
			continue;
		*ret_job = api_int(cell, "job");
		buf_printf(
		    &names, "%s%s", n++ ? ", " : "", name_at(platforms, x));
	}
	if (n == 1)
		return CLI_OK;
	return cli_bad(cli, "logs: %s: %s (%s%s)", cli->opts.args[1],
	    n ? "it ran on several platforms" : "it has no job",
	    n ? "add one of them: " : HINT_JOBS, buf_str(&names));
}

static int job_on(struct cli *cli, const json_t *matrix, size_t item,
    const char *platform, int64_t *ret_job)
{
	const json_t *platforms = api_list(matrix, "platforms");
	size_t x = index_of(platforms, platform);
	const json_t *row = json_array_get(api_list(matrix, "rows"), item);
	int64_t job = api_int(json_array_get(row, x), "job");

	if (!job)
		return cli_bad(cli, "logs: %s: no job of it on %s (%s)",
		    cli->opts.args[1], platform, HINT_JOBS);
	*ret_job = job;
	return CLI_OK;
}

/* RUN/ITEM[/PLATFORM]; an item's name may have a slash of its own. */
static int find_job(struct cli *cli, int64_t *ret_job)
{
	const char *given = cli->opts.args[1];
	const char *rest = strchr(given, '/') + 1;
	scoped(free) char *number = xstrndup(given, (size_t)(rest - 1 - given));
	scoped(json_decref) json_t *matrix = NULL;
	const char *last = strrchr(rest, '/');
	const json_t *items;
	int64_t run;
	size_t y;
	int code;

	if (str_to_i64(number, 1, INT64_MAX, &run, NULL) < 0)
		return cli_bad(cli,
		    "logs: %s: neither JOB nor "
		    "RUN/ITEM[/PLATFORM]",
		    given);
	code = api_matrix(cli, run, &matrix);
	if (code != CLI_OK)
		return code;
	items = api_list(matrix, "items");
	y = index_of(items, rest);
	if (y < json_array_size(items))
		return only_job(cli, matrix, y, ret_job);
	if (last) {
		scoped(free) char *item = xstrndup(rest, (size_t)(last - rest));

		y = index_of(items, item);
		if (y < json_array_size(items))
			return job_on(cli, matrix, y, last + 1, ret_job);
	}
	return cli_bad(cli,
	    "logs: %s: no such item in run %" PRId64
	    " (\"ironbench matrix %" PRId64 "\" lists them)",
	    given, run, run);
}

/* ---- reading -------------------------------------------------------------*/

static void tell_gap(struct logs *l, const struct http_answer *a)
{
	if (!*a->log_gap || l->gap_told)
		return;
	l->gap_told = true;
	cli_note(l->cli, "job %" PRId64 ": bytes %s of the log were not kept",
	    l->job, a->log_gap);
}

/* One request for what is behind l->at, or for the given range. */
static int fetch(struct logs *l, const char *range, struct err *err)
{
	scoped_val(http_answer_done) struct http_answer a = HTTP_ANSWER_INIT;
	scoped(free) char *path = NULL;
	scoped(free) char *rest = xasprintf("%" PRId64 "-", l->at);
	struct http_request req = {.method = "GET", .on_data = on_data};
	bool whole = !range && !options_has(&l->cli->opts, OPT_FOLLOW);
	int r;

	path = l->attempt
	    ? xasprintf("/api/v1/jobs/%" PRId64 "/log?attempt=%" PRId64, l->job,
	          l->attempt)
	    : xasprintf("/api/v1/jobs/%" PRId64 "/log", l->job);
	req.path = path;
	req.range = range ? range : whole ? NULL : rest;
	req.arg = l;
	l->skip = range ? 0 : l->at;
	l->answer = &a;
	r = http_do(l->cli->http, &req, &a, err);
	l->answer = NULL;
	if (r == 0)
		tell_gap(l, &a);
	l->open = a.log_open;
	/* Bytes that were not kept have numbers, too. */
	if (r == 0 && a.last >= 0)
		l->at = a.last + 1;
	/* Nothing is behind what we have. */
	if (a.status == 416 && !range)
		r = 0;
	l->fetched |= r == 0;
	return r;
}

/* The attempt with that number, or the last one; NULL if there is none. */
static const json_t *attempt_of(const json_t *job, int64_t no)
{
	const json_t *all = api_list(job, "attempts");
	const json_t *a;
	size_t i;

	if (!no)
		return json_array_get(all, json_array_size(all) - 1);
	json_array_foreach(all, i, a)
	{
		if (api_int(a, "no") == no)
			return a;
	}
	return NULL;
}

/* Goes on to an attempt. */
static void turn_to(struct logs *l, const json_t *attempt)
{
	if (api_int(attempt, "no") > 1)
		cli_note(l->cli, "job %" PRId64 ": attempt %" PRId64 " on %s",
		    l->job, api_int(attempt, "no"),
		    api_text(attempt, "machine"));
	l->attempt = api_int(attempt, "no");
	l->at = 0;
	l->fetched = false;
	l->gap_told = false;
	l->open = true;
}

/*
 * The log was at its end: reads the job to see whether that was all. *ret_over:
 * nothing more will come.
 */
static int look(struct logs *l, bool *ret_over, struct err *err)
{
	bool fixed = options_has(&l->cli->opts, OPT_ATTEMPT);
	scoped(free) char *path = xasprintf("/api/v1/jobs/%" PRId64, l->job);
	scoped(json_decref) json_t *job = NULL;
	const json_t *attempt;
	const json_t *log;
	int r = http_get(l->cli->http, path, &job, err);

	if (r < 0)
		return r;
	attempt = attempt_of(job, fixed ? l->attempt : 0);
	if (!fixed && attempt && api_int(attempt, "no") != l->attempt) {
		turn_to(l, attempt);
		return 0;
	}
	log = api_object(attempt, "log");
	l->open = log && (api_true(log, "open") || !l->fetched);
	*ret_over = !l->open &&
	    (str_eq(api_text(job, "state"), "done") || (fixed && l->fetched));
	return 0;
}

/* One round: bytes, if there may be any, and then whether that was all. */
static int round_of(struct logs *l, bool *ret_over, struct err *err)
{
	int r = 0;

	if (l->open)
		r = fetch(l, NULL, err);
	if (r == -ERR_NOTFOUND)
		r = 0;                  /* its log does not exist yet */
	(void)fflush(l->cli->out.file); /* looked at in cli_main() */
	return r == 0 && !l->open ? look(l, ret_over, err) : r;
}

static int follow(struct logs *l)
{
	scoped(free) char *what = xasprintf("job %" PRId64, l->job);
	int64_t well_at = clock_mono_ms();
	bool over = false;

	interrupt_catch();
	while (!over) {
		struct err err = ERR_INIT;
		int r = round_of(l, &over, &err);

		if (interrupt_came())
			return CLI_INTERRUPTED;
		if (r == 0)
			well_at = clock_mono_ms();
		else if (!err_is_temporary(r) ||
		    clock_mono_ms() - well_at > GIVE_UP_MS)
			return cli_refused(l->cli, what, HINT_JOBS, &err);
		if (!over && (!l->open || l->fetched) &&
		    interrupt_wait(FOLLOW_MS))
			return CLI_INTERRUPTED;
	}
	return CLI_OK;
}

static int print_once(struct logs *l, const char *range)
{
	scoped(free) char *what = xasprintf("job %" PRId64, l->job);
	struct err err = ERR_INIT;

	if (fetch(l, range, &err) < 0)
		return cli_refused(l->cli, what, HINT_JOBS, &err);
	return CLI_OK;
}

/* A-B or A-, as in HTTP. */
static int check_range(struct cli *cli, const char *range)
{
	const char *dash = strchr(range, '-');
	scoped(free) char *from =
	    dash ? xstrndup(range, (size_t)(dash - range)) : NULL;
	int64_t a = 0;
	int64_t b = INT64_MAX;

	if (!dash || str_to_i64(from, 0, INT64_MAX, &a, NULL) < 0 ||
	    (dash[1] && str_to_i64(dash + 1, 0, INT64_MAX, &b, NULL) < 0) ||
	    b < a)
		return cli_bad(cli,
		    "--range: %s is no range (first-last, in bytes from 0)",
		    range);
	if (options_has(&cli->opts, OPT_FOLLOW))
		return cli_bad(cli,
		    "logs: --range and --follow exclude each "
		    "other (leave one out)");
	return CLI_OK;
}

int cmd_logs(struct cli *cli)
{
	const char *range = cli->opts.value[OPT_RANGE];
	const char *attempt = cli->opts.value[OPT_ATTEMPT];
	struct logs l = {.cli = cli};
	struct err err = ERR_INIT;
	int code = CLI_OK;

	if (range)
		code = check_range(cli, range);
	if (attempt && str_to_i64(attempt, 1, 1000000, &l.attempt, &err) < 0)
		code = cli_bad(cli, "--attempt: %s", err.msg);
	if (code == CLI_OK)
		code = strchr(cli->opts.args[1], '/')
		    ? find_job(cli, &l.job)
		    : cli_id(cli, 1, "job", &l.job);
	if (code != CLI_OK)
		return code;
	l.escaped = cli->out.is_terminal && !options_has(&cli->opts, OPT_RAW);
	escape_init(&l.escape, cli->out.set);
	if (options_has(&cli->opts, OPT_FOLLOW))
		code = follow(&l);
	else
		code = print_once(&l, range);
	if (l.escaped)
		escape_end(&l.escape, cli->out.file);
	return code;
}
