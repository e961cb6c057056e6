/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each format's samples say. The numbers were taken from the samples by
 * other means: by jq for JSON, as printed for texts, by hand for sums.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/bench_import_kit.h"
#include "tests/unit/bench_kit.h"

struct want {
	const char *metric;
	const char *label;
	double value;
};

static void check(const char *path, const char *format, size_t n_values,
    const struct want *wants, size_t n, struct told *t)
{
	kit_import_file(path, t);
	assert_string_equal(t->result.format, format);
	assert_int_equal(t->n_values, n_values);
	assert_int_equal(t->result.values, n_values);
	for (size_t i = 0; i < n; i++)
		told_wants(t, wants[i].metric, wants[i].label, wants[i].value);
	for (size_t i = 0; i < t->n_values; i++) {
		const struct bench_metric *m =
		    bench_metric_find(t->values[i].metric);

		if (!m)
			continue;
		assert_string_equal(t->values[i].unit, m->unit);
		assert_int_equal(t->values[i].v.direction, m->direction);
	}
}

#define CHECK(path, format, n, t, ...)                                \
	do {                                                          \
		const struct want wants_[] = {__VA_ARGS__};           \
		check(path, format, n, wants_, ARRAY_LEN(wants_), t); \
	} while (0)

/* ---- disks ----------------------------------------------------------- */

static void fio_is_read_in_bytes_and_not_in_kib(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	/* bw_bytes 1659939804, bw 1621034; clat_ns.mean, percentile 99 */
	CHECK("imports/fio/group.json", "fio", 4, &t,
	    {"disk.seq128k_q32t1.rd", "", 1659.939804},
	    {"disk.seq128k_q32t1.rd.iops", "", 12664.335664},
	    {"disk.seq128k_q32t1.rd.latency", "", 2433.679580027},
	    {"disk.seq128k_q32t1.rd.latency_p99", "", 5406.720});
	told_has(&t, "meta version: fio-3.33");
}

static void fio_jobs_of_one_name_are_added_up(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	/* jq: sums of bw_bytes and iops; clat weighted by total_ios */
	CHECK("imports/fio/two_jobs.json", "fio", 3, &t,
	    {"disk.rnd4k_q1t2.rd", "", 160.06726},
	    {"disk.rnd4k_q1t2.rd.iops", "", 39078.921079},
	    {"disk.rnd4k_q1t2.rd.latency", "", 50.33619292897771});
}

static void fio_with_bins_and_a_mix_has_both_sides(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/fio/mixed_plus.json", "fio", 8, &t,
	    {"disk.rnd4k_q1t1.mix70.rd", "", 55.707236},
	    {"disk.rnd4k_q1t1.mix70.rd.latency", "", 65.610961143},
	    {"disk.rnd4k_q1t1.mix70.rd.latency_p99", "", 116.224},
	    {"disk.rnd4k_q1t1.mix70.wr", "", 23.651228},
	    {"disk.rnd4k_q1t1.mix70.wr.iops", "", 5774.225774},
	    {"disk.rnd4k_q1t1.mix70.wr.latency_p99", "", 11.840});
}

static void fio_with_a_job_file_inherits_global_options(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/fio/job_file.json", "fio", 8, &t,
	    {"disk.seq1m_q1t1.wr", "", 29079.390369},
	    {"disk.rnd4k_q1t1.rd", "", 64.517114},
	    {"disk.rnd4k_q1t1.rd.iops", "", 15751.248751});
}

