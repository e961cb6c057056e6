/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Power against real controllers: OpenIPMI's ipmi_sim, asked by the real
 * helper, which is this program with --helper ipmi.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/helper.h"
#include "orchestrator/power.h"
#include "tests/unit/machine_sim.h"

enum {
	PATIENCE_MS = 30000,
	N_EACH = 8 /* dead and live controllers side by side */
};

struct result {
	struct world *world;
	bool done;
	int r;
	enum power_state seen;
	char evidence[4096];
	struct err err;
	int64_t at_ns;
	int n_sent;
};

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	struct helper *helper;
	struct power_shared shared;
	struct sim sims[N_EACH];
	struct result result;
	char dir[32];
};

/* ---- the loop */

static void on_timer(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

/* Runs the loop until the result is there. */
static void wait_for(struct world *w, const struct result *res)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (!res->done) {
		assert_true(clock_mono_ms() < deadline_ms);
		loop_timer_at(w->timer, deadline_ms);
		loop_run(w->loop);
	}
	loop_timer_stop(w->timer);
}

static void run_for(struct world *w, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;

	while (clock_mono_ms() < until_ms) {
		loop_timer_at(w->timer, until_ms);
		loop_run(w->loop);
	}
}

static void on_sent(void *arg)
{
	struct result *res = arg;

	assert_false(res->done);
	res->n_sent++;
}

static void on_done(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct result *res = arg;

	res->done = true;
	res->r = r;
	res->seen = seen;
	res->at_ns = clock_mono_ns();
	(void)snprintf(res->evidence, sizeof(res->evidence), "%s", evidence);
	res->err = (struct err)ERR_INIT;
	if (r < 0)
		(void)err_copy(&res->err, err);
	assert_null(strstr(res->evidence, SIM_PASSWORD));
	assert_null(strstr(res->err.msg, SIM_PASSWORD));
	loop_stop(res->world->loop);
}

static struct result *fresh_result(struct world *w)
{
	w->result = (struct result){.world = w};
	return &w->result;
}

static const struct result *read_power(
    struct world *w, struct power *p, int64_t within_ms)
{
	struct result *res = fresh_result(w);

	power_read(p, clock_mono_ms() + within_ms, on_done, res);
	wait_for(w, res);
	return res;
}

static const struct result *set_power(
    struct world *w, struct power *p, enum power_state want, int64_t within_ms)
{
	struct result *res = fresh_result(w);

	power_set(p, want, clock_mono_ms() + within_ms, on_sent, on_done, res);
	wait_for(w, res);
	return res;
}

/* ---- machines */

static int open_power(
    struct world *w, const char *text, struct power **ret, struct err *err)
{
	scoped(conf_free) struct conf *conf = NULL;

	assert_int_equal(
	    conf_parse("lab.yaml", text, strlen(text), &conf, err), 0);
	return power_new(&w->shared, conf_root(conf), ret, err);
}

static struct power *power_at(
    struct world *w, int port, const char *user, const char *password)
{
	scoped(free) char *text =
	    xasprintf("{driver: ipmi, host: \"127.0.0.1:%d\", user: %s, "
	              "password: %s}",
	        port, user, password);
	struct err err = ERR_INIT;
	struct power *p = NULL;

	assert_int_equal(open_power(w, text, &p, &err), 0);
	return p;
}
SCOPED_DEFINE(struct power, power_free);

/* Waits until the controller answers; its start takes a while. */
static void wait_ready(struct world *w, struct power *p)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (read_power(w, p, PATIENCE_MS)->r < 0)
		assert_true(clock_mono_ms() < deadline_ms);
}

static struct power *start_machine(struct world *w, struct sim *s)
{
	struct power *p;

	sim_configure(s);
	sim_start(s);
	p = power_at(w, s->port, SIM_USER, SIM_PASSWORD);
	wait_ready(w, p);
	return p;
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_timer, w);
	w->helper = helper_new(w->loop, "ipmi");
	memcpy(w->dir, "/tmp/ib-power-XXXXXX", 21);
	assert_non_null(mkdtemp(w->dir));
	w->shared = (struct power_shared){
	    .loop = w->loop, .ipmi = w->helper, .dir = w->dir};
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	helper_free(w->helper);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	for (int i = 0; i < N_EACH; i++)
		sim_done(&w->sims[i]);
	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	free(w);
	return 0;
}

