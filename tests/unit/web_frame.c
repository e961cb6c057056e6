/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames, paths, queries and the JSON writer: what needs no process. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "web/json.h"
#include "web/path.h"
#include "web/web.h"

static void a_frame_split_at_every_byte_arrives_whole(void **state)
{
	scoped_val(buf_done) struct buf whole = BUF_INIT(4096);
	struct web_frame frame;
	struct err err = ERR_INIT;

	(void)state;
	web_frame_put(&whole, "{\"id\":1}", "body\0x", 6);
	web_frame_put(&whole, "{}", NULL, 0);
	assert_false(whole.failed);
	for (size_t n = 0; n < whole.len; n++) {
		scoped_val(buf_done) struct buf part = BUF_INIT(4096);
		int want = n >= 8 + 8 + 6;

		buf_add(&part, whole.data, n);
		assert_int_equal(web_frame_get(&part, &frame, &err), want);
	}
	assert_int_equal(web_frame_get(&whole, &frame, &err), 1);
	assert_int_equal(frame.header_len, 8);
	assert_memory_equal(frame.header, "{\"id\":1}", 8);
	assert_int_equal(frame.body_len, 6);
	assert_memory_equal(frame.body, "body\0x", 6);
	buf_drop(&whole, frame.size);
	assert_int_equal(web_frame_get(&whole, &frame, &err), 1);
	assert_int_equal(frame.header_len, 2);
	assert_int_equal(frame.body_len, 0);
	buf_drop(&whole, frame.size);
	assert_int_equal(whole.len, 0);
}

static int get(const char *bytes, size_t n)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	struct web_frame frame;
	struct err err = ERR_INIT;

	buf_add(&b, bytes, n);
	return web_frame_get(&b, &frame, &err);
}

static void broken_lengths_are_refused(void **state)
{
	(void)state;
	assert_int_equal(get("\0\0\0\0", 4), -ERR_PROTO);
	assert_int_equal(get("\3\0\0\0", 4), -ERR_PROTO);
	assert_int_equal(get("\4\0\0\0\1\0\0\0", 8), -ERR_PROTO);
	assert_int_equal(get("\4\0\0\0\0\0\0\0", 8), 1);
	assert_int_equal(get("\xff\xff\xff\xff", 4), -ERR_LIMIT);
	assert_int_equal(get("\0\0\x40\0", 4), -ERR_LIMIT);
	assert_int_equal(get("\x10\0\0\0\xff\xff\xff\xff", 8), -ERR_PROTO);
}

static void a_frame_over_the_ceiling_is_not_put(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(3 * WEB_FRAME_MAX);
	scoped(free) char *body = xcalloc(1, WEB_FRAME_MAX);
	struct web_frame frame;
	struct err err = ERR_INIT;

	(void)state;
	web_frame_put(&b, "{}", body, WEB_FRAME_MAX - 10);
	assert_false(b.failed);
	assert_int_equal(web_frame_get(&b, &frame, &err), 1);
	assert_int_equal(frame.size, WEB_FRAME_MAX);
	web_frame_put(&b, "{}", body, WEB_FRAME_MAX - 9);
	assert_true(b.failed);
	assert_int_equal(b.len, WEB_FRAME_MAX);
}

/* ---- paths -------------------------------------------------------------- */

static void segments_are_decoded_one_by_one(void **state)
{
	struct path_args a;

	(void)state;
	assert_true(path_match("/", "/", &a));
	assert_true(path_match("/", "/?x=1", &a));
	assert_true(path_match("/runs/{id}", "/runs/7?a=/b", &a));
	assert_string_equal(a.text[0], "7");
	assert_true(path_match("/boot/{mac}", "/boot/52%3a54%3A00", &a));
	assert_string_equal(a.text[0], "52:54:00");
	assert_true(path_match("/f/{a}/{b}", "/f/x%2F..%2fy/z", &a));
	assert_string_equal(a.text[0], "x/../y");
	assert_string_equal(a.text[1], "z");
	assert_true(path_match("/runs", "/%72uns", &a));
	assert_true(path_match("/{a}", "/a+b", &a));
	assert_string_equal(a.text[0], "a+b");
}

static void hostile_paths_match_nothing(void **state)
{
	static const char *const bad[] = {"", "runs/7", "/runs", "/runs/",
	    "/runs/7/", "/runs//7", "/runs/%", "/runs/%4", "/runs/%zz",
	    "/runs/%00", "/runs/a%00b", "/runs/%ff", "/../runs/7", "*",
	    "http://x/runs/7", "/runs/../7", "//runs/7"};
	struct path_args a;
	char text[2 * PATH_ARG_SIZE] = "/runs/";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(path_match("/runs/{id}", bad[i], &a));
	memset(text + 6, 'x', PATH_ARG_SIZE);
	assert_false(path_match("/runs/{id}", text, &a));
	text[6 + PATH_ARG_SIZE - 1] = '\0';
	assert_true(path_match("/runs/{id}", text, &a));
}

