/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many pairs: when to stop, what stopping costs, and noise floors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define ORACLE 1e-9

/* As logarithms of ratios; the numbers of scipy 1.10 below are of these. */
static const double pairs[] = {
    .01, -.004, .008, .003, -.006, .002, .005, -.001};

static struct bench_plan_step next(
    const struct bench_plan *p, const double *x, size_t n, size_t tried)
{
	struct bench_plan_step step;
	struct err err = ERR_INIT;

	if (bench_plan_next(p, x, n, tried, &step, &err) < 0)
		fail_msg("%s", err.msg);
	return step;
}

/* ---- when to stop ---------------------------------------------------- */

static void half_widths_are_as_scipy_computes_them(void **state)
{
	static const struct {
		size_t n;
		double half; /* expm1(t.ppf(.975, n - 1) * std / sqrt(n)) */
	} rows[] = {{4, .009975994829152748}, {6, .006673194114256979},
	    {8, .0046857782063394245}};
	struct bench_plan p = {.01, 6, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		kit_near("half",
		    next(&p, pairs, rows[i].n, rows[i].n).half_width,
		    rows[i].half, ORACLE);
	assert_true(isnan(next(&p, pairs, 1, 1).half_width));
	assert_true(isnan(next(&p, NULL, 0, 0).half_width));
}

static void it_is_narrow_with_the_last_block_and_without_it(void **state)
{
	struct bench_plan p = {.0099, 6, 40};
	struct bench_plan_step s;

	(void)state;
	/* At six: .0067 with the last block, .00998 without it. */
	s = next(&p, pairs, 6, 6);
	assert_int_equal(s.state, BENCH_PLAN_MORE);
	assert_int_equal(s.next, 2);
	s = next(&p, pairs, 8, 8);
	assert_int_equal(s.state, BENCH_PLAN_NARROW);
	assert_int_equal(s.next, 0);
	assert_int_equal(s.expected, 8);
	p.margin = .01;
	assert_int_equal(next(&p, pairs, 6, 6).state, BENCH_PLAN_NARROW);
	p.margin = .001;
	assert_int_equal(next(&p, pairs, 8, 8).state, BENCH_PLAN_MORE);
}

static void the_first_step_is_the_least_number(void **state)
{
	struct bench_plan p = {.01, 8, 40};

	(void)state;
	for (size_t n = 0; n < 8; n++) {
		struct bench_plan_step s = next(&p, pairs, n, n);

		assert_int_equal(s.state, BENCH_PLAN_MORE);
		assert_int_equal(s.next, 8 - n + n % 2);
		assert_int_equal(s.expected, 8);
	}
}

static void the_ratio_itself_has_no_say(void **state)
{
	struct bench_plan p = {.004, 6, 40};
	double shifted[8];

	(void)state;
	for (size_t n = 0; n <= 8; n++) {
		struct bench_plan_step a = next(&p, pairs, n, n);
		struct bench_plan_step b;

		for (size_t i = 0; i < n; i++)
			shifted[i] = pairs[i] + .5;
		b = next(&p, shifted, n, n);
		assert_int_equal(a.state, b.state);
		assert_int_equal(a.next, b.next);
		assert_int_equal(a.expected, b.expected);
	}
}

static void steps_are_whole_blocks_and_never_pass_the_cap(void **state)
{
	struct bench_random r = {kit_seed(99)};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct bench_plan p = {.002 + .03 * kit_uniform(&r), 6,
		    6 + 2 * (bench_random_next(&r) % 40)};
		double x[86];
		size_t n = 0;
		size_t tried = 0;

		for (;;) {
			struct bench_plan_step s = next(&p, x, n, tried);

			assert_int_equal(s.next % BENCH_PLAN_BLOCK, 0);
			assert_true(tried + s.next <= p.most);
			assert_int_equal(
			    s.state == BENCH_PLAN_MORE, s.next > 0);
			if (!s.next)
				break;
			assert_true(s.expected >= n);
			tried += s.next;
			/* Every tenth pair fails. */
			for (size_t i = 0; i < s.next; i++)
				if (kit_uniform(&r) > .1)
					x[n++] = .02 * kit_normal(&r);
		}
		if (tried < p.most)
			assert_true(n >= p.least);
	}
}

static void failed_pairs_count_for_the_cap(void **state)
{
	struct bench_plan p = {.001, 6, 10};
	struct bench_plan_step s = next(&p, pairs, 5, 9);

	(void)state;
	assert_int_equal(s.state, BENCH_PLAN_CAP);
	assert_string_equal(bench_plan_state_name(s.state), "cap");
	assert_int_equal(next(&p, pairs, 5, 8).next, 2);
	assert_int_equal(next(&p, pairs, 4, 10).state, BENCH_PLAN_CAP);
}