/* ---- tests */

static void power_is_switched_and_read_back(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	const struct result *res;
	int64_t at_ms;

	assert_true(power_can_switch(p));
	assert_int_equal(power_last(p, &at_ms), POWER_OFF);
	res = set_power(w, p, POWER_ON, PATIENCE_MS);
	assert_int_equal(res->r, 0);
	assert_int_equal(res->seen, POWER_ON);
	assert_int_equal(res->n_sent, 1);
	/* Times follow when they are worth telling. */
	assert_int_equal(strncmp(res->evidence, "on sent", 7), 0);
	assert_non_null(strstr(res->evidence, ", read on"));

	res = set_power(w, p, POWER_OFF, PATIENCE_MS);
	assert_int_equal(res->r, 0);
	assert_int_equal(res->seen, POWER_OFF);
	assert_int_equal(res->n_sent, 1);
	assert_int_equal(strncmp(res->evidence, "off sent", 8), 0);
	assert_non_null(strstr(res->evidence, ", read off"));
	print_message("# evidence: %s\n", res->evidence);

	res = read_power(w, p, PATIENCE_MS);
	assert_int_equal(res->r, 0);
	assert_int_equal(res->seen, POWER_OFF);
	assert_int_equal(strncmp(res->evidence, "read off", 8), 0);
	assert_int_equal(power_last(p, &at_ms), POWER_OFF);
	assert_true(clock_wall_ms() - at_ms < PATIENCE_MS);
}

static void wrong_password_or_user_is_denied(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *good = start_machine(w, &w->sims[0]);
	scoped(power_free) struct power *p =
	    power_at(w, w->sims[0].port, "admin", "wrong");
	scoped(power_free) struct power *q =
	    power_at(w, w->sims[0].port, "nobody", SIM_PASSWORD);
	const struct result *res;

	res = read_power(w, p, PATIENCE_MS);
	assert_int_equal(res->r, -ERR_DENIED);
	assert_null(strstr(res->err.msg, "wrong"));
	res = set_power(w, p, POWER_ON, PATIENCE_MS);
	assert_int_equal(res->r, -ERR_DENIED);
	assert_int_equal(res->n_sent, 0);
	res = read_power(w, q, PATIENCE_MS);
	assert_int_equal(res->r, -ERR_DENIED);
	res = read_power(w, good, PATIENCE_MS);
	assert_int_equal(res->seen, POWER_OFF);
}

static void killed_controller_is_unreachable_until_it_is_back(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	const struct result *res;
	int64_t before_ms, at_ms, start_ms;

	res = read_power(w, p, PATIENCE_MS);
	assert_int_equal(res->r, 0);
	(void)power_last(p, &before_ms);
	sim_kill(&w->sims[0]);
	start_ms = clock_mono_ms();
	res = read_power(w, p, PATIENCE_MS);
	print_message("# noticed after %d ms: %s\n",
	    (int)(clock_mono_ms() - start_ms), res->err.msg);
	assert_int_equal(res->r, -ERR_UNREACH);
	assert_int_equal(res->seen, POWER_UNKNOWN);
	assert_int_equal(power_last(p, &at_ms), POWER_OFF);
	assert_int_equal(at_ms, before_ms);

	res = read_power(w, p, 200);
	assert_int_equal(res->r, -ERR_UNREACH);

	sim_start(&w->sims[0]);
	wait_ready(w, p);
	res = set_power(w, p, POWER_ON, PATIENCE_MS);
	assert_int_equal(res->r, 0);
}

static void restarted_controller_is_asked_again_in_the_same_request(
    void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	const struct result *res;

	/* Our session is forgotten; the library notices by a timeout. */
	sim_kill(&w->sims[0]);
	sim_start(&w->sims[0]);
	res = set_power(w, p, POWER_ON, PATIENCE_MS);
	assert_int_equal(res->r, 0);
	assert_int_equal(res->seen, POWER_ON);
	assert_int_equal(res->n_sent, 1);
	print_message("# evidence: %s\n", res->evidence);
}

static void session_is_kept_while_it_is_not_used(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);

	/* Past the library's own timeout. */
	run_for(w, 5000);
	assert_int_equal(read_power(w, p, 1000)->r, 0);
}

