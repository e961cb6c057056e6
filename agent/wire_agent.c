/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's end of the wire.
 *
 * Invariant: acked <= sent <= last. Records are journalled before they are
 * sent, at most a window of them is under way, and nothing is deleted before
 * the daemon says so with "forget" or a higher fence. What must survive a crash
 * beside the journal is in `saved`, which is stored before it takes effect.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/json.h"
#include "agent/wire_agent.h"

struct wire_agent *wire_agent_new(const struct wire_agent_options *opts)
{
	struct wire_agent *a = xcalloc(1, sizeof(*a));

	a->agent = xstrdup(opts->agent);
	a->boot = xstrdup(opts->boot);
	a->saved = opts->saved;
	a->last = opts->last;
	a->ended = opts->ended;
	a->cases = opts->cases;
	a->samples = opts->samples;
	memcpy(a->chain, opts->chain, HASH_BYTES);
	a->ops = opts->ops;
	a->arg = opts->arg;
	a->alone_since = -1;
	return a;
}

static void free_link(struct wire_agent_link *l)
{
	wire_lines_done(&l->lines);
	free(l);
}

void wire_agent_free(struct wire_agent *a)
{
	struct wire_agent_link *next;

	if (!a)
		return;
	for (struct wire_agent_link *l = a->links; l; l = next) {
		next = l->next;
		free_link(l);
	}
	free(a->agent);
	free(a->boot);
	free(a);
}

bool wire_agent_is_running(const struct wire_agent *a)
{
	return a->saved.attempt && a->saved.spec_sha256[0] && !a->ended;
}

bool wire_agent_is_linked(const struct wire_agent *a)
{
	return a->up != NULL;
}

int64_t wire_agent_dropped_notes(const struct wire_agent *a)
{
	return a->dropped_notes;
}

const struct wire_saved *wire_agent_saved(const struct wire_agent *a)
{
	return &a->saved;
}

int wire_agent_save(
    struct wire_agent *a, const struct wire_saved *next, struct err *err)
{
	int r = a->ops->save(a->arg, next, err);

	if (r == 0)
		a->saved = *next;
	return r;
}

/* ---- links ----------------------------------------------------------- */

struct wire_agent_link *wire_agent_link_new(
    struct wire_agent *a, void *link_arg, int64_t now_ms)
{
	struct wire_agent_link *l = xcalloc(1, sizeof(*l));

	l->a = a;
	l->link_arg = link_arg;
	l->lines = (struct wire_lines)WIRE_LINES_INIT;
	l->heard_at = now_ms;
	l->ping_at = INT64_MAX;
	l->next = a->links;
	a->links = l;
	return l;
}

static void close_link(struct wire_agent_link *l, int64_t now_ms)
{
	if (l->state == LINK_CLOSED)
		return;
	l->state = LINK_CLOSED;
	if (l->a->up == l) {
		l->a->up = NULL;
		l->a->alone_since = now_ms;
	}
	l->a->ops->close(l->a->arg, l->link_arg);
}

void wire_agent_link_free(struct wire_agent_link *l, int64_t now_ms)
{
	struct wire_agent_link **at;

	if (!l)
		return;
	if (l->a->up == l) {
		l->a->up = NULL;
		l->a->alone_since = now_ms;
	}
	at = &l->a->links;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	free_link(l);
}

/* Takes ownership of json. What we make ourselves always fits. */
void wire_agent_say(struct wire_agent_link *l, json_t *json)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(WIRE_FRAME_MAX);
	int r = json ? wire_format(json, &b, NULL) : -1;

	assert(r == 0);
	json_decref(json);
	l->a->ops->send(l->a->arg, l->link_arg, b.data, b.len);
}

/* ---- the window ------------------------------------------------------ */

/* Moves the window to begin after s; s lies in acked .. last. */
static void set_acked(struct wire_agent *a, int64_t s)
{
	if (s >= a->sent) {
		a->sent = s;
		a->acked = s;
		a->unacked_bytes = 0;
	}
	while (a->acked < s)
		a->unacked_bytes -= a->sizes[++a->acked % WIRE_WINDOW_EVENTS];
}

/* Forgets that records after s were sent; s lies in acked .. sent. */
static void set_sent(struct wire_agent *a, int64_t s)
{
	while (a->sent > s)
		a->unacked_bytes -= a->sizes[a->sent-- % WIRE_WINDOW_EVENTS];
}

