/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The link's thread against a daemon's end that the test plays itself. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/link.h"
#include "web/web.h"

#define PATIENCE_S 20

struct got {
	sem_t ready;
	int status;
	int fd;
	char body[256];
};

struct bench {
	int daemon_fd;
	struct link *link;
	struct buf in;
	sem_t event;
	char event_text[128];
};

static void on_event(void *arg, const char *header, size_t len)
{
	struct bench *b = arg;

	(void)snprintf(
	    b->event_text, sizeof(b->event_text), "%.*s", (int)len, header);
	(void)sem_post(&b->event);
}

static void on_beat(void *arg)
{
	(void)arg;
}

static void wait_for(sem_t *sem)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += PATIENCE_S;
	assert_int_equal(sem_timedwait(sem, &at), 0);
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct link_options opts = {
	    .on_event = on_event, .on_beat = on_beat, .arg = b};
	struct err err = ERR_INIT;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	(void)sem_init(&b->event, 0, 0);
	b->daemon_fd = fds[0];
	opts.fd = fds[1];
	b->in.max = 2 * WEB_FRAME_MAX;
	*state = b;
	return link_new(&opts, &b->link, &err);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	fd_done(&b->daemon_fd);
	link_free(b->link);
	buf_done(&b->in);
	(void)sem_destroy(&b->event);
	free(b);
	return 0;
}

static void on_done(void *arg, struct link_answer *a)
{
	struct got *got = arg;

	got->status = a->status;
	got->fd = fd_take(&a->fd);
	(void)snprintf(got->body, sizeof(got->body), "%s", buf_str(&a->body));
	link_answer_done(a);
	(void)sem_post(&got->ready);
}

static void ask(
    struct bench *b, struct got *got, const char *op, int64_t timeout_ms)
{
	struct link_call call = {
	    .timeout_ms = timeout_ms, .done = on_done, .arg = got};
	json_t *doc = json_pack("{ss}", "op", op);
	struct err err = ERR_INIT;

	memset(got, 0, sizeof(*got));
	got->fd = -1;
	(void)sem_init(&got->ready, 0, 0);
	assert_int_equal(link_ask(b->link, doc, &call, &err), 0);
	json_decref(doc);
}

/* The next frame of the web process: its id, and its op into op. */
static int64_t next_op(struct bench *b, char *op, size_t size)
{
	struct web_frame frame;
	struct err err = ERR_INIT;
	json_t *doc;
	int64_t id;

	while (web_frame_get(&b->in, &frame, &err) == 0) {
		struct pollfd p = {.fd = b->daemon_fd, .events = POLLIN};
		char *room = buf_room(&b->in, 4096);
		ssize_t n;

		assert_int_equal(poll(&p, 1, PATIENCE_S * 1000), 1);
		n = read(b->daemon_fd, room, 4096);
		assert_true(n > 0);
		buf_added(&b->in, (size_t)n);
	}
	doc = json_loadb(frame.header, frame.header_len, 0, NULL);
	assert_non_null(doc);
	id = json_integer_value(json_object_get(doc, "id"));
	(void)snprintf(
	    op, size, "%s", json_string_value(json_object_get(doc, "op")));
	json_decref(doc);
	buf_drop(&b->in, frame.size);
	return id;
}

static void send_bytes(struct bench *b, const void *data, size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(b->daemon_fd, &msg, MSG_NOSIGNAL), len);
}

static void answer(
    struct bench *b, int64_t id, int status, const char *body, int fd)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(65536);
	char header[128];

	(void)snprintf(header, sizeof(header),
	    "{\"id\":%lld,\"status\":%d,\"type\":\"application/json\"}",
	    (long long)id, status);
	web_frame_put(&out, header, body, strlen(body));
	send_bytes(b, out.data, out.len, fd);
}

static void answers_find_their_questions_in_any_order(void **state)
{
	struct bench *b = *state;
	struct got one;
	struct got two;
	char op[16];
	int64_t id_one;
	int64_t id_two;

	ask(b, &one, "health", 20000);
	id_one = next_op(b, op, sizeof(op));
	ask(b, &two, "why", 20000);
	id_two = next_op(b, op, sizeof(op));
	assert_string_equal(op, "why");
	answer(b, 999, 200, "nobody asked", -1);
	answer(b, id_two, 404, "two", -1);
	answer(b, id_one, 200, "one", -1);
	wait_for(&one.ready);
	wait_for(&two.ready);
	assert_int_equal(one.status, 200);
	assert_string_equal(one.body, "one");
	assert_int_equal(two.status, 404);
	assert_string_equal(two.body, "two");
}

