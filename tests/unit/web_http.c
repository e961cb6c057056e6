/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP interface as a client sees it. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "tests/unit/web_harness.h"

#define BEARER "Authorization: Bearer good\r\n"

static int setup(void **state)
{
	*state = harness_new(READS_OPEN);
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static json_t *parsed(const struct reply *r)
{
	json_t *doc = json_loadb(r->body, r->body_len, JSON_DECODE_ANY, NULL);

	if (!doc)
		fail_msg("no JSON: %s", r->body);
	return doc;
}

/* GETs a path: its status, and the JSON of it. */
static json_t *get_json(struct harness *h, const char *path, int status)
{
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), path, "");

	if (r.status != status)
		fail_msg("%s: %d %s", path, r.status, r.body);
	return parsed(&r);
}

static const char *text(json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "(none)";
}

static int64_t number(json_t *doc, const char *key)
{
	return json_integer_value(json_object_get(doc, key));
}

static char *path_of(const char *fmt, int64_t id)
{
	char n[24];
	const char *at = strstr(fmt, "{id}");

	(void)snprintf(n, sizeof(n), "%" PRId64, id);
	return xasprintf("%.*s%s%s", (int)(at - fmt), fmt, n, at + 4);
}

/* ---- reading ------------------------------------------------------------ */

static void runs_are_listed_with_their_number(void **state)
{
	struct harness *h = *state;
	json_t *doc = get_json(h, "/api/v1/runs?limit=5&name=first%25", 200);
	json_t *run = json_array_get(json_object_get(doc, "runs"), 0);

	assert_int_equal(number(doc, "total"), 1);
	assert_int_equal(number(run, "id"), harness_run(h));
	assert_string_equal(text(run, "name"), "first \"run\"");
	assert_string_equal(text(run, "state"), "done");
	assert_string_equal(text(run, "status"), "success");
	assert_true(json_is_null(json_object_get(run, "commit")));
	assert_int_equal(number(json_object_get(run, "jobs"), "passed"), 2);
	json_decref(doc);
	doc = get_json(h, "/api/v1/runs?name=other", 200);
	assert_int_equal(number(doc, "total"), 0);
	json_decref(doc);
}

static void one_run_and_its_status_are_read(void **state)
{
	struct harness *h = *state;
	scoped(free) char *one = path_of("/api/v1/runs/{id}", harness_run(h));
	scoped(free) char *status =
	    path_of("/test_runs/{id}/status", harness_run(h));
	json_t *doc = get_json(h, one, 200);

	assert_string_equal(text(doc, "user"), "tester");
	json_decref(doc);
	doc = get_json(h, status, 200);
	assert_string_equal(json_string_value(doc), "success");
	json_decref(doc);
}

static void a_matrix_has_a_cell_for_every_pair(void **state)
{
	struct harness *h = *state;
	scoped(free) char *path =
	    path_of("/api/v1/runs/{id}/matrix", harness_run(h));
	json_t *doc = get_json(h, path, 200);
	json_t *rows = json_object_get(doc, "rows");
	json_t *cell = json_array_get(json_array_get(rows, 0), 0);

	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(json_array_size(json_object_get(doc, "items")), 2);
	assert_string_equal(text(cell, "sign"), "\u2713");
	assert_string_equal(text(cell, "state"), "done");
	assert_int_equal(number(cell, "job"), harness_job(h));
	assert_true(json_is_null(json_array_get(json_array_get(rows, 0), 1)));
	cell = json_array_get(json_array_get(rows, 1), 0);
	assert_string_equal(text(cell, "sign"), "*");
	assert_int_equal(json_object_size(cell), 1);
	cell = json_array_get(json_array_get(rows, 1), 1);
	assert_int_equal(number(cell, "job"), harness_job(h) + 1);
	json_decref(doc);
}

