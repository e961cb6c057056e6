/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables, widths, CSV, escaping and the event parser of the command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/date.h"
#include "cli/escape.h"
#include "cli/options.h"
#include "cli/sse.h"
#include "cli/table.h"

static const struct column columns[] = {
    {"item", "ITEM", COLUMN_CUT, COLUMN_ALL},
    {"n", "N", COLUMN_RIGHT, COLUMN_ALL},
    {"shown", "SHOWN", COLUMN_LEFT, COLUMN_TABLE},
    {"raw", "RAW", COLUMN_LEFT, COLUMN_CSV},
};

/* A term that is a file in the given characters. */
static struct term file_term(enum text_set set)
{
	struct term t = {.file = stdout, .set = set};

	return t;
}

static struct table *small_table(void)
{
	struct table *t = table_new(columns, ARRAY_LEN(columns));

	table_text(t, "ünï ✓");
	table_number(t, 7);
	table_cell(t, TONE_GOOD, "1.2 s", "1200");
	table_text(t, "a\"b");
	table_text(t, "日本");
	table_number(t, 1234);
	table_text(t, "");
	table_text(t, "x,y\nz");
	return t;
}

static void columns_align_by_width_and_not_by_bytes(void **state)
{
	scoped(table_free) struct table *t = small_table();
	scoped_val(buf_done) struct buf out = BUF_INIT(4096);
	struct term term = file_term(TEXT_UTF8);

	(void)state;
	table_render(t, &term, TABLE_HEAD, &out);
	assert_string_equal(buf_str(&out),
	    "ITEM      N  SHOWN\n"
	    "ünï ✓     7  1.2 s\n"
	    "日本   1234\n");
}

static void without_utf8_signs_have_ascii_spellings(void **state)
{
	scoped(table_free) struct table *t = small_table();
	scoped_val(buf_done) struct buf out = BUF_INIT(4096);
	struct term term = file_term(TEXT_ASCII);

	(void)state;
	table_render(t, &term, TABLE_NO_HEAD, &out);
	assert_string_equal(buf_str(&out),
	    "?n? ok     7  1.2 s\n"
	    "??      1234\n");
}

static void csv_quotes_what_needs_it_and_takes_raw_values(void **state)
{
	scoped(table_free) struct table *t = small_table();
	scoped_val(buf_done) struct buf out = BUF_INIT(4096);

	(void)state;
	table_csv(t, &out);
	assert_string_equal(buf_str(&out),
	    "item,n,raw\n"
	    "ünï ✓,7,\"a\"\"b\"\n"
	    "日本,1234,\"x,y\nz\"\n");
}

static void csv_value_is(const char *in, const char *want)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(256);

	csv_value(&out, in);
	assert_string_equal(buf_str(&out), want);
}

static void csv_keeps_blanks_and_drops_control_bytes(void **state)
{
	(void)state;
	csv_value_is("", "");
	csv_value_is("plain", "plain");
	csv_value_is(" led", "\" led\"");
	csv_value_is("trailed ", "\"trailed \"");
	csv_value_is("cr\r", "\"cr\r\"");
	csv_value_is("\033[31m", " [31m");
}

static void markdown_is(const char *in, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);

	markdown_text(&b, in);
	assert_string_equal(buf_str(&b), want);
}

static void names_in_markdown_are_no_markup(void **state)
{
	(void)state;
	markdown_is("[1.02, 1.04] worse", "[1.02, 1.04] worse");
	markdown_is("[here](http://x)", "[here\\](http://x)");
	markdown_is("a|b<i>`c`_d*", "a\\|b\\<i>\\`c\\`\\_d\\*");
}

static void date_is(const char *text, int64_t want_ms)
{
	struct err err = ERR_INIT;
	int64_t ms = 0;

	if (date_parse(text, &ms, &err) < 0)
		assert_int_equal(want_ms, 0);
	assert_int_equal(ms, want_ms);
}

static void dates_are_days_and_times_of_the_calendar(void **state)
{
	(void)state;
	date_is("2026-03-01", INT64_C(1772323200000));
	date_is("2026-03-01T12:30", INT64_C(1772368200000));
	date_is("2026-03-01 12:30Z", INT64_C(1772368200000));
	date_is("2026-03-01T12:30:05", INT64_C(1772368205000));
	date_is("2026-03-01 12:30:05Z", INT64_C(1772368205000));
	date_is("2026-02-29", 0);
	date_is("2026-03-01T12:30:61", 0);
	date_is("1970-01-01", 0);
	date_is("2026-3-1", 0);
}

static void fit_is(const char *in, size_t columns_n, const char *want)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(256);

	text_fit(&out, TEXT_UTF8, in, columns_n);
	assert_string_equal(buf_str(&out), want);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	fit_is("abcdef", 6, "abcdef");
	fit_is("abcdef", 5, "abcd…");
	fit_is("üüüü", 3, "üü…");
	fit_is("日本語", 5, "日本…");
	/* Half a wide character does not fit: a blank stands there. */
	fit_is("日本語", 4, "日… ");
	fit_is("abc", 1, "…");
	fit_is("abc", 0, "");
}

static void clean_is(const char *in, const char *want)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(256);

	text_clean(&out, TEXT_UTF8, in);
	assert_string_equal(buf_str(&out), want);
}

