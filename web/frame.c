/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of the link between the web process and the daemon. A frame is put
 * whole or not at all, so a buffer that overflowed never holds half of one.
 */
#include <stdint.h>
#include <string.h>

#include "web/web.h"

#define LENGTH_BYTES 4

static void u32_put(char *to, size_t v)
{
	for (int i = 0; i < LENGTH_BYTES; i++)
		to[i] = (char)(unsigned char)(v >> (8 * i) & 0xff);
}

static size_t u32_get(const char *from)
{
	size_t v = 0;

	for (int i = LENGTH_BYTES - 1; i >= 0; i--)
		v = v << 8 | (unsigned char)from[i];
	return v;
}

/* Returns what is behind them. */
static char *bytes_put(char *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
	return to + n;
}

void web_frame_put(
    struct buf *to, const char *header, const void *body, size_t body_len)
{
	size_t header_len = strlen(header);
	size_t fixed = 2 * LENGTH_BYTES;
	char *room;

	if (header_len > WEB_FRAME_MAX - fixed ||
	    body_len > WEB_FRAME_MAX - fixed - header_len) {
		to->failed = true;
		return;
	}
	room = buf_room(to, fixed + header_len + body_len);
	if (!room)
		return;
	u32_put(room, LENGTH_BYTES + header_len + body_len);
	u32_put(room + LENGTH_BYTES, header_len);
	/* Neither has a zero byte behind it. */
	room = bytes_put(room + fixed, header, header_len);
	(void)bytes_put(room, body, body_len);
	buf_added(to, fixed + header_len + body_len);
}

int web_frame_get(
    const struct buf *from, struct web_frame *ret, struct err *err)
{
	size_t fixed = 2 * LENGTH_BYTES;
	size_t len;
	size_t header_len;

	if (from->len < LENGTH_BYTES)
		return 0;
	len = u32_get(from->data);
	if (len < LENGTH_BYTES)
		return err_set(
		    err, ERR_PROTO, "frame of %zu bytes is too short", len);
	if (len > WEB_FRAME_MAX - LENGTH_BYTES)
		return err_set(err, ERR_LIMIT,
		    "frame of %zu bytes is over %d bytes", len, WEB_FRAME_MAX);
	if (from->len < fixed)
		return 0;
	header_len = u32_get(from->data + LENGTH_BYTES);
	if (header_len > len - LENGTH_BYTES)
		return err_set(err, ERR_PROTO,
		    "header of %zu bytes in a frame of %zu", header_len, len);
	if (from->len < LENGTH_BYTES + len)
		return 0;
	ret->header = from->data + fixed;
	ret->header_len = header_len;
	ret->body = from->data + fixed + header_len;
	ret->body_len = len - LENGTH_BYTES - header_len;
	ret->size = LENGTH_BYTES + len;
	return 1;
}
