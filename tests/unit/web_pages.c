/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages as a browser gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"

#define BROWSER "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n"

static int setup(void **state)
{
	/* Pages need no token where reads do. */
	*state = harness_new(READS_NEED_TOKEN);
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static struct reply get(
    struct harness *h, const char *path, const char *headers)
{
	return http_get(harness_port(h), path, headers);
}

static void expect_header(
    const struct reply *r, const char *name, const char *want)
{
	scoped(free) char *value = reply_header(r, name);

	assert_non_null(value);
	assert_string_equal(value, want);
}

static bool is_document(const struct reply *r)
{
	return strstr(r->body, "<title>ironbench</title>") != NULL;
}

static void every_page_is_the_same_document(void **state)
{
	static const char *const paths[] = {"/", "/runs/12",
	    "/runs/12?cell=fpu&filter=%3Cx%3E", "/runs/12/overhead", "/jobs/3",
	    "/machines", "/machines/t16-1", "/overhead", "/history", "/imports",
	    "/imports/7", "/compare", "/login"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(reply_done) struct reply r =
		    get(h, paths[i], BROWSER);

		assert_int_equal(r.status, 200);
		assert_true(is_document(&r));
		expect_header(&r, "Content-Type", "text/html; charset=utf-8");
	}
}

static void a_page_may_load_nothing_from_elsewhere(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r = get(h, "/", BROWSER);

	expect_header(&r, "Content-Security-Policy",
	    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
	    "form-action 'self'");
	expect_header(&r, "X-Content-Type-Options", "nosniff");
	expect_header(&r, "Referrer-Policy", "no-referrer");
	expect_header(&r, "Cache-Control", "no-cache");
	/* No script or style stands in it. */
	assert_null(strstr(r.body, "<style"));
	assert_null(strstr(r.body, "style="));
	assert_null(strstr(r.body, "</script>\n<script>"));
}

/* What src or href of the document names, from the text on; caller frees. */
static char *linked(const struct reply *r, const char *start)
{
	const char *at = strstr(r->body, start);

	assert_non_null(at);
	return xstrndup(at, strcspn(at, "\""));
}

static void what_the_document_loads_is_there(void **state)
{
	static const struct {
		const char *start;
		const char *type;
	} list[] = {
	    {"/assets/app.js", "text/javascript; charset=utf-8"},
	    {"/assets/app.css", "text/css; charset=utf-8"},
	    {"/assets/favicon.svg", "image/svg+xml"},
	};
	struct harness *h = *state;
	scoped_val(reply_done) struct reply page = get(h, "/", BROWSER);

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		scoped(free) char *path = linked(&page, list[i].start);
		scoped_val(reply_done) struct reply r = get(h, path, "");

		assert_int_equal(r.status, 200);
		assert_true(r.body_len > 0);
		expect_header(&r, "Content-Type", list[i].type);
	}
}

/* Whether it came by gzip, and says that it depends on what is asked. */
static bool is_packed(const struct reply *r)
{
	scoped(free) char *encoding = reply_header(r, "Content-Encoding");

	assert_int_equal(r->status, 200);
	expect_header(r, "Vary", "Accept-Encoding");
	if (!encoding)
		return false;
	assert_string_equal(encoding, "gzip");
	assert_memory_equal(r->body, "\x1f\x8b", 2);
	return true;
}

static void who_takes_gzip_gets_less(void **state)
{
	static const struct {
		const char *header;
		bool packed;
	} list[] = {
	    {"Accept-Encoding: gzip, deflate, br\r\n", true},
	    {"Accept-Encoding: br, GZIP\r\n", true},
	    {"Accept-Encoding: br;q=1.0, gzip;q=0.5\r\n", true},
	    {"Accept-Encoding: gzip;q=0\r\n", false},
	    {"Accept-Encoding: gzipped\r\n", false},
	    {"Accept-Encoding: identity\r\n", false},
	    {"Accept-Encoding:\r\n", false},
	};
	struct harness *h = *state;
	scoped_val(reply_done) struct reply plain =
	    get(h, "/assets/app.js", "");

	assert_false(is_packed(&plain));
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		scoped_val(reply_done) struct reply r =
		    get(h, "/assets/app.js", list[i].header);

		if (is_packed(&r) != list[i].packed)
			fail_msg("%s", list[i].header);
		if (list[i].packed)
			assert_true(r.body_len < plain.body_len / 2);
		else
			assert_int_equal(r.body_len, plain.body_len);
	}
}

