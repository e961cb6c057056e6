/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link to the real agent through a real sshd. This program is also the
 * hypervisor that the agent finds; agent_hypervisor.c says what it does.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/agent_hypervisor.h"
#include "tests/unit/agentlink_world.h"

/* ---- tests --------------------------------------------------------------- */

static void attempt_runs_from_nothing_to_forgotten(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;
	int64_t begun_ms = clock_mono_ms();

	link_need_all();
	link_start(w);
	link_give_job(w);
	link_run_until(w, &w->n_ready, 1);
	print_message("# from nothing to linked: %lld ms\n",
	    (long long)(clock_mono_ms() - begun_ms));
	link_run_until(w, &w->n_started, 1);
	link_run_until(w, &w->n_end, 1);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_samples, 8);
	assert_int_equal(w->n_lost, 0);
	fd = link_new_file();
	agentlink_fetch(w->l, w->raw, w->raw_size, fd, link_on_fetched, w);
	link_run_until(w, &w->n_fetched, 1);
	assert_int_equal(w->fetch_r, 0);
	link_assert_hash(fd, w->raw, w->raw_size);
	agentlink_forget(w->l);
	link_run_until(w, &w->n_forgotten, 1);
	assert_int_equal(w->n_fail, 0);
}

static void agent_that_is_there_is_not_sent_again(void **state)
{
	struct world *w = *state;
	scoped(free) char *path = NULL;
	struct stat before;
	struct stat after;

	link_need_all();
	link_installed(w);
	path = xasprintf(
	    "%s/.ironbench/agent-%.16s", link_home, w->opts.agent.sha256);
	assert_int_equal(stat(path, &before), 0);
	link_installed(w);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* One that was damaged is. */
	assert_int_equal(fs_write_atomic(path, "bad", 3, 0700, NULL), 0);
	link_installed(w);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
}

static void cut_upload_goes_on_where_it_was(void **state)
{
	struct world *w = *state;
	scoped(free) char *path = NULL;
	scoped_val(fd_done) int fd = -1;

	link_need_all();
	link_installed(w);
	link_through_proxy(w, 0);
	/* At the first word of progress: the rest is not even queued yet. */
	w->cut_above = 1;
	link_start(w);
	link_run_until(w, &w->n_lost, 1);
	link_run_until(w, &w->n_ready, 1);
	path = xasprintf("%s/files/%s", w->dir, w->files[1].sha256);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	link_assert_hash(fd, w->files[1].sha256, LINK_BULK);
}

/* So many bytes a connection: neither way fits into two. */
enum {
	PER_LINK = 1300000
};

static void short_lived_connections_move_a_file_both_ways(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	link_need_all();
	link_installed(w);
	link_through_proxy(w, PER_LINK);
	link_start(w);
	link_run_until(w, &w->n_ready, 1);
	assert_true(w->n_lost >= LINK_BULK / PER_LINK);
	print_message("# 3 MiB up over %d connections\n", w->n_lost + 1);
	fd = link_new_file();
	w->n_lost = 0;
	agentlink_fetch(
	    w->l, w->files[1].sha256, LINK_BULK, fd, link_on_fetched, w);
	link_run_until(w, &w->n_fetched, 1);
	assert_int_equal(w->fetch_r, 0);
	assert_true(w->n_lost >= LINK_BULK / PER_LINK);
	link_assert_hash(fd, w->files[1].sha256, LINK_BULK);
}

static void cut_links_lose_and_double_no_event(void **state)
{
	struct world *w = *state;

	link_need_all();
	link_installed(w);
	link_through_proxy(w, 0);
	w->cut_each = 5;
	link_start(w);
	link_give_job(w);
	link_run_until(w, &w->n_end, 1);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_samples, 8);
	/* The chain over all events was compared with the agent's. */
	assert_true(w->after.ended);
	link_run_until(w, &w->n_ready, 3);
	print_message("# %d events over %d links\n", w->n_event, w->n_ready);
}

static void frozen_network_is_noticed_and_dialled_again(void **state)
{
	struct world *w = *state;
	int64_t begun_ms;

	link_need_all();
	link_through_proxy(w, 0);
	link_start(w);
	link_run_until(w, &w->n_ready, 1);
	cut_proxy_freeze(&w->proxy);
	begun_ms = clock_mono_ms();
	link_run_until(w, &w->n_lost, 1);
	assert_in_range(clock_mono_ms() - begun_ms, WIRE_DEAD_MS - 4000, 30000);
	cut_proxy_freeze(&w->proxy);
	link_run_until(w, &w->n_ready, 2);
}