static void the_order_of_a_plan_begins_like_that_of_a_shorter_one(void **state)
{
	enum bench_pair all[40];
	enum bench_pair some[40];

	(void)state;
	bench_order(40, 5, all);
	for (size_t n = 0; n <= 40; n++) {
		bench_order(n, 5, some);
		if (n)
			assert_memory_equal(all, some, n * sizeof(all[0]));
	}
}

static void bad_plans_are_refused(void **state)
{
	static const struct bench_plan plans[] = {{0, 6, 40}, {-1, 6, 40},
	    {NAN, 6, 40}, {.01, 4, 40}, {.01, 7, 40}, {.01, 8, 6}, {.01, 6, 41},
	    {.01, 6, BENCH_PLAN_MOST + 2}};
	static const double bad[] = {.01, NAN};
	struct bench_plan p = {.01, 6, 40};
	struct bench_plan_step s;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		assert_int_equal(
		    bench_plan_next(&plans[i], pairs, 8, 8, &s, &err),
		    -ERR_INVAL);
	assert_int_equal(bench_plan_next(&p, bad, 2, 2, &s, &err), -ERR_INVAL);
	assert_int_equal(
	    bench_plan_next(&p, pairs, 8, 7, &s, &err), -ERR_INVAL);
}

/* ---- what stopping costs --------------------------------------------- */

#define REPETITIONS 4000
#define CAP 100

/* One session, planned step by step: does its interval hold 1? */
static bool session_covers(
    struct bench_random *r, const struct bench_plan *p, double sd, size_t *ret)
{
	double b[CAP];
	double c[CAP];
	double x[CAP];
	struct bench_arms arms = {b, 0, c, 0, BENCH_HIGHER};
	struct bench_estimate e;
	size_t n = 0;

	for (;;) {
		struct bench_plan_step s = next(p, x, n, n);

		if (!s.next)
			break;
		for (size_t i = 0; i < s.next; i++, n++) {
			b[n] = exp(sd * kit_normal(r));
			c[n] = 1;
			x[n] = log(b[n]);
		}
	}
	arms.n_baseline = arms.n_candidate = *ret = n;
	assert_int_equal(bench_ratio_paired(&arms, &e, NULL), 0);
	return e.lo <= 1 && e.hi >= 1;
}

/*
 * From spreads that need the fewest pairs to those that need nearly the cap;
 * the limit counts as met within two standard errors.
 */
static void stopping_by_width_keeps_the_interval_honest(void **state)
{
	static const double spreads[] = {.3, .7, 1, 1.4, 1.7, 2, 2.4, 3.4};
	static const uint64_t seeds[] = {20240923, 1912, 65537};
	struct bench_plan p = {.01, BENCH_PLAN_LEAST, CAP};
	double least = .93 - 2 * sqrt(.93 * .07 / REPETITIONS);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spreads); i++)
		for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
			struct bench_random r = {seeds[s]};
			size_t covered = 0;
			size_t measured = 0;
			size_t n;

			for (int k = 0; k < REPETITIONS; k++) {
				covered += session_covers(
				    &r, &p, spreads[i] * log1p(.01), &n);
				measured += n;
			}
			print_message("# spread %.1f margins: coverage %.3f, "
			              "%.1f pairs\n",
			    spreads[i], (double)covered / REPETITIONS,
			    (double)measured / REPETITIONS);
			assert_true((double)covered / REPETITIONS >= least);
		}
}

/* ---- placebos -------------------------------------------------------- */

static struct bench_moments moments(const double *x, size_t n)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < n; i++)
		bench_moments_add(&m, x[i]);
	return m;
}

static void noise_floors_are_as_scipy_computes_them(void **state)
{
	static const double third[] = {.012, .010, .011, .013};
	static const double second[] = {-.006, .002, .005, -.001, .004};
	const struct bench_moments p[] = {moments(pairs, 4), moments(second, 5),
	    moments(third, 4), moments(third, 1), moments(NULL, 0)};
	struct bench_noise_floor f;

	(void)state;
	bench_noise_floor(p, ARRAY_LEN(p), 6, &f);
	assert_int_equal(f.sessions, 3);
	assert_int_equal(f.pairs, 13);
	/* ttest_1samp of the sessions' means */
	kit_near("ratio", f.ratio.overhead, 1.0055319114928714, ORACLE);
	kit_near("lo", f.ratio.lo, .9919823514570612, ORACLE);
	kit_near("hi", f.ratio.hi, 1.0192665459676515, ORACLE);
	kit_near("p", f.ratio.p, .22229083718207304, ORACLE);
	kit_near("sd", f.sd, .004478280920174616, ORACLE);
	kit_near("half", f.half_width, .004710728363192103, ORACLE);
	/* binomtest(1, 3).proportion_ci(method="wilson") */
	assert_int_equal(f.alarms, 1);
	kit_near("rate", f.alarm_rate, 1 / 3., ORACLE);
	kit_near("rate lo", f.alarm_lo, .06149194472039626, ORACLE);
	kit_near("rate hi", f.alarm_hi, .7923403991979523, ORACLE);
}

