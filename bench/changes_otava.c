/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Apache Otava (Hunter; Fleming et al. 2023) finds: E-divisive (Matteson
 * and James 2014) with a t test in windows gives weak points, then the weakest
 * are merged away. Its choices are kept where they change a result: standard
 * deviations are those of a population, ties are taken from the left, and a
 * comparison that says nothing (NAN) is not significant.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/changes_private.h"
#include "bench/rmath.h"

/* ---- two sides ------------------------------------------------------- */

struct side {
	double n;
	double mean;
	double variance; /* by n */
};

static struct side side(const double *x, size_t from, size_t to)
{
	struct side s = {(double)(to - from), 0, 0};

	s.mean = changes_mean(x + from, to - from);
	for (size_t i = from; i < to; i++)
		s.variance += (x[i] - s.mean) * (x[i] - s.mean);
	s.variance /= s.n;
	return s;
}

/* Student's pooled t; 1 for two points, NAN for two equal constants. */
static double t_test(const struct side *a, const struct side *b)
{
	double df = a->n + b->n - 2;
	double pooled =
	    ((a->n - 1) * a->variance + (b->n - 1) * b->variance) / df;
	double t = (a->mean - b->mean) / sqrt(pooled * (1 / a->n + 1 / b->n));

	return df > 0 ? rmath_pt_two_sided(t, df) : 1;
}

/* The larger of the relative changes, forwards and backwards. */
static double magnitude(const struct side *a, const struct side *b)
{
	double forwards = a->mean != 0 ? b->mean / a->mean - 1 : 0;
	double backwards = b->mean != 0 ? a->mean / b->mean - 1 : 0;

	return fmax(fabs(forwards), fabs(backwards));
}

/* ---- the points so far ----------------------------------------------- */

struct weak {
	size_t index;
	double p;
	double magnitude;
};

struct weaks {
	struct weak *v; /* by index */
	size_t n;
};

/* Compares the levels on both sides of point i, up to its neighbours. */
static void compare(
    const double *x, size_t end, size_t begin, struct weaks *w, size_t i)
{
	struct weak *k = &w->v[i];
	struct side a = side(x, i ? w->v[i - 1].index : begin, k->index);
	struct side b =
	    side(x, k->index, i + 1 < w->n ? w->v[i + 1].index : end);

	k->p = t_test(&a, &b);
	k->magnitude = magnitude(&a, &b);
}

/* Puts it in its place, which is returned; once only. */
static size_t insert(struct weaks *w, size_t index)
{
	size_t at = w->n;

	while (at && w->v[at - 1].index > index)
		at--;
	if (at && w->v[at - 1].index == index)
		return at - 1;
	memmove(&w->v[at + 1], &w->v[at], (w->n - at) * sizeof(w->v[0]));
	w->v[at] = (struct weak){.index = index};
	w->n++;
	return at;
}

static void drop(struct weaks *w, size_t at)
{
	memmove(&w->v[at], &w->v[at + 1], (w->n - at - 1) * sizeof(w->v[0]));
	w->n--;
}

/* ---- E-divisive ------------------------------------------------------ */

struct candidate {
	size_t index;
	double q;
};

/*
 * Fills in the sums of distances |x_i - x_j| within every range [a, b) of n
 * points, at within[a * (n + 1) + b].
 */
static void sum_within(const double *x, size_t n, double *within)
{
	for (size_t b = 1; b <= n; b++) {
		double column = 0;

		within[(b - 1) * (n + 1) + b] = 0;
		for (size_t a = b - 1; a-- > 0;) {
			column += fabs(x[a] - x[b - 1]);
			within[a * (n + 1) + b] =
			    within[a * (n + 1) + b - 1] + column;
		}
	}
}

/*
 * Q(tau, kappa): how far apart [s, tau) and [tau, kappa) are: twice the
 * distances between them less, for each, those within it.
 */
static double q_of(
    const double *within, size_t n, size_t s, size_t tau, size_t kappa)
{
	double l = (double)(tau - s);
	double r = (double)(kappa - tau);
	double left = within[s * (n + 1) + tau];
	double right = within[tau * (n + 1) + kappa];
	double between = within[s * (n + 1) + kappa] - left - right;
	double q = 2 / (l + r) * between;

	if (l > 1)
		q -= 2 * r / ((l + r) * (l - 1)) * left;
	if (r > 1)
		q -= 2 * l / ((l + r) * (r - 1)) * right;
	return q;
}

