/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens, and what is submitted: bytes arrive as sent or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"
#include "web/web.h"

#define BEARER "Authorization: Bearer good\r\n"
#define FORM "Content-Type: multipart/form-data; boundary=XyZ\r\n"
#define BIG_BYTES (3 << 20)

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

static int status_of(struct harness *h, const char *path, const char *headers)
{
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), path, headers);

	return r.status;
}

static void reads_need_a_token_off_loopback(void **state)
{
	/* x:reader */
	static const char basic[] = "Authorization: Basic eDpyZWFkZXI=\r\n";
	struct harness *h = *state;

	assert_int_equal(status_of(h, "/api/v1/runs", ""), 401);
	assert_int_equal(harness_count(h, "auth"), 0);
	assert_int_equal(status_of(h, "/api/v1/runs", BEARER), 200);
	assert_int_equal(status_of(h, "/api/v1/runs", basic), 200);
	assert_int_equal(
	    status_of(h, "/api/v1/runs", "Authorization: Bearer bad\r\n"), 401);
	assert_int_equal(harness_count(h, "auth"), 3);
	assert_int_equal(status_of(h, "/events", ""), 401);
	assert_int_equal(status_of(h, "/health", ""), 200);
	assert_int_equal(status_of(h, "/api/v1/openapi.json", ""), 200);
}

/* ---- forms -------------------------------------------------------------- */

static void part(struct buf *to, const char *name, const char *filename,
    const void *data, size_t len)
{
	buf_printf(
	    to, "--XyZ\r\nContent-Disposition: form-data; name=\"%s\"", name);
	if (filename)
		buf_printf(to,
		    "; filename=\"%s\"\r\n"
		    "Content-Type: application/octet-stream",
		    filename);
	buf_puts(to, "\r\n\r\n");
	buf_add(to, data, len);
	buf_puts(to, "\r\n");
}

static void field(struct buf *to, const char *name, const char *value)
{
	part(to, name, NULL, value, strlen(value));
}

static void config(struct buf *to)
{
	part(to, "config", "my.yaml", "boot_items: []\n", 15);
}

static void form_end(struct buf *to)
{
	buf_puts(to, "--XyZ--\r\n");
}

static struct reply submit(
    struct harness *h, const char *path, const struct buf *form)
{
	return http_post(harness_port(h), path, BEARER FORM, form);
}

/* Bytes that contain line ends, dashes and near-boundaries. */
static char *awkward_bytes(size_t len)
{
	static const char seed[] = "\r\n--XyY\r\n--Xy\0\xff\r\r\n-";
	char *data = xcalloc(len, 1);

	for (size_t i = 0; i < len; i++)
		data[i] = seed[(i + i / 1021) % (sizeof(seed) - 1)];
	return data;
}

static void assert_upload(
    struct harness *h, json_t *upload, const void *data, size_t len)
{
	scoped_val(buf_done) struct buf b =
	    harness_upload(h, json_integer_value(upload));

	assert_int_equal(b.len, len);
	if (len)
		assert_memory_equal(b.data, data, len);
}

static void bytes_arrive_identical(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(64 << 20);
	scoped(free) char *big = awkward_bytes(BIG_BYTES);
	int closed = harness_count(h, "close");
	struct reply r;
	json_t *files;
	json_t *op;

	field(&form, "name", "n\xc3\xa4me");
	part(&form, "file", "a/b.elf32", big, BIG_BYTES);
	config(&form);
	field(&form, "priority", "-1");
	part(&form, "file", "empty", "", 0);
	part(&form, "boot_files", "b.zip", big + 7, 70000);
	part(&form, "file", "c", "x", 1);
	form_end(&form);
	r = submit(h, "/api/v1/runs", &form);
	assert_string_equal(r.body, "{\"id\":77,\"warnings\":[]}");
	assert_int_equal(r.status, 201);
	reply_done(&r);
	op = harness_op(h, "submit");
	assert_string_equal(text(op, "name"), "n\xc3\xa4me");
	assert_string_equal(text(op, "url"), "");
	assert_string_equal(text(op, "token"), "good");
	assert_string_equal(text(op, "config_name"), "my.yaml");
	assert_int_equal(
	    json_integer_value(json_object_get(op, "priority")), -1);
	files = json_object_get(op, "files");
	assert_int_equal(json_array_size(files), 3);
	assert_string_equal(
	    text(json_array_get(files, 0), "path"), "a/b.elf32");
	assert_upload(h, json_object_get(json_array_get(files, 0), "upload"),
	    big, BIG_BYTES);
	assert_upload(
	    h, json_object_get(json_array_get(files, 1), "upload"), "", 0);
	assert_upload(
	    h, json_object_get(json_array_get(files, 2), "upload"), "x", 1);
	assert_upload(h, json_object_get(op, "boot_files"), big + 7, 70000);
	assert_upload(h, json_object_get(op, "config"), "boot_items: []\n", 15);
	json_decref(op);
	assert_int_equal(harness_count(h, "close"), closed);
}

static void sotest_gets_just_the_id(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(65536);
	struct reply r;

	config(&form);
	form_end(&form);
	r = http_post(harness_port(h), "/test_runs",
	    /* user:good */
	    "Authorization: Basic dXNlcjpnb29k\r\n" FORM, &form);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "77");
	reply_done(&r);
}

static void a_refused_submit_drops_its_uploads(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(65536);
	int closed = harness_count(h, "close");
	struct reply r;

	field(&form, "name", "refuse");
	config(&form);
	part(&form, "file", "f", "1", 1);
	form_end(&form);
	r = submit(h, "/api/v1/runs", &form);
	assert_int_equal(r.status, 400);
	reply_done(&r);
	harness_wait_count(h, "close", closed + 2);
}

