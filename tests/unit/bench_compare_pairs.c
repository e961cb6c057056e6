/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two sides that attempts measured in pairs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define ORACLE 1e-9
#define PAIRS 6

/* Values drift by a fifth: the ratios of pairs do not. */
static const double first[PAIRS] = {100, 112, 96, 120, 103, 109};
static const double second[PAIRS] = {98, 108, 95, 115, 102, 104};

/* BC CB CB BC CB BC */
static const int first_begins[PAIRS] = {1, 0, 0, 1, 0, 1};

static void add(struct bench_comparison *c, enum bench_side side,
    const char *machine, int64_t attempt, const struct bench_value *v, size_t n)
{
	struct bench_key key = {"metric", machine, "", "win11", ""};
	struct err err = ERR_INIT;

	if (bench_comparison_add_attempt(
	        c, side, &key, BENCH_HIGHER, .01, attempt, v, n, &err) < 0)
		fail_msg("%s", err.msg);
}

/* One side of the design; `bad` is a pair whose value is not valid, or -1. */
static void side_of(
    const double x[PAIRS], bool is_first, int bad, struct bench_value *ret)
{
	for (int i = 0; i < PAIRS; i++)
		ret[i] = (struct bench_value){.pair = i,
		    .position = first_begins[i] == (is_first ? 1 : 0),
		    .valid = i != bad,
		    .value = x[i]};
}

enum swap {
	AS_GIVEN,
	SWAPPED
};

static void add_both(struct bench_comparison *c, const char *machine,
    int64_t attempts[2], int bad, enum swap swap)
{
	struct bench_value v[2][PAIRS];
	enum bench_side a = swap == SWAPPED ? BENCH_SECOND : BENCH_FIRST;
	enum bench_side b = swap == SWAPPED ? BENCH_FIRST : BENCH_SECOND;

	side_of(first, true, bad, v[0]);
	side_of(second, false, -1, v[1]);
	add(c, a, machine, attempts[0], v[0], PAIRS);
	add(c, b, machine, attempts[1], v[1], PAIRS);
}

static const struct bench_compare_row *only_row(struct bench_comparison *c)
{
	const struct bench_compare_row *row;
	size_t n;

	assert_int_equal(bench_comparison_finish(c, NULL), 0);
	row = bench_comparison_rows(c, &n);
	assert_int_equal(n, 1);
	return row;
}

/* Expected: Student's t of the logarithms of the ratios, 5 degrees of freedom.
 */
static void pairs_of_one_attempt_are_compared_in_pairs(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_row *row;

	(void)state;
	add_both(c, "m1", (int64_t[]){7, 7}, -1, AS_GIVEN);
	row = only_row(c);
	assert_true(row->paired);
	assert_int_equal(row->n[0], PAIRS);
	assert_int_equal(row->n[1], PAIRS);
	assert_int_equal(row->bad[0], 0);
	kit_near("ratio", row->estimate.overhead, 1.0281068184517907, ORACLE);
	kit_near("lo", row->estimate.lo, 1.0105832483481507, ORACLE);
	kit_near("hi", row->estimate.hi, 1.0459342482420808, ORACLE);
	kit_near("p", row->estimate.p, 0.00895563518940068, ORACLE);
	assert_int_equal(row->verdict, BENCH_WORSE);
	assert_true(row->robust.lo > 1);
}

static void what_two_attempts_measured_is_no_pair(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_row *row;

	(void)state;
	add_both(c, "m1", (int64_t[]){7, 8}, -1, AS_GIVEN);
	row = only_row(c);
	assert_false(row->paired);
	assert_int_equal(row->verdict, BENCH_UNKNOWN);
	/* Far more than the pairs would have needed. */
	assert_true(row->more > PAIRS);
}

static void a_broken_pair_takes_one_of_the_other_order_with_it(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_row *row;

	(void)state;
	add_both(c, "m1", (int64_t[]){7, 7}, 2, AS_GIVEN);
	row = only_row(c);
	assert_true(row->paired);
	for (int s = 0; s < 2; s++) {
		assert_int_equal(row->n[s], PAIRS - 2);
		assert_int_equal(row->bad[s], 2);
	}
}