static void control_and_broken_bytes_do_not_reach_a_terminal(void **state)
{
	(void)state;
	clean_is("a\033[2Jb\nc", "a [2Jb c");
	clean_is("\302\233x", " x");                    /* C1 CSI */
	clean_is("\342\200\256x", " x");                /* right-to-left */
	clean_is("\377\300\257\355\240\200", "??????"); /* no UTF-8 */
	clean_is("\342\234", "?");                      /* cut at the end */
}

static void duration_is(int64_t ms, const char *want)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(64);

	text_duration(&out, ms);
	assert_string_equal(buf_str(&out), want);
}

static void units_read_like_in_the_manual(void **state)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(64);

	(void)state;
	duration_is(-5, "0.0 s");
	duration_is(5340, "5.3 s");
	duration_is(59999, "59 s");
	duration_is(252000, "4 m 12 s");
	duration_is(7500000, "2 h 05 m");
	duration_is(90000000, "1 d 1 h");
	duration_is(INT64_C(95300000000), "1103 d");
	text_size(&out, 12800);
	buf_putc(&out, ' ');
	text_size(&out, 1023);
	buf_putc(&out, ' ');
	text_size(&out, 1572864);
	assert_string_equal(buf_str(&out), "12 KiB 1023 B 1.5 MiB");
}

/* Escapes in pieces of every length; the result must be the same. */
static void escape_is(const char *in, size_t len, const char *want)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct escape e;
		char got[256] = "";
		FILE *f = fmemopen(got, sizeof(got), "w");

		assert_non_null(f);
		escape_init(&e, TEXT_UTF8);
		for (size_t at = 0; at < len; at += piece)
			escape_write(&e, in + at,
			    len - at < piece ? len - at : piece, f);
		escape_end(&e, f);
		assert_int_equal(fclose(f), 0);
		assert_string_equal(got, want);
	}
}

static void logs_are_escaped_alike_however_they_are_cut(void **state)
{
	static const char in[] = "a\r\nb\033[0m\t✓\377\302\233\r.\r";

	(void)state;
	escape_is(in, sizeof(in) - 1, "a\nb^[[0m\t✓\\xff\\xc2\\x9b^M.^M");
	escape_is("x\342\234", 3, "x\\xe2\\x9c");
}

static void on_event(void *arg, const char *event, const char *data)
{
	buf_printf(arg, "%s=%s;", event, data);
}

static void events_are_parsed_alike_however_they_are_cut(void **state)
{
	static const char in[] = ": hello\r\n\r\nid: e-1\nevent: job\n"
	                         "data: {\"a\":1}\ndata:two\n\n"
	                         "data: x\rretry: 5\r\r"
	                         "event: resync\n\n"
	                         "id: e-9\ndata: not ended";

	(void)state;
	for (size_t piece = 1; piece < sizeof(in); piece++) {
		scoped_val(buf_done) struct buf got = BUF_INIT(4096);
		scoped(sse_free) struct sse *s = sse_new(on_event, &got);

		for (size_t at = 0; at < sizeof(in) - 1; at += piece)
			sse_feed(s, in + at,
			    sizeof(in) - 1 - at < piece ? sizeof(in) - 1 - at
			                                : piece);
		assert_string_equal(
		    buf_str(&got), "job={\"a\":1}\ntwo;message=x;resync=;");
		assert_string_equal(sse_last_id(s), "e-1");
		sse_restart(s);
		sse_feed(s, "data: y\n\n", 9);
		assert_string_equal(sse_last_id(s), "e-1");
	}
}

static void options_stand_anywhere_and_are_never_guessed(void **state)
{
	static char *good[] = {(char *)(uintptr_t) "ironbench",
	    (char *)(uintptr_t) "--format=csv", (char *)(uintptr_t) "runs",
	    (char *)(uintptr_t) "--limit", (char *)(uintptr_t) "-3",
	    (char *)(uintptr_t) "--", (char *)(uintptr_t) "--raw"};
	static char *bad[] = {(char *)(uintptr_t) "ironbench",
	    (char *)(uintptr_t) "--form", (char *)(uintptr_t) "csv"};
	struct options o;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(options_read((int)ARRAY_LEN(good), good, &o, &err), 0);
	assert_string_equal(o.value[OPT_FORMAT], "csv");
	assert_string_equal(o.value[OPT_LIMIT], "-3");
	assert_false(options_has(&o, OPT_RAW));
	assert_int_equal(o.n_args, 2);
	assert_string_equal(o.args[1], "--raw");
	assert_int_equal(
	    options_read((int)ARRAY_LEN(bad), bad, &o, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "--form: no such option");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_align_by_width_and_not_by_bytes),
	    cmocka_unit_test(without_utf8_signs_have_ascii_spellings),
	    cmocka_unit_test(csv_quotes_what_needs_it_and_takes_raw_values),
	    cmocka_unit_test(names_in_markdown_are_no_markup),
	    cmocka_unit_test(dates_are_days_and_times_of_the_calendar),
	    cmocka_unit_test(csv_keeps_blanks_and_drops_control_bytes),
	    cmocka_unit_test(a_long_text_is_cut_between_characters),
	    cmocka_unit_test(control_and_broken_bytes_do_not_reach_a_terminal),
	    cmocka_unit_test(units_read_like_in_the_manual),
	    cmocka_unit_test(logs_are_escaped_alike_however_they_are_cut),
	    cmocka_unit_test(events_are_parsed_alike_however_they_are_cut),
	    cmocka_unit_test(options_stand_anywhere_and_are_never_guessed),
	};

	/* Widths are the C library's, which needs a UTF-8 locale. */
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		(void)printf("1..0 # SKIP no C.UTF-8 locale\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
