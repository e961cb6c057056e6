/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link that is dialled, lost and dialled again.
 *
 * What outlives a connection is in the wire's state machine, in the installer
 * and in the queue of fetches; lose() throws away all the rest. Callbacks from
 * below are between enter() and leave(), so that the caller may free the link
 * in any callback: it goes when the last of them returns.
 */
#include "orchestrator/agentlink.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/ssh_fetch.h"

enum {
	CONNECT_MS = 10000,
	OUT_MAX = 4 * WIRE_FRAME_MAX,
	ATTACH_FAILURES_MAX = 10 /* in a row, without a word of the agent */
};

enum phase {
	PHASE_WAIT, /* for the next dial */
	PHASE_CONNECT,
	PHASE_INSTALL,
	PHASE_ATTACHED,
	PHASE_FAILED
};

struct agentlink {
	struct loop *loop;
	struct loop_timer *timer;
	struct ssh_options ssh_opts;
	const struct agentlink_ops *ops;
	void *arg;
	struct wire_daemon *wire;
	struct ssh_install *install;
	enum phase phase;
	int64_t dial_ms; /* in PHASE_WAIT */
	struct ssh *ssh;
	struct ssh_channel *attached;
	bool heard;     /* a word of the agent, on this connection */
	int silent;     /* attachments in a row that said nothing */
	struct buf out; /* for the agent; what the channel does not take */
	struct ssh_fetcher *fetcher;
	int depth;    /* of callbacks from below */
	bool clogged; /* out is over its ceiling */
	bool freed;
	struct err failed; /* in PHASE_FAILED */
};

static void arm(struct agentlink *l);

/* ---- life ---------------------------------------------------------------- */

/* Ends what belongs to the connection. */
static void disconnect(struct agentlink *l)
{
	ssh_install_stop(l->install);
	ssh_fetcher_stop(l->fetcher);
	ssh_channel_abandon(l->attached);
	l->attached = NULL;
	ssh_close(l->ssh);
	l->ssh = NULL;
	l->heard = false;
	l->clogged = false;
	buf_reset(&l->out);
}

static void destroy(struct agentlink *l)
{
	disconnect(l);
	ssh_fetcher_free(l->fetcher);
	ssh_install_free(l->install);
	wire_daemon_free(l->wire);
	loop_timer_free(l->timer);
	ssh_options_done(&l->ssh_opts);
	buf_done(&l->out);
	free(l);
}

static void enter(struct agentlink *l)
{
	l->depth++;
}

static void leave(struct agentlink *l)
{
	if (--l->depth)
		return;
	if (l->freed)
		destroy(l);
	else
		arm(l);
}

static void progress(
    struct agentlink *l, const char *text, int64_t done, int64_t total)
{
	if (!l->freed && l->ops->on_progress)
		l->ops->on_progress(l->arg, text, done, total);
}

/* ---- losing and failing -------------------------------------------------- */

/* The wire has forgotten the link already; it is dialled in wait_ms. */
static void redial(struct agentlink *l, const struct err *why, int64_t wait_ms)
{
	disconnect(l);
	l->phase = PHASE_WAIT;
	l->dial_ms = clock_mono_ms() + wait_ms;
	if (!l->freed && l->ops->on_lost)
		l->ops->on_lost(l->arg, why, wait_ms);
}

static void lose(struct agentlink *l, const struct err *why)
{
	if (l->phase == PHASE_FAILED || l->freed)
		return;
	redial(l, why, wire_daemon_link_down(l->wire, clock_mono_ms()));
}

/* Nothing can be fetched any more. */
static void end_fetches(struct agentlink *l, const struct err *why)
{
	struct ssh_fetch *f;

	while (!l->freed && (f = ssh_fetcher_take(l->fetcher))) {
		f->done(f->arg, -why->kind, why);
		ssh_fetch_free(f);
	}
}

static void fail(struct agentlink *l, const char *layer, const struct err *why)
{
	if (l->phase == PHASE_FAILED || l->freed)
		return;
	disconnect(l);
	l->phase = PHASE_FAILED;
	l->failed = *why;
	end_fetches(l, &l->failed);
	if (!l->freed)
		l->ops->on_fail(l->arg, layer, l->failed.msg);
}

/* ---- the wire ------------------------------------------------------------ */

static void write_out(struct agentlink *l)
{
	size_t n;

	if (!l->attached || !l->out.len)
		return;
	n = ssh_channel_write(l->attached, l->out.data, l->out.len);
	buf_drop(&l->out, n);
}

static void wire_send(void *arg, const char *data, size_t len)
{
	struct agentlink *l = arg;

	if (!l->attached)
		return;
	buf_add(&l->out, data, len);
	l->clogged |= l->out.failed;
	write_out(l);
}

