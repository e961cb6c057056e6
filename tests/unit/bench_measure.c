/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outputs of fio and sysbench, and the table of metrics. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/bench_kit.h"

/* A complete job of fio; each %s is replaced in turn. */
#define SIDE                                                               \
	"{\"bw_bytes\": %s, \"bw\": 1, \"iops\": 2.5, \"runtime\": 5000, " \
	"\"total_ios\": 9, \"clat_ns\": {\"mean\": 7, \"percentile\": "    \
	"{\"99.900000\": 3, \"50.000000\": 2}}}"
#define JOB                                                   \
	"{\"jobname\": \"m\", \"error\": %s, \"read\": " SIDE \
	", \"write\": " SIDE "}"

static char *document(const char *before, const char *error, const char *bw)
{
	scoped(free) char *job = xasprintf(JOB, error, bw, bw);

	return xasprintf(
	    "%s{\"fio version\": \"fio-3.33\", \"jobs\": [%s]}\n", before, job);
}

static struct bench_fio *fio(const char *text)
{
	struct bench_fio *f = NULL;
	struct err err = ERR_INIT;

	if (bench_fio_parse(text, strlen(text), &f, &err) < 0)
		fail_msg("%s", err.msg);
	return f;
}

static void fio_refuses(const char *text, const char *message)
{
	scoped(bench_fio_free) struct bench_fio *f = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(
	    bench_fio_parse(text, strlen(text), &f, &err), -ERR_PROTO);
	assert_null(f);
	if (!strstr(err.msg, message))
		fail_msg("got '%s', want '%s'", err.msg, message);
}

static double mb(const struct bench_fio *f, enum bench_fio_rw rw)
{
	struct err err = ERR_INIT;
	double v = -1;

	if (bench_fio_value(f, rw, 0, &v, &err) < 0)
		fail_msg("%s", err.msg);
	return v;
}

/* ---- fio ------------------------------------------------------------- */

static void real_outputs_are_read(void **state)
{
	static const struct {
		const char *path;
		const char *job;
		double mb;
		double iops;
		double clat;
		size_t percentiles;
	} rows[] = {
	    {"vectors/formats/fio_seq.json", "SEQ128K_Q32T1_RD", 1016.800969,
	        7757.575758, 2900055.199219, 17},
	    {"vectors/formats/fio_rnd4k.json", "rnd4k", 67.650064, 16516.129032,
	        NAN, 17},
	    {"vectors/formats/fio_seq128k_jsonplus.json", "seq128k",
	        1864.135111, 14222.222222, NAN, 17},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);
		scoped(bench_fio_free) struct bench_fio *f = NULL;
		const struct bench_fio_side *s;

		kit_text(rows[i].path, &text);
		f = fio(buf_str(&text));
		assert_string_equal(f->version, "fio-3.33");
		assert_int_equal(f->n_jobs, 1);
		assert_string_equal(f->jobs[0].name, rows[i].job);
		s = &f->jobs[0].read;
		kit_near("MB/s", mb(f, BENCH_FIO_READ), rows[i].mb, 1e-12);
		kit_near("iops", s->iops, rows[i].iops, 1e-12);
		if (!isnan(rows[i].clat))
			kit_near("clat", s->clat_mean_ns, rows[i].clat, 1e-12);
		assert_int_equal(s->n_percentiles, rows[i].percentiles);
		kit_near("first", s->percentiles[0].percent, 1, 0);
		kit_near("last", s->percentiles[16].percent, 99.99, 1e-12);
		assert_true(isnan(f->jobs[0].write.clat_mean_ns));
		assert_int_equal(f->jobs[0].write.n_percentiles, 0);
	}
}

static void lines_around_the_document_are_skipped(void **state)
{
	scoped(free) char *text =
	    document("note: both {iodepth >= 1} are\r\nfio: x\n", "0", "3e6");
	scoped(free) char *more = xasprintf("%strailing\n", text);
	scoped(bench_fio_free) struct bench_fio *f = fio(more);

	(void)state;
	kit_near("MB/s", mb(f, BENCH_FIO_WRITE), 3, 0);
	kit_near("rising", f->jobs[0].read.percentiles[0].percent, 50, 0);
	kit_near("rising", f->jobs[0].read.percentiles[1].ns, 3, 0);
}

