/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ratios by t: moments, Welch's interval, the paired one, and how many values
 * are needed. The rank tests are in ratio_rank.c, verdicts in verdict.c.
 */
#include "bench/ratio.h"

#include <math.h>
#include <stdlib.h>

#include "bench/ratio_private.h"
#include "bench/rmath.h"

#define NEEDED_MAX 1e9

/* ---- moments --------------------------------------------------------- */

void bench_moments_add(struct bench_moments *m, double x)
{
	double before = x - m->mean;

	m->n++;
	m->mean += before / (double)m->n;
	m->m2 += before * (x - m->mean);
}

void bench_moments_merge(
    struct bench_moments *m, const struct bench_moments *other)
{
	double a = (double)m->n;
	double b = (double)other->n;
	double delta = other->mean - m->mean;

	if (!other->n)
		return;
	m->n += other->n;
	m->mean += delta * b / (a + b);
	m->m2 += other->m2 + delta * delta * a * b / (a + b);
}

/*
 * With w the whole, p the part and x the rest, Chan's mean of w gives
 * mean_x - mean_w = (mean_w - mean_p) n_p / n_x, and his sum of squares then
 * m2_x = m2_w - m2_p - (mean_w - mean_p)^2 n_p n_w / n_x.
 */
void bench_moments_remove(
    struct bench_moments *m, const struct bench_moments *part)
{
	double w = (double)m->n;
	double p = (double)part->n;
	double delta = m->mean - part->mean;

	if (part->n >= m->n) {
		*m = (struct bench_moments){0, 0, 0};
		return;
	}
	m->n -= part->n;
	m->mean += delta * p / (w - p);
	m->m2 = fmax(0, m->m2 - part->m2 - delta * delta * p * w / (w - p));
}

double bench_moments_variance(const struct bench_moments *m)
{
	return m->n < 2 ? (double)NAN : m->m2 / (double)(m->n - 1);
}

/* ---- what the files of ratios share ---------------------------------- */

static int check_arm(
    const char *name, const double *x, size_t n, struct err *err)
{
	if (!n)
		return err_set(err, ERR_INVAL, "%s: no values", name);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]) || x[i] <= 0)
			return err_set(err, ERR_INVAL,
			    "%s: value %zu is %g; must be above 0", name, i + 1,
			    x[i]);
	return 0;
}

int ratio_check(const struct bench_arms *arms, struct err *err)
{
	int r;

	if (arms->direction != BENCH_HIGHER && arms->direction != BENCH_LOWER)
		return err_set(err, ERR_INVAL, "direction: none given");
	r = check_arm("baseline", arms->baseline, arms->n_baseline, err);
	if (r == 0)
		r = check_arm(
		    "candidate", arms->candidate, arms->n_candidate, err);
	return r;
}

double ratio_sign(enum bench_direction direction)
{
	return direction == BENCH_LOWER ? -1 : 1;
}

int ratio_pairs(const struct bench_arms *arms, double **ret, struct err *err)
{
	double sign = ratio_sign(arms->direction);
	double *d;
	int r = ratio_check(arms, err);

	if (r < 0)
		return r;
	if (arms->n_baseline != arms->n_candidate)
		return err_set(err, ERR_INVAL,
		    "pairs: %zu values of the baseline and %zu of the "
		    "candidate; must be as many",
		    arms->n_baseline, arms->n_candidate);
	d = xcalloc(arms->n_baseline, sizeof(d[0]));
	for (size_t i = 0; i < arms->n_baseline; i++)
		d[i] =
		    sign * (log(arms->baseline[i]) - log(arms->candidate[i]));
	*ret = d;
	return 0;
}

void ratio_unknown(struct bench_estimate *ret)
{
	*ret = (struct bench_estimate){.overhead = NAN,
	    .lo = NAN,
	    .hi = NAN,
	    .p = NAN,
	    .se = NAN,
	    .df = NAN};
}

void ratio_by_t(double d, double se, double df, struct bench_estimate *ret)
{
	double half;

	ratio_unknown(ret);
	ret->overhead = exp(d);
	if (!(df > 0) || !(se >= 0))
		return;
	ret->se = se;
	ret->df = df;
	/* Values without any spread: the interval is a point. */
	if (se == 0) {
		ret->lo = ret->hi = ret->overhead;
		ret->p = d == 0 ? 1 : 0;
		return;
	}
	half = rmath_qt(1 - BENCH_ALPHA / 2, df) * se;
	ret->lo = exp(d - half);
	ret->hi = exp(d + half);
	ret->p = rmath_pt_two_sided(d / se, df);
}

/* ---- two arms -------------------------------------------------------- */

/* From the squared standard errors of both arms' log means. */
static void welch(double d, double vb, size_t nb, double vc, size_t nc,
    struct bench_estimate *ret)
{
	double s2 = vb + vc;
	double parts;

