/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines end with LF, CRLF or CR; an empty line ends an event. */
#include "cli/sse.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define EVENT_BYTES (1 << 20)
#define ID_BYTES 256

struct sse {
	struct buf line;
	struct buf data;
	struct buf event;
	char id[ID_BYTES];      /* of the last whole event */
	char next_id[ID_BYTES]; /* of the one that is being read */
	bool after_cr;
	bool spoiled; /* the event is over a ceiling */
	void (*on_event)(void *arg, const char *event, const char *data);
	void *arg;
};

struct sse *sse_new(
    void (*on_event)(void *arg, const char *event, const char *data), void *arg)
{
	struct sse *s = xcalloc(1, sizeof(*s));

	s->line.max = EVENT_BYTES;
	s->data.max = EVENT_BYTES;
	s->event.max = EVENT_BYTES;
	s->on_event = on_event;
	s->arg = arg;
	return s;
}

void sse_free(struct sse *s)
{
	if (!s)
		return;
	buf_done(&s->line);
	buf_done(&s->data);
	buf_done(&s->event);
	free(s);
}

void sse_restart(struct sse *s)
{
	buf_reset(&s->line);
	buf_reset(&s->data);
	buf_reset(&s->event);
	memcpy(s->next_id, s->id, sizeof(s->id));
	s->after_cr = false;
	s->spoiled = false;
}

const char *sse_last_id(const struct sse *s)
{
	return s->id;
}

static void dispatch(struct sse *s)
{
	bool good = !s->spoiled && !s->data.failed && !s->event.failed;

	memcpy(s->id, s->next_id, sizeof(s->id));
	if (good && (s->data.len || s->event.len))
		s->on_event(s->arg,
		    s->event.len ? buf_str(&s->event) : "message",
		    buf_str(&s->data));
	buf_reset(&s->data);
	buf_reset(&s->event);
	s->spoiled = false;
}

static void take_field(struct sse *s, const char *name, const char *value)
{
	if (str_eq(name, "data")) {
		if (s->data.len)
			buf_putc(&s->data, '\n');
		buf_puts(&s->data, value);
	} else if (str_eq(name, "event")) {
		buf_reset(&s->event);
		buf_puts(&s->event, value);
	} else if (str_eq(name, "id") && strlen(value) < ID_BYTES) {
		memcpy(s->next_id, value, strlen(value) + 1);
	}
	/* Others, "retry" among them, are not for us. */
}

static void end_line(struct sse *s)
{
	/* A comment has an empty name, which is no field. */
	char *colon = s->line.len ? strchr(s->line.data, ':') : NULL;
	const char *value = "";

	if (s->line.failed)
		s->spoiled = true;
	if (!s->line.len && !s->line.failed)
		dispatch(s);
	if (colon) {
		*colon = '\0';
		value = colon[1] == ' ' ? colon + 2 : colon + 1;
	}
	if (s->line.len)
		take_field(s, buf_str(&s->line), value);
	buf_reset(&s->line);
}

void sse_feed(struct sse *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool second = s->after_cr && data[i] == '\n';

		s->after_cr = data[i] == '\r';
		if (second)
			continue;
		if (data[i] == '\n' || data[i] == '\r')
			end_line(s);
		else
			buf_putc(&s->line, data[i]);
	}
}