/* A controller that never answers: a bound socket nobody reads. */
static int open_silent(int *ret_port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void dead_controllers_delay_no_live_one(void **state)
{
	struct world *w = *state;
	struct power *live[N_EACH];
	struct power *dead[N_EACH];
	struct result live_res[N_EACH];
	struct result dead_res[N_EACH];
	int fds[N_EACH];
	int64_t start_ns, last_live_ns = 0, first_dead_ns = INT64_MAX;

	for (int i = 0; i < N_EACH; i++) {
		int port;

		live[i] = start_machine(w, &w->sims[i]);
		fds[i] = open_silent(&port);
		dead[i] = power_at(w, port, SIM_USER, SIM_PASSWORD);
		live_res[i] = dead_res[i] = (struct result){.world = w};
	}
	start_ns = clock_mono_ns();
	for (int i = 0; i < N_EACH; i++)
		power_read(dead[i], clock_mono_ms() + PATIENCE_MS, on_done,
		    &dead_res[i]);
	for (int i = 0; i < N_EACH; i++)
		power_read(live[i], clock_mono_ms() + PATIENCE_MS, on_done,
		    &live_res[i]);
	for (int i = 0; i < N_EACH; i++) {
		wait_for(w, &live_res[i]);
		wait_for(w, &dead_res[i]);
	}
	for (int i = 0; i < N_EACH; i++) {
		assert_int_equal(live_res[i].r, 0);
		if (dead_res[i].r != -ERR_UNREACH)
			print_message("# %s\n", dead_res[i].err.msg);
		assert_int_equal(dead_res[i].r, -ERR_UNREACH);
		if (live_res[i].at_ns > last_live_ns)
			last_live_ns = live_res[i].at_ns;
		if (dead_res[i].at_ns < first_dead_ns)
			first_dead_ns = dead_res[i].at_ns;
		power_free(live[i]);
		power_free(dead[i]);
		fd_done(&fds[i]);
	}
	assert_true(last_live_ns < first_dead_ns);
	print_message("# last live one %.2f ms, first dead one %.0f ms\n",
	    (double)(last_live_ns - start_ns) / 1e6,
	    (double)(first_dead_ns - start_ns) / 1e6);
}

static void queries_on_an_open_session_are_fast(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	int64_t best_ns = INT64_MAX, sum_ns = 0;

	for (int i = 0; i < 200; i++) {
		int64_t start_ns = clock_mono_ns();
		int64_t took_ns = read_power(w, p, 1000)->at_ns - start_ns;

		sum_ns += took_ns;
		if (took_ns < best_ns)
			best_ns = took_ns;
	}
	print_message("# query: best %.3f ms, mean %.3f ms\n",
	    (double)best_ns / 1e6, (double)sum_ns / 200 / 1e6);
	assert_true(best_ns < 100 * 1000000LL);
}

/* The helper's answers without power.c between. */
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

static struct answer ask(
    struct world *w, struct helper *h, json_t *request, int64_t deadline_ms)
{
	struct answer a = {.world = w};
	int64_t patience_ms = clock_mono_ms() + PATIENCE_MS;

	a.id = helper_ask(h, request, deadline_ms, on_answer, &a);
	assert_false(a.done);
	while (!a.done) {
		assert_true(clock_mono_ms() < patience_ms);
		loop_run(w->loop);
	}
	return a;
}

static json_t *request_of(const struct sim *s, const char *op)
{
	char host[32];

	(void)snprintf(host, sizeof(host), "127.0.0.1:%d", s->port);
	return json_pack("{s:s, s:s, s:s, s:s}", "op", op, "host", host, "user",
	    "admin", "password", SIM_PASSWORD);
}

static void command_after_its_deadline_is_not_sent(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	struct answer a;

	a = ask(
	    w, w->helper, request_of(&w->sims[0], "on"), clock_mono_ms() - 1);
	assert_int_equal(a.r, -ERR_TIMEOUT);
	/* Requests are carried out in order, so this one is after it. */
	assert_int_equal(read_power(w, p, PATIENCE_MS)->seen, POWER_OFF);
}

static void cancelled_requests_are_silent(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = start_machine(w, &w->sims[0]);
	struct answer a = {.world = w};
	struct result *res = fresh_result(w);

	a.id = helper_ask(w->helper, request_of(&w->sims[0], "status"),
	    clock_mono_ms() + PATIENCE_MS, on_answer, &a);
	helper_cancel(w->helper, a.id);
	helper_cancel(w->helper, a.id);
	power_set(
	    p, POWER_ON, clock_mono_ms() + PATIENCE_MS, NULL, on_done, res);
	power_cancel(p);
	power_cancel(p);
	/* A new request may follow at once. */
	assert_int_equal(set_power(w, p, POWER_OFF, PATIENCE_MS)->r, 0);
	assert_false(a.done);
}

static void none_cannot_be_switched_or_read(void **state)
{
	struct world *w = *state;
	scoped(power_free) struct power *p = NULL;
	scoped(power_free) struct power *q = NULL;
	const struct result *res;
	struct err err = ERR_INIT;

	assert_int_equal(open_power(w, "{driver: none}", &p, &err), 0);
	assert_int_equal(power_new(&w->shared, NULL, &q, &err), 0);
	assert_false(power_can_switch(p));
	assert_false(power_can_switch(q));
	res = read_power(w, p, 1000);
	assert_int_equal(res->r, 0);
	assert_int_equal(res->seen, POWER_UNKNOWN);
	assert_int_equal(set_power(w, p, POWER_ON, 1000)->r, -ERR_INVAL);
}

static void sections_are_refused_with_their_position(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{driver: steam}",
	    "{driver: none, host: a}",
	    "{driver: ipmi, host: a, user: b}",
	    "{driver: ipmi, host: a, password: b}",
	    "{driver: ipmi, user: a, password: b}",
	    "{driver: ipmi, host: a, user: b, password: c, password_file: d}",
	    "{driver: ipmi, host: a, user: b, password_file: missing}",
	    "{driver: ipmi, host: a, user: b, password_file: open}",
	    "{driver: ipmi, host: a, user: b, password: c, colour: red}",
	    "{driver: ipmi, host: \"a:0\", user: b, password: c}",
	    "{driver: ipmi, host: \"a:b:c\", user: b, password: c}",
	    "{driver: ipmi, host: \":623\", user: b, password: c}",
	    "{driver: ipmi, host: a, user: seventeen-letters, password: c}",
	    "{driver: ipmi, host: a, user: b, password: aaaaabbbbbcccccddddde}",
	};
	static const char *const good[] = {
	    "{driver: ipmi, host: a, user: b, password: c}",
	    "{driver: ipmi, host: \"[fd00::1]:623\", user: b, password: c}",
	    "{driver: ipmi, host: \"a:9623\", user: b, password_file: secret}",
	};
	struct world *w = *state;
	scoped(free) char *open_path = xasprintf("%s/open", w->dir);
	struct err err = ERR_INIT;

	sim_put_file(w->dir, "secret", SIM_PASSWORD "\n");
	sim_put_file(w->dir, "open", SIM_PASSWORD "\n");
	assert_int_equal(chmod(open_path, 0644), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(open_power(w, bad[i], NULL, &err), -ERR_INVAL);
		assert_non_null(strstr(err.msg, "lab.yaml:1:"));
		assert_null(strstr(err.msg, SIM_PASSWORD));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(open_power(w, good[i], NULL, &err), 0);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(power_is_switched_and_read_back),
	    WORLD_TEST(wrong_password_or_user_is_denied),
	    WORLD_TEST(killed_controller_is_unreachable_until_it_is_back),
	    WORLD_TEST(restarted_controller_is_asked_again_in_the_same_request),
	    WORLD_TEST(session_is_kept_while_it_is_not_used),
	    WORLD_TEST(dead_controllers_delay_no_live_one),
	    WORLD_TEST(queries_on_an_open_session_are_fast),
	    WORLD_TEST(command_after_its_deadline_is_not_sent),
	    WORLD_TEST(cancelled_requests_are_silent),
	    WORLD_TEST(none_cannot_be_switched_or_read),
	    WORLD_TEST(sections_are_refused_with_their_position),
	};

	return cmocka_run_group_tests_name("machine_power", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--helper") == 0 &&
	    strcmp(argv[2], "ipmi") == 0)
		return helper_ipmi_main();
	if (!sim_is_installed()) {
		(void)puts("1..0 # SKIP ipmi_sim (package openipmi) is needed");
		return 0;
	}
	return all_tests();
}
