/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/agentlink_world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

struct sshd link_server;
char link_home[64];
static char link_program[512]; /* ironbench-agent; "": not built */

static void on_ready(void *arg, const struct wire_hello *h)
{
	struct world *w = arg;

	assert_true(strlen(h->agent) == HASH_HEX);
	w->n_ready++;
	loop_stop(w->loop);
}

static void on_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	struct world *w = arg;

	w->n_event++;
	/* Each once and in order: nothing lost, nothing doubled. */
	assert_int_equal(e->s, w->n_event);
	w->after = *after;
	w->n_samples += e->kind == WIRE_SAMPLE;
	if (e->kind == WIRE_FILE) {
		(void)snprintf(w->raw, sizeof(w->raw), "%s", e->file.sha256);
		w->raw_size = e->file.size;
	}
	if (e->kind == WIRE_END) {
		w->n_end++;
		(void)snprintf(
		    w->outcome, sizeof(w->outcome), "%s", e->end.outcome);
		(void)snprintf(w->why, sizeof(w->why), "%s",
		    e->end.text ? e->end.text : "");
	}
	agentlink_durable(w->l, e->s);
	if (w->cut_each && w->n_event % w->cut_each == 0)
		cut_proxy_cut(&w->proxy);
	if (w->free_at && w->n_event == w->free_at)
		agentlink_free(take(w->l));
	loop_stop(w->loop);
}

static void on_answer(void *arg, const struct wire_answer *a)
{
	struct world *w = arg;

	if (a->c == WIRE_C_START && a->ok)
		w->n_started++;
	if (a->c == WIRE_C_FORGET && a->ok)
		w->n_forgotten++;
	if (!a->ok) {
		w->n_refused++;
		(void)snprintf(
		    w->why, sizeof(w->why), "%s: %s", a->layer, a->why);
	}
	loop_stop(w->loop);
}

static void on_fail(void *arg, const char *layer, const char *why)
{
	struct world *w = arg;

	w->n_fail++;
	(void)snprintf(w->layer, sizeof(w->layer), "%s", layer);
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
	loop_stop(w->loop);
}

static void on_lost(void *arg, const struct err *why, int64_t wait_ms)
{
	struct world *w = arg;

	assert_in_range(wait_ms, 1, WIRE_REDIAL_MAX_MS);
	w->n_lost++;
	w->lost = *why;
	loop_stop(w->loop);
}

static void on_progress(
    void *arg, const char *text, int64_t done, int64_t total)
{
	struct world *w = arg;

	if (!str_eq(text, "sending bulk"))
		return;
	assert_int_equal(total, LINK_BULK);
	w->n_sent++;
	if (w->cut_above && done >= w->cut_above) {
		w->cut_above = 0;
		cut_proxy_cut(&w->proxy);
	}
}

static const struct agentlink_ops ops = {
    .on_ready = on_ready,
    .on_event = on_event,
    .on_answer = on_answer,
    .on_fail = on_fail,
    .on_lost = on_lost,
    .on_progress = on_progress,
};

static void on_timer(void *arg)
{
	struct world *w = arg;

	w->waiting_is_over = true;
	loop_stop(w->loop);
}

void link_run_until(struct world *w, const int *counter, int n)
{
	w->waiting_is_over = false;
	loop_timer_at(w->timer, clock_mono_ms() + KIT_PATIENCE_MS);
	while (*counter < n) {
		if (w->waiting_is_over || (w->n_fail && counter != &w->n_fail))
			fail_msg("waited in vain; failed: %s %s; lost: %s",
			    w->layer, w->why, w->lost.msg);
		loop_run(w->loop);
	}
	loop_timer_stop(w->timer);
}

/* ---- the machine --------------------------------------------------------- */

static void describe(
    struct ssh_install_file *f, const char *name, const char *path)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t hash[HASH_BYTES];

	assert_true(fd >= 0);
	f->name = name;
	f->path = path;
	assert_int_equal(hash_fd(fd, hash, &f->size, NULL), 0);
	hash_hex(hash, sizeof(hash), f->sha256);
}

static void make_files(struct world *w)
{
	static char kernel_path[128];
	scoped(free) char *bulk = xcalloc(1, LINK_BULK);

	(void)snprintf(
	    kernel_path, sizeof(kernel_path), "%s/kernel", link_server.dir);
	assert_int_equal(
	    fs_write_atomic(kernel_path, "good", 4, 0600, NULL), 0);
	describe(&w->files[0], "kernel", kernel_path);
	hash_random(bulk, LINK_BULK);
	(void)snprintf(
	    w->bulk_path, sizeof(w->bulk_path), "%s/bulk", link_server.dir);
	assert_int_equal(
	    fs_write_atomic(w->bulk_path, bulk, LINK_BULK, 0600, NULL), 0);
	describe(&w->files[1], "bulk", w->bulk_path);
}

int link_set_up(void **state)
{
	static int count;
	struct world *w = xcalloc(1, sizeof(*w));

	*state = w;
	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_timer, w);
	if (!link_server.pid || !link_program[0])
		return 0;
	/* A name that a shell would take apart. */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/the agent's %d",
	    link_server.dir, ++count);
	make_files(w);
	sshd_options(&link_server, &w->opts.ssh);
	describe(&w->opts.agent, "ironbench-agent", link_program);
	w->opts.dir = w->dir;
	w->opts.files = w->files;
	w->opts.n_files = 2;
	w->opts.lab = "lab-1";
	w->opts.fence = 10;
	w->opts.attempt = 1;
	w->opts.resume.complete = true;
	w->opts.ops = &ops;
	w->opts.arg = w;
	return 0;
}

