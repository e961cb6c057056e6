/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's end of the wire.
 *
 * Invariant: `resume.have` is the last event handed to the owner, `durable` the
 * last one the owner has on disk, and only the latter is acked or said in a
 * hello. So what a crash takes away is exactly what the agent sends again, and
 * what it sends again needlessly is dropped by its number.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/json.h"
#include "agent/wire_daemon.h"

struct wire_daemon *wire_daemon_new(const struct wire_daemon_options *opts)
{
	struct wire_daemon *d = xcalloc(1, sizeof(*d));

	d->lab = xstrdup(opts->lab);
	d->fence = opts->fence;
	d->attempt = opts->attempt;
	if (opts->boot)
		(void)snprintf(d->boot, sizeof(d->boot), "%s", opts->boot);
	d->resume = opts->resume;
	d->durable = opts->resume.have;
	d->started = opts->started;
	d->reboot_planned = opts->reboot_planned;
	d->ops = opts->ops;
	d->arg = opts->arg;
	d->lines = (struct wire_lines)WIRE_LINES_INIT;
	d->redial_ms = WIRE_REDIAL_MIN_MS;
	d->again_at = INT64_MAX;
	return d;
}

void wire_daemon_free(struct wire_daemon *d)
{
	struct command *next;

	if (!d)
		return;
	for (struct command *c = d->commands; c; c = next) {
		next = c->next;
		free(c->frame);
		free(c);
	}
	wire_lines_done(&d->lines);
	free(d->lab);
	free(d);
}

/* ---- sending --------------------------------------------------------- */

/* Takes ownership of json. What we make ourselves always fits. */
static void send_json(struct wire_daemon *d, json_t *json)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(WIRE_FRAME_MAX);
	int r = json ? wire_format(json, &b, NULL) : -1;

	assert(r == 0);
	json_decref(json);
	d->ops->send(d->arg, b.data, b.len);
}

static void send_ack(struct wire_daemon *d)
{
	d->ack_due = false;
	if (d->link == LINK_UP && d->durable > 0)
		send_json(d,
		    json_pack(
		        "{s:s,s:I}", "t", "ack", "s", (json_int_t)d->durable));
}

void wire_daemon_send(struct wire_daemon *d, struct command *c, int64_t now_ms)
{
	c->resend_at = now_ms + WIRE_RESEND_MS;
	d->ops->send(d->arg, c->frame, c->len);
}

/* ---- ends of the link ------------------------------------------------ */

static void forget_link(struct wire_daemon *d)
{
	d->link = LINK_NONE;
	d->generation++;
	d->again_at = INT64_MAX;
	d->ack_due = false;
	buf_reset(&d->lines.in);
}

static int64_t next_wait(struct wire_daemon *d)
{
	int64_t wait = d->redial_ms;

	d->redial_ms =
	    wait * 2 < WIRE_REDIAL_MAX_MS ? wait * 2 : WIRE_REDIAL_MAX_MS;
	return wait;
}

static void drop(struct wire_daemon *d, const char *why)
{
	forget_link(d);
	d->ops->drop(d->arg, why, next_wait(d));
}

static void fail(struct wire_daemon *d, const char *layer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct wire_daemon *d, const char *layer, const char *fmt, ...)
{
	struct err why = ERR_INIT;
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* err_set() makes outside text fit for a line. */
	(void)err_set(&why, ERR_PROTO, "%s", text);
	forget_link(d);
	d->failed = true;
	d->ops->fail(d->arg, layer, why.msg);
}

void wire_daemon_link_up(struct wire_daemon *d, int64_t now_ms)
{
	if (d->failed)
		return;
	forget_link(d);
	d->link = LINK_HELLO;
	d->heard_at = now_ms;
	d->ping_at = INT64_MAX;
	send_json(d,
	    json_pack("{s:s,s:[i,i],s:s,s:I,s:I,s:I}", "t", "hello", "v",
	        WIRE_VERSION_MIN, WIRE_VERSION, "lab", d->lab, "fence",
	        (json_int_t)d->fence, "attempt", (json_int_t)d->attempt, "have",
	        (json_int_t)d->durable));
}

