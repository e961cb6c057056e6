/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent as a program, driven by the daemon's end of the wire through
 * `attach`. Its hypervisor is this program again, under the name
 * qemu-system-x86_64: it does what the file given as kernel says.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "tests/unit/agent_hypervisor.h"
#include "tests/unit/agent_run_world.h"

static void a_job_runs_to_its_end_and_is_forgotten(void **state)
{
	scoped(world_free) struct world *w = world_new();
	scoped(free) char *journal = xasprintf("%s/journal", w->dir);
	struct stat st;

	(void)state;
	begin(w, "good");
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_boots, 4);
	assert_int_equal(w->n_proofs, 4);
	assert_int_equal(w->n_samples, 8);
	assert_int_equal(w->n_files, 8);
	assert_true(w->n_env > 3);
	wire_daemon_forget(w->d, clock_mono_ms());
	SERVE_UNTIL(w, forgotten);
	assert_int_equal(stat(journal, &st), 0);
	assert_true(st.st_size < 100);
}

/* Once in what was told, whole, before or behind another text. */
static void told_once(const struct world *w, const char *line)
{
	const char *at = strstr(w->env, line);

	if (!at || strstr(at + 1, line) || (at > w->env && at[-1] != '\n'))
		fail_msg("not once: %sin: %s", line, w->env);
}

static void what_is_measured_with_is_told_once(void **state)
{
	scoped(world_free) struct world *w = world_new();
	char kernel[HASH_HEX + 1];
	char line[128];

	(void)state;
	begin(w, "good");
	SERVE_UNTIL(w, n_boots);
	/* Before the first step: a history tells segments apart by these. */
	told_once(w, "agent=" PACKAGE_VERSION " ");
	told_once(
	    w, "hypervisor.qemu=QEMU emulator version 7.2.1 (stand-in)\n");
	sha_of("good", kernel);
	(void)snprintf(line, sizeof(line), "guest.linux=kernel %s\n", kernel);
	told_once(w, line);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	told_once(w, "tool.sysbench=1.0.20\n");
}

static void a_hypervisor_without_a_version_is_an_error_of_the_host(void **state)
{
	scoped(world_free) struct world *w = world_new();
	scoped(free) char *path = xasprintf("%s/no-version", w->dir);

	(void)state;
	assert_int_equal(fs_write_atomic(path, "", 0, 0600, NULL), 0);
	begin(w, "good");
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "host");
	if (!str_starts(w->text, "qemu-system-x86_64 --version: "))
		fail_msg("%s", w->text);
	assert_int_equal(w->n_boots, 0);
}

static void a_killed_attach_changes_nothing(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin(w, "good");
	for (int i = 1; i < 5 && !w->outcome[0]; i++) {
		SERVE_UNTIL(w, n_boots);
		w->n_boots = 0;
		link_up(w);
	}
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_samples, 8);
}

static pid_t pid_in(struct world *w, const char *name)
{
	scoped(free) char *path = xasprintf("%s/%s", w->dir, name);
	scoped_val(buf_done) struct buf b = BUF_INIT(128);
	int pid = 0;

	assert_int_equal(fs_read(path, 128, &b, NULL), 0);
	assert_int_equal(sscanf(buf_str(&b), "%d", &pid), 1);
	assert_true(is_alive(pid));
	return pid;
}

static int n_alive(struct world *w, const char *name)
{
	scoped(free) char *path = xasprintf("%s/%s", w->dir, name);
	scoped_val(buf_done) struct buf b = BUF_INIT(128);
	int pid = 0;

	assert_int_equal(fs_read(path, 128, &b, NULL), 0);
	assert_int_equal(sscanf(buf_str(&b), "%d", &pid), 1);
	return is_alive(pid);
}

static pid_t guard_pid(struct world *w)
{
	return pid_in(w, "vm.pid");
}

static pid_t vm_pid(struct world *w)
{
	return pid_in(w, "hypervisor.pid");
}

