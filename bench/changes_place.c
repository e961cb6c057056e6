/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Normal scores, and where on them a change may be.
 *
 * The place of a change is the split with the least sum of squares. Another
 * split k is as good as this one unless its likelihood ratio
 * (n - 2) (S(k) - S) / S is large. At the true place, that ratio is twice the
 * larger of the maxima of two random walks with downward drift, one to each
 * side; for small steps they are independent and exponential, so that it stays
 * below c with probability (1 - exp(-c / 2))^2 (Siegmund 1988; Eo and Morley
 * 2015). For large steps the true probability is higher.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/changes_private.h"
#include "bench/rmath.h"

#define RHO_MOST .8
#define PLACE_CRITICAL 7.352 /* -2 ln(1 - sqrt .95) */

/* ---- scores ---------------------------------------------------------- */

struct point {
	double x;
	size_t i;
};

static int compare_points(const void *a, const void *b)
{
	const struct point *p = a;
	const struct point *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

/* Of ranks from 1, those of equal values averaged. */
void changes_scores(const double *x, size_t n, double *ret)
{
	scoped(free) struct point *by = xcalloc(n ? n : 1, sizeof(by[0]));
	double size = (double)n;

	for (size_t i = 0; i < n; i++)
		by[i] = (struct point){x[i], i};
	qsort(by, n, sizeof(by[0]), compare_points);
	for (size_t i = 0, j; i < n; i = j) {
		double rank;
		double score;

		for (j = i + 1; j < n && by[j].x == by[i].x;)
			j++;
		rank = ((double)i + (double)j + 1) / 2;
		score = rmath_qnorm((rank - .375) / (size + .25));
		for (size_t k = i; k < j; k++)
			ret[by[k].i] = score;
	}
}

double changes_rho(const double *scores, size_t n, size_t at)
{
	double mean[2] = {
	    changes_mean(scores, at), changes_mean(scores + at, n - at)};
	double product = 0;
	double square = 0;
	double before = 0;
	double rho;

	for (size_t i = 0; i < n; i++) {
		double r = scores[i] - mean[i >= at];

		product += r * before;
		square += r * r;
		before = r;
	}
	rho = square > 0 ? product / square : 0;
	rho += (1 + 4 * rho) / (double)n;
	return fmin(fmax(rho, 0), RHO_MOST);
}

/* ---- place ----------------------------------------------------------- */

/* Fills in, for each split, the squares between its sides; returns all. */
static double squares_between(const double *a, size_t n, double *ret)
{
	double size = (double)n;
	double total = 0;
	double squares = 0;
	double left = 0;

	for (size_t i = 0; i < n; i++) {
		total += a[i];
		squares += a[i] * a[i];
	}
	for (size_t k = 1; k < n; k++) {
		double l = (double)k;
		double r = size - l;
		double d;

		left += a[k - 1];
		d = left / l - (total - left) / r;
		ret[k] = d * d * l * r / size;
	}
	return squares - total * total / size;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Widens the place to all splits that are as good as that. */
static void widen(const double *between, double good, size_t from, size_t to,
    struct changes_place *ret)
{
	for (size_t k = from; k <= to; k++) {
		if (between[k] < good)
			continue;
		ret->first = smaller(k, ret->first);
		ret->last = k > ret->last ? k : ret->last;
	}
}

void changes_place(
    const double *x, size_t n, size_t at, struct changes_place *ret)
{
	scoped(free) double *a = xcalloc(n, sizeof(a[0]));
	scoped(free) double *between = xcalloc(n, sizeof(between[0]));
	size_t least = smaller(BENCH_LEVEL_LEAST, smaller(at, n - at));
	size_t best = at;
	double all;
	double within;
	double room;

	changes_scores(x, n, a);
	all = squares_between(a, n, between);
	for (size_t k = least; k <= n - least; k++)
		if (between[k] > between[best])
			best = k;
	*ret =
	    (struct changes_place){smaller(at, best), at > best ? at : best, 0};
	within = all - between[best];
	/* Two constant levels: rounding is all that is left. */
	if (within <= 1e-12 * all || n < 3)
		return;
	ret->rho = changes_rho(a, n, best);
	room = PLACE_CRITICAL * within / (double)(n - 2) * (1 + ret->rho) /
	    (1 - ret->rho);
	widen(between, between[best] - room, least, n - least, ret);
}
