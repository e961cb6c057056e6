/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of the wire over connections that are cut at any byte, doubled,
 * delayed and replaced, while both ends crash and come back from their disks.
 */
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

static uint64_t first_seed(void)
{
	const char *text = getenv("IB_TEST_SEED");
	int64_t seed = clock_mono_ns();

	if (text && str_to_i64(text, 0, INT64_MAX, &seed, NULL) < 0)
		fail_msg("IB_TEST_SEED is no number");
	return (uint64_t)seed;
}

/* ---- random schedules ------------------------------------------------ */

static void work(struct world *w, int64_t n_events)
{
	if (!wire_agent_is_running(w->a))
		return;
	if (w->cancelled)
		world_end(w, "cancelled", NULL);
	else if (w->last >= n_events)
		world_end(w, "pass", NULL);
	else if (world_chance(w, 30))
		world_event(
		    w, world_note("some text \n with \"all\" of it \xc3\xa4"));
	else
		world_event(w, world_sample((double)w->last));
}

static void step(struct world *w, int64_t n_events)
{
	struct pipe *p = &w->pipes[world_draw(w) % LINKS_MAX];

	w->now += (int64_t)(world_draw(w) % 40);
	if (!w->pipe && w->now >= w->redial_at)
		world_dial(w);
	for (int i = (int)(world_draw(w) % 4); i; i--)
		work(w, n_events);
	if (w->pipe && world_chance(w, 80))
		world_carry(w, w->pipe, 1 + world_draw(w) % 3000);
	if (p->open)
		world_carry(w, p, 1 + world_draw(w) % 500);
	if (world_chance(w, 20))
		world_daemon_commit(w);
	if (w->pipe && world_chance(w, 4))
		world_cut(w, w->pipe);
	if (w->pipe && world_chance(w, 1))
		world_dial(w); /* the old one stays open at the agent's side */
	if (world_chance(w, 1))
		world_daemon_crash(w);
	if (world_chance(w, 1))
		world_agent_crash(w);
	if (world_draw(w) % 2000 == 0)
		wire_daemon_cancel(w->d, "not wanted", w->now);
	if (world_draw(w) % 200 == 0)
		w->now += 4000;
	if (w->now >= wire_daemon_deadline(w->d))
		wire_daemon_tick(w->d, w->now);
	if (w->now >= wire_agent_deadline(w->a))
		wire_agent_tick(w->a, w->now);
}

static void run_schedule(uint64_t seed)
{
	scoped(world_free) struct world *w = world_new(seed);
	int64_t n_events = (int64_t)(world_draw(w) % 300);
	char *journal[RECORDS_MAX];
	int64_t last = 0;
	int i;

	w->doubled = (int)(world_draw(w) % 20);
	for (i = 0; i < 200000 && !w->forgotten; i++) {
		step(w, n_events);
		if (w->failed[0])
			fail_msg("seed %" PRIu64 ": failed: %s: %s", seed,
			    w->failed, w->why);
		/* What the agent forgets later is compared with then. */
		for (; last < w->last; last++)
			journal[last] = xstrdup(w->journal[last]);
	}
	if (!w->forgotten)
		fail_msg("seed %" PRIu64 ": not over", seed);
	assert_int_equal(w->runs, 1);
	assert_int_equal(w->ends, 1);
	assert_true(w->durable.ended);
	assert_int_equal(w->durable.have, last);
	for (i = 0; i < last; i++) {
		assert_string_equal(w->applied[i], journal[i]);
		free(journal[i]);
	}
	assert_int_equal(w->last, 0);
	assert_int_equal(w->saved.attempt, 0);
}

static void every_event_is_applied_once_and_in_order(void **state)
{
	uint64_t seed = first_seed();

	(void)state;
	print_message("# IB_TEST_SEED=%" PRIu64 "\n", seed);
	for (uint64_t i = 0; i < 200; i++)
		run_schedule(seed + i);
}

/* ---- lost lines ------------------------------------------------------ */

static void pass_time(struct world *w, int64_t ms)
{
	int64_t until = w->now + ms;

	while (w->now < until) {
		w->now += 500;
		if (!w->pipe && !w->failed[0] && w->now >= w->redial_at)
			world_dial(w);
		wire_agent_tick(w->a, w->now);
		wire_daemon_tick(w->d, w->now);
		world_settle(w);
		if (w->pending.have > w->durable.have && !w->failed[0])
			world_daemon_commit(w);
	}
}

static void any_one_lost_frame_is_made_good(void **state)
{
	(void)state;
	for (int n = 0; n < 60; n++) {
		scoped(world_free) struct world *w = world_new(1);

		w->lose = n / 2;
		w->lose_to_agent = n % 2;
		world_dial(w);
		pass_time(w, 13000);
		for (int i = 0; i < 10; i++) {
			world_event(w, world_sample(i));
			world_settle(w);
		}
		pass_time(w, 4000);
		world_end(w, "pass", NULL);
		pass_time(w, 40000);
		assert_string_equal(w->failed, "");
		assert_true(w->durable.ended);
		assert_int_equal(w->durable.have, 11);
		assert_true(w->forgotten);
		assert_int_equal(w->runs, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_event_is_applied_once_and_in_order),
	    cmocka_unit_test(any_one_lost_frame_is_made_good),
	};

	hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
