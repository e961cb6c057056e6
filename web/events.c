/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events have an index that counts up for the life of this process; the event
 * with index i is in slot i % EVENTS_RING. Invariant: the events in
 * [first, n) have consecutive sequence numbers of one epoch, the last being
 * last_seq. A hole in the numbers takes an index of its own and sets first past
 * it, so a stream behind it finds its place gone, as if the ring had
 * overflowed.
 */
#include "web/events.h"

#include <inttypes.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

#define EPOCH_SIZE 65
#define KIND_SIZE 16
#define EVENT_MAX 65536
#define FILL_BYTES 16384 /* formatted at once, beside one whole event */

struct event {
	char kind[KIND_SIZE];
	int64_t run; /* 0: of no run */
	char *data;  /* compact JSON, one line */
};

struct stream {
	struct events *events;
	struct MHD_Connection *conn;
	struct stream *next; /* in the list of waiting ones */
	struct stream **link;
	uint64_t cursor; /* index of the next event to look at */
	int64_t run;
	uint64_t beat;
	struct buf out;
	size_t sent;
};

struct events {
	pthread_mutex_t lock;
	struct event ring[EVENTS_RING];
	uint64_t n;
	uint64_t first;
	char epoch[EPOCH_SIZE];
	int64_t last_seq;
	char instance[2 * 8 + 2]; /* stands for the epoch before any event */
	uint64_t beat;
	bool closed;
	struct stream *waiting;
};

struct events *events_new(void)
{
	struct events *e = xcalloc(1, sizeof(*e));
	uint8_t salt[8];

	hash_random(salt, sizeof(salt));
	e->instance[0] = 'w';
	hash_hex(salt, sizeof(salt), e->instance + 1);
	(void)pthread_mutex_init(&e->lock, NULL);
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < EVENTS_RING; i++)
		free(e->ring[i].data);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

/* ---- waiting and waking (with the lock held) ---------------------------- */

static void unwait(struct stream *s)
{
	if (!s->link)
		return;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->link = NULL;
}

static void wait_for_more(struct stream *s)
{
	struct events *e = s->events;

	s->next = e->waiting;
	s->link = &e->waiting;
	if (s->next)
		s->next->link = &s->next;
	e->waiting = s;
	MHD_suspend_connection(s->conn);
}

static void wake_all(struct events *e)
{
	while (e->waiting) {
		struct stream *s = e->waiting;

		unwait(s);
		MHD_resume_connection(s->conn);
	}
}

static uint64_t oldest(const struct events *e)
{
	uint64_t kept = e->n > EVENTS_RING ? e->n - EVENTS_RING : 0;

	return kept > e->first ? kept : e->first;
}

/* ---- adding ------------------------------------------------------------- */

