/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of metrics. Margins: 1 % for processors, 3 % for disks, whose
 * noise is larger.
 */
#include "bench/metric.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "bench/measure.h"

#define MARGIN_CPU .01
#define MARGIN_DISK .03

#define FIO(name, profile, rw, kib, depth, jobs)                          \
	{                                                                 \
		"disk." name, profile, "MB/s", BENCH_HIGHER, MARGIN_DISK, \
		    BENCH_FIO, rw, (kib)*1024, depth, jobs, 0             \
	}
#define SYSBENCH(name, profile, threads)                               \
	{                                                              \
		"sysbench." name, profile, "events/s", BENCH_HIGHER,   \
		    MARGIN_CPU, BENCH_SYSBENCH, NULL, 0, 0, 0, threads \
	}
#define GEEKBENCH(name, profile)                                    \
	{                                                           \
		"geekbench." name, profile, "points", BENCH_HIGHER, \
		    MARGIN_CPU, BENCH_GEEKBENCH, NULL, 0, 0, 0, 0   \
	}

static const struct bench_metric metrics[] = {
    FIO("seq1m_q8t1.rd", "SEQ1M Q8T1 RD", "read", 1024, 8, 1),
    FIO("seq1m_q8t1.wr", "SEQ1M Q8T1 WR", "write", 1024, 8, 1),
    FIO("seq1m_q1t1.rd", "SEQ1M Q1T1 RD", "read", 1024, 1, 1),
    FIO("seq1m_q1t1.wr", "SEQ1M Q1T1 WR", "write", 1024, 1, 1),
    FIO("seq128k_q32t1.rd", "SEQ128K Q32T1 RD", "read", 128, 32, 1),
    FIO("seq128k_q32t1.wr", "SEQ128K Q32T1 WR", "write", 128, 32, 1),
    FIO("rnd4k_q32t16.rd", "RND4K Q32T16 RD", "randread", 4, 32, 16),
    FIO("rnd4k_q32t16.wr", "RND4K Q32T16 WR", "randwrite", 4, 32, 16),
    FIO("rnd4k_q32t1.rd", "RND4K Q32T1 RD", "randread", 4, 32, 1),
    FIO("rnd4k_q32t1.wr", "RND4K Q32T1 WR", "randwrite", 4, 32, 1),
    FIO("rnd4k_q1t1.rd", "RND4K Q1T1 RD", "randread", 4, 1, 1),
    FIO("rnd4k_q1t1.wr", "RND4K Q1T1 WR", "randwrite", 4, 1, 1),
    SYSBENCH("cpu_1", "CPU 1", 1),
    SYSBENCH("cpu_all", "CPU ALL", 0),
    GEEKBENCH("single_core", "Single-Core"),
    GEEKBENCH("multi_core", "Multi-Core"),
};

const struct bench_metric *bench_metric_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(metrics);
	return metrics;
}

const struct bench_metric *bench_metric_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (str_eq(metrics[i].name, name))
			return &metrics[i];
	return NULL;
}

const struct bench_metric *bench_metric_of(
    enum bench_workload workload, const char *profile)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (metrics[i].workload == workload &&
		    strcasecmp(metrics[i].profile, profile) == 0)
			return &metrics[i];
	return NULL;
}

const char *bench_direction_name(enum bench_direction direction)
{
	return direction == BENCH_LOWER ? "lower" : "higher";
}

int bench_direction_parse(
    const char *name, enum bench_direction *ret, struct err *err)
{
	for (int d = BENCH_HIGHER; d <= BENCH_LOWER; d++) {
		if (!str_eq(
		        name, bench_direction_name((enum bench_direction)d)))
			continue;
		*ret = (enum bench_direction)d;
		return 0;
	}
	return err_set(err, ERR_INVAL,
	    "direction: %.100s is none (higher or lower)", name);
}

const char *bench_workload_name(enum bench_workload workload)
{
	static const char *const names[BENCH_WORKLOADS] = {
	    [BENCH_FIO] = "fio",
	    [BENCH_SYSBENCH] = "sysbench",
	    [BENCH_GEEKBENCH] = "geekbench6",
	};

	return workload < BENCH_WORKLOADS ? names[workload] : "unknown";
}

static int fio_value(const struct bench_metric *m, const char *text, size_t len,
    double *ret, struct err *err)
{
	scoped(bench_fio_free) struct bench_fio *f = NULL;
	int r = bench_fio_parse(text, len, &f, err);

	return r < 0
	    ? r
	    : bench_fio_value(f,
	          str_ends(m->rw, "write") ? BENCH_FIO_WRITE : BENCH_FIO_READ,
	          0, ret, err);
}

static int sysbench_value(
    const char *text, size_t len, double *ret, struct err *err)
{
	struct bench_sysbench s;
	int r = bench_sysbench_parse(text, len, &s, err);

	if (r == 0 && s.events_per_second <= 0)
		r = err_set(err, ERR_PROTO, "sysbench did nothing");
	if (r == 0)
		*ret = s.events_per_second;
	return r;
}

int bench_metric_value(const struct bench_metric *m, const char *text,
    size_t len, double *ret, struct err *err)
{
	switch (m->workload) {
	case BENCH_FIO:
		return fio_value(m, text, len, ret, err);
	case BENCH_SYSBENCH:
		return sysbench_value(text, len, ret, err);
	default:
		return err_set(
		    err, ERR_INVAL, "%s: no output of it is read yet", m->name);
	}
}