static void each_encoding_has_its_etag(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply plain =
	    get(h, "/assets/app.js", "");
	scoped_val(reply_done) struct reply packed =
	    get(h, "/assets/app.js", "Accept-Encoding: gzip\r\n");
	scoped(free) char *one = reply_header(&plain, "ETag");
	scoped(free) char *two = reply_header(&packed, "ETag");
	scoped(free) char *kept =
	    xasprintf("Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", two);
	scoped(free) char *other =
	    xasprintf("Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", one);
	scoped_val(reply_done) struct reply same =
	    get(h, "/assets/app.js", kept);
	scoped_val(reply_done) struct reply again =
	    get(h, "/assets/app.js", other);

	assert_string_not_equal(one, two);
	assert_int_equal(same.status, 304);
	assert_int_equal(again.status, 200);
}

static void an_unchanged_file_is_not_sent_again(void **state)
{
	static const char *const paths[] = {"/", "/assets/app.js"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(reply_done) struct reply first =
		    get(h, paths[i], BROWSER);
		scoped(free) char *etag = reply_header(&first, "ETag");
		scoped(free) char *same =
		    xasprintf(BROWSER "If-None-Match: \"x\", W/%s\r\n", etag);
		scoped_val(reply_done) struct reply second =
		    get(h, paths[i], same);
		scoped_val(reply_done) struct reply other =
		    get(h, paths[i], BROWSER "If-None-Match: \"x\"\r\n");

		assert_int_equal(second.status, 304);
		assert_int_equal(second.body_len, 0);
		expect_header(&second, "ETag", etag);
		assert_int_equal(other.status, 200);
		assert_int_equal(other.body_len, first.body_len);
	}
}

static void a_page_that_is_none_is_the_document_with_404(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply page =
	    get(h, "/nothing/here", BROWSER);
	scoped_val(reply_done) struct reply text = get(h, "/nothing/here", "");
	scoped_val(reply_done) struct reply api =
	    get(h, "/api/v1/nothing", BROWSER);
	scoped_val(reply_done) struct reply asset =
	    get(h, "/assets/index.html", BROWSER);
	scoped_val(reply_done) struct reply up =
	    get(h, "/assets/..%2Findex.html", BROWSER);

	assert_int_equal(page.status, 404);
	assert_true(is_document(&page));
	expect_header(&page, "Cache-Control", "no-store");
	assert_int_equal(text.status, 404);
	assert_false(is_document(&text));
	assert_int_equal(api.status, 404);
	assert_false(is_document(&api));
	assert_int_equal(asset.status, 404);
	assert_int_equal(up.status, 404);
	assert_false(is_document(&up));
}

static void a_program_is_told_where_the_interface_is(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r = get(h, "/", "Accept: */*\r\n");

	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "/api/v1/openapi.json"));
	assert_false(is_document(&r));
}

static void a_page_takes_no_post_and_machines_boot_from_none(void **state)
{
	struct harness *h = *state;
	scoped_val(reply_done) struct reply post =
	    http_post(harness_port(h), "/login", BROWSER, NULL);
	scoped_val(reply_done) struct reply boot =
	    http_get(harness_boot_port(h), "/runs/1", BROWSER);

	assert_int_equal(post.status, 405);
	expect_header(&post, "Allow", "GET, HEAD");
	assert_int_equal(boot.status, 404);
	assert_false(is_document(&boot));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_page_is_the_same_document),
	    cmocka_unit_test(a_page_may_load_nothing_from_elsewhere),
	    cmocka_unit_test(what_the_document_loads_is_there),
	    cmocka_unit_test(who_takes_gzip_gets_less),
	    cmocka_unit_test(each_encoding_has_its_etag),
	    cmocka_unit_test(an_unchanged_file_is_not_sent_again),
	    cmocka_unit_test(a_page_that_is_none_is_the_document_with_404),
	    cmocka_unit_test(a_program_is_told_where_the_interface_is),
	    cmocka_unit_test(a_page_takes_no_post_and_machines_boot_from_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
