/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the detectors share. */
#ifndef BENCH_CHANGES_PRIVATE_H
#define BENCH_CHANGES_PRIVATE_H

#include <stdbool.h>

#include "bench/changes.h"

/* Changes found so far: index and p only. */
struct found {
	struct bench_change *v;
	size_t n;
	size_t cap;
};

void found_add(struct found *f, size_t index, double p);

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

/* The mean of n values; n is above 0. */
double changes_mean(const double *x, size_t n);

#endif
