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
	    cmocka_unit_test(an_unchanged_file_is_not_sent_again),
	    cmocka_unit_test(a_page_that_is_none_is_the_document_with_404),
	    cmocka_unit_test(a_program_is_told_where_the_interface_is),
	    cmocka_unit_test(a_page_takes_no_post_and_machines_boot_from_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
