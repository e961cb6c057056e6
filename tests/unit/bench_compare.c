/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two sides compared: numbers, order, symmetries, and what is missing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define ORACLE 1e-9

static struct bench_key key(const char *metric, const char *machine)
{
	return (struct bench_key){metric, machine, "kvm", "win11", ""};
}

static void add(struct bench_comparison *c, enum bench_side side,
    const char *metric, const char *machine, const double *x, size_t n)
{
	struct bench_key k = key(metric, machine);
	struct err err = ERR_INIT;

	if (bench_comparison_add(c, side, &k, BENCH_HIGHER, .01, x, n, &err) <
	    0)
		fail_msg("%s", err.msg);
}

static void finish(struct bench_comparison *c)
{
	struct err err = ERR_INIT;

	if (bench_comparison_finish(c, &err) < 0)
		fail_msg("%s", err.msg);
}

/* ---- numbers --------------------------------------------------------- */

/*
 * What is expected was computed by scipy 1.10: ttest_ind(equal_var=False) of
 * the logarithms and t.ppf for the intervals; Benjamini and Hochberg, and the
 * least n with 2 (t sd / h)^2 <= n, by the definitions in a loop.
 */
static const struct {
	const char *metric;
	enum bench_direction direction;
	double margin;
	double x[2][6];
	size_t n[2];
	double want[5]; /* ratio, lo, hi, p, adjusted p */
	enum bench_verdict verdict;
	size_t more;
} rows[] = {
    {"a", BENCH_HIGHER, .01,
        {{100, 101, 99, 102, 100.5}, {90, 91, 89.5, 92, 90.5}}, {5, 5},
        {1.10926648523696, 1.09182170650008, 1.12698999108043,
            3.76412701343918e-07, 9.41031753359795e-07},
        BENCH_WORSE, 0},
    {"d", BENCH_LOWER, .03, {{20, 24, 19, 22}, {17, 21, 16, 20, 18}}, {4, 5},
        {.864995324720072, .728534536963884, 1.02701639225743,
            .0856257972347351, .142709662057892},
        BENCH_UNKNOWN, 3},
    {"b", BENCH_LOWER, .01,
        {{10, 10.4, 9.7, 10.1}, {10.2, 10.6, 9.9, 10, 10.3}}, {4, 5},
        {1.0149486714664, .970113372901968, 1.06185610309643, .456041154383279,
            .570051442979099},
        BENCH_UNKNOWN, 31},
    {"c", BENCH_HIGHER, .03,
        {{500, 501, 499.5, 500.2, 500.7, 499.9},
            {500.4, 499.8, 501.1, 500.6, 499.2, 500.1}},
        {6, 6},
        {1.00003354395552, .998465737564413, 1.00160381214054, .962807900248577,
            .962807900248577},
        BENCH_SAME, 0},
    {"e", BENCH_HIGHER, .01, {{7, 7.01, 6.99, 7.02}, {7.3, 7.31, 7.29, 7.32}},
        {4, 4},
        {.958932139933683, .955939879390568, .961933766780422,
            5.41994539450837e-08, 2.70997269725418e-07},
        BENCH_BETTER, 0},
};

static void add_rows(struct bench_comparison *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int s = 0; s < 2; s++) {
			struct bench_key k = key(rows[i].metric, "t16-1");

			assert_int_equal(
			    bench_comparison_add(c, (enum bench_side)s, &k,
			        rows[i].direction, rows[i].margin, rows[i].x[s],
			        rows[i].n[s], NULL),
			    0);
		}
}

static const struct bench_compare_row *find(
    const struct bench_comparison *c, const char *metric)
{
	size_t n;
	const struct bench_compare_row *r = bench_comparison_rows(c, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(r[i].key.metric, metric) == 0)
			return &r[i];
	fail_msg("no row %s", metric);
	return NULL;
}

static void rows_are_as_scipy_computes_them(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();

	(void)state;
	add_rows(c);
	finish(c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct bench_compare_row *r = find(c, rows[i].metric);

		kit_near(
		    "ratio", r->estimate.overhead, rows[i].want[0], ORACLE);
		kit_near("lo", r->estimate.lo, rows[i].want[1], ORACLE);
		kit_near("hi", r->estimate.hi, rows[i].want[2], ORACLE);
		kit_near("p", r->estimate.p, rows[i].want[3], ORACLE);
		kit_near("adjusted", r->p_adjusted, rows[i].want[4], ORACLE);
		assert_string_equal(bench_verdict_name(r->verdict),
		    bench_verdict_name(rows[i].verdict));
		assert_int_equal(r->more, rows[i].more);
		assert_int_equal(r->n[0], rows[i].n[0]);
		assert_int_equal(r->n[1], rows[i].n[1]);
	}
}