static void pump(struct wire_agent *a, int64_t now_ms)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(WIRE_FRAME_MAX);
	struct err err = ERR_INIT;
	const char *line;
	size_t len;

	while (a->up && a->sent < a->last &&
	    a->sent - a->acked < WIRE_WINDOW_EVENTS) {
		if (a->ops->read(a->arg, a->sent + 1, &line, &len, &err) < 0) {
			/* Another link will not help, but it will be seen. */
			close_link(a->up, now_ms);
			return;
		}
		if (a->unacked_bytes + len + 1 > WIRE_WINDOW_BYTES)
			return;
		buf_reset(&b);
		buf_add(&b, line, len);
		buf_putc(&b, '\n');
		a->sent++;
		a->sizes[a->sent % WIRE_WINDOW_EVENTS] = (uint32_t)b.len;
		a->unacked_bytes += b.len;
		a->ops->send(a->arg, a->up->link_arg, b.data, b.len);
	}
}

/* ---- hello ----------------------------------------------------------- */

static void refuse(struct wire_agent_link *l, const char *why, int64_t now_ms)
{
	wire_agent_say(l,
	    json_pack("{s:s,s:s,s:I}", "t", "refuse", "why", why, "highest",
	        (json_int_t)l->a->saved.fence));
	close_link(l, now_ms);
}

void wire_agent_forget_records(struct wire_agent *a)
{
	a->last = a->sent = a->acked = 0;
	a->unacked_bytes = 0;
	a->ended = false;
	a->cases = a->samples = 0;
	memset(a->chain, 0, sizeof(a->chain));
}

/* A higher fence: whatever there was of the older attempt goes. */
static int take_over(struct wire_agent *a, const char *lab, int64_t fence,
    int64_t attempt, struct err *err)
{
	struct wire_saved next = {.fence = fence, .attempt = attempt};
	int r = a->ops->clean(a->arg, err);

	/*
	 * Cleaned first: a crash in between leaves the old fence with nothing,
	 * never the new one with records of the old attempt.
	 */
	if (r < 0)
		return r;
	wire_agent_forget_records(a);
	(void)snprintf(next.lab, sizeof(next.lab), "%s", lab);
	return wire_agent_save(a, &next, err);
}

static const char *state_name(const struct wire_agent *a, int64_t attempt)
{
	if (a->saved.attempt && a->saved.attempt != attempt)
		return "foreign";
	if (!a->saved.attempt || !a->saved.spec_sha256[0])
		return "idle";
	return a->ended ? "ended" : "running";
}

static void say_hello(
    struct wire_agent_link *l, const char *state, int64_t now_ms)
{
	struct wire_agent *a = l->a;

	wire_agent_say(l,
	    json_pack("{s:s,s:i,s:s,s:s,s:I,s:I,s:s,s:I,s:I,s:I}", "t", "hello",
	        "v", WIRE_VERSION, "agent", a->agent, "boot", a->boot, "fence",
	        (json_int_t)a->saved.fence, "attempt",
	        (json_int_t)a->saved.attempt, "state", state, "first",
	        (json_int_t)(a->last ? 1 : 0), "last", (json_int_t)a->last,
	        "mono_ms", (json_int_t)now_ms));
}

/* The link counts from here on; one that did so before is closed. */
static void link_is_up(struct wire_agent_link *l, int64_t have, int64_t now_ms)
{
	struct wire_agent *a = l->a;

	if (a->up)
		close_link(a->up, now_ms);
	a->up = l;
	a->orphan_told = false;
	l->state = LINK_UP;
	l->ping_at = now_ms + WIRE_PING_MS;
	/* A daemon restored from a backup may have less than it acked once. */
	a->sent = a->acked = have < a->last ? have : a->last;
	a->unacked_bytes = 0;
	pump(a, now_ms);
}

static const char *refusal(const struct wire_agent *a, const json_t *json,
    const char *lab, int64_t fence)
{
	const json_t *v = json_object_get(json, "v");
	json_int_t low = json_integer_value(json_array_get(v, 0));
	json_int_t high = json_integer_value(json_array_get(v, 1));

	if (low > WIRE_VERSION || high < WIRE_VERSION_MIN)
		return "version";
	if (fence < a->saved.fence)
		return "fence";
	/* Fences of two labs mean nothing to each other. */
	if (a->saved.attempt && strcmp(a->saved.lab, lab) != 0)
		return "lab";
	return NULL;
}

