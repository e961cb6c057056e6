/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading other programs' results: files in the shapes that fio, hyperfine,
 * publications and guest tests have, made here and large. Beside it `cat` of
 * the same file, which is the least that reading it costs, and `jq`, which
 * understands as much of JSON as is needed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "bench/import.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"

enum {
	TIMES = 3,
	HYPERFINE_TIMES = 1000, /* of a command */
	PIECE = 65536,
	PEER_MS = 300000
};

/* ---- files --------------------------------------------------------------- */

/* A number that is another one each time, as measured ones are. */
static double noise(int64_t i)
{
	return 1000 + 100 * sin((double)i * 1.618);
}

static void fio_latency(FILE *to, const char *name, int64_t i, bool used)
{
	static const char *const percentiles[] = {"1.000000", "5.000000",
	    "10.000000", "20.000000", "30.000000", "40.000000", "50.000000",
	    "60.000000", "70.000000", "80.000000", "90.000000", "95.000000",
	    "99.000000", "99.500000", "99.900000", "99.950000", "99.990000"};
	double v = used ? noise(i) * 1e3 : 0;

	(void)fprintf(to,
	    "        \"%s\" : {\n          \"min\" : %.0f,\n"
	    "          \"max\" : %.0f,\n          \"mean\" : %.6f,\n"
	    "          \"stddev\" : %.6f,\n          \"N\" : %d",
	    name, v / 9, v * 9, v, v / 5, used ? 12677 : 0);
	if (used && name[0] == 'c') {
		(void)fputs(",\n          \"percentile\" : {\n", to);
		for (size_t k = 0; k < ARRAY_LEN(percentiles); k++)
			(void)fprintf(to, "            \"%s\" : %.0f%s\n",
			    percentiles[k], v * (1 + (double)k / 10),
			    k + 1 < ARRAY_LEN(percentiles) ? "," : "");
		(void)fputs("          }", to);
	}
	(void)fputs("\n        },\n", to);
}

static void fio_direction(FILE *to, const char *name, int64_t i, bool used)
{
	double v = used ? noise(i) : 0;

	(void)fprintf(to,
	    "      \"%s\" : {\n        \"io_bytes\" : %.0f,\n"
	    "        \"io_kbytes\" : %.0f,\n        \"bw_bytes\" : %.0f,\n"
	    "        \"bw\" : %.0f,\n        \"iops\" : %.6f,\n"
	    "        \"runtime\" : %d,\n        \"total_ios\" : %d,\n"
	    "        \"short_ios\" : 0,\n        \"drop_ios\" : 0,\n",
	    name, v * 1024e3, v * 1e3, v * 1024e3, v * 1e3, v * 1.25,
	    used ? 1001 : 0, used ? 12677 : 0);
	fio_latency(to, "slat_ns", i + 1, used);
	fio_latency(to, "clat_ns", i + 2, used);
	fio_latency(to, "lat_ns", i + 3, used);
	(void)fprintf(to,
	    "        \"bw_min\" : %.0f,\n        \"bw_max\" : %.0f,\n"
	    "        \"bw_agg\" : %.6f,\n        \"bw_mean\" : %.6f,\n"
	    "        \"bw_dev\" : 0.000000,\n        \"bw_samples\" : %d,\n"
	    "        \"iops_min\" : %.0f,\n        \"iops_max\" : %.0f,\n"
	    "        \"iops_mean\" : %.6f,\n"
	    "        \"iops_stddev\" : 0.000000,\n"
	    "        \"iops_samples\" : %d\n      },\n",
	    v, v, used ? 97.4 : 0, v, used, v, v, v, used);
}

