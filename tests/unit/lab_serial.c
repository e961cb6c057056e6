/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal server of the virtual lab: nothing lost, unless told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "fixtures/lab/serial.h"

enum {
	DEADLINE_MS = 20000,
	CHUNK = 32768
};

struct rig {
	char dir[32];
	struct loop *loop;
	struct serial *serial;
	int64_t deadline_ms;
};

static struct rig *rig_new(void)
{
	struct rig *g = xcalloc(1, sizeof(*g));
	scoped(free) char *readers = NULL;
	scoped(free) char *qemu = NULL;
	struct err err;

	memcpy(
	    g->dir, "/tmp/ib-serial.XXXXXX", sizeof("/tmp/ib-serial.XXXXXX"));
	assert_non_null(mkdtemp(g->dir));
	readers = xasprintf("%s/r", g->dir);
	qemu = xasprintf("%s/q", g->dir);
	g->loop = loop_new();
	g->deadline_ms = clock_mono_ms() + DEADLINE_MS;
	assert_int_equal(
	    serial_new(g->loop, "m1", readers, qemu, &g->serial, &err), 0);
	return g;
}

static void rig_free(struct rig *g)
{
	struct err err;

	serial_free(g->serial);
	loop_free(g->loop);
	assert_int_equal(fs_remove_tree(g->dir, &err), 0);
	free(g);
}
SCOPED_DEFINE(struct rig, rig_free);

static int dial(const struct rig *g, const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	scoped(free) char *path = xasprintf("%s/%s", g->dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, strlen(path));
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void step(struct rig *g)
{
	assert_true(clock_mono_ms() < g->deadline_ms);
	(void)uv_run(loop_uv(g->loop), UV_RUN_NOWAIT);
}

/* Reads exactly len bytes while the loop runs. */
static void expect(struct rig *g, int fd, const char *want)
{
	char got[64] = "";
	size_t n = 0;

	while (n < strlen(want)) {
		ssize_t r = read(fd, got + n, sizeof(got) - 1 - n);

		if (r > 0)
			n += (size_t)r;
		step(g);
	}
	assert_string_equal(got, want);
}

/* All that can be read now. */
static size_t drain(int fd)
{
	char chunk[CHUNK];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		sum += (size_t)n;
	return sum;
}

static void a_reader_that_came_first_gets_the_first_byte(void **state)
{
	scoped(rig_free) struct rig *g = rig_new();
	scoped_val(fd_done) int reader = dial(g, "r");
	scoped_val(fd_done) int qemu = dial(g, "q");

	(void)state;
	/* Nobody has accepted anything yet. */
	assert_int_equal(write(qemu, "BIOS", 4), 4);
	expect(g, reader, "BIOS");
}

static void a_reader_outlives_the_machine(void **state)
{
	scoped(rig_free) struct rig *g = rig_new();
	scoped_val(fd_done) int reader = dial(g, "r");
	scoped_val(fd_done) int qemu = dial(g, "q");

	(void)state;
	assert_int_equal(write(qemu, "one", 3), 3);
	fd_done(&qemu);
	expect(g, reader, "one");
	qemu = dial(g, "q");
	assert_int_equal(write(qemu, "two", 3), 3);
	expect(g, reader, "two");
}

static void what_a_reader_sends_goes_to_the_machine_only(void **state)
{
	scoped(rig_free) struct rig *g = rig_new();
	scoped_val(fd_done) int reader = dial(g, "r");
	scoped_val(fd_done) int other = dial(g, "r");
	scoped_val(fd_done) int qemu = dial(g, "q");

	(void)state;
	expect(g, qemu, "");
	step(g);
	assert_int_equal(write(reader, "login", 5), 5);
	expect(g, qemu, "login");
	assert_int_equal(drain(other), 0);
}

static void a_reader_that_only_listens_is_kept(void **state)
{
	scoped(rig_free) struct rig *g = rig_new();
	scoped_val(fd_done) int reader = dial(g, "r");
	scoped_val(fd_done) int qemu = dial(g, "q");

	(void)state;
	assert_int_equal(shutdown(reader, SHUT_WR), 0);
	for (int i = 0; i < 10; i++)
		step(g);
	assert_int_equal(write(qemu, "text", 4), 4);
	expect(g, reader, "text");
}

static void a_slow_reader_loses_and_the_others_do_not(void **state)
{
	const size_t total = 2 * SERIAL_QUEUE_MAX;
	scoped(rig_free) struct rig *g = rig_new();
	scoped_val(fd_done) int slow = dial(g, "r");
	scoped_val(fd_done) int fast = dial(g, "r");
	scoped_val(fd_done) int qemu = dial(g, "q");
	char chunk[CHUNK];
	size_t sent = 0;
	size_t got = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	while (got < total) {
		ssize_t n = sent < total ? write(qemu, chunk, CHUNK) : 0;

		if (n > 0)
			sent += (size_t)n;
		step(g);
		got += drain(fast);
	}
	assert_int_equal(got, sent);
	got = drain(slow);
	for (int i = 0; i < 1000; i++) {
		step(g);
		got += drain(slow);
	}
	assert_true(got >= SERIAL_QUEUE_MAX - CHUNK);
	assert_true(got < total);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	scoped(rig_free) struct rig *g = rig_new();
	scoped(free) char *path = xasprintf("%s/%0120d", g->dir, 0);
	struct serial *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    serial_new(g->loop, "m1", path, path, &s, &err), -ERR_LIMIT);
	assert_null(s);
	assert_non_null(strstr(err.msg, "at most 107"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reader_that_came_first_gets_the_first_byte),
	    cmocka_unit_test(a_reader_outlives_the_machine),
	    cmocka_unit_test(what_a_reader_sends_goes_to_the_machine_only),
	    cmocka_unit_test(a_reader_that_only_listens_is_kept),
	    cmocka_unit_test(a_slow_reader_loses_and_the_others_do_not),
	    cmocka_unit_test(a_path_too_long_for_a_socket_is_refused),
	};

	log_level_set(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
