/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Distribution functions, by libRmath (R's nmath).
 *
 * Those of the two rank tests keep global tables and crash when two threads use
 * them: they run under one lock, in rmath.c, the only file that includes
 * Rmath.h. Arguments are checked here, for libRmath complains on stdout.
 */
#ifndef BENCH_RMATH_H
#define BENCH_RMATH_H

#include <stddef.h>

/* Student's t: quantile of the lower tail; NAN unless 0 < p < 1 and df > 0. */
double rmath_qt(double p, double df);
/* Two-sided p of a t statistic; NAN if an argument is none. */
double rmath_pt_two_sided(double t, double df);
/* Standard normal. */
double rmath_qnorm(double p);
double rmath_pnorm_two_sided(double z);

/* Up to these sizes the null distributions of the rank tests are exact. */
#define RMATH_WILCOX_MAX 50
#define RMATH_SIGNRANK_MAX 100

/* P(U <= u) of the Mann-Whitney statistic, for sizes up to the maximum. */
double rmath_pwilcox(double u, size_t m, size_t n);
/* The largest k with 2 P(U <= k - 1) <= alpha; 0 if there is none. */
size_t rmath_wilcox_k(double alpha, size_t m, size_t n);
/* P(V <= v) of the signed rank statistic. */
double rmath_psignrank(double v, size_t n);
size_t rmath_signrank_k(double alpha, size_t n);

#endif
