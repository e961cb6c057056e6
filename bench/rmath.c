/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one file that includes Rmath.h, and the one lock. */
#define MATHLIB_STANDALONE
#include <Rmath.h>

#include <math.h>
#include <pthread.h>

#include "bench/rmath.h"

/* Tables of the rank distributions larger than this are freed at once. */
#define KEEP_MAX 400

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void enter(void)
{
	(void)pthread_mutex_lock(&lock); /* cannot fail: plain and ours */
}

static void leave(size_t cells)
{
	if (cells > KEEP_MAX) {
		wilcox_free();
		signrank_free();
	}
	(void)pthread_mutex_unlock(&lock); /* cannot fail: we hold it */
}

double rmath_qt(double p, double df)
{
	return p > 0 && p < 1 && df > 0 ? qt(p, df, 1, 0) : (double)NAN;
}

double rmath_pt_two_sided(double t, double df)
{
	if (isnan(t) || !(df > 0))
		return (double)NAN;
	return 2 * pt(-fabs(t), df, 1, 0);
}

double rmath_qnorm(double p)
{
	return p > 0 && p < 1 ? qnorm(p, 0, 1, 1, 0) : (double)NAN;
}

double rmath_pnorm_two_sided(double z)
{
	return isnan(z) ? z : 2 * pnorm(-fabs(z), 0, 1, 1, 0);
}

double rmath_pwilcox(double u, size_t m, size_t n)
{
	double p;

	if (!m || !n || m > RMATH_WILCOX_MAX || n > RMATH_WILCOX_MAX)
		return (double)NAN;
	enter();
	p = pwilcox(u, (double)m, (double)n, 1, 0);
	leave(m * n);
	return p;
}

/*
 * The quantile functions answer the smallest x with P(X <= x) >= alpha / 2,
 * which is k but where equality holds; rounding makes both ends doubtful, so
 * that the probabilities themselves decide.
 */
size_t rmath_wilcox_k(double alpha, size_t m, size_t n)
{
	double a = (double)m;
	double b = (double)n;
	double k;

	if (!m || !n || m > RMATH_WILCOX_MAX || n > RMATH_WILCOX_MAX ||
	    !(alpha > 0 && alpha < 1))
		return 0;
	enter();
	k = qwilcox(alpha / 2, a, b, 1, 0);
	while (k > 0 && 2 * pwilcox(k - 1, a, b, 1, 0) > alpha)
		k--;
	while (2 * pwilcox(k, a, b, 1, 0) <= alpha)
		k++;
	leave(m * n);
	return (size_t)k;
}

double rmath_psignrank(double v, size_t n)
{
	double p;

	if (!n || n > RMATH_SIGNRANK_MAX)
		return (double)NAN;
	enter();
	p = psignrank(v, (double)n, 1, 0);
	leave(n * n);
	return p;
}

size_t rmath_signrank_k(double alpha, size_t n)
{
	double size = (double)n;
	double k;

	if (!n || n > RMATH_SIGNRANK_MAX || !(alpha > 0 && alpha < 1))
		return 0;
	enter();
	k = qsignrank(alpha / 2, size, 1, 0);
	while (k > 0 && 2 * psignrank(k - 1, size, 1, 0) > alpha)
		k--;
	while (2 * psignrank(k, size, 1, 0) <= alpha)
		k++;
	leave(n * n);
	return (size_t)k;
}
