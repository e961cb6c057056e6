/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trial of KVM. Its hypervisor is this program again, under the name
 * qemu-system-x86_64, and for the last test QEMU.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/trial.h"
#include "base/fs.h"
#include "base/str.h"

enum {
	TCG_TAKES_MS = 300
};

/* ---- a stand-in for QEMU --------------------------------------------- */

static bool is_under(char **argv, const char *accel)
{
	for (; argv[0] && argv[1]; argv++)
		if (strcmp(argv[0], "-accel") == 0)
			return strcmp(argv[1], accel) == 0;
	return false;
}

/* Does what the file of that accelerator's name says. */
static int be_hypervisor(char **argv)
{
	bool tcg = is_under(argv, "tcg");
	scoped_val(buf_done) struct buf mode = BUF_INIT(64);

	if (fs_read(tcg ? "tcg" : "kvm", 64, &mode, NULL) < 0)
		return 1;
	(void)poll(NULL, 0, tcg ? TCG_TAKES_MS : 0);
	if (strcmp(buf_str(&mode), "hangs") == 0)
		(void)poll(NULL, 0, 600000);
	if (strcmp(buf_str(&mode), "aborts") == 0) {
		fputs("error: failed to set MSR\n", stderr);
		(void)raise(SIGKILL); /* SIGABRT would leave a core file */
	}
	puts("SOTEST VERSION 1");
	if (strcmp(buf_str(&mode), "ends") == 0)
		puts("SOTEST END\r");
	return 0;
}

/* ---- the world ------------------------------------------------------- */

struct world {
	char dir[64];
	char *path; /* of the environment, before us */
	struct loop *loop;
	struct trial *trial;
	struct kvm_trial result;
	bool works;
	char evidence[400];
};

static void mode_put(const char *accel, const char *mode)
{
	assert_int_equal(
	    fs_write_atomic(accel, mode, strlen(mode), 0600, NULL), 0);
}

static struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char self[512] = "";

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/ib-trial-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chdir(w->dir), 0);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(symlink(self, "qemu-system-x86_64"), 0);
	w->path = xstrdup(getenv("PATH"));
	assert_int_equal(setenv("PATH", w->dir, 1), 0);
	w->loop = loop_new();
	return w;
}

static void world_free(struct world *w)
{
	trial_free(w->trial);
	loop_free(w->loop);
	assert_int_equal(setenv("PATH", w->path, 1), 0);
	assert_int_equal(chdir("/"), 0);
	if (!getenv("IB_TEST_KEEP"))
		(void)fs_remove_tree(w->dir, NULL);
	free(w->path);
	free(w);
}
SCOPED_DEFINE(struct world, world_free);

static void on_end(void *arg, const struct kvm_trial *result)
{
	struct world *w = arg;

	w->result = *result;
	w->works = kvm_works(result, w->evidence, sizeof(w->evidence));
	trial_free(take(w->trial));
	loop_stop(w->loop);
}

static const struct spec_variant variant = {
    .name = "kvm", .hypervisor = "qemu", .backend = "kvm"};

static void start(struct world *w, const struct spec_variant *v)
{
	struct err err = ERR_INIT;

	if (trial_start(w->loop, v, on_end, w, &w->trial, &err) < 0)
		fail_msg("%s", err.msg);
}

static void has_evidence(const struct world *w, const char *text)
{
	if (!strstr(w->evidence, text))
		fail_msg("%s: no \"%s\"", w->evidence, text);
}

/* ---- tests ----------------------------------------------------------- */

static void kvm_counts_only_if_it_is_fast(void **state)
{
	static const struct {
		struct kvm_trial trial;
		bool works;
		const char *evidence;
	} rows[] = {
	    {{1000, 2000, ""}, true,
	        "kvm works here: our kernel took 2.00 s under kvm, 1.00 s "
	        "under tcg"},
	    {{1000, 2001, ""}, false,
	        "kvm does not work here: our kernel took 2.00 s under kvm, "
	        "1.00 s under tcg"},
	    {{400, 3100, ""}, false,
	        "kvm does not work here: our kernel took 3.10 s under kvm, "
	        "0.40 s under tcg"},
	    {{400, -1, "not in 1.00 s"}, false,
	        "kvm does not work here: our kernel took 0.40 s under tcg, and "
	        "under kvm it did not end: not in 1.00 s"},
	    {{-1, -1, "no qemu"}, false,
	        "kvm was not tried here: our kernel did not end under tcg: no "
	        "qemu"},
	    {{-1, 5, ""}, false, "kvm was not tried here"},
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(kvm_works(&rows[i].trial, text, sizeof(text)),
		    rows[i].works);
		if (!str_starts(text, rows[i].evidence))
			fail_msg("%s", text);
	}
}