static void crystaldiskmark_rows_have_three_numbers(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	const struct told_value *v;

	(void)state;
	CHECK("imports/crystaldiskmark/nvme.txt", "crystaldiskmark", 24, &t,
	    {"disk.seq1m_q8t1.rd", "", 3519.843},
	    {"disk.seq128k_q32t1.rd", "", 3471.106},
	    {"disk.seq128k_q32t1.rd.iops", "", 26482.4},
	    {"disk.seq128k_q32t1.rd.latency", "", 1207.55},
	    {"disk.rnd4k_q32t16.rd", "", 1811.512},
	    {"disk.rnd4k_q1t1.rd", "", 62.731},
	    {"disk.rnd4k_q1t1.rd.latency", "", 65.11},
	    {"disk.seq1m_q8t1.wr", "", 2987.004},
	    {"disk.rnd4k_q1t1.wr", "", 171.090});
	v = told_find(&t, "disk.seq128k_q32t1.rd", NULL, 0);
	assert_int_equal(v->v.of, IMPORT_BEST);
	assert_int_equal(v->v.n, 5);
	assert_int_equal(v->v.line, 10);
	told_has(&t, "meta profile: Default");
	told_has(&t, "meta os: Windows 11 Pro 24H2 [10.0 Build 26100] (x64)");
}

static void utf16_says_the_same_as_utf8(void **state)
{
	scoped_val(told_done) struct told a = {.r = 0};
	scoped_val(told_done) struct told b = {.r = 0};

	(void)state;
	kit_import_file("imports/crystaldiskmark/nvme.txt", &a);
	kit_import_file("imports/crystaldiskmark/nvme_utf16.txt", &b);
	assert_string_equal(buf_str(&a.log), buf_str(&b.log));
}

static void a_mix_is_a_metric_of_its_own(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/crystaldiskmark/mix.txt", "crystaldiskmark", 36, &t,
	    {"disk.seq128k_q32t1.rd", "", 3471.106},
	    {"disk.seq128k_q32t1.mix70", "", 3010.620},
	    {"disk.rnd4k_q1t1.mix70.latency", "", 50.90});
}

static void kdiskmark_is_corrected_to_megabytes(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	/* 3389.752 as printed; times 1024 / 1000 */
	CHECK("imports/kdiskmark/default.txt", "kdiskmark", 24, &t,
	    {"disk.seq128k_q32t1.rd", "", 3389.752 * 1.024},
	    {"disk.seq128k_q32t1.rd.iops", "", 26482.4},
	    {"disk.rnd4k_q1t1.wr.latency", "", 23.71});
	assert_int_equal(
	    told_find(&t, "disk.seq128k_q32t1.rd", NULL, 0)->v.of, IMPORT_MEAN);
	told_has(
	    &t, "meta correction: MB/s times 1.024: they were KiB/s / 1000");
	kit_import_file("imports/kdiskmark/peak.txt", &t);
	assert_int_equal(
	    told_find(&t, "disk.seq128k_q32t1.rd", NULL, 0)->v.of, IMPORT_BEST);
}

static void diskspd_is_bytes_through_seconds(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	/* 9937354752 bytes, 75816 requests, 5 s */
	CHECK("imports/diskspd/seq128k.xml", "diskspd", 3, &t,
	    {"disk.seq128k_q32t1.rd", "", 9937354752. / 5 / 1e6},
	    {"disk.seq128k_q32t1.rd.iops", "", 75816. / 5},
	    {"disk.seq128k_q32t1.rd.latency", "", 2110});
	told_has(&t, "meta machine: WIN11-GUEST");
	/* two threads: 105000 reads and 45000 writes of 4096 bytes */
	CHECK("imports/diskspd/mixed.xml", "diskspd", 6, &t,
	    {"disk.rnd4k_q32t2.mix70.rd", "", 105000. * 4096 / 5 / 1e6},
	    {"disk.rnd4k_q32t2.mix70.wr", "", 45000. * 4096 / 5 / 1e6},
	    {"disk.rnd4k_q32t2.mix70.wr.latency", "", 750});
}

/* ---- processors ------------------------------------------------------ */