static void machine_that_comes_back_is_found(void **state)
{
	struct world *w = *state;

	link_need_all();
	link_start(w);
	link_run_until(w, &w->n_ready, 1);
	sshd_kill(&link_server);
	link_run_until(w, &w->n_lost, 3);
	assert_int_equal(w->lost.kind, ERR_UNREACH);
	sshd_again(&link_server);
	link_run_until(w, &w->n_ready, 2);
}

static void stranger_is_a_failure_of_ssh(void **state)
{
	struct world *w = *state;

	link_need_all();
	free(w->opts.ssh.host_key);
	w->opts.ssh.host_key =
	    xstrdup("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	link_start(w);
	link_run_until(w, &w->n_fail, 1);
	assert_string_equal(w->layer, "ssh");
	assert_non_null(strstr(w->why, link_server.print_ed25519));
	/* What is asked for afterwards is answered all the same. */
	agentlink_fetch(
	    w->l, w->files[1].sha256, LINK_BULK, -1, link_on_fetched, w);
	w->n_fail = 0;
	link_run_until(w, &w->n_fetched, 1);
	assert_int_equal(w->fetch_r, -ERR_DENIED);
}

static void program_that_changed_here_is_our_failure(void **state)
{
	struct world *w = *state;

	link_need_all();
	memset(w->opts.agent.sha256, 'a', HASH_HEX);
	link_start(w);
	link_run_until(w, &w->n_fail, 1);
	assert_string_equal(w->layer, "harness");
}

static void what_cannot_be_fetched_says_so(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;
	char none[HASH_HEX + 1];

	link_need_all();
	fd = link_new_file();
	link_start(w);
	memset(none, 'b', HASH_HEX);
	none[HASH_HEX] = '\0';
	agentlink_fetch(w->l, none, 10, fd, link_on_fetched, w);
	agentlink_fetch(w->l, w->files[1].sha256, 10, fd, link_on_fetched, w);
	link_run_until(w, &w->n_fetched, 1);
	assert_int_equal(w->fetch_r, -ERR_IO);
	assert_non_null(strstr(w->fetch_err.msg, "no file"));
	link_run_until(w, &w->n_fetched, 2);
	assert_int_equal(w->fetch_r, -ERR_PROTO);
	link_run_until(w, &w->n_ready, 1);
	assert_int_equal(w->n_lost, 0);
}

static void refused_specification_is_answered(void **state)
{
	struct world *w = *state;

	link_need_all();
	link_start(w);
	assert_int_equal(agentlink_start(w->l, "{\"v\":1}", NULL), 0);
	link_run_until(w, &w->n_refused, 1);
	assert_non_null(strstr(w->why, "harness: "));
}

static void owner_may_free_the_link_in_a_callback(void **state)
{
	struct world *w = *state;

	link_need_all();
	link_start(w);
	link_give_job(w);
	w->free_at = 3;
	link_run_until(w, &w->n_event, 3);
	assert_null(w->l);
	assert_int_equal(w->n_event, 3);
	/* The agent goes on; another daemon takes it over from there. */
	w->opts.resume = w->after;
	w->opts.started = true;
	w->free_at = 0;
	link_start(w);
	link_run_until(w, &w->n_end, 1);
	assert_string_equal(w->outcome, "pass");
}

#define WORLD_TEST(f) \
	cmocka_unit_test_setup_teardown(f, link_set_up, link_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(attempt_runs_from_nothing_to_forgotten),
	    WORLD_TEST(agent_that_is_there_is_not_sent_again),
	    WORLD_TEST(cut_upload_goes_on_where_it_was),
	    WORLD_TEST(short_lived_connections_move_a_file_both_ways),
	    WORLD_TEST(cut_links_lose_and_double_no_event),
	    WORLD_TEST(frozen_network_is_noticed_and_dialled_again),
	    WORLD_TEST(machine_that_comes_back_is_found),
	    WORLD_TEST(stranger_is_a_failure_of_ssh),
	    WORLD_TEST(program_that_changed_here_is_our_failure),
	    WORLD_TEST(what_cannot_be_fetched_says_so),
	    WORLD_TEST(refused_specification_is_answered),
	    WORLD_TEST(owner_may_free_the_link_in_a_callback),
	};

	(void)argc;
	hash_init();
	if (str_ends(argv[0], "qemu-system-x86_64"))
		return agent_hypervisor(argv);
	return cmocka_run_group_tests_name(
	    "agentlink_test", tests, link_begin, link_finish);
}