int64_t wire_daemon_link_down(struct wire_daemon *d, int64_t now_ms)
{
	(void)now_ms;
	forget_link(d);
	return next_wait(d);
}

/* ---- what the agent says --------------------------------------------- */

static const char *get_str(const json_t *json, const char *key)
{
	return json_get_text(json, key, WIRE_WORD_MAX);
}

struct command *wire_daemon_find(struct wire_daemon *d, int64_t c)
{
	struct command *cmd = d->commands;

	while (cmd && cmd->c != c)
		cmd = cmd->next;
	return cmd;
}

/* Whether the attempt can go on with this agent; fails it otherwise. */
static bool agent_is_ours(
    struct wire_daemon *d, const struct wire_hello *h, int64_t attempt)
{
	bool idle = strcmp(h->state, "idle") == 0;

	if (strcmp(h->state, "foreign") == 0 ||
	    (attempt != d->attempt && attempt != 0))
		fail(d, "harness",
		    "the agent holds attempt %" PRId64 " under our fence",
		    attempt);
	else if (d->boot[0] && strcmp(d->boot, h->boot) != 0 &&
	    !d->reboot_planned)
		fail(d, "host", "the machine was restarted by itself");
	else if (wire_daemon_find(d, WIRE_C_FORGET) && idle)
		return true;
	else if (h->last < d->resume.have)
		fail(d, "host",
		    "the agent's journal is gone: it has %" PRId64
		    " events, we have %" PRId64,
		    h->last, d->resume.have);
	else if (d->started && idle)
		fail(d, "host", "the agent knows nothing of the attempt");
	else
		return true;
	return false;
}

static void on_hello(struct wire_daemon *d, const json_t *json, int64_t now_ms)
{
	unsigned gen = d->generation;
	struct wire_hello h = {
	    .version = (int)json_get_i64(json, "v"),
	    .agent = get_str(json, "agent"),
	    .boot = get_str(json, "boot"),
	    .state = get_str(json, "state"),
	    .first = json_get_i64(json, "first"),
	    .last = json_get_i64(json, "last"),
	    .mono_ms = json_get_i64(json, "mono_ms"),
	};

	if (h.version < WIRE_VERSION_MIN || h.version > WIRE_VERSION ||
	    !*h.boot || h.last < 0 || json_get_i64(json, "fence") != d->fence) {
		drop(d, "the agent's hello is no answer to ours");
		return;
	}
	if (!agent_is_ours(d, &h, json_get_i64(json, "attempt")))
		return;
	if (strcmp(d->boot, h.boot) != 0) {
		(void)snprintf(d->boot, sizeof(d->boot), "%s", h.boot);
		d->reboot_planned = false;
	}
	d->link = LINK_UP;
	d->ping_at = now_ms + WIRE_PING_MS;
	d->redial_ms = WIRE_REDIAL_MIN_MS;
	/* What up() adds is sent at once and not a second time below. */
	for (struct command *c = d->commands; c; c = c->next)
		c->resend_at = now_ms;
	d->ops->up(d->arg, &h);
	for (struct command *c = d->commands; c && d->generation == gen;
	     c = c->next)
		if (!c->answered && c->resend_at <= now_ms)
			wire_daemon_send(d, c, now_ms);
}

static void on_refuse(struct wire_daemon *d, const json_t *json)
{
	const char *why = get_str(json, "why");

	if (strcmp(why, "fence") == 0)
		fail(d, "harness",
		    "the agent obeys fence %" PRId64 ", ours is %" PRId64,
		    json_get_i64(json, "highest"), d->fence);
	else if (strcmp(why, "lab") == 0)
		fail(d, "host", "the machine works for another lab");
	else
		fail(d, "harness", "the agent refuses us: %s", why);
}