static void without_placebos_nothing_is_known(void **state)
{
	const struct bench_moments one = moments(pairs, 8);
	struct bench_noise_floor f;

	(void)state;
	bench_noise_floor(NULL, 0, 6, &f);
	assert_int_equal(f.sessions, 0);
	assert_true(isnan(f.half_width) && isnan(f.ratio.overhead));
	assert_true(isnan(f.alarm_rate) && isnan(f.alarm_hi));
	/* A single session is told by its pairs. */
	bench_noise_floor(&one, 1, 8, &f);
	kit_near("lo", log(f.ratio.overhead) - log(f.ratio.lo),
	    log1p(f.half_width), 1e-12);
	assert_true(f.alarm_lo == 0 && f.alarm_hi < 1);
}

static void equals_alarm_five_times_in_a_hundred(void **state)
{
	static struct bench_moments p[2000];
	struct bench_random r = {kit_seed(8)};
	struct bench_noise_floor f;

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		double x[6];

		for (size_t k = 0; k < 6; k++)
			x[k] = .02 * kit_normal(&r);
		p[i] = moments(x, 6);
	}
	bench_noise_floor(p, 2000, 6, &f);
	print_message("# %.4f, sd %.5f\n", f.alarm_rate, f.sd);
	assert_true(f.alarm_rate > .03 && f.alarm_rate < .07);
	kit_near("sd", f.sd, .02, .05);
}

static void says(const double *mean, size_t n, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1000);
	struct bench_moments p[100];
	struct bench_noise_floor f;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct bench_moments){6, mean[i], .0001};
	bench_noise_floor(p, n, 0, &f);
	bench_noise_text(&f, &b);
	assert_string_equal(buf_str(&b), want);
}

static void the_noise_is_told_in_a_sentence(void **state)
{
	static const double fair[] = {.001, -.001, .002, -.002};
	static const double loud[] = {.1, -.1, .09, -.1};
	static const double bent[] = {.003, .0031, .0029, .003};

	(void)state;
	says(NULL, 0, "");
	says(fair, 1,
	    "with 6 pairs, a difference below 0.47 % is noise here; 0 of 1 "
	    "sessions of equals found one (5 in 100 would)");
	says(fair, 4,
	    "with 6 pairs, a difference below 0.47 % is noise here; 0 of 4 "
	    "sessions of equals found one (5 in 100 would)");
	/* One of one or of three may be chance; four of four are not. */
	says(loud, 1,
	    "with 6 pairs, a difference below 0.47 % is noise here; 1 of 1 "
	    "sessions of equals found one (5 in 100 would)");
	says(loud, 4,
	    "with 6 pairs, a difference below 0.47 % is noise here; 4 of 4 "
	    "sessions of equals found one (5 in 100 would): too often, its "
	    "intervals are too narrow");
	says(bent, 4,
	    "with 6 pairs, a difference below 0.47 % is noise here; 0 of 4 "
	    "sessions of equals found one (5 in 100 would); one of two equals "
	    "is ahead by 0.3 %, look for what differs between first and second "
	    "boots");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_widths_are_as_scipy_computes_them),
	    cmocka_unit_test(it_is_narrow_with_the_last_block_and_without_it),
	    cmocka_unit_test(the_first_step_is_the_least_number),
	    cmocka_unit_test(the_ratio_itself_has_no_say),
	    cmocka_unit_test(steps_are_whole_blocks_and_never_pass_the_cap),
	    cmocka_unit_test(failed_pairs_count_for_the_cap),
	    cmocka_unit_test(
	        the_order_of_a_plan_begins_like_that_of_a_shorter_one),
	    cmocka_unit_test(bad_plans_are_refused),
	    cmocka_unit_test(stopping_by_width_keeps_the_interval_honest),
	    cmocka_unit_test(noise_floors_are_as_scipy_computes_them),
	    cmocka_unit_test(without_placebos_nothing_is_known),
	    cmocka_unit_test(equals_alarm_five_times_in_a_hundred),
	    cmocka_unit_test(the_noise_is_told_in_a_sentence),
	};

	return cmocka_run_group_tests_name("bench_plan", tests, NULL, NULL);
}