static void a_job_that_failed_has_no_value(void **state)
{
	scoped(free) char *text = document("", "5", "3000000");
	scoped(bench_fio_free) struct bench_fio *f = fio(text);
	struct err err = ERR_INIT;
	double v = 77;

	(void)state;
	assert_int_equal(f->jobs[0].error, 5);
	assert_int_equal(
	    bench_fio_value(f, BENCH_FIO_READ, 0, &v, &err), -ERR_PROTO);
	assert_string_equal(
	    err.msg, "fio: job 'm': error 5 (Input/output error)");
	assert_true(v == 77);
}

static void a_side_without_io_or_time_has_no_value(void **state)
{
	scoped(free) char *none = document("", "0", "0");
	scoped(free) char *some = document("", "0", "1000000");
	scoped(bench_fio_free) struct bench_fio *a = fio(none);
	scoped(bench_fio_free) struct bench_fio *b = fio(some);
	struct err err = ERR_INIT;
	double v;

	(void)state;
	assert_int_equal(
	    bench_fio_value(a, BENCH_FIO_WRITE, 0, &v, &err), -ERR_PROTO);
	assert_string_equal(err.msg, "fio: job 'm' wrote nothing");
	assert_int_equal(
	    bench_fio_value(b, BENCH_FIO_READ, 5001, &v, &err), -ERR_PROTO);
	assert_string_equal(err.msg,
	    "fio: job 'm' read for 5000 ms; at least 5001 ms are needed");
	assert_int_equal(bench_fio_value(b, BENCH_FIO_READ, 5000, &v, &err), 0);
}

static void jobs_without_group_reporting_are_added(void **state)
{
	scoped(free) char *one = xasprintf(JOB, "0", "1000000", "0");
	scoped(free) char *two = xasprintf(JOB, "0", "2500000", "0");
	scoped(free) char *text = xasprintf("{\"jobs\": [%s, %s]}", one, two);
	scoped(bench_fio_free) struct bench_fio *f = fio(text);

	(void)state;
	assert_int_equal(f->n_jobs, 2);
	assert_string_equal(f->version, "");
	kit_near("sum", mb(f, BENCH_FIO_READ), 3.5, 1e-12);
}

static void integers_beyond_64_bits_are_numbers(void **state)
{
	scoped(free) char *text =
	    document("", "0", "18446744073709551615000000");
	scoped(bench_fio_free) struct bench_fio *f = fio(text);

	(void)state;
	kit_near("MB/s", mb(f, BENCH_FIO_READ), 1.8446744073709552e19, 1e-12);
}

static void bad_fio_output_is_refused(void **state)
{
	static const struct {
		const char *error;
		const char *bw;
		const char *message;
	} rows[] = {
	    {"0", "-1", "fio's bw_bytes is -1"},
	    {"0", "\"1\"", "fio printed no bw_bytes"},
	    {"0", "null", "fio printed no bw_bytes"},
	    {"0", "nan", "fio's JSON: line 1"},
	    {"0", "1e999", "fio's JSON: line 1"},
	    {"0.5", "1", "fio's error is 0.5"},
	    {"1e20", "1", "fio's error is 1e+20"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *text =
		    document("", rows[i].error, rows[i].bw);

		fio_refuses(text, rows[i].message);
	}
	fio_refuses("", "fio printed no JSON");
	fio_refuses("fio: engine nosuch not loadable\n", "no JSON");
	fio_refuses("x {\"jobs\": []}", "no JSON");
	fio_refuses("{}", "fio printed no jobs");
	fio_refuses("{\"jobs\": {}}", "fio printed no jobs");
	fio_refuses("{\"jobs\": [1]}", "fio printed no error");
	fio_refuses("{\"jobs\": [{\"error\": 0}]}", "fio printed no read");
	fio_refuses("{\"jobs\": [{", "fio's JSON");
	fio_refuses("{}\n{}", "a second document begins here");
}

static void too_much_is_refused(void **state)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(BENCH_OUTPUT_MAX + 100);
	scoped(free) char *job = xasprintf(JOB, "0", "1", "1");
	struct bench_fio *f = NULL;
	struct bench_sysbench s;
	struct err err = ERR_INIT;

	(void)state;
	buf_puts(&text, "{\"jobs\": [");
	for (int i = 0; i <= BENCH_FIO_JOBS_MAX; i++)
		buf_printf(&text, "%s%s", i ? "," : "", job);
	buf_puts(&text, "]}");
	assert_int_equal(
	    bench_fio_parse(text.data, text.len, &f, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "over 256 jobs"));
	while (text.len <= BENCH_OUTPUT_MAX)
		buf_putc(&text, '\n');
	assert_int_equal(
	    bench_fio_parse(text.data, text.len, &f, &err), -ERR_LIMIT);
	assert_int_equal(
	    bench_sysbench_parse(text.data, text.len, &s, &err), -ERR_LIMIT);
}

