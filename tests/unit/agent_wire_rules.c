/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of each end of the wire, one at a time. */
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

/* Frames written by hand for one end. */
static void say(struct world *w, const char *line)
{
	wire_daemon_feed(w->d, line, strlen(line), w->now);
	wire_daemon_feed(w->d, "\n", 1, w->now);
}

static void a_gap_is_asked_for_once(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	say(w, "{\"s\":5,\"mono_ms\":1,\"t\":\"note\",\"text\":\"a\"}");
	assert_non_null(strstr(
	    buf_str(&w->pipe->to_agent), "{\"t\":\"again\",\"from\":1}"));
	say(w, "{\"s\":6,\"mono_ms\":1,\"t\":\"note\",\"text\":\"a\"}");
	assert_string_equal(w->failed, "");
	say(w, "{\"s\":2,\"mono_ms\":1,\"t\":\"note\",\"text\":\"a\"}");
	assert_string_equal(w->failed, "agent");
	assert_int_equal(w->pending.have, 0);
}

static void a_damaged_state_of_a_link_is_refused(void **state)
{
	static const char *const bad[] = {"", "1", "2 1 1 1 0 0 1 0 %s",
	    "1 1 1 1 0 0 1 %s", "1 -1 1 1 0 0 1 0 %s", "1 1 1 1 0 0 2 0 %s",
	    "1 1 1 1 0 0 1 0 00%s", "1 1 1 1 0 0 1 0 %s x",
	    "1 9223372036854775808 1 1 0 0 1 0 %s", "1 1 1 1 0 0 1 0 "};
	struct wire_resume r = {.have = 7, .events = 7, .bytes = 99};
	struct wire_resume back = {0};
	char text[WIRE_RESUME_TEXT];
	char hex[HASH_HEX + 1];

	(void)state;
	hash_hex(r.chain, HASH_BYTES, hex);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *at = strstr(bad[i], "%s");

		(void)snprintf(text, sizeof(text), "%.*s%s%s",
		    (int)(at ? at - bad[i] : (ptrdiff_t)strlen(bad[i])), bad[i],
		    at ? hex : "", at ? at + 2 : "");
		assert_int_equal(
		    wire_resume_parse(text, &back, NULL), -ERR_INVAL);
	}
	assert_int_equal(
	    wire_resume_parse(wire_resume_format(&r, text), &back, NULL), 0);
	assert_memory_equal(&r, &back, sizeof(r));
}

/* ---- the daemon's rules ---------------------------------------------- */

static void a_bad_field_is_the_agents_error(void **state)
{
	static const char *const bad[] = {
	    "{\"s\":1,\"t\":\"note\",\"text\":\"x\"}",
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"note\"}",
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"step\",\"n\":-1,\"of\":2,"
	    "\"text\":\"\"}",
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"file\",\"name\":\"a/b\","
	    "\"sha256\":\"00\",\"size\":1}",
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"case\",\"name\":\"a\","
	    "\"result\":\"maybe\"}",
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"boot\",\"guest\":\"g\","
	    "\"variant\":\"v\",\"pair\":0,\"position\":0,\"argv\":[1]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		scoped(world_free) struct world *w = world_running();

		say(w, bad[i]);
		assert_string_equal(w->failed, "agent");
	}
}

static void an_end_with_wrong_counts_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *line = xasprintf(
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"end\",\"outcome\":\"pass\","
	    "\"layer\":null,\"cases\":0,\"samples\":1,\"chain\":\"%064d\"}",
	    0);

	(void)state;
	say(w, line);
	assert_string_equal(w->failed, "agent");
	assert_non_null(strstr(w->why, "counts"));
}

static void an_end_with_a_broken_chain_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *line = xasprintf(
	    "{\"s\":1,\"mono_ms\":1,\"t\":\"end\",\"outcome\":\"pass\","
	    "\"layer\":null,\"cases\":0,\"samples\":0,\"chain\":\"%064d\"}",
	    1);

	(void)state;
	say(w, line);
	assert_string_equal(w->failed, "agent");
	assert_non_null(strstr(w->why, "chain"));
}

static void an_unknown_frame_is_ignored_and_counted(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	say(w, "{\"t\":\"weather\",\"rain\":true}");
	say(w, "{\"s\":1,\"mono_ms\":1,\"t\":\"weather\",\"rain\":true}");
	assert_int_equal(wire_daemon_unknown(w->d), 2);
	assert_int_equal(w->pending.have, 1);
	assert_string_equal(w->failed, "");
}

