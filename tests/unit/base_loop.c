/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: timers, wake-ups, signals. GIVE_UP_MS ends what hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	GIVE_UP_MS = 20000,
	OUT_MAX = 1 << 20
};

/* What happened, in order, as one text. */
struct fixture {
	struct loop *loop;
	struct loop_timer *give_up;
	struct buf seen;
};

static void on_give_up(void *arg)
{
	struct fixture *f = arg;

	buf_puts(&f->seen, "GAVE UP");
	loop_stop(f->loop);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->seen.max = OUT_MAX;
	f->loop = loop_new();
	f->give_up = loop_timer_new(f->loop, on_give_up, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	buf_done(&f->seen);
	free(f);
	return 0;
}

/* Runs until something stops the loop. */
static void run(struct fixture *f)
{
	loop_timer_at(f->give_up, clock_mono_ms() + GIVE_UP_MS);
	loop_run(f->loop);
	loop_timer_stop(f->give_up);
}

struct ticker {
	struct fixture *f;
	struct loop_timer *timer;
	const char *name;
	int n_again;
};

static void on_tick(void *arg)
{
	struct ticker *t = arg;

	buf_puts(&t->f->seen, t->name);
	if (t->n_again-- > 0)
		loop_timer_at(t->timer, 0);
}

static void ticker_init(struct ticker *t, struct fixture *f, const char *name)
{
	t->f = f;
	t->name = name;
	t->n_again = 0;
	t->timer = loop_timer_new(f->loop, on_tick, t);
}

static void timers_fire_in_order_of_their_deadlines(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = loop_now_ms(f->loop);
	struct ticker t[3];

	ticker_init(&t[0], f, "a");
	ticker_init(&t[1], f, "b");
	ticker_init(&t[2], f, "c");
	loop_timer_at(t[2].timer, now_ms + 30);
	loop_timer_at(t[0].timer, now_ms - 1000);
	loop_timer_at(t[1].timer, now_ms + 15);
	/* Nothing else is waited for, so this ends by itself. */
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "abc");
	assert_true(clock_mono_ms() >= now_ms + 30);
}

static void restarted_timer_fires_once_at_its_new_deadline(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = loop_now_ms(f->loop);
	struct ticker t;

	ticker_init(&t, f, "x");
	loop_timer_at(t.timer, now_ms + 100000);
	loop_timer_at(t.timer, now_ms + 20);
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "x");
	assert_true(clock_mono_ms() >= now_ms + 20);
	loop_timer_at(t.timer, 0);
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "xx");
}

static void stopped_timer_does_not_fire(void **state)
{
	struct fixture *f = *state;
	struct ticker t[2];

	ticker_init(&t[0], f, "a");
	ticker_init(&t[1], f, "b");
	loop_timer_at(t[0].timer, 0);
	loop_timer_at(t[1].timer, 0);
	loop_timer_stop(t[0].timer);
	loop_timer_stop(t[0].timer);
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "b");
}

static void on_free_both(void *arg)
{
	struct ticker *t = arg;

	buf_puts(&t[0].f->seen, "a");
	loop_timer_free(t[0].timer);
	loop_timer_free(t[1].timer);
}

static void timer_may_free_itself_and_another_that_is_due(void **state)
{
	struct fixture *f = *state;
	struct ticker t[2];

	ticker_init(&t[1], f, "b");
	t[0].f = f;
	t[0].timer = loop_timer_new(f->loop, on_free_both, t);
	loop_timer_at(t[0].timer, -2);
	loop_timer_at(t[1].timer, -1);
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "a");
}

static void on_stop(void *arg)
{
	struct fixture *f = arg;

	buf_puts(&f->seen, "stop ");
	loop_stop(f->loop);
}

/* A timer that is always due must leave room for a wake-up. */
static void timer_due_again_and_again_starves_nobody(void **state)
{
	struct fixture *f = *state;
	struct loop_wake *w = loop_wake_new(f->loop, on_stop, f);
	struct ticker t;

	ticker_init(&t, f, "");
	t.n_again = INT_MAX;
	loop_timer_at(t.timer, 0);
	loop_wake_send(w);
	run(f);
	assert_string_equal(buf_str(&f->seen), "stop ");
}

static void stopped_loop_can_run_again(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *t = loop_timer_new(f->loop, on_stop, f);

	for (int i = 0; i < 2; i++) {
		loop_timer_at(t, 0);
		run(f);
	}
	assert_string_equal(buf_str(&f->seen), "stop stop ");
}

static void *send_many(void *arg)
{
	for (int i = 0; i < 1000; i++)
		loop_wake_send(arg);
	return NULL;
}

static void wake_from_another_thread_is_heard(void **state)
{
	struct fixture *f = *state;
	struct loop_wake *w = loop_wake_new(f->loop, on_stop, f);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, send_many, w), 0);
	run(f);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(buf_str(&f->seen), "stop ");
	loop_wake_free(w);
}

static void many_wakes_before_the_loop_are_one(void **state)
{
	struct fixture *f = *state;
	struct loop_wake *w = loop_wake_new(f->loop, on_stop, f);

	(void)send_many(w);
	run(f);
	assert_string_equal(buf_str(&f->seen), "stop ");
}

static void on_hup(void *arg)
{
	struct fixture *f = arg;

	buf_puts(&f->seen, "hup ");
	assert_int_equal(raise(SIGTERM), 0);
}

static void signals_reach_their_callbacks(void **state)
{
	struct fixture *f = *state;

	loop_signals(f->loop, on_stop, on_hup, f);
	assert_int_equal(raise(SIGHUP), 0);
	run(f);
	assert_string_equal(buf_str(&f->seen), "hup stop ");
	/* And alone they do not keep the loop running. */
	loop_run(f->loop);
}

static void note(void *arg)
{
	struct fixture *f = arg;

	buf_puts(&f->seen, "hook ");
}

static void loop_free_calls_only_hooks_that_are_left(void **state)
{
	struct fixture *f = *state;
	struct loop *loop = loop_new();
	struct loop_hook h[3];

	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		loop_hook_init(&h[i], loop, note, f);
	loop_hook_done(&h[1]);
	loop_hook_done(&h[1]);
	loop_free(loop);
	assert_string_equal(buf_str(&f->seen), "hook hook ");
	loop_free(NULL);
}

#define on_loop(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    on_loop(timers_fire_in_order_of_their_deadlines),
	    on_loop(restarted_timer_fires_once_at_its_new_deadline),
	    on_loop(stopped_timer_does_not_fire),
	    on_loop(timer_may_free_itself_and_another_that_is_due),
	    on_loop(timer_due_again_and_again_starves_nobody),
	    on_loop(stopped_loop_can_run_again),
	    on_loop(wake_from_another_thread_is_heard),
	    on_loop(many_wakes_before_the_loop_are_one),
	    on_loop(signals_reach_their_callbacks),
	    on_loop(loop_free_calls_only_hooks_that_are_left),
	};

	return cmocka_run_group_tests_name("base_loop", tests, NULL, NULL);
}
