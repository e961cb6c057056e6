/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cookies, and what keeps other sites from using them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"
#include "web/origin.h"
#include "web/throttle.h"

#define PAGE "X-Ironbench: page\r\n"
#define COOKIE "Cookie: ironbench=good\r\n"
#define FOREIGN "Host: lab.example\r\n"

/* ---- pure --------------------------------------------------------------- */

static void a_cookie_is_found_among_others(void **state)
{
	static const struct {
		const char *header;
		const char *want; /* NULL: none */
	} list[] = {
	    {"ironbench=ib_1", "ib_1"},
	    {"a=1; ironbench=ib_1; b=2", "ib_1"},
	    {"ironbench=ib_1 ;b", "ib_1"},
	    {"ironbench=one; ironbench=two", "one"},
	    {"\tironbench=x=y", "x=y"},
	    {"a=ironbench=1;ironbench=3", "3"},
	    {"ironbench=12345678", NULL}, /* does not fit */
	    {"ironbench=", NULL},
	    {"ironbench", NULL},
	    {"xironbench=1; ironbenchx=2; IRONBENCH=3", NULL},
	    {";;; ;", NULL},
	    {"", NULL},
	    {NULL, NULL},
	};
	char value[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		bool found = cookie_get(
		    list[i].header, COOKIE_NAME, value, sizeof(value));

		assert_int_equal(found, list[i].want != NULL);
		if (found)
			assert_string_equal(value, list[i].want);
	}
	assert_true(cookie_can_hold("ib_0123456789abcdef"));
	assert_false(cookie_can_hold("a;b"));
	assert_false(cookie_can_hold("a b"));
	assert_false(cookie_can_hold("a\r\nSet-Cookie: b"));
}

static void only_addresses_and_localhost_are_loopback(void **state)
{
	static const char *const good[] = {"localhost", "LocalHost:8080",
	    "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8080"};
	static const char *const bad[] = {"", "lab", "127.0.0.1.example",
	    "127.example.org", "localhost.example", "localhost:x", "[::2]",
	    "[::1]x", "[::1", "::1", "128.0.0.1", "127.1", ":80",
	    "127.0.0.1:80:80", "0.0.0.0", "10.0.0.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!host_is_loopback(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (host_is_loopback(bad[i]))
			fail_msg("%s", bad[i]);
	assert_false(host_is_loopback(NULL));
}

static void an_origin_is_the_host_or_another_site(void **state)
{
	(void)state;
	assert_true(origin_is_host("http://lab:8080", "lab:8080"));
	assert_true(origin_is_host("https://Lab.example", "lab.example"));
	assert_false(origin_is_host("http://lab:8080", "lab"));
	assert_false(origin_is_host("http://lab.evil", "lab"));
	assert_false(origin_is_host("http://evil/lab", "lab"));
	assert_false(origin_is_host("null", "lab"));
	assert_false(origin_is_host("file://lab", "lab"));
	assert_false(origin_is_host("http://", ""));
	assert_false(origin_is_host("http://lab", NULL));
	assert_false(origin_is_host(NULL, "lab"));
}

static void wrong_tokens_are_counted_by_address_and_time(void **state)
{
	struct throttle t;
	char other[64];

	(void)state;
	throttle_init(&t);
	for (int i = 0; i < THROTTLE_FAILURES; i++) {
		assert_true(throttle_allows(&t, "10.0.0.1", 1000));
		throttle_failed(&t, "10.0.0.1", 1000);
	}
	assert_false(throttle_allows(&t, "10.0.0.1", 1000 + THROTTLE_MS - 1));
	assert_true(throttle_allows(&t, "10.0.0.2", 1000));
	assert_true(throttle_allows(&t, "10.0.0.1", 1000 + THROTTLE_MS));
	throttle_failed(&t, "10.0.0.1", 1000 + THROTTLE_MS);
	assert_true(throttle_allows(&t, "10.0.0.1", 1001 + THROTTLE_MS));
	/* A flood of addresses costs no memory. */
	for (int i = 0; i < 10 * THROTTLE_SLOTS; i++) {
		(void)snprintf(other, sizeof(other), "10.1.%d.1", i);
		throttle_failed(&t, other, 200000 + i);
	}
	throttle_done(&t);
}

/* ---- over HTTP ---------------------------------------------------------- */

static int setup(void **state)
{
	*state = harness_new(READS_OPEN);
	return 0;
}

static int setup_closed(void **state)
{
	*state = harness_new(READS_NEED_TOKEN);
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static int get_status(struct harness *h, const char *path, const char *headers)
{
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), path, headers);

	return r.status;
}