static void a_question_ends_at_its_deadline(void **state)
{
	struct bench *b = *state;
	struct got got;
	struct got again;
	char op[16];
	int64_t id;

	ask(b, &got, "health", 30);
	wait_for(&got.ready);
	assert_int_equal(got.status, 503);
	/* The late answer is dropped, and nothing else is disturbed. */
	id = next_op(b, op, sizeof(op));
	answer(b, id, 200, "late", -1);
	ask(b, &again, "health", 20000);
	answer(b, next_op(b, op, sizeof(op)), 200, "good", -1);
	wait_for(&again.ready);
	assert_string_equal(again.body, "good");
}

static bool same_file(int a, int b_fd)
{
	char byte = 0;

	/* What is written to the pipe's one end comes out of the other. */
	return write(a, "x", 1) == 1 && read(b_fd, &byte, 1) == 1 &&
	    byte == 'x';
}

static void a_late_descriptor_is_not_taken_for_another(void **state)
{
	struct bench *b = *state;
	int late[2];
	int good[2];
	struct got one;
	struct got two;
	char op[16];
	int64_t id_one;
	int64_t id_two;

	assert_int_equal(pipe2(late, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(good, O_CLOEXEC | O_NONBLOCK), 0);
	ask(b, &one, "open", 30);
	wait_for(&one.ready);
	assert_int_equal(one.status, 503);
	ask(b, &two, "open", 20000);
	id_one = next_op(b, op, sizeof(op));
	id_two = next_op(b, op, sizeof(op));
	answer(b, id_one, 200, "{\"upload\":1}", late[1]);
	answer(b, id_two, 200, "{\"upload\":2}", good[1]);
	wait_for(&two.ready);
	assert_int_equal(two.status, 200);
	assert_true(same_file(two.fd, good[0]));
	/* The daemon is told that the late one is not wanted. */
	(void)next_op(b, op, sizeof(op));
	assert_string_equal(op, "close");
	fd_done(&two.fd);
	for (int i = 0; i < 2; i++) {
		fd_done(&late[i]);
		fd_done(&good[i]);
	}
}

static void events_reach_their_reader_byte_by_byte(void **state)
{
	static const char text[] = "{\"event\":\"run\",\"seq\":1}";
	struct bench *b = *state;
	scoped_val(buf_done) struct buf out = BUF_INIT(4096);

	web_frame_put(&out, text, NULL, 0);
	for (size_t i = 0; i < out.len; i++)
		send_bytes(b, out.data + i, 1, -1);
	wait_for(&b->event);
	assert_string_equal(b->event_text, text);
}

static void the_end_of_the_link_answers_all_and_is_no_error(void **state)
{
	struct bench *b = *state;
	struct link_call call = {.timeout_ms = 1, .done = on_done};
	struct err err = ERR_INIT;
	struct got got;
	struct got open;
	json_t *op;

	ask(b, &got, "health", 20000);
	ask(b, &open, "open", 20000);
	fd_done(&b->daemon_fd);
	wait_for(&got.ready);
	wait_for(&open.ready);
	assert_int_equal(got.status, 503);
	assert_int_equal(link_wait(b->link, &err), 0);
	op = json_pack("{ss}", "op", "health");
	assert_int_equal(link_ask(b->link, op, &call, &err), -ERR_UNREACH);
	json_decref(op);
}

static void nonsense_on_the_link_ends_it_with_an_error(void **state)
{
	struct bench *b = *state;
	struct err err = ERR_INIT;
	struct got got;

	ask(b, &got, "health", 20000);
	send_bytes(b, "\1\0\0\0", 4, -1);
	wait_for(&got.ready);
	assert_int_equal(got.status, 503);
	assert_int_equal(link_wait(b->link, &err), -ERR_PROTO);
}

static void text_that_is_not_json_is_refused(void **state)
{
	struct bench *b = *state;
	struct link_call call = {.timeout_ms = 1, .done = on_done};
	struct err err = ERR_INIT;

	assert_int_equal(link_ask(b->link, NULL, &call, &err), -ERR_INVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(answers_find_their_questions_in_any_order),
	    TEST(a_question_ends_at_its_deadline),
	    TEST(a_late_descriptor_is_not_taken_for_another),
	    TEST(events_reach_their_reader_byte_by_byte),
	    TEST(the_end_of_the_link_answers_all_and_is_no_error),
	    TEST(nonsense_on_the_link_ends_it_with_an_error),
	    TEST(text_that_is_not_json_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
