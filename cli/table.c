/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables: all cells first, then the widths, then the lines. */
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GAP 2           /* blanks between columns */
#define CUT_LEAST 8     /* a cut column keeps that many */
#define CUT_WISH 20     /* and has that many before others go */
#define HIDDEN SIZE_MAX /* width of a column that is not shown */
#define OUT_BYTES (256u << 20)
#define CELL_BYTES 65536u /* a longer text is not for a table */

struct cell {
	enum tone tone;
	char *shown;
	char *raw; /* NULL: shown */
};

struct table {
	struct column *columns;
	size_t n_columns;
	struct cell *cells;
	size_t n_cells;
	size_t cap;
};

struct table *table_new(const struct column *columns, size_t n)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->columns = xcalloc(n, sizeof(*columns));
	memcpy(t->columns, columns, n * sizeof(*columns));
	t->n_columns = n;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_cells; i++) {
		free(t->cells[i].shown);
		free(t->cells[i].raw);
	}
	free(t->cells);
	free(t->columns);
	free(t);
}

void table_cell(
    struct table *t, enum tone tone, const char *shown, const char *raw)
{
	struct cell *c;

	if (t->n_cells == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = xrealloc(t->cells, t->cap, sizeof(*t->cells));
	}
	c = &t->cells[t->n_cells++];
	c->tone = tone;
	c->shown = xstrdup(shown ? shown : "");
	c->raw = xstrdup(raw);
}

void table_text(struct table *t, const char *s)
{
	table_cell(t, TONE_PLAIN, s, NULL);
}

void table_number(struct table *t, int64_t v)
{
	char s[24];

	(void)snprintf(s, sizeof(s), "%" PRId64, v); /* always fits */
	table_cell(t, TONE_PLAIN, s, NULL);
}

size_t table_rows(const struct table *t)
{
	return t->n_cells / t->n_columns;
}

static char *clean(const struct term *term, const char *s)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(CELL_BYTES);

	text_clean(&b, term->set, s);
	return buf_take(&b);
}

/* Columns of a line, with cut columns at most that wide. */
static size_t line_width(
    const struct table *t, const size_t *widths, size_t cut_most)
{
	size_t total = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		size_t w = widths[i];

		if (w == HIDDEN)
			continue;
		if (t->columns[i].kind == COLUMN_CUT && w > cut_most)
			w = cut_most;
		total += w + (total ? GAP : 0);
	}
	return total;
}

/* Hides what a narrow terminal can do without, from the right. */
static void drop(const struct table *t, size_t *widths, size_t room)
{
	for (size_t i = t->n_columns; i-- > 0;) {
		if (line_width(t, widths, CUT_WISH) <= room)
			return;
		if (t->columns[i].use == COLUMN_WIDE)
			widths[i] = HIDDEN;
	}
}

/* Takes columns from the widest column that may be cut, until it fits. */
static void shrink(const struct table *t, size_t *widths, size_t room)
{
	while (line_width(t, widths, SIZE_MAX) > room) {
		size_t widest = t->n_columns;

		for (size_t i = 0; i < t->n_columns; i++) {
			if (t->columns[i].kind != COLUMN_CUT ||
			    widths[i] == HIDDEN || widths[i] <= CUT_LEAST)
				continue;
			if (widest == t->n_columns ||
			    widths[i] > widths[widest])
				widest = i;
		}
		if (widest == t->n_columns)
			return;
		widths[widest]--;
	}
}

static void measure(const struct table *t, const struct term *term,
    enum table_head head, char *const *texts, size_t *widths)
{
	size_t room = term_columns(term);

	for (size_t i = 0; i < t->n_columns; i++) {
		widths[i] =
		    head == TABLE_HEAD ? text_width(t->columns[i].title) : 0;
		if (t->columns[i].use == COLUMN_CSV)
			widths[i] = HIDDEN;
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t w = text_width(texts[i]);
		size_t *col = &widths[i % t->n_columns];

		/* What is hidden is the widest, and stays so. */
		*col = w > *col ? w : *col;
	}
	if (room) {
		drop(t, widths, room);
		shrink(t, widths, room);
	}
}

struct line {
	const struct term *term;
	size_t room; /* columns of the terminal; 0: any number */
	struct buf *to;
	size_t used;    /* columns written */
	size_t pending; /* blanks that wait for a text behind them */
};

static void put_cell(struct line *l, const struct column *c, size_t width,
    enum tone tone, const char *text)
{
	scoped_val(buf_done) struct buf fitted = BUF_INIT(CELL_BYTES);
	size_t room = l->room;
	size_t w;

	if (room) {
		/* What does not fit beside the columns before it is cut, too:
		   a line never wraps. */
		size_t left = l->used + l->pending < room
		    ? room - l->used - l->pending
		    : 0;

		width = width < left ? width : left;
	}
	text_fit(&fitted, l->term->set, text, width);
	w = text_width(buf_str(&fitted));
	if (c->kind == COLUMN_RIGHT)
		l->pending += width - w;
	if (fitted.len) {
		text_repeat(l->to, " ", l->pending);
		term_tone(l->term, l->to, tone, buf_str(&fitted));
		l->used += l->pending + w;
		l->pending = 0;
	}
	l->pending += GAP + (c->kind == COLUMN_RIGHT ? 0 : width - w);
}