static void wire_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	struct agentlink *l = arg;

	if (!l->freed)
		l->ops->on_event(l->arg, e, after);
}

static void wire_up(void *arg, const struct wire_hello *h)
{
	struct agentlink *l = arg;

	l->silent = 0;
	if (!l->freed)
		l->ops->on_ready(l->arg, h);
}

static void wire_answer(void *arg, const struct wire_answer *a)
{
	struct agentlink *l = arg;

	if (!l->freed)
		l->ops->on_answer(l->arg, a);
}

static void wire_drop(void *arg, const char *why, int64_t wait_ms)
{
	struct agentlink *l = arg;
	struct err err = ERR_INIT;

	(void)err_set(&err, ERR_PROTO, "%s", why);
	if (l->phase != PHASE_FAILED)
		redial(l, &err, wait_ms);
}

static void wire_fail(void *arg, const char *layer, const char *why)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, ERR_PROTO, "%s", why);
	fail(arg, layer, &err);
}

static const struct wire_daemon_ops wire_ops = {
    .send = wire_send,
    .event = wire_event,
    .up = wire_up,
    .answer = wire_answer,
    .drop = wire_drop,
    .fail = wire_fail,
};

static void on_attach_data(void *arg, const char *data, size_t len)
{
	struct agentlink *l = arg;

	enter(l);
	l->heard = true;
	wire_daemon_feed(l->wire, data, len, clock_mono_ms());
	leave(l);
}

static void on_attach_drain(void *arg)
{
	struct agentlink *l = arg;

	enter(l);
	write_out(l);
	leave(l);
}

static void on_attach_end(
    void *arg, int r, int exit_code, const struct err *err)
{
	struct agentlink *l = arg;
	struct err why = *err;

	enter(l);
	l->attached = NULL;
	if (exit_code == 126 || exit_code == 127)
		ssh_install_doubt(l->install);
	if (r == 0)
		(void)err_set(&why, ERR_UNREACH, "the agent hung up");
	/* A reboot may end it at any time: only silence, and often, is one. */
	if (exit_code >= 0 && !l->heard && ++l->silent >= ATTACH_FAILURES_MAX) {
		(void)err_prefix(&why, "the agent does not start");
		fail(l, "agent", &why);
	} else {
		lose(l, &why);
	}
	leave(l);
}

static const struct ssh_channel_ops attach_ops = {
    .on_data = on_attach_data,
    .on_drain = on_attach_drain,
    .on_end = on_attach_end,
};

static void attach(struct agentlink *l)
{
	scoped(free) char *command = ssh_install_command(l->install, "attach");

	l->phase = PHASE_ATTACHED;
	l->attached = ssh_exec(l->ssh, command, &attach_ops, l);
	wire_daemon_link_up(l->wire, clock_mono_ms());
	ssh_fetcher_begin(l->fetcher, l->ssh);
}

/* ---- the way there ------------------------------------------------------- */

static void on_progress(
    void *arg, const char *text, int64_t done, int64_t total)
{
	struct agentlink *l = arg;

	enter(l);
	progress(l, text, done, total);
	leave(l);
}

static void on_installed(
    void *arg, int r, const char *layer, const struct err *err)
{
	struct agentlink *l = arg;

	enter(l);
	if (l->freed || l->phase != PHASE_INSTALL)
		/* The caller has freed it in a callback of this one's. */
		;
	else if (r == 0)
		attach(l);
	else if (err_is_temporary(r))
		lose(l, err);
	else
		fail(l, layer, err);
	leave(l);
}

static void on_ssh_up(void *arg)
{
	struct agentlink *l = arg;

	enter(l);
	l->ssh_opts.first = ssh_key_kind(l->ssh);
	l->phase = PHASE_INSTALL;
	ssh_install_begin(l->install, l->ssh);
	leave(l);
}

static void on_ssh_down(void *arg, const struct err *err)
{
	struct agentlink *l = arg;

	enter(l);
	/* Another machine than the lab file's, or one that bars us. */
	if (err->kind == ERR_DENIED || err->kind == ERR_INVAL ||
	    err->kind == ERR_NOTFOUND)
		fail(l, "ssh", err);
	else
		lose(l, err);
	leave(l);
}

static const struct ssh_ops ssh_ops = {
    .on_up = on_ssh_up, .on_down = on_ssh_down};

static void dial(struct agentlink *l)
{
	char text[160];

	l->phase = PHASE_CONNECT;
	(void)snprintf(
	    text, sizeof(text), "connecting to %.100s", l->ssh_opts.host);
	l->ssh = ssh_open(
	    l->loop, &l->ssh_opts, clock_mono_ms() + CONNECT_MS, &ssh_ops, l);
	progress(l, text, 0, 0);
}

