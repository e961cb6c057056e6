/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One SSH connection against a real sshd. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/unit/ssh_world.h"

enum {
	BIG = 20 << 20,
	CONNECTIONS = 10
};

/* ---- commands ------------------------------------------------------------ */

static void commands_end_with_their_code(void **state)
{
	struct world *w = *state;

	world_connect_up(w);
	world_run_command(w, "true");
	assert_int_equal(w->r, 0);
	assert_int_equal(w->code, 0);
	world_run_command(w, "false");
	assert_int_equal(w->r, -ERR_IO);
	assert_int_equal(w->code, 1);
	world_run_command(
	    w, "echo first >&2; printf 'last line\\n' >&2; exit 7");
	assert_int_equal(w->r, -ERR_IO);
	assert_int_equal(w->code, 7);
	assert_non_null(strstr(w->end.msg, "exit code 7: last line"));
	world_run_command(w, "echo hello; echo noise >&2");
	assert_int_equal(w->r, 0);
	assert_string_equal(buf_str(&w->out), "hello\n");
}

static void signal_is_told_from_an_exit_code(void **state)
{
	struct world *w = *state;

	world_connect_up(w);
	world_run_command(w, "kill -TERM $$");
	assert_int_equal(w->r, -ERR_IO);
	assert_int_equal(w->code, 128 + SIGTERM);
	world_run_command(w, "kill -KILL $$");
	assert_int_equal(w->code, 128 + SIGKILL);
	assert_int_equal(w->end.code, 128 + SIGKILL);
}

static void hash_of_pattern(size_t n, uint8_t ret[HASH_BYTES])
{
	struct hash *h = hash_new();

	for (size_t i = 0; i < n; i++) {
		unsigned char c = world_pattern(i);

		hash_add(h, &c, 1);
	}
	hash_end(h, ret);
}

static void twenty_megabytes_come_back_identical(void **state)
{
	struct world *w = *state;
	uint8_t want[HASH_BYTES];
	uint8_t got[HASH_BYTES];
	int64_t begun_ms;

	world_connect_up(w);
	w->to_write = BIG;
	w->out_hash = hash_new();
	begun_ms = clock_mono_ms();
	world_start(w, "cat");
	world_write_more(w);
	world_run_until(w, &w->n_end, 1);
	print_message("# 20 MiB both ways: %lld ms\n",
	    (long long)(clock_mono_ms() - begun_ms));
	hash_end(take(w->out_hash), got);
	hash_of_pattern(BIG, want);
	assert_int_equal(w->r, 0);
	assert_int_equal(w->n_out, BIG);
	assert_memory_equal(got, want, HASH_BYTES);
}

static void paused_channel_costs_a_bounded_amount(void **state)
{
	struct world *w = *state;
	size_t n;

	world_connect_up(w);
	w->pause_at = 1;
	w->out_hash = hash_new();
	world_start(w, "head -c 20000000 /dev/zero");
	while (w->pause_at)
		loop_run(w->loop);
	world_run_for(w, 300);
	n = w->n_out;
	/* What comes after the pause is at most what is in hand. */
	assert_in_range(n, 1, 2 << 20);
	assert_int_equal(w->n_end, 0);
	ssh_channel_resume(w->ch);
	world_run_until(w, &w->n_end, 1);
	assert_int_equal(w->n_out, 20000000);
	assert_int_equal(w->r, 0);
	hash_end(take(w->out_hash), (uint8_t[HASH_BYTES]){0});
}

/* Of two commands, the one that is not read does not hold up the other. */
static void channels_do_not_wait_for_each_other(void **state)
{
	struct world *w = *state;
	struct world other = {.loop = w->loop, .out = BUF_INIT(1000)};

	world_connect_up(w);
	w->pause_at = 1;
	w->out_hash = hash_new();
	world_start(w, "cat /dev/zero");
	while (w->pause_at)
		loop_run(w->loop);
	other.ch = ssh_exec(w->ssh, "echo other", &world_channel_ops, &other);
	world_run_until(w, &other.n_end, 1);
	assert_string_equal(buf_str(&other.out), "other\n");
	assert_int_equal(w->n_end, 0);
	ssh_channel_abandon(w->ch);
	/* The connection is as good as before. */
	hash_end(take(w->out_hash), (uint8_t[HASH_BYTES]){0});
	world_run_command(w, "echo on");
	assert_string_equal(buf_str(&w->out), "on\n");
	buf_done(&other.out);
}

