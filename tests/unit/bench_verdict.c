/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts alone and in tables, and how many repetitions they need. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/rmath.h"
#include "tests/unit/bench_kit.h"

#define ORACLE 1e-9

static void adjusted_p_values_are_as_published(void **state)
{
	scoped(json_decref) json_t *all =
	    kit_json("vectors/stats/ratio_ci.json");
	const json_t *json = json_object_get(all, "multiple_testing");
	scoped(free) double *p = NULL;
	scoped(free) double *want = NULL;
	scoped(free) double *got = NULL;
	size_t n = kit_numbers(json_object_get(json, "p"), &p);

	(void)state;
	assert_int_equal(kit_numbers(json_object_get(json, "bh"), &want), n);
	got = xcalloc(n, sizeof(got[0]));
	bench_adjust(p, n, got);
	for (size_t i = 0; i < n; i++)
		kit_near("bh", got[i], want[i], ORACLE);
}

static struct bench_estimate interval(double lo, double hi, double p)
{
	return (struct bench_estimate){
	    .overhead = sqrt(lo * hi), .lo = lo, .hi = hi, .p = p};
}

static void verdicts_follow_the_interval(void **state)
{
	static const struct {
		double lo;
		double hi;
		enum bench_verdict want;
	} rows[] = {
	    {.995, 1.005, BENCH_SAME},
	    {1.001, 1.009, BENCH_SAME}, /* certain, and does not matter */
	    {.995, 1.02, BENCH_UNKNOWN},
	    {1.001, 1.02, BENCH_WORSE},
	    {.97, .999, BENCH_BETTER},
	    {.9, 1.1, BENCH_UNKNOWN},
	    {NAN, NAN, BENCH_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench_estimate e = interval(rows[i].lo, rows[i].hi, .01);

		assert_string_equal(bench_verdict_name(bench_verdict(&e, .01)),
		    bench_verdict_name(rows[i].want));
	}
}

static void a_table_controls_its_false_discoveries(void **state)
{
	struct bench_estimate cells[21];
	double margins[21];
	enum bench_verdict v[21];

	(void)state;
	/* One of 20 is at .04: chance, if the others show nothing. */
	for (size_t i = 0; i < 21; i++) {
		cells[i] = interval(.9, 1.1, .5);
		margins[i] = .01;
	}
	cells[3] = interval(1.01, 1.1, .04);
	cells[4] = interval(.8, .9, .0001);
	cells[20] = interval(NAN, NAN, NAN);
	bench_verdicts(cells, margins, 21, .05, v);
	assert_int_equal(v[3], BENCH_UNKNOWN);
	assert_int_equal(v[4], BENCH_BETTER);
	assert_int_equal(v[20], BENCH_UNKNOWN);
}

static void repetitions_are_enough(void **state)
{
	(void)state;
	assert_int_equal(bench_ratio_needed(0, .01), 0);
	assert_int_equal(bench_ratio_needed(.01, 0), 0);
	assert_int_equal(bench_ratio_needed(1e-6, .01), 2);
	for (double cv = .002; cv < .2; cv *= 1.7) {
		size_t n = bench_ratio_needed(cv, .01);
		double t = rmath_qt(.975, 2 * (double)n - 2);
		double before = rmath_qt(.975, 2 * (double)n - 4);

		assert_true(t * cv * sqrt(2 / (double)n) <= .01);
		if (n > 2)
			assert_true(
			    before * cv * sqrt(2 / ((double)n - 1)) > .01);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(adjusted_p_values_are_as_published),
	    cmocka_unit_test(verdicts_follow_the_interval),
	    cmocka_unit_test(a_table_controls_its_false_discoveries),
	    cmocka_unit_test(repetitions_are_enough),
	};

	return cmocka_run_group_tests_name("bench_verdict", tests, NULL, NULL);
}
