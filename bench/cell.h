/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One cell of a table: what is known of a baseline and a candidate in one
 * place, from one attempt or from thousands of them.
 *
 * Invariant: what is compared in pairs has as many pairs that began with the
 * baseline as the design had, unless there was no pair of the opposite order
 * left to drop (bench_order_keep()).
 */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/metric.h"
#include "bench/ratio.h"

#define BENCH_CELL_PAIRS_MAX 10000 /* of one attempt */

/*
 * A placebo is the baseline once more, under the name "BASELINE#placebo": what
 * differs between the two is noise.
 */
bool bench_is_placebo(const char *baseline, const char *candidate);
/* Whether a variant is the placebo of another, by its name. */
bool bench_is_placebo_name(const char *variant);

enum bench_arm {
	BENCH_BASELINE,
	BENCH_CANDIDATE
};

/* One value of one attempt. */
struct bench_value {
	enum bench_arm arm;
	int pair;     /* -1: measured without pairs */
	int position; /* in its pair: 0 or 1 */
	bool valid;   /* finite, above 0, and nothing speaks against it */
	double value;
};

/*
 * Sums that can be added: all that a table needs, whatever the number of
 * values behind it. All zero is the cell without values.
 */
struct bench_cell {
	/* Pairs that were kept: ln of baseline by candidate. */
	struct bench_moments pairs;
	double ln_baseline; /* sum over them of ln of the baseline */
	/* Logarithms of all valid values, by enum bench_arm. */
	struct bench_moments ln[2];
	/* Some came without a pair: then all are compared by Welch's t. */
	bool unpaired;
};

/*
 * Adds the values of one attempt, in any order; those without a pair, or with
 * two of one arm in a pair, make the cell one without pairs. A pair that has
 * not two valid values has failed, and takes one of the opposite order with
 * it. Pairs from BENCH_CELL_PAIRS_MAX on are left out.
 */
void bench_cell_add(
    struct bench_cell *c, const struct bench_value *values, size_t n);
/*
 * The pairs of one attempt that are kept: a baseline and a candidate in turn;
 * ret has room for n numbers, *ret_n is how many pairs. False if some values
 * have no place in a pair: then there are none.
 */
bool bench_cell_pairs(
    const struct bench_value *values, size_t n, double *ret, size_t *ret_n);
/* As if all that is in other had been added. */
void bench_cell_merge(struct bench_cell *c, const struct bench_cell *other);
/* As if the baseline had been the candidate, and the other way round. */
void bench_cell_swap(struct bench_cell *c);

struct bench_cell_result {
	bool paired; /* by the paired t; else by Welch's */
	size_t n;    /* pairs; Welch: values of the smaller arm */
	struct bench_estimate estimate;
	/*
	 * Geometric, of the values used, by enum bench_arm: their quotient is
	 * the overhead.
	 */
	double mean[2];
};

/* False if an arm has no value: there is nothing to compare. */
bool bench_cell_estimate(const struct bench_cell *c,
    enum bench_direction direction, struct bench_cell_result *ret);

#endif
