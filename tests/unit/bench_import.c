/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine of importers: recognition, pieces, encodings, damage, limits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/str.h"
#include "bench/import_private.h"
#include "tests/unit/bench_import_kit.h"
#include "tests/unit/bench_kit.h"

/* One sample of each format, and the shortest text that belongs to it. */
static const struct {
	const char *path;
	const char *format;
} samples[] = {
    {"imports/7zip/b.txt", "7zip"},
    {"imports/crystaldiskmark/mix.txt", "crystaldiskmark"},
    {"imports/crystaldiskmark/nvme.txt", "crystaldiskmark"},
    {"imports/diskspd/mixed.xml", "diskspd"},
    {"imports/fio/two_jobs.json", "fio"},
    {"imports/geekbench/5.json", "geekbench-json"},
    {"imports/geekbench/6.json", "geekbench-json"},
    {"imports/geekbench/6.txt", "geekbench-text"},
    {"imports/google-benchmark/aggregates.json", "google-benchmark"},
    {"imports/google-benchmark/iterations.json", "google-benchmark"},
    {"imports/googletest/mixed.txt", "googletest"},
    {"imports/hyperfine/two.json", "hyperfine"},
    {"imports/kdiskmark/peak.txt", "kdiskmark"},
    {"imports/ktap/kunit.txt", "ktap"},
    {"imports/kvm-unit-tests/hypercall.log", "kvm-unit-tests"},
    {"imports/kvm-unit-tests/runner.log", "kvm-unit-tests"},
    {"imports/kvm-unit-tests/vmexit.log", "kvm-unit-tests"},
    {"imports/openssl/sha256_rsa.txt", "openssl"},
    {"imports/phoronix/composite.xml", "phoronix"},
    {"imports/sysbench/cpu.txt", "sysbench"},
    {"imports/tap/nested14.txt", "tap"},
    {"imports/tap/perl.txt", "tap"},
    {"published/geekbench_multi_core.csv", "ratios"},
    {"streams/hello.txt", "sotest"},
};

static const struct importer *const all[] = {&import_7zip,
    &import_crystaldiskmark, &import_diskspd, &import_fio,
    &import_geekbench_json, &import_geekbench_text, &import_google_benchmark,
    &import_googletest, &import_hyperfine, &import_kdiskmark, &import_ktap,
    &import_kvm_unit_tests, &import_openssl, &import_phoronix, &import_ratios,
    &import_sotest, &import_sysbench, &import_tap};

static void every_sample_is_of_exactly_one_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		scoped_val(buf_done) struct buf text = BUF_INIT(4 << 20);
		struct text head;

		kit_text(samples[i].path, &text);
		head = (struct text){buf_str(&text), text.len};
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			if (all[k]->recognise(head) !=
			    str_eq(all[k]->name, samples[i].format))
				fail_msg(
				    "%s and %s", samples[i].path, all[k]->name);
	}
}

static void every_format_can_be_listed_and_said(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	size_t n = 0;

	(void)state;
	for (; import_format_name(n); n++) {
		assert_non_null(import_format_title(n));
		kit_import("", 0, 0, import_format_name(n), &t);
		assert_int_equal(t.r, -ERR_PROTO); /* there is nothing in it */
		assert_string_equal(t.result.format, import_format_name(n));
	}
	assert_int_equal(n, ARRAY_LEN(all));
	kit_import("x", 1, 0, "xml", &t);
	assert_int_equal(t.r, -ERR_INVAL);
	assert_non_null(strstr(t.err.msg, "found 'xml'; must be one of fio,"));
}

static void pieces_of_any_size_say_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		scoped_val(buf_done) struct buf text = BUF_INIT(4 << 20);
		scoped_val(told_done) struct told whole = {.r = 0};
		scoped_val(told_done) struct told bytes = {.r = 0};
		scoped_val(told_done) struct told some = {.r = 0};

		kit_text(samples[i].path, &text);
		kit_import(buf_str(&text), text.len, 0, NULL, &whole);
		kit_import(buf_str(&text), text.len, 1, NULL, &bytes);
		kit_import(
		    buf_str(&text), text.len, 77, samples[i].format, &some);
		assert_int_equal(whole.r, 0);
		assert_string_equal(buf_str(&whole.log), buf_str(&bytes.log));
		assert_string_equal(buf_str(&whole.log), buf_str(&some.log));
	}
}