static void on_hello(
    struct wire_agent_link *l, const json_t *json, int64_t now_ms)
{
	struct wire_agent *a = l->a;
	const char *lab = json_get_text(json, "lab", sizeof(a->saved.lab) - 1);
	int64_t fence = json_get_i64(json, "fence");
	int64_t attempt = json_get_i64(json, "attempt");
	int64_t have = json_get_i64(json, "have");
	const char *why = refusal(a, json, lab, fence);
	const char *state;

	if (why) {
		refuse(l, why, now_ms);
		return;
	}
	if (!*lab || fence < 1 || attempt < 1 || have < 0 ||
	    (fence > a->saved.fence &&
	        take_over(a, lab, fence, attempt, NULL) < 0)) {
		close_link(l, now_ms);
		return;
	}
	state = state_name(a, attempt);
	say_hello(l, state, now_ms);
	if (strcmp(state, "foreign") == 0)
		close_link(l, now_ms);
	else
		link_is_up(l, have, now_ms);
}

/* ---- frames ---------------------------------------------------------- */

static void on_ack(struct wire_agent_link *l, int64_t s, int64_t now_ms)
{
	struct wire_agent *a = l->a;

	if (s > a->last) {
		/* After forget, an ack that was under way means nothing. */
		if (a->saved.attempt)
			close_link(l, now_ms);
		return;
	}
	if (s > a->acked)
		set_acked(a, s);
	pump(a, now_ms);
}

static void on_again(struct wire_agent_link *l, int64_t from, int64_t now_ms)
{
	struct wire_agent *a = l->a;

	if (from <= a->acked || from > a->last + 1) {
		close_link(l, now_ms);
		return;
	}
	if (from <= a->sent)
		set_sent(a, from - 1);
	pump(a, now_ms);
}

static void on_frame(
    struct wire_agent_link *l, const char *line, size_t len, int64_t now_ms)
{
	scoped(json_decref) json_t *json = NULL;
	const char *t;
	int64_t c;

	if (wire_parse(line, len, &json, NULL) < 0) {
		close_link(l, now_ms);
		return;
	}
	t = json_get_text(json, "t", WIRE_WORD_MAX);
	c = json_get_i64(json, "c");
	if (l->state == LINK_HELLO && strcmp(t, "hello") == 0)
		on_hello(l, json, now_ms);
	else if (l->state == LINK_HELLO)
		close_link(l, now_ms);
	else if (strcmp(t, "ack") == 0)
		on_ack(l, json_get_i64(json, "s"), now_ms);
	else if (strcmp(t, "again") == 0)
		on_again(l, json_get_i64(json, "from"), now_ms);
	else if (strcmp(t, "start") == 0)
		wire_agent_on_start(l, json, c);
	else if (strcmp(t, "cancel") == 0)
		wire_agent_on_cancel(l, json, c);
	else if (strcmp(t, "reboot") == 0)
		wire_agent_on_reboot(l, json, c);
	else if (strcmp(t, "forget") == 0)
		wire_agent_on_forget(l, c);
	else if (strcmp(t, "ping") == 0)
		wire_agent_say(l,
		    json_pack("{s:s,s:I}", "t", "pong", "n",
		        (json_int_t)json_get_i64(json, "n")));
	/* What else it may be, a newer daemon's, does not matter to us. */
}

void wire_agent_feed(
    struct wire_agent_link *l, const char *data, size_t len, int64_t now_ms)
{
	const char *line;
	size_t n;
	int r = 1;

	l->heard_at = now_ms;
	while (r > 0 && l->state != LINK_CLOSED) {
		r = wire_lines_next(&l->lines, &data, &len, &line, &n, NULL);
		if (r > 0)
			on_frame(l, line, n, now_ms);
		else if (r < 0)
			close_link(l, now_ms);
	}
}

/* ---- events ---------------------------------------------------------- */

static enum wire_durability durability_of(enum wire_kind kind)
{
	switch (kind) {
	case WIRE_STEP:
	case WIRE_SAMPLE:
	case WIRE_PROOF:
	case WIRE_END:
		return WIRE_NOW;
	default:
		return WIRE_SOON;
	}
}

