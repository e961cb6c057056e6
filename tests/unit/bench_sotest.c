/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of the SOTEST protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bench/sotest.h"

static enum sotest_kind kind_of(const char *line)
{
	struct sotest_line l;

	sotest_line_parse(line, strlen(line), &l);
	return l.kind;
}

static void each_symbol_is_known(void **state)
{
	static const struct {
		const char *line;
		enum sotest_kind kind;
	} rows[] = {
	    {"SOTEST VERSION 1 BEGIN 7", SOTEST_BEGIN},
	    {"SOTEST VERSION 1 BEGIN 0", SOTEST_BEGIN},
	    {"SOTEST SUCCESS", SOTEST_SUCCESS},
	    {"SOTEST SUCCESS \"name\"", SOTEST_SUCCESS},
	    {"SOTEST FAIL", SOTEST_FAIL},
	    {"SOTEST FAIL \"name\"", SOTEST_FAIL},
	    {"SOTEST SKIP", SOTEST_SKIP},
	    {"SOTEST \"1\" BENCHMARK \"less\" 5 \"us\" \"x\"",
	        SOTEST_BENCHMARK},
	    {"SOTEST BENCHMARK 5 \"us\" \"x\"", SOTEST_BENCHMARK},
	    {"SOTEST BENCHMARK:x:us:5", SOTEST_BENCHMARK},
	    {"SOTEST TIMEOUT 18000", SOTEST_TIMEOUT},
	    {"SOTEST END", SOTEST_END},
	    {"SOTEST PANIC", SOTEST_PANIC},
	    {"test case: test_x", SOTEST_NAME},
	    {"Assertion failed @ a.c:1: 'x'", SOTEST_ASSERTION},
	    {"Expect: x failed @ a.c:1", SOTEST_ASSERTION},
	    {"[a.c:1]  Assertion failed: x", SOTEST_ASSERTION},
	    {"Expect: the best", SOTEST_OTHER},
	    {"", SOTEST_OTHER},
	    {"SOTEST", SOTEST_OTHER},
	    {"SOTEST ", SOTEST_REFUSED},
	    {"SOTEST WHAT", SOTEST_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (kind_of(rows[i].line) != rows[i].kind)
			fail_msg("%s: %d", rows[i].line, kind_of(rows[i].line));
}

static void a_suffix_is_tolerated_and_a_prefix_is_not(void **state)
{
	(void)state;
	assert_int_equal(kind_of("SOTEST END[  1.0] x"), SOTEST_END);
	assert_int_equal(kind_of("SOTEST SUCCESS \"a\" x"), SOTEST_SUCCESS);
	assert_int_equal(kind_of("SOTEST SUCCESS \"a"), SOTEST_SUCCESS);
	assert_int_equal(kind_of("SOTEST VERSION 1 BEGIN 7 x"), SOTEST_BEGIN);
	assert_int_equal(kind_of("SOTEST BENCHMARK:a:b:5 x"), SOTEST_BENCHMARK);
	assert_int_equal(kind_of(" SOTEST END"), SOTEST_OTHER);
	assert_int_equal(kind_of("> SOTEST SUCCESS"), SOTEST_OTHER);
	assert_int_equal(kind_of("\"SOTEST PANIC"), SOTEST_OTHER);
}

static void an_absurd_number_refuses_its_line(void **state)
{
	static const char *const lines[] = {
	    "SOTEST VERSION 1 BEGIN -1",
	    "SOTEST VERSION 1 BEGIN 1000001",
	    "SOTEST VERSION 1 BEGIN 18446744073709551617",
	    "SOTEST VERSION 1 BEGIN",
	    "SOTEST VERSION 1 BEGIN x",
	    "SOTEST VERSION 2 BEGIN 1",
	    "SOTEST VERSION 11 BEGIN 1",
	    "SOTEST TIMEOUT 0",
	    "SOTEST TIMEOUT -5",
	    "SOTEST TIMEOUT 604801",
	    "SOTEST TIMEOUT 99999999999999999999999",
	    "SOTEST BENCHMARK:a:b:",
	    "SOTEST BENCHMARK:a:b:nan",
	    "SOTEST BENCHMARK::b:1",
	    "SOTEST BENCHMARK:a:1",
	    "SOTEST BENCHMARK 1e999 \"s\" \"x\"",
	    "SOTEST BENCHMARK inf \"s\" \"x\"",
	    "SOTEST BENCHMARK 1 \"s\" \"\"",
	    "SOTEST BENCHMARK 1 \"s\"",
	    "SOTEST \"1\" BENCHMARK 1 \"s\" \"x\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (kind_of(lines[i]) != SOTEST_REFUSED)
			fail_msg("%s: %d", lines[i], kind_of(lines[i]));
	assert_int_equal(kind_of("SOTEST BENCHMARK:a:b:123456789012345678901234"
	                         "567890123456789012345678901234567890"),
	    SOTEST_REFUSED);
}

static void numbers_are_read_as_written(void **state)
{
	static const struct {
		const char *text;
		double value;
	} rows[] = {{"34", 34}, {"-34", -34}, {"+5", 5}, {"17.5", 17.5},
	    {"1e3", 1000}, {"1.5E-1", 0.15}, {"5.", 5}, {"7e", 7}, {"7ex", 7},
	    {"0x10", 0}, {"9223372036854775807", 9223372036854775807.0}};
	struct sotest_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *s =
		    xasprintf("SOTEST BENCHMARK:n:u:%s", rows[i].text);

		sotest_line_parse(s, strlen(s), &l);
		assert_int_equal(l.kind, SOTEST_BENCHMARK);
		if (l.value < rows[i].value || l.value > rows[i].value)
			fail_msg("%s: %g", rows[i].text, l.value);
	}
}

static void copied_words_are_whole_utf8(void **state)
{
	char dst[8];

	(void)state;
	sotest_word_copy(dst, sizeof(dst), (struct sotest_word){"a\tb\x7f", 4});
	assert_string_equal(dst, "a?b?");
	sotest_word_copy(dst, sizeof(dst), (struct sotest_word){"caf\xe9", 4});
	assert_string_equal(dst, "caf?");
	/* The two bytes of the last letter do not fit together. */
	sotest_word_copy(
	    dst, sizeof(dst), (struct sotest_word){"123456\xc3\xa9", 8});
	assert_string_equal(dst, "123456");
	sotest_word_copy(
	    dst, sizeof(dst), (struct sotest_word){"12345\xc3\xa9", 7});
	assert_string_equal(dst, "12345\xc3\xa9");
	sotest_word_copy(dst, sizeof(dst), (struct sotest_word){NULL, 0});
	assert_string_equal(dst, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_symbol_is_known),
	    cmocka_unit_test(a_suffix_is_tolerated_and_a_prefix_is_not),
	    cmocka_unit_test(an_absurd_number_refuses_its_line),
	    cmocka_unit_test(numbers_are_read_as_written),
	    cmocka_unit_test(copied_words_are_whole_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
