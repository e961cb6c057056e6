/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following a run. Events only say that something changed: after one (or
 * several within a moment) run, matrix and machines are read again, so a lost
 * event costs time and never truth. On a terminal a block is redrawn in place;
 * elsewhere every change of a job is a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/sse.h"

#define SETTLE_MS 250     /* events within it are one */
#define REREAD_MS 15000   /* without any event */
#define REDRAW_MS 1000    /* clocks go on */
#define RETRY_MS 2000     /* between two tries to reach the server */
#define GIVE_UP_MS 120000 /* a server that is away for longer is gone */
#define TEXTS_MOST 10     /* failures whose text is asked for at once */
#define OLD_MOST 10       /* failures from before that are told */
#define LINES_BYTES (4 << 20)

struct watch {
	struct cli *cli;
	struct term *out;
	int64_t id;
	json_t *run;
	json_t *matrix;
	json_t *machines; /* on a terminal only */
	json_t *seen;     /* job number > what was last told of it */
	struct sse *sse;
	struct http_stream *stream; /* NULL: to be opened at retry_at_ms */
	bool dirty;                 /* something changed since we read */
	int64_t read_at_ms;         /* monotonic, as all of these */
	int64_t read_took_ms;
	int64_t drawn_at_ms;
	int64_t retry_at_ms;
	int64_t lost_at_ms; /* 0: the server answers */
};

static void watch_done(struct watch *w)
{
	json_decref(w->run);
	json_decref(w->matrix);
	json_decref(w->machines);
	json_decref(w->seen);
	http_stream_free(w->stream);
	sse_free(w->sse);
}

/* ---- reading -------------------------------------------------------------*/

static void replace(json_t **to, json_t **by)
{
	json_decref(*to);
	*to = take(*by);
}

/*
 * The run first: when it says "done", the matrix behind it is complete. All of
 * them are replaced, or none.
 */
static int read_all(struct watch *w, struct err *err)
{
	scoped(free) char *run_path = xasprintf("/api/v1/runs/%" PRId64, w->id);
	scoped(free) char *matrix_path = xasprintf("%s/matrix", run_path);
	scoped(json_decref) json_t *run = NULL;
	scoped(json_decref) json_t *matrix = NULL;
	scoped(json_decref) json_t *machines = NULL;
	int64_t begun_ms = clock_mono_ms();
	struct http *http = w->cli->http;
	int r;

	w->dirty = false;
	r = http_get(http, run_path, &run, err);
	if (r == 0)
		r = http_get(http, matrix_path, &matrix, err);
	if (r == 0 && w->out->moves)
		r = http_get(http, "/api/v1/machines", &machines, err);
	w->read_at_ms = clock_mono_ms();
	w->read_took_ms = w->read_at_ms - begun_ms;
	if (r < 0)
		return r;
	replace(&w->run, &run);
	replace(&w->matrix, &matrix);
	replace(&w->machines, &machines);
	return 0;
}

static bool is_over(const struct watch *w)
{
	return str_eq(api_text(w->run, "state"), "done");
}

static void on_event(void *arg, const char *event, const char *data)
{
	struct watch *w = arg;

	(void)data;
	/* Without machine lines, a machine's news is none. */
	if (w->out->moves || !str_eq(event, "machine"))
		w->dirty = true;
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct watch *w = arg;

	/* Just connected: what happened before is not in the stream. */
	if (!len)
		w->dirty = true;
	sse_feed(w->sse, data, len);
}

/* ---- telling -------------------------------------------------------------*/

/* What decided a job: its first failed case, or the evidence. Caller frees. */
static char *reason(struct watch *w, const json_t *cell)
{
	scoped(free) char *path =
	    xasprintf("/api/v1/jobs/%" PRId64, api_int(cell, "job"));
	scoped(json_decref) json_t *job = NULL;
	const json_t *attempts;
	const json_t *c;
	size_t i;

	/* A line without its reason is still a good line. */
	if (http_get(w->cli->http, path, &job, NULL) < 0)
		return xstrdup("");
	json_array_foreach(api_list(job, "cases"), i, c)
	{
		if (str_eq(api_text(c, "result"), "fail"))
			return *api_text(c, "text")
			    ? xasprintf("%s: %s", api_text(c, "name"),
			          api_text(c, "text"))
			    : xstrdup(api_text(c, "name"));
	}
	attempts = api_list(job, "attempts");
	return xstrdup(
	    api_text(json_array_get(attempts, json_array_size(attempts) - 1),
	        "evidence"));
}

struct news {
	struct buf *to;
	bool first; /* the state that we found, no change */
	size_t asked;
	size_t old;
};

