/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libuv loop of a process and the handles that come with it.
 *
 * A handle's memory lives until libuv has closed it, so freeing one in its own
 * callback is safe. Everything made here hangs on the loop's list of hooks,
 * which is how loop_free() finds it.
 */
#include "base/loop.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"

struct loop {
	uv_loop_t uv;
	struct loop_hook *hooks;
	bool in_timer; /* a timer's callback is running */
};

struct loop_timer {
	uv_timer_t handle;
	struct loop *loop;
	struct loop_hook hook;
	void (*cb)(void *arg);
	void *arg;
};

struct loop_wake {
	uv_async_t handle;
	struct loop_hook hook;
	void (*cb)(void *arg);
	void *arg;
};

struct signals {
	uv_signal_t handles[3];
	int n_open;
	struct loop_hook hook;
	void (*cb_end)(void *arg);
	void (*cb_hup)(void *arg);
	void *arg;
};

/* For calls that fail only for want of descriptors or memory at start. */
static void or_abort(int r)
{
	if (r < 0)
		abort();
}

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	or_abort(uv_loop_init(&loop->uv));
	/* Fails only for a signal number that does not exist. */
	(void)signal(SIGPIPE, SIG_IGN);
	return loop;
}

static void close_left(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->hooks) {
		struct loop_hook *h = loop->hooks;

		loop_hook_done(h);
		h->cb(h->arg);
	}
	/* A close callback may open another handle: until none is left. */
	while (uv_loop_close(&loop->uv) == UV_EBUSY) {
		uv_walk(&loop->uv, close_left, NULL);
		(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	}
	free(loop);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

void loop_run(struct loop *loop)
{
	/* The result only says whether loop_stop() ended it. */
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

int64_t loop_now_ms(struct loop *loop)
{
	/*
	 * Not libuv's cached time: after 80 ms of work in a callback, a
	 * deadline in 100 ms would come after 20.
	 */
	(void)loop;
	return clock_mono_ms();
}

void loop_hook_init(
    struct loop_hook *h, struct loop *loop, void (*cb)(void *arg), void *arg)
{
	h->cb = cb;
	h->arg = arg;
	h->next = loop->hooks;
	h->link = &loop->hooks;
	if (h->next)
		h->next->link = &h->next;
	loop->hooks = h;
}

void loop_hook_done(struct loop_hook *h)
{
	if (!h->link)
		return;
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	h->next = NULL;
	h->link = NULL;
}

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = handle->data;
	struct loop *loop = t->loop;

	loop->in_timer = true;
	t->cb(t->arg);
	loop->in_timer = false;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void timer_hook(void *arg)
{
	loop_timer_free(arg);
}

struct loop_timer *loop_timer_new(
    struct loop *loop, void (*cb)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	or_abort(uv_timer_init(&loop->uv, &t->handle));
	t->handle.data = t;
	t->loop = loop;
	t->cb = cb;
	t->arg = arg;
	loop_hook_init(&t->hook, loop, timer_hook, t);
	return t;
}

void loop_timer_at(struct loop_timer *t, int64_t deadline_ms)
{
	/* libuv adds its cached time again, so the sum is the deadline. */
	int64_t now_ms = (int64_t)uv_now(&t->loop->uv);
	int64_t in_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;

	/*
	 * libuv runs timers until none is due: one that restarts itself for
	 * now would keep all sockets waiting for ever.
	 */
	if (!in_ms && t->loop->in_timer)
		in_ms = 1;
	/* Fails only for a handle that is closing, which is ours no more. */
	(void)uv_timer_start(&t->handle, on_timer, (uint64_t)in_ms, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	/* Never fails. */
	(void)uv_timer_stop(&t->handle);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_hook_done(&t->hook);
	uv_close((uv_handle_t *)&t->handle, on_timer_closed);
}

static void on_wake(uv_async_t *handle)
{
	struct loop_wake *w = handle->data;

	w->cb(w->arg);
}

static void on_wake_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void wake_hook(void *arg)
{
	loop_wake_free(arg);
}

struct loop_wake *loop_wake_new(
    struct loop *loop, void (*cb)(void *arg), void *arg)
{
	struct loop_wake *w = xcalloc(1, sizeof(*w));

	or_abort(uv_async_init(&loop->uv, &w->handle, on_wake));
	w->handle.data = w;
	w->cb = cb;
	w->arg = arg;
	loop_hook_init(&w->hook, loop, wake_hook, w);
	return w;
}

void loop_wake_send(struct loop_wake *w)
{
	or_abort(uv_async_send(&w->handle));
}

void loop_wake_free(struct loop_wake *w)
{
	if (!w)
		return;
	loop_hook_done(&w->hook);
	uv_close((uv_handle_t *)&w->handle, on_wake_closed);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct signals *s = handle->data;

	if (signum == SIGHUP)
		s->cb_hup(s->arg);
	else
		s->cb_end(s->arg);
}

static void on_signal_closed(uv_handle_t *handle)
{
	struct signals *s = handle->data;

	if (--s->n_open == 0)
		free(s);
}

static void signals_hook(void *arg)
{
	struct signals *s = arg;
	int n = s->n_open;

	for (int i = 0; i < n; i++)
		uv_close((uv_handle_t *)&s->handles[i], on_signal_closed);
}

void loop_signals(struct loop *loop, void (*cb_end)(void *arg),
    void (*cb_hup)(void *arg), void *arg)
{
	static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
	struct signals *s = xcalloc(1, sizeof(*s));

	s->cb_end = cb_end;
	s->cb_hup = cb_hup;
	s->arg = arg;
	for (int i = 0; i < (cb_hup ? 3 : 2); i++) {
		uv_signal_t *handle = &s->handles[i];

		or_abort(uv_signal_init(&loop->uv, handle));
		handle->data = s;
		s->n_open++;
		or_abort(uv_signal_start(handle, on_signal, signums[i]));
		uv_unref((uv_handle_t *)handle);
	}
	loop_hook_init(&s->hook, loop, signals_hook, s);
}
