/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stopping by the width of the interval, and the noise floor by placebos. */
#include "bench/plan.h"

#include <math.h>

#include "bench/ratio_private.h"
#include "bench/rmath.h"

const char *bench_plan_state_name(enum bench_plan_state state)
{
	static const char *const names[] = {
	    [BENCH_PLAN_MORE] = "more",
	    [BENCH_PLAN_NARROW] = "narrow",
	    [BENCH_PLAN_CAP] = "cap",
	};

	return names[state];
}

/* ---- pairs ----------------------------------------------------------- */

/* Half the width of the paired interval, in ln; NAN below two pairs. */
static double half_of(double variance, size_t n)
{
	double size = (double)n;

	if (n < 2)
		return (double)NAN;
	return rmath_qt(1 - BENCH_ALPHA / 2, size - 1) * sqrt(variance / size);
}

static struct bench_moments moments_of(const double *x, size_t n)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < n; i++)
		bench_moments_add(&m, x[i]);
	return m;
}

static double half_width(const double *x, size_t n)
{
	struct bench_moments m = moments_of(x, n);

	return half_of(bench_moments_variance(&m), n);
}

/* The least number of whole blocks that is narrow enough; at most `most`. */
static size_t project(double variance, size_t n, size_t most, double half)
{
	n += n % BENCH_PLAN_BLOCK;
	while (n < most && half_of(variance, n) > half)
		n += BENCH_PLAN_BLOCK;
	return n < most ? n : most;
}

static int check(const struct bench_plan *p, const double *x, size_t n,
    size_t tried, struct err *err)
{
	if (!(p->margin > 0 && isfinite(p->margin)))
		return err_set(
		    err, ERR_INVAL, "margin: %g; must be above 0", p->margin);
	if (p->least < BENCH_PLAN_LEAST || p->least % BENCH_PLAN_BLOCK)
		return err_set(err, ERR_INVAL,
		    "least pairs: %zu; must be even and at least %d", p->least,
		    BENCH_PLAN_LEAST);
	if (p->most < p->least || p->most > BENCH_PLAN_MOST ||
	    p->most % BENCH_PLAN_BLOCK)
		return err_set(err, ERR_INVAL,
		    "most pairs: %zu; must be even and from %zu to %d", p->most,
		    p->least, BENCH_PLAN_MOST);
	if (tried < n)
		return err_set(err, ERR_INVAL,
		    "pairs: %zu good ones of %zu that were measured", n, tried);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return err_set(
			    err, ERR_INVAL, "pair %zu: ratio is %g", i, x[i]);
	return 0;
}

/*
 * Half of the way to where the interval may be narrow enough: the closer it is,
 * the smaller are the steps, so that the spread is known better and better.
 */
static size_t step_of(const struct bench_plan *p, size_t n, size_t expected)
{
	size_t step;

	if (n < p->least)
		return (p->least - n + 1) / BENCH_PLAN_BLOCK * BENCH_PLAN_BLOCK;
	step = expected > n ? (expected - n) / 2 : 0;
	step -= step % BENCH_PLAN_BLOCK;
	return step ? step : BENCH_PLAN_BLOCK;
}

int bench_plan_next(const struct bench_plan *plan, const double *ln_ratios,
    size_t n, size_t tried, struct bench_plan_step *ret, struct err *err)
{
	double half = log1p(plan->margin);
	struct bench_moments m;
	size_t room;
	int r = check(plan, ln_ratios, n, tried, err);

	if (r < 0)
		return r;
	m = moments_of(ln_ratios, n);
	*ret = (struct bench_plan_step){.state = BENCH_PLAN_MORE,
	    .half_width = expm1(half_width(ln_ratios, n)),
	    .expected = plan->least};
	if (n >= plan->least)
		ret->expected =
		    project(bench_moments_variance(&m), n, plan->most, half);
	if (n >= plan->least && half_width(ln_ratios, n) <= half &&
	    half_width(ln_ratios, n - BENCH_PLAN_BLOCK) <= half) {
		ret->state = BENCH_PLAN_NARROW;
		ret->expected = n;
		return 0;
	}
	room = tried < plan->most ? plan->most - tried : 0;
	ret->next = step_of(plan, n, ret->expected);
	if (ret->next > room)
		ret->next = room - room % BENCH_PLAN_BLOCK;
	if (!ret->next) {
		ret->state = BENCH_PLAN_CAP;
		ret->expected = n;
	}
	return 0;
}

