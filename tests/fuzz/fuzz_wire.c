/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile lines to both ends of the wire. The first byte chooses the end and
 * whether a proper hello comes first; the rest is fed in two pieces.
 */
#include <assert.h>
#include <string.h>

#include "agent/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t last_event;
static int64_t n_records;

/* ---- the daemon's end ------------------------------------------------ */

static void d_send(void *arg, const char *data, size_t len)
{
	(void)arg;
	assert(len && len <= WIRE_FRAME_MAX && data[len - 1] == '\n');
	assert(!memchr(data, '\n', len - 1));
}

static void d_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	(void)arg;
	assert(e->s == last_event + 1 && after->have == e->s);
	last_event = e->s;
}

static void d_up(void *arg, const struct wire_hello *h)
{
	(void)arg;
	assert(h->boot && h->state && h->agent);
}

static void d_answer(void *arg, const struct wire_answer *a)
{
	(void)arg;
	assert(a->ok || (a->layer && a->why));
}

static void d_drop(void *arg, const char *why, int64_t wait_ms)
{
	(void)arg;
	assert(why && wait_ms >= WIRE_REDIAL_MIN_MS);
}

static void d_fail(void *arg, const char *layer, const char *why)
{
	(void)arg;
	assert(layer && why);
}

static void fuzz_daemon(const char *data, size_t size, int with_hello)
{
	static const struct wire_daemon_ops ops = {
	    d_send, d_event, d_up, d_answer, d_drop, d_fail};
	static const char hello[] =
	    "{\"t\":\"hello\",\"v\":1,\"agent\":\"a\",\"boot\":\"b\","
	    "\"fence\":7,\"attempt\":5,\"state\":\"running\",\"first\":1,"
	    "\"last\":9,\"mono_ms\":1}\n";
	struct wire_daemon_options opts = {.lab = "l",
	    .fence = 7,
	    .attempt = 5,
	    .resume = {.complete = true},
	    .ops = &ops};
	struct wire_daemon *d = wire_daemon_new(&opts);

	last_event = 0;
	assert(wire_daemon_start(d, "{}", 0, NULL) == 0);
	wire_daemon_link_up(d, 0);
	if (with_hello)
		wire_daemon_feed(d, hello, sizeof(hello) - 1, 1);
	wire_daemon_feed(d, data, size / 2, 2);
	wire_daemon_durable(d, last_event, 3);
	wire_daemon_feed(d, data + size / 2, size - size / 2, 4);
	wire_daemon_tick(d, 5000);
	wire_daemon_free(d);
}

/* ---- the agent's end ------------------------------------------------- */

static void a_send(void *arg, void *link_arg, const char *data, size_t len)
{
	(void)link_arg;
	d_send(arg, data, len);
}

static void a_close(void *arg, void *link_arg)
{
	(void)arg;
	(void)link_arg;
}

static int a_append(void *arg, int64_t s, const char *line, size_t len,
    enum wire_kind kind, enum wire_durability how, struct err *err)
{
	(void)arg;
	(void)line;
	(void)len;
	(void)kind;
	(void)how;
	(void)err;
	assert(s == n_records + 1);
	n_records = s;
	return 0;
}

static int a_read(void *arg, int64_t s, const char **ret_line, size_t *ret_len,
    struct err *err)
{
	(void)arg;
	(void)err;
	assert(s >= 1 && s <= n_records);
	*ret_line = "{}";
	*ret_len = 2;
	return 0;
}

static int a_save(void *arg, const struct wire_saved *saved, struct err *err)
{
	(void)arg;
	(void)err;
	assert(saved->fence >= 1 && saved->n_done <= WIRE_DONE_MAX);
	return 0;
}

static int a_prepare(void *arg, const json_t *spec, const char *text,
    const char **ret_layer, int64_t *ret_orphan_ms, struct err *err)
{
	(void)arg;
	(void)err;
	(void)ret_layer;
	assert(json_is_object(spec) && text);
	*ret_orphan_ms = 1;
	return 0;
}

static void a_run(void *arg)
{
	(void)arg;
}

static void a_word(void *arg, const char *text)
{
	(void)arg;
	assert(text);
}

static int a_clean(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	n_records = 0;
	return 0;
}

static const struct wire_agent_ops a_ops = {a_send, a_close, a_append, a_read,
    a_save, a_prepare, a_run, a_word, a_word, a_clean, a_run};

static void fuzz_agent(const char *data, size_t size, int with_hello)
{
	static const char hello[] =
	    "{\"t\":\"hello\",\"v\":[1,1],\"lab\":\"l\",\"fence\":7,"
	    "\"attempt\":5,\"have\":0}\n"
	    "{\"t\":\"start\",\"c\":1,\"spec_sha256\":"
	    "\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	    "\",\"spec\":{}}\n";
	struct wire_agent_options opts = {
	    .agent = "a", .boot = "b", .ops = &a_ops};
	struct wire_agent *a = wire_agent_new(&opts);
	struct wire_agent_link *l = wire_agent_link_new(a, NULL, 0);

	n_records = 0;
	if (with_hello) {
		wire_agent_feed(l, hello, sizeof(hello) - 1, 1);
		assert(wire_agent_is_running(a));
	}
	wire_agent_feed(l, data, size / 2, 2);
	/* Refused when nothing runs: that is no matter here. */
	(void)wire_agent_event(
	    a, json_pack("{s:s,s:s}", "t", "note", "text", "x"), 3, NULL);
	wire_agent_feed(l, data + size / 2, size - size / 2, 4);
	(void)wire_agent_end(a, "pass", NULL, NULL, 5, NULL);
	wire_agent_tick(a, 5000);
	wire_agent_link_free(l, 5001);
	wire_agent_tick(a, 5010);
	wire_agent_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hash_init();
	if (!size)
		return 0;
	if (data[0] & 1)
		fuzz_daemon((const char *)data + 1, size - 1, data[0] & 2);
	else
		fuzz_agent((const char *)data + 1, size - 1, data[0] & 2);
	return 0;
}
