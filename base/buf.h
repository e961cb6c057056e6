/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A byte buffer that grows up to a ceiling.
 *
 * For everything sized by outside data. When an addition would pass the
 * ceiling, nothing is added and failed stays set until buf_reset(): errors
 * stick and are checked once. The data is always followed by a zero byte that
 * len does not count.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* ceiling in bytes */
	bool failed;
};

#define BUF_INIT(max_bytes)                    \
	{                                      \
		NULL, 0, 0, (max_bytes), false \
	}

void buf_done(struct buf *b);
/* Empties the buffer and clears failed; keeps the memory. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Room for n more bytes at data + len, or NULL and failed; see buf_added(). */
char *buf_room(struct buf *b, size_t n);
/* Says that n of the bytes of buf_room() were filled. */
void buf_added(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* The text, never NULL. Borrowed until the next call. */
const char *buf_str(const struct buf *b);
/* Hands the text over (never NULL, caller frees) and empties the buffer. */
char *buf_take(struct buf *b);

#endif
