/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The world of the wire's tests; see the header. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/json.h"
#include "agent/wire.h"
#include "base/clock.h"
#include "base/str.h"
#include "tests/unit/agent_wire_world.h"

static const char spec[] = "{\"v\":1,\"orphan_s\":600,\"blocks\":[\"BC\"]}";

uint64_t world_draw(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

bool world_chance(struct world *w, unsigned percent)
{
	return world_draw(w) % 100 < percent;
}

/* ---- the connection ------------------------------------------------------ */

static void put(struct world *w, struct buf *q, const char *data, size_t len)
{
	if (w->lose >= 0 && (q == &w->pipe->to_agent) == w->lose_to_agent &&
	    w->lose-- == 0)
		return;
	buf_add(q, data, len);
	if (world_chance(w, (unsigned)w->doubled))
		buf_add(q, data, len);
	assert_false(q->failed);
}

void world_cut(struct world *w, struct pipe *p)
{
	if (!p->open)
		return;
	p->open = false;
	if (p->link)
		wire_agent_link_free(p->link, w->now);
	p->link = NULL;
	buf_done(&p->to_agent);
	buf_done(&p->to_daemon);
	if (p == w->pipe) {
		w->pipe = NULL;
		w->redial_at = w->now;
		if (w->d)
			w->redial_at += wire_daemon_link_down(w->d, w->now);
	}
}

struct pipe *world_dial(struct world *w)
{
	struct pipe *p = &w->pipes[w->n_pipes % LINKS_MAX];

	w->n_pipes++;
	world_cut(w, p);
	*p = (struct pipe){.to_agent = BUF_INIT(QUEUE_MAX),
	    .to_daemon = BUF_INIT(QUEUE_MAX),
	    .open = true};
	p->link = w->a ? wire_agent_link_new(w->a, p, w->now) : NULL;
	w->pipe = p;
	wire_daemon_link_up(w->d, w->now);
	return p;
}

/* At most max bytes each way; cut lines and all. */
void world_carry(struct world *w, struct pipe *p, size_t max)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(QUEUE_MAX);
	size_t n = p->to_agent.len < max ? p->to_agent.len : max;

	if (p->open && p->link && n) {
		buf_add(&b, p->to_agent.data, n);
		buf_drop(&p->to_agent, n);
		wire_agent_feed(p->link, b.data, n, w->now);
	}
	n = p->to_daemon.len < max ? p->to_daemon.len : max;
	if (p->open && p == w->pipe && n) {
		buf_reset(&b);
		buf_add(&b, p->to_daemon.data, n);
		buf_drop(&p->to_daemon, n);
		wire_daemon_feed(w->d, b.data, n, w->now);
	}
	if (p->open && p->closing && !p->to_daemon.len)
		world_cut(w, p);
}

void world_settle(struct world *w)
{
	for (int i = 0; i < 50 && w->pipe; i++)
		world_carry(w, w->pipe, QUEUE_MAX);
}

/* ---- the daemon's owner ---------------------------------------------- */

static void d_send(void *arg, const char *data, size_t len)
{
	struct world *w = arg;
	scoped(json_decref) json_t *json = NULL;
	const char *t;

	assert_int_equal(wire_parse(data, len - 1, &json, NULL), 0);
	t = json_string_value(json_object_get(json, "t"));
	/* Nothing is acked that is not on disk. */
	if (strcmp(t, "ack") == 0) {
		assert_true(json_get_i64(json, "s") <= w->durable.have);
		w->max_acked = json_get_i64(json, "s");
	}
	if (strcmp(t, "hello") == 0)
		assert_int_equal(json_get_i64(json, "have"), w->durable.have);
	w->pings += strcmp(t, "ping") == 0;
	put(w, &w->pipe->to_agent, data, len);
}

static void d_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	struct world *w = arg;

	assert_int_equal(e->s, w->pending.have + 1);
	assert_int_equal(after->have, e->s);
	assert_false(w->pending.ended);
	w->applied[e->s - 1] = json_dumps(e->json, JSON_COMPACT);
	w->pending = *after;
	w->ends += e->kind == WIRE_END;
}