/* n: jobs. */
static void write_fio(FILE *to, int64_t n)
{
	(void)fputs("{\n  \"fio version\" : \"fio-3.33\",\n"
	            "  \"timestamp\" : 1795310943,\n"
	            "  \"time\" : \"Sun Nov 22 01:29:03 2026\",\n"
	            "  \"jobs\" : [\n",
	    to);
	for (int64_t i = 0; i < n; i++) {
		(void)fprintf(to,
		    "    {\n      \"jobname\" : \"profile_%06" PRId64 "\",\n"
		    "      \"groupid\" : 0,\n      \"error\" : 0,\n"
		    "      \"job options\" : {\n        \"bs\" : \"128k\",\n"
		    "        \"rw\" : \"read\",\n"
		    "        \"iodepth\" : \"32\"\n      },\n",
		    i);
		fio_direction(to, "read", 4 * i, true);
		fio_direction(to, "write", 0, false);
		fio_direction(to, "trim", 0, false);
		(void)fprintf(to,
		    "      \"job_runtime\" : 1000,\n"
		    "      \"usr_cpu\" : 2.500000,\n"
		    "      \"sys_cpu\" : 23.000000,\n      \"ctx\" : 344,\n"
		    "      \"majf\" : 0,\n      \"minf\" : 1035\n    }%s\n",
		    i + 1 < n ? "," : "");
	}
	(void)fputs("  ]\n}\n", to);
}

/* n: commands. */
static void write_hyperfine(FILE *to, int64_t n)
{
	(void)fputs("{\n  \"results\": [\n", to);
	for (int64_t i = 0; i < n; i++) {
		(void)fprintf(to,
		    "    {\n      \"command\": \"command %" PRId64 "\",\n"
		    "      \"mean\": 1.0,\n      \"stddev\": 0.1,\n"
		    "      \"median\": 1.0,\n      \"user\": 0.5,\n"
		    "      \"system\": 0.5,\n      \"min\": 0.9,\n"
		    "      \"max\": 1.1,\n      \"times\": [\n",
		    i);
		for (int k = 0; k < HYPERFINE_TIMES; k++)
			(void)fprintf(to, "        %.17g%s\n",
			    noise(i * HYPERFINE_TIMES + k) / 1e3,
			    k + 1 < HYPERFINE_TIMES ? "," : "");
		(void)fprintf(to, "      ]\n    }%s\n", i + 1 < n ? "," : "");
	}
	(void)fputs("  ]\n}\n", to);
}

/* n: rows. */
static void write_ratios(FILE *to, int64_t n)
{
	(void)fputs("machine,metric,direction,baseline,candidate,guest,"
	            "controller,overhead\n",
	    to);
	for (int64_t i = 0; i < n; i++)
		(void)fprintf(to,
		    "machine_%02d,disk.rnd4k_q1t1.rd,higher,vboxdrv,kvm,"
		    "guest_%05" PRId64 ",sata,%#.3g\n",
		    (int)(i % 52), i / 52, noise(i) / 1e3);
}

/* n: cases. */
static void write_sotest(FILE *to, int64_t n)
{
	(void)fprintf(to, "SOTEST VERSION 1 BEGIN %" PRId64 "\n", n);
	for (int64_t i = 0; i < n; i++)
		(void)fprintf(to,
		    "test case: test_case_%06" PRId64 "\r\n"
		    "Detected CPUID string \"QEMU TCG CPU version 2.5+\"\r\n"
		    "counter %.3f\r\n"
		    "SOTEST SUCCESS \"case_%06" PRId64 "\"\r\n",
		    i, noise(i), i);
	(void)fputs("SOTEST END\r\n", to);
}

static const struct input {
	const char *what;
	const char *format; /* as which it must be recognised */
	void (*write)(FILE *to, int64_t n);
	int64_t n;
	int64_t n_small;
	int64_t told_each; /* at least: values, cases and ratios, of n */
	bool json;
} inputs[] = {
    {"fio JSON", "fio", write_fio, 8000, 5, 1, true},
    {"hyperfine JSON", "hyperfine", write_hyperfine, 900, 2, HYPERFINE_TIMES,
        true},
    {"ratios CSV", "ratios", write_ratios, 600000, 50, 1, false},
    {"SOTEST log", "sotest", write_sotest, 250000, 50, 1, false},
};

static int make(const struct bench *b, const struct input *in, const char *path,
    struct err *err)
{
	FILE *to = fopen(path, "we");
	bool bad;

	if (!to)
		return err_set(err, ERR_IO, "%s: cannot be written", path);
	in->write(to, b->small ? in->n_small : in->n);
	bad = ferror(to);
	bad |= fclose(to) != 0;
	return bad ? err_set(err, ERR_IO, "%s: cannot be written", path) : 0;
}

