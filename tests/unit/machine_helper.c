/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Helper processes: shell scripts, and this program with --helper ipmi. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/helper.h"

enum {
	PATIENCE_MS = 30000
};

struct world {
	struct loop *loop;
	struct loop_timer *timer; /* nobody waits longer than PATIENCE_MS */
};

struct answer {
	struct world *world;
	bool done;
	int r;
	struct err err;
	int64_t id;
};

static void on_answer(
    void *arg, int r, const json_t *answer, const struct err *err)
{
	struct answer *a = arg;

	assert_true((r == 0) == (answer != NULL));
	a->done = true;
	a->r = r;
	if (err)
		a->err = *err;
	loop_stop(a->world->loop);
}

static void on_timer(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

static void wait_for(struct world *w, const struct answer *a)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (!a->done) {
		assert_true(clock_mono_ms() < deadline_ms);
		loop_timer_at(w->timer, deadline_ms);
		loop_run(w->loop);
	}
	loop_timer_stop(w->timer);
}

static struct answer ask(
    struct world *w, struct helper *h, json_t *request, int64_t deadline_ms)
{
	struct answer a = {.world = w};

	a.id = helper_ask(h, request, deadline_ms, on_answer, &a);
	assert_false(a.done);
	wait_for(w, &a);
	return a;
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_timer, w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	loop_timer_free(w->timer);
	loop_free(w->loop);
	free(w);
	return 0;
}

static struct helper *shell_helper(struct world *w, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return helper_new_command(w->loop, argv);
}
SCOPED_DEFINE(struct helper, helper_free);

static void helper_refuses_what_it_does_not_understand(void **state)
{
	struct world *w = *state;
	scoped(helper_free) struct helper *h = helper_new(w->loop, "ipmi");
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	struct answer a;

	a = ask(w, h, json_pack("{s:s}", "op", "explode"), deadline_ms);
	assert_int_equal(a.r, -ERR_INVAL);
	a = ask(
	    w, h, json_pack("{s:s, s:i}", "op", "on", "host", 7), deadline_ms);
	assert_int_equal(a.r, -ERR_INVAL);
	a = ask(w, h,
	    json_pack("{s:s, s:s, s:s, s:s}", "op", "on", "host",
	        "256.0.0.1:1:1", "user", "u", "password", "s3cret"),
	    deadline_ms);
	assert_true(a.r < 0);
	assert_null(strstr(a.err.msg, "s3cret"));
}

static void helper_that_dies_is_started_again_once_a_second(void **state)
{
	struct world *w = *state;
	scoped(helper_free) struct helper *h =
	    shell_helper(w, "read line; echo bad luck >&2; exit 3");
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	int64_t start_ms = clock_mono_ms();
	struct answer a;

	a = ask(w, h, json_object(), deadline_ms);
	assert_int_equal(a.r, -ERR_AGAIN);
	assert_non_null(strstr(a.err.msg, "bad luck"));
	assert_int_equal(a.id, 1);
	a = ask(w, h, json_object(), deadline_ms);
	assert_int_equal(a.r, -ERR_AGAIN);
	assert_int_equal(a.id, 2);
	assert_true(clock_mono_ms() - start_ms >= 1000);
}

static void helper_that_cannot_start_ends_requests_as_again(void **state)
{
	static const char *const argv[] = {"/no/such/program", NULL};
	struct world *w = *state;
	scoped(helper_free) struct helper *h =
	    helper_new_command(w->loop, argv);
	struct answer a =
	    ask(w, h, json_object(), clock_mono_ms() + PATIENCE_MS);

	assert_int_equal(a.r, -ERR_AGAIN);
	assert_non_null(strstr(a.err.msg, "/no/such/program"));
}

static void silent_helper_is_a_timeout(void **state)
{
	struct world *w = *state;
	scoped(helper_free) struct helper *h =
	    shell_helper(w, "exec sleep 300");
	struct answer a = ask(w, h, json_object(), clock_mono_ms() + 100);

	assert_int_equal(a.r, -ERR_TIMEOUT);
}

static void answers_find_their_requests_whatever_stands_between(void **state)
{
	struct world *w = *state;
	scoped(helper_free) struct helper *h = shell_helper(w,
	    "echo nonsense; echo '{\"id\":99}'; read a; read b; "
	    "echo '{\"id\":2}'; "
	    "echo '{\"id\":1,\"error\":\"too much\",\"kind\":\"LIMIT\"}'; "
	    "echo '{\"id\":3}'; exec cat >/dev/null");
	struct answer first = {.world = w};
	struct answer second;
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	(void)helper_ask(h, json_object(), deadline_ms, on_answer, &first);
	second = ask(w, h, json_object(), deadline_ms);
	assert_int_equal(second.r, 0);
	wait_for(w, &first);
	assert_int_equal(first.r, -ERR_LIMIT);
	assert_string_equal(first.err.msg, "too much");
}

struct chain {
	struct world *world;
	struct helper *helper;
	struct answer last;
};

static void free_helper(
    void *arg, int r, const json_t *answer, const struct err *err)
{
	struct chain *c = arg;

	(void)answer;
	(void)err;
	helper_free(take(c->helper));
	c->last.done = true;
	c->last.r = r;
	loop_stop(c->world->loop);
}

static void owner_may_free_the_helper_in_an_answer(void **state)
{
	static const char *const scripts[] = {
	    "read a; read b; echo '{\"id\":1}'; echo '{\"id\":2}'; exec cat",
	    "exit 0", "read a; exit 1"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct chain c = {.world = w};
		int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

		c.helper = shell_helper(w, scripts[i]);
		(void)helper_ask(
		    c.helper, json_object(), deadline_ms, free_helper, &c);
		(void)helper_ask(
		    c.helper, json_object(), deadline_ms, free_helper, &c);
		wait_for(w, &c.last);
		assert_null(c.helper);
	}
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(helper_refuses_what_it_does_not_understand),
	    WORLD_TEST(helper_that_dies_is_started_again_once_a_second),
	    WORLD_TEST(helper_that_cannot_start_ends_requests_as_again),
	    WORLD_TEST(silent_helper_is_a_timeout),
	    WORLD_TEST(answers_find_their_requests_whatever_stands_between),
	    WORLD_TEST(owner_may_free_the_helper_in_an_answer),
	};

	return cmocka_run_group_tests_name("machine_helper", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--helper") == 0 &&
	    strcmp(argv[2], "ipmi") == 0)
		return helper_ipmi_main();
	return all_tests();
}