static void more_channels_than_sshd_allows_are_refused(void **state)
{
	struct world *w = *state;
	struct world many[12];

	world_connect_up(w);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct world){.loop = w->loop};
		many[i].ch =
		    ssh_exec(w->ssh, "cat", &world_channel_ops, &many[i]);
	}
	/* MaxSessions is 10. */
	world_run_until(w, &many[10].n_end, 1);
	world_run_until(w, &many[11].n_end, 1);
	assert_int_equal(many[11].r, -ERR_DENIED);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(many[i].n_end, 0);
		ssh_channel_eof(many[i].ch);
	}
	for (size_t i = 0; i < 10; i++) {
		world_run_until(w, &many[i].n_end, 1);
		assert_int_equal(many[i].r, 0);
	}
	assert_int_equal(w->n_down, 0);
}

static void command_before_the_login_waits_for_it(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	world_dial(w);
	world_run_command(w, "echo early");
	assert_string_equal(buf_str(&w->out), "early\n");
}

/* ---- who is who ---------------------------------------------------------- */

static void ecdsa_pin_is_found_behind_an_ed25519_key(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	free(w->opts.host_key);
	w->opts.host_key = xstrdup(server.print_ecdsa);
	world_connect_up(w);
	assert_int_equal(ssh_key_kind(w->ssh), SSH_KEY_ECDSA);
	world_run_command(w, "true");
	assert_int_equal(w->r, 0);
}

static void other_host_key_is_denied_with_both_fingerprints(void **state)
{
	struct world *w = *state;
	static const char pin[] =
	    "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

	if (!server.pid)
		skip();
	free(w->opts.host_key);
	w->opts.host_key = xstrdup(pin);
	world_dial(w);
	world_start(w, "true");
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->n_up, 0);
	assert_int_equal(w->down.kind, ERR_DENIED);
	assert_non_null(strstr(w->down.msg, server.print_ed25519));
	assert_non_null(strstr(w->down.msg, server.print_ecdsa));
	assert_non_null(strstr(w->down.msg, pin));
	assert_int_equal(w->n_end, 1);
	assert_int_equal(w->r, -ERR_DENIED);
	assert_int_equal(w->code, -1);
}

static void strangers_key_is_denied(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	free(w->opts.key);
	w->opts.key = xasprintf("%s/stranger", server.dir);
	world_dial(w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->n_up, 0);
	assert_int_equal(w->down.kind, ERR_DENIED);
}

static void key_open_to_others_is_not_used(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	assert_int_equal(chmod(w->opts.key, 0640), 0);
	world_dial(w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(chmod(w->opts.key, 0600), 0);
	assert_int_equal(w->down.kind, ERR_DENIED);
	assert_non_null(strstr(w->down.msg, "mode 640"));
}

static void file_that_is_no_key_is_invalid(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	free(w->opts.key);
	w->opts.key = xasprintf("%s/config", server.dir);
	world_dial(w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->down.kind, ERR_INVAL);
}

/* ---- connections that fail ----------------------------------------------- */

static void closed_port_is_unreachable(void **state)
{
	struct world *w = *state;
	int port;

	if (!server.pid)
		skip();
	(void)close(kit_listen(&port));
	w->opts.port = (uint16_t)port;
	world_dial(w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->down.kind, ERR_UNREACH);
}

static void name_that_does_not_exist_is_unreachable(void **state)
{
	struct world *w = *state;

	if (!server.pid)
		skip();
	free(w->opts.host);
	w->opts.host = xstrdup("no-such-host.invalid");
	world_dial(w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->down.kind, ERR_UNREACH);
	/* And one that does: IPv6 comes first, where nobody listens. */
	ssh_close(w->ssh);
	free(w->opts.host);
	/* A name for the resolver that needs no file. */
	w->opts.host = xstrdup("127.1");
	world_dial(w);
	world_run_until(w, &w->n_up, 1);
	/* Closing during a look-up is silent. */
	ssh_close(w->ssh);
	world_dial(w);
	world_run_for(w, 0);
	ssh_close(take(w->ssh));
	world_run_for(w, 50);
	assert_int_equal(w->n_up, 1);
	assert_int_equal(w->n_down, 1);
}

static void silent_server_is_a_timeout(void **state)
{
	struct world *w = *state;
	int port;
	int fd;
	int64_t begun_ms = clock_mono_ms();

	if (!server.pid)
		skip();
	fd = kit_listen(&port);
	w->opts.port = (uint16_t)port;
	w->ssh =
	    ssh_open(w->loop, &w->opts, clock_mono_ms() + 300, &world_ops, w);
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->down.kind, ERR_TIMEOUT);
	assert_in_range(clock_mono_ms() - begun_ms, 299, 5000);
	(void)close(fd);
}