/* ---- reading ------------------------------------------------------------- */

/* It must have understood what it read: else nothing was measured. */
static int judge(const struct bench *b, const struct input *in,
    const struct import_result *res, struct err *err)
{
	int64_t n = (b->small ? in->n_small : in->n) * in->told_each;
	int64_t told = res->values + res->cases + res->ratios;

	if (strcmp(res->format, in->format) == 0 && told >= n)
		return 0;
	return err_set(err, ERR_PROTO,
	    "%s: read as %s with %" PRId64 " values where %" PRId64 " are",
	    in->what, res->format, told, n);
}

static int read_all(struct import *im, int fd, struct err *err)
{
	scoped(free) char *piece = xcalloc(1, PIECE);
	ssize_t n = 0;
	int r = 0;

	while (r == 0 && (n = read(fd, piece, PIECE)) > 0)
		r = import_feed(im, piece, (size_t)n, err);
	if (r == 0 && n < 0)
		return err_set(err, ERR_IO, "read failed");
	return r < 0 ? r : import_end(im, err);
}

static int read_once(const struct bench *b, const struct input *in,
    const char *path, double *ret_s, struct err *err)
{
	static const struct import_ops counted = {0};
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	scoped(import_free) struct import *im =
	    import_new(in->what, &counted, NULL);
	int64_t began_ns = clock_mono_ns();
	int r = fd < 0 ? err_set(err, ERR_IO, "%s: cannot be read", path)
	               : read_all(im, fd, err);

	*ret_s = (double)(clock_mono_ns() - began_ns) / 1e9;
	return r < 0 ? r : judge(b, in, import_result(im), err);
}

/* Seconds that a shell's command takes with the path as $1. */
static int peer_once(
    const char *command, const char *path, double *ret_s, struct err *err)
{
	const char *argv[] = {"/bin/sh", "-c", command, "sh", path, NULL};
	int64_t began_ns = clock_mono_ns();
	int r = process_run(argv, NULL, PEER_MS, err);

	*ret_s = (double)(clock_mono_ns() - began_ns) / 1e9;
	return r;
}

/* ---- rows ---------------------------------------------------------------- */

static double best_of(const double *s, size_t n)
{
	double best = s[0];

	for (size_t i = 1; i < n; i++)
		best = s[i] < best ? s[i] : best;
	return best;
}

static void row(struct bench *b, const struct input *in, double mb,
    double our_s, const char *peer, double peer_s)
{
	scoped(free) char *name = xasprintf("%s of %.0f MB", in->what, mb);

	bench_row(b,
	    &(struct row){.part = "import",
	        .name = name,
	        .unit = "MB/s",
	        .p50 = mb / our_s,
	        .p99 = NAN,
	        .n = TIMES,
	        .peer = peer,
	        .peer_value = mb / peer_s});
}

static int measure(
    struct bench *b, const struct input *in, const char *path, struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	double mb = fd < 0 ? 0 : (double)lseek(fd, 0, SEEK_END) / 1e6;
	double ours[TIMES];
	double cat[TIMES];
	double jq = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < TIMES; i++) {
		r = read_once(b, in, path, &ours[i], err);
		if (r == 0)
			r = peer_once(
			    "cat \"$1\" | cat >/dev/null", path, &cat[i], err);
	}
	if (r == 0 && in->json)
		r = peer_once("exec jq empty \"$1\"", path, &jq, err);
	if (r < 0)
		return r;
	row(b, in, mb, best_of(ours, TIMES), "cat | cat", best_of(cat, TIMES));
	if (in->json)
		row(b, in, mb, best_of(ours, TIMES), "jq empty", jq);
	return 0;
}

int part_import(struct bench *b, struct err *err)
{
	int r = 0;

	bench_say("import");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(inputs); i++) {
		scoped(free) char *path = xasprintf("%s/import-%zu", b->dir, i);

		r = make(b, &inputs[i], path, err);
		if (r == 0)
			r = measure(b, &inputs[i], path, err);
		(void)unlink(path); /* the folder goes with the run */
	}
	return r;
}
