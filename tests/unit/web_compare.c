/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overhead tables from series: numbers by hand, and what never changes them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/compare.h"

#define CPU "sysbench.cpu_1"
#define DISK "disk.seq128k_q32t1.rd"
#define VALUES_MAX 16
#define NEAR 1e-9

static void near(double have, double want)
{
	if (!(fabs(have - want) <= NEAR * fabs(want)))
		fail_msg("%.17g is not %.17g", have, want);
}

/* ---- making series ------------------------------------------------------ */

/* One series of up to VALUES_MAX values, in pairs of an ABBA design. */
struct series {
	struct db_run_sample s;
	double values[VALUES_MAX];
	struct db_sample_mark marks[VALUES_MAX];
};

static void series_make(struct series *x, const char *variant,
    const char *machine, const double *values, size_t n)
{
	bool candidate = strcmp(variant, "kvm") == 0;

	memset(x, 0, sizeof(*x));
	x->s = (struct db_run_sample){.attempt_id = 7,
	    .machine = machine,
	    .metric = CPU,
	    .unit = "events/s",
	    .variant = variant,
	    .guest = "linux",
	    .controller = "",
	    .values = x->values,
	    .n_values = n,
	    .marks = x->marks};
	for (size_t i = 0; i < n; i++) {
		x->values[i] = values[i];
		x->marks[i].pair = (int)i;
		x->marks[i].position = (i % 2 == 1) != candidate;
		x->marks[i].valid = true;
	}
}

static const struct compare_roles usual = {"vboxdrv", "kvm"};
static const struct compare_roles swapped_roles = {"kvm", "vboxdrv"};

static void add_as(struct compare *c, const struct series *x,
    const struct compare_roles *roles)
{
	struct err err = ERR_INIT;

	if (compare_add(c, &x->s, roles, &err) < 0)
		fail_msg("%s", err.msg);
}

static void add(struct compare *c, const struct series *x)
{
	add_as(c, x, &usual);
}

/* Values of both arms on one machine, by their logarithms. */
static void add_logs_as(struct compare *c, const char *machine, const double *b,
    const double *k, size_t n, const struct compare_roles *roles)
{
	struct series x;
	double values[VALUES_MAX] = {0};

	for (size_t i = 0; i < n; i++)
		values[i] = 1000 * exp(b[i]);
	series_make(&x, "vboxdrv", machine, values, n);
	add_as(c, &x, roles);
	for (size_t i = 0; i < n; i++)
		values[i] = 1000 * exp(k[i]);
	series_make(&x, "kvm", machine, values, n);
	add_as(c, &x, roles);
}

static void add_logs(struct compare *c, const char *machine, const double *b,
    const double *k, size_t n)
{
	add_logs_as(c, machine, b, k, n, &usual);
}

static const struct compare_table *only_table(struct compare *c)
{
	const struct compare_table *t;
	size_t n;

	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 1);
	return t;
}

static const struct compare_cell *only_cell(struct compare *c)
{
	const struct compare_table *t = only_table(c);

	assert_int_equal(t->n_machines, 1);
	assert_int_equal(t->n_places, 1);
	return t->cells;
}

static const double drift[] = {0, .05, .1, .15, .2, .25};
static const double zero[] = {0, 0, 0, 0, 0, 0};

/* ---- numbers ------------------------------------------------------------ */

/*
 * Log ratios .1, .2, .3: mean .2, standard error .1 / sqrt(3), t(.975, 2) =
 * 4.302652729749462; p of t = 3.464 with 2 degrees of freedom in closed form.
 */
static void pairs_are_compared_by_their_ratios(void **state)
{
	static const double b[] = {.1, .7, .3};
	static const double k[] = {0, .5, 0};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_cell *cell;
	double half = 4.302652729749462 * .1 / sqrt(3);
	double t = .2 / (.1 / sqrt(3));

	(void)state;
	add_logs(c, "m1", b, k, 3);
	cell = only_cell(c);
	assert_true(cell->present);
	assert_int_equal(cell->method, COMPARE_PAIRED);
	assert_int_equal(cell->n, 3);
	near(cell->estimate.overhead, exp(.2));
	near(cell->estimate.lo, exp(.2 - half));
	near(cell->estimate.hi, exp(.2 + half));
	near(cell->estimate.p, 1 - t / sqrt(2 + t * t));
	near(cell->baseline_mean, 1000 * exp((.1 + .7 + .3) / 3));
	near(cell->candidate_mean, 1000 * exp(.5 / 3));
	assert_int_equal(cell->verdict, BENCH_UNKNOWN);
}