static void on_timer(void *arg)
{
	static const struct err clogged = {
	    ERR_TIMEOUT, 0, "the agent does not read what we say"};
	struct agentlink *l = arg;
	int64_t now_ms = clock_mono_ms();

	enter(l);
	if (l->phase == PHASE_WAIT && now_ms >= l->dial_ms)
		dial(l);
	else if (l->phase == PHASE_FAILED)
		end_fetches(l, &l->failed);
	else if (l->clogged)
		lose(l, &clogged);
	else if (l->phase == PHASE_ATTACHED)
		wire_daemon_tick(l->wire, now_ms);
	leave(l);
}

static void arm(struct agentlink *l)
{
	int64_t at_ms =
	    l->phase == PHASE_WAIT ? l->dial_ms : wire_daemon_deadline(l->wire);

	if (l->clogged ||
	    (l->phase == PHASE_FAILED && !ssh_fetcher_is_idle(l->fetcher)))
		at_ms = clock_mono_ms();
	if (at_ms == INT64_MAX)
		loop_timer_stop(l->timer);
	else
		loop_timer_at(l->timer, at_ms);
}

/* ---- fetches ------------------------------------------------------------- */

static void on_fetched(
    void *arg, struct ssh_fetch *f, int r, const struct err *err)
{
	struct agentlink *l = arg;

	enter(l);
	f->done(f->arg, r, err);
	ssh_fetch_free(f);
	leave(l);
}

static void on_fetch_lost(void *arg, const struct err *err)
{
	struct agentlink *l = arg;

	enter(l);
	lose(l, err);
	leave(l);
}

static const struct ssh_fetcher_ops fetcher_ops = {
    .on_done = on_fetched, .on_lost = on_fetch_lost};

void agentlink_fetch(struct agentlink *l, const char *sha256, int64_t size,
    int fd, void (*done)(void *arg, int r, const struct err *err), void *arg)
{
	struct ssh_fetch f = {.size = size, .fd = fd, .done = done, .arg = arg};

	(void)snprintf(f.sha256, sizeof(f.sha256), "%s", sha256);
	ssh_fetcher_add(l->fetcher, &f);
	arm(l);
}

/* ---- what the caller asks for -------------------------------------------- */

struct agentlink *agentlink_new(
    struct loop *loop, const struct agentlink_options *opts)
{
	struct agentlink *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->timer = loop_timer_new(loop, on_timer, l);
	ssh_options_copy(&l->ssh_opts, &opts->ssh);
	l->ops = opts->ops;
	l->arg = opts->arg;
	l->out = (struct buf)BUF_INIT(OUT_MAX);
	l->wire =
	    wire_daemon_new(&(struct wire_daemon_options){.lab = opts->lab,
	        .fence = opts->fence,
	        .attempt = opts->attempt,
	        .resume = opts->resume,
	        .boot = opts->boot,
	        .started = opts->started,
	        .reboot_planned = opts->reboot_planned,
	        .ops = &wire_ops,
	        .arg = l});
	l->install = ssh_install_new(loop,
	    &(struct ssh_install_options){.agent = opts->agent,
	        .dir = opts->dir,
	        .files = opts->files,
	        .n_files = opts->started ? 0 : opts->n_files,
	        .on_progress = on_progress,
	        .on_done = on_installed,
	        .arg = l});
	l->fetcher = ssh_fetcher_new(loop, l->install, &fetcher_ops, l);
	l->phase = PHASE_WAIT;
	l->dial_ms = clock_mono_ms();
	arm(l);
	return l;
}

void agentlink_free(struct agentlink *l)
{
	if (!l)
		return;
	l->freed = true;
	if (!l->depth)
		destroy(l);
}

bool agentlink_is_ready(const struct agentlink *l)
{
	return l->phase == PHASE_ATTACHED && wire_daemon_is_up(l->wire);
}

void agentlink_durable(struct agentlink *l, int64_t s)
{
	wire_daemon_durable(l->wire, s, clock_mono_ms());
	arm(l);
}

int agentlink_start(struct agentlink *l, const char *spec, struct err *err)
{
	int r = wire_daemon_start(l->wire, spec, clock_mono_ms(), err);

	arm(l);
	return r;
}

void agentlink_cancel(struct agentlink *l, const char *why)
{
	wire_daemon_cancel(l->wire, why, clock_mono_ms());
	arm(l);
}

void agentlink_reboot(struct agentlink *l, int n, const char *next_step)
{
	wire_daemon_reboot(l->wire, n, next_step, clock_mono_ms());
	arm(l);
}

void agentlink_forget(struct agentlink *l)
{
	wire_daemon_forget(l->wire, clock_mono_ms());
	arm(l);
}
