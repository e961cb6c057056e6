/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overhead tables of what was imported, and pools. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "web/compare.h"

#define CPU "sysbench.cpu_1"
#define NEAR 1e-9

static const struct compare_roles usual = {"vboxdrv", "kvm"};

static void near(double have, double want)
{
	if (!(fabs(have - want) <= NEAR * fabs(want)))
		fail_msg("%.17g is not %.17g", have, want);
}

static struct db_ratio_row ratio(const char *machine, const char *guest,
    const char *controller, double overhead, const char *printed)
{
	return (struct db_ratio_row){.import_id = 1,
	    .metric = CPU,
	    .direction = BENCH_HIGHER,
	    .machine = machine,
	    .named = "printed name",
	    .guest = guest,
	    .controller = controller,
	    .baseline = "vboxdrv",
	    .candidate = "kvm",
	    .overhead = overhead,
	    .printed = printed};
}

static void add(struct compare *c, const struct db_import_values *v)
{
	struct err err = ERR_INIT;

	assert_int_equal(compare_add_import(c, v, &usual, &err), 0);
}

static struct db_import_values values_of(
    int64_t import_id, const char *variant, const double *values, size_t n)
{
	return (struct db_import_values){
	    .import_id = import_id,
	    .metric = CPU,
	    .label = "",
	    .unit = "events/s",
	    .direction = BENCH_HIGHER,
	    .machine = "m1",
	    .variant = variant,
	    .guest = "linux",
	    .controller = "",
	    .values = values,
	    .n_values = n,
	};
}

static void add_values(struct compare *c, int64_t import_id,
    const char *variant, const double *values, size_t n)
{
	struct db_import_values v = values_of(import_id, variant, values, n);

	add(c, &v);
}

static void a_published_ratio_stands_where_nothing_was_measured(void **state)
{
	static const double values[] = {100, 100.1, 99.9, 100};
	scoped(compare_free) struct compare *c = compare_new();
	struct db_ratio_row q = ratio("m1", "linux", "", 1.5, "1.50");
	struct db_ratio_row other = ratio("m2", "linux", "", 1.25, "1.25");
	const struct compare_table *t;
	size_t n;

	(void)state;
	add_values(c, 1, "vboxdrv", values, 4);
	add_values(c, 2, "kvm", values, 4);
	compare_add_ratio(c, &q);
	compare_add_ratio(c, &other);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 1);
	near(t->cells[0].estimate.overhead, 1);
	assert_int_equal(t->cells[0].method, COMPARE_WELCH);
	near(t->cells[1].estimate.overhead, 1.25);
	assert_int_equal(t->cells[1].method, COMPARE_PUBLISHED);
	assert_int_equal(t->cells[1].verdict, BENCH_UNKNOWN);
	assert_string_equal(t->cells[1].printed, "1.25");
	(void)compare_notes(c, &n);
	assert_int_equal(n, 1);
}

static void values_without_a_logarithm_are_counted(void **state)
{
	static const double some[] = {0, 100, 0, 100.1, 99.9};
	static const double all[] = {100, 100.1, 99.9};
	static const double none[] = {0, 0};
	scoped(compare_free) struct compare *c = compare_new();
	const char *const *notes;
	size_t n;

	(void)state;
	add_values(c, 1, "vboxdrv", some, 5);
	add_values(c, 2, "kvm", all, 3);
	compare_finish(c);
	notes = compare_notes(c, &n);
	assert_int_equal(n, 1);
	assert_string_equal(notes[0],
	    CPU ": m1, linux: 2 of 8 values are 0 or less: left out, the ratio "
	        "is of the others");
	compare_free(c);
	c = compare_new();
	add_values(c, 1, "vboxdrv", none, 2);
	add_values(c, 2, "kvm", all, 3);
	compare_finish(c);
	notes = compare_notes(c, &n);
	assert_int_equal(n, 2);
	assert_string_equal(
	    notes[1], CPU ": m1, linux: no valid values of vboxdrv");
}

static void a_later_import_replaces_a_published_ratio(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	struct db_ratio_row q = ratio("m1", "linux", "", 1.5, "1.50");
	struct db_ratio_row later = ratio("m1", "linux", "", 1.25, "1.25");
	const struct compare_table *t;
	size_t n;

	(void)state;
	compare_add_ratio(c, &q);
	compare_add_ratio(c, &later);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(t->n_machines * t->n_places, 1);
	assert_string_equal(t->cells[0].printed, "1.25");
}