static struct reply post(
    struct harness *h, const char *path, const char *headers, const char *text)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, text);
	return http_post(harness_port(h), path, headers, &body);
}

static int post_status(
    struct harness *h, const char *path, const char *headers, const char *text)
{
	scoped_val(reply_done) struct reply r = post(h, path, headers, text);

	return r.status;
}

/* A request with a Host of its own. */
static int raw_status(
    struct harness *h, const char *request_line, const char *headers)
{
	scoped(free) char *text = xasprintf(
	    "%s\r\nConnection: close\r\n%s\r\n", request_line, headers);
	scoped_val(reply_done) struct reply r =
	    http_send(harness_port(h), text, strlen(text));

	return r.status;
}

static void who(struct harness *h, const char *headers, const char *want)
{
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), "/api/v1/session", headers);

	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, want);
}

static void a_session_says_who_the_caller_is(void **state)
{
	struct harness *h = *state;

	who(h, "", "{\"name\":null,\"scopes\":[],\"open_reads\":true}");
	who(h, COOKIE,
	    "{\"name\":\"somebody\",\"scopes\":[\"read\",\"submit\"],"
	    "\"open_reads\":true}");
	who(h, "Authorization: Bearer good\r\n",
	    "{\"name\":\"somebody\",\"scopes\":[\"read\",\"submit\"],"
	    "\"open_reads\":true}");
	who(h, "Cookie: ironbench=revoked\r\n",
	    "{\"name\":null,\"scopes\":[],\"open_reads\":true}");
}

static void a_login_gives_a_cookie_that_scripts_cannot_read(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r =
	    post(h, "/api/v1/session", PAGE, "{\"token\":\"good\"}");
	scoped(free) char *cookie = reply_header(&r, "Set-Cookie");

	assert_int_equal(r.status, 200);
	assert_string_equal(
	    cookie, "ironbench=good; Path=/; HttpOnly; SameSite=Strict");
	assert_non_null(strstr(r.body, "\"name\":\"somebody\""));
}

static void a_cookie_behind_tls_is_for_tls_only(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r = post(h, "/api/v1/session",
	    PAGE "X-Forwarded-Proto: https\r\n", "{\"token\":\"good\"}");
	scoped(free) char *cookie = reply_header(&r, "Set-Cookie");

	assert_true(strstr(cookie, "; Secure") != NULL);
}

static void a_logout_takes_the_cookie_back(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r =
	    post(h, "/api/v1/session/end", PAGE COOKIE, "");
	scoped(free) char *cookie = reply_header(&r, "Set-Cookie");

	assert_int_equal(r.status, 200);
	assert_true(str_starts(cookie, "ironbench=;"));
	assert_true(strstr(cookie, "Max-Age=0") != NULL);
}

static void a_login_that_is_none_gives_nothing(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "x", "{\"token\":1}",
	    "{\"token\":\"\"}", "{\"token\":\"good\",\"x\":1}",
	    "{\"token\":\"go od\"}"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    post_status(h, "/api/v1/session", PAGE, bad[i]), 400);
	assert_int_equal(harness_count(h, "whoami"), 0);
	assert_int_equal(
	    post_status(h, "/api/v1/session", PAGE, "{\"token\":\"go;od\"}"),
	    401);
	assert_int_equal(
	    post_status(h, "/api/v1/session", "", "{\"token\":\"good\"}"), 403);
}