static void best_in(const double *within, size_t n, size_t from, size_t to,
    struct candidate *best)
{
	for (size_t tau = from + 1; tau < to; tau++)
		for (size_t kappa = tau + 1; kappa <= to; kappa++) {
			double q = q_of(within, n, from, tau, kappa);

			if (q > best->q)
				*best = (struct candidate){tau, q};
		}
}

/* Divides a window until the best candidate is not significant. */
static void divide(const double *x, size_t n, double max_pvalue, double *within,
    struct weaks *ret)
{
	sum_within(x, n, within);
	ret->n = 0;
	for (;;) {
		struct candidate best = {0, -INFINITY};
		size_t at;

		for (size_t i = 0; i <= ret->n; i++)
			best_in(within, n, i ? ret->v[i - 1].index : 0,
			    i < ret->n ? ret->v[i].index : n, &best);
		if (!best.index)
			return;
		at = insert(ret, best.index);
		compare(x, n, 0, ret, at);
		if (!(ret->v[at].p <= max_pvalue)) {
			drop(ret, at);
			return;
		}
	}
}

/* ---- windows and merging --------------------------------------------- */

/* Windows begin every half window, or at the last point found. */
static void find_weak(
    const double *x, size_t n, size_t window, double weak_p, struct weaks *ret)
{
	scoped(free) double *within =
	    xcalloc((window + 1) * (window + 1), sizeof(within[0]));
	scoped(free) struct weak *v = xcalloc(window + 1, sizeof(v[0]));
	struct weaks in = {v, 0};
	size_t start = 0;

	while (start < n) {
		size_t len = n - start < window ? n - start : window;
		size_t next = start + window / 2;

		divide(x + start, len, weak_p, within, &in);
		for (size_t i = 0; i < in.n; i++)
			(void)insert(ret, start + in.v[i].index); /* sorted */
		if (in.n && start + in.v[in.n - 1].index > next)
			next = start + in.v[in.n - 1].index;
		start = next;
	}
	for (size_t i = 0; i < ret->n; i++)
		compare(x, n, 0, ret, i);
}

/* The first with the largest p; NAN is larger than all. */
static size_t least_certain(const struct weaks *w)
{
	size_t at = 0;

	for (size_t i = 0; i < w->n && !isnan(w->v[at].p); i++)
		if (isnan(w->v[i].p) || w->v[i].p > w->v[at].p)
			at = i;
	return at;
}

static size_t smallest(const struct weaks *w)
{
	size_t at = 0;

	for (size_t i = 1; i < w->n; i++)
		if (w->v[i].magnitude < w->v[at].magnitude)
			at = i;
	return at;
}

static void merge(const double *x, size_t n,
    const struct bench_changes_options *o, struct weaks *w)
{
	while (w->n) {
		size_t at = least_certain(w);

		if (w->v[at].p < o->max_pvalue) {
			at = smallest(w);
			if (w->v[at].magnitude > o->min_magnitude)
				return;
		}
		drop(w, at);
		/*
		 * The levels on both sides of what was dropped are one now.
		 * Otava compares the two points behind it again, and not the
		 * one before it, whose p stays that of its shorter level.
		 */
		for (size_t i = at; i < at + 2 && i < w->n; i++)
			compare(x, n, 0, w, i);
	}
}

/* By a power of two, which changes no digit; squares of 1e300 are no number. */
static double *scaled(const double *x, size_t n)
{
	double *to = xcalloc(n + 1, sizeof(to[0]));
	double most = 0;
	int exponent;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(x[i]));
	(void)frexp(most, &exponent); /* the rest does not matter */
	for (size_t i = 0; i < n; i++)
		to[i] = ldexp(x[i], -exponent);
	return to;
}

void changes_otava(const double *given, size_t n,
    const struct bench_changes_options *opts, struct found *f)
{
	scoped(free) double *x = scaled(given, n);
	double p = opts->max_pvalue;
	double weak_p = p < .05 ? 10 * p : p < .5 ? 2 * p : p;
	/* One more: a candidate is inserted before it is tested. */
	scoped(free) struct weak *v = xcalloc(n + 1, sizeof(v[0]));
	struct weaks w = {v, 0};

	find_weak(x, n, opts->window, weak_p, &w);
	merge(x, n, opts, &w);
	f->n_scans++;
	for (size_t i = 0; i < w.n; i++)
		found_add(f, w.v[i].index, w.v[i].p, w.v[i].p);
}
