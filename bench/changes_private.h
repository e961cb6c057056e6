/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the detectors share. */
#ifndef BENCH_CHANGES_PRIVATE_H
#define BENCH_CHANGES_PRIVATE_H

#include <stdbool.h>

#include "bench/changes.h"

/* Changes found so far: index, p and its bound only. */
struct found {
	struct bench_change *v;
	size_t n;
	size_t cap;
	size_t n_scans;
};

void found_add(struct found *f, size_t index, double p, double p_bound);

/*
 * The detectors: they add what they find in one environment, with indices from
 * its beginning, in any order.
 */
void changes_maxt(const double *x, size_t n, double alpha, struct found *f);
void changes_otava(const double *x, size_t n,
    const struct bench_changes_options *opts, struct found *f);

#define CHANGES_ALPHAS 4

/*
 * The critical values of the maximum-t scan for n points at alpha .05, .01,
 * .001 and .0001; false, and nothing, for fewer points than two levels have.
 */
bool changes_critical(size_t n, double ret[CHANGES_ALPHAS]);

/* Normal scores (Blom 1958) of n values; equal ones have equal scores. */
void changes_scores(const double *x, size_t n, double *ret);
/*
 * The lag-1 autocorrelation of what is left of the scores when the mean of each
 * side of the split at `at` is taken away, 0 to .8.
 */
double changes_rho(const double *scores, size_t n, size_t at);
/* Where a change may be, both ends included. */
struct changes_place {
	size_t first;
	size_t last;
	double rho; /* of what is left beside the change */
};

/*
 * Of a series whose one change was found at `at`, which is inside of the
 * interval; from 1 to n - 1.
 */
void changes_place(
    const double *x, size_t n, size_t at, struct changes_place *ret);

/* The mean of n values; n is above 0. */
double changes_mean(const double *x, size_t n);

#endif