static void a_killed_agent_leaves_no_machine_and_ends_the_job(void **state)
{
	scoped(world_free) struct world *w = world_new();
	pid_t vm;
	pid_t agent;

	(void)state;
	begin(w, "slow");
	SERVE_UNTIL(w, n_proofs);
	vm = vm_pid(w);
	agent = run_pid(w);
	assert_true(agent > 0);
	(void)kill(agent, SIGKILL);
	wait_gone(vm);
	link_up(w);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "agent");
}

static void what_a_machine_has_started_dies_with_a_killed_agent(void **state)
{
	scoped(world_free) struct world *w = world_new();
	pid_t vm;
	pid_t grandchild;

	(void)state;
	begin(w, "slow brood");
	SERVE_UNTIL(w, n_proofs);
	vm = vm_pid(w);
	grandchild = pid_in(w, "grandchild.pid");
	(void)kill(run_pid(w), SIGKILL);
	wait_gone(vm);
	wait_gone(grandchild);
}

static void what_a_machine_has_started_ends_with_it(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin(w, "good brood");
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	/* Of the last machine: it was waited for, with all it had. */
	assert_int_equal(n_alive(w, "grandchild.pid"), 0);
}

static void a_killed_guard_ends_its_machine(void **state)
{
	scoped(world_free) struct world *w = world_new();
	pid_t vm;

	(void)state;
	begin(w, "slow");
	SERVE_UNTIL(w, n_proofs);
	vm = vm_pid(w);
	(void)kill(guard_pid(w), SIGKILL);
	wait_gone(vm);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "vm");
}

static void the_signal_that_ended_a_machine_is_told(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin(w, "slow");
	SERVE_UNTIL(w, n_proofs);
	(void)kill(vm_pid(w), SIGTERM);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->layer, "vm");
	if (!strstr(w->text, "signal 15"))
		fail_msg("%s", w->text);
}

static void a_machine_that_outlives_its_agent_is_killed_by_the_next(
    void **state)
{
	scoped(world_free) struct world *w = world_new();
	pid_t vm;
	pid_t guard;
	pid_t agent;

	(void)state;
	begin(w, "endless");
	SERVE_UNTIL(w, n_files);
	vm = vm_pid(w);
	guard = guard_pid(w);
	agent = run_pid(w);
	assert_true(agent > 0);
	/* It must not see the agent die. */
	(void)kill(guard, SIGSTOP);
	(void)kill(agent, SIGKILL);
	(void)kill(guard, SIGKILL);
	wait_gone(agent);
	wait_gone(guard);
	/* Else this test would show nothing. */
	assert_true(is_alive(vm));
	link_up(w);
	SERVE_UNTIL(w, outcome);
	assert_false(is_alive(vm));
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "agent");
	assert_int_not_equal(run_pid(w), agent);
}

static void a_cancelled_job_leaves_no_machine(void **state)
{
	scoped(world_free) struct world *w = world_new();
	pid_t vm;

	(void)state;
	begin(w, "slow");
	SERVE_UNTIL(w, n_proofs);
	vm = vm_pid(w);
	wire_daemon_cancel(w->d, "not wanted", clock_mono_ms());
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "cancelled");
	wait_gone(vm);
}

static void what_a_machine_has_started_ends_with_a_cancelled_job(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin(w, "slow brood");
	SERVE_UNTIL(w, n_proofs);
	(void)pid_in(w, "grandchild.pid");
	wire_daemon_cancel(w->d, "not wanted", clock_mono_ms());
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "cancelled");
	/* At once: the next job must find the machine idle. */
	assert_int_equal(n_alive(w, "grandchild.pid"), 0);
}

static void what_a_machine_has_started_ends_with_a_guest_that_fails(
    void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin(w, "error brood");
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->layer, "guest");
	assert_int_equal(n_alive(w, "grandchild.pid"), 0);
}