static void what_is_not_kept_apart_is_a_geometric_mean(void **state)
{
	scoped_val(buf_done) struct buf said = BUF_INIT(4096);
	scoped(compare_free) struct compare *c = compare_new();
	struct db_ratio_row q[] = {ratio("m1", "a", "sata", 1, "1.00"),
	    ratio("m1", "b", "sata", 4, "4.00"),
	    ratio("m2", "a", "sata", 3, "3.00")};
	const struct compare_table *t;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		compare_add_ratio(c, &q[i]);
	compare_by(c, COMPARE_BY_MACHINE | COMPARE_BY_CONTROLLER);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(t->n_places, 1);
	assert_string_equal(t->places[0].guest, "");
	assert_string_equal(t->places[0].controller, "sata");
	near(t->cells[0].estimate.overhead, 2);
	assert_int_equal(t->cells[0].method, COMPARE_POOLED);
	assert_int_equal(t->cells[0].n, 2);
	/* One of one is itself. */
	near(t->cells[1].estimate.overhead, 3);
	assert_int_equal(t->cells[1].method, COMPARE_PUBLISHED);
	compare_definition(t, &said);
	assert_non_null(strstr(buf_str(&said),
	    " 1 cell is as published: no interval, nothing to tell noise by. 1 "
	    "cell is pooled: the geometric mean of others, with an interval by "
	    "t over them. "));
}

static void a_label_keeps_the_margin_of_its_metric(void **state)
{
	static const double values[] = {100, 100.1, 99.9};
	scoped(compare_free) struct compare *c = compare_new();
	struct db_import_values v = values_of(1, "kvm", values, 3);
	const struct compare_table *t;
	size_t n;

	(void)state;
	v.label = "primes to 20000";
	add(c, &v);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 1);
	assert_string_equal(t->metric->name, CPU " (primes to 20000)");
	near(t->metric->margin, bench_metric_find(CPU)->margin);
}

static void imported_values_of_an_unknown_metric_keep_their_direction(
    void **state)
{
	static const double fast[] = {1, 1.01, .99};
	static const double slow[] = {2, 2.01, 1.99};
	scoped(compare_free) struct compare *c = compare_new();
	struct db_import_values v = values_of(1, "vboxdrv", fast, 3);
	const struct compare_table *t;
	size_t n;

	(void)state;
	v.metric = "command.time";
	v.label = "build";
	v.unit = "s";
	v.direction = BENCH_LOWER;
	add(c, &v);
	v.import_id = 2;
	v.variant = "kvm";
	v.values = slow;
	add(c, &v);
	compare_finish(c);
	t = compare_tables(c, &n);
	assert_int_equal(n, 1);
	assert_string_equal(t->metric->name, "command.time (build)");
	assert_true(t->cells[0].estimate.overhead > 1.9);
	assert_int_equal(t->cells[0].method, COMPARE_WELCH);
	assert_int_equal(t->cells[0].verdict, BENCH_WORSE);
}

static void add_summary(struct compare *c, const char *machine,
    const char *variant, int kind, double mean, double sd, int64_t n)
{
	compare_add_summary(c,
	    &(struct db_import_summary){
	        .metric = CPU,
	        .label = "",
	        .unit = "events/s",
	        .direction = BENCH_HIGHER,
	        .machine = machine,
	        .variant = variant,
	        .guest = "linux",
	        .controller = "",
	        .kind = kind,
	        .n = n,
	        .mean = mean,
	        .sd = sd,
	    },
	    &usual);
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

static void means_are_compared_by_the_delta_method(void **state)
{
	static const struct bench_summary baseline = {200, 4, 5};
	static const struct bench_summary candidate = {160, 3, 8};
	scoped(compare_free) struct compare *c = compare_new();
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);
	const struct compare_table *t;
	struct bench_estimate want;

	(void)state;
	add_summary(c, "m1", "vboxdrv", IMPORT_MEAN, 200, 4, 5);
	add_summary(c, "m1", "kvm", IMPORT_MEAN, 170, 3, 8);
	add_summary(c, "m1", "kvm", IMPORT_MEAN, 160, 3, 8); /* the later */
	add_summary(c, "m1", "other", IMPORT_MEAN, 1, 1, 8);
	t = only_table(c);
	assert_int_equal(bench_ratio_summaries(
	                     &baseline, &candidate, BENCH_HIGHER, &want, NULL),
	    0);
	assert_int_equal(t->cells[0].method, COMPARE_SUMMARY);
	assert_int_equal(t->cells[0].n, 5);
	near(t->cells[0].estimate.overhead, 1.25);
	near(t->cells[0].estimate.lo, want.lo);
	near(t->cells[0].estimate.hi, want.hi);
	assert_int_equal(t->cells[0].verdict, BENCH_WORSE);
	compare_definition(t, &text);
	assert_non_null(strstr(buf_str(&text), "by the delta method"));
}

static void what_has_no_spread_has_no_interval(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;

	(void)state;
	add_summary(c, "m1", "vboxdrv", IMPORT_BEST, 200, NAN, 5);
	add_summary(c, "m1", "kvm", IMPORT_BEST, 160, NAN, 5);
	add_summary(c, "m2", "vboxdrv", IMPORT_MEAN, 200, NAN, 0);
	add_summary(c, "m2", "kvm", IMPORT_MEAN, 100, 1, 5);
	t = only_table(c);
	assert_int_equal(t->n_machines, 2);
	assert_int_equal(t->cells[0].method, COMPARE_BEST);
	near(t->cells[0].estimate.overhead, 1.25);
	assert_int_equal(t->cells[1].method, COMPARE_SUMMARY);
	near(t->cells[1].estimate.overhead, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(isnan(t->cells[i].estimate.lo));
		assert_int_equal(t->cells[i].verdict, BENCH_UNKNOWN);
	}
}