static void a_fast_kvm_works(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	mode_put("tcg", "ends");
	mode_put("kvm", "ends");
	start(w, &variant);
	loop_run(w->loop);
	assert_true(w->result.tcg_ms >= TCG_TAKES_MS);
	assert_true(w->works);
	has_evidence(w, "kvm works here: ");
	assert_int_not_equal(access("vm.pid", F_OK), 0);
}

static void a_kvm_that_does_not_end_in_time_is_killed(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	mode_put("tcg", "ends");
	mode_put("kvm", "hangs");
	start(w, &variant);
	loop_run(w->loop);
	assert_true(w->result.tcg_ms > 0);
	assert_int_equal(w->result.kvm_ms, -1);
	assert_false(w->works);
	has_evidence(w, "under kvm it did not end: not in ");
	assert_int_not_equal(access("vm.pid", F_OK), 0);
}

static void a_kvm_that_kills_its_hypervisor_does_not_work(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	mode_put("tcg", "ends");
	mode_put("kvm", "aborts");
	start(w, &variant);
	loop_run(w->loop);
	assert_false(w->works);
	has_evidence(w, "signal");
	has_evidence(w, "failed to set MSR");
}

/* As after a triple fault: QEMU itself ends well. */
static void a_machine_that_only_goes_off_has_not_ended(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	mode_put("tcg", "ends");
	mode_put("kvm", "resets");
	start(w, &variant);
	loop_run(w->loop);
	assert_false(w->works);
	has_evidence(w, "the machine went off before");
}

static void without_tcg_kvm_is_not_tried(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	mode_put("tcg", "resets");
	mode_put("kvm", "ends");
	start(w, &variant);
	loop_run(w->loop);
	assert_int_equal(w->result.tcg_ms, -1);
	assert_int_equal(w->result.kvm_ms, -1);
	assert_false(w->works);
	has_evidence(w, "kvm was not tried here: ");
}

static void on_second(void *arg)
{
	loop_stop(arg);
}

static void a_freed_trial_leaves_no_machine(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct loop_timer *timer = loop_timer_new(w->loop, on_second, w->loop);

	(void)state;
	mode_put("tcg", "hangs");
	start(w, &variant);
	loop_timer_at(timer, loop_now_ms(w->loop) + 1000);
	loop_run(w->loop);
	assert_int_equal(access("vm.pid", F_OK), 0);
	trial_free(take(w->trial));
	/* Nothing to kill: it is dead, or will be before it is looked at. */
	loop_free(take(w->loop));
	(void)vm_kill_leftover(NULL);
	assert_int_equal(vm_kill_leftover(NULL), 0);
	w->loop = loop_new();
}

/*
 * Whatever this host's KVM is like, the decision must be that of the times. A
 * host without KVM does the half under TCG.
 */
static void the_real_trial_decides_by_its_times(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct spec_variant v = variant;
	bool has_kvm = access("/dev/kvm", R_OK | W_OK) == 0;

	(void)state;
	if (access("/usr/bin/qemu-system-x86_64", X_OK) < 0)
		skip();
	assert_int_equal(setenv("PATH", "/usr/bin", 1), 0);
	/* Some KVMs abort with one processor and are slow with another. */
	for (int i = 0; i < 2; i++) {
		v.cpu = i ? "qemu64" : NULL;
		start(w, &v);
		loop_run(w->loop);
		print_message("# cpu %s: %s\n", v.cpu ? v.cpu : "of the driver",
		    w->evidence);
		assert_true(w->result.tcg_ms > 0);
		assert_int_equal(w->works,
		    w->result.kvm_ms >= 0 &&
		        w->result.kvm_ms <= 2 * w->result.tcg_ms);
		assert_true(has_kvm || w->result.kvm_ms == -1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kvm_counts_only_if_it_is_fast),
	    cmocka_unit_test(a_fast_kvm_works),
	    cmocka_unit_test(a_kvm_that_does_not_end_in_time_is_killed),
	    cmocka_unit_test(a_kvm_that_kills_its_hypervisor_does_not_work),
	    cmocka_unit_test(a_machine_that_only_goes_off_has_not_ended),
	    cmocka_unit_test(without_tcg_kvm_is_not_tried),
	    cmocka_unit_test(a_freed_trial_leaves_no_machine),
	    cmocka_unit_test(the_real_trial_decides_by_its_times),
	};
	int64_t parent;

	if (str_ends(argv[0], "qemu-system-x86_64"))
		return be_hypervisor(argv);
	/* As the agent's main() does it. */
	if (argc > 3 && strcmp(argv[1], "vm-exec") == 0)
		return str_to_i64(argv[2], 1, INT32_MAX, &parent, NULL) < 0 ||
		    vm_exec(parent, argv + 3, NULL) < 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