static void a_failure_has_the_layer_it_came_from(void **state)
{
	static const char *const modes[][2] = {{"nohost", "host"},
	    {"panic", "vm"}, {"hang1", "vm"}, {"error", "guest"},
	    {"crash", "vm"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		scoped(world_free) struct world *w = world_new();

		begin(w, modes[i][0]);
		SERVE_UNTIL(w, outcome);
		assert_string_equal(w->outcome, "error");
		if (strcmp(w->layer, modes[i][1]) != 0)
			fail_msg("%s: %s: %s", modes[i][0], w->layer, w->text);
	}
}

/* ---- plans ----------------------------------------------------------- */

#define PLAN_OF_8 "\"margin\":0.01,\"least\":6,\"most\":8"

static void a_planned_job_ends_when_it_knows_enough(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin_plan(w, "good exact", "\"margin\":0.01,\"least\":6,\"most\":40");
	SERVE_UNTIL(w, n_boots);
	assert_int_equal(w->of, 12);
	/* A link that is cut changes nothing. */
	for (int i = 1; i < 4; i++) {
		w->n_boots = 0;
		link_up(w);
		SERVE_UNTIL(w, n_boots);
	}
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_samples, 6 * 2 * 2);
	assert_int_equal(w->n_invalid, 0);
	assert_int_equal(w->of, 12);
	assert_string_equal(w->notes, "linux: narrow after 6 pairs\n");
}

static void a_noisy_job_ends_at_its_cap(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin_plan(w, "good noisy exact", PLAN_OF_8);
	SERVE_UNTIL(w, outcome);
	if (w->text[0])
		fail_msg("%s", w->text);
	assert_string_equal(w->outcome, "pass");
	assert_int_equal(w->n_samples, 8 * 2 * 2);
	assert_int_equal(w->of, 16);
	if (!str_starts(w->notes,
	        "linux: cap of 8 reached: sysbench.cpu_1 is known to +-") ||
	    !str_ends(w->notes, " % of 1 %\n"))
		fail_msg("%s", w->notes);
}

static void a_boot_that_fails_costs_two_pairs_and_no_job(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin_plan(w, "good dies-at-4 exact", PLAN_OF_8);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	/* Of the fourth boot: what came before, and what did not come. */
	assert_int_equal(w->n_boots, 16);
	assert_int_equal(w->n_samples, 16 * 2);
	assert_int_equal(w->n_invalid, 2);
	if (!str_starts(w->notes, "linux ") ||
	    !strstr(w->notes, " pair 2/~6 ") ||
	    !strstr(w->notes, " failed (vm): the hypervisor died: ") ||
	    !str_ends(w->notes, "\nlinux: narrow after 8 pairs\n"))
		fail_msg("%s", w->notes);
}

static void three_boots_that_fail_end_the_job(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin_plan(w, "good dies-from-2", PLAN_OF_8);
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "vm");
	assert_int_equal(w->n_boots, 4);
	if (!str_starts(w->text,
	        "3 boots in a row failed; the last failure: the hypervisor "
	        "died: "))
		fail_msg("%s", w->text);
}

/* ---- kvm ------------------------------------------------------------- */

static void begin_kvm(struct world *w, const char *trial)
{
	scoped(free) char *path = xasprintf("%s/kvm-trial", w->dir);

	assert_int_equal(
	    fs_write_atomic(path, trial, strlen(trial), 0600, NULL), 0);
	begin_with(w, "good", "\"backend\":\"kvm\"");
}

static void kvm_is_tried_before_the_first_step(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		skip();
	begin_kvm(w, "fast");
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "pass");
	assert_true(str_starts(w->kvm_trial, "kvm works here: "));
	assert_int_equal(w->n_samples, 8);
}

static void a_host_whose_kvm_is_of_no_use_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	begin_kvm(w, "slow");
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		SERVE_UNTIL(w, refused);
		assert_true(str_starts(
		    w->refused, "host: kvm does not work here: /dev/kvm: "));
		return;
	}
	SERVE_UNTIL(w, outcome);
	assert_string_equal(w->outcome, "error");
	assert_string_equal(w->layer, "host");
	assert_true(str_starts(w->text, "kvm does not work here: "));
	assert_string_equal(w->text, w->kvm_trial);
	assert_int_equal(w->n_boots, 0);
}