/* Both variances .01 / 3, 4 degrees of freedom, t(.975) = 2.776445105197793. */
static void values_without_pairs_are_compared_by_welch(void **state)
{
	static const double b[] = {.1, .2, .3};
	static const double k[] = {0, .1, -.1};
	scoped(compare_free) struct compare *c = compare_new();
	double half = 2.776445105197793 * .1 * sqrt(2. / 3);
	const struct compare_cell *cell;
	double values[3];
	struct series x;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		values[i] = exp(b[i]);
	series_make(&x, "vboxdrv", "m1", values, 3);
	x.s.marks = NULL;
	add(c, &x);
	for (size_t i = 0; i < 3; i++)
		values[i] = exp(k[i]);
	series_make(&x, "kvm", "m1", values, 3);
	x.s.marks = NULL;
	add(c, &x);
	cell = only_cell(c);
	assert_int_equal(cell->method, COMPARE_WELCH);
	assert_int_equal(cell->n, 3);
	near(cell->estimate.overhead, exp(.2));
	near(cell->estimate.lo, exp(.2 - half));
	near(cell->estimate.hi, exp(.2 + half));
}

static void a_drift_that_both_arms_share_cancels(void **state)
{
	static const double slower[] = {-.1, -.05, 0, .05, .1, .15};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_cell *cell;

	(void)state;
	add_logs(c, "m1", drift, slower, 6);
	cell = only_cell(c);
	near(cell->estimate.overhead, exp(.1));
	assert_true(cell->estimate.hi - cell->estimate.lo < 1e-9);
	assert_int_equal(cell->verdict, BENCH_WORSE);
}

/* ---- properties --------------------------------------------------------- */

static const double noisy_b[] = {.31, .28, .35, .30, .29, .33};
static const double noisy_k[] = {.01, .03, -.02, .02, .00, .01};

static void expect_inverse(
    const struct compare_cell *a, const struct compare_cell *b)
{
	near(a->estimate.overhead, 1 / b->estimate.overhead);
	near(a->estimate.lo, 1 / b->estimate.hi);
	near(a->estimate.hi, 1 / b->estimate.lo);
	near(a->estimate.p, b->estimate.p);
	assert_int_equal(a->n, b->n);
}

/* The candidate comes first here, which changes nothing else. */
static void swapped_arms_give_the_inverse(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	scoped(compare_free) struct compare *d = compare_new();
	const struct compare_cell *cell;
	const struct compare_cell *swapped;

	(void)state;
	add_logs(c, "m1", noisy_b, noisy_k, 6);
	add_logs_as(d, "m1", noisy_b, noisy_k, 6, &swapped_roles);
	cell = only_cell(c);
	swapped = only_cell(d);
	expect_inverse(cell, swapped);
	assert_int_equal(cell->verdict, BENCH_WORSE);
	assert_int_equal(swapped->verdict, BENCH_BETTER);
}

/* ---- what is left out --------------------------------------------------- */

static void a_value_of_nothing_is_no_value(void **state)
{
	static const double b[] = {0, 2, -1, 4, NAN, 6};
	static const double k[] = {1, 1, 1, 2, 1, 3};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;

	(void)state;
	for (int marks = 0; marks < 2; marks++) {
		struct series x;

		series_make(&x, "vboxdrv", marks ? "m1" : "m2", b, 6);
		x.s.marks = marks ? x.marks : NULL;
		add(c, &x);
		series_make(&x, "kvm", marks ? "m1" : "m2", k, 6);
		x.s.marks = marks ? x.marks : NULL;
		add(c, &x);
	}
	t = only_table(c);
	/* Without pairs: 2, 4, 6 against all six. With them all of one order
	   are broken, and the others are dropped to keep the balance. */
	assert_int_equal(t->cells[0].n, 3);
	assert_false(t->cells[1].present);
}