/* Submits a form that is wrong: 400 with the words, and no op "submit". */
static void refused(struct harness *h, struct buf *form, const char *words)
{
	int before = harness_count(h, "submit");
	struct reply r = submit(h, "/api/v1/runs", form);

	if (!strstr(r.body, words))
		fail_msg("%d %s", r.status, r.body);
	assert_true(r.status == 400 || r.status == 413);
	assert_int_equal(harness_count(h, "submit"), before);
	reply_done(&r);
	buf_reset(form);
}

static void a_form_that_is_wrong_is_refused(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(8 << 20);
	scoped(free) char *long_text = xcalloc(1, 5001);

	memset(long_text, 'x', 5000);
	field(&form, "name", "x");
	form_end(&form);
	refused(h, &form, "'config' is missing");
	config(&form);
	config(&form);
	form_end(&form);
	refused(h, &form, "given once");
	config(&form);
	field(&form, "what", "x");
	form_end(&form);
	refused(h, &form, "unknown part 'what'");
	config(&form);
	part(&form, "file", "../up", "x", 1);
	form_end(&form);
	refused(h, &form, "not a relative path");
	config(&form);
	field(&form, "priority", "1e3");
	form_end(&form);
	refused(h, &form, "priority: ");
	config(&form);
	field(&form, "name", "\xff");
	form_end(&form);
	refused(h, &form, "not UTF-8");
	config(&form);
	field(&form, "url", long_text);
	form_end(&form);
	refused(h, &form, "url: over 4096");
	config(&form);
	refused(h, &form, "cut short");
}

static void too_many_files_are_refused(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(8 << 20);
	int opened = harness_count(h, "open");
	int closed = harness_count(h, "close");

	config(&form);
	for (int i = 0; i < WEB_FILES_MAX + 1; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%d", i);
		part(&form, "file", name, "", 0);
	}
	form_end(&form);
	refused(h, &form, "over 256 files");
	harness_wait_count(
	    h, "close", closed + harness_count(h, "open") - opened);
}

/* ---- before the body ---------------------------------------------------- */

static int head_only(struct harness *h, const char *lines)
{
	scoped(free) char *head = xasprintf(
	    "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n" FORM "%s\r\n",
	    lines);
	scoped_val(reply_done) struct reply r =
	    http_send(harness_port(h), head, strlen(head));

	return r.status;
}

static void a_bad_token_is_refused_before_the_body(void **state)
{
	struct harness *h = *state;
	int opened = harness_count(h, "open");

	assert_int_equal(head_only(h, "Content-Length: 1000000\r\n"), 401);
	assert_int_equal(head_only(h,
	                     "Content-Length: 1000000\r\n"
	                     "Authorization: Bearer bad\r\n"),
	    401);
	assert_int_equal(head_only(h,
	                     "Content-Length: 1000000\r\n"
	                     "Authorization: Bearer reader\r\n"),
	    403);
	assert_int_equal(harness_count(h, "open"), opened);
}

static void a_body_too_large_is_refused_before_it_is_read(void **state)
{
	struct harness *h = *state;

	assert_int_equal(
	    head_only(h, BEARER "Content-Length: 9000000000\r\n"), 413);
}

static void a_body_that_is_no_form_is_refused(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf body = BUF_INIT(64);
	struct reply r;

	buf_puts(&body, "{}");
	r = http_post(harness_port(h), "/api/v1/runs",
	    BEARER "Content-Type: application/json\r\n", &body);
	assert_int_equal(r.status, 400);
	reply_done(&r);
}

static void a_client_that_waits_is_told_to_continue(void **state)
{
	static const char head[] =
	    "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n" BEARER FORM
	    "Expect: 100-continue\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n";
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(4096);
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	scoped(free) char *size = NULL;
	int fd = client_connect(harness_port(h));

	config(&form);
	form_end(&form);
	client_send(fd, head, sizeof(head) - 1);
	client_read_until(fd, &in, "100 Continue\r\n\r\n");
	size = xasprintf("%zx\r\n", form.len);
	client_send(fd, size, strlen(size));
	/* One byte at a time, so that every place is a place to stop. */
	for (size_t i = 0; i < form.len; i++)
		client_send(fd, form.data + i, 1);
	client_send(fd, "\r\n0\r\n\r\n", 7);
	client_read_until(fd, &in, "{\"id\":77,\"warnings\":[]}");
	(void)close(fd);
}

static void a_client_that_goes_away_leaves_no_upload(void **state)
{
	static const char head[] =
	    "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 100000\r\n" BEARER FORM "\r\n";
	struct harness *h = *state;
	scoped_val(buf_done) struct buf form = BUF_INIT(4096);
	int opened = harness_count(h, "open");
	int closed = harness_count(h, "close");
	int fd = client_connect(harness_port(h));

	config(&form);
	client_send(fd, head, sizeof(head) - 1);
	client_send(fd, form.data, form.len);
	harness_wait_count(h, "open", opened + 1);
	(void)close(fd);
	harness_wait_count(h, "close", closed + 1);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(reads_need_a_token_off_loopback),
	    TEST(bytes_arrive_identical),
	    TEST(sotest_gets_just_the_id),
	    TEST(a_refused_submit_drops_its_uploads),
	    TEST(a_form_that_is_wrong_is_refused),
	    TEST(too_many_files_are_refused),
	    TEST(a_bad_token_is_refused_before_the_body),
	    TEST(a_body_too_large_is_refused_before_it_is_read),
	    TEST(a_body_that_is_no_form_is_refused),
	    TEST(a_client_that_waits_is_told_to_continue),
	    TEST(a_client_that_goes_away_leaves_no_upload),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