/* True if the cell is not as it was told last; remembers it. */
static bool is_news(struct watch *w, const json_t *cell)
{
	scoped(free) char *key = xasprintf("%" PRId64, api_int(cell, "job"));
	scoped(free) char *now = xasprintf("%s %s %s", api_text(cell, "state"),
	    api_text(cell, "outcome"), api_text(cell, "sign"));
	const char *before = json_string_value(json_object_get(w->seen, key));

	if (str_eq(before, now))
		return false;
	/* Fails for text that is not UTF-8, which no JSON holds. */
	(void)json_object_set_new(w->seen, key, json_string(now));
	return true;
}

static void tell_cell(struct watch *w, struct news *n, const char *item,
    const char *platform, const json_t *cell)
{
	scoped(free) char *text = NULL;
	bool bad = api_is_bad(cell);

	if (!api_int(cell, "job") || !is_news(w, cell))
		return;
	/* What was good or open before we came, and on a terminal all but
	   failures, is in the counts. */
	if (!bad && (n->first || w->out->moves))
		return;
	if (n->first && n->old++ >= OLD_MOST)
		return;
	if (bad && n->asked < TEXTS_MOST) {
		n->asked++;
		text = reason(w, cell);
	}
	progress_job(w->out, w->out->moves && !n->first ? "new: " : "", item,
	    platform, cell, text ? text : "", n->to);
}

static void tell_changes(struct watch *w, struct news *n)
{
	const json_t *items = api_list(w->matrix, "items");
	const json_t *platforms = api_list(w->matrix, "platforms");
	const json_t *row;
	const json_t *cell;
	size_t y;
	size_t x;

	json_array_foreach(api_list(w->matrix, "rows"), y, row)
	{
		json_array_foreach(row, x, cell)
		{
			const char *item =
			    json_string_value(json_array_get(items, y));
			const char *platform =
			    json_string_value(json_array_get(platforms, x));

			tell_cell(w, n, item ? item : "",
			    platform ? platform : "", cell);
		}
	}
	if (n->old > OLD_MOST)
		buf_printf(n->to,
		    "and %zu more: \"ironbench show %" PRId64 "\"\n",
		    n->old - OLD_MOST, w->id);
}

/* Lines that stay, and on a terminal the block below them. */
static void draw(struct watch *w, const struct buf *stays)
{
	scoped_val(buf_done) struct buf block = BUF_INIT(LINES_BYTES);
	scoped(free) char *note = xstrdup("");

	w->drawn_at_ms = clock_mono_ms();
	if (!w->out->moves) {
		term_write(w->out, stays);
		(void)fflush(w->out->file); /* looked at in cli_main() */
		return;
	}
	if (w->lost_at_ms) {
		scoped_val(buf_done) struct buf since = BUF_INIT(64);

		text_duration(&since, w->drawn_at_ms - w->lost_at_ms);
		free(note);
		note = xasprintf("the server does not answer since %s; "
		                 "trying again",
		    buf_str(&since));
	}
	progress_block(w->out, w->run, w->matrix, w->machines, note, &block);
	term_draw(w->out, stays, &block);
}

static void draw_clock(struct watch *w)
{
	struct buf nothing = BUF_INIT(1);

	if (w->out->moves && clock_mono_ms() - w->drawn_at_ms >= REDRAW_MS)
		draw(w, &nothing);
}

/* Replaces the block by lines that stay. */
static void finish(struct watch *w, const struct buf *lines)
{
	struct buf nothing = BUF_INIT(1);

	if (w->out->moves)
		term_draw(w->out, lines, &nothing);
	else
		term_write(w->out, lines);
}

/* ---- the loop ------------------------------------------------------------*/

static int give_up(struct watch *w, const struct err *err)
{
	scoped(free) char *what = xasprintf("watch %" PRId64, w->id);
	struct buf nothing = BUF_INIT(1);

	finish(w, &nothing);
	return cli_refused(w->cli, what, HINT_RUNS, err);
}

/* The server did not answer: for a while that is no reason to end. */
static int lost(struct watch *w, int r, const struct err *err)
{
	int64_t now = clock_mono_ms();

	if (!err_is_temporary(r) ||
	    (w->lost_at_ms && now - w->lost_at_ms > GIVE_UP_MS))
		return give_up(w, err);
	if (!w->lost_at_ms) {
		w->lost_at_ms = now;
		if (!w->out->moves)
			cli_note(w->cli, "%s; trying again", err->msg);
	}
	w->dirty = true;
	return CLI_OK;
}

static int reread(struct watch *w)
{
	scoped_val(buf_done) struct buf lines = BUF_INIT(LINES_BYTES);
	struct news n = {.to = &lines};
	struct err err = ERR_INIT;
	int r = read_all(w, &err);

	if (r < 0)
		return lost(w, r, &err);
	if (w->lost_at_ms && !w->out->moves)
		cli_note(w->cli, "the server answers again");
	w->lost_at_ms = 0;
	tell_changes(w, &n);
	draw(w, &lines);
	return CLI_OK;
}