static bool fits_in_line(const char *s, size_t max)
{
	size_t len = strlen(s);

	if (!len || len >= max)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* An empty slot that no stream gets past without being told. */
static void hole(struct events *e)
{
	struct event *slot = &e->ring[e->n % EVENTS_RING];

	free(slot->data);
	slot->data = NULL;
	e->first = ++e->n;
}

/* The next event of the numbering, as a row of the ring; false: no event. */
static bool store(struct events *e, json_t *header, size_t len)
{
	const char *kind = json_string_value(json_object_get(header, "event"));
	const char *epoch = json_string_value(json_object_get(header, "epoch"));
	json_t *seq = json_object_get(header, "seq");
	struct event *slot;
	char *data;

	if (!kind || !epoch || !json_is_integer(seq) || len > EVENT_MAX ||
	    !fits_in_line(kind, KIND_SIZE) ||
	    !fits_in_line(epoch, sizeof(e->epoch)))
		return false;
	data = json_dumps(header, JSON_COMPACT);
	if (!data)
		return false;
	if (e->n > e->first &&
	    (!str_eq(epoch, e->epoch) ||
	        json_integer_value(seq) != e->last_seq + 1))
		hole(e);
	(void)snprintf(e->epoch, sizeof(e->epoch), "%s", epoch);
	e->last_seq = json_integer_value(seq);
	slot = &e->ring[e->n % EVENTS_RING];
	free(slot->data);
	slot->data = data;
	slot->run = json_integer_value(json_object_get(header, "run"));
	(void)snprintf(slot->kind, sizeof(slot->kind), "%s", kind);
	e->n++;
	return true;
}

void events_add(struct events *e, const char *header, size_t len)
{
	json_t *doc = json_loadb(header, len, 0, NULL);

	(void)pthread_mutex_lock(&e->lock);
	/* Whatever it said is lost, so everybody reads again. */
	if (!store(e, doc, len))
		hole(e);
	wake_all(e);
	(void)pthread_mutex_unlock(&e->lock);
	json_decref(doc);
}

void events_beat(struct events *e)
{
	(void)pthread_mutex_lock(&e->lock);
	e->beat++;
	wake_all(e);
	(void)pthread_mutex_unlock(&e->lock);
}

void events_close(struct events *e)
{
	(void)pthread_mutex_lock(&e->lock);
	e->closed = true;
	wake_all(e);
	(void)pthread_mutex_unlock(&e->lock);
}

/* ---- one stream (with the lock held) ------------------------------------ */

/* Where the stream is, for a client that comes back. */
static void put_id(struct stream *s)
{
	const struct events *e = s->events;
	int64_t behind = (int64_t)(e->n - s->cursor);

	if (e->n > e->first)
		buf_printf(&s->out, "id: %s-%" PRId64 "\n", e->epoch,
		    e->last_seq - behind);
	else if (!e->n)
		buf_printf(&s->out, "id: %s-0\n", e->instance);
}

static void put_event(struct stream *s, const struct event *ev)
{
	if (s->run && ev->run != s->run)
		return;
	buf_printf(&s->out, "event: %s\n", ev->kind);
	put_id(s);
	buf_printf(&s->out, "data: %s\n\n", ev->data);
}

static void put_resync(struct stream *s)
{
	s->cursor = s->events->n;
	buf_puts(&s->out, "event: resync\n");
	put_id(s);
	buf_puts(&s->out, "data: {}\n\n");
}

static void fill(struct stream *s)
{
	const struct events *e = s->events;

	buf_reset(&s->out);
	s->sent = 0;
	if (s->cursor < oldest(e))
		put_resync(s);
	while (s->cursor < e->n && s->out.len < FILL_BYTES) {
		s->cursor++;
		put_event(s, &e->ring[(s->cursor - 1) % EVENTS_RING]);
	}
	if (!s->out.len && s->beat != e->beat) {
		/* Also moves the id past events of other runs. */
		buf_puts(&s->out, ": beat\n");
		put_id(s);
		buf_putc(&s->out, '\n');
	}
	s->beat = e->beat;
}

static ssize_t read_more(void *arg, uint64_t pos, char *to, size_t max)
{
	struct stream *s = arg;
	size_t n;

	(void)pos;
	(void)pthread_mutex_lock(&s->events->lock);
	if (s->sent == s->out.len && !s->events->closed)
		fill(s);
	n = s->out.len - s->sent;
	if (n > max)
		n = max;
	if (n)
		memcpy(to, s->out.data + s->sent, n);
	s->sent += n;
	if (!n && !s->events->closed)
		wait_for_more(s);
	else if (!n)
		n = (size_t)MHD_CONTENT_READER_END_OF_STREAM;
	(void)pthread_mutex_unlock(&s->events->lock);
	return (ssize_t)n;
}

static void stream_free(void *arg)
{
	struct stream *s = arg;

	(void)pthread_mutex_lock(&s->events->lock);
	unwait(s);
	(void)pthread_mutex_unlock(&s->events->lock);
	buf_done(&s->out);
	free(s);
}

/* ---- beginning ---------------------------------------------------------- */

/* The index after the event with that id; false if it is not known. */
static bool find_id(const struct events *e, const char *id, uint64_t *ret)
{
	const char *dash = strrchr(id, '-');
	size_t len = dash ? (size_t)(dash - id) : 0;
	int64_t seq;
	uint64_t behind;

	if (!dash || str_to_i64(dash + 1, 0, INT64_MAX, &seq, NULL) < 0)
		return false;
	if (len == strlen(e->instance) && memcmp(id, e->instance, len) == 0) {
		*ret = 0;
		return seq == 0 && oldest(e) == 0;
	}
	if (e->n == e->first || len != strlen(e->epoch) ||
	    memcmp(id, e->epoch, len) != 0 || seq > e->last_seq)
		return false;
	behind = (uint64_t)(e->last_seq - seq);
	*ret = e->n - behind;
	return behind <= e->n - oldest(e);
}

static struct stream *stream_new(struct events *e, struct MHD_Connection *conn,
    int64_t run, const char *last_id)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->events = e;
	s->conn = conn;
	s->run = run;
	s->out.max = FILL_BYTES + EVENT_MAX + 1024;
	(void)pthread_mutex_lock(&e->lock);
	s->beat = e->beat;
	s->cursor = e->n;
	buf_puts(&s->out, "retry: 2000\n");
	if (last_id && !find_id(e, last_id, &s->cursor)) {
		put_resync(s);
	} else {
		put_id(s);
		buf_putc(&s->out, '\n');
	}
	(void)pthread_mutex_unlock(&e->lock);
	return s;
}

struct MHD_Response *events_response(struct events *e,
    struct MHD_Connection *conn, int64_t run, const char *last_id)
{
	struct stream *s = stream_new(e, conn, run, last_id);
	struct MHD_Response *response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, FILL_BYTES, read_more, s, stream_free);

	if (!response) {
		stream_free(s);
		return NULL;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "text/event-stream; charset=utf-8");
	return response;
}