	/* NAN if an arm has one value: no interval then. */
	if (!(nb > 1 && nc > 1)) {
		ratio_by_t(d, NAN, NAN, ret);
		return;
	}
	parts = vb * vb / (double)(nb - 1) + vc * vc / (double)(nc - 1);
	ratio_by_t(d, sqrt(s2),
	    parts > 0 ? s2 * s2 / parts : (double)(nb + nc - 2), ret);
}

void bench_ratio_moments(const struct bench_moments *ln_baseline,
    const struct bench_moments *ln_candidate, enum bench_direction direction,
    struct bench_estimate *ret)
{
	const struct bench_moments *b = ln_baseline;
	const struct bench_moments *c = ln_candidate;

	welch(ratio_sign(direction) * (b->mean - c->mean),
	    bench_moments_variance(b) / (double)b->n, b->n,
	    bench_moments_variance(c) / (double)c->n, c->n, ret);
}

int bench_ratio_welch(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err)
{
	struct bench_moments b = {0, 0, 0};
	struct bench_moments c = {0, 0, 0};
	int r = ratio_check(arms, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < arms->n_baseline; i++)
		bench_moments_add(&b, log(arms->baseline[i]));
	for (size_t i = 0; i < arms->n_candidate; i++)
		bench_moments_add(&c, log(arms->candidate[i]));
	bench_ratio_moments(&b, &c, arms->direction, ret);
	return 0;
}

static int check_summary(
    const char *name, const struct bench_summary *s, struct err *err)
{
	if (!isfinite(s->mean) || s->mean <= 0 || !s->n)
		return err_set(err, ERR_INVAL,
		    "%s: mean %g of %zu values; must be above 0", name, s->mean,
		    s->n);
	/* One value has no standard deviation, whatever is given. */
	if (s->n > 1 && (!isfinite(s->sd) || s->sd < 0))
		return err_set(err, ERR_INVAL,
		    "%s: standard deviation %g; must be at least 0", name,
		    s->sd);
	return 0;
}

static double squared_error_of_log(const struct bench_summary *s)
{
	double cv = s->sd / s->mean;

	return cv * cv / (double)s->n;
}

int bench_ratio_summaries(const struct bench_summary *baseline,
    const struct bench_summary *candidate, enum bench_direction direction,
    struct bench_estimate *ret, struct err *err)
{
	int r = check_summary("baseline", baseline, err);

	if (r == 0)
		r = check_summary("candidate", candidate, err);
	if (r < 0)
		return r;
	welch(ratio_sign(direction) *
	        (log(baseline->mean) - log(candidate->mean)),
	    squared_error_of_log(baseline), baseline->n,
	    squared_error_of_log(candidate), candidate->n, ret);
	return 0;
}

/* ---- pairs ----------------------------------------------------------- */

void bench_ratio_pair_moments(const struct bench_moments *ln_ratio,
    enum bench_direction direction, struct bench_estimate *ret)
{
	const struct bench_moments *m = ln_ratio;

	ratio_by_t(ratio_sign(direction) * m->mean,
	    sqrt(bench_moments_variance(m) / (double)m->n), (double)m->n - 1,
	    ret);
}

int bench_ratio_paired(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err)
{
	scoped(free) double *d = NULL;
	struct bench_moments m = {0, 0, 0};
	int r = ratio_pairs(arms, &d, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < arms->n_baseline; i++)
		bench_moments_add(&m, d[i]);
	/* The direction is in the differences. */
	bench_ratio_pair_moments(&m, BENCH_HIGHER, ret);
	return 0;
}

/* ---- planning -------------------------------------------------------- */

/*
 * The least n with arms (t sd / h)^2 <= n, t of arms (n - 1) degrees of
 * freedom: of n values in each of two arms, or of n pairs.
 */
static size_t needed(double arms, double sd, double half_width, double alpha)
{
	double z = rmath_qnorm(1 - alpha / 2);
	double n;

	if (!(sd > 0) || !(half_width > 0) || !isfinite(sd / half_width))
		return 0;
	/* t is above z and falls with n: the answer is a few steps above. */
	n = fmin(fmax(2, ceil(arms * pow(z * sd / half_width, 2))), NEEDED_MAX);
	while (n < NEEDED_MAX &&
	    arms *
	            pow(rmath_qt(1 - alpha / 2, arms * (n - 1)) * sd /
	                    half_width,
	                2) >
	        n)
		n++;
	return (size_t)n;
}

size_t ratio_needed(double sd, double half_width, double alpha)
{
	return needed(2, sd, half_width, alpha);
}

size_t ratio_needed_pairs(double sd, double half_width, double alpha)
{
	return needed(1, sd, half_width, alpha);
}

size_t bench_ratio_needed(double cv, double half_width)
{
	return ratio_needed(cv, half_width, BENCH_ALPHA);
}

bool bench_ratio_disagrees(
    const struct bench_estimate *a, const struct bench_estimate *b)
{
	if (isnan(a->lo) || isnan(b->lo))
		return false;
	return (a->lo <= 1 && a->hi >= 1) != (b->lo <= 1 && b->hi >= 1);
}