static void a_job_has_attempts_events_cases_and_samples(void **state)
{
	struct harness *h = *state;
	scoped(free) char *path = path_of("/api/v1/jobs/{id}", harness_job(h));
	json_t *doc = get_json(h, path, 200);
	json_t *attempt = json_array_get(json_object_get(doc, "attempts"), 0);
	json_t *events = json_object_get(doc, "events");
	json_t *row = json_array_get(json_object_get(doc, "cases"), 0);

	assert_string_equal(text(doc, "item"), "cpuid");
	assert_string_equal(text(doc, "outcome"), "pass");
	assert_string_equal(text(attempt, "machine"), "t16-1");
	assert_int_equal(number(json_object_get(attempt, "log"), "size"), 16);
	assert_int_equal(json_array_size(events), 6);
	assert_string_equal(
	    text(json_array_get(events, 0), "machine"), "t16-1");
	assert_string_equal(text(json_array_get(events, 4), "outcome"), "pass");
	assert_string_equal(text(row, "result"), "pass");
	row = json_array_get(json_object_get(doc, "samples"), 0);
	assert_int_equal(json_array_size(json_object_get(row, "values")), 2);
	json_decref(doc);
}

struct refusal {
	int status;
	const char *path;
};

static void what_is_not_there_or_not_allowed_is_said(void **state)
{
	static const struct refusal list[] = {{404, "/api/v1/runs/999999"},
	    {404, "/api/v1/runs/999999/matrix"}, {404, "/api/v1/jobs/999999"},
	    {404, "/api/v1/jobs/999999/log"}, {404, "/nothing"},
	    {404, "/api/v1/../v1/runs"}, {404, "/boot/" GOOD_MAC},
	    {400, "/api/v1/runs/x"}, {400, "/api/v1/runs/0"},
	    {400, "/api/v1/runs?limit=501"}, {400, "/api/v1/runs?what=1"},
	    {400, "/health?x=1"}, {405, "/api/v1/runs/1/cancel"}};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		json_t *doc = get_json(h, list[i].path, list[i].status);

		assert_true(json_is_string(json_object_get(doc, "error")));
		json_decref(doc);
	}
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
	static const char request[] =
	    "DELETE /api/v1/runs HTTP/1.1\r\n"
	    "Host: localhost\r\nConnection: close\r\n\r\n";
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r =
	    http_send(harness_port(h), request, sizeof(request) - 1);
	scoped(free) char *allow = reply_header(&r, "Allow");

	assert_int_equal(r.status, 405);
	assert_string_equal(allow, "GET, HEAD, POST");
}

static void every_answer_has_the_security_headers(void **state)
{
	static const char *const names[] = {"Content-Security-Policy",
	    "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"};
	static const char *const paths[] = {
	    "/", "/nothing", "/api/v1/runs", "/health"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(reply_done) struct reply r =
		    http_get(harness_port(h), paths[i], "");

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			scoped(free) char *value = reply_header(&r, names[k]);

			assert_non_null(value);
		}
	}
}

static void head_is_get_without_the_body(void **state)
{
	static const char request[] = "HEAD / HTTP/1.1\r\nHost: localhost\r\n"
	                              "Connection: close\r\n\r\n";
	struct harness *h = *state;
	scoped_val(reply_done) struct reply r =
	    http_send(harness_port(h), request, sizeof(request) - 1);
	scoped(free) char *length = reply_header(&r, "Content-Length");

	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_len, 0);
	assert_string_not_equal(length, "0");
}

static void the_openapi_document_has_every_route(void **state)
{
	struct harness *h = *state;
	json_t *doc = get_json(h, "/api/v1/openapi.json", 200);
	json_t *paths = json_object_get(doc, "paths");
	json_t *runs = json_object_get(paths, "/api/v1/runs");

	assert_string_equal(text(doc, "openapi"), "3.0.3");
	assert_int_equal(json_object_size(paths), 40);
	assert_int_equal(json_array_size(json_object_get(
	                     json_object_get(runs, "get"), "parameters")),
	    4);
	runs = json_object_get(json_object_get(runs, "post"), "requestBody");
	runs = json_object_get(
	    json_object_get(runs, "content"), "multipart/form-data");
	runs = json_object_get(json_object_get(runs, "schema"), "properties");
	assert_int_equal(json_object_size(runs), 7);
	json_decref(doc);
}

