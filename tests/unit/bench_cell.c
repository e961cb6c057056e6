/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells: which pairs count, and sums that do not know how they came about. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define PAIRS 6
#define NEAR 1e-9

static const double noisy_b[] = {.31, .28, .35, .30, .29, .33};
static const double noisy_k[] = {.01, .03, -.02, .02, .00, .01};

/* Pairs in ABBA order: 2 i is the baseline's value of pair i. */
static void pairs_make(
    struct bench_value *v, const double *b, const double *k, int n)
{
	for (int i = 0; i < n; i++)
		for (int arm = 0; arm < 2; arm++)
			v[2 * i + arm] =
			    (struct bench_value){.arm = (enum bench_arm)arm,
			        .pair = i,
			        .position =
			            (i % 2 == 1) != (arm == BENCH_CANDIDATE),
			        .valid = true,
			        .value = arm ? k[i] : b[i]};
}

static void logs_make(struct bench_value *v, double scale)
{
	double b[PAIRS];
	double k[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		b[i] = scale * exp(noisy_b[i]);
		k[i] = scale * exp(noisy_k[i]);
	}
	pairs_make(v, b, k, PAIRS);
}

static struct bench_cell_result result_of(
    const struct bench_cell *c, enum bench_direction direction)
{
	struct bench_cell_result r;

	assert_true(bench_cell_estimate(c, direction, &r));
	return r;
}

static struct bench_cell_result result(const struct bench_value *v, size_t n)
{
	struct bench_cell c = {0};

	bench_cell_add(&c, v, n);
	return result_of(&c, BENCH_HIGHER);
}

static void expect_same(const struct bench_cell_result *a,
    const struct bench_cell_result *b, double tolerance)
{
	assert_int_equal(a->paired, b->paired);
	assert_int_equal(a->n, b->n);
	kit_near(
	    "overhead", a->estimate.overhead, b->estimate.overhead, tolerance);
	kit_near("lo", a->estimate.lo, b->estimate.lo, tolerance);
	kit_near("hi", a->estimate.hi, b->estimate.hi, tolerance);
	kit_near("p", a->estimate.p, b->estimate.p, tolerance);
	kit_near("baseline", a->mean[0], b->mean[0], tolerance);
	kit_near("candidate", a->mean[1], b->mean[1], tolerance);
}

static void expect_inverse(
    const struct bench_cell_result *a, const struct bench_cell_result *b)
{
	assert_int_equal(a->n, b->n);
	kit_near(
	    "overhead", a->estimate.overhead, 1 / b->estimate.overhead, NEAR);
	kit_near("lo", a->estimate.lo, 1 / b->estimate.hi, NEAR);
	kit_near("hi", a->estimate.hi, 1 / b->estimate.lo, NEAR);
	kit_near("p", a->estimate.p, b->estimate.p, NEAR);
}

/* ---- against the values themselves --------------------------------------- */

static void pairs_and_arms_are_those_of_the_raw_ratios(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell_result r;
	struct bench_estimate want;
	double b[PAIRS];
	double k[PAIRS];
	struct bench_arms arms = {b, PAIRS, k, PAIRS, BENCH_HIGHER};

	(void)state;
	logs_make(v, 3);
	for (int i = 0; i < PAIRS; i++) {
		b[i] = v[2 * i].value;
		k[i] = v[2 * i + 1].value;
	}
	r = result(v, 2 * PAIRS);
	assert_true(r.paired);
	assert_int_equal(bench_ratio_paired(&arms, &want, NULL), 0);
	kit_near("lo", r.estimate.lo, want.lo, NEAR);
	kit_near("p", r.estimate.p, want.p, NEAR);
	v[0].pair = -1;
	r = result(v, 2 * PAIRS);
	assert_false(r.paired);
	assert_int_equal(bench_ratio_welch(&arms, &want, NULL), 0);
	kit_near("lo", r.estimate.lo, want.lo, NEAR);
	kit_near("p", r.estimate.p, want.p, NEAR);
}

/* ---- properties ---------------------------------------------------------- */

static void swapped_arms_give_the_inverse(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell_result a;
	struct bench_cell_result b;

	(void)state;
	for (int paired = 0; paired < 2; paired++) {
		struct bench_cell c = {0};

		logs_make(v, 1);
		for (int i = 0; i < 2 * PAIRS && !paired; i++)
			v[i].pair = -1;
		bench_cell_add(&c, v, 2 * PAIRS);
		a = result_of(&c, BENCH_HIGHER);
		bench_cell_swap(&c);
		b = result_of(&c, BENCH_HIGHER);
		expect_inverse(&a, &b);
		kit_near("mean", a.mean[0], b.mean[1], 0);
		for (int i = 0; i < 2 * PAIRS; i++)
			v[i].arm = (enum bench_arm) !v[i].arm;
		a = result(v, 2 * PAIRS);
		expect_same(&a, &b, NEAR);
	}
}

