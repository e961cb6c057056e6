/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The metrics we know: what a number means, and which workload gives it.
 *
 * One row is one metric. The direction is mandatory: without it no ratio can
 * be told from its inverse. Rows of fio are the lines of CrystalDiskMark's
 * profiles ("SEQ128K Q32T1", read or written), so that the tables of people
 * who measured with it can be continued.
 */
#ifndef BENCH_METRIC_H
#define BENCH_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum bench_direction {
	BENCH_HIGHER = 1, /* a higher value is better */
	BENCH_LOWER,      /* a lower value is better */
};

enum bench_workload {
	BENCH_FIO,
	BENCH_SYSBENCH,
	BENCH_GEEKBENCH, /* its names are reserved; nothing runs it yet */
	BENCH_WORKLOADS,
	/* No workload of ours gives it: it is imported, or a suite's own. */
	BENCH_IMPORTED = BENCH_WORKLOADS
};

struct bench_metric {
	const char *name;    /* "disk.seq128k_q32t1.rd": in the database */
	const char *profile; /* "SEQ128K Q32T1 RD": in suites and tables */
	const char *unit;
	enum bench_direction direction;
	double margin; /* two variants are the same inside 1 +- margin */
	enum bench_workload workload; /* whose output it is read from */
	const char *rw;               /* fio: read, write, randread, ... */
	int bs;                       /* fio: bytes of one request */
	int iodepth;                  /* fio */
	int numjobs;                  /* fio */
	int threads; /* sysbench; 0: one for each processor of the guest */
};

/* All metrics, in the order of tables. */
const struct bench_metric *bench_metric_table(size_t *ret_n);
/* By name; NULL if there is none. */
const struct bench_metric *bench_metric_find(const char *name);
/* By workload and profile, letters of either case; NULL if there is none. */
const struct bench_metric *bench_metric_of(
    enum bench_workload workload, const char *profile);

/* "higher", "lower". */
const char *bench_direction_name(enum bench_direction direction);
/* Error: INVAL, neither of the two names. */
int bench_direction_parse(
    const char *name, enum bench_direction *ret, struct err *err);
/*
 * What the unit of a number says about its direction: times and counts of
 * cycles or exits are better if lower, rates ("events/s", "MIPS", "points")
 * if higher. False if it says nothing. (inferred) No format states this: it is
 * for numbers that come without a direction.
 */
bool bench_unit_direction(const char *unit, enum bench_direction *ret);
/* "fio", "sysbench", "geekbench6": as in a suite; "imported". */
const char *bench_workload_name(enum bench_workload workload);

/*
 * The value of a metric in the raw output of its workload, in its unit: MB/s
 * is 10^6 bytes a second of the direction asked for. A value is finite and
 * above 0. Errors: PROTO (the tool failed, or it is not its output), LIMIT
 * (more than BENCH_OUTPUT_MAX), INVAL (no metric that can be read).
 */
int bench_metric_value(const struct bench_metric *m, const char *text,
    size_t len, double *ret, struct err *err);

#endif