static int open_stream(struct watch *w)
{
	scoped(free) char *path = xasprintf("/events?run=%" PRId64, w->id);
	struct err err = ERR_INIT;
	int r;

	sse_restart(w->sse);
	w->retry_at_ms = clock_mono_ms() + RETRY_MS;
	r = http_stream_open(w->cli->http, path, sse_last_id(w->sse), on_data,
	    w, &w->stream, &err);
	return r < 0 ? give_up(w, &err) : CLI_OK;
}

/* Waits for events, up to ms. */
static int hear(struct watch *w, int ms)
{
	struct err err = ERR_INIT;
	int r;

	if (!w->stream) {
		(void)interrupt_wait(ms); /* the caller looks */
		return CLI_OK;
	}
	r = http_stream_wait(w->stream, ms, interrupt_fd(), &err);
	if (r == 0)
		return CLI_OK;
	http_stream_free(w->stream);
	w->stream = NULL;
	/* Its end alone is harmless: reading tells whether the server is. */
	w->dirty = true;
	return err_is_temporary(r) || r == -ERR_PROTO ? CLI_OK
	                                              : give_up(w, &err);
}

/* When to read again, by the monotonic clock. */
static int64_t due_ms(const struct watch *w)
{
	int64_t settle = w->lost_at_ms ? RETRY_MS : SETTLE_MS;

	if (!w->dirty)
		return w->read_at_ms + REREAD_MS;
	/* A big run is not read all the time: at most a tenth of it. */
	if (settle < 10 * w->read_took_ms)
		settle = 10 * w->read_took_ms;
	return w->read_at_ms + settle;
}

/* Until something is to be done even if no event comes. */
static int wait_ms(const struct watch *w)
{
	int64_t now = clock_mono_ms();
	int64_t at = due_ms(w);

	if (!w->stream && w->retry_at_ms < at)
		at = w->retry_at_ms;
	if (w->out->moves && w->drawn_at_ms + REDRAW_MS < at)
		at = w->drawn_at_ms + REDRAW_MS;
	return at > now ? (int)(at - now) : 0;
}

static int follow(struct watch *w)
{
	int code = CLI_OK;

	while (code == CLI_OK && !is_over(w) && !interrupt_came()) {
		if (!w->stream && clock_mono_ms() >= w->retry_at_ms)
			code = open_stream(w);
		if (code == CLI_OK)
			code = hear(w, wait_ms(w));
		if (interrupt_came())
			break;
		if (code == CLI_OK && clock_mono_ms() >= due_ms(w))
			code = reread(w);
		if (code == CLI_OK)
			draw_clock(w);
	}
	return code;
}

/* The state that we find: the head, the counts, and what is red already. */
static void begin(struct watch *w)
{
	scoped_val(buf_done) struct buf lines = BUF_INIT(LINES_BYTES);
	struct news n = {.to = &lines, .first = true};

	if (!w->out->moves) {
		progress_head(w->out, w->run, &lines);
		progress_counts(w->out, w->run, &lines);
	}
	tell_changes(w, &n);
	draw(w, &lines);
}

static bool has_cancelled(const json_t *matrix)
{
	const json_t *row;
	const json_t *cell;
	size_t y;
	size_t x;

	json_array_foreach(api_list(matrix, "rows"), y, row)
	{
		json_array_foreach(row, x, cell)
		{
			if (str_eq(api_text(cell, "outcome"), "cancelled"))
				return true;
		}
	}
	return false;
}

static int end(struct watch *w)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(65536);
	const char *status = api_text(w->run, "status");
	int code = api_run_exit(w->run);

	/* For SoTest what passed before a cancellation is a success. */
	if (code == CLI_OK && has_cancelled(w->matrix)) {
		status = "cancelled";
		code = CLI_DISABLED;
	}
	progress_end(w->out, w->run, status, &line);
	finish(w, &line);
	return code;
}

int watch_run(struct cli *cli, int64_t run, struct term *out)
{
	scoped_val(watch_done) struct watch w = {
	    .cli = cli,
	    .out = out,
	    .id = run,
	};
	struct buf nothing = BUF_INIT(1);
	struct err err = ERR_INIT;
	int code;

	interrupt_catch();
	w.seen = json_object();
	w.sse = sse_new(on_event, &w);
	if (read_all(&w, &err) < 0)
		return give_up(&w, &err);
	begin(&w);
	code = follow(&w);
	if (interrupt_came()) {
		finish(&w, &nothing);
		cli_note(cli,
		    "run %" PRId64 " goes on without you; "
		    "\"ironbench watch %" PRId64 "\" follows it again",
		    run, run);
		return CLI_INTERRUPTED;
	}
	return code == CLI_OK ? end(&w) : code;
}

int cmd_watch(struct cli *cli)
{
	int64_t run = 0;
	int code = cli_id(cli, 1, "run", &run);

	return code == CLI_OK ? watch_run(cli, run, &cli->out) : code;
}