static void a_flipped_direction_gives_the_inverse(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell c = {0};
	struct bench_cell_result higher;
	struct bench_cell_result lower;

	(void)state;
	logs_make(v, 1);
	bench_cell_add(&c, v, 2 * PAIRS);
	higher = result_of(&c, BENCH_HIGHER);
	lower = result_of(&c, BENCH_LOWER);
	expect_inverse(&higher, &lower);
}

static void a_factor_on_both_arms_changes_no_ratio(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell_result a;
	struct bench_cell_result b;

	(void)state;
	logs_make(v, 1);
	a = result(v, 2 * PAIRS);
	logs_make(v, 1e6);
	b = result(v, 2 * PAIRS);
	b.mean[0] /= 1e6;
	b.mean[1] /= 1e6;
	expect_same(&a, &b, NEAR);
}

static void the_order_of_values_changes_no_bit(void **state)
{
	struct bench_random rnd = {kit_seed(1)};
	struct bench_value v[2 * PAIRS];
	struct bench_cell a = {0};

	(void)state;
	logs_make(v, 1);
	v[3].valid = false;
	v[3].value = NAN;
	bench_cell_add(&a, v, 2 * PAIRS);
	for (int round = 0; round < 20; round++) {
		struct bench_cell b = {0};

		for (size_t i = 2 * PAIRS - 1; i; i--) {
			size_t k = bench_random_next(&rnd) % (i + 1);
			struct bench_value x = v[i];

			v[i] = v[k];
			v[k] = x;
		}
		bench_cell_add(&b, v, 2 * PAIRS);
		assert_memory_equal(&a.pairs, &b.pairs, sizeof(a.pairs));
		assert_memory_equal(a.ln, b.ln, sizeof(a.ln));
		assert_memory_equal(
		    &a.ln_baseline, &b.ln_baseline, sizeof(a.ln_baseline));
	}
}

/* An attempt of random values, some of which are not valid. */
static size_t attempt_make(struct bench_random *rnd, struct bench_value *v)
{
	logs_make(v, 1 + kit_uniform(rnd));
	for (int i = 0; i < 2 * PAIRS; i++) {
		v[i].value *= exp(.1 * kit_normal(rnd));
		v[i].valid = kit_uniform(rnd) > .1;
	}
	return 2 * PAIRS;
}

static void merging_is_adding_and_removing_is_never_having_added(void **state)
{
	struct bench_random rnd = {kit_seed(2)};
	struct bench_cell all = {0};
	struct bench_cell early = {0};
	struct bench_cell late = {0};
	struct bench_cell merged;
	struct bench_moments rest;
	struct bench_value v[2 * PAIRS];

	(void)state;
	for (int i = 0; i < 100; i++) {
		size_t n = attempt_make(&rnd, v);

		bench_cell_add(&all, v, n);
		bench_cell_add(i < 70 ? &early : &late, v, n);
	}
	merged = early;
	bench_cell_merge(&merged, &late);
	for (int unpaired = 0; unpaired < 2; unpaired++) {
		struct bench_cell_result a;
		struct bench_cell_result b;

		all.unpaired = merged.unpaired = unpaired == 1;
		a = result_of(&all, BENCH_LOWER);
		b = result_of(&merged, BENCH_LOWER);
		expect_same(&a, &b, NEAR);
	}
	rest = all.pairs;
	bench_moments_remove(&rest, &early.pairs);
	assert_int_equal(rest.n, late.pairs.n);
	kit_near("mean", rest.mean, late.pairs.mean, NEAR);
	kit_near("m2", rest.m2, late.pairs.m2, NEAR);
	bench_moments_remove(&rest, &rest);
	assert_int_equal(rest.n, 0);
}

static void an_unpaired_part_makes_the_whole_unpaired(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell c = {0};
	struct bench_cell loose = {0};

	(void)state;
	logs_make(v, 1);
	bench_cell_add(&c, v, 2 * PAIRS);
	v[0].pair = -1;
	bench_cell_add(&loose, v, 1);
	assert_true(loose.unpaired);
	bench_cell_merge(&c, &loose);
	assert_false(result_of(&c, BENCH_HIGHER).paired);
}