static void killed_sshd_ends_a_transfer(void **state)
{
	struct world *w = *state;

	world_connect_up(w);
	w->kill_at = 3000000;
	w->out_hash = hash_new();
	world_start(w, "cat /dev/zero");
	world_run_until(w, &w->n_down, 1);
	assert_int_equal(w->n_end, 1);
	assert_int_equal(w->r, -ERR_UNREACH);
	assert_int_equal(w->code, -1);
	assert_int_equal(w->down.kind, ERR_UNREACH);
	hash_end(take(w->out_hash), (uint8_t[HASH_BYTES]){0});
	/* A command on what is down ends by itself. */
	world_start(w, "true");
	world_run_until(w, &w->n_end, 1);
	assert_int_equal(w->r, -ERR_UNREACH);
	sshd_again(&server);
}

static void closing_in_the_middle_is_silent(void **state)
{
	struct world *w = *state;

	world_connect_up(w);
	w->to_write = BIG;
	world_start(w, "cat >/dev/null");
	world_write_more(w);
	world_run_for(w, 20);
	ssh_close(take(w->ssh));
	world_run_for(w, 50);
	assert_int_equal(w->n_end + w->n_down, 0);
}

/* Key exchange in the middle of a transfer, both ways. */
static void rekeying_loses_nothing(void **state)
{
	struct world *w = *state;
	struct sshd often;

	if (!server.pid)
		skip();
	assert_true(sshd_start(&often, "RekeyLimit 2M"));
	ssh_options_done(&w->opts);
	sshd_options(&often, &w->opts);
	world_connect_up(w);
	w->to_write = BIG;
	w->out_hash = hash_new();
	world_start(w, "cat");
	world_write_more(w);
	world_run_until(w, &w->n_end, 1);
	hash_end(take(w->out_hash), (uint8_t[HASH_BYTES]){0});
	print_message(
	    "# rekeying: r=%d %s, %zu bytes\n", w->r, w->end.msg, w->n_out);
	assert_int_equal(w->r, 0);
	assert_int_equal(w->n_out, BIG);
	sshd_stop(&often);
}

static void ten_connections_at_once(void **state)
{
	struct world *w = *state;
	struct world many[CONNECTIONS];

	if (!server.pid)
		skip();
	for (int i = 0; i < CONNECTIONS; i++) {
		many[i] = (struct world){
		    .loop = w->loop, .opts = w->opts, .out = BUF_INIT(1000)};
		world_dial(&many[i]);
		world_start(&many[i], "echo $PPID; cat");
		ssh_channel_eof(many[i].ch);
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		world_run_until(w, &many[i].n_end, 1);
		assert_int_equal(many[i].r, 0);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			    buf_str(&many[i].out), buf_str(&many[k].out));
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		ssh_close(many[i].ssh);
		buf_done(&many[i].out);
	}
}

/* Connect, login and one command; the best and the median of some. */
static void connecting_is_fast(void **state)
{
	struct world *w = *state;
	int64_t times[15];

	if (!server.pid)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t begun_ns = clock_mono_ns();
		size_t k;

		world_dial(w);
		world_run_command(w, "true");
		begun_ns = clock_mono_ns() - begun_ns;
		assert_int_equal(w->r, 0);
		ssh_close(take(w->ssh));
		for (k = i; k > 0 && times[k - 1] > begun_ns; k--)
			times[k] = times[k - 1];
		times[k] = begun_ns;
	}
	print_message("# connect + login + exec: best %.1f ms, median %.1f\n",
	    (double)times[0] / 1e6, (double)times[ARRAY_LEN(times) / 2] / 1e6);
}

#define WORLD_TEST(f) \
	cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(commands_end_with_their_code),
	    WORLD_TEST(signal_is_told_from_an_exit_code),
	    WORLD_TEST(twenty_megabytes_come_back_identical),
	    WORLD_TEST(paused_channel_costs_a_bounded_amount),
	    WORLD_TEST(channels_do_not_wait_for_each_other),
	    WORLD_TEST(more_channels_than_sshd_allows_are_refused),
	    WORLD_TEST(command_before_the_login_waits_for_it),
	    WORLD_TEST(ecdsa_pin_is_found_behind_an_ed25519_key),
	    WORLD_TEST(other_host_key_is_denied_with_both_fingerprints),
	    WORLD_TEST(strangers_key_is_denied),
	    WORLD_TEST(key_open_to_others_is_not_used),
	    WORLD_TEST(file_that_is_no_key_is_invalid),
	    WORLD_TEST(closed_port_is_unreachable),
	    WORLD_TEST(name_that_does_not_exist_is_unreachable),
	    WORLD_TEST(silent_server_is_a_timeout),
	    WORLD_TEST(killed_sshd_ends_a_transfer),
	    WORLD_TEST(closing_in_the_middle_is_silent),
	    WORLD_TEST(rekeying_loses_nothing),
	    WORLD_TEST(ten_connections_at_once),
	    WORLD_TEST(connecting_is_fast),
	};

	return cmocka_run_group_tests_name(
	    "ssh_link", tests, world_begin, world_finish);
}