static void on_answer(struct wire_daemon *d, const json_t *json, bool ok)
{
	struct wire_answer a = {.c = json_get_i64(json, "c"), .ok = ok};
	struct command *cmd = wire_daemon_find(d, a.c);
	char why[WIRE_WORD_MAX * 2];

	/* Ids in messages are not trusted: a second answer is none. */
	if (!cmd || cmd->answered)
		return;
	cmd->answered = true;
	if (ok && a.c == WIRE_C_START)
		d->started = true;
	if (ok) {
		a.dup = json_is_true(json_object_get(json, "dup"));
	} else {
		const char *text =
		    json_string_value(json_object_get(json, "why"));

		(void)snprintf(why, sizeof(why), "%s", text ? text : "");
		a.layer = get_str(json, "layer");
		a.why = why;
	}
	d->ops->answer(d->arg, &a);
}

/* ---- events ---------------------------------------------------------- */

/*
 * Events are missing before s. They are asked for once; a stream that goes back
 * behind what it had and still lacks them was the answer, and proves a fault of
 * the agent. What was under way when we asked only goes forward.
 */
static void on_gap(struct wire_daemon *d, int64_t s, int64_t now_ms)
{
	int64_t from = d->resume.have + 1;

	if (d->again_at != INT64_MAX && s >= d->gap_last) {
		d->gap_last = s;
		return;
	}
	if (d->gap_from == from) {
		fail(d, "agent", "event %" PRId64 " is missing twice", from);
		return;
	}
	d->gap_from = from;
	d->gap_last = s;
	d->again_at = now_ms + WIRE_DEAD_MS;
	send_json(
	    d, json_pack("{s:s,s:I}", "t", "again", "from", (json_int_t)from));
}

static bool end_is_true(struct wire_daemon *d, const struct wire_event *e)
{
	char hex[HASH_HEX + 1];

	if (!d->resume.complete)
		return true;
	hash_hex(d->resume.chain, HASH_BYTES, hex);
	if (strcmp(hex, e->end.chain) != 0)
		fail(d, "agent", "the chain of %" PRId64 " events is broken",
		    d->resume.have);
	else if (e->end.cases != d->resume.cases ||
	    e->end.samples != d->resume.samples)
		fail(d, "agent",
		    "the agent counts %" PRId64 " cases and %" PRId64
		    " samples, we %" PRId64 " and %" PRId64,
		    e->end.cases, e->end.samples, d->resume.cases,
		    d->resume.samples);
	else
		return true;
	return false;
}

static void apply(struct wire_daemon *d, const struct wire_event *e,
    const char *line, size_t len)
{
	struct wire_resume *r = &d->resume;
	struct wire_resume after;

	d->again_at = INT64_MAX;
	if (r->ended) {
		fail(d, "agent", "an event after the end");
		return;
	}
	if (r->events >= WIRE_EVENTS_MAX ||
	    r->bytes + (int64_t)len > WIRE_BYTES_MAX) {
		fail(d, "agent", "over %d events or %lld bytes of them",
		    WIRE_EVENTS_MAX, WIRE_BYTES_MAX);
		return;
	}
	if (e->kind == WIRE_END && !end_is_true(d, e))
		return;
	r->have = e->s;
	r->events++;
	r->bytes += (int64_t)len;
	r->cases += e->kind == WIRE_CASE;
	r->samples += e->kind == WIRE_SAMPLE;
	r->ended = e->kind == WIRE_END;
	d->unknown += e->kind == WIRE_UNKNOWN;
	wire_chain_add(r->chain, line, len);
	after = *r;
	d->ops->event(d->arg, e, &after);
}

static void on_event(struct wire_daemon *d, const json_t *json,
    const char *line, size_t len, int64_t now_ms)
{
	int64_t s = json_get_i64(json, "s");
	struct wire_event e;
	struct err err = ERR_INIT;

	if (s >= 1 && s <= d->resume.have)
		d->ack_due = true;
	else if (s > d->resume.have + 1)
		on_gap(d, s, now_ms);
	else if (wire_event_read(json, len, &e, &err) < 0)
		fail(d, "agent", "%s", err.msg);
	else
		apply(d, &e, line, len);
}