static void d_up(void *arg, const struct wire_hello *h)
{
	struct world *w = arg;

	(void)snprintf(w->boot, sizeof(w->boot), "%s", h->boot);
}

static void d_answer(void *arg, const struct wire_answer *a)
{
	struct world *w = arg;

	if (a->c == WIRE_C_START && a->ok)
		w->started = true;
	if (a->c == WIRE_C_FORGET && a->ok)
		w->forgotten = true;
	if (!a->ok)
		(void)snprintf(w->why, sizeof(w->why), "%s", a->why);
}

static void d_drop(void *arg, const char *why, int64_t wait_ms)
{
	struct world *w = arg;
	struct pipe *p = w->pipe;

	(void)snprintf(w->why, sizeof(w->why), "%s", why);
	w->pipe = NULL;
	w->drops++;
	p->closing = true;
	w->redial_at = w->now + wait_ms;
}

static void d_fail(void *arg, const char *layer, const char *why)
{
	struct world *w = arg;

	assert_string_equal(w->failed, "");
	(void)snprintf(w->failed, sizeof(w->failed), "%s", layer);
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
}

const struct wire_daemon_ops world_daemon_ops = {
    d_send, d_event, d_up, d_answer, d_drop, d_fail};

void world_daemon_new(struct world *w)
{
	struct wire_daemon_options opts = {.lab = "lab-1",
	    .fence = FENCE,
	    .attempt = ATTEMPT,
	    .resume = w->durable,
	    .boot = w->boot[0] ? w->boot : NULL,
	    .started = w->started,
	    .ops = &world_daemon_ops,
	    .arg = w};
	struct err err = ERR_INIT;

	w->d = wire_daemon_new(&opts);
	assert_int_equal(wire_daemon_start(w->d, spec, w->now, &err), 0);
	if (w->durable.ended)
		wire_daemon_forget(w->d, w->now);
}

/* What was applied and is not on disk is gone. */
void world_daemon_crash(struct world *w)
{
	wire_daemon_free(w->d);
	w->d = NULL;
	for (int64_t i = w->durable.have; i < w->pending.have; i++) {
		free(w->applied[i]);
		w->applied[i] = NULL;
	}
	w->ends = w->durable.ended;
	w->pending = w->durable;
	if (w->pipe)
		world_cut(w, w->pipe);
	w->redial_at = w->now;
	world_daemon_new(w);
}

void world_daemon_commit(struct world *w)
{
	char text[WIRE_RESUME_TEXT];

	/* Through the column it would be stored in. */
	wire_resume_format(&w->pending, text);
	assert_int_equal(wire_resume_parse(text, &w->durable, NULL), 0);
	wire_daemon_durable(w->d, w->durable.have, w->now);
	if (w->durable.ended)
		wire_daemon_forget(w->d, w->now);
}

/* ---- the agent's owner ----------------------------------------------- */

static void a_send(void *arg, void *link_arg, const char *data, size_t len)
{
	struct world *w = arg;
	struct pipe *p = link_arg;

	w->sent_records += len > 5 && strstr(data, "\"s\":") != NULL;
	if (p == w->pipe)
		put(w, &p->to_daemon, data, len);
}

static void a_close(void *arg, void *link_arg)
{
	struct pipe *p = link_arg;

	(void)arg;
	p->closing = true;
}

static int a_append(void *arg, int64_t s, const char *line, size_t len,
    enum wire_kind kind, enum wire_durability how, struct err *err)
{
	struct world *w = arg;

	(void)how;
	assert_int_equal(s, w->last + 1);
	if (w->last >= w->full_at && kind != WIRE_END)
		return err_set(err, ERR_LIMIT, "journal full");
	w->journal[w->last++] = xstrndup(line, len);
	return 0;
}

static int a_read(void *arg, int64_t s, const char **ret_line, size_t *ret_len,
    struct err *err)
{
	struct world *w = arg;

	(void)err;
	assert_in_range(s, 1, w->last);
	*ret_line = w->journal[s - 1];
	*ret_len = strlen(*ret_line);
	return 0;
}

static int a_save(void *arg, const struct wire_saved *saved, struct err *err)
{
	struct world *w = arg;

	(void)err;
	w->saved = *saved;
	return 0;
}