static void what_got_worse_comes_first_and_the_slowest_of_it(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	static const char want[] = "abdce";
	const struct bench_compare_row *r;
	size_t n;

	(void)state;
	add_rows(c);
	finish(c);
	r = bench_comparison_rows(c, &n);
	assert_int_equal(n, ARRAY_LEN(rows));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(r[i].key.metric[0], want[i]);
	assert_int_equal(bench_comparison_count(c, BENCH_WORSE), 1);
	assert_int_equal(bench_comparison_count(c, BENCH_UNKNOWN), 2);
	assert_int_equal(bench_comparison_count(c, BENCH_SAME), 1);
	assert_int_equal(bench_comparison_count(c, BENCH_BETTER), 1);
}

/* ---- symmetries ------------------------------------------------------ */

#define SERIES 30
#define VALUES 7

/* The series in the order that a seed gives, some in two parts. */
static struct bench_comparison *shuffled(
    double x[2][SERIES][VALUES], uint64_t seed, bool swap)
{
	struct bench_comparison *c = bench_comparison_new();
	struct bench_random r = {seed};
	size_t order[2 * SERIES];

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		size_t k = bench_random_next(&r) % (i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		size_t s = order[i] / SERIES;
		const double *v = x[s][order[i] % SERIES];
		size_t cut = bench_random_next(&r) % VALUES;
		enum bench_side side =
		    (s == 1) != swap ? BENCH_SECOND : BENCH_FIRST;
		char machine[16];

		(void)snprintf(
		    machine, sizeof(machine), "m%zu", order[i] % SERIES);
		add(c, side, "metric", machine, v, cut);
		add(c, side, "metric", machine, v + cut, VALUES - cut);
	}
	finish(c);
	return c;
}

static void draw(double x[2][SERIES][VALUES], double factor)
{
	struct bench_random r = {77};

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < SERIES; i++)
			for (size_t k = 0; k < VALUES; k++)
				x[s][i][k] = factor * (1 + (double)i) *
				    exp(.01 * kit_normal(&r) +
				        .02 * (double)s * (double)(i % 3));
}

static void neither_order_nor_scale_changes_a_row(void **state)
{
	double x[2][SERIES][VALUES];
	double y[2][SERIES][VALUES];
	scoped(bench_comparison_free) struct bench_comparison *a = NULL;
	scoped(bench_comparison_free) struct bench_comparison *b = NULL;
	const struct bench_compare_row *p;
	const struct bench_compare_row *q;
	size_t n;

	(void)state;
	draw(x, 1);
	draw(y, 1000);
	a = shuffled(x, 1, false);
	b = shuffled(y, 2, false);
	p = bench_comparison_rows(a, &n);
	assert_int_equal(n, SERIES);
	q = bench_comparison_rows(b, &n);
	assert_int_equal(n, SERIES);
	assert_true(bench_comparison_count(a, BENCH_BETTER) > 0);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(p[i].key.machine, q[i].key.machine);
		assert_int_equal(p[i].verdict, q[i].verdict);
		assert_int_equal(p[i].more, q[i].more);
		kit_near("lo", p[i].estimate.lo, q[i].estimate.lo, 1e-12);
		kit_near("p", p[i].p_adjusted, q[i].p_adjusted, 1e-9);
		kit_near("robust", p[i].robust.hi, q[i].robust.hi, 1e-12);
	}
}

static void swapped_sides_turn_every_row_round(void **state)
{
	double x[2][SERIES][VALUES];
	scoped(bench_comparison_free) struct bench_comparison *a = NULL;
	scoped(bench_comparison_free) struct bench_comparison *b = NULL;
	const struct bench_compare_row *p;
	const struct bench_compare_row *q;
	size_t n;

	(void)state;
	draw(x, 1);
	a = shuffled(x, 1, false);
	b = shuffled(x, 1, true);
	p = bench_comparison_rows(a, &n);
	q = bench_comparison_rows(b, &n);
	assert_int_equal(bench_comparison_count(b, BENCH_WORSE),
	    bench_comparison_count(a, BENCH_BETTER));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			if (strcmp(p[i].key.machine, q[k].key.machine) != 0)
				continue;
			kit_near("lo", p[i].estimate.lo, 1 / q[k].estimate.hi,
			    1e-12);
			kit_near("p", p[i].p_adjusted, q[k].p_adjusted, 1e-9);
			assert_int_equal(p[i].more, q[k].more);
		}
}

