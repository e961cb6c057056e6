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
/* All NAN. */
void ratio_unknown(struct bench_estimate *ret);
/* For qsort(), rising; no NAN. */
int ratio_compare(const void *a, const void *b);

#endif