static void a_frame_over_its_ceiling_ends_the_link(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *x = xcalloc(1, WIRE_FRAME_MAX);

	(void)state;
	memset(x, ' ', WIRE_FRAME_MAX);
	wire_daemon_feed(w->d, x, WIRE_FRAME_MAX - 1, w->now);
	assert_int_equal(w->drops, 0);
	wire_daemon_feed(w->d, x, 1, w->now);
	assert_int_equal(w->drops, 1);
	assert_false(wire_daemon_is_up(w->d));
}

static void an_attempt_has_a_ceiling_of_events(void **state)
{
	scoped(world_free) struct world *w = world_new(1);

	(void)state;
	w->durable.events = w->pending.events = WIRE_EVENTS_MAX - 1;
	world_daemon_crash(w);
	world_dial(w);
	world_settle(w);
	world_event(w, world_note("the last"));
	world_settle(w);
	assert_string_equal(w->failed, "");
	world_event(w, world_note("one more"));
	world_settle(w);
	assert_string_equal(w->failed, "agent");
	assert_int_equal(w->pending.have, 1);
}

static void a_silent_link_is_dead_after_ten_seconds(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	for (int i = 0; i < 3; i++) {
		w->now += WIRE_PING_MS;
		assert_int_equal(wire_daemon_deadline(w->d), w->now);
		wire_daemon_tick(w->d, w->now);
	}
	assert_int_equal(w->pings, 3);
	assert_int_equal(w->drops, 0);
	w->now += 1000;
	wire_daemon_tick(w->d, w->now);
	assert_int_equal(w->drops, 1);
	assert_string_equal(w->why, "the agent is silent");
}

static void redialling_waits_longer_each_time_up_to_five_seconds(void **state)
{
	static const int64_t want[] = {
	    100, 200, 400, 800, 1600, 3200, 5000, 5000};
	scoped(world_free) struct world *w = world_new(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(wire_daemon_link_down(w->d, w->now), want[i]);
	world_dial(w);
	world_settle(w);
	assert_int_equal(wire_daemon_link_down(w->d, w->now), 100);
}

static void another_boot_is_the_hosts_error(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	world_cut(w, w->pipe);
	wire_agent_free(w->a);
	world_agent_new(w, "boot-2");
	world_dial(w);
	world_settle(w);
	assert_string_equal(w->failed, "host");
}

static void a_planned_reboot_goes_on(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	world_event(w, world_sample(1));
	world_settle(w);
	wire_daemon_reboot(w->d, 0, "second", w->now);
	wire_daemon_reboot(w->d, 0, "second", w->now);
	world_settle(w);
	assert_int_equal(w->reboots, 1);
	world_cut(w, w->pipe);
	wire_agent_free(w->a);
	world_agent_new(w, "boot-2");
	world_dial(w);
	world_settle(w);
	assert_string_equal(w->failed, "");
	assert_string_equal(w->boot, "boot-2");
	world_event(w, world_sample(2));
	world_settle(w);
	assert_int_equal(w->pending.have, 2);
}

static void a_lost_journal_is_the_hosts_error(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	world_event(w, world_sample(1));
	world_settle(w);
	world_daemon_commit(w);
	world_cut(w, w->pipe);
	wire_agent_free(w->a);
	(void)world_clean(w, NULL);
	memset(&w->saved, 0, sizeof(w->saved));
	world_agent_new(w, "boot-1");
	world_dial(w);
	world_settle(w);
	assert_string_equal(w->failed, "host");
	assert_non_null(strstr(w->why, "journal"));
}

/* ---- the agent's rules ----------------------------------------------- */

/* What the agent answers to lines written by hand; caller frees. */
static char *ask(struct world *w, const char *lines)
{
	struct pipe p = {.to_daemon = BUF_INIT(QUEUE_MAX), .open = true};
	struct pipe *was = w->pipe;
	char *answer;

	w->pipe = &p;
	p.link = wire_agent_link_new(w->a, &p, w->now);
	wire_agent_feed(p.link, lines, strlen(lines), w->now);
	wire_agent_link_free(p.link, w->now);
	answer = buf_take(&p.to_daemon);
	w->pipe = was;
	return answer;
}

#define HELLO(fence, attempt)                                             \
	"{\"t\":\"hello\",\"v\":[1,1],\"lab\":\"lab-1\",\"fence\":" fence \
	",\"attempt\":" attempt ",\"have\":0}\n"

static void a_lower_fence_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *answer = ask(w, HELLO("76", "5"));

	(void)state;
	assert_string_equal(
	    answer, "{\"t\":\"refuse\",\"why\":\"fence\",\"highest\":77}\n");
	assert_true(wire_daemon_is_up(w->d));
	world_event(w, world_sample(1));
	world_settle(w);
	assert_int_equal(w->pending.have, 1);
}