/* ---- how many more --------------------------------------------------- */

/*
 * A promise about chance: of rows that are unknown, more values as foretold
 * decide about half or more. (The needed half-width is the distance that was
 * seen; the next one may be smaller.)
 */
static void as_many_more_values_as_said_decide_about_half(void **state)
{
	struct bench_random r = {kit_seed(4711)};
	size_t asked = 0;
	size_t decided = 0;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		static double x[2][5 + BENCH_COMPARE_MORE_MAX];
		double truth = .03 * kit_uniform(&r);
		size_t n = 5;

		for (int again = 0; again < 2; again++) {
			scoped(bench_comparison_free) struct bench_comparison
			    *c = bench_comparison_new();
			const struct bench_compare_row *row;

			for (size_t k = again ? 5 : 0; k < n; k++) {
				x[0][k] = exp(.01 * kit_normal(&r));
				x[1][k] = exp(.01 * kit_normal(&r) - truth);
			}
			add(c, BENCH_FIRST, "m", "1", x[0], n);
			add(c, BENCH_SECOND, "m", "1", x[1], n);
			finish(c);
			row = find(c, "m");
			if (again)
				decided += row->verdict != BENCH_UNKNOWN;
			else if (row->verdict != BENCH_UNKNOWN)
				break;
			else
				asked++;
			n += row->more;
		}
	}
	print_message("# %zu of %zu were decided\n", decided, asked);
	assert_true(asked > 300);
	assert_true(2 * decided > asked);
}

static void one_value_a_side_needs_one_more(void **state)
{
	static const double x[] = {3, 4};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_row *row;

	(void)state;
	add(c, BENCH_FIRST, "m", "1", x, 1);
	add(c, BENCH_SECOND, "m", "1", x, 2);
	finish(c);
	row = find(c, "m");
	assert_int_equal(row->verdict, BENCH_UNKNOWN);
	assert_int_equal(row->more, 1);
	assert_true(isnan(row->estimate.lo) && isnan(row->p_adjusted));
	assert_true(isnan(row->robust.lo) && !row->disagrees);
}

static void what_would_take_too_long_is_capped(void **state)
{
	static const double x[] = {1, 9, 2, 8};
	static const double y[] = {1.001, 9.002, 2.001, 8.001};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();

	(void)state;
	add(c, BENCH_FIRST, "m", "1", x, 4);
	add(c, BENCH_SECOND, "m", "1", y, 4);
	finish(c);
	assert_int_equal(find(c, "m")->more, BENCH_COMPARE_MORE_MAX);
}

/* ---- many rows ------------------------------------------------------- */

static void chance_among_many_rows_is_unknown(void **state)
{
	/* p = .03 alone; nineteen others show nothing. */
	static const double a[] = {100, 101, 99, 100.5};
	static const double b[] = {98, 99.3, 97.6, 99.2};
	static const double same[] = {100, 103, 97, 100.4};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_row *row;

	(void)state;
	add(c, BENCH_FIRST, "chance", "1", a, 4);
	add(c, BENCH_SECOND, "chance", "1", b, 4);
	for (int i = 0; i < 19; i++) {
		char machine[16];

		(void)snprintf(machine, sizeof(machine), "m%d", i);
		add(c, BENCH_FIRST, "others", machine, same, 4);
		add(c, BENCH_SECOND, "others", machine, same, 4);
	}
	finish(c);
	row = find(c, "chance");
	assert_true(row->estimate.p < .05 && row->estimate.lo > 1);
	assert_true(row->p_adjusted > .05);
	assert_int_equal(row->verdict, BENCH_UNKNOWN);
	assert_true(row->more >= 1);
}

static void a_wild_value_makes_the_two_methods_disagree(void **state)
{
	static const double a[] = {100, 101, 102, 103, 104, 105, 106, 107};
	static const double b[] = {91, 92, 93, 94, 95, 96, 97, 900};

	(void)state;
	for (size_t n = 7; n <= 8; n++) {
		scoped(bench_comparison_free) struct bench_comparison *c =
		    bench_comparison_new();
		const struct bench_compare_row *row;

		add(c, BENCH_FIRST, "m", "1", a, 8);
		add(c, BENCH_SECOND, "m", "1", b, n);
		finish(c);
		row = find(c, "m");
		assert_true(row->robust.lo > 1);
		assert_int_equal(row->disagrees, n == 8);
		assert_int_equal(row->estimate.lo > 1, n == 7);
	}
}

/* ---- what is missing ------------------------------------------------- */

