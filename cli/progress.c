/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing only: nothing here asks the server or moves the cursor. */
#include "cli/progress.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api.h"

#define LINE_BYTES 65536
#define BAR_MOST 32
#define BAR_LEAST 8
#define OTHER_LINES 5   /* head, bar, note and what is below */
#define COMMIT_SHOWN 7  /* digits, as git abbreviates */
#define ESTIMATE_FROM 3 /* ended jobs; fewer say nothing */

/* Appends s, clean and cut to the terminal, as a line. */
static void add_line(const struct term *t, const char *s, struct buf *to)
{
	scoped_val(buf_done) struct buf clean = BUF_INIT(LINE_BYTES);
	size_t columns = term_columns(t);

	text_clean(&clean, t->set, s);
	if (columns)
		text_fit(to, t->set, buf_str(&clean), columns);
	else
		buf_puts(to, buf_str(&clean));
	buf_putc(to, '\n');
}

void progress_head(const struct term *t, const json_t *run, struct buf *to)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);
	const char *commit = api_text(run, "commit");

	buf_printf(&line, "run %" PRId64, api_int(run, "id"));
	if (*api_text(run, "name"))
		buf_printf(&line, "  %s", api_text(run, "name"));
	if (*commit)
		buf_printf(&line, "  %.*s", COMMIT_SHOWN, commit);
	buf_printf(&line, "  priority %" PRId64, api_int(run, "priority"));
	add_line(t, buf_str(&line), to);
}

void progress_counts(const struct term *t, const json_t *run, struct buf *to)
{
	struct counts c = api_counts(run);

	api_counts_line(t, &c, to);
	buf_putc(to, '\n');
}

static int64_t elapsed_ms(const json_t *run)
{
	int64_t ended = api_int(run, "ended_at_ms");

	return (ended ? ended : clock_wall_ms()) -
	    api_int(run, "created_at_ms");
}

/* "4 m 12 s, about 40 s left": as if the rest went like what has ended. */
static void add_times(const json_t *run, struct buf *to)
{
	struct counts c = api_counts(run);
	int64_t done = c.total - c.open;
	int64_t ms = elapsed_ms(run);

	text_duration(to, ms);
	if (done < ESTIMATE_FROM || !c.open || ms <= 0)
		return;
	buf_puts(to, ", about ");
	text_duration(to, ms / done * c.open);
	buf_puts(to, " left");
}

static void add_bar(
    const struct term *t, const struct counts *c, size_t width, struct buf *to)
{
	scoped_val(buf_done) struct buf full = BUF_INIT(LINE_BYTES);
	scoped_val(buf_done) struct buf rest = BUF_INIT(LINE_BYTES);
	int64_t done = c->total - c->open;
	size_t n =
	    c->total > 0 ? (size_t)(done * (int64_t)width / c->total) : 0;
	enum tone tone = c->failed ? TONE_BAD : c->lab ? TONE_LAB : TONE_GOOD;

	text_repeat(&full, t->set == TEXT_UTF8 ? "█" : "#", n);
	text_repeat(&rest, t->set == TEXT_UTF8 ? "░" : "-", width - n);
	term_tone(t, to, tone, buf_str(&full));
	term_tone(t, to, TONE_DIM, buf_str(&rest));
}

/* The bar gives way to the counts, and the times to both. */
static void add_bar_line(
    const struct term *t, const json_t *run, struct buf *to)
{
	struct term plain = *t;
	struct counts c = api_counts(run);
	scoped_val(buf_done) struct buf counts = BUF_INIT(LINE_BYTES);
	scoped_val(buf_done) struct buf times = BUF_INIT(LINE_BYTES);
	size_t columns = term_columns(t);
	size_t bar = BAR_MOST;
	size_t w;

	plain.colour = false;
	api_counts_line(&plain, &c, &counts);
	add_times(run, &times);
	w = text_width(buf_str(&counts)) + 2;
	if (columns < w + BAR_LEAST) {
		add_line(t, buf_str(&counts), to);
		return;
	}
	bar = columns - w < bar ? columns - w : bar;
	add_bar(t, &c, bar, to);
	buf_puts(to, "  ");
	api_counts_line(t, &c, to);
	if (columns >= w + bar + 3 + times.len)
		buf_printf(to, "   %s", buf_str(&times));
	buf_putc(to, '\n');
}

static const struct column machine_columns[] = {
    {"platform", "", COLUMN_LEFT, COLUMN_ALL},
    {"machine", "", COLUMN_LEFT, COLUMN_ALL},
    {"item", "", COLUMN_CUT, COLUMN_ALL},
    {"state", "", COLUMN_LEFT, COLUMN_ALL},
    {"step", "", COLUMN_CUT, COLUMN_ALL},
};