static void geekbench_has_its_version_in_the_metric(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/geekbench/6.txt", "geekbench-text", 38, &t,
	    {"geekbench6.single_core", "", 1378},
	    {"geekbench6.single_core.integer", "", 1131},
	    {"geekbench6.single_core.floating_point", "", 1990},
	    {"geekbench6.multi_core", "", 6445},
	    {"geekbench6.multi_core.integer", "", 6074},
	    {"geekbench6.multi_core.floating_point", "", 7195},
	    {"geekbench6.single_core.file_compression", "", 1100},
	    {"geekbench6.multi_core.structure_from_motion", "", 6565});
	told_has(&t, "meta version: 6.2.2 Pro");
	CHECK("imports/geekbench/5.txt", "geekbench-text", 12, &t,
	    {"geekbench5.single_core", "", 465},
	    {"geekbench5.single_core.crypto", "", 441},
	    {"geekbench5.multi_core.crypto", "", 881},
	    {"geekbench5.multi_core", "", 994});
	assert_null(told_find(&t, "geekbench6.multi_core", NULL, 0));
	assert_null(told_find(&t, "geekbench.multi_core", NULL, 0));
}

static void geekbench_json_has_the_single_core_score_at_its_root(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/geekbench/5.json", "geekbench-json", 8, &t,
	    {"geekbench5.single_core", "", 465},
	    {"geekbench5.multi_core", "", 994},
	    {"geekbench5.single_core.text_compression", "", 475},
	    {"geekbench5.multi_core.image_compression", "", 1034});
	CHECK("imports/geekbench/6.json", "geekbench-json", 10, &t,
	    {"geekbench6.single_core", "", 1378},
	    {"geekbench6.multi_core", "", 6445},
	    {"geekbench6.multi_core.pdf_renderer", "", 6505});
}

static void sysbench_names_its_threads(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/sysbench/cpu.txt", "sysbench", 3, &t,
	    {"sysbench.cpu_2", "", 4090.43},
	    {"sysbench.cpu_2.latency", "", .49},
	    {"sysbench.cpu_2.latency_p95", "", 3.75});
	CHECK("imports/sysbench/memory.txt", "sysbench", 2, &t,
	    {"sysbench.memory_1", "", 5807.75},
	    {"sysbench.memory_1.operations", "", 5947135.82});
	assert_int_equal(t.result.skipped, 2); /* latencies of 0.00 */
}

static void cpu_tools_are_read_as_printed(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/7zip/b.txt", "7zip", 3, &t, {"7zip.compress", "", 8040},
	    {"7zip.decompress", "", 4860}, {"7zip.total", "", 6450});
	CHECK("imports/openssl/sha256_rsa.txt", "openssl", 8, &t,
	    {"openssl.sha256.16", "", 116936.62},
	    {"openssl.sha256.16384", "", 1790134.04},
	    {"openssl.rsa_2048.sign", "", 3678.7},
	    {"openssl.rsa_2048.verify", "", 64250.0});
	CHECK("imports/openssl/evp.txt", "openssl", 6, &t,
	    {"openssl.aes_256_gcm.16384", "", 4379082.75});
	told_has(&t, "meta version: 3.0.22");
}

/* ---- programs -------------------------------------------------------- */

static void hyperfine_runs_are_samples_of_their_command(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	double sum = 0;

	(void)state;
	CHECK("imports/hyperfine/two.json", "hyperfine", 20, &t,
	    {"hyperfine.time", "sleep 0.01", 0.0116083864});
	for (size_t i = 0; i < 10; i++)
		sum +=
		    told_find(&t, "hyperfine.time", "sleep 0.01", i)->v.value;
	kit_near("sum of sleep", sum, 0.1886842288, 1e-9);
	sum = 0;
	for (size_t i = 0; i < 10; i++)
		sum += told_find(&t, "hyperfine.time", "true", i)->v.value;
	kit_near("sum of true", sum, 0.0063169639, 1e-9);
	assert_null(told_find(&t, "hyperfine.time", "true", 10));
	CHECK("imports/hyperfine/parameters.json", "hyperfine", 10, &t,
	    {"hyperfine.time", "sleep 0.002", 0.00329337906});
}