static void a_higher_fence_ends_the_older_attempt(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *answer = NULL;

	(void)state;
	world_event(w, world_sample(1));
	answer = ask(w, HELLO("78", "6"));
	assert_non_null(strstr(answer, "\"state\":\"idle\""));
	assert_int_equal(w->cleans, 2);
	assert_int_equal(w->last, 0);
	assert_int_equal(w->saved.fence, 78);
	assert_false(wire_agent_is_running(w->a));
}

static void another_lab_and_another_version_are_refused(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *lab = ask(w,
	    "{\"t\":\"hello\",\"v\":[1,1],\"lab\":\"lab-2\",\"fence\":"
	    "99,\"attempt\":1,\"have\":0}\n");
	scoped(free) char *version = ask(w,
	    "{\"t\":\"hello\",\"v\":[7,9],\"lab\":\"lab-1\",\"fence\":"
	    "99,\"attempt\":1,\"have\":0}\n");

	(void)state;
	assert_non_null(strstr(lab, "\"why\":\"lab\""));
	assert_non_null(strstr(version, "\"why\":\"version\""));
	assert_int_equal(w->saved.fence, FENCE);
}

static void a_stranger_does_not_disturb(void **state)
{
	static const char *const strange[] = {"\n", "hello\n", "[]\n", "{}\n",
	    "{\"t\":\"ack\",\"s\":3}\n", "{\"t\":1}\n", "{\"t\":\"hello\"}\n",
	    HELLO("77", "6")};
	scoped(world_free) struct world *w = world_running();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strange); i++)
		free(ask(w, strange[i]));
	world_event(w, world_sample(1));
	world_settle(w);
	assert_int_equal(w->pending.have, 1);
	assert_int_equal(w->drops, 0);
}

static void a_start_is_executed_once(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *other = xasprintf(
	    HELLO(
	        "77", "5") "{\"t\":\"start\",\"c\":1,\"spec_sha256\":\"%064d\","
	                   "\"spec\":{}}\n",
	    0);
	scoped(free) char *answer = ask(w, other);

	(void)state;
	assert_non_null(strstr(answer, "\"t\":\"no\""));
	world_daemon_crash(w);
	w->started = false;
	world_dial(w);
	world_settle(w);
	assert_true(w->started);
	assert_int_equal(w->runs, 1);
}

static void a_refused_specification_starts_nothing(void **state)
{
	scoped(world_free) struct world *w = world_new(1);
	struct err err = ERR_INIT;

	(void)state;
	wire_daemon_free(w->d);
	w->d = wire_daemon_new(&(struct wire_daemon_options){.lab = "lab-1",
	    .fence = FENCE,
	    .attempt = ATTEMPT,
	    .ops = &world_daemon_ops,
	    .arg = w});
	assert_int_equal(
	    wire_daemon_start(w->d, "[1]", w->now, &err), -ERR_INVAL);
	assert_int_equal(
	    wire_daemon_start(w->d, "{\"bad\":1}", w->now, &err), 0);
	world_dial(w);
	world_settle(w);
	assert_string_equal(w->why, "no such hypervisor");
	assert_int_equal(w->runs, 0);
	assert_false(wire_agent_is_running(w->a));
}

static void no_more_than_a_window_is_under_way(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	for (int i = 0; i < WIRE_WINDOW_EVENTS + 100; i++)
		world_event(w, world_note("n"));
	assert_int_equal(w->sent_records, WIRE_WINDOW_EVENTS);
	world_settle(w);
	world_daemon_commit(w);
	world_settle(w);
	assert_int_equal(w->pending.have, WIRE_WINDOW_EVENTS + 100);
}

static void the_window_counts_bytes_as_well(void **state)
{
	scoped(world_free) struct world *w = world_running();
	scoped(free) char *big = xcalloc(1, WIRE_TEXT_MAX + 1);

	(void)state;
	memset(big, 'x', WIRE_TEXT_MAX);
	for (int i = 0; i < 100; i++)
		world_event(w, world_note(big));
	assert_int_equal(w->sent_records, 63);
	world_settle(w);
	world_daemon_commit(w);
	world_settle(w);
	assert_int_equal(w->pending.have, 100);
}