static void what_cannot_be_run_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    wire_daemon_start(w->d, "{\"v\":1}", clock_mono_ms(), &err), 0);
	link_up(w);
	SERVE_UNTIL(w, refused);
	assert_true(str_starts(w->refused, "harness: specification:"));
}

static void a_file_is_received_in_parts_and_verified(void **state)
{
	scoped(world_free) struct world *w = world_new();
	char hex[HASH_HEX + 1];
	char out[256];
	const char *put[] = {
	    NULL, "put", hex, "--size", "10", "--dir", w->dir, NULL};
	const char *have[] = {NULL, "have", hex, "--dir", w->dir, NULL};
	const char *cat[] = {
	    NULL, "cat", hex, "--from", "4", "--dir", w->dir, NULL};

	(void)state;
	sha_of("0123456789", hex);
	assert_int_equal(command(w, have, "", out, sizeof(out)), 0);
	assert_int_equal(strlen(out), HASH_HEX + 1);
	assert_int_equal(command(w, put, "0123", out, sizeof(out)), 1);
	assert_string_equal(out, "0\n");
	assert_int_equal(command(w, put, "xxxxxx", out, sizeof(out)), 2);
	assert_string_equal(out, "4\n");
	assert_int_equal(command(w, put, "01234", out, sizeof(out)), 1);
	assert_string_equal(out, "0\n");
	assert_int_equal(command(w, put, "56789", out, sizeof(out)), 0);
	assert_string_equal(out, "5\n");
	assert_int_equal(command(w, have, "", out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(command(w, cat, "", out, sizeof(out)), 0);
	assert_string_equal(out, "456789");
}

static void the_folder_and_its_socket_are_private(void **state)
{
	scoped(world_free) struct world *w = world_new();
	scoped(free) char *sock = xasprintf("%s/sock", w->dir);
	struct stat st;

	(void)state;
	begin(w, "good");
	SERVE_UNTIL(w, started);
	assert_int_equal(stat(sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(w->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_job_runs_to_its_end_and_is_forgotten),
	    cmocka_unit_test(what_is_measured_with_is_told_once),
	    cmocka_unit_test(
	        a_hypervisor_without_a_version_is_an_error_of_the_host),
	    cmocka_unit_test(a_killed_attach_changes_nothing),
	    cmocka_unit_test(a_killed_agent_leaves_no_machine_and_ends_the_job),
	    cmocka_unit_test(
	        what_a_machine_has_started_dies_with_a_killed_agent),
	    cmocka_unit_test(what_a_machine_has_started_ends_with_it),
	    cmocka_unit_test(a_killed_guard_ends_its_machine),
	    cmocka_unit_test(the_signal_that_ended_a_machine_is_told),
	    cmocka_unit_test(
	        a_machine_that_outlives_its_agent_is_killed_by_the_next),
	    cmocka_unit_test(a_cancelled_job_leaves_no_machine),
	    cmocka_unit_test(
	        what_a_machine_has_started_ends_with_a_cancelled_job),
	    cmocka_unit_test(
	        what_a_machine_has_started_ends_with_a_guest_that_fails),
	    cmocka_unit_test(a_failure_has_the_layer_it_came_from),
	    cmocka_unit_test(a_planned_job_ends_when_it_knows_enough),
	    cmocka_unit_test(a_noisy_job_ends_at_its_cap),
	    cmocka_unit_test(a_boot_that_fails_costs_two_pairs_and_no_job),
	    cmocka_unit_test(three_boots_that_fail_end_the_job),
	    cmocka_unit_test(kvm_is_tried_before_the_first_step),
	    cmocka_unit_test(a_host_whose_kvm_is_of_no_use_is_refused),
	    cmocka_unit_test(what_cannot_be_run_is_refused),
	    cmocka_unit_test(a_file_is_received_in_parts_and_verified),
	    cmocka_unit_test(the_folder_and_its_socket_are_private),
	};

	(void)argc;
	hash_init();
	if (str_ends(argv[0], "qemu-system-x86_64"))
		return agent_hypervisor(argv);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Orphans become ours, and stay zombies: as where init is slow. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