static void on_ping(struct wire_daemon *d, const json_t *json, int64_t now_ms)
{
	int64_t last = json_get_i64(json, "last");

	send_json(d,
	    json_pack("{s:s,s:I}", "t", "pong", "n",
	        (json_int_t)json_get_i64(json, "n")));
	if (last > d->resume.have)
		on_gap(d, last, now_ms);
}

static void on_frame(
    struct wire_daemon *d, const char *line, size_t len, int64_t now_ms)
{
	scoped(json_decref) json_t *json = NULL;
	struct err err = ERR_INIT;
	const char *t;

	if (wire_parse(line, len, &json, &err) < 0) {
		drop(d, err.msg);
		return;
	}
	t = get_str(json, "t");
	if (d->link == LINK_HELLO) {
		if (strcmp(t, "hello") == 0)
			on_hello(d, json, now_ms);
		else if (strcmp(t, "refuse") == 0)
			on_refuse(d, json);
		else
			drop(d, "the agent does not say hello");
		return;
	}
	if (json_object_get(json, "s"))
		on_event(d, json, line, len, now_ms);
	else if (strcmp(t, "ok") == 0 || strcmp(t, "no") == 0)
		on_answer(d, json, t[0] == 'o');
	else if (strcmp(t, "ping") == 0)
		on_ping(d, json, now_ms);
	else if (strcmp(t, "pong") != 0 && strcmp(t, "hello") != 0)
		d->unknown++;
}

void wire_daemon_feed(
    struct wire_daemon *d, const char *data, size_t len, int64_t now_ms)
{
	unsigned gen = d->generation;
	struct err err = ERR_INIT;
	const char *line;
	size_t n;
	int r = 1;

	if (d->failed || d->link == LINK_NONE)
		return;
	d->heard_at = now_ms;
	while (r > 0 && d->generation == gen) {
		r = wire_lines_next(&d->lines, &data, &len, &line, &n, &err);
		if (r > 0)
			on_frame(d, line, n, now_ms);
		else if (r < 0)
			drop(d, err.msg);
	}
	if (d->ack_due)
		send_ack(d);
}

void wire_daemon_durable(struct wire_daemon *d, int64_t s, int64_t now_ms)
{
	(void)now_ms;
	if (s > d->resume.have)
		s = d->resume.have;
	if (s <= d->durable)
		return;
	d->durable = s;
	if (!d->failed)
		send_ack(d);
}

/* ---- time ------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t wire_daemon_deadline(const struct wire_daemon *d)
{
	int64_t at = d->heard_at + WIRE_DEAD_MS;

	if (d->failed || d->link == LINK_NONE)
		return INT64_MAX;
	at = earlier(at, earlier(d->ping_at, d->again_at));
	for (const struct command *c = d->commands; c && d->link == LINK_UP;
	     c = c->next)
		if (!c->answered)
			at = earlier(at, c->resend_at);
	return at;
}

static void ping(struct wire_daemon *d, int64_t now_ms)
{
	d->ping_at = now_ms + WIRE_PING_MS;
	send_json(d,
	    json_pack("{s:s,s:I}", "t", "ping", "n", (json_int_t)++d->pings));
	/* Acks are not answered; saying the last one again costs nothing. */
	send_ack(d);
}

void wire_daemon_tick(struct wire_daemon *d, int64_t now_ms)
{
	if (d->failed || d->link == LINK_NONE)
		return;
	if (now_ms >= d->heard_at + WIRE_DEAD_MS) {
		drop(d, "the agent is silent");
		return;
	}
	if (now_ms >= d->again_at) {
		drop(d, "the agent does not say missing events again");
		return;
	}
	if (now_ms >= d->ping_at)
		ping(d, now_ms);
	for (struct command *c = d->commands; c && d->link == LINK_UP;
	     c = c->next)
		if (!c->answered && now_ms >= c->resend_at)
			wire_daemon_send(d, c, now_ms);
}

bool wire_daemon_is_up(const struct wire_daemon *d)
{
	return d->link == LINK_UP;
}

int64_t wire_daemon_unknown(const struct wire_daemon *d)
{
	return d->unknown;
}

const struct wire_resume *wire_daemon_resume(const struct wire_daemon *d)
{
	return &d->resume;
}
