/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One column of an overhead table: a metric over all machines.
 *
 * Machines are the replicates: the interval says what another machine of the
 * same kind would show, not how well each was measured. A mean alone misleads
 * where machines fall into groups; so the spread between them stands beside it.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stddef.h>

#include "bench/ratio.h"

/* What stands under every table. */
#define BENCH_OVERHEAD_TEXT                                        \
	"overhead = baseline/candidate if higher is better, else " \
	"candidate/baseline; above 1 the candidate is slower"

struct bench_column {
	size_t present;  /* k of m: cells with a ratio */
	size_t machines; /* m */
	double geomean;  /* of the overheads; NAN if there is none */
	double lo;       /* 95 % interval by t over machines; NAN below 2 */
	double hi;
	double sd; /* of ln overhead over machines, as observed */
	/*
	 * Between-machine standard deviation of ln overhead without the noise
	 * of each cell (DerSimonian and Laird 1986), and the part of all
	 * variance that it is (I2, Higgins and Thompson 2002). NAN if a cell
	 * has no standard error, or below 2 cells.
	 */
	double between_sd;
	double i2;
};

/* A cell whose overhead is NAN is absent in one of the arms. */
void bench_column(
    const struct bench_estimate *cells, size_t n, struct bench_column *ret);

#define BENCH_RATIO_TEXT 32
/* "%#.3g": "1.00", "0.799"; "" if it is NAN. Returns to. */
char *bench_ratio_text(double overhead, char to[BENCH_RATIO_TEXT]);

#endif