static void a_full_journal_drops_notes_and_never_samples(void **state)
{
	scoped(world_free) struct world *w = world_running();
	struct err err = ERR_INIT;

	(void)state;
	w->full_at = 2;
	world_event(w, world_note("1"));
	world_event(w, world_note("2"));
	world_event(w, world_note("3"));
	assert_int_equal(wire_agent_dropped_notes(w->a), 1);
	assert_int_equal(
	    wire_agent_event(w->a, world_sample(1), w->now, &err), -ERR_LIMIT);
	world_end(w, "error", "agent");
	world_settle(w);
	assert_int_equal(w->pending.have, 3);
	assert_true(w->pending.ended);
}

static void nothing_follows_an_end(void **state)
{
	scoped(world_free) struct world *w = world_running();
	struct err err = ERR_INIT;

	(void)state;
	world_end(w, "pass", NULL);
	assert_int_equal(wire_agent_event(w->a, world_note("x"), w->now, &err),
	    -ERR_CONFLICT);
	assert_int_equal(wire_agent_end(w->a, "pass", NULL, NULL, w->now, &err),
	    -ERR_CONFLICT);
}

static void a_running_attempt_is_not_forgotten(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	world_event(w, world_sample(1));
	wire_daemon_forget(w->d, w->now);
	world_settle(w);
	assert_false(w->forgotten);
	assert_string_equal(w->why, "the attempt still runs");
	assert_int_equal(w->last, 1);
}

static void an_orphan_is_told_once(void **state)
{
	scoped(world_free) struct world *w = world_running();

	(void)state;
	world_cut(w, w->pipe);
	assert_int_equal(wire_agent_deadline(w->a), w->now + 600000);
	w->now += 599999;
	wire_agent_tick(w->a, w->now);
	assert_int_equal(w->orphans, 0);
	w->now += 1;
	wire_agent_tick(w->a, w->now);
	wire_agent_tick(w->a, w->now + 5);
	assert_int_equal(w->orphans, 1);
}

static void an_event_against_the_rules_is_not_journalled(void **state)
{
	scoped(world_free) struct world *w = world_running();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(wire_agent_event(w->a, json_pack("{s:s}", "t", "note"),
	                     w->now, &err),
	    -ERR_INVAL);
	assert_int_equal(
	    wire_agent_event(w->a, NULL, w->now, &err), -ERR_INVAL);
	assert_int_equal(
	    wire_agent_end(w->a, "error", NULL, NULL, w->now, &err),
	    -ERR_INVAL);
	assert_int_equal(w->last, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_gap_is_asked_for_once),
	    cmocka_unit_test(a_damaged_state_of_a_link_is_refused),
	    cmocka_unit_test(a_bad_field_is_the_agents_error),
	    cmocka_unit_test(an_end_with_wrong_counts_is_refused),
	    cmocka_unit_test(an_end_with_a_broken_chain_is_refused),
	    cmocka_unit_test(an_unknown_frame_is_ignored_and_counted),
	    cmocka_unit_test(a_frame_over_its_ceiling_ends_the_link),
	    cmocka_unit_test(an_attempt_has_a_ceiling_of_events),
	    cmocka_unit_test(a_silent_link_is_dead_after_ten_seconds),
	    cmocka_unit_test(
	        redialling_waits_longer_each_time_up_to_five_seconds),
	    cmocka_unit_test(another_boot_is_the_hosts_error),
	    cmocka_unit_test(a_planned_reboot_goes_on),
	    cmocka_unit_test(a_lost_journal_is_the_hosts_error),
	    cmocka_unit_test(a_lower_fence_is_refused),
	    cmocka_unit_test(a_higher_fence_ends_the_older_attempt),
	    cmocka_unit_test(another_lab_and_another_version_are_refused),
	    cmocka_unit_test(a_stranger_does_not_disturb),
	    cmocka_unit_test(a_start_is_executed_once),
	    cmocka_unit_test(a_refused_specification_starts_nothing),
	    cmocka_unit_test(no_more_than_a_window_is_under_way),
	    cmocka_unit_test(the_window_counts_bytes_as_well),
	    cmocka_unit_test(a_full_journal_drops_notes_and_never_samples),
	    cmocka_unit_test(nothing_follows_an_end),
	    cmocka_unit_test(a_running_attempt_is_not_forgotten),
	    cmocka_unit_test(an_orphan_is_told_once),
	    cmocka_unit_test(an_event_against_the_rules_is_not_journalled),
	};

	hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
