/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent as a program, and all that stands around it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "tests/unit/agent_run_world.h"

extern char **environ;

enum {
	PATIENCE_MS = 30000
};

static void wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static void d_send(void *arg, const char *data, size_t len)
{
	struct world *w = arg;

	(void)fs_write_all(w->to, data, len, NULL);
}

static void add_line(char *to, size_t size, const char *a, const char *b)
{
	size_t len = strlen(to);

	(void)snprintf(to + len, size - len, "%s%s\n", a, b);
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
	w->n_invalid += e->kind == WIRE_SAMPLE && !e->sample.valid;
	if (e->kind == WIRE_STEP)
		w->of = e->step.of;
	if (e->kind == WIRE_NOTE)
		add_line(w->notes, sizeof(w->notes), e->note.text, "");
	if (e->kind == WIRE_ENV) {
		scoped(free) char *key = xasprintf("%s=", e->env.key);

		add_line(w->env, sizeof(w->env), key, e->env.value);
	}
	if (e->kind == WIRE_ENV && strcmp(e->env.key, "kvm_trial") == 0)
		(void)snprintf(
		    w->kvm_trial, sizeof(w->kvm_trial), "%s", e->env.value);
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

void link_up(struct world *w)
{
	const char *argv[] = {NULL, "attach", "--dir", w->dir, NULL};

	link_down(w);
	w->attach = start(w, argv, &w->to, &w->from);
	wire_daemon_link_up(w->d, clock_mono_ms());
}

/* Serves the link until *flag (or patience) is at its end. */
void serve(struct world *w, const void *flag, size_t size)
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

struct world *world_new(void)
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
pid_t run_pid(struct world *w)
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

/* An orphan whose new parent is slow to ask for its end is dead as well. */
bool is_alive(pid_t pid)
{
	scoped(free) char *path = xasprintf("/proc/%d/stat", pid);
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	const char *p;

	if (pid <= 0 || fs_read(path, 4096, &b, NULL) < 0)
		return false;
	p = strrchr(buf_str(&b), ')');
	return p && strncmp(p, ") Z", 3) != 0 && strncmp(p, ") X", 3) != 0;
}

void wait_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (is_alive(pid) && clock_mono_ms() < until)
		wait_ms(10);
	assert_false(is_alive(pid));
}

void world_free(struct world *w)
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

/* Runs a command with an input to its end; returns its exit code. */
int command(struct world *w, const char **argv, const char *input, char *output,
    size_t size)
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

void sha_of(const char *text, char hex[HASH_HEX + 1])
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

/* pairs: that part of the specification. */
static void begin_job(
    struct world *w, const char *mode, const char *candidate, const char *pairs)
{
	char hex[HASH_HEX + 1];
	scoped(free) char *spec = NULL;
	struct err err = ERR_INIT;

	upload(w, mode, hex);
	spec = xasprintf(
	    "{\"v\":1,\"item\":\"cpu\",\"seed\":1,\"variants\":["
	    "{\"name\":\"single\",\"role\":\"baseline\",\"hypervisor\":"
	    "\"qemu\",\"backend\":\"tcg\",\"options\":{\"thread\":\"single\"}},"
	    "{\"name\":\"other\",\"role\":\"candidate\",\"hypervisor\":"
	    "\"qemu\",%s}],"
	    "\"guests\":[{\"name\":\"linux\",\"kernel\":{\"sha256\":\"%s\","
	    "\"name\":\"vmlinuz\"},\"cpus\":2,\"memory_mib\":64,"
	    "\"boot_timeout_s\":%d}],\"workload\":{\"name\":\"sysbench\","
	    "\"profiles\":[{\"metric\":\"sysbench.cpu_1\",\"threads\":1},"
	    "{\"metric\":\"sysbench.cpu_all\",\"threads\":0}],"
	    "\"runtime_s\":1},%s,\"orphan_s\":600,"
	    "\"step_timeout_s\":60}",
	    candidate, hex, strstr(mode, "hang1") ? 1 : 20, pairs);
	if (wire_daemon_start(w->d, spec, clock_mono_ms(), &err) < 0)
		fail_msg("%s", err.msg);
	link_up(w);
}

static const char multi[] =
    "\"backend\":\"tcg\",\"options\":{\"thread\":\"multi\"}";
static const char two_pairs[] = "\"blocks\":[\"BC\",\"CB\"]";

void begin_with(struct world *w, const char *mode, const char *candidate)
{
	begin_job(w, mode, candidate, two_pairs);
}

void begin_plan(struct world *w, const char *mode, const char *pairs)
{
	scoped(free) char *text = xasprintf("\"pairs\":{%s}", pairs);

	begin_job(w, mode, multi, text);
}

void begin(struct world *w, const char *mode)
{
	begin_job(w, mode, multi, two_pairs);
}