/* Ends the agent's `run` by the id in its log, and waits for that. */
static void end_agent(struct world *w)
{
	scoped(free) char *path = xasprintf("%s/run.log", w->dir);
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	const char *at = NULL;
	scoped_val(fd_done) int fd = -1;
	struct pollfd p;
	int pid = 0;

	if (fs_read(path, 65536, &b, NULL) < 0)
		return;
	for (const char *s = buf_str(&b); (s = strstr(s, "ready pid=")); s++)
		at = s;
	if (!at || sscanf(at, "ready pid=%d", &pid) != 1 || pid < 2)
		return;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 && errno == ESRCH)
		return;
	(void)kill(pid, SIGTERM);
	/* Valgrind knows no pidfd_open(). */
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	assert_true(fd < 0 || poll(&p, 1, KIT_PATIENCE_MS) == 1);
}

int link_tear_down(void **state)
{
	struct world *w = *state;

	agentlink_free(w->l);
	end_agent(w);
	cut_proxy_stop(&w->proxy);
	ssh_options_done(&w->opts.ssh);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	free(w);
	return 0;
}

void link_need_all(void)
{
	if (!link_server.pid || !link_program[0])
		skip();
}

void link_start(struct world *w)
{
	w->l = agentlink_new(w->loop, &w->opts);
}

void link_through_proxy(struct world *w, int64_t cut_bytes)
{
	cut_proxy_start(&w->proxy, link_server.port, cut_bytes);
	w->opts.ssh.port = (uint16_t)w->proxy.port;
}

/* With the agent on the machine already, as it is after the first attempt. */
void link_installed(struct world *w)
{
	size_t n = w->opts.n_files;

	w->opts.n_files = 0;
	link_start(w);
	link_run_until(w, &w->n_ready, 1);
	agentlink_free(take(w->l));
	w->opts.n_files = n;
	w->n_ready = w->n_lost = 0;
}

void link_give_job(struct world *w)
{
	scoped(free) char *spec = xasprintf(
	    "{\"v\":1,\"item\":\"cpu\",\"seed\":1,\"variants\":["
	    "{\"name\":\"single\",\"role\":\"baseline\",\"hypervisor\":"
	    "\"qemu\",\"backend\":\"tcg\",\"options\":{\"thread\":\"single\"}},"
	    "{\"name\":\"multi\",\"role\":\"candidate\",\"hypervisor\":"
	    "\"qemu\",\"backend\":\"tcg\",\"options\":{\"thread\":\"multi\"}}],"
	    "\"guests\":[{\"name\":\"linux\",\"kernel\":{\"sha256\":\"%s\","
	    "\"name\":\"vmlinuz\"},\"cpus\":2,\"memory_mib\":64,"
	    "\"boot_timeout_s\":20}],\"workload\":{\"name\":\"sysbench\","
	    "\"profiles\":[{\"metric\":\"sysbench.cpu_1\",\"threads\":1},"
	    "{\"metric\":\"sysbench.cpu_all\",\"threads\":0}],"
	    "\"runtime_s\":1},\"blocks\":[\"BC\",\"CB\"],\"orphan_s\":600,"
	    "\"step_timeout_s\":60}",
	    w->files[0].sha256);

	assert_int_equal(agentlink_start(w->l, spec, NULL), 0);
}

void link_on_fetched(void *arg, int r, const struct err *err)
{
	struct world *w = arg;

	w->n_fetched++;
	w->fetch_r = r;
	w->fetch_err = *err;
	loop_stop(w->loop);
}

int link_new_file(void)
{
	int fd = open(link_server.dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

void link_assert_hash(int fd, const char *sha256, int64_t size)
{
	uint8_t hash[HASH_BYTES];
	char hex[HASH_HEX + 1];
	int64_t got;

	assert_int_equal(hash_fd(fd, hash, &got, NULL), 0);
	assert_int_equal(got, size);
	assert_string_equal(hash_hex(hash, sizeof(hash), hex), sha256);
}

static void find_program(void)
{
	const char *given = getenv("IB_AGENT");
	const char *dir = getenv("IB_BUILDDIR");

	(void)snprintf(link_program, sizeof(link_program), "%s%s",
	    given     ? given
	        : dir ? dir
	              : ".",
	    given ? "" : "/agent/ironbench-agent");
	if (access(link_program, X_OK) < 0)
		link_program[0] = '\0';
}

/* The name by which the agent finds this program as its hypervisor. */
static void make_machine(void)
{
	scoped(free) char *bin = xasprintf("%s/bin", link_home);
	scoped(free) char *name = xasprintf("%s/qemu-system-x86_64", bin);
	char self[512] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(fs_mkdirs(bin, 0700, NULL), 0);
	assert_int_equal(symlink(self, name), 0);
}

int link_begin(void **state)
{
	scoped(free) char *env = NULL;

	(void)state;
	find_program();
	(void)snprintf(link_home, sizeof(link_home), "/tmp/ib-home.XXXXXX");
	assert_non_null(mkdtemp(link_home));
	env = xasprintf(
	    "SetEnv HOME=%s PATH=%s/bin:/usr/bin:/bin", link_home, link_home);
	make_machine();
	if (!sshd_start(&link_server, env))
		link_server.pid = 0;
	return 0;
}

int link_finish(void **state)
{
	(void)state;
	if (link_server.pid)
		sshd_stop(&link_server);
	assert_int_equal(fs_remove_tree(link_home, NULL), 0);
	return 0;
}