/* ---- placebos -------------------------------------------------------- */

/* Wilson's interval of a rate: honest even at none of few. */
static void rate(size_t k, size_t n, struct bench_noise_floor *ret)
{
	double z = rmath_qnorm(1 - BENCH_ALPHA / 2);
	double size = (double)n;
	double p = (double)k / size;
	double scale = 1 + z * z / size;
	double middle = (p + z * z / (2 * size)) / scale;
	double half =
	    z / scale * sqrt(p * (1 - p) / size + z * z / (4 * size * size));

	ret->alarm_rate = p;
	/* Rounding must not leave the possible. */
	ret->alarm_lo = k ? middle - half : 0;
	ret->alarm_hi = k < n ? middle + half : 1;
}

static void by_sessions(
    const struct bench_moments *means, struct bench_noise_floor *ret)
{
	double variance = bench_moments_variance(means);

	ratio_by_t(means->mean, sqrt(variance / (double)means->n),
	    (double)means->n - 1, &ret->ratio);
}

/*
 * By the binomial tail, at 2.5 %: Wilson's lower end alone would blame one
 * alarm of three sessions, which honest intervals have in 14 cases of 100.
 */
static bool is_too_often(size_t k, size_t n)
{
	double size = (double)n;
	double term = pow(1 - BENCH_ALPHA, size); /* of none */
	double below = 0;

	for (size_t i = 0; i < k; i++) {
		below += term;
		term *= (size - (double)i) / ((double)i + 1) * BENCH_ALPHA /
		    (1 - BENCH_ALPHA);
	}
	return 1 - below < BENCH_ALPHA / 2;
}

static size_t pairs_of_session(const struct bench_noise_floor *f)
{
	size_t n = (f->pairs + f->sessions / 2) / f->sessions;

	return n < 2 ? 2 : n;
}

void bench_noise_floor(const struct bench_moments *sessions, size_t n,
    size_t for_pairs, struct bench_noise_floor *ret)
{
	struct bench_moments means = {0, 0, 0};
	double squares = 0;
	double df = 0;

	*ret = (struct bench_noise_floor){.sd = NAN,
	    .half_width = NAN,
	    .alarm_rate = NAN,
	    .alarm_lo = NAN,
	    .alarm_hi = NAN};
	ratio_unknown(&ret->ratio);
	for (size_t i = 0; i < n; i++) {
		const struct bench_moments *m = &sessions[i];
		double half = half_of(bench_moments_variance(m), m->n);

		if (m->n < 2)
			continue;
		ret->sessions++;
		ret->pairs += m->n;
		ret->alarms += fabs(m->mean) > half;
		squares += m->m2;
		df += (double)m->n - 1;
		bench_moments_add(&means, m->mean);
		ratio_by_t(m->mean,
		    sqrt(bench_moments_variance(m) / (double)m->n),
		    (double)m->n - 1, &ret->ratio);
	}
	if (!ret->sessions)
		return;
	if (ret->sessions > 1)
		by_sessions(&means, ret);
	ret->for_pairs = for_pairs ? for_pairs : pairs_of_session(ret);
	ret->sd = sqrt(squares / df);
	ret->half_width = expm1(half_of(squares / df, ret->for_pairs));
	rate(ret->alarms, ret->sessions, ret);
	ret->too_often = is_too_often(ret->alarms, ret->sessions);
}

void bench_noise_text(const struct bench_noise_floor *f, struct buf *to)
{
	if (!f->sessions)
		return;
	buf_printf(to,
	    "with %zu pairs, a difference below %.*f %% is noise here; %zu of "
	    "%zu sessions of equals found one (5 in 100 would)",
	    f->for_pairs, f->half_width < .1 ? 2 : 0, 100 * f->half_width,
	    f->alarms, f->sessions);
	if (f->too_often)
		buf_puts(to, ": too often, its intervals are too narrow");
	/* Of one session it is what alarms say already. */
	if (f->sessions > 1 && (f->ratio.lo > 1 || f->ratio.hi < 1))
		buf_printf(to,
		    "; one of two equals is ahead by %.2g %%, look for what "
		    "differs between first and second boots",
		    100 * fabs(f->ratio.overhead - 1));
}