static void a_value_without_a_place_makes_it_unpaired(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	static const struct bench_value lone = {
	    .pair = -1, .valid = true, .value = 101};
	const struct bench_compare_row *row;

	(void)state;
	add_both(c, "m1", (int64_t[]){7, 7}, -1, AS_GIVEN);
	add(c, BENCH_FIRST, "m1", 7, &lone, 1);
	row = only_row(c);
	assert_false(row->paired);
	assert_int_equal(row->n[0], PAIRS + 1);
	assert_int_equal(row->n[1], PAIRS);
	assert_int_equal(row->bad[0], 0);
}

static void an_attempt_of_one_side_does_not_take_the_pairs_away(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	struct bench_value v[PAIRS];
	const struct bench_compare_row *row;

	(void)state;
	side_of(first, true, -1, v);
	add(c, BENCH_FIRST, "m1", 3, v, PAIRS);
	add_both(c, "m1", (int64_t[]){7, 7}, -1, AS_GIVEN);
	add_both(c, "m1", (int64_t[]){9, 9}, -1, AS_GIVEN);
	row = only_row(c);
	assert_true(row->paired);
	assert_int_equal(row->n[0], 2 * PAIRS);
	assert_int_equal(row->bad[0], PAIRS);
	assert_int_equal(row->bad[1], 0);
}

static void swapped_sides_invert_pairs(void **state)
{
	(void)state;
	for (int bad = -1; bad < PAIRS; bad++) {
		scoped(bench_comparison_free) struct bench_comparison *a =
		    bench_comparison_new();
		scoped(bench_comparison_free) struct bench_comparison *b =
		    bench_comparison_new();
		const struct bench_compare_row *p;
		const struct bench_compare_row *q;

		add_both(a, "m1", (int64_t[]){7, 7}, bad, AS_GIVEN);
		add_both(b, "m1", (int64_t[]){7, 7}, bad, SWAPPED);
		p = only_row(a);
		q = only_row(b);
		kit_near("ratio", p->estimate.overhead,
		    1 / q->estimate.overhead, 1e-12);
		kit_near("lo", p->estimate.lo, 1 / q->estimate.hi, 1e-12);
		kit_near("hi", p->estimate.hi, 1 / q->estimate.lo, 1e-12);
		kit_near("p", p->estimate.p, q->estimate.p, 1e-12);
		assert_int_equal(p->n[0], q->n[0]);
		assert_int_equal(p->more, q->more);
		assert_int_equal(
		    p->verdict == BENCH_WORSE, q->verdict == BENCH_BETTER);
	}
}

/* The interval of as many pairs as are said, with this spread, is decided. */
static void as_many_pairs_as_said_decide(void **state)
{
	static const double noisy[PAIRS] = {102, 105, 99, 118, 99, 113};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	struct bench_value v[2][PAIRS];
	const struct bench_compare_row *row;
	double sd;
	double half;
	size_t n;

	(void)state;
	side_of(first, true, -1, v[0]);
	side_of(noisy, false, -1, v[1]);
	add(c, BENCH_FIRST, "m1", 7, v[0], PAIRS);
	add(c, BENCH_SECOND, "m1", 7, v[1], PAIRS);
	row = only_row(c);
	assert_int_equal(row->verdict, BENCH_UNKNOWN);
	sd = row->estimate.se * sqrt(PAIRS);
	n = PAIRS + row->more;
	half = log1p(.01) - fabs(log(row->estimate.overhead));
	if (half < fabs(log(row->estimate.overhead)))
		half = fabs(log(row->estimate.overhead));
	/* 1.96: t of so many pairs is close to it, and above. */
	assert_true(1.96 * sd / sqrt((double)n) < half);
	assert_true(1.96 * sd / sqrt((double)n) > .8 * half);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pairs_of_one_attempt_are_compared_in_pairs),
	    cmocka_unit_test(what_two_attempts_measured_is_no_pair),
	    cmocka_unit_test(
	        a_broken_pair_takes_one_of_the_other_order_with_it),
	    cmocka_unit_test(a_value_without_a_place_makes_it_unpaired),
	    cmocka_unit_test(
	        an_attempt_of_one_side_does_not_take_the_pairs_away),
	    cmocka_unit_test(swapped_sides_invert_pairs),
	    cmocka_unit_test(as_many_pairs_as_said_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