/* Is every line of part a line of whole, but facts and the verdict? */
static void is_part(
    const char *path, size_t cut, struct told *part, const struct told *whole)
{
	struct text rest = {buf_str(&part->log), part->log.len};
	struct text line;

	while (text_eat_line(&rest, &line)) {
		scoped(free) char *s = xstrndup(line.p, line.len);

		if (str_starts(s, "meta ") || str_starts(s, "verdict ") ||
		    str_starts(s, "fail ") || str_starts(s, "skipped "))
			continue;
		if (!strstr(buf_str(&whole->log), s))
			fail_msg("%s cut at %zu: %s", path, cut, s);
	}
}

/*
 * A file that was cut off is refused, or what is taken from it is what the
 * whole says: never a number with fewer digits.
 */
static void what_was_cut_off_is_refused_or_true(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		scoped_val(buf_done) struct buf text = BUF_INIT(4 << 20);
		scoped_val(told_done) struct told whole = {.r = 0};
		size_t taken = 0;

		kit_text(samples[i].path, &text);
		kit_import(buf_str(&text), text.len, 0, NULL, &whole);
		for (size_t cut = 0; cut + 2 < text.len; cut++) {
			scoped_val(told_done) struct told part = {.r = 0};

			kit_import(
			    buf_str(&text), cut, 0, samples[i].format, &part);
			if (part.r < 0) {
				assert_true(part.err.msg[0]);
				continue;
			}
			taken++;
			is_part(samples[i].path, cut, &part, &whole);
		}
		/* Documents have an end, and a part has none. */
		if (str_ends(samples[i].path, ".json") ||
		    str_ends(samples[i].path, ".xml"))
			assert_int_equal(taken, 0);
	}
}

/* ---- damage ---------------------------------------------------------- */

static void refuses(const char *format, const char *text, const char *message)
{
	scoped_val(told_done) struct told t = {.r = 0};

	kit_import(text, strlen(text), 0, format, &t);
	if (t.r == 0 || !strstr(t.err.msg, message))
		fail_msg(
		    "'%.60s': got '%s', want '%s'", text, t.err.msg, message);
	assert_null(strchr(t.err.msg, '\n'));
}