static void pairs_of_two_attempts_are_not_mixed(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_cell *cell;
	struct series x;

	(void)state;
	for (int64_t attempt = 7; attempt < 9; attempt++) {
		double scale = attempt == 7 ? 1 : 100;

		series_make(
		    &x, "vboxdrv", "m1", (double[]){2 * scale, 4 * scale}, 2);
		x.s.attempt_id = attempt;
		add(c, &x);
		series_make(
		    &x, "kvm", "m1", (double[]){1 * scale, 2 * scale}, 2);
		x.s.attempt_id = attempt;
		add(c, &x);
	}
	cell = only_cell(c);
	assert_int_equal(cell->method, COMPARE_PAIRED);
	assert_int_equal(cell->n, 4);
	near(cell->estimate.overhead, 2);
}

static void one_arm_alone_is_no_cell(void **state)
{
	static const double values[] = {1, 2, 3};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	const char *const *notes;
	struct series x;
	size_t n;

	(void)state;
	add_logs(c, "m1", noisy_b, noisy_k, 6);
	series_make(&x, "kvm", "m2", values, 3);
	add(c, &x);
	t = only_table(c);
	assert_true(t->cells[0].present);
	assert_false(t->cells[1].present);
	assert_int_equal(t->geomeans[0].column.present, 1);
	assert_int_equal(t->geomeans[0].column.machines, 2);
	near(t->geomeans[0].column.geomean, t->cells[0].estimate.overhead);
	assert_true(isnan(t->geomeans[0].column.lo));
	notes = compare_notes(c, &n);
	assert_int_equal(n, 1);
	assert_string_equal(
	    notes[0], CPU ": m2, linux: no valid values of vboxdrv");
}

static void a_direction_is_never_guessed(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const char *const *notes;
	struct series x;
	size_t n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		series_make(&x, "kvm", "m1", (double[]){1, 2}, 2);
		x.s.metric = "frobnications";
		add(c, &x);
		x.s.metric = CPU;
		x.s.unit = "ms";
		add(c, &x);
		x.s.variant = "other";
		x.s.metric = "not of the comparison";
		add(c, &x);
	}
	compare_finish(c);
	(void)compare_tables(c, &n);
	assert_int_equal(n, 0);
	notes = compare_notes(c, &n);
	assert_int_equal(n, 2);
	assert_string_equal(
	    notes[0], "frobnications: left out, its direction is not known");
	assert_string_equal(
	    notes[1], CPU ": left out, in ms and not in events/s");
}

/* ---- tables ------------------------------------------------------------- */

static void tables_come_in_the_order_of_metrics(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	struct series x;
	size_t n;

	(void)state;
	add_logs(c, "m1", noisy_b, noisy_k, 6);
	for (int i = 0; i < 4; i++) {
		series_make(&x, i % 2 ? "kvm" : "vboxdrv", "m2", drift + 1, 5);
		x.s.metric = DISK;
		x.s.unit = "MB/s";
		x.s.controller = i / 2 ? "nvme" : "sata";
		add(c, &x);
	}
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 2);
	assert_string_equal(t[0].metric->name, DISK);
	assert_string_equal(t[1].metric->name, CPU);
	assert_int_equal(t[0].n_places, 2);
	assert_string_equal(t[0].places[0].controller, "sata");
	assert_string_equal(t[0].places[1].controller, "nvme");
	near(t[0].cells[1].estimate.overhead, 1);
	assert_int_equal(t[0].cells[1].verdict, BENCH_SAME);
	assert_string_equal(t[1].machines[0], "m1");
}