static void google_benchmark_iterations_are_samples(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/google-benchmark/iterations.json", "google-benchmark",
	    18, &t,
	    {"google_benchmark.real_time", "BM_copy/64", 10.727456848057756},
	    {"google_benchmark.cpu_time", "BM_copy/4096", 61.05148771408869},
	    {"google_benchmark.real_time", "BM_slow", 29611.550105979163});
	assert_int_equal(
	    told_find(&t, "google_benchmark.cpu_time", "BM_slow", 2)->v.of,
	    IMPORT_SAMPLE);
	told_has(&t, "skipped BM_bad: it failed: no device");
}

static void google_benchmark_aggregates_stand_alone(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	const struct told_value *v;

	(void)state;
	CHECK("imports/google-benchmark/aggregates.json", "google-benchmark", 6,
	    &t, {"google_benchmark.real_time", "BM_slow", 30493.772968054518});
	v = told_find(&t, "google_benchmark.cpu_time", "BM_slow", 0);
	assert_int_equal(v->v.of, IMPORT_MEAN);
	assert_int_equal(v->v.n, 3);
	kit_near("median", v->v.median, 29485.60563939637, 1e-9);
	kit_near("sd", v->v.sd, 2153.314385022514, 1e-9);
}

static void phoronix_entries_belong_to_their_system(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};
	const struct told_value *v;

	(void)state;
	CHECK("imports/phoronix/composite.xml", "phoronix", 7, &t,
	    {"phoronix.pts_compress_7zip_1_10_0", "Test: Compression Rating",
	        10240},
	    {"phoronix.pts_build_linux_kernel_1_15_0", "Build: defconfig",
	        312.41});
	v = told_find(&t, "phoronix.pts_compress_7zip_1_10_0", NULL, 5);
	kit_near("last run of kvm", v->v.value, 10110, 0);
	assert_string_equal(v->machine, "kvm");
	assert_int_equal(v->v.direction, BENCH_HIGHER);
	v = told_find(&t, "phoronix.pts_build_linux_kernel_1_15_0", NULL, 0);
	assert_string_equal(v->machine, "vboxdrv");
	assert_int_equal(v->v.direction, BENCH_LOWER);
	assert_int_equal(v->v.of, IMPORT_MEAN);
	assert_int_equal(t.result.skipped, 2);
	told_has(&t,
	    "skipped CPU Temperature Monitor: it does not say whether higher "
	    "or lower is better");
}

/* ---- cases ----------------------------------------------------------- */

static void kvm_unit_tests_are_read_in_all_three_forms(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	CHECK("imports/kvm-unit-tests/vmexit.log", "kvm-unit-tests", 10, &t,
	    {"vmexit.cpuid", "", 1204}, {"vmexit.mov_to_cr8", "", 12},
	    {"vmexit.mmio_no_eventfd_pci_mem", "", 5902});
	assert_int_equal(t.result.cases, 0);
	kit_import_file("imports/kvm-unit-tests/runner.log", &t);
	told_has(&t, "pass smptest: 1 tests");
	told_has(&t, "fail sieve: timeout; duration=90s");
	told_has(&t, "skip pmu: kvm only, but ACCEL=tcg");
	told_has(&t, "verdict fail: case msr failed");
	kit_import_file("imports/kvm-unit-tests/hypercall.log", &t);
	assert_int_equal(t.result.cases, 4);
	told_has(&t, "fail Hypercall via VMMCALL: #UD(0): ");
	told_has(&t, "pass emulated 'vmcall': expected: failed as expected");
}

