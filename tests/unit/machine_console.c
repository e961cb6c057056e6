/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Consoles against real servers, which are sockets of this process. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/console.h"

enum {
	PATIENCE_MS = 10000
};

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	char dir[32];
	int listen_fd;
	char section[128];
	struct console *console;
	/* What the console told. */
	int n_up;
	int n_down;
	int n_data;
	struct err down;
	struct buf data;
	int64_t at_ms;
	bool close_on_data;
};

static void on_data(void *arg, const char *data, size_t len, int64_t at_ms)
{
	struct world *w = arg;

	w->n_data++;
	w->at_ms = at_ms;
	buf_add(&w->data, data, len);
	if (w->close_on_data)
		console_close(w->console);
	loop_stop(w->loop);
}

static void on_state(void *arg, bool up, const struct err *err)
{
	struct world *w = arg;

	if (up) {
		assert_null(err);
		w->n_up++;
	} else {
		w->n_down++;
		w->down = *err;
	}
	loop_stop(w->loop);
}

static const struct console_ops ops = {
    .on_data = on_data, .on_state = on_state};

static void on_timer(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

/* Runs the loop until *counter has reached n; fails after PATIENCE_MS. */
static void run_until(struct world *w, const int *counter, int n)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (*counter < n) {
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

static void socket_address(const struct world *w, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(
	    ret->sun_path, sizeof(ret->sun_path), "%s/serial", w->dir);
}

static void listen_socket(struct world *w)
{
	struct sockaddr_un addr;

	socket_address(w, &addr);
	w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(w->listen_fd, (const struct sockaddr *)&addr, sizeof(addr)),
	    0);
	assert_int_equal(listen(w->listen_fd, 4), 0);
}

static void unlisten_socket(struct world *w)
{
	struct sockaddr_un addr;

	fd_done(&w->listen_fd);
	socket_address(w, &addr);
	assert_int_equal(unlink(addr.sun_path), 0);
}

static int make(struct world *w, const char *text, struct err *err)
{
	scoped(conf_free) struct conf *conf = NULL;

	assert_int_equal(
	    conf_parse("lab.yaml", text, strlen(text), &conf, err), 0);
	return console_new(w->loop, w->dir, conf_root(conf), &w->console, err);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct buf data = BUF_INIT(1 << 20);

	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_timer, w);
	w->data = data;
	w->listen_fd = -1;
	memcpy(w->dir, "/tmp/ib-console-XXXXXX", 23);
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	console_free(w->console);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	fd_done(&w->listen_fd);
	buf_done(&w->data);
	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	free(w);
	return 0;
}

static void set_up_socket(struct world *w)
{
	struct err err = ERR_INIT;

	listen_socket(w);
	assert_int_equal(
	    make(w, "{driver: socket, path: serial, baud: 115200}", &err), 0);
	assert_true(console_exists(w->console));
}