/* ---- sysbench -------------------------------------------------------- */

static void real_reports_are_read(void **state)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);
	struct bench_sysbench s;
	struct err err = ERR_INIT;

	(void)state;
	kit_text("vectors/formats/sysbench_cpu.txt", &text);
	if (bench_sysbench_parse(text.data, text.len, &s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(s.version, "1.0.20");
	assert_int_equal(s.threads, 1);
	kit_near("events/s", s.events_per_second, 3474.23, 0);
	kit_near("time", s.total_time_s, 1.001, 0);
	kit_near("events", s.total_events, 3481, 0);
	kit_near("min", s.latency_min_ms, .19, 0);
	kit_near("avg", s.latency_avg_ms, .29, 0);
	kit_near("max", s.latency_max_ms, 11.79, 0);
	kit_near("p95", s.latency_p95_ms, .23, 0);
	assert_true(isnan(s.mib_per_second));
	buf_reset(&text);
	kit_text("vectors/formats/sysbench_memory.txt", &text);
	assert_int_equal(
	    bench_sysbench_parse(text.data, text.len, &s, &err), 0);
	kit_near("operations/s", s.events_per_second, 7036161.41, 0);
	kit_near("MiB/s", s.mib_per_second, 6871.25, 0);
}

static void sysbench_refuses(const char *text, const char *message)
{
	struct bench_sysbench s;
	struct err err = ERR_INIT;

	assert_int_equal(
	    bench_sysbench_parse(text, strlen(text), &s, &err), -ERR_PROTO);
	if (!strstr(err.msg, message))
		fail_msg("got '%s', want '%s'", err.msg, message);
}

static void bad_reports_are_refused(void **state)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);

	(void)state;
	sysbench_refuses("", "no events per second");
	sysbench_refuses("    events per second:  x\n", "no number");
	sysbench_refuses("events per second: 0x10\n", "no number");
	sysbench_refuses("events per second: inf\n", "no number");
	sysbench_refuses("events per second: -1\n", "no number");
	sysbench_refuses("events per second: 1 2\n", "no number");
	sysbench_refuses("Total operations: 5 (x per second)\n", "no rate");
	sysbench_refuses("FATAL: \x1b[1mbad\n", "sysbench: FATAL: ?[1mbad");
	/* Every cut of a good report is refused. */
	kit_text("vectors/formats/sysbench_cpu.txt", &text);
	for (size_t n = 0; n < text.len; n++) {
		static const char sum[] =
		    "sum:                                  9";
		struct bench_sysbench s;
		struct err err = ERR_INIT;

		if (memmem(text.data, n, sum, sizeof(sum) - 1))
			break;
		assert_int_equal(
		    bench_sysbench_parse(text.data, n, &s, &err), -ERR_PROTO);
	}
}

static void carriage_returns_do_not_matter(void **state)
{
	static const char text[] = "sysbench 1.0.20 (x)\r\n"
	                           "events per second: 10.5\r\n"
	                           "total time: 1.0s\r\n"
	                           "total number of events: 10\r\n"
	                           "sum: 0.1";
	struct bench_sysbench s;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    bench_sysbench_parse(text, sizeof(text) - 1, &s, &err), 0);
	kit_near("events/s", s.events_per_second, 10.5, 0);
	assert_int_equal(s.threads, -1);
}

/* ---- metrics --------------------------------------------------------- */

