/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a program: it never waits for whoever reads it. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"

/* A log_write() that waits waits for ever: the test is killed. */
#define DEADLINE_S 30
#define FILL_LINES 2000 /* more than a pipe or a socket holds */

struct ctx {
	int read_fd;
	int kept_stderr;
};

static void take_stderr(struct ctx *c, int read_fd, int write_fd)
{
	c->read_fd = read_fd;
	c->kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	assert_true(c->kept_stderr >= 0);
	assert_int_equal(dup2(write_fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(write_fd), 0);
	(void)alarm(DEADLINE_S);
}

static void give_back(struct ctx *c)
{
	(void)alarm(0);
	assert_int_equal(dup2(c->kept_stderr, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(c->kept_stderr), 0);
	assert_int_equal(close(c->read_fd), 0);
}

static void take_pipe(struct ctx *c)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	take_stderr(c, fds[0], fds[1]);
}

static void take_socket(struct ctx *c)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	take_stderr(c, fds[0], fds[1]);
}

/* All that is there now; a zero behind it. */
static size_t drain(const struct ctx *c, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;

	assert_int_equal(fcntl(c->read_fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(c->read_fd, to + len, size - 1 - len)) > 0)
		len += (size_t)n;
	to[len] = '\0';
	return len;
}

static int fill(void)
{
	for (int i = 0; i < FILL_LINES; i++)
		log_info("line=%d %0300d", i, 0);
	return FILL_LINES;
}

static int count(const char *text, const char *what)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void lines_go_on_with_their_count(struct ctx *c)
{
	size_t size = 4 << 20;
	scoped(free) char *text = xcalloc(size, 1);
	int n = fill();
	char want[64];
	int seen;

	(void)drain(c, text, size);
	seen = count(text, "line=");
	assert_true(seen > 0);
	assert_true(seen < n);
	assert_null(strstr(text, "lost"));
	log_warn("after it");
	(void)drain(c, text, size);
	(void)snprintf(want, sizeof(want), "log: %d lines lost", n - seen);
	assert_non_null(strstr(text, want));
	assert_int_equal(count(text, "\n"), 2);
	assert_non_null(strstr(strstr(text, want), "after it"));
	log_info("nothing is lost now");
	(void)drain(c, text, size);
	assert_null(strstr(text, " lost:"));
	assert_int_equal(count(text, "\n"), 1);
}

/* ---- tests -------------------------------------------------------------- */

static void *reads_late(void *arg)
{
	struct ctx *c = arg;
	struct pollfd in = {.fd = c->read_fd, .events = POLLIN};
	static char text[1 << 16];
	intptr_t lines = 0;
	ssize_t n;

	while (lines <= FILL_LINES && poll(&in, 1, DEADLINE_S * 1000) == 1 &&
	    (n = read(c->read_fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		lines += count(text, "\n");
	}
	return (void *)lines;
}

static void log_that_is_told_to_wait_loses_nothing(void **state)
{
	pthread_t reader;
	struct ctx c;
	void *lines;
	int n;

	(void)state;
	take_pipe(&c);
	log_wait_set(true);
	assert_int_equal(pthread_create(&reader, NULL, reads_late, &c), 0);
	n = fill();
	log_info("the last");
	log_wait_set(false);
	assert_int_equal(pthread_join(reader, &lines), 0);
	give_back(&c);
	assert_int_equal((intptr_t)lines, n + 1);
}

static void full_pipe_loses_lines_and_says_how_many(void **state)
{
	struct ctx c;

	(void)state;
	take_pipe(&c);
	lines_go_on_with_their_count(&c);
	give_back(&c);
}

static void full_socket_loses_lines_and_says_how_many(void **state)
{
	struct ctx c;

	(void)state;
	take_socket(&c);
	lines_go_on_with_their_count(&c);
	give_back(&c);
}

/* Children and the shell have the same description. */
static void pipe_of_others_is_left_as_it_is(void **state)
{
	struct ctx c;
	int before;

	(void)state;
	take_pipe(&c);
	before = fcntl(STDERR_FILENO, F_GETFL);
	(void)fill();
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL), before);
	assert_int_equal(before & O_NONBLOCK, 0);
	give_back(&c);
}

static void lines_of_a_full_pipe_are_whole(void **state)
{
	struct ctx c;
	size_t size = 4 << 20;
	scoped(free) char *text = xcalloc(size, 1);
	size_t len;
	char *next;

	(void)state;
	take_pipe(&c);
	/* That others were lost before is told first. */
	log_info("here");
	(void)drain(&c, text, size);
	(void)fill();
	len = drain(&c, text, size);
	assert_true(len > 0);
	for (char *line = text; *line; line = next + 1) {
		next = strchr(line, '\n');
		assert_non_null(next);
		*next = '\0';
		assert_non_null(strstr(line, " info line="));
		assert_true(strlen(line) > 300);
	}
	give_back(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(log_that_is_told_to_wait_loses_nothing),
	    cmocka_unit_test(full_pipe_loses_lines_and_says_how_many),
	    cmocka_unit_test(full_socket_loses_lines_and_says_how_many),
	    cmocka_unit_test(pipe_of_others_is_left_as_it_is),
	    cmocka_unit_test(lines_of_a_full_pipe_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
