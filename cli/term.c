/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal: asked once what it can, and for its size whenever we draw. */
#include "cli/term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* One line of the output, whatever came in. */
#define LINE_BYTES (1 << 20)

static bool is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

void term_init(struct term *t, FILE *file)
{
	const char *kind = getenv("TERM");

	memset(t, 0, sizeof(*t));
	t->file = file;
	t->is_terminal = isatty(fileno(file)) == 1;
	t->moves = t->is_terminal && kind && *kind && !str_eq(kind, "dumb");
	t->colour = t->moves && !is_set("NO_COLOR");
	t->set = str_eq(nl_langinfo(CODESET), "UTF-8") ? TEXT_UTF8 : TEXT_ASCII;
}

static struct winsize size_of(const struct term *t)
{
	struct winsize w = {0};

	/* A terminal that does not know its size gets the classic one. */
	if (ioctl(fileno(t->file), TIOCGWINSZ, &w) < 0 || !w.ws_col)
		w.ws_col = 80;
	if (!w.ws_row)
		w.ws_row = 24;
	return w;
}

size_t term_columns(const struct term *t)
{
	return t->is_terminal ? size_of(t).ws_col : 0;
}

size_t term_lines(const struct term *t)
{
	return t->is_terminal ? size_of(t).ws_row : 0;
}

void term_tone(
    const struct term *t, struct buf *to, enum tone tone, const char *s)
{
	static const char *const codes[] = {
	    [TONE_PLAIN] = "",
	    [TONE_GOOD] = "\033[32m",
	    [TONE_BAD] = "\033[1;31m",
	    [TONE_LAB] = "\033[1;35m",
	    [TONE_DIM] = "\033[2m",
	    [TONE_TITLE] = "\033[1m",
	};

	if (!t->colour || tone == TONE_PLAIN || !*s) {
		buf_puts(to, s);
		return;
	}
	buf_puts(to, codes[tone]);
	buf_puts(to, s);
	buf_puts(to, "\033[0m");
}

void term_write(const struct term *t, const struct buf *text)
{
	/* A failed write shows at the end: main asks ferror(stdout). */
	(void)fwrite(buf_str(text), 1, text->len, t->file);
}

void term_line(const struct term *t, const char *s)
{
	scoped_val(buf_done) struct buf line = BUF_INIT(LINE_BYTES);

	text_clean(&line, t->set, s);
	buf_putc(&line, '\n');
	term_write(t, &line);
}

void term_draw(struct term *t, const struct buf *stays, const struct buf *block)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(LINE_BYTES);

	if (t->drawn)
		buf_printf(&out, "\033[%zuA\r\033[J", t->drawn);
	buf_puts(&out, buf_str(stays));
	buf_puts(&out, buf_str(block));
	t->drawn = 0;
	for (const char *s = buf_str(block); *s; s++)
		t->drawn += *s == '\n';
	term_write(t, &out);
	(void)fflush(t->file); /* as term_write() */
}