/* ---- what is left out ---------------------------------------------------- */

/* Pair 2 is broken; 3 is the other half of its block. The rest is 2 exactly. */
static void a_broken_pair_takes_one_of_the_other_order_along(void **state)
{
	static const double b[] = {2, 4, 99, 99, 6, 8};
	static const double k[] = {1, 2, 1, 1, 3, 4};
	struct bench_value v[2 * PAIRS];

	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		struct bench_cell_result r;

		pairs_make(v, b, k, PAIRS);
		v[4 + broken].valid = false;
		r = result(v, 2 * PAIRS);
		assert_true(r.paired);
		assert_int_equal(r.n, 4);
		kit_near("overhead", r.estimate.overhead, 2, NEAR);
		kit_near("mean", r.mean[0], pow(2 * 4 * 6 * 8, .25), NEAR);
	}
}

/*
 * The first value of each arm stands in pair 0, or that of the baseline in
 * pair 1; the others are pairs 2 to 5, whose ratio is 2.
 */
static void first_block_is_broken(int first_of_baseline, bool first_valid)
{
	static const double b[] = {99, 99, 2, 4, 6, 8};
	static const double k[] = {9, 9, 1, 2, 3, 4};
	struct bench_value v[2 * PAIRS];
	struct bench_value *first = v + 2;
	struct bench_cell_result r;

	pairs_make(v, b, k, PAIRS);
	first[0] = v[2 * first_of_baseline];
	first[1] = v[1];
	first[0].valid = first[1].valid = first_valid;
	r = result(first, 2 * PAIRS - 2);
	assert_int_equal(r.n, 4);
	kit_near("overhead", r.estimate.overhead, 2, NEAR);
}

/* Each half of the block lacks an arm: they are in balance already. */
static void a_value_that_is_missing_breaks_its_pair(void **state)
{
	(void)state;
	first_block_is_broken(1, true);
}

/* Pair 0 is broken; of the other half of its block is nothing. */
static void a_pair_of_which_nothing_is_known_is_the_other_half(void **state)
{
	(void)state;
	first_block_is_broken(0, true);
	first_block_is_broken(0, false);
}

static void two_values_in_one_place_are_no_pairs(void **state)
{
	static const double b[] = {2, 2, 2};
	static const double k[] = {1, 1, 1};
	struct bench_value v[6];
	struct bench_cell_result r;

	(void)state;
	pairs_make(v, b, k, 3);
	v[4].pair = 1;
	r = result(v, 5);
	assert_false(r.paired);
	assert_int_equal(r.n, 2);
}

static void pairs_that_are_too_many_are_left_out(void **state)
{
	struct bench_value v[2 * PAIRS];

	(void)state;
	logs_make(v, 1);
	v[10].pair = v[11].pair = BENCH_CELL_PAIRS_MAX;
	assert_int_equal(result(v, 2 * PAIRS).n, PAIRS - 1);
}

static void one_arm_alone_is_nothing_to_compare(void **state)
{
	struct bench_value v[2 * PAIRS];
	struct bench_cell c = {0};
	struct bench_cell_result r;

	(void)state;
	assert_false(bench_cell_estimate(&c, BENCH_HIGHER, &r));
	bench_cell_add(&c, v, 0);
	assert_false(bench_cell_estimate(&c, BENCH_HIGHER, &r));
	logs_make(v, 1);
	bench_cell_add(&c, v, 1);
	assert_false(bench_cell_estimate(&c, BENCH_HIGHER, &r));
	c.unpaired = true;
	assert_false(bench_cell_estimate(&c, BENCH_HIGHER, &r));
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pairs_and_arms_are_those_of_the_raw_ratios),
	    TEST(swapped_arms_give_the_inverse),
	    TEST(a_flipped_direction_gives_the_inverse),
	    TEST(a_factor_on_both_arms_changes_no_ratio),
	    TEST(the_order_of_values_changes_no_bit),
	    TEST(merging_is_adding_and_removing_is_never_having_added),
	    TEST(an_unpaired_part_makes_the_whole_unpaired),
	    TEST(a_broken_pair_takes_one_of_the_other_order_along),
	    TEST(a_value_that_is_missing_breaks_its_pair),
	    TEST(a_pair_of_which_nothing_is_known_is_the_other_half),
	    TEST(two_values_in_one_place_are_no_pairs),
	    TEST(pairs_that_are_too_many_are_left_out),
	    TEST(one_arm_alone_is_nothing_to_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