static void the_daemon_answers_what_it_has_in_memory(void **state)
{
	struct harness *h = *state;
	json_t *doc = get_json(h, "/health", 200);

	assert_string_equal(text(doc, "status"), "ok");
	json_decref(doc);
	doc = get_json(h, "/api/v1/machines", 200);
	assert_non_null(json_object_get(doc, "machines"));
	json_decref(doc);
}

/* ---- the log ------------------------------------------------------------ */

struct range_case {
	const char *range;
	int status;
	const char *body;
	const char *content_range;
};

static void a_log_honours_ranges(void **state)
{
	static const struct range_case list[] = {
	    {"", 200, "0123456789abcdef", NULL},
	    {"Range: bytes=0-0\r\n", 206, "0", "bytes 0-0/16"},
	    {"Range: bytes=10-\r\n", 206, "abcdef", "bytes 10-15/16"},
	    {"Range: bytes=4-99\r\n", 206, "456789abcdef", "bytes 4-15/16"},
	    {"Range: bytes=-3\r\n", 206, "def", "bytes 13-15/16"},
	    {"Range: bytes=-99\r\n", 206, "0123456789abcdef", "bytes 0-15/16"},
	    {"Range: bytes=16-\r\n", 416, "", "bytes */16"},
	    {"Range: bytes=-0\r\n", 416, "", "bytes */16"},
	    {"Range: bytes=0-1,3-4\r\n", 200, "0123456789abcdef", NULL},
	    {"Range: lines=0-1\r\n", 200, "0123456789abcdef", NULL},
	    {"Range: bytes=5-4\r\n", 200, "0123456789abcdef", NULL},
	};
	struct harness *h = *state;
	scoped(free) char *path =
	    path_of("/api/v1/jobs/{id}/log?attempt=1", harness_job(h));

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		scoped_val(reply_done) struct reply r =
		    http_get(harness_port(h), path, list[i].range);
		scoped(free) char *range = reply_header(&r, "Content-Range");
		scoped(free) char *type = reply_header(&r, "Content-Type");

		assert_int_equal(r.status, list[i].status);
		assert_string_equal(r.body, list[i].body);
		assert_true(str_eq(range, list[i].content_range));
		assert_string_equal(type, "text/plain; charset=utf-8");
	}
}

static void another_attempt_has_no_log(void **state)
{
	struct harness *h = *state;
	scoped(free) char *path =
	    path_of("/api/v1/jobs/{id}/log?attempt=2", harness_job(h));

	json_decref(get_json(h, path, 404));
}

static void a_gap_reads_as_one_marker_line(void **state)
{
	static const char marker[] = " bytes were not kept]\n";
	struct harness *h = *state;
	scoped(free) char *path =
	    path_of("/api/v1/jobs/{id}/log", harness_gap_job(h));
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), path, "");
	scoped(free) char *gap = reply_header(&r, "X-Log-Gap");
	scoped(free) char *length = reply_header(&r, "Content-Length");
	scoped(free) char *size = xasprintf("%zu", r.body_len);
	size_t head = strspn(r.body, "-");

	assert_int_equal(r.status, 200);
	assert_int_equal(head, DB_LOG_HEAD_MAX);
	assert_true(str_starts(r.body + head, "\n[ironbench: "));
	assert_non_null(strstr(r.body + head, marker));
	assert_string_equal(length, size);
	assert_true(str_starts(gap, "33554432-"));
}

static void a_range_across_a_gap_is_cut_to_one_stretch(void **state)
{
	struct harness *h = *state;
	scoped(free) char *path =
	    path_of("/api/v1/jobs/{id}/log", harness_gap_job(h));
	scoped_val(reply_done) struct reply before = http_get(
	    harness_port(h), path, "Range: bytes=33554430-69206015\r\n");
	scoped_val(reply_done) struct reply inside = http_get(
	    harness_port(h), path, "Range: bytes=33554432-69206015\r\n");
	scoped(free) char *range = reply_header(&before, "Content-Range");

	assert_int_equal(before.status, 206);
	assert_int_equal(before.body_len, 2);
	assert_string_equal(range, "bytes 33554430-33554431/69206016");
	assert_int_equal(inside.status, 206);
	/* All of the tail, from where it begins. */
	assert_true(inside.body_len > 16 << 20);
	assert_int_equal(strspn(inside.body, "-"), inside.body_len);
}

