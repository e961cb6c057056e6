/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The maximum-t scan (Hawkins 1977) on normal scores (Blom 1958), so that wild
 * values weigh little and one table of critical values serves all series.
 *
 * For a segment of n points: T = max over splits k, d <= k <= n - d, of the
 * pooled two-sample |t| of the scores. Neighbours that resemble each other make
 * T larger: it is divided by sqrt((1 + rho) / (1 - rho)), where rho is the
 * lag-1 autocorrelation of what is left after the best split, with its bias
 * (1 + 4 rho)/n added (Marriott and Pope 1954) and clipped to [0, .8].
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/changes_private.h"
#include "bench/rmath.h"

/* ---- critical values ------------------------------------------------- */

static const double alphas[CHANGES_ALPHAS] = {.05, .01, .001, .0001};

/*
 * Of T for n points without autocorrelation, from 100,000 series of normal
 * scores each; linear in n, constant above the last row.
 */
static const struct critical {
	double n;
	double c[CHANGES_ALPHAS];
} criticals[] = {
    {10, {2.453, 3.466, 4.204, 4.204}},
    {12, {2.777, 3.927, 4.621, 4.621}},
    {15, {2.913, 3.882, 4.986, 5.158}},
    {20, {2.966, 3.785, 4.778, 5.662}},
    {25, {2.981, 3.731, 4.712, 5.487}},
    {30, {3.002, 3.702, 4.616, 5.384}},
    {40, {3.008, 3.653, 4.511, 5.251}},
    {50, {3.035, 3.655, 4.442, 5.089}},
    {75, {3.056, 3.656, 4.4, 5.028}},
    {100, {3.081, 3.64, 4.301, 4.936}},
    {150, {3.108, 3.644, 4.314, 4.848}},
    {200, {3.124, 3.662, 4.281, 4.793}},
    {300, {3.163, 3.671, 4.279, 4.81}},
    {400, {3.186, 3.712, 4.351, 4.929}},
};

bool changes_critical(size_t n, double ret[CHANGES_ALPHAS])
{
	const struct critical *row = criticals;
	const struct critical *last = &criticals[ARRAY_LEN(criticals) - 1];
	double size = fmin((double)n, last->n);
	double part;

	if (n < 2 * BENCH_LEVEL_LEAST)
		return false;
	while (row + 1 < last && row[1].n < size)
		row++;
	part = (size - row->n) / (row[1].n - row->n);
	for (int i = 0; i < CHANGES_ALPHAS; i++)
		ret[i] = row->c[i] + part * (row[1].c[i] - row->c[i]);
	return true;
}

/* Between rows of alpha both ways: linear in ln alpha. */
static double critical_at(const double c[CHANGES_ALPHAS], double alpha)
{
	int i = 0;

	while (i < CHANGES_ALPHAS - 2 && alpha < alphas[i + 1])
		i++;
	return c[i] +
	    (c[i + 1] - c[i]) * log(alpha / alphas[i]) /
	    log(alphas[i + 1] / alphas[i]);
}

/* NAN outside of the table. */
static double p_of(const double c[CHANGES_ALPHAS], double t)
{
	if (!(t >= c[0] && t <= c[CHANGES_ALPHAS - 1]))
		return (double)NAN;
	for (int i = 0; i + 1 < CHANGES_ALPHAS; i++)
		if (t < c[i + 1])
			return alphas[i] *
			    pow(alphas[i + 1] / alphas[i],
			        (t - c[i]) / (c[i + 1] - c[i]));
	return alphas[CHANGES_ALPHAS - 1];
}

/* How many ways there are to choose k of n; some large number where many. */
static double choose(size_t n, size_t k)
{
	double ways = 1;

	for (size_t i = 1; i <= k && i <= n - k && ways < 1e18; i++)
		ways *= (double)(n - i + 1) / (double)i;
	return ways;
}

/*
 * p for a comparison with others: beyond the table, where it is not known, what
 * the t of that many splits have together at most. Permuted ranks fall apart at
 * the k-th of n points with a chance of 2 / choose(n, k): it is no less.
 */
static double bound_of(double p, double t, size_t n, size_t k)
{
	double splits = (double)(n - 2 * BENCH_LEVEL_LEAST + 1);

	if (isnan(p))
		p = fmin(BENCH_ALPHA_LEAST,
		    splits * rmath_pt_two_sided(fmin(t, 1e6), (double)(n - 2)));
	return fmin(fmax(p, 2 / choose(n, k)), 1);
}

/* ---- one segment ----------------------------------------------------- */

struct split {
	size_t at; /* the first point of the second side */
	double t;
};

/* The pooled t is largest where most of the variance lies between the sides. */
static void best_split(const double *a, size_t n, struct split *ret)
{
	double size = (double)n;
	double total = 0;
	double squares = 0;
	double most = -1;
	double left = 0;
	double within;

	for (size_t i = 0; i < n; i++) {
		total += a[i];
		squares += a[i] * a[i];
	}
	squares -= total * total / size;
	for (size_t k = 1; k <= n - BENCH_LEVEL_LEAST; k++) {
		double l = (double)k;
		double r = size - l;
		double d;

		left += a[k - 1];
		d = left / l - (total - left) / r;
		if (k < BENCH_LEVEL_LEAST || d * d * l * r / size <= most)
			continue;
		most = d * d * l * r / size;
		*ret = (struct split){.at = k};
	}
	within = squares - most;
	/* What rounding leaves of nothing is nothing: two constant levels. */
	if (within > 1e-12 * squares)
		ret->t = sqrt(most / (within / (size - 2)));
	else
		ret->t = squares > 0 ? (double)INFINITY : 0;
}

/* ---- segmentation ---------------------------------------------------- */

struct range {
	size_t from;
	size_t to;
};

void changes_maxt(const double *x, size_t n, double alpha, struct found *f)
{
	scoped(free) double *a = xcalloc(n ? n : 1, sizeof(a[0]));
	/* Ranges to be looked at; disjoint, so there are at most this many. */
	scoped(free) struct range *todo =
	    xcalloc(n / BENCH_LEVEL_LEAST + 2, sizeof(todo[0]));
	size_t n_todo = 1;

	todo[0] = (struct range){0, n};
	while (n_todo) {
		struct range g = todo[--n_todo];
		size_t size = g.to - g.from;
		struct split s = {0, 0};
		double c[CHANGES_ALPHAS];
		double rho;
		double t;

		if (!changes_critical(size, c))
			continue;
		f->n_scans++;
		changes_scores(x + g.from, size, a);
		best_split(a, size, &s);
		rho = changes_rho(a, size, s.at);
		t = s.t / sqrt((1 + rho) / (1 - rho));
		if (!(t > critical_at(c, alpha)))
			continue;
		found_add(f, g.from + s.at, p_of(c, t),
		    bound_of(p_of(c, t), t, size, s.at));
		todo[n_todo++] = (struct range){g.from, g.from + s.at};
		todo[n_todo++] = (struct range){g.from + s.at, g.to};
	}
}