static int a_prepare(void *arg, const json_t *json, const char *text,
    const char **ret_layer, int64_t *ret_orphan_ms, struct err *err)
{
	(void)arg;
	(void)text;
	*ret_orphan_ms = json_get_i64(json, "orphan_s") * 1000;
	if (json_object_get(json, "bad")) {
		*ret_layer = "host";
		return err_set(err, ERR_INVAL, "no such hypervisor");
	}
	return 0;
}

static void a_run(void *arg)
{
	((struct world *)arg)->runs++;
}

static void a_cancel(void *arg, const char *why)
{
	(void)why;
	((struct world *)arg)->cancelled = true;
}

static void a_reboot(void *arg, const char *next_step)
{
	(void)next_step;
	((struct world *)arg)->reboots++;
}

int world_clean(void *arg, struct err *err)
{
	struct world *w = arg;

	(void)err;
	for (int64_t i = 0; i < w->last; i++) {
		free(w->journal[i]);
		w->journal[i] = NULL;
	}
	w->last = 0;
	w->cleans++;
	return 0;
}

static void a_orphaned(void *arg)
{
	((struct world *)arg)->orphans++;
}

static const struct wire_agent_ops a_ops = {a_send, a_close, a_append, a_read,
    a_save, a_prepare, a_run, a_cancel, a_reboot, world_clean, a_orphaned};

void world_agent_new(struct world *w, const char *boot)
{
	struct wire_agent_options opts = {.agent = "a1",
	    .boot = boot,
	    .saved = w->saved,
	    .last = w->last,
	    .ops = &a_ops,
	    .arg = w};

	for (int64_t i = 0; i < w->last; i++) {
		const char *line = w->journal[i];

		wire_chain_add(opts.chain, line, strlen(line));
		opts.ended = strstr(line, "\"t\":\"end\"") != NULL;
		opts.samples += strstr(line, "\"t\":\"sample\"") != NULL;
		opts.cases += strstr(line, "\"t\":\"case\"") != NULL;
	}
	w->a = wire_agent_new(&opts);
}

void world_agent_crash(struct world *w)
{
	for (int i = 0; i < LINKS_MAX; i++)
		world_cut(w, &w->pipes[i]);
	wire_agent_free(w->a);
	world_agent_new(w, "boot-1");
}

json_t *world_sample(double value)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:n,s:i,s:i,s:f,s:n,s:b,s:n}",
	    "t", "sample", "metric", "cpu", "unit", "1/s", "variant", "v",
	    "guest", "g", "controller", "pair", 0, "position", 1, "value",
	    value, "raw", "valid", 1, "why");
}

json_t *world_note(const char *text)
{
	return json_pack("{s:s,s:s}", "t", "note", "text", text);
}

/* ---- the worlds ------------------------------------------------------ */

struct world *world_new(uint64_t seed)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->rng = seed * 0x9e3779b97f4a7c15u + 1;
	w->now = 1000;
	w->lose = -1;
	w->full_at = RECORDS_MAX - 2;
	w->durable.complete = w->pending.complete = true;
	world_daemon_new(w);
	world_agent_new(w, "boot-1");
	return w;
}

void world_free(struct world *w)
{
	for (int i = 0; i < LINKS_MAX; i++)
		world_cut(w, &w->pipes[i]);
	wire_daemon_free(w->d);
	wire_agent_free(w->a);
	for (int i = 0; i < RECORDS_MAX; i++) {
		free(w->journal[i]);
		free(w->applied[i]);
	}
	free(w);
}

/* A world whose attempt runs and whose link is up. */
struct world *world_running(void)
{
	struct world *w = world_new(1);

	world_dial(w);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_true(w->started);
	return w;
}

void world_event(struct world *w, json_t *body)
{
	struct err err = ERR_INIT;

	if (wire_agent_event(w->a, body, w->now, &err) < 0)
		fail_msg("%s", err.msg);
}

void world_end(struct world *w, const char *outcome, const char *layer)
{
	struct err err = ERR_INIT;

	if (wire_agent_end(w->a, outcome, layer, NULL, w->now, &err) < 0)
		fail_msg("%s", err.msg);
}