/* ---- acts --------------------------------------------------------------- */

static int post(struct harness *h, const char *path, const char *headers,
    const char *body, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	struct reply r;
	int status;

	buf_puts(&b, body);
	r = http_post(harness_port(h), path, headers, &b);
	if (want && !str_eq(r.body, want))
		fail_msg("%s: %d %s", path, r.status, r.body);
	status = r.status;
	reply_done(&r);
	return status;
}

static void acts_pass_the_token_and_the_daemon_decides(void **state)
{
	struct harness *h = *state;
	json_t *op;

	assert_int_equal(
	    post(h, "/api/v1/runs/7/cancel", BEARER, "", "{\"cancelled\":3}"),
	    200);
	assert_int_equal(
	    post(h, "/api/v1/runs/7/rerun", BEARER, "", "{\"id\":78}"), 201);
	op = harness_op(h, "rerun");
	assert_null(json_object_get(op, "only"));
	json_decref(op);
	assert_int_equal(post(h, "/api/v1/runs/7/rerun", BEARER,
	                     "{\"only\":\"failed\"}", "{\"id\":78}"),
	    201);
	op = harness_op(h, "rerun");
	assert_string_equal(text(op, "only"), "failed");
	json_decref(op);
	assert_int_equal(post(h, "/api/v1/runs/7/rerun", BEARER,
	                     "{\"only\":\"passed\"}", NULL),
	    400);
	assert_int_equal(post(h, "/api/v1/runs/7/cancel", "", "", NULL), 401);
	op = harness_op(h, "cancel");
	assert_int_equal(number(op, "run"), 7);
	assert_string_equal(text(op, "token"), "");
	assert_string_equal(text(op, "remote"), "127.0.0.1");
	json_decref(op);
	assert_int_equal(
	    post(h, "/api/v1/machines/t16%2D1/offline", BEARER,
	        "{\"why\":\"new fan\"}", "{\"health\":\"maintenance\"}"),
	    200);
	op = harness_op(h, "machine");
	assert_string_equal(text(op, "machine"), "t16-1");
	assert_string_equal(text(op, "do"), "offline");
	assert_string_equal(text(op, "why"), "new fan");
	json_decref(op);
}

static void a_body_that_is_wrong_is_refused(void **state)
{
	static const char path[] = "/api/v1/machines/t16-1/online";
	struct harness *h = *state;

	assert_int_equal(post(h, path, BEARER, "", NULL), 200);
	assert_int_equal(post(h, path, BEARER, "{", NULL), 400);
	assert_int_equal(post(h, path, BEARER, "[]", NULL), 400);
	assert_int_equal(post(h, path, BEARER, "{\"x\":1}", NULL), 400);
	assert_int_equal(post(h, path, BEARER, "{\"why\":1}", NULL), 400);
	assert_int_equal(
	    post(h, path, "Authorization: Bearer \r\n", "", NULL), 400);
	assert_int_equal(
	    post(h, path, "Authorization: Digest x\r\n", "", NULL), 400);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest open_tests[] = {
	    TEST(runs_are_listed_with_their_number),
	    TEST(one_run_and_its_status_are_read),
	    TEST(a_matrix_has_a_cell_for_every_pair),
	    TEST(a_job_has_attempts_events_cases_and_samples),
	    TEST(what_is_not_there_or_not_allowed_is_said),
	    TEST(a_wrong_method_is_told_the_right_ones),
	    TEST(every_answer_has_the_security_headers),
	    TEST(head_is_get_without_the_body),
	    TEST(the_openapi_document_has_every_route),
	    TEST(the_daemon_answers_what_it_has_in_memory),
	    TEST(a_log_honours_ranges),
	    TEST(another_attempt_has_no_log),
	    TEST(a_gap_reads_as_one_marker_line),
	    TEST(a_range_across_a_gap_is_cut_to_one_stretch),
	    TEST(acts_pass_the_token_and_the_daemon_decides),
	    TEST(a_body_that_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(open_tests, setup, teardown);
}
