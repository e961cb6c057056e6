/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text for people: columns of a terminal, and characters that do no harm.
 *
 * Names and log lines come from suites, machines and serial lines. Before they
 * reach a terminal or a table, control characters become blanks and bytes that
 * are not UTF-8 become question marks. Where the locale is not UTF-8 the signs
 * of a matrix have ASCII spellings and anything else becomes a question mark.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum text_set {
	TEXT_UTF8,
	TEXT_ASCII
};

#define TEXT_BAD UINT32_MAX       /* text_next(): the byte is not UTF-8 */
#define TEXT_CUT (UINT32_MAX - 1) /* text_next(): the rest is not there yet */

/* Bytes of the character at s (1 for a bad one, 0 for TEXT_CUT); len > 0. */
size_t text_next(const char *s, size_t len, uint32_t *ret_char);
/* True for C0, DEL, C1 and the marks that reorder a line. */
bool text_is_control(uint32_t c);
/* Columns of a text that text_clean() has made. */
size_t text_width(const char *s);
/* Appends s on one line, harmless, in the given characters. */
void text_clean(struct buf *to, enum text_set set, const char *s);
/* Appends a clean text cut to that many columns, with a mark if it was cut. */
void text_fit(struct buf *to, enum text_set set, const char *s, size_t columns);
/* Appends n blanks, or n times another character. */
void text_repeat(struct buf *to, const char *s, size_t n);

/* Appends "5.3 s", "4 m 12 s", "2 h 05 m", "3 d 4 h". */
void text_duration(struct buf *to, int64_t ms);
/* Appends "812 B", "12 KiB", "1.4 MiB". */
void text_size(struct buf *to, int64_t bytes);
/* Appends "2026-01-02 03:04:05", UTC. */
void text_time(struct buf *to, int64_t at_ms);

#endif