static void add_busy(struct table *t, const json_t *busy)
{
	scoped_val(buf_done) struct buf step = BUF_INIT(4096);
	scoped(free) char *state = xstrdup(api_text(busy, "state"));
	int64_t since = api_int(busy, "since_at_ms");

	for (char *p = state; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	buf_puts(&step, api_text(busy, "step"));
	if (since) {
		buf_puts(&step, step.len ? ", " : "");
		text_duration(&step, clock_wall_ms() - since);
	}
	table_text(t, api_text(busy, "item"));
	table_cell(t, TONE_TITLE, state, NULL);
	table_text(t, buf_str(&step));
}

static void add_machine(struct table *t, const json_t *m, int64_t run)
{
	const json_t *busy = api_object(m, "busy");
	scoped(free) char *other =
	    xasprintf("run %" PRId64, api_int(busy, "run"));

	table_text(t, api_text(m, "platform"));
	table_text(t, api_text(m, "name"));
	if (busy && api_int(busy, "run") == run) {
		add_busy(t, busy);
		return;
	}
	table_cell(t, TONE_DIM, "-", NULL);
	if (busy) {
		table_cell(t, TONE_DIM, other, NULL);
		table_cell(t, TONE_DIM, api_text(busy, "item"), NULL);
	} else if (str_eq(api_text(m, "health"), "good")) {
		table_cell(t, TONE_DIM, "idle", NULL);
		table_text(t, "");
	} else {
		table_cell(t, TONE_LAB, api_text(m, "health"), NULL);
		table_text(t, api_text(m, "why"));
	}
}

static bool has_name(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (str_eq(json_string_value(json_array_get(names, i)), name))
			return true;
	return false;
}

/* The run's own machines, those at work for it first. */
static void add_machines(const struct term *t, const json_t *run,
    const json_t *matrix, const json_t *machines, struct buf *to)
{
	scoped(table_free) struct table *rows =
	    table_new(machine_columns, ARRAY_LEN(machine_columns));
	const json_t *platforms = api_list(matrix, "platforms");
	const json_t *all = api_list(machines, "machines");
	int64_t id = api_int(run, "id");
	size_t lines = term_lines(t);
	size_t most = lines > OTHER_LINES + 1 ? lines - OTHER_LINES : 1;
	size_t n = json_array_size(all);
	size_t left_out = 0;

	for (size_t i = 0; i < 2 * n; i++) {
		/* First round: at work for us. Second: the others. */
		const json_t *m = json_array_get(all, i % n);
		bool ours = api_int(api_object(m, "busy"), "run") == id;

		if (ours != (i < n) ||
		    (!ours && !has_name(platforms, api_text(m, "platform"))))
			continue;
		if (table_rows(rows) < most)
			add_machine(rows, m, id);
		else
			left_out++;
	}
	table_render(rows, t, TABLE_NO_HEAD, to);
	if (left_out) {
		scoped(free) char *more =
		    xasprintf("... and %zu machines more", left_out);

		add_line(t, more, to);
	}
}

void progress_block(const struct term *t, const json_t *run,
    const json_t *matrix, const json_t *machines, const char *note,
    struct buf *to)
{
	progress_head(t, run, to);
	add_bar_line(t, run, to);
	add_machines(t, run, matrix, machines, to);
	if (*note)
		add_line(t, note, to);
}

void progress_end(
    const struct term *t, const json_t *run, const char *status, struct buf *to)
{
	struct counts c = api_counts(run);

	buf_printf(to, "run %" PRId64 ": ", api_int(run, "id"));
	term_tone(t, to, api_status_tone(status), status);
	buf_puts(to, "  ");
	api_counts_line(t, &c, to);
	buf_puts(to, "  in ");
	text_duration(to, elapsed_ms(run));
	buf_putc(to, '\n');
}

void progress_job(const struct term *t, const char *prefix, const char *item,
    const char *platform, const json_t *cell, const char *text, struct buf *to)
{
	scoped_val(buf_done) struct buf sign = BUF_INIT(256);
	scoped_val(buf_done) struct buf rest = BUF_INIT(LINE_BYTES);
	enum tone tone = api_outcome_tone(api_text(cell, "state"),
	    api_text(cell, "outcome"), api_true(cell, "expected"));

	buf_puts(to, prefix);
	text_clean(&sign, t->set, api_text(cell, "sign"));
	term_tone(t, to, tone, buf_str(&sign));
	buf_printf(&rest, " %s on %s: ", item, platform);
	api_outcome_text(cell, &rest);
	if (str_eq(api_text(cell, "state"), "done") &&
	    api_int(cell, "took_ms")) {
		buf_puts(&rest, ", ");
		text_duration(&rest, api_int(cell, "took_ms"));
	}
	if (*text)
		buf_printf(&rest, " \"%s\"", text);
	buf_printf(&rest, " (job %" PRId64 ")\n", api_int(cell, "job"));
	/* The line end is ours. */
	rest.data[rest.len - 1] = '\0';
	text_clean(to, t->set, buf_str(&rest));
	buf_putc(to, '\n');
}