static void every_metric_is_complete_and_unique(void **state)
{
	size_t n;
	const struct bench_metric *m = bench_metric_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(m[i].direction == BENCH_HIGHER ||
		    m[i].direction == BENCH_LOWER);
		assert_true(m[i].margin > 0 && m[i].margin < .2);
		assert_true(m[i].unit[0] && m[i].profile[0]);
		assert_ptr_equal(bench_metric_find(m[i].name), &m[i]);
		assert_ptr_equal(
		    bench_metric_of(m[i].workload, m[i].profile), &m[i]);
		if (m[i].workload != BENCH_FIO)
			continue;
		assert_int_equal(m[i].bs % 4096, 0);
		assert_true(m[i].iodepth > 0 && m[i].numjobs > 0);
		assert_int_equal(str_starts(m[i].rw, "rand"),
		    str_starts(m[i].profile, "RND"));
		assert_int_equal(
		    str_ends(m[i].rw, "write"), str_ends(m[i].name, ".wr"));
	}
	assert_null(bench_metric_find("disk.nosuch"));
	assert_null(bench_metric_of(BENCH_SYSBENCH, "SEQ1M Q8T1 RD"));
	assert_ptr_equal(bench_metric_of(BENCH_FIO, "seq128k q32t1 rd"),
	    bench_metric_find("disk.seq128k_q32t1.rd"));
}

static void a_metric_is_read_from_its_output(void **state)
{
	scoped_val(buf_done) struct buf disk = BUF_INIT(1 << 20);
	scoped_val(buf_done) struct buf cpu = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;
	double v = 0;

	(void)state;
	kit_text("vectors/formats/fio_seq.json", &disk);
	kit_text("vectors/formats/sysbench_cpu.txt", &cpu);
	assert_int_equal(
	    bench_metric_value(bench_metric_find("disk.seq128k_q32t1.rd"),
	        disk.data, disk.len, &v, &err),
	    0);
	kit_near("read", v, 1016.800969, 1e-12);
	assert_int_equal(
	    bench_metric_value(bench_metric_find("disk.seq128k_q32t1.wr"),
	        disk.data, disk.len, &v, &err),
	    -ERR_PROTO);
	assert_int_equal(bench_metric_value(bench_metric_find("sysbench.cpu_1"),
	                     cpu.data, cpu.len, &v, &err),
	    0);
	kit_near("events/s", v, 3474.23, 0);
	assert_int_equal(
	    bench_metric_value(bench_metric_find("geekbench.single_core"),
	        cpu.data, cpu.len, &v, &err),
	    -ERR_INVAL);
}

static void directions_have_names(void **state)
{
	enum bench_direction d = BENCH_HIGHER;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(bench_direction_parse("lower", &d, &err), 0);
	assert_int_equal(d, BENCH_LOWER);
	assert_string_equal(bench_direction_name(d), "lower");
	assert_int_equal(bench_direction_parse("up", &d, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "direction: up is none (higher or lower)");
}

static void units_say_a_direction_or_nothing(void **state)
{
	static const struct {
		const char *unit;
		enum bench_direction direction;
	} rows[] = {
	    {"s", BENCH_LOWER},
	    {"Seconds", BENCH_LOWER},
	    {"cycles", BENCH_LOWER},
	    {"exits/s", BENCH_LOWER},
	    {"MB/s", BENCH_HIGHER},
	    {"Frames Per Second", BENCH_HIGHER},
	    {"MIPS", BENCH_HIGHER},
	    {"Celsius", 0},
	    {"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum bench_direction d = 0;

		assert_int_equal(bench_unit_direction(rows[i].unit, &d),
		    rows[i].direction != 0);
		if (rows[i].direction)
			assert_int_equal(d, rows[i].direction);
	}
	assert_int_equal(
	    bench_metric_find("disk.rnd4k_q1t1.rd.latency")->direction,
	    BENCH_LOWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_outputs_are_read),
	    cmocka_unit_test(lines_around_the_document_are_skipped),
	    cmocka_unit_test(a_job_that_failed_has_no_value),
	    cmocka_unit_test(a_side_without_io_or_time_has_no_value),
	    cmocka_unit_test(jobs_without_group_reporting_are_added),
	    cmocka_unit_test(integers_beyond_64_bits_are_numbers),
	    cmocka_unit_test(bad_fio_output_is_refused),
	    cmocka_unit_test(too_much_is_refused),
	    cmocka_unit_test(real_reports_are_read),
	    cmocka_unit_test(bad_reports_are_refused),
	    cmocka_unit_test(carriage_returns_do_not_matter),
	    cmocka_unit_test(every_metric_is_complete_and_unique),
	    cmocka_unit_test(a_metric_is_read_from_its_output),
	    cmocka_unit_test(directions_have_names),
	    cmocka_unit_test(units_say_a_direction_or_nothing),
	};

	return cmocka_run_group_tests_name("bench_measure", tests, NULL, NULL);
}
