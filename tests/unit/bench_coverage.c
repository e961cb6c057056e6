/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intervals cover the truth as often as they say: Monte Carlo with three fixed
 * seeds of 4,000 repetitions. IB_TEST_SEED replaces the first of them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define REPETITIONS 4000
#define ARM_MAX 20
#define CV .02
#define TRUTH 1.05 /* the overhead that is drawn */

static uint64_t seeds[] = {20240923, 1912, 65537};

typedef int method(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);
/* Fills in n values of each arm in the order of measurement. */
typedef void session(struct bench_random *r, size_t n, double *b, double *c);

static void noise_alone(struct bench_random *r, size_t n, double *b, double *c)
{
	for (size_t i = 0; i < n; i++) {
		b[i] = TRUTH * exp(CV * kit_normal(r));
		c[i] = exp(CV * kit_normal(r));
	}
}

/* The machine becomes 5 % slower from the first boot to the last one. */
static double drifting(struct bench_random *r, size_t at, size_t boots)
{
	double drift = -.05 * (double)at / (double)(boots - 1);

	return exp(.005 * kit_normal(r) + drift);
}

static void one_arm_after_the_other(
    struct bench_random *r, size_t n, double *b, double *c)
{
	for (size_t i = 0; i < n; i++) {
		b[i] = TRUTH * drifting(r, i, 2 * n);
		c[i] = drifting(r, n + i, 2 * n);
	}
}

static void balanced_pairs(
    struct bench_random *r, size_t n, double *b, double *c)
{
	enum bench_pair order[ARM_MAX];

	bench_order(n, bench_random_next(r), order);
	for (size_t i = 0; i < n; i++) {
		bool late = order[i] == BENCH_CB;

		b[i] = TRUTH * drifting(r, 2 * i + late, 2 * n);
		c[i] = drifting(r, 2 * i + !late, 2 * n);
	}
}

/* The part of the repetitions whose interval holds the truth. */
static double coverage(
    method *by, session *measure, size_t n, uint64_t seed, double *ret_width)
{
	struct bench_random r = {seed};
	size_t covered = 0;
	double width = 0;

	for (int i = 0; i < REPETITIONS; i++) {
		double b[ARM_MAX];
		double c[ARM_MAX];
		struct bench_arms arms = {b, n, c, n, BENCH_HIGHER};
		struct bench_estimate e;

		measure(&r, n, b, c);
		if (by(&arms, &e, NULL) < 0)
			fail_msg("refused");
		covered += e.lo <= TRUTH && TRUTH <= e.hi;
		width += log(e.hi) - log(e.lo);
	}
	*ret_width = width / REPETITIONS;
	return (double)covered / REPETITIONS;
}

/* Two standard errors of a rate. */
static double slack(double rate)
{
	return 2 * sqrt(rate * (1 - rate) / REPETITIONS);
}

/* A limit counts as met within two standard errors. */
static void expect_coverage(const char *name, method *by, session *measure,
    size_t n, double lo, double hi)
{
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		double width;
		double got = coverage(by, measure, n, seeds[i], &width);

		print_message("# %s n=%zu: coverage %.3f, width %.4f\n", name,
		    n, got, width);
		if (got < lo - slack(lo) || got > hi + slack(hi))
			fail_msg("%s: coverage %.4f", name, got);
	}
}

static void intervals_by_t_cover_as_they_say(void **state)
{
	static const size_t sizes[] = {5, 10, 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		expect_coverage("welch", bench_ratio_welch, noise_alone,
		    sizes[i], .94, .97);
		expect_coverage("paired t", bench_ratio_paired, noise_alone,
		    sizes[i], .94, .97);
	}
	expect_coverage("welch", bench_ratio_welch, noise_alone, 3, .94, .975);
}

/* Its law is discrete: 62 of 64 signs at 6 pairs. */
static void the_signed_rank_covers_as_it_says(void **state)
{
	static const size_t sizes[] = {6, 10, 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		expect_coverage("signed rank", bench_ratio_signed_rank,
		    noise_alone, sizes[i], .94, .97);
}

/* The exact levels, 1 - 2 P(U < k), of the Mann-Whitney law. */
static void hodges_lehmann_covers_as_it_says(void **state)
{
	static const struct {
		size_t n;
		double level;
	} rows[] = {{4, .971}, {5, .968}, {10, .957}, {20, .951}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_coverage("hodges-lehmann", bench_ratio_hodges_lehmann,
		    noise_alone, rows[i].n, rows[i].level, rows[i].level);
}

static void drift_ruins_one_arm_after_the_other_and_not_pairs(void **state)
{
	(void)state;
	expect_coverage("drift, BBBB CCCC", bench_ratio_welch,
	    one_arm_after_the_other, 8, 0, .05);
	/* A pair keeps the drift of one boot, half of them with either sign. */
	for (size_t n = 6; n <= 12; n += 2)
		expect_coverage("drift, ABBA pairs", bench_ratio_paired,
		    balanced_pairs, n, .93, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(intervals_by_t_cover_as_they_say),
	    cmocka_unit_test(the_signed_rank_covers_as_it_says),
	    cmocka_unit_test(hodges_lehmann_covers_as_it_says),
	    cmocka_unit_test(drift_ruins_one_arm_after_the_other_and_not_pairs),
	};

	seeds[0] = kit_seed(seeds[0]);
	return cmocka_run_group_tests_name("bench_coverage", tests, NULL, NULL);
}