static void messages_name_line_and_column(void **state)
{
	static const struct {
		const char *format;
		const char *text;
		const char *message;
	} rows[] = {
	    {NULL, "", "f: the file is empty"},
	    {NULL, "hello\n", "f: not in a format that is known"},
	    {"hyperfine", "{\"results\": [\n  {]", "f:2:4: found ']'"},
	    {"hyperfine", "{\"results\": [1, 02]}", "f:1:19: '02' is no num"},
	    {"hyperfine", "{\"a\": \"\x01\"}", "f:1:8: found byte 0x01"},
	    {"hyperfine", "{} x", "f:1:4: found 'x'; expected nothing"},
	    {"hyperfine", "{\"results\": []}", "wrote no results"},
	    {"hyperfine",
	        "{\"results\": [{\"command\": \"a\", \"times\": [-1]}]}",
	        "hyperfine.time is -1"},
	    {"hyperfine", "{\"a\": 1e999}", "'1e999' is no number"},
	    {"hyperfine", "{\"results\": [{\"times\": [1, \"2\"]}]}",
	        "f:1:30: a time that is no number"},
	    {"phoronix", "<PhoronixTestSuite>\n</b>", "f:2:3: XML: mismatched"},
	    {"phoronix", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<x/>",
	        "DOCTYPE) is not allowed"},
	    {"phoronix", "<PhoronixTestSuite>&a;</PhoronixTestSuite>",
	        "XML: undefined entity"},
	    {"ratios", "machine,metric,overhead,x\n",
	        "f:1:25: column 'x' is not known"},
	    {NULL, "machine;metric;overhead\n", "f:1:1: no commas between"},
	    {"crystaldiskmark", "[Read]\n SEQ 1MiB (Q=8, T=1): x MB/s\n",
	        "f:2:23: a row is like"},
	    {"crystaldiskmark",
	        "[Read]\nSEQ 1MiB (Q=8, T=1): 9 MB/s [1 IOPS] <1 us>\n",
	        "f:2:1: 9.000 MB/s do not fit 1.0 IOPS"},
	    {"geekbench-text", "Geekbench 4.1.0 : x\n",
	        "Geekbench 4: only versions 5 and 6"},
	    {"geekbench-json",
	        "{\"version\": \"Geekbench 6.1.0\", \"score\": 1, "
	        "\"multicore_score\": 2, \"valid\": 0}",
	        "not valid"},
	    {"diskspd",
	        "<Results><TimeSpan><TestTimeSeconds>-1</TestTimeSeconds>",
	        "no number of at least 0"},
	    {"sysbench", "sysbench 1.0.20\nFATAL: no\n",
	        "f:2:1: sysbench: FATAL"},
	    {"7zip", "Tot:  1 2 x\n", "f:1:11: 'Tot:'"},
	    {"openssl", "type 16 bytes\nsha256 1.0k 2.0k\n", "f:2:13: sha256"},
	    {"sotest", "hello\n", "no line SOTEST VERSION"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refuses(rows[i].format, rows[i].text, rows[i].message);
}

#define HEADER                                                          \
	"machine,metric,direction,baseline,candidate,guest,controller," \
	"overhead\n"

static void rows_of_ratios_are_checked(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	static const char good[] =
	    HEADER "\"a, \"\"b\"\"\",boot.time,lower,x,y,,,1.5\r\n";

	(void)state;
	kit_import(good, sizeof(good) - 1, 0, NULL, &t);
	assert_int_equal(t.r, 0);
	told_has(&t, "ratio a, \"b\" boot.time lower x/y   1.5 1.5");
	refuses(NULL, HEADER "a,m,up,x,y,,,1.5\n", "f:2:5: direction 'up'");
	refuses(NULL, HEADER "a,boot.time,higher,x,y,,,1.5\n",
	    "direction of boot.time is lower");
	refuses(NULL, HEADER "a,m,lower,x,y,,,0\n", "f:2:17: overhead '0'");
	refuses(NULL, HEADER "a,m,lower,x,x,,,1\n",
	    "f:2:13: baseline and candidate are the same: 'x'");
	refuses(NULL, HEADER "a,m,lower,x,y,,\n", "a row of 7 fields");
	refuses(NULL, HEADER "a,m,lower,x,y,,,1,2\n", "more fields");
	refuses(NULL, HEADER ",m,lower,x,y,,,1\n", "machine is empty");
	refuses(NULL, HEADER "\"a,m,lower,x,y,,,1\n", "quote is not closed");
	refuses(NULL, HEADER "a,m,lower,x,y,,,1.5", "the last line has no end");
	refuses(NULL, HEADER, "the table has no rows");
}

static void an_error_stays(void **state)
{
	static const struct import_ops ops = {.meta = NULL};
	scoped(import_free) struct import *im = import_new("g", &ops, NULL);
	struct err err = ERR_INIT;
	struct err again = ERR_INIT;

	(void)state;
	assert_int_equal(import_force(im, "hyperfine", &err), 0);
	assert_int_equal(import_feed(im, "{]{}{}", 6, &err), -ERR_PROTO);
	assert_int_equal(import_feed(im, "{}", 2, &again), -ERR_PROTO);
	assert_string_equal(err.msg, again.msg);
	assert_int_equal(import_end(im, &again), -ERR_PROTO);
	assert_string_equal(err.msg, again.msg);
}

static int no_room(void *arg, const struct import_value *v, struct err *err)
{
	(void)arg;
	(void)v;
	return err_set(err, ERR_IO, "the disk is full");
}

static void an_op_ends_the_import_with_its_own_error(void **state)
{
	static const struct import_ops ops = {.value = no_room};
	static const char *const paths[] = {"imports/hyperfine/two.json",
	    "imports/7zip/b.txt", "imports/phoronix/composite.xml",
	    "streams/cpuid.txt"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(buf_done) struct buf text = BUF_INIT(4 << 20);
		scoped(import_free) struct import *im =
		    import_new("g", &ops, NULL);
		struct err err = ERR_INIT;
		int r;

		kit_text(paths[i], &text);
		r = import_feed(im, buf_str(&text), text.len, &err);
		if (r == 0)
			r = import_end(im, &err);
		assert_int_equal(r, -ERR_IO);
		assert_string_equal(err.msg, "the disk is full");
	}
}

/* ---- encodings ------------------------------------------------------- */

static void marks_and_line_ends_do_not_matter(void **state)
{
	static const char plain[] = "1..1\nok 1 - a\xc3\xa4\n";
	static const char marked[] = "\xef\xbb\xbf"
	                             "1..1\r\nok 1 - a\xc3\xa4\r\n";
	static const char le[] =
	    "1\0.\0.\0001\0\n\0o\0k\0 \0001\0 \0-\0 \0a\0\xe4\0\n";
	static const char be[] =
	    "\xfe\xff\0001\0.\0.\0001\0\n\0o\0k\0 \0001\0 \0-\0 \0a\0\xe4\0\n";
	scoped_val(told_done) struct told a = {.r = 0};
	scoped_val(told_done) struct told b = {.r = 0};

	(void)state;
	kit_import(plain, sizeof(plain) - 1, 0, NULL, &a);
	told_has(&a, "pass a\xc3\xa4: ");
	kit_import(marked, sizeof(marked) - 1, 1, NULL, &b);
	assert_string_equal(buf_str(&a.log), buf_str(&b.log));
	kit_import(le, sizeof(le), 1, NULL, &b); /* with the last zero */
	assert_string_equal(buf_str(&a.log), buf_str(&b.log));
	kit_import(be, sizeof(be) - 1, 3, NULL, &b);
	assert_string_equal(buf_str(&a.log), buf_str(&b.log));
	kit_import("\xff\xfe"
	           "1\0\0\xdc",
	    6, 0, NULL, &b);
	assert_string_equal(b.err.msg, "f: byte 4: half a character of UTF-16");
	kit_import("\xff\xfe"
	           "1\0.",
	    5, 0, NULL, &b);
	assert_string_equal(
	    b.err.msg, "f: byte 5: the text ends inside a character of UTF-16");
}

/* Cut anywhere: what comes first in the file is what is wrong with it. */
static void the_first_of_two_errors_is_said(void **state)
{
	static const char text[] = "\xff\xfe{\0]\0\0\xdc";

	(void)state;
	for (size_t step = 0; step < sizeof(text); step++) {
		scoped_val(told_done) struct told t = {.r = 0};

		kit_import(text, sizeof(text) - 1, step, "hyperfine", &t);
		assert_int_equal(t.r, -ERR_PROTO);
		assert_non_null(strstr(t.err.msg, "f:1:2: found ']'"));
	}
}

/* ---- size ------------------------------------------------------------ */

/* Feeds text n times; returns the seconds of processor that took. */
static double feed(const char *format, const char *before, const char *text,
    size_t n, int *ret_r, struct err *err)
{
	static const struct import_ops ops = {.meta = NULL};
	scoped(import_free) struct import *im = import_new("f", &ops, NULL);
	clock_t from = clock();
	int r = import_force(im, format, err);

	if (r == 0)
		r = import_feed(im, before, strlen(before), err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = import_feed(im, text, strlen(text), err);
	*ret_r = r;
	return (double)(clock() - from) / CLOCKS_PER_SEC;
}

/*
 * What grows without end, of each kind: nodes that nobody asks for, a string,
 * a number, a line, a comment, elements.
 */
static const struct {
	const char *format;
	const char *before;
	const char *text;
	int r;
} endless[] = {
    {"fio", "{\"jobs\":[{\"read\":{\"bins\":[", "[{\"a\":[1,2,{}]}],", 0},
    {"fio", "noise\n", "noise noise noise\n", 0},
    {"hyperfine", "{\"a\": \"", "text text text text ", 0},
    {"hyperfine", "{\"a\": [", "{\"k\":\"v\",\"w\":null},", 0},
    {"hyperfine", "{\"a\": 1", "0000", -ERR_PROTO},
    {"hyperfine", "", "[", -ERR_LIMIT},
    {"hyperfine", "{\"results\":[{\"times\":[", "0.5,0.5,0.5,", -ERR_LIMIT},
    {"phoronix", "<PhoronixTestSuite>", "<a><b>text</b> x</a>", 0},
    {"phoronix", "<PhoronixTestSuite>", "text &amp; text ", 0},
    {"phoronix", "<PhoronixTestSuite><!--", "comment - comment ", -ERR_LIMIT},
    {"phoronix", "<PhoronixTestSuite><", "name", -ERR_LIMIT},
    {"phoronix", "<PhoronixTestSuite>", "<a>", -ERR_LIMIT},
    {"sotest", "", "no end of the line ", 0},
    {"tap", "", "\n\n    # text\n", 0},
    {"tap", "", "ok\n", -ERR_LIMIT},
    {"kvm-unit-tests", "", "paging enabled\n", 0},
    {"ratios", "", "machine", -ERR_LIMIT},
    {"sysbench", "sysbench 1.0.20\n", "text\n", 0},
    {"openssl", "", "a\n", 0},
};

static void endless_input_is_skipped_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
		struct err err = ERR_INIT;
		int r;

		(void)feed(endless[i].format, endless[i].before,
		    endless[i].text, 1 << 20, &r, &err);
		if (r != endless[i].r)
			fail_msg("%s, '%s': %d %s", endless[i].format,
			    endless[i].text, r, err.msg);
	}
}

/* expat remembers each: without a ceiling they would fill the memory. */
static void names_of_xml_have_a_ceiling(void **state)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	buf_puts(&text, "<PhoronixTestSuite>");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "<n%d a%d='1'/>", i, i);
	kit_import(text.data, text.len, 0, NULL, &t);
	assert_int_equal(t.r, -ERR_LIMIT);
	assert_non_null(strstr(t.err.msg, "over 1024 different names"));
}

