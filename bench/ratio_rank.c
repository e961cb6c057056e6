/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratios by ranks: Hodges and Lehmann's estimates with Mann and Whitney's U
 * and with Wilcoxon's signed rank. They hold whatever the distribution is, and
 * one wild value moves them little.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/ratio_private.h"
#include "bench/rmath.h"

int ratio_compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort(double *x, size_t n)
{
	qsort(x, n, sizeof(x[0]), ratio_compare);
}

static double median(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Sum over groups of equal values of t^3 - t; 0 without ties. */
static double tie_term(const double *sorted, size_t n)
{
	double sum = 0;

	for (size_t i = 0, j; i < n; i = j) {
		double t;

		for (j = i + 1; j < n && sorted[j] == sorted[i];)
			j++;
		t = (double)(j - i);
		sum += t * t * t - t;
	}
	return sum;
}

/* Two-sided p of a rank statistic by the normal law, continuity corrected. */
static double normal_p(double statistic, double mean, double variance)
{
	double z = fabs(statistic - mean) - .5;

	if (!(variance > 0))
		return 1;
	return rmath_pnorm_two_sided(z > 0 ? z / sqrt(variance) : 0);
}

/* Where the interval begins in the sorted list, by the normal law. */
static size_t normal_k(double mean, double variance)
{
	double k =
	    floor(mean - rmath_qnorm(1 - BENCH_ALPHA / 2) * sqrt(variance));

	return k > 0 ? (size_t)k : 0;
}

/* Estimate and interval [D(k), D(n + 1 - k)] of a sorted list. */
static void from_sorted(
    const double *sorted, size_t n, size_t k, struct bench_estimate *ret)
{
	ret->overhead = exp(median(sorted, n));
	if (!k || k > n / 2)
		return;
	ret->lo = exp(sorted[k - 1]);
	ret->hi = exp(sorted[n - k]);
}

/* ---- two arms -------------------------------------------------------- */

/*
 * p of U, the number of differences above 0 (equal values count half). The
 * exact law holds without ties; with them the normal one, variance corrected.
 */
static double mann_whitney_p(
    const double *differences, size_t m, size_t n, double ties, bool *ret_exact)
{
	double total = (double)m * (double)n;
	double size = (double)(m + n);
	double u = 0;

	for (size_t i = 0; i < m * n; i++)
		u += differences[i] > 0 ? 1 : differences[i] < 0 ? 0 : .5;
	*ret_exact =
	    ties == 0 && m <= RMATH_WILCOX_MAX && n <= RMATH_WILCOX_MAX;
	if (*ret_exact)
		return fmin(1, 2 * rmath_pwilcox(fmin(u, total - u), m, n));
	return normal_p(
	    u, total / 2, total / 12 * (size + 1 - ties / (size * (size - 1))));
}

static size_t wilcox_k(size_t m, size_t n)
{
	double total = (double)m * (double)n;

	if (m <= RMATH_WILCOX_MAX && n <= RMATH_WILCOX_MAX)
		return rmath_wilcox_k(BENCH_ALPHA, m, n);
	return normal_k(total / 2, total / 12 * (double)(m + n + 1));
}

/* Ties among the values of both arms together. */
static double arms_ties(const struct bench_arms *arms)
{
	size_t n = arms->n_baseline + arms->n_candidate;
	scoped(free) double *all = xcalloc(n, sizeof(all[0]));

	for (size_t i = 0; i < arms->n_baseline; i++)
		all[i] = arms->baseline[i];
	for (size_t i = 0; i < arms->n_candidate; i++)
		all[arms->n_baseline + i] = arms->candidate[i];
	sort(all, n);
	return tie_term(all, n);
}

int bench_ratio_hodges_lehmann(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err)
{
	scoped(free) double *d = NULL;
	size_t m = arms->n_baseline;
	size_t n = arms->n_candidate;
	double sign = ratio_sign(arms->direction);
	int r = ratio_check(arms, err);

	if (r < 0)
		return r;
	if (m > BENCH_DIFFERENCES_MAX / n)
		return err_set(err, ERR_LIMIT,
		    "%zu times %zu differences; at most %d", m, n,
		    BENCH_DIFFERENCES_MAX);
	d = xcalloc(m * n, sizeof(d[0]));
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			d[i * n + j] = sign *
			    (log(arms->baseline[i]) - log(arms->candidate[j]));
	sort(d, m * n);
	ratio_unknown(ret);
	ret->p = mann_whitney_p(d, m, n, arms_ties(arms), &ret->exact);
	from_sorted(d, m * n, wilcox_k(m, n), ret);
	return 0;
}

/* ---- pairs ----------------------------------------------------------- */

static int compare_magnitudes(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (fabs(*x) > fabs(*y)) - (fabs(*x) < fabs(*y));
}

/*
 * Sum of the ranks of the differences above 0; zeros are left out (Wilcoxon
 * 1949). Orders d by magnitude; *ret_ties is 0 without ties.
 */
static double signed_rank(double *d, size_t n, size_t *ret_n, double *ret_ties)
{
	double v = 0;
	size_t zeros = 0;

	*ret_ties = 0;
	qsort(d, n, sizeof(d[0]), compare_magnitudes);
	while (zeros < n && d[zeros] == 0)
		zeros++;
	for (size_t i = zeros, j; i < n; i = j) {
		double rank;
		double t;

		for (j = i + 1; j < n && fabs(d[j]) == fabs(d[i]);)
			j++;
		t = (double)(j - i);
		*ret_ties += t * t * t - t;
		rank = ((double)(i - zeros) + (double)(j - zeros) + 1) / 2;
		for (size_t k = i; k < j; k++)
			v += d[k] > 0 ? rank : 0;
	}
	*ret_n = n - zeros;
	return v;
}

/* Reorders d. */
static double signed_rank_p(double *d, size_t n, bool *ret_exact)
{
	size_t used;
	double ties;
	double v = signed_rank(d, n, &used, &ties);
	double size = (double)used;
	double total = size * (size + 1) / 2;

	*ret_exact = ties == 0 && used == n && n <= RMATH_SIGNRANK_MAX;
	if (*ret_exact)
		return fmin(1, 2 * rmath_psignrank(fmin(v, total - v), n));
	return normal_p(v, total / 2, total * (2 * size + 1) / 12 - ties / 48);
}

static size_t signrank_k(size_t n)
{
	double size = (double)n;
	double total = size * (size + 1) / 2;

	if (n <= RMATH_SIGNRANK_MAX)
		return rmath_signrank_k(BENCH_ALPHA, n);
	return normal_k(total / 2, total * (2 * size + 1) / 12);
}

int bench_ratio_signed_rank(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err)
{
	scoped(free) double *d = NULL;
	scoped(free) double *walsh = NULL;
	size_t n = arms->n_baseline;
	size_t at = 0;
	int r = ratio_pairs(arms, &d, err);

	if (r < 0)
		return r;
	if (n > BENCH_DIFFERENCES_MAX / n)
		return err_set(
		    err, ERR_LIMIT, "%zu pairs: too many averages", n);
	walsh = xcalloc(n * (n + 1) / 2, sizeof(walsh[0]));
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			walsh[at++] = (d[i] + d[j]) / 2;
	sort(walsh, at);
	ratio_unknown(ret);
	ret->p = signed_rank_p(d, n, &ret->exact);
	from_sorted(walsh, at, signrank_k(n), ret);
	return 0;
}
