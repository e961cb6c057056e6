/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw outputs of benchmark programs, read into numbers.
 *
 * Outputs come from guests and may be anything. Memory is bounded by
 * BENCH_OUTPUT_MAX and by the counts below, numbers are finite and not
 * negative, texts are UTF-8 without control bytes. What an output does not say
 * is NAN (or -1), never 0.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define BENCH_OUTPUT_MAX (4 << 20)
#define BENCH_FIO_JOBS_MAX 256
#define BENCH_FIO_PERCENTILES_MAX 32

struct bench_percentile {
	double percent; /* 99.9 */
	double ns;
};

/* What one job of fio did in one direction. */
struct bench_fio_side {
	double bw_bytes; /* bytes a second; never fio's bw, which is KiB/s */
	double iops;
	double runtime_ms; /* 0 if there was no I/O */
	double total_ios;
	double clat_mean_ns; /* completion latency; NAN if none was taken */
	double clat_n;       /* of how many; NAN if it does not say */
	struct bench_percentile percentiles[BENCH_FIO_PERCENTILES_MAX];
	size_t n_percentiles; /* by percent, rising; 0 if none was taken */
};

struct bench_fio_job {
	char name[128];
	int error; /* an errno; 0 is good */
	struct bench_fio_side read;
	struct bench_fio_side write;
};

struct bench_fio {
	char version[64]; /* "fio-3.33" */
	struct bench_fio_job *jobs;
	size_t n_jobs; /* one with --group_reporting */
};

enum bench_fio_rw {
	BENCH_FIO_READ,
	BENCH_FIO_WRITE
};

/*
 * Reads the JSON of fio --output-format=json or json+. Lines before the one
 * that begins with a brace are skipped, and so is what follows the document,
 * unless it is a second one. A job that failed is no error here. Errors: PROTO
 * (no such JSON, or a number that is none), LIMIT (too long, or too many jobs).
 */
int bench_fio_parse(
    const char *text, size_t len, struct bench_fio **ret, struct err *err);
void bench_fio_free(struct bench_fio *f);
SCOPED_DEFINE(struct bench_fio, bench_fio_free);

/*
 * MB/s, 10^6 bytes a second, of all jobs together. min_runtime_ms: a side that
 * ran shorter measured nothing (fio without time_based may end in
 * milliseconds); 0 takes all. Errors: PROTO (a job failed, nothing was read or
 * written, too short).
 */
int bench_fio_value(const struct bench_fio *f, enum bench_fio_rw rw,
    double min_runtime_ms, double *ret, struct err *err);

struct bench_sysbench {
	char version[64];         /* "1.0.20" */
	int threads;              /* -1 if it does not say */
	double events_per_second; /* cpu; memory: operations a second */
	double mib_per_second;    /* memory only */
	double total_time_s;
	double total_events;
	double latency_min_ms;
	double latency_avg_ms;
	double latency_max_ms;
	double latency_p95_ms; /* NAN with another --percentile */
	double latency_sum_ms;
};

/*
 * Reads the report of sysbench 1.0, cpu or memory. Errors: PROTO (a FATAL line,
 * no rate, or a report that was cut off), LIMIT (too long).
 */
int bench_sysbench_parse(
    const char *text, size_t len, struct bench_sysbench *ret, struct err *err);

#endif
