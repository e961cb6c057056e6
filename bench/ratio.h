/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a candidate costs: ratios of two arms of measurements.
 *
 * overhead = B/C if higher is better, C/B if lower is better (B baseline, C
 * candidate): above 1 the candidate is slower. All is computed on logarithms,
 * so that swapping the arms or flipping the direction gives exactly the
 * inverse, scaling both arms changes nothing, and overheads in a chain
 * multiply. Values are finite and above 0.
 */
#ifndef BENCH_RATIO_H
#define BENCH_RATIO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "bench/metric.h"

#define BENCH_ALPHA .05               /* of intervals: 95 % */
#define BENCH_DIFFERENCES_MAX 4000000 /* n times m of Hodges-Lehmann */

/* ---- moments --------------------------------------------------------- */

/* Count, mean and sum of squared deviations (Welford 1962). */
struct bench_moments {
	size_t n;
	double mean;
	double m2;
};

void bench_moments_add(struct bench_moments *m, double x);
/* As if all of other had been added (Chan, Golub and LeVeque 1979). */
void bench_moments_merge(
    struct bench_moments *m, const struct bench_moments *other);
/*
 * As if part, all of which is in m, had never been added: the same formulas
 * solved for the other part. What is left is as exact as the whole was: where
 * the part is nearly all of it, small deviations drown in rounding.
 */
void bench_moments_remove(
    struct bench_moments *m, const struct bench_moments *part);
/* Of the sample, by n - 1; NAN below 2 values. */
double bench_moments_variance(const struct bench_moments *m);

/* ---- ratios ---------------------------------------------------------- */

struct bench_arms {
	const double *baseline;
	size_t n_baseline;
	const double *candidate;
	size_t n_candidate;
	enum bench_direction direction;
};

/* What is not known is NAN: too few values have a ratio and no interval. */
struct bench_estimate {
	double overhead;
	double lo; /* 95 % interval */
	double hi;
	double p;  /* two-sided, of overhead == 1 */
	double se; /* of ln overhead; tests by t only */
	double df;
	bool exact; /* rank tests: no ties, and few enough values */
};

/*
 * Welch's t on logarithms (Welch 1947; degrees of freedom by Satterthwaite
 * 1946): the default for two arms. Needs two values in each arm for an
 * interval. Error: INVAL (an arm is empty, or has a value that is not above 0).
 */
int bench_ratio_welch(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);
/* The same from the moments of the logarithms; n is at least 1. */
void bench_ratio_moments(const struct bench_moments *ln_baseline,
    const struct bench_moments *ln_candidate, enum bench_direction direction,
    struct bench_estimate *ret);

/* An imported mean, standard deviation and count: no raw values. */
struct bench_summary {
	double mean;
	double sd;
	size_t n;
};

/*
 * Welch's t by the delta method: the log of a mean has the standard error
 * sd / (mean sqrt n). Error: INVAL (a mean not above 0, a negative sd, n 0).
 */
int bench_ratio_summaries(const struct bench_summary *baseline,
    const struct bench_summary *candidate, enum bench_direction direction,
    struct bench_estimate *ret, struct err *err);

/*
 * Student's t on the logarithms of pair ratios: the i-th values of the arms
 * are a pair. Preferred: drift between the pairs cancels. Needs two pairs.
 * Error: INVAL (as above, or arms of different length).
 */
int bench_ratio_paired(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);
/* The same from the moments of ln baseline / candidate; n is at least 1. */
void bench_ratio_pair_moments(const struct bench_moments *ln_ratio,
    enum bench_direction direction, struct bench_estimate *ret);

/*
 * The robust companion of Welch's t: median of all differences of logarithms,
 * interval from the null distribution of Mann and Whitney's U, exact up to 50
 * values an arm (Hodges and Lehmann 1963); above, and for p with ties, by the
 * normal approximation. No interval below 4 values an arm. Errors: INVAL,
 * LIMIT (over BENCH_DIFFERENCES_MAX differences).
 */
int bench_ratio_hodges_lehmann(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);
/*
 * The robust companion of the paired t: median of the Walsh averages, interval
 * and p from Wilcoxon's signed rank (1945), exact up to 100 pairs without ties
 * or zeros. No 95 % interval below 6 pairs. Errors: INVAL, LIMIT.
 */
int bench_ratio_signed_rank(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);

/* True if one interval has 1 inside and the other has not. */
bool bench_ratio_disagrees(
    const struct bench_estimate *a, const struct bench_estimate *b);

/*
 * Values needed in each arm for an interval of +- half_width (.01: one
 * percent) if one value varies by cv: 2 (t cv / half_width)^2, solved for t's
 * own degrees of freedom. At least 2; 0 if an argument is not above 0.
 */
size_t bench_ratio_needed(double cv, double half_width);

/* ---- verdicts -------------------------------------------------------- */

enum bench_verdict {
	BENCH_UNKNOWN, /* more pairs are needed */
	BENCH_SAME,    /* inside the margin */
	BENCH_BETTER,  /* the candidate is faster */
	BENCH_WORSE,
};

/* "unknown", "same", "better", "worse". */
const char *bench_verdict_name(enum bench_verdict verdict);
/*
 * Same if the whole interval lies inside [1/(1 + margin), 1 + margin] (two
 * one-sided tests, Schuirmann 1987, each at 2.5 %), even where 1 is outside of
 * it: such a difference does not matter. Else better or worse if 1 is outside,
 * else unknown.
 */
enum bench_verdict bench_verdict(const struct bench_estimate *e, double margin);
/*
 * Adjusted p-values of a family (Benjamini and Hochberg 1995), in the order
 * given; ret may be p. A p that is NAN stays so and counts as no test.
 */
void bench_adjust(const double *p, size_t n, double *ret);
/*
 * The verdicts of a table's cells. A difference counts only if its adjusted p
 * is at most q (false discovery rate, .05 by default); else it is unknown.
 */
void bench_verdicts(const struct bench_estimate *cells, const double *margins,
    size_t n, double q, enum bench_verdict *ret);

#endif
