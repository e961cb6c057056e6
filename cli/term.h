/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where output goes: a terminal with its width and colours, or a file.
 *
 * Colour appears on a terminal only, never when NO_COLOR is set or TERM is
 * dumb, and never says anything that a sign or word does not say, too.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/text.h"

/* What a text means; the colour follows from it. */
enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_BAD, /* the test failed */
	TONE_LAB, /* the lab failed */
	TONE_DIM,
	TONE_TITLE
};

struct term {
	FILE *file; /* borrowed */
	bool is_terminal;
	bool moves; /* a terminal whose cursor can be moved */
	bool colour;
	enum text_set set;
	size_t drawn; /* lines of the block that term_draw() left */
};

/* Looks at the file and at the environment; setlocale() came before. */
void term_init(struct term *t, FILE *file);
/* Columns; 0 if it is no terminal, where nothing is cut. */
size_t term_columns(const struct term *t);
size_t term_lines(const struct term *t);

/* Appends s, coloured if the terminal has colours; s is clean already. */
void term_tone(
    const struct term *t, struct buf *to, enum tone tone, const char *s);
/* Writes text as it is: the caller has cleaned what came from outside. */
void term_write(const struct term *t, const struct buf *text);
/* Writes one line, cleaned. */
void term_line(const struct term *t, const char *s);

/*
 * Replaces the block drawn before by lines that stay and a new block; both are
 * whole lines, and none of the block wraps.
 */
void term_draw(
    struct term *t, const struct buf *stays, const struct buf *block);

#endif
