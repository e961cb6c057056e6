/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte buffer with a ceiling; data[len] is a zero byte at all times. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_done(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 128;
	char *data;

	/* The second test keeps the doubling below from overflowing. */
	if (b->failed || n > b->max || b->len > b->max - n ||
	    b->len + n > SIZE_MAX / 4) {
		b->failed = true;
		return NULL;
	}
	while (cap < b->len + n + 1)
		cap *= 2;
	if (cap != b->cap) {
		data = realloc(b->data, cap);
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_room(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	buf_added(b, len);
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		b->failed = true;
	room = n < 0 ? NULL : buf_room(b, (size_t)n);
	if (room) {
		(void)vsnprintf(room, (size_t)n + 1, fmt, again);
		buf_added(b, (size_t)n);
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (!n)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *s = b->data ? b->data : xcalloc(1, 1);

	b->data = NULL;
	b->len = b->cap = 0;
	return s;
}
