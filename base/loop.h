/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event loop of a process: libuv, with timers by monotonic deadline and a
 * wake-up that other threads may send.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_wake;
struct uv_loop_s;

/* SIGPIPE is ignored from then on: a reader that went away is an error code. */
struct loop *loop_new(void);
/*
 * Closes every handle that is still open, runs their callbacks, frees. Timers,
 * wake-ups and children that are left are freed too. NULL is allowed.
 */
void loop_free(struct loop *loop);
/* The libuv loop, for handles of one's own. Borrowed. */
struct uv_loop_s *loop_uv(struct loop *loop);
/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Monotonic milliseconds, the same clock as clock_mono_ms(). */
int64_t loop_now_ms(struct loop *loop);

/* A timer that is not started. cb runs on the loop, once per start. */
struct loop_timer *loop_timer_new(
    struct loop *loop, void (*cb)(void *arg), void *arg);
/* (Re)starts it for a monotonic deadline; a past one fires at once. */
void loop_timer_at(struct loop_timer *t, int64_t deadline_ms);
void loop_timer_stop(struct loop_timer *t);
/* Stops and frees; the callback never runs afterwards. NULL is allowed. */
void loop_timer_free(struct loop_timer *t);

/*
 * loop_wake_send() may be called from any thread; cb runs on the loop soon
 * after, once for any number of sends before it.
 */
struct loop_wake *loop_wake_new(
    struct loop *loop, void (*cb)(void *arg), void *arg);
void loop_wake_send(struct loop_wake *w);
/* Frees; no send may follow. NULL is allowed. */
void loop_wake_free(struct loop_wake *w);

/*
 * Calls cb(arg) on SIGTERM or SIGINT (cb_end) and SIGHUP (cb_hup, may be NULL).
 * Waiting for signals alone does not keep loop_run() running.
 */
void loop_signals(struct loop *loop, void (*cb_end)(void *arg),
    void (*cb_hup)(void *arg), void *arg);

/*
 * For owners of handles of their own: cb runs when loop_free() begins, unless
 * loop_hook_done() came before; the newest comes first. Embedded in the owner;
 * the hook is already undone when cb runs, so cb may free it.
 */
struct loop_hook {
	void (*cb)(void *arg);
	void *arg;
	struct loop_hook *next;
	struct loop_hook **link; /* what points here; NULL: not in a list */
};
void loop_hook_init(
    struct loop_hook *h, struct loop *loop, void (*cb)(void *arg), void *arg);
void loop_hook_done(struct loop_hook *h);

#endif