static void other_variants_have_a_table_of_their_own(void **state)
{
	static const struct compare_roles other = {"qemu", "kvm"};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	struct series x;
	size_t n;

	(void)state;
	add_logs(c, "m1", noisy_b, noisy_k, 6);
	series_make(&x, "qemu", "m1", (double[]){2, 4}, 2);
	add_as(c, &x, &other);
	series_make(&x, "kvm", "m1", (double[]){1, 2}, 2);
	add_as(c, &x, &other);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 2);
	assert_string_equal(t[0].baseline, "qemu");
	near(t[0].cells[0].estimate.overhead, 2);
	assert_int_equal(t[0].cells[0].n, 2);
	assert_int_equal(t[1].cells[0].n, 6);
}

/* p of one cell is .0376: a difference alone, but not among six tests. */
static void more_cells_ask_for_more_evidence(void **state)
{
	static const double b[] = {.1, .2, .3, .25, .05};
	static const double wide[] = {.3, -.3, .4, -.35, .02};
	static const char *const others[] = {"m2", "m3", "m4", "m5", "m6"};
	scoped(compare_free) struct compare *alone = compare_new();
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_cell *cell;

	(void)state;
	add_logs(alone, "m1", b, zero, 5);
	cell = only_cell(alone);
	assert_true(cell->estimate.p < .05 && cell->estimate.p > .05 / 6);
	assert_int_equal(cell->verdict, BENCH_WORSE);
	add_logs(c, "m1", b, zero, 5);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		add_logs(c, others[i], wide, zero, 5);
	assert_int_equal(only_table(c)->cells[0].verdict, BENCH_UNKNOWN);
}

static void the_geomean_is_over_machines(void **state)
{
	static const double b[] = {.2, .2};
	static const double b2[] = {.4, .4};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;

	(void)state;
	add_logs(c, "m1", b, zero, 2);
	add_logs(c, "m2", b2, zero, 2);
	t = only_table(c);
	near(t->geomeans[0].column.geomean, exp(.3));
	/* sd .1 sqrt(2), t(.975, 1) = 12.706204736432095 */
	near(t->geomeans[0].column.lo, exp(.3 - .1 * 12.706204736432095));
	assert_int_equal(t->geomeans[0].verdict, BENCH_UNKNOWN);
}

static void the_definition_says_how_many_pairs(void **state)
{
	static const char before[] =
	    "overhead = baseline/candidate for this higher-is-better metric: "
	    "above 1 the candidate is slower. ";
	scoped(compare_free) struct compare *c = compare_new();
	scoped(compare_free) struct compare *d = compare_new();
	scoped_val(buf_done) struct buf text = BUF_INIT(1024);

	(void)state;
	add_logs(c, "m1", noisy_b, noisy_k, 6);
	compare_definition(only_table(c), &text);
	assert_memory_equal(buf_str(&text), before, sizeof(before) - 1);
	assert_string_equal(buf_str(&text) + sizeof(before) - 1,
	    "n = 6 pairs a cell, 95 % intervals, BH q = .05");
	buf_reset(&text);
	add_logs(d, "m1", noisy_b, noisy_k, 6);
	add_logs(d, "m2", noisy_b, noisy_k, 4);
	compare_definition(only_table(d), &text);
	assert_string_equal(buf_str(&text) + sizeof(before) - 1,
	    "n = 4 to 6 pairs a cell, 95 % intervals, BH q = .05");
}

static void nothing_to_compare_is_no_table(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	size_t n;

	(void)state;
	compare_finish(c);
	(void)compare_tables(c, &n);
	assert_int_equal(n, 0);
	(void)compare_notes(c, &n);
	assert_int_equal(n, 0);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pairs_are_compared_by_their_ratios),
	    TEST(values_without_pairs_are_compared_by_welch),
	    TEST(a_drift_that_both_arms_share_cancels),
	    TEST(swapped_arms_give_the_inverse),
	    TEST(a_value_of_nothing_is_no_value),
	    TEST(pairs_of_two_attempts_are_not_mixed),
	    TEST(one_arm_alone_is_no_cell),
	    TEST(a_direction_is_never_guessed),
	    TEST(tables_come_in_the_order_of_metrics),
	    TEST(other_variants_have_a_table_of_their_own),
	    TEST(more_cells_ask_for_more_evidence),
	    TEST(the_geomean_is_over_machines),
	    TEST(the_definition_says_how_many_pairs),
	    TEST(nothing_to_compare_is_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