static void what_one_side_lacks_stands_apart(void **state)
{
	static const double x[] = {1, 2, 3};
	static const double bad[] = {0, -1, NAN, INFINITY};
	static const double some[] = {0, 5, NAN, 6};
	static const struct {
		const char *machine;
		enum bench_side side;
		size_t n;
		size_t bad;
	} want[] = {{"gone", BENCH_FIRST, 3, 0}, {"new", BENCH_SECOND, 3, 0},
	    {"useless", BENCH_FIRST, 3, 0}, {"useless", BENCH_SECOND, 0, 4}};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	const struct bench_compare_alone *a;
	const struct bench_compare_row *r;
	size_t n;

	(void)state;
	add(c, BENCH_SECOND, "m", "new", x, 3);
	add(c, BENCH_FIRST, "m", "gone", x, 3);
	add(c, BENCH_FIRST, "m", "useless", x, 3);
	add(c, BENCH_SECOND, "m", "useless", bad, 4);
	add(c, BENCH_FIRST, "m", "both", x, 3);
	add(c, BENCH_SECOND, "m", "both", some, 4);
	finish(c);
	a = bench_comparison_alone(c, &n);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(a[i].key.machine, want[i].machine);
		assert_int_equal(a[i].side, want[i].side);
		assert_int_equal(a[i].n, want[i].n);
		assert_int_equal(a[i].bad, want[i].bad);
	}
	r = bench_comparison_rows(c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(r->n[1], 2);
	assert_int_equal(r->bad[1], 2);
	kit_near("mean", r->mean[1], sqrt(5 * 6), 1e-12);
}

static void nothing_compares_to_nothing(void **state)
{
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	size_t n;

	(void)state;
	finish(c);
	(void)bench_comparison_rows(c, &n);
	assert_int_equal(n, 0);
	(void)bench_comparison_alone(c, &n);
	assert_int_equal(n, 0);
}

static void a_metric_with_two_meanings_is_refused(void **state)
{
	static const double x[] = {1, 2, 3};
	struct bench_key k = key("m", "1");
	struct err err = ERR_INIT;

	(void)state;
	for (int what = 0; what < 2; what++) {
		scoped(bench_comparison_free) struct bench_comparison *c =
		    bench_comparison_new();

		add(c, BENCH_FIRST, "m", "1", x, 3);
		assert_int_equal(bench_comparison_add(c, BENCH_SECOND, &k,
		                     what ? BENCH_LOWER : BENCH_HIGHER,
		                     what ? .01 : .02, x, 3, &err),
		    0);
		assert_int_equal(bench_comparison_finish(c, &err), -ERR_INVAL);
		assert_non_null(strstr(err.msg, "m: "));
	}
}

static void bad_series_are_refused(void **state)
{
	static const double x[] = {1, 2, 3};
	static const double margins[] = {0, -1, NAN, INFINITY};
	scoped(bench_comparison_free) struct bench_comparison *c =
	    bench_comparison_new();
	struct bench_key k = key("m", "1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(margins); i++)
		assert_int_equal(bench_comparison_add(c, BENCH_FIRST, &k,
		                     BENCH_HIGHER, margins[i], x, 3, NULL),
		    -ERR_INVAL);
	assert_int_equal(bench_comparison_add(c, BENCH_FIRST, &k,
	                     (enum bench_direction)0, .01, x, 3, NULL),
	    -ERR_INVAL);
	assert_int_equal(bench_comparison_add(c, BENCH_FIRST, &k, BENCH_HIGHER,
	                     .01, x, BENCH_COMPARE_VALUES_MAX + 1, NULL),
	    -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_as_scipy_computes_them),
	    cmocka_unit_test(what_got_worse_comes_first_and_the_slowest_of_it),
	    cmocka_unit_test(neither_order_nor_scale_changes_a_row),
	    cmocka_unit_test(swapped_sides_turn_every_row_round),
	    cmocka_unit_test(as_many_more_values_as_said_decide_about_half),
	    cmocka_unit_test(one_value_a_side_needs_one_more),
	    cmocka_unit_test(what_would_take_too_long_is_capped),
	    cmocka_unit_test(chance_among_many_rows_is_unknown),
	    cmocka_unit_test(a_wild_value_makes_the_two_methods_disagree),
	    cmocka_unit_test(what_one_side_lacks_stands_apart),
	    cmocka_unit_test(nothing_compares_to_nothing),
	    cmocka_unit_test(a_metric_with_two_meanings_is_refused),
	    cmocka_unit_test(bad_series_are_refused),
	};

	return cmocka_run_group_tests_name("bench_compare", tests, NULL, NULL);
}
