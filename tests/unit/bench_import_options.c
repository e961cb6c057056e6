/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What other options and other versions of the tools print: it must not be
 * taken for a repetition of what they do by default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "bench/text.h"
#include "tests/unit/bench_import_kit.h"
#include "tests/unit/bench_kit.h"

static void import_text_of(const char *text, struct told *t)
{
	kit_import(text, strlen(text), 0, NULL, t);
	if (t->r < 0)
		fail_msg("%s", t->err.msg);
}

/* A file below fixtures/ with one place in it written otherwise. */
static void import_altered(
    const char *path, const char *from, const char *to, struct told *t)
{
	scoped_val(buf_done) struct buf file = BUF_INIT(4 << 20);
	scoped(free) char *text = NULL;
	char *at;

	kit_text(path, &file);
	at = strstr(buf_str(&file), from);
	if (!at)
		fail_msg("%s has no %s", path, from);
	*at = '\0';
	text = xasprintf("%s%s%s", buf_str(&file), to, at + strlen(from));
	import_text_of(text, t);
}

/* ---- fio ----------------------------------------------------------------- */

#define FIO "imports/fio/group.json"

static void fio_kib_are_1000_bytes_unless_it_is_told_otherwise(void **state)
{
	static const struct {
		const char *options;
		const char *metric;
	} rows[] = {
	    {"\"bs\" : \"128k\"", "disk.seq128k_q32t1.rd"},
	    {"\"bs\" : \"128KB\"", "disk.seq128k_q32t1.rd"},
	    {"\"bs\" : \"128KiB\"", "disk.seq125k_q32t1.rd"},
	    {"\"bs\" : \"4ki\"", "disk.seq4000_q32t1.rd"},
	    {"\"kb_base\" : \"1000\", \"bs\" : \"128KiB\"",
	        "disk.seq128k_q32t1.rd"},
	    {"\"kb_base\" : \"1000\", \"bs\" : \"128k\"",
	        "disk.seq125k_q32t1.rd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped_val(told_done) struct told t = {.r = 0};

		import_altered(FIO, "\"bs\" : \"128k\"", rows[i].options, &t);
		told_wants(&t, rows[i].metric, "", 1659.939804);
	}
}

static void fio_without_completion_latency_has_none(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_text_of(
	    "{\"fio version\":\"fio-3.33\",\"jobs\":[{\"jobname\":\"a\","
	    "\"error\":0,\"job options\":{\"bs\":\"4k\"},\"read\":{"
	    "\"bw_bytes\":4096,\"iops\":1,\"runtime\":1000,\"total_ios\":1,"
	    "\"clat_ns\":{\"mean\":0.0,\"N\":0}},\"write\":{\"bw_bytes\":0,"
	    "\"iops\":0,\"runtime\":0,\"total_ios\":0}}]}",
	    &t);
	assert_int_equal(t.n_values, 2);
	told_wants(&t, "disk.seq4k_q1t1.rd.iops", "", 1);
}

static void fio_with_a_synchronous_engine_has_no_queue(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered(FIO, "\"1\" : 0.100000", "\"1\" : 100.000000", &t);
	told_wants(&t, "disk.seq128k_q1t1.rd", "", 1659.939804);
}

static void a_file_that_has_its_date_says_it(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import_file(FIO, &t);
	told_has(&t, "meta date: 2026-11-22T01:29:03Z");
	kit_import_file("imports/geekbench/5.json", &t);
	told_has(&t, "meta date: 2023-11-14T22:13:20Z");
	import_altered("imports/geekbench/5.json", "1700000000",
	    "\"2020-04-02 07:38:57 -0800\"", &t);
	told_has(&t, "meta date: 2020-04-02 07:38:57 -0800");
}

/* ---- DiskSpd ------------------------------------------------------------- */

static void diskspd_threads_may_be_those_of_all_targets(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered("imports/diskspd/mixed.xml",
	    "<ThreadCount>0</ThreadCount>\n        <RequestCount>0<",
	    "<ThreadCount>4</ThreadCount>\n        <RequestCount>8<", &t);
	told_wants(&t, "disk.rnd4k_q8t4.mix70.rd", "", 86.016);
}

static void diskspd_that_is_partly_random_has_no_name(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered("imports/diskspd/mixed.xml", "<Random>4096</Random>",
	    "<Random>4096</Random><RandomRatio>50</RandomRatio>", &t);
	assert_int_equal(t.n_values, 0);
	told_has(
	    &t, "skipped time span: it is partly random and partly sequential");
}

static void diskspd_latency_of_0_is_none(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered("imports/diskspd/mixed.xml",
	    "<AverageWriteMilliseconds>0.750<",
	    "<AverageWriteMilliseconds>0.000<", &t);
	assert_int_equal(t.n_values, 5);
	told_has(&t, "skipped write latency: it is printed as 0: too small");
}

/* ---- processors ---------------------------------------------------------- */

static void sysbench_with_other_work_is_labelled(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered(
	    "imports/sysbench/cpu.txt", "limit: 10000", "limit: 20000", &t);
	told_wants(&t, "sysbench.cpu_2", "primes to 20000", 4090.43);
	told_wants(&t, "sysbench.cpu_2.latency", "primes to 20000", .49);
	import_altered("imports/sysbench/memory.txt",
	    "block size: 1KiB\n  total size: 102400MiB\n  operation: write",
	    "block size: 1024KiB\n  total size: 102400MiB\n  operation: read",
	    &t);
	told_wants(&t, "sysbench.memory_1", "blocks of 1024KiB, read", 5807.75);
}

static void sysbench_of_a_later_version_is_read(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered("imports/sysbench/cpu.txt",
	    "General statistics:\n    total time:                          1.0",
	    "Throughput:\n    events/s (eps):                      4090.43\n"
	    "    time elapsed:                        1.0",
	    &t);
	told_wants(&t, "sysbench.cpu_2", "", 4090.43);
}

static void sevenzip_with_fewer_threads_is_labelled(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_altered("imports/7zip/b.txt", "# Benchmark threads:      2",
	    "# Benchmark threads:      1", &t);
	told_wants(&t, "7zip.total", "1 thread", 6450);
	told_wants(&t, "7zip.compress", "1 thread", 8040);
}

static void openssl_has_operations_of_many_kinds(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_text_of(
	    "version: 3.5.0\n"
	    "                   sign    verify    encrypt   decrypt   sign/s "
	    "verify/s  encr./s  decr./s\n"
	    "rsa  2048 bits 0.000231s 0.000013s 0.000014s 0.000240s   4321.1  "
	    "74277.6  71428.0   4166.0\n"
	    "                              sign    verify    sign/s verify/s\n"
	    " 256 bits ecdsa (nistp256)   0.0000s   0.0000s  63071.4  21492.2\n"
	    "                              op      op/s\n"
	    " 253 bits ecdh (X25519)   0.0000s  33133.3\n",
	    &t);
	assert_int_equal(t.n_values, 7);
	told_wants(&t, "openssl.rsa_2048.sign", "", 4321.1);
	told_wants(&t, "openssl.rsa_2048.decr", "", 4166);
	told_wants(&t, "openssl.ecdsa_nistp256.verify", "", 21492.2);
	told_wants(&t, "openssl.ecdh_x25519.op", "", 33133.3);
}

static void openssl_that_was_cut_off_is_refused(void **state)
{
	static const char text[] =
	    "type             16 bytes     64 bytes\n"
	    "sha256          116936.62k   380377.09k\n"
	    "                  sign    verify    sign/s ver";
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import(text, strlen(text), 0, NULL, &t);
	assert_int_equal(t.r, -ERR_PROTO);
	assert_string_equal(t.err.msg,
	    "f:3:47: the last line has no end: it was cut off, or lacks its "
	    "line feed");
}

/* ---- programs ------------------------------------------------------------ */

#define GOOGLE(benchmarks)                                   \
	"{\"context\":{\"library_build_type\":\"release\"}," \
	"\"benchmarks\":[" benchmarks "]}"
#define TIMES "\"real_time\":1.5,\"cpu_time\":1.25,\"time_unit\":\"ms\"}"

static void a_benchmark_that_was_skipped_took_no_time(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_text_of(
	    GOOGLE("{\"name\":\"BM_a\",\"run_name\":\"BM_a\",\"run_type\":"
	           "\"iteration\",\"skipped\":true,\"skip_message\":"
	           "\"no AVX\",\"real_time\":0.0,\"cpu_time\":0.0,"
	           "\"time_unit\":\"ns\"},{\"name\":\"BM_b\"," TIMES),
	    &t);
	assert_int_equal(t.n_values, 2);
	told_wants(&t, "google_benchmark.real_time", "BM_b", 1.5e6);
	told_has(&t, "skipped BM_a: it was skipped: no AVX");
}

static void aggregates_of_an_old_version_are_no_samples(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_text_of(
	    GOOGLE("{\"name\":\"BM_a\"," TIMES ",{\"name\":\"BM_a_mean\"," TIMES
	           ",{\"name\":\"BM_a_stddev\"," TIMES
	           ",{\"name\":\"BM_a_BigO\",\"cpu_coefficient\":1.0}"),
	    &t);
	assert_int_equal(t.n_values, 2);
	told_wants(&t, "google_benchmark.cpu_time", "BM_a", 1.25e6);
}

static void what_vmexit_skips_is_said(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import_file("imports/kvm-unit-tests/vmexit.log", &t);
	told_has(&t, "skipped ipi: vmexit skipped it");
}

static void tap_that_planned_nothing_is_a_skip(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	import_text_of("TAP version 13\n1..0 # SKIP no vmx\n", &t);
	told_has(&t, "skip all: SKIP no vmx");
	assert_int_equal(t.result.cases, 1);
	import_text_of("TAP version 13\n    # Subtest: exits\n"
	               "    1..0 # SKIP no vmx\nok 1 - exits # SKIP no vmx\n"
	               "ok 2 - boots\n1..2\n",
	    &t);
	told_has(&t, "skip exits: SKIP no vmx");
	assert_int_equal(t.result.cases, 2);
	told_has(&t, "verdict pass: ");
}

/* The first time of a command of that many characters, ended as given. */
static const struct told_value *long_command(
    struct told *t, size_t len, char end)
{
	scoped(free) char *command = xcalloc(len + 1, 1);
	scoped(free) char *text = NULL;

	memset(command, 'x', len);
	command[len - 1] = end;
	text = xasprintf("{\"results\":[{\"command\":\"%s\",\"times\":[1],"
	                 "\"exit_codes\":[0]}]}",
	    command);
	import_text_of(text, t);
	return told_find(t, "hyperfine.time", NULL, 0);
}

static void names_that_do_not_fit_stay_apart(void **state)
{
	scoped_val(told_done) struct told a = {.r = 0};
	scoped_val(told_done) struct told b = {.r = 0};
	char slugs[2][40];

	(void)state;
	for (size_t len = IMPORT_TEXT_MAX - 1; len < 2000; len += 300) {
		const char *x = long_command(&a, len, 'a')->label;
		const char *y = long_command(&b, len, 'b')->label;

		assert_string_not_equal(x, y);
		assert_true(strlen(x) < IMPORT_TEXT_MAX);
		assert_string_equal(long_command(&b, len, 'a')->label, x);
	}
	for (size_t i = 0; i < 2; i++) {
		const char *s = i ? "one name that is longer than it may be, b"
		                  : "one name that is longer than it may be, a";

		text_slug(
		    slugs[i], sizeof(slugs[i]), (struct text){s, strlen(s)});
	}
	assert_string_not_equal(slugs[0], slugs[1]);
	assert_memory_equal(slugs[0], "one_name_that_is_longe_", 23);
	assert_int_equal(strlen(slugs[0]), 39);
}

/* ---- no format ----------------------------------------------------------- */

static void an_unknown_file_is_told_what_is_read(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
	    {"\x1f\x8b\x08 and more",
	        "f: it is packed with gzip; unpack it first"},
	    {"\x28\xb5\x2f\xfd and more",
	        "f: it is packed with zstd; unpack it first"},
	    {"hello",
	        "f: not in a format that is known: its first 5 bytes look "
	        "like none of fio, geekbench-json, geekbench-text, "
	        "crystaldiskmark, kdiskmark, diskspd, sysbench, hyperfine, "
	        "google-benchmark, phoronix, kvm-unit-tests, sotest, tap, "
	        "ktap, googletest, ratios, 7zip, openssl"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped_val(told_done) struct told t = {.r = 0};

		kit_import(rows[i].text, strlen(rows[i].text), 0, NULL, &t);
		assert_int_equal(t.r, -ERR_PROTO);
		assert_string_equal(t.err.msg, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        fio_kib_are_1000_bytes_unless_it_is_told_otherwise),
	    cmocka_unit_test(fio_without_completion_latency_has_none),
	    cmocka_unit_test(fio_with_a_synchronous_engine_has_no_queue),
	    cmocka_unit_test(a_file_that_has_its_date_says_it),
	    cmocka_unit_test(diskspd_threads_may_be_those_of_all_targets),
	    cmocka_unit_test(diskspd_that_is_partly_random_has_no_name),
	    cmocka_unit_test(diskspd_latency_of_0_is_none),
	    cmocka_unit_test(sysbench_with_other_work_is_labelled),
	    cmocka_unit_test(sysbench_of_a_later_version_is_read),
	    cmocka_unit_test(sevenzip_with_fewer_threads_is_labelled),
	    cmocka_unit_test(openssl_has_operations_of_many_kinds),
	    cmocka_unit_test(openssl_that_was_cut_off_is_refused),
	    cmocka_unit_test(a_benchmark_that_was_skipped_took_no_time),
	    cmocka_unit_test(aggregates_of_an_old_version_are_no_samples),
	    cmocka_unit_test(what_vmexit_skips_is_said),
	    cmocka_unit_test(tap_that_planned_nothing_is_a_skip),
	    cmocka_unit_test(names_that_do_not_fit_stay_apart),
	    cmocka_unit_test(an_unknown_file_is_told_what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