static void wrong_tokens_are_refused_for_a_while(void **state)
{
	struct harness *h = *state;

	for (int i = 0; i < THROTTLE_FAILURES; i++) {
		scoped_val(reply_done) struct reply r =
		    post(h, "/api/v1/session", PAGE, "{\"token\":\"wrong\"}");
		scoped(free) char *cookie = reply_header(&r, "Set-Cookie");

		assert_int_equal(r.status, 401);
		assert_null(cookie);
	}
	assert_int_equal(
	    post_status(h, "/api/v1/session", PAGE, "{\"token\":\"good\"}"),
	    429);
	assert_int_equal(harness_count(h, "whoami"), THROTTLE_FAILURES);
	/* What comes with every request is not counted. */
	assert_int_equal(get_status(h, "/api/v1/session", COOKIE), 200);
}

static void a_cookie_acts_only_for_a_page_of_ours(void **state)
{
	static const char cancel[] = "/api/v1/runs/1/cancel";
	struct harness *h = *state;

	assert_int_equal(post_status(h, cancel, COOKIE PAGE, ""), 200);
	assert_int_equal(post_status(h, cancel,
	                     COOKIE PAGE "Origin: http://localhost\r\n", ""),
	    200);
	assert_int_equal(harness_count(h, "cancel"), 2);
	assert_int_equal(post_status(h, cancel, COOKIE, ""), 403);
	assert_int_equal(
	    post_status(h, cancel, COOKIE "X-Ironbench: other\r\n", ""), 403);
	assert_int_equal(post_status(h, cancel,
	                     COOKIE PAGE "Origin: http://evil.example\r\n", ""),
	    403);
	assert_int_equal(
	    post_status(h, cancel, COOKIE PAGE "Origin: null\r\n", ""), 403);
	assert_int_equal(post_status(h, "/api/v1/runs", COOKIE, ""), 403);
	assert_int_equal(harness_count(h, "cancel"), 2);
	/* A token that the caller had to know is enough. */
	assert_int_equal(post_status(h, cancel,
	                     "Authorization: Bearer good\r\n"
	                     "Origin: http://evil.example\r\n",
	                     ""),
	    200);
}

static void a_cookie_reads_where_reads_need_a_token(void **state)
{
	struct harness *h = *state;

	assert_int_equal(get_status(h, "/api/v1/runs", ""), 401);
	assert_int_equal(get_status(h, "/api/v1/runs", COOKIE), 200);
	assert_int_equal(
	    get_status(h, "/api/v1/runs", "Cookie: ironbench=bad\r\n"), 401);
	who(h, "", "{\"name\":null,\"scopes\":[],\"open_reads\":false}");
}

static void reads_are_open_to_loopback_names_only(void **state)
{
	static const char get[] = "GET /api/v1/runs HTTP/1.1";
	struct harness *h = *state;

	assert_int_equal(raw_status(h, get, "Host: 127.0.0.1:8080\r\n"), 200);
	assert_int_equal(raw_status(h, get, FOREIGN), 401);
	/* A token that is none does not help. */
	assert_int_equal(
	    raw_status(h, get, FOREIGN "Authorization: Bearer bad\r\n"), 401);
	assert_int_equal(
	    raw_status(h, get, FOREIGN "Authorization: Bearer good\r\n"), 200);
	assert_int_equal(raw_status(h, get, FOREIGN COOKIE), 200);
	assert_int_equal(raw_status(h, "GET /api/v1/runs HTTP/1.0", ""), 401);
	assert_int_equal(raw_status(h, "GET /health HTTP/1.1", FOREIGN), 200);
}

#define open_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cookie_is_found_among_others),
	    cmocka_unit_test(only_addresses_and_localhost_are_loopback),
	    cmocka_unit_test(an_origin_is_the_host_or_another_site),
	    cmocka_unit_test(wrong_tokens_are_counted_by_address_and_time),
	    open_test(a_session_says_who_the_caller_is),
	    open_test(a_login_gives_a_cookie_that_scripts_cannot_read),
	    open_test(a_cookie_behind_tls_is_for_tls_only),
	    open_test(a_logout_takes_the_cookie_back),
	    open_test(a_login_that_is_none_gives_nothing),
	    open_test(wrong_tokens_are_refused_for_a_while),
	    open_test(a_cookie_acts_only_for_a_page_of_ours),
	    cmocka_unit_test_setup_teardown(
	        a_cookie_reads_where_reads_need_a_token, setup_closed,
	        teardown),
	    open_test(reads_are_open_to_loopback_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
