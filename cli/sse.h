/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server-sent events out of a stream of bytes (the standard's parser). */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include <stddef.h>

#include "base/mem.h"

struct sse;

/* on_event borrows its texts; event is "message" if the stream did not say. */
struct sse *sse_new(
    void (*on_event)(void *arg, const char *event, const char *data),
    void *arg);
void sse_free(struct sse *s);
SCOPED_DEFINE(struct sse, sse_free);

/* Bytes as they come. An event over 1 MiB is dropped. */
void sse_feed(struct sse *s, const char *data, size_t len);
/* A new connection: what was half read is forgotten, the last id is not. */
void sse_restart(struct sse *s);
/* The last id that came with a whole event; "" before one. Borrowed. */
const char *sse_last_id(const struct sse *s);

#endif