/* Opens the console; returns the server's end. */
static int open_line(struct world *w)
{
	int fd;

	console_open(w->console, &ops, w);
	assert_false(console_is_up(w->console));
	run_until(w, &w->n_up, 1);
	assert_true(console_is_up(w->console));
	fd = accept(w->listen_fd, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

/* What is printed and typed arrives on a line that is open. */
static void check_both_ways(struct world *w, int fd)
{
	char typed[16] = "";
	int64_t before_ms = clock_wall_ms();

	assert_int_equal(write(fd, "hello\n", 6), 6);
	run_until(w, &w->n_data, 1);
	assert_string_equal(buf_str(&w->data), "hello\n");
	assert_true(w->at_ms >= before_ms);
	console_write(w->console, "typed", 5);
	run_for(w, 1);
	assert_int_equal(read(fd, typed, sizeof(typed)), 5);
	assert_string_equal(typed, "typed");
}

static void socket_carries_both_ways(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	set_up_socket(w);
	fd = open_line(w);
	check_both_ways(w, fd);
	assert_int_equal(w->n_down, 0);
}

static void listen_tcp(struct world *w, const char *host)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	struct err err = ERR_INIT;

	w->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(w->listen_fd, (const struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(w->listen_fd, 4), 0);
	assert_int_equal(
	    getsockname(w->listen_fd, (struct sockaddr *)&addr, &len), 0);
	(void)snprintf(w->section, sizeof(w->section),
	    "{driver: tcp, host: \"%s:%d\"}", host, ntohs(addr.sin_port));
	assert_int_equal(make(w, w->section, &err), 0);
}

static void tcp_carries_both_ways(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	listen_tcp(w, "127.0.0.1");
	fd = open_line(w);
	check_both_ways(w, fd);
}

/* Only the resolver knows this address, and it needs no file to know it. */
#define A_NAME "127.1"

static void tcp_takes_a_host_name(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	listen_tcp(w, A_NAME);
	fd = open_line(w);
	check_both_ways(w, fd);
}

static void closing_while_a_name_is_looked_up_is_silent(void **state)
{
	struct world *w = *state;

	listen_tcp(w, A_NAME);
	console_open(w->console, &ops, w);
	/* The timer that dials, and no more than that. */
	run_for(w, 1);
	console_free(take(w->console));
	run_for(w, 50);
	assert_int_equal(w->n_down, 0);
}

static void lost_line_is_told_and_dialled_again(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	set_up_socket(w);
	fd = open_line(w);
	fd_done(&fd);
	run_until(w, &w->n_down, 1);
	assert_int_equal(w->down.kind, ERR_UNREACH);
	assert_non_null(strstr(w->down.msg, "/serial: closed by"));
	run_until(w, &w->n_up, 2);
	fd = accept(w->listen_fd, NULL, NULL);
	check_both_ways(w, fd);
}

static void socket_that_appears_later_is_found(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;
	int64_t start_ms;

	set_up_socket(w);
	unlisten_socket(w);
	console_open(w->console, &ops, w);
	run_until(w, &w->n_down, 1);
	run_for(w, 1000);
	/* Told once, not for every attempt. */
	assert_int_equal(w->n_down, 1);
	listen_socket(w);
	start_ms = clock_mono_ms();
	run_until(w, &w->n_up, 1);
	assert_true(clock_mono_ms() - start_ms < 1000);
	fd = accept(w->listen_fd, NULL, NULL);
	check_both_ways(w, fd);
}

static void closed_console_is_silent_and_can_be_opened_again(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;
	char end;

	set_up_socket(w);
	fd = open_line(w);
	assert_int_equal(write(fd, "x", 1), 1);
	console_close(w->console);
	console_close(w->console);
	assert_false(console_is_up(w->console));
	console_write(w->console, "lost", 4);
	run_for(w, 50);
	assert_int_equal(w->n_data, 0);
	assert_int_equal(w->n_down, 0);
	assert_true(read(fd, &end, 1) <= 0);
	fd_done(&fd);
	w->n_up = 0;
	fd = open_line(w);
	check_both_ways(w, fd);
}

static void owner_may_close_in_a_callback(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;

	set_up_socket(w);
	w->close_on_data = true;
	fd = open_line(w);
	assert_int_equal(write(fd, "a", 1), 1);
	run_until(w, &w->n_data, 1);
	(void)write(fd, "b", 1); /* it may be closed already: EPIPE */
	run_for(w, 50);
	assert_int_equal(w->n_data, 1);
	assert_int_equal(w->n_down, 0);
}

static void machine_that_does_not_read_costs_a_bounded_amount(void **state)
{
	struct world *w = *state;
	scoped_val(fd_done) int fd = -1;
	static char much[32768];
	size_t got = 0;
	ssize_t n;

	set_up_socket(w);
	fd = open_line(w);
	memset(much, 'm', sizeof(much));
	for (int i = 0; i < 1000; i++)
		console_write(w->console, much, sizeof(much));
	run_for(w, 10);
	console_close(w->console);
	run_for(w, 10);
	while ((n = read(fd, much, sizeof(much))) > 0)
		got += (size_t)n;
	assert_true(got > 0);
	assert_true(got < 4 << 20);
}

static void none_is_no_console(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;

	assert_int_equal(
	    console_new(w->loop, w->dir, NULL, &w->console, &err), 0);
	assert_false(console_exists(w->console));
	console_open(w->console, &ops, w);
	run_for(w, 10);
	assert_int_equal(w->n_down + w->n_up, 0);
	console_free(take(w->console));
	assert_int_equal(make(w, "{driver: none}", &err), 0);
	assert_false(console_exists(w->console));
}

static void sections_are_refused_with_their_position(void **state)
{
	static const char *const bad[] = {
	    "{driver: socket}",
	    "{driver: socket, path: a, host: b}",
	    "{driver: socket, path: a, baud: fast}",
	    "{driver: carrier-pigeon}",
	    "{path: a}",
	    "{driver: tcp}",
	    "{driver: tcp, host: nowhere}",
	    "{driver: tcp, host: \"nowhere:0\"}",
	    "{driver: tcp, host: \":23\"}",
	    "{driver: tcp, host: \"fd00::1:23\"}",
	    "{driver: tcp, host: \"a b:23\"}",
	};
	struct world *w = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(make(w, bad[i], &err), -ERR_INVAL);
		assert_non_null(strstr(err.msg, "lab.yaml:1:"));
	}
	assert_int_equal(
	    make(w, "{driver: tcp, host: \"[fd00::1]:23\"}", &err), 0);
}

static void socket_path_that_is_too_long_is_refused(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	char text[200];

	(void)snprintf(
	    text, sizeof(text), "{driver: socket, path: \"%0110d\"}", 0);
	assert_int_equal(make(w, text, &err), -ERR_INVAL);
	assert_non_null(strstr(err.msg, "at most 107"));
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(socket_carries_both_ways),
	    WORLD_TEST(tcp_carries_both_ways),
	    WORLD_TEST(tcp_takes_a_host_name),
	    WORLD_TEST(closing_while_a_name_is_looked_up_is_silent),
	    WORLD_TEST(lost_line_is_told_and_dialled_again),
	    WORLD_TEST(socket_that_appears_later_is_found),
	    WORLD_TEST(closed_console_is_silent_and_can_be_opened_again),
	    WORLD_TEST(owner_may_close_in_a_callback),
	    WORLD_TEST(machine_that_does_not_read_costs_a_bounded_amount),
	    WORLD_TEST(none_is_no_console),
	    WORLD_TEST(sections_are_refused_with_their_position),
	    WORLD_TEST(socket_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests_name(
	    "machine_console", tests, NULL, NULL);
}
