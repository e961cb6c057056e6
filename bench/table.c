/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of overhead tables: geometric means and heterogeneity. */
#include "bench/table.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "bench/rmath.h"

/* Cochran's Q with weights 1/se^2, and the sums that DerSimonian needs. */
struct weights {
	double sum;
	double squares;
	double mean;
	double q;
};

static bool has_weight(const struct bench_estimate *c)
{
	return c->se > 0; /* false for NAN, too */
}

static void weigh(
    const struct bench_estimate *cells, size_t n, struct weights *w)
{
	for (size_t i = 0; i < n; i++) {
		double weight = 1 / (cells[i].se * cells[i].se);

		if (isnan(cells[i].overhead))
			continue;
		w->sum += weight;
		w->squares += weight * weight;
		w->mean += weight * log(cells[i].overhead);
	}
	w->mean /= w->sum;
	for (size_t i = 0; i < n; i++) {
		double d = log(cells[i].overhead) - w->mean;

		if (!isnan(cells[i].overhead))
			w->q += d * d / (cells[i].se * cells[i].se);
	}
}

static void heterogeneity(
    const struct bench_estimate *cells, size_t n, struct bench_column *ret)
{
	struct weights w = {0, 0, 0, 0};
	double df = (double)ret->present - 1;
	double tau2;

	for (size_t i = 0; i < n; i++)
		if (!isnan(cells[i].overhead) && !has_weight(&cells[i]))
			return;
	weigh(cells, n, &w);
	tau2 = (w.q - df) / (w.sum - w.squares / w.sum);
	ret->between_sd = tau2 > 0 ? sqrt(tau2) : 0;
	ret->i2 = w.q > df ? (w.q - df) / w.q : 0;
}

void bench_column(
    const struct bench_estimate *cells, size_t n, struct bench_column *ret)
{
	struct bench_moments m = {0, 0, 0};
	double half;

	*ret = (struct bench_column){.machines = n,
	    .geomean = NAN,
	    .lo = NAN,
	    .hi = NAN,
	    .sd = NAN,
	    .between_sd = NAN,
	    .i2 = NAN};
	for (size_t i = 0; i < n; i++)
		if (!isnan(cells[i].overhead))
			bench_moments_add(&m, log(cells[i].overhead));
	ret->present = m.n;
	if (!m.n)
		return;
	ret->geomean = exp(m.mean);
	if (m.n < 2)
		return;
	ret->sd = sqrt(bench_moments_variance(&m));
	half = rmath_qt(1 - BENCH_ALPHA / 2, (double)m.n - 1) * ret->sd /
	    sqrt((double)m.n);
	ret->lo = exp(m.mean - half);
	ret->hi = exp(m.mean + half);
	heterogeneity(cells, n, ret);
}

char *bench_ratio_text(double overhead, char to[BENCH_RATIO_TEXT])
{
	to[0] = '\0';
	if (!isnan(overhead))
		(void)snprintf(to, BENCH_RATIO_TEXT, "%#.3g", overhead);
	return to;
}