static const struct query_param params[] = {
    {"limit", QUERY_INT, 1, 500, ""},
    {"name", QUERY_TEXT, 0, 0, ""},
    {NULL, QUERY_INT, 0, 0, NULL},
};

static void queries_are_strict(void **state)
{
	static const char *const bad[] = {"/?limit=0", "/?limit=501",
	    "/?limit=", "/?limit", "/?limit=1&limit=2", "/?limit=+1",
	    "/?limit=1x", "/?other=1", "/?name=%", "/?name=%00", "/?name=%ff",
	    "/?lim%00it=1", "/?=1"};
	struct query q;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    query_parse(bad[i], params, &q, &err), -ERR_INVAL);
	assert_int_equal(query_parse("/?other=1", params, &q, &err), -1);
	assert_string_equal(
	    err.msg, "unknown query parameter 'other'; allowed: limit, name");
	assert_int_equal(query_parse("/?x", NULL, &q, &err), -ERR_INVAL);
	assert_int_equal(query_parse("/x", NULL, &q, &err), 0);
	assert_int_equal(query_parse("/x?", NULL, &q, &err), 0);
	assert_int_equal(
	    query_parse("/?&name=a+b%25&limit=500&", params, &q, &err), 0);
	assert_true(q.values[0].set);
	assert_int_equal(q.values[0].number, 500);
	assert_string_equal(q.values[1].text, "a b%");
}

/* ---- JSON --------------------------------------------------------------- */

static void written_json_is_valid_whatever_the_text(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	struct jw w = {.to = &b};

	(void)state;
	jw_object(&w, NULL);
	jw_str(&w, "a\"", "x\\\n\t\x01\xff\xe2\x9c\x93\xc3");
	jw_array(&w, "l");
	jw_int(&w, NULL, INT64_MIN);
	jw_double(&w, NULL, 0.5);
	jw_double(&w, NULL, 1.0 / 0.0);
	jw_bool(&w, NULL, true);
	jw_str(&w, NULL, NULL);
	jw_object(&w, NULL);
	jw_object_end(&w);
	jw_array_end(&w);
	jw_null(&w, "n");
	jw_object_end(&w);
	assert_string_equal(buf_str(&b),
	    "{\"a\\\"\":\"x\\\\\\n\\t\\u0001\xef\xbf\xbd\xe2\x9c\x93"
	    "\xef\xbf\xbd\",\"l\":[-9223372036854775808,0.5,null,true,null,"
	    "{}],\"n\":null}");
}

static void same_as_printf(double v)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(64);
	struct jw w = {.to = &b};
	char text[32];

	(void)snprintf(text, sizeof(text), "%.17g", v);
	jw_double(&w, NULL, v);
	assert_string_equal(buf_str(&b), text);
	assert_true(strtod(buf_str(&b), NULL) == v);
}

static void a_number_is_written_as_printf_writes_17_digits(void **state)
{
	static const double edges[] = {0, -0., 1, -1, 0.1, 1.3, 0.5, 100,
	    0x1p-8, 0x1.fffffffffffffp-9, 0x1.fffffffffffffp-8, 0x1p53,
	    0x1.fffffffffffffp52, 0x1.fffffffffffffp51, 0x1p53 + 2, 1e15, 1e16,
	    1e17, 1e22, 9.9999999999999982, 0.99999999999999989, 99999.9995,
	    4503599627370497.5, 1125899906842624.125, 5e-324, 1e-300, 1e300};
	uint64_t random = UINT64_C(88172645463325252);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		same_as_printf(edges[i]);
	for (int i = 0; i < 200000; i++) {
		double v;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		v = (double)(random >> 11) * 0x1p-53; /* [0, 1) */
		same_as_printf(ldexp(v, i % 70 - 10));
		same_as_printf(-rint(v * 1e6) / 1e3); /* short ones */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_split_at_every_byte_arrives_whole),
	    cmocka_unit_test(broken_lengths_are_refused),
	    cmocka_unit_test(a_frame_over_the_ceiling_is_not_put),
	    cmocka_unit_test(segments_are_decoded_one_by_one),
	    cmocka_unit_test(hostile_paths_match_nothing),
	    cmocka_unit_test(queries_are_strict),
	    cmocka_unit_test(written_json_is_valid_whatever_the_text),
	    cmocka_unit_test(a_number_is_written_as_printf_writes_17_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
