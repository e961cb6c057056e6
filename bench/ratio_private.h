/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of ratios share. */
#ifndef BENCH_RATIO_PRIVATE_H
#define BENCH_RATIO_PRIVATE_H

#include "base/mem.h"
#include "bench/ratio.h"

/* Refuses empty arms and values that are not above 0. */
int ratio_check(const struct bench_arms *arms, struct err *err);
/* 1 if ln overhead is ln B - ln C, -1 if it is the other way round. */
double ratio_sign(enum bench_direction direction);
/* ln overhead of each pair; caller frees. */
int ratio_pairs(const struct bench_arms *arms, double **ret, struct err *err);
/*
 * What follows from ln overhead, its standard error and degrees of freedom;
 * without an interval if the latter are not above 0.
 */
void ratio_by_t(double d, double se, double df, struct bench_estimate *ret);
/* All NAN. */
void ratio_unknown(struct bench_estimate *ret);
/* bench_ratio_needed() for an interval of the level 1 - alpha. */
size_t ratio_needed(double sd, double half_width, double alpha);
/* Pairs, if the logarithm of one pair's ratio varies by sd. */
size_t ratio_needed_pairs(double sd, double half_width, double alpha);
/* For qsort(), rising; no NAN. */
int ratio_compare(const void *a, const void *b);

#endif