static void streams_have_cases_and_a_verdict(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import_file("imports/googletest/mixed.txt", &t);
	assert_string_equal(t.result.format, "googletest");
	assert_int_equal(t.result.cases, 5);
	told_has(&t, "fail Exits.Hypercall: gt.cc:3: Failure");
	told_has(&t, "verdict fail: case Exits.Hypercall failed");
	kit_import_file("imports/tap/perl.txt", &t);
	assert_int_equal(t.result.cases, 4);
	assert_non_null(strstr(buf_str(&t.log), "\npass todo one: "));
	told_has(&t, "skip : skip no vmx");
	told_has(&t, "verdict fail: case differs failed");
	kit_import_file("imports/tap/nested14.txt", &t);
	assert_int_equal(t.result.cases, 4);
	told_has(&t, "fail exits: hypercall: ");
	told_has(&t, "pass ends: ");
	kit_import_file("imports/ktap/kunit.txt", &t);
	assert_string_equal(t.result.format, "ktap");
	assert_int_equal(t.result.cases, 4);
	told_has(&t, "fail example: example_fail_test: ");
	told_has(&t, "pass list: list_test_add: ");
	told_has(&t, "verdict fail: case example: example_fail_test failed");
}

static void serial_logs_are_judged_as_live_consoles_are(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import_file("streams/cpuid.txt", &t);
	assert_string_equal(t.result.format, "sotest");
	assert_int_equal(t.result.cases, 2);
	told_wants(&t, "guest_test.cpuid_cycles", "", 34);
	assert_non_null(strstr(buf_str(&t.log), "verdict fail: "));
	kit_import_file("streams/hello.txt", &t);
	told_has(&t, "verdict pass: ");
	kit_import_file("streams/triple_fault.txt", &t);
	assert_int_equal(t.result.cases, 0);
	assert_non_null(strstr(buf_str(&t.log), "verdict fail: "));
}

static void published_tables_keep_their_digits(void **state)
{
	scoped_val(told_done) struct told t = {.r = 0};

	(void)state;
	kit_import_file("published/disk_seq128k_q32t1_rd.csv", &t);
	assert_string_equal(t.result.format, "ratios");
	assert_int_equal(t.result.ratios, 28);
	assert_int_equal(t.result.values, 0);
	told_has(&t,
	    "ratio svp_whiskey_lake_t490 disk.seq128k_q32t1.rd higher "
	    "vboxdrv/kvm windows_11 sata 0.98999999999999999 0.990");
	kit_import_file("published/geekbench_multi_core.csv", &t);
	assert_int_equal(t.result.ratios, 14);
	kit_import_file("published/disk_rnd4k_q1t1_rd.csv", &t);
	assert_int_equal(t.result.ratios, 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fio_is_read_in_bytes_and_not_in_kib),
	    cmocka_unit_test(fio_jobs_of_one_name_are_added_up),
	    cmocka_unit_test(fio_with_bins_and_a_mix_has_both_sides),
	    cmocka_unit_test(fio_with_a_job_file_inherits_global_options),
	    cmocka_unit_test(crystaldiskmark_rows_have_three_numbers),
	    cmocka_unit_test(utf16_says_the_same_as_utf8),
	    cmocka_unit_test(a_mix_is_a_metric_of_its_own),
	    cmocka_unit_test(kdiskmark_is_corrected_to_megabytes),
	    cmocka_unit_test(diskspd_is_bytes_through_seconds),
	    cmocka_unit_test(geekbench_has_its_version_in_the_metric),
	    cmocka_unit_test(
	        geekbench_json_has_the_single_core_score_at_its_root),
	    cmocka_unit_test(sysbench_names_its_threads),
	    cmocka_unit_test(cpu_tools_are_read_as_printed),
	    cmocka_unit_test(hyperfine_runs_are_samples_of_their_command),
	    cmocka_unit_test(google_benchmark_iterations_are_samples),
	    cmocka_unit_test(google_benchmark_aggregates_stand_alone),
	    cmocka_unit_test(phoronix_entries_belong_to_their_system),
	    cmocka_unit_test(kvm_unit_tests_are_read_in_all_three_forms),
	    cmocka_unit_test(streams_have_cases_and_a_verdict),
	    cmocka_unit_test(serial_logs_are_judged_as_live_consoles_are),
	    cmocka_unit_test(published_tables_keep_their_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