/* Journals one checked record and moves all counts on. */
static int append(struct wire_agent *a, const struct wire_event *e,
    const char *line, size_t len, struct err *err)
{
	int r = a->ops->append(
	    a->arg, e->s, line, len, e->kind, durability_of(e->kind), err);

	if (r == -ERR_LIMIT && e->kind == WIRE_NOTE) {
		a->dropped_notes++;
		return 0;
	}
	if (r < 0)
		return r;
	wire_chain_add(a->chain, line, len);
	a->last = e->s;
	a->ended = e->kind == WIRE_END;
	a->cases += e->kind == WIRE_CASE;
	a->samples += e->kind == WIRE_SAMPLE;
	return 0;
}

int wire_agent_event(
    struct wire_agent *a, json_t *body, int64_t now_ms, struct err *err)
{
	scoped(json_decref) json_t *own = body;
	scoped_val(buf_done) struct buf b = BUF_INIT(WIRE_FRAME_MAX);
	struct wire_event e;
	int r;

	if (!wire_agent_is_running(a))
		return err_set(err, ERR_CONFLICT, "no attempt runs");
	if (a->last >= WIRE_EVENTS_MAX)
		return err_set(
		    err, ERR_LIMIT, "over %d events", WIRE_EVENTS_MAX);
	/* A body that could not even be made is refused with the rest. */
	(void)json_object_set_new(own, "s", json_integer(a->last + 1));
	(void)json_object_set_new(own, "mono_ms", json_integer(now_ms));
	if (wire_event_read(own, 0, &e, err) < 0 || e.kind == WIRE_UNKNOWN)
		return err_set(err, ERR_INVAL, "an event against the rules%s%s",
		    err && err->msg[0] ? ": " : "", err ? err->msg : "");
	r = wire_format(own, &b, err);
	if (r < 0)
		return r;
	r = append(a, &e, b.data, b.len - 1, err);
	if (r == 0)
		pump(a, now_ms);
	return r;
}

int wire_agent_end(struct wire_agent *a, const char *outcome, const char *layer,
    const char *text, int64_t now_ms, struct err *err)
{
	char hex[HASH_HEX + 1];
	json_t *body = json_pack("{s:s,s:s,s:s?,s:I,s:I,s:s,s:s?}", "t", "end",
	    "outcome", outcome, "layer", layer, "cases", (json_int_t)a->cases,
	    "samples", (json_int_t)a->samples, "chain",
	    hash_hex(a->chain, HASH_BYTES, hex), "text", text);

	return wire_agent_event(a, body, now_ms, err);
}

/* ---- time ------------------------------------------------------------ */

static int64_t orphan_at(const struct wire_agent *a)
{
	if (a->up || a->orphan_told || a->saved.orphan_ms <= 0 ||
	    a->alone_since < 0 || !wire_agent_is_running(a))
		return INT64_MAX;
	return a->alone_since + a->saved.orphan_ms;
}

int64_t wire_agent_deadline(const struct wire_agent *a)
{
	int64_t at = orphan_at(a);

	for (const struct wire_agent_link *l = a->links; l; l = l->next) {
		if (l->state == LINK_CLOSED)
			continue;
		if (l->heard_at + WIRE_DEAD_MS < at)
			at = l->heard_at + WIRE_DEAD_MS;
		if (l->ping_at < at)
			at = l->ping_at;
	}
	return at;
}

static void ping(struct wire_agent_link *l, int64_t now_ms)
{
	l->ping_at = now_ms + WIRE_PING_MS;
	wire_agent_say(l,
	    json_pack("{s:s,s:I,s:I}", "t", "ping", "n",
	        (json_int_t)++l->a->pings, "last", (json_int_t)l->a->sent));
}

void wire_agent_tick(struct wire_agent *a, int64_t now_ms)
{
	struct wire_agent_link *next;

	for (struct wire_agent_link *l = a->links; l; l = next) {
		next = l->next;
		if (l->state == LINK_CLOSED)
			continue;
		if (now_ms >= l->heard_at + WIRE_DEAD_MS)
			close_link(l, now_ms);
		else if (now_ms >= l->ping_at)
			ping(l, now_ms);
	}
	if (now_ms >= orphan_at(a)) {
		a->orphan_told = true;
		a->ops->orphaned(a->arg);
	}
}
