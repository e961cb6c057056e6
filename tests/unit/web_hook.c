/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Webhooks: the daemon gets what was signed, or nothing at all. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"
#include "web/web.h"

#define HOOK_BYTES (1 << 20)
#define HOOKS_MAX 20
#define SIGNED                                 \
	"X-GitHub-Event: push\r\n"             \
	"X-GitHub-Delivery: 1-2-3\r\n"         \
	"Content-Type: application/x-test\r\n" \
	"X-Hub-Signature-256: good\r\n"

static int setup(void **state)
{
	*state = harness_new(READS_NEED_TOKEN);
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static const char *text(json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "(none)";
}

/* Every byte there is, over and over. */
static void fill(struct buf *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_putc(to, (char)(i * 7 + i / 4096));
}

static void the_body_arrives_as_it_was_sent(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf body = BUF_INIT(2 * HOOK_BYTES);
	scoped_val(buf_done) struct buf got = BUF_INIT(1);
	struct reply r;
	json_t *op;

	fill(&body, HOOK_BYTES);
	r = http_post(harness_port(h), "/hooks/vbox%2Dkvm", SIGNED, &body);
	assert_int_equal(r.status, 202);
	assert_string_equal(r.body, "{\"run\":412}");
	reply_done(&r);
	op = harness_op(h, "hook");
	assert_string_equal(text(op, "project"), "vbox-kvm");
	assert_string_equal(text(op, "event"), "push");
	assert_string_equal(text(op, "delivery"), "1-2-3");
	assert_string_equal(text(op, "signature"), "good");
	assert_string_equal(text(op, "content_type"), "application/x-test");
	assert_string_equal(text(op, "remote"), "127.0.0.1");
	assert_null(json_object_get(op, "token"));
	json_decref(op);
	got = harness_hook(h);
	assert_int_equal(got.len, HOOK_BYTES);
	assert_memory_equal(got.data, body.data, HOOK_BYTES);
}

static void what_is_missing_is_empty(void **state)
{
	struct harness *h = *state;
	struct reply r = http_post(harness_port(h), "/hooks/p", "", NULL);
	json_t *op = harness_op(h, "hook");

	assert_int_equal(r.status, 401);
	assert_string_equal(text(op, "event"), "");
	assert_string_equal(text(op, "delivery"), "");
	assert_string_equal(text(op, "signature"), "");
	assert_string_equal(text(op, "content_type"), "");
	json_decref(op);
	reply_done(&r);
}

static void a_refusal_tells_nothing_of_the_project(void **state)
{
	struct harness *h = *state;
	struct reply a = http_post(harness_port(h), "/hooks/a", "", NULL);
	struct reply b = http_post(
	    harness_port(h), "/hooks/b", "X-Hub-Signature-256: bad\r\n", NULL);

	assert_int_equal(a.status, 401);
	assert_int_equal(b.status, 401);
	assert_string_equal(a.body, b.body);
	assert_null(reply_header(&a, "WWW-Authenticate"));
	reply_done(&a);
	reply_done(&b);
}

static void other_methods_are_refused(void **state)
{
	struct harness *h = *state;
	struct reply r = http_get(harness_port(h), "/hooks/p", "");

	assert_int_equal(r.status, 405);
	reply_done(&r);
}

/* ---- limits ------------------------------------------------------------- */

static void a_body_too_large_is_refused_before_it_is_read(void **state)
{
	static const char head[] =
	    "POST /hooks/p HTTP/1.1\r\nHost: localhost\r\n" SIGNED
	    "Content-Length: 1048577\r\n\r\n";
	struct harness *h = *state;
	int before = harness_count(h, "hook");
	struct reply r = http_send(harness_port(h), head, sizeof(head) - 1);

	assert_int_equal(r.status, 413);
	assert_int_equal(harness_count(h, "hook"), before);
	reply_done(&r);
}

static void a_body_that_turns_out_too_large_is_refused(void **state)
{
	static const char head[] =
	    "POST /hooks/p HTTP/1.1\r\nHost: localhost\r\n" SIGNED
	    "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "100001\r\n";
	struct harness *h = *state;
	int before = harness_count(h, "hook");
	scoped_val(buf_done) struct buf all = BUF_INIT(4 * HOOK_BYTES);
	struct reply r;

	buf_puts(&all, head);
	fill(&all, HOOK_BYTES + 1);
	buf_puts(&all, "\r\n0\r\n\r\n");
	r = http_send(harness_port(h), all.data, all.len);
	assert_int_equal(r.status, 413);
	assert_int_equal(harness_count(h, "hook"), before);
	reply_done(&r);
}

/* Sends a webhook that the daemon does not answer. */
static int hook_hangs(struct harness *h)
{
	static const char hook[] = "POST /hooks/silent HTTP/1.1\r\nHost: "
	                           "localhost\r\nConnection: close\r\n"
	                           "Content-Length: 2\r\n" SIGNED "\r\n{}";
	int fd = client_connect(harness_port(h));

	client_send(fd, hook, sizeof(hook) - 1);
	return fd;
}

static void one_too_many_waits_for_nobody(void **state)
{
	struct harness *h = *state;
	int before = harness_count(h, "hook");
	int64_t began_ms = clock_mono_ms();
	int fds[HOOKS_MAX];
	struct reply r;

	for (size_t i = 0; i < HOOKS_MAX; i++)
		fds[i] = hook_hangs(h);
	harness_wait_count(h, "hook", before + HOOKS_MAX);
	r = http_post(harness_port(h), "/hooks/p", SIGNED, NULL);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.body, "too many webhooks"));
	assert_int_equal(harness_count(h, "hook"), before + HOOKS_MAX);
	reply_done(&r);
	for (size_t i = 0; i < HOOKS_MAX; i++) {
		scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);

		client_read_until(fds[i], &in, "HTTP/1.1 503 ");
		client_read_until(fds[i], &in, "\r\n\r\n");
		(void)close(fds[i]);
	}
	assert_true(clock_mono_ms() - began_ms >= WEB_DEADLINE_MS);
	/* Their places are free again. */
	r = http_post(harness_port(h), "/hooks/p", SIGNED, NULL);
	assert_int_equal(r.status, 202);
	reply_done(&r);
}

static void a_body_that_trickles_in_is_cut_off(void **state)
{
	static const char head[] =
	    "POST /hooks/p HTTP/1.1\r\nHost: localhost\r\n" SIGNED
	    "Content-Length: 1000\r\n\r\n";
	struct harness *h = *state;
	int before = harness_count(h, "hook");
	int fd = client_connect(harness_port(h));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = 0;

	client_send(fd, head, sizeof(head) - 1);
	/* A byte a second never is silence. */
	for (; n < 20 && poll(&p, 1, 1000) == 0; n++)
		client_send(fd, "x", 1);
	(void)close(fd);
	assert_true(n >= 8 && n < 15);
	assert_int_equal(harness_count(h, "hook"), before);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_body_arrives_as_it_was_sent),
	    TEST(what_is_missing_is_empty),
	    TEST(a_refusal_tells_nothing_of_the_project),
	    TEST(other_methods_are_refused),
	    TEST(a_body_too_large_is_refused_before_it_is_read),
	    TEST(a_body_that_turns_out_too_large_is_refused),
	    TEST(one_too_many_waits_for_nobody),
	    TEST(a_body_that_trickles_in_is_cut_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