/* Four times the input in at most ten times the time. */
static void time_grows_as_the_input_does(void **state)
{
	enum {
		FEW = 1 << 16
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
		struct err err = ERR_INIT;
		double least = INFINITY;
		double most = INFINITY;
		int r;

		if (endless[i].r)
			continue;
		/* The least of three: other programs run, too. */
		for (int again = 0; again < 3; again++) {
			least = fmin(least,
			    feed(endless[i].format, endless[i].before,
			        endless[i].text, FEW, &r, &err));
			most = fmin(most,
			    feed(endless[i].format, endless[i].before,
			        endless[i].text, 4 * FEW, &r, &err));
		}
		if (most > 10 * least + .01)
			fail_msg("%s, '%s': %g s, then %g s", endless[i].format,
			    endless[i].text, least, most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_sample_is_of_exactly_one_format),
	    cmocka_unit_test(every_format_can_be_listed_and_said),
	    cmocka_unit_test(pieces_of_any_size_say_the_same),
	    cmocka_unit_test(what_was_cut_off_is_refused_or_true),
	    cmocka_unit_test(messages_name_line_and_column),
	    cmocka_unit_test(rows_of_ratios_are_checked),
	    cmocka_unit_test(an_error_stays),
	    cmocka_unit_test(an_op_ends_the_import_with_its_own_error),
	    cmocka_unit_test(marks_and_line_ends_do_not_matter),
	    cmocka_unit_test(the_first_of_two_errors_is_said),
	    cmocka_unit_test(endless_input_is_skipped_or_refused),
	    cmocka_unit_test(names_of_xml_have_a_ceiling),
	    cmocka_unit_test(time_grows_as_the_input_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