static void a_best_is_not_compared_with_a_mean(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	size_t n;

	(void)state;
	add_summary(c, "m1", "vboxdrv", IMPORT_BEST, 200, NAN, 5);
	add_summary(c, "m1", "kvm", IMPORT_MEAN, 160, 3, 5);
	t = only_table(c);
	assert_false(t->cells[0].present);
	(void)compare_notes(c, &n);
	assert_int_equal(n, 1);
}

static void values_count_before_summaries(void **state)
{
	static const double values[] = {100, 100.1, 99.9, 100};
	scoped(compare_free) struct compare *c = compare_new();

	(void)state;
	add_summary(c, "m1", "vboxdrv", IMPORT_MEAN, 200, 4, 5);
	add_summary(c, "m1", "kvm", IMPORT_MEAN, 160, 3, 8);
	add_values(c, 1, "vboxdrv", values, 4);
	add_values(c, 2, "kvm", values, 4);
	assert_int_equal(only_table(c)->cells[0].method, COMPARE_WELCH);
}

/* ---- sums of many runs ----------------------------------------------------
 */

/* Three pairs of 2 against 1, whose values without pairs are in fill(). */
static void add_sums(struct compare *c, const char *machine)
{
	struct db_cell_sums s = {.baseline_id = 7,
	    .candidate_id = 8,
	    .metric = CPU,
	    .unit = "events/s",
	    .machine = machine,
	    .guest = "linux",
	    .controller = "",
	    .baseline = "vboxdrv",
	    .candidate = "kvm",
	    .sums = {.pairs = {3, log(2), .001}, .ln_baseline = 3 * log(2)}};

	compare_add_sums(c, &s);
}

static int fill(void *arg, int64_t baseline_id, int64_t candidate_id,
    struct bench_cell *cell, struct err *err)
{
	int *calls = arg;

	(void)err;
	assert_int_equal(baseline_id, 7);
	assert_int_equal(candidate_id, 8);
	++*calls;
	for (int arm = 0; arm < 2; arm++)
		cell->ln[arm] = (struct bench_moments){4, log(2 - arm), .001};
	return 0;
}

/* Sums of one cell that came twice are those of both. */
static void sums_are_compared_in_pairs(void **state)
{
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	int calls = 0;

	(void)state;
	add_sums(c, "m1");
	add_sums(c, "m1");
	assert_int_equal(compare_fill(c, fill, &calls, NULL), 0);
	assert_int_equal(calls, 0);
	t = only_table(c);
	assert_int_equal(t->cells[0].method, COMPARE_PAIRED);
	assert_int_equal(t->cells[0].n, 6);
	near(t->cells[0].estimate.overhead, 2);
	near(t->cells[0].baseline_mean, 2);
	near(t->cells[0].candidate_mean, 1);
}

static void imported_values_make_the_sums_of_their_cell_unpaired(void **state)
{
	static const double fast[] = {2, 2.1};
	static const double slow[] = {1, 1.1, .9};
	scoped(compare_free) struct compare *c = compare_new();
	const struct compare_table *t;
	int calls = 0;

	(void)state;
	add_sums(c, "m1");
	add_sums(c, "m2");
	add_values(c, 1, "vboxdrv", fast, 2);
	add_values(c, 2, "kvm", slow, 3);
	assert_int_equal(compare_fill(c, fill, &calls, NULL), 0);
	assert_int_equal(calls, 1); /* m1 alone */
	t = only_table(c);
	assert_int_equal(t->cells[0].method, COMPARE_WELCH);
	assert_int_equal(t->cells[0].n, 6);
	near(t->cells[0].baseline_mean, pow(16 * 2 * 2.1, 1. / 6));
	near(t->cells[0].candidate_mean, pow(1 * 1.1 * .9, 1. / 7));
	assert_int_equal(t->cells[1].method, COMPARE_PAIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        a_published_ratio_stands_where_nothing_was_measured),
	    cmocka_unit_test(values_without_a_logarithm_are_counted),
	    cmocka_unit_test(a_later_import_replaces_a_published_ratio),
	    cmocka_unit_test(what_is_not_kept_apart_is_a_geometric_mean),
	    cmocka_unit_test(a_label_keeps_the_margin_of_its_metric),
	    cmocka_unit_test(
	        imported_values_of_an_unknown_metric_keep_their_direction),
	    cmocka_unit_test(means_are_compared_by_the_delta_method),
	    cmocka_unit_test(what_has_no_spread_has_no_interval),
	    cmocka_unit_test(a_best_is_not_compared_with_a_mean),
	    cmocka_unit_test(values_count_before_summaries),
	    cmocka_unit_test(sums_are_compared_in_pairs),
	    cmocka_unit_test(
	        imported_values_make_the_sums_of_their_cell_unpaired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