static void put_head(const struct table *t, const struct term *term,
    const size_t *widths, struct buf *to)
{
	size_t room = term_columns(term);
	struct line l = {term, room, to, 0, 0};

	for (size_t i = 0; i < t->n_columns; i++)
		if (widths[i] != HIDDEN)
			put_cell(&l, &t->columns[i], widths[i], TONE_TITLE,
			    t->columns[i].title);
	buf_putc(to, '\n');
}

void table_render(const struct table *t, const struct term *term,
    enum table_head head, struct buf *to)
{
	scoped(free) size_t *widths = xcalloc(t->n_columns, sizeof(*widths));
	scoped(free) char **texts = xcalloc(t->n_cells + 1, sizeof(*texts));
	size_t room = term_columns(term);

	for (size_t i = 0; i < t->n_cells; i++)
		texts[i] = clean(term, t->cells[i].shown);
	measure(t, term, head, texts, widths);
	if (head == TABLE_HEAD)
		put_head(t, term, widths, to);
	for (size_t row = 0; row < table_rows(t); row++) {
		struct line l = {term, room, to, 0, 0};

		for (size_t i = 0; i < t->n_columns; i++) {
			size_t at = row * t->n_columns + i;

			if (widths[i] != HIDDEN)
				put_cell(&l, &t->columns[i], widths[i],
				    t->cells[at].tone, texts[at]);
		}
		buf_putc(to, '\n');
	}
	for (size_t i = 0; i < t->n_cells; i++)
		free(texts[i]);
}

/* Control bytes that mean nothing in CSV must not reach a terminal. */
static char csv_char(char c)
{
	unsigned char u = (unsigned char)c;

	return (u < 0x20 && !strchr("\t\n\r", c)) || u == 0x7f ? ' ' : c;
}

void csv_value(struct buf *to, const char *s)
{
	bool quoted = s[strcspn(s, ",\"\r\n")] != '\0' || *s == ' ' ||
	    (*s && s[strlen(s) - 1] == ' ');

	if (quoted)
		buf_putc(to, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_putc(to, '"');
		buf_putc(to, csv_char(*s));
	}
	if (quoted)
		buf_putc(to, '"');
}

void table_csv(const struct table *t, struct buf *to)
{
	const char *comma = "";

	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].use == COLUMN_TABLE)
			continue;
		buf_puts(to, comma);
		csv_value(to, t->columns[i].key);
		comma = ",";
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		const struct cell *c = &t->cells[i];

		if (i % t->n_columns == 0) {
			buf_putc(to, '\n');
			comma = "";
		}
		if (t->columns[i % t->n_columns].use == COLUMN_TABLE)
			continue;
		buf_puts(to, comma);
		csv_value(to, c->raw ? c->raw : c->shown);
		comma = ",";
	}
	buf_putc(to, '\n');
}

void markdown_text(struct buf *to, const char *s)
{
	scoped_val(buf_done) struct buf plain = BUF_INIT(CELL_BYTES);

	text_clean(&plain, TEXT_UTF8, s);
	for (s = buf_str(&plain); *s; s++) {
		if (strchr("\\`*_|<&#", *s) ||
		    (*s == ']' && strchr("([:", s[1]) && s[1]))
			buf_putc(to, '\\');
		buf_putc(to, *s);
	}
}

void table_markdown(const struct table *t, struct buf *to)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].use == COLUMN_CSV)
			continue;
		buf_puts(to, "| ");
		markdown_text(to, t->columns[i].title);
		buf_putc(to, ' ');
	}
	buf_puts(to, "|\n");
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].use != COLUMN_CSV)
			buf_puts(to,
			    t->columns[i].kind == COLUMN_RIGHT ? "|--:"
			                                       : "|---");
	for (size_t i = 0; i < t->n_cells; i++) {
		if (i % t->n_columns == 0)
			buf_puts(to, "|\n");
		if (t->columns[i % t->n_columns].use == COLUMN_CSV)
			continue;
		buf_puts(to, "| ");
		markdown_text(to, t->cells[i].shown);
		buf_putc(to, ' ');
	}
	buf_puts(to, "|\n");
}

void table_print(
    const struct table *t, const struct term *term, enum format format)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(OUT_BYTES);

	if (format == FORMAT_CSV)
		table_csv(t, &out);
	else if (format == FORMAT_MARKDOWN)
		table_markdown(t, &out);
	else
		table_render(t, term, TABLE_HEAD, &out);
	term_write(term, &out);
}

void print_json(const struct term *term, const json_t *doc)
{
	/* A failed write shows at the end: main asks ferror(stdout). */
	(void)json_dumpf(doc, term->file, JSON_INDENT(2));
	(void)fputc('\n', term->file);
}
