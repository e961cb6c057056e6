/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent as a program, driven by the daemon's end of the wire through
 * `attach`. Its hypervisor is this program again, under the name
 * qemu-system-x86_64: it does what the file given as kernel says.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/json.h"
#include "agent/wire.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "tests/unit/agent_hypervisor.h"

extern char **environ;

enum {
	PATIENCE_MS = 30000
};

static void wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* ---- the world
 * ---------------------------------------------------------------- */

struct world {
	char dir[64];
	char program[512];
	pid_t attach;
	int to;
	int from;
	struct wire_daemon *d;
	struct wire_resume have;
	char boot[64];
	bool started;
	bool forgotten;
	bool dropped;
	char refused[256];
	int n_samples;
	int n_files;
	int n_proofs;
	int n_boots;
	int n_env;
	char outcome[32];
	char layer[32];
	char text[512];
};

static void d_send(void *arg, const char *data, size_t len)
{
	struct world *w = arg;

	(void)fs_write_all(w->to, data, len, NULL);
}

static void d_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	struct world *w = arg;

	w->have = *after;
	w->n_samples += e->kind == WIRE_SAMPLE;
	w->n_files += e->kind == WIRE_FILE;
	w->n_proofs += e->kind == WIRE_PROOF;
	w->n_boots += e->kind == WIRE_BOOT;
	w->n_env += e->kind == WIRE_ENV;
	if (e->kind != WIRE_END)
		return;
	(void)snprintf(w->outcome, sizeof(w->outcome), "%s", e->end.outcome);
	(void)snprintf(
	    w->layer, sizeof(w->layer), "%s", e->end.layer ? e->end.layer : "");
	(void)snprintf(
	    w->text, sizeof(w->text), "%s", e->end.text ? e->end.text : "");
}

static void d_up(void *arg, const struct wire_hello *h)
{
	struct world *w = arg;

	(void)snprintf(w->boot, sizeof(w->boot), "%s", h->boot);
}

static void d_answer(void *arg, const struct wire_answer *a)
{
	struct world *w = arg;

	w->started |= a->ok && a->c == WIRE_C_START;
	w->forgotten |= a->ok && a->c == WIRE_C_FORGET;
	if (!a->ok)
		(void)snprintf(
		    w->refused, sizeof(w->refused), "%s: %s", a->layer, a->why);
}

static void d_drop(void *arg, const char *why, int64_t wait)
{
	struct world *w = arg;

	(void)why;
	(void)wait;
	w->dropped = true;
}

static void d_fail(void *arg, const char *layer, const char *why)
{
	(void)arg;
	fail_msg("%s: %s", layer, why);
}

static const struct wire_daemon_ops d_ops = {
    d_send, d_event, d_up, d_answer, d_drop, d_fail};

/* Starts the agent's program with pipes; argv[0] is filled in. */
static pid_t start(
    struct world *w, const char **argv, int *ret_to, int *ret_from)
{
	posix_spawn_file_actions_t files;
	int in[2];
	int out[2];
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	argv[0] = w->program;
	assert_int_equal(posix_spawn(&pid, w->program, &files, NULL,
	                     (char *const *)(uintptr_t)argv, environ),
	    0);
	posix_spawn_file_actions_destroy(&files);
	(void)close(in[0]);
	(void)close(out[1]);
	*ret_to = in[1];
	*ret_from = out[0];
	return pid;
}

static void link_down(struct world *w)
{
	if (w->attach <= 0)
		return;
	(void)kill(w->attach, SIGKILL);
	(void)waitpid(w->attach, NULL, 0);
	(void)close(w->to);
	(void)close(w->from);
	w->attach = 0;
	(void)wire_daemon_link_down(w->d, clock_mono_ms());
}

static void link_up(struct world *w)
{
	const char *argv[] = {NULL, "attach", "--dir", w->dir, NULL};

	link_down(w);
	w->attach = start(w, argv, &w->to, &w->from);
	wire_daemon_link_up(w->d, clock_mono_ms());
}

/* Serves the link until *flag (or patience) is at its end. */
static void serve(struct world *w, const void *flag, size_t size)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	scoped(free) char *zero = xcalloc(1, size);
	scoped(free) char *chunk = xcalloc(1, 65536);

	while (memcmp(flag, zero, size) == 0) {
		struct pollfd p = {.fd = w->from, .events = POLLIN};
		ssize_t n;

		if (clock_mono_ms() > until)
			fail_msg("nothing happened in time");
		(void)poll(&p, 1, 100);
		wire_daemon_tick(w->d, clock_mono_ms());
		if (!p.revents)
			continue;
		n = read(w->from, chunk, 65536);
		if (n <= 0)
			return;
		wire_daemon_feed(w->d, chunk, (size_t)n, clock_mono_ms());
		wire_daemon_durable(w->d, w->have.have, clock_mono_ms());
	}
}
#define SERVE_UNTIL(w, field) serve((w), &(w)->field, sizeof((w)->field))

static void find_program(struct world *w)
{
	const char *given = getenv("IB_AGENT");
	const char *dir = getenv("IB_BUILDDIR");

	(void)snprintf(w->program, sizeof(w->program), "%s%s",
	    given     ? given
	        : dir ? dir
	              : ".",
	    given ? "" : "/agent/ironbench-agent");
	if (access(w->program, X_OK) < 0)
		skip();
}

/* The name by which the agent finds this program as its hypervisor. */
static void be_found(struct world *w)
{
	scoped(free) char *bin = xasprintf("%s/bin", w->dir);
	scoped(free) char *name = xasprintf("%s/qemu-system-x86_64", bin);
	char self[512] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(fs_mkdirs(bin, 0700, NULL), 0);
	assert_int_equal(symlink(self, name), 0);
	assert_int_equal(setenv("PATH", bin, 1), 0);
}

static struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	find_program(w);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/ib-agent-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	be_found(w);
	w->have.complete = true;
	w->d = wire_daemon_new(&(struct wire_daemon_options){.lab = "lab-1",
	    .fence = 10,
	    .attempt = 1,
	    .resume = w->have,
	    .ops = &d_ops,
	    .arg = w});
	return w;
}

/* The id of the process that `run` logged last. */
static pid_t run_pid(struct world *w)
{
	scoped(free) char *path = xasprintf("%s/run.log", w->dir);
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	const char *at = NULL;
	int pid = 0;

	if (fs_read(path, 65536, &b, NULL) < 0)
		return 0;
	for (const char *p = buf_str(&b); (p = strstr(p, "ready pid=")); p++)
		at = p;
	if (at)
		(void)sscanf(at, "ready pid=%d", &pid);
	return pid;
}

static void wait_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (pid > 0 && kill(pid, 0) == 0 && clock_mono_ms() < until)
		wait_ms(10);
	assert_true(pid <= 0 || kill(pid, 0) < 0);
}

static void world_free(struct world *w)
{
	pid_t pid = run_pid(w);

	link_down(w);
	if (pid > 0)
		(void)kill(pid, SIGTERM);
	wait_gone(pid);
	wire_daemon_free(w->d);
	if (!getenv("IB_TEST_KEEP"))
		(void)fs_remove_tree(w->dir, NULL);
	free(w);
}
SCOPED_DEFINE(struct world, world_free);

/* Runs a command with an input to its end; returns its exit code. */
static int command(struct world *w, const char **argv, const char *input,
    char *output, size_t size)
{
	int to;
	int from;
	pid_t pid = start(w, argv, &to, &from);
	size_t len = 0;
	ssize_t n;
	int status;

	(void)fs_write_all(to, input, strlen(input), NULL);
	(void)close(to);
	while ((n = read(from, output + len, size - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	(void)close(from);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void sha_of(const char *text, char hex[HASH_HEX + 1])
{
	uint8_t hash[HASH_BYTES];

	hash_sha256(text, strlen(text), hash);
	hash_hex(hash, sizeof(hash), hex);
}

static void upload(struct world *w, const char *text, char hex[HASH_HEX + 1])
{
	char size[32];
	char out[64];
	const char *argv[] = {
	    NULL, "put", hex, "--size", size, "--dir", w->dir, NULL};

	sha_of(text, hex);
	(void)snprintf(size, sizeof(size), "%zu", strlen(text));
	assert_int_equal(command(w, argv, text, out, sizeof(out)), 0);
	assert_string_equal(out, "0\n");
}

static void begin(struct world *w, const char *mode)
{
	char hex[HASH_HEX + 1];
	scoped(free) char *spec = NULL;
	struct err err = ERR_INIT;

	upload(w, mode, hex);
	spec = xasprintf(
	    "{\"v\":1,\"item\":\"cpu\",\"seed\":1,\"variants\":["
	    "{\"name\":\"single\",\"role\":\"baseline\",\"hypervisor\":"
	    "\"qemu\",\"backend\":\"tcg\",\"options\":{\"thread\":\"single\"}},"
	    "{\"name\":\"multi\",\"role\":\"candidate\",\"hypervisor\":"
	    "\"qemu\",\"backend\":\"tcg\",\"options\":{\"thread\":\"multi\"}}],"
	    "\"guests\":[{\"name\":\"linux\",\"kernel\":{\"sha256\":\"%s\","
	    "\"name\":\"vmlinuz\"},\"cpus\":2,\"memory_mib\":64,"
	    "\"boot_timeout_s\":%d}],\"workload\":{\"name\":\"sysbench\","
	    "\"profiles\":[{\"metric\":\"sysbench.cpu_1\",\"threads\":1},"
	    "{\"metric\":\"sysbench.cpu_all\",\"threads\":0}],"
	    "\"runtime_s\":1},\"blocks\":[\"BC\",\"CB\"],\"orphan_s\":600,"
	    "\"step_timeout_s\":60}",
	    hex, strstr(mode, "hang1") ? 1 : 20);
	if (wire_daemon_start(w->d, spec, clock_mono_ms(), &err) < 0)
		fail_msg("%s", err.msg);
	link_up(w);
}

/* ---- tests
 * ------------------------------------------------------------------------ */

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

static pid_t vm_pid(struct world *w)
{
	scoped(free) char *path = xasprintf("%s/vm.pid", w->dir);
	scoped_val(buf_done) struct buf b = BUF_INIT(128);
	int pid = 0;

	assert_int_equal(fs_read(path, 128, &b, NULL), 0);
	assert_int_equal(sscanf(buf_str(&b), "%d", &pid), 1);
	return pid;
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
	    cmocka_unit_test(a_killed_attach_changes_nothing),
	    cmocka_unit_test(a_killed_agent_leaves_no_machine_and_ends_the_job),
	    cmocka_unit_test(a_cancelled_job_leaves_no_machine),
	    cmocka_unit_test(a_failure_has_the_layer_it_came_from),
	    cmocka_unit_test(what_cannot_be_run_is_refused),
	    cmocka_unit_test(a_file_is_received_in_parts_and_verified),
	    cmocka_unit_test(the_folder_and_its_socket_are_private),
	};

	(void)argc;
	hash_init();
	if (str_ends(argv[0], "qemu-system-x86_64"))
		return agent_hypervisor(argv);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
