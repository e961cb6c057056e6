/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Change points: Otava's own results, what a change says, and edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/changes_private.h"
#include "tests/unit/bench_kit.h"
#include "tests/unit/bench_noise.h"

static const struct bench_changes_options defaults = BENCH_CHANGES_DEFAULTS;

static struct bench_changes *changes(
    const double *x, size_t n, const struct bench_changes_options *o)
{
	struct bench_changes *c = NULL;
	struct err err = ERR_INIT;

	if (bench_changes(x, n, o, &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

/* ---- Otava ----------------------------------------------------------- */

static void check_case(const json_t *json, const double *x, size_t n)
{
	struct bench_changes_options o = defaults;
	const json_t *points = json_object_get(json, "change_points");
	const json_t *p = json_object_get(json, "pvalues");
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	o.detector = BENCH_OTAVA;
	o.window = (size_t)kit_number(json, "window_len");
	o.max_pvalue = kit_number(json, "max_pvalue");
	o.min_magnitude = kit_number(json, "min_magnitude");
	c = changes(x, n, &o);
	assert_int_equal(c->n_changes, json_array_size(points));
	for (size_t i = 0; i < c->n_changes; i++) {
		double want = json_number_value(json_array_get(p, i));

		assert_int_equal(c->changes[i].index,
		    (int)json_number_value(json_array_get(points, i)));
		/* Relative, also of the smallest: 3.04e-67 is a result. */
		kit_near("p", c->changes[i].p / want, 1, 1e-6);
	}
}

static void otava_finds_what_otava_finds(void **state)
{
	scoped(json_decref) json_t *json =
	    kit_json("vectors/otava/tigerbeetle.json");
	const json_t *cases = json_object_get(json, "cases");
	scoped(free) double *x = NULL;
	size_t n = kit_numbers(json_object_get(json, "tigerbeetle"), &x);

	(void)state;
	assert_int_equal(n, 365);
	assert_int_equal(json_array_size(cases), 6);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		check_case(json_array_get(cases, i), x, n);
	}
}

/* ---- what a change says ---------------------------------------------- */

static void steps(double *x, size_t n)
{
	struct bench_random r = {1};

	for (size_t i = 0; i < n; i++)
		x[i] = (i < 20 ? 100 : i < 45 ? 120 : 90) + kit_normal(&r);
}

static void levels_before_and_after_are_told(void **state)
{
	static const size_t want[] = {20, 45};
	static const double mean[] = {100, 120, 90};
	static const size_t size[] = {20, 25, 15};
	double x[60];
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	steps(x, 60);
	c = changes(x, 60, &defaults);
	assert_int_equal(c->n_changes, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct bench_change *k = &c->changes[i];

		assert_int_equal(k->index, want[i]);
		assert_int_equal(k->before.n, size[i]);
		assert_int_equal(k->after.n, size[i + 1]);
		kit_near("before", k->before.mean, mean[i], .01);
		kit_near("after", k->after.mean, mean[i + 1], .01);
		kit_near("ratio", k->ratio, k->after.mean / k->before.mean, 0);
		assert_true(isnan(k->p) || k->p <= .01);
	}
	assert_int_equal(c->n_spikes, 0);
	assert_true(c->suspect == BENCH_NO_SUSPECT);
}

static void a_new_environment_is_no_change(void **state)
{
	static const size_t borders[] = {20, 45};
	struct bench_changes_options o = defaults;
	double x[60];

	(void)state;
	steps(x, 60);
	o.environments = borders;
	o.n_environments = 2;
	for (int d = BENCH_MAXT; d <= BENCH_OTAVA; d++) {
		scoped(bench_changes_free) struct bench_changes *c = NULL;

		o.detector = (enum bench_detector)d;
		c = changes(x, 60, &o);
		assert_int_equal(c->n_changes, 0);
		assert_int_equal(c->n_spikes, 0);
	}
	o.detector = BENCH_MAXT;
	o.n_environments = 1;
	{
		scoped(bench_changes_free) struct bench_changes *c =
		    changes(x, 60, &o);

		assert_int_equal(c->n_changes, 1);
		assert_int_equal(c->changes[0].index, 45);
		assert_int_equal(c->changes[0].before.n, 25);
	}
}

static void turning_time_or_values_round_turns_the_changes_round(void **state)
{
	double x[60];
	double y[60];
	scoped(bench_changes_free) struct bench_changes *a = NULL;
	scoped(bench_changes_free) struct bench_changes *b = NULL;
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	steps(x, 60);
	a = changes(x, 60, &defaults);
	for (size_t i = 0; i < 60; i++)
		y[i] = 1000 - 3 * x[i];
	b = changes(y, 60, &defaults);
	for (size_t i = 0; i < 60; i++)
		y[i] = x[59 - i];
	c = changes(y, 60, &defaults);
	assert_int_equal(b->n_changes, a->n_changes);
	assert_int_equal(c->n_changes, a->n_changes);
	for (size_t i = 0; i < a->n_changes; i++) {
		size_t k = a->n_changes - 1 - i;

		assert_int_equal(b->changes[i].index, a->changes[i].index);
		assert_int_equal(c->changes[k].index, 60 - a->changes[i].index);
	}
}

/* ---- spikes ---------------------------------------------------------- */

static void a_spike_is_flagged_and_is_no_change(void **state)
{
	struct bench_random r = {3};
	double x[40];
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	bench_noises[NOISE_INDEPENDENT].make(&r, 40, x);
	x[17] += 30;
	c = changes(x, 40, &defaults);
	assert_int_equal(c->n_changes, 0);
	assert_int_equal(c->n_spikes, 1);
	assert_int_equal(c->spikes[0], 17);
	assert_true(c->suspect == BENCH_NO_SUSPECT);
}

static void a_jump_at_the_end_is_suspect(void **state)
{
	struct bench_random r = {3};
	double x[40];
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	bench_noises[NOISE_INDEPENDENT].make(&r, 40, x);
	x[10] -= 30;
	x[38] += 30;
	x[39] += 30;
	c = changes(x, 40, &defaults);
	assert_int_equal(c->n_changes, 0);
	assert_int_equal(c->n_spikes, 3);
	assert_int_equal(c->suspect, 38);
}

static void a_level_that_is_almost_constant_has_spikes(void **state)
{
	double x[30];
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	for (size_t i = 0; i < 30; i++)
		x[i] = i == 7 ? 8 : 5;
	c = changes(x, 30, &defaults);
	assert_int_equal(c->n_changes, 0);
	assert_int_equal(c->n_spikes, 1);
	assert_int_equal(c->spikes[0], 7);
}

/* ---- edges ----------------------------------------------------------- */

static void constants_and_short_series_have_nothing(void **state)
{
	struct bench_changes_options o = defaults;
	double x[30];

	(void)state;
	for (size_t i = 0; i < 30; i++)
		x[i] = 7;
	o.max_pvalue = 1;
	for (int d = BENCH_MAXT; d <= BENCH_OTAVA; d++)
		for (size_t n = 0; n <= 30; n++) {
			scoped(bench_changes_free) struct bench_changes *c =
			    NULL;

			o.detector = (enum bench_detector)d;
			c = changes(x, n, &o);
			assert_int_equal(c->n_spikes, 0);
			if (n != 2)
				assert_int_equal(c->n_changes, 0);
		}
	for (size_t i = 0; i < 9; i++)
		x[i] = i < 4 ? 1 : 1000 + (double)i;
	{
		scoped(bench_changes_free) struct bench_changes *c =
		    changes(x, 9, &defaults);

		assert_int_equal(c->n_changes, 0);
	}
}

static void huge_and_tiny_values_change_as_others_do(void **state)
{
	static const enum bench_detector detectors[] = {
	    BENCH_MAXT, BENCH_OTAVA};
	static const int exponents[] = {1013, -1013};
	struct bench_changes_options o = defaults;
	double x[60];
	double y[60];

	(void)state;
	steps(x, 60);
	for (size_t i = 0; i < 4; i++) {
		scoped(bench_changes_free) struct bench_changes *a = NULL;
		scoped(bench_changes_free) struct bench_changes *b = NULL;

		for (size_t k = 0; k < 60; k++)
			y[k] = ldexp(x[k], exponents[i % 2]);
		o.detector = detectors[i / 2];
		a = changes(x, 60, &o);
		b = changes(y, 60, &o);
		assert_true(a->n_changes > 0);
		assert_int_equal(a->n_changes, b->n_changes);
		for (size_t k = 0; k < a->n_changes; k++) {
			assert_int_equal(
			    a->changes[k].index, b->changes[k].index);
			kit_near("ratio", b->changes[k].ratio,
			    a->changes[k].ratio, 1e-12);
		}
	}
}

static void two_constant_levels_are_a_certain_change(void **state)
{
	double x[30];
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	for (size_t i = 0; i < 30; i++)
		x[i] = i < 12 ? 5 : 6;
	c = changes(x, 30, &defaults);
	assert_int_equal(c->n_changes, 1);
	assert_int_equal(c->changes[0].index, 12);
	assert_true(isnan(c->changes[0].p));
	kit_near("ratio", c->changes[0].ratio, 1.2, 1e-12);
}

/* ---- among many series ----------------------------------------------- */

static void few_points_never_have_a_small_bound(void **state)
{
	static const double x[] = {1, 5, 2, 4, 3, 11, 15, 12, 14, 13};
	scoped(bench_changes_free) struct bench_changes *c = NULL;

	(void)state;
	c = changes(x, ARRAY_LEN(x), &defaults);
	assert_int_equal(c->n_changes, 1);
	kit_near("2 / choose(10, 5)", c->changes[0].p_bound, 2. / 252, 1e-12);
}

static void bound_goes_on_where_the_table_ends(void **state)
{
	struct bench_random r = {3};
	double noise[60];
	double last = 1;
	bool beyond = false;

	(void)state;
	for (int i = 0; i < 60; i++)
		noise[i] = kit_normal(&r);
	for (int step = 1; step < 12; step++) {
		scoped(bench_changes_free) struct bench_changes *c = NULL;
		double x[60];

		for (int i = 0; i < 60; i++)
			x[i] = noise[i] + (i >= 30 ? .5 * step : 0);
		c = changes(x, 60, &defaults);
		if (!c->n_changes)
			continue;
		assert_int_equal(c->n_changes, 1);
		assert_int_equal(c->n_scans, 3);
		last = c->changes[0].p_bound;
		beyond = isnan(c->changes[0].p);
		if (!beyond)
			kit_near("bound", last, c->changes[0].p, 1e-12);
		else
			assert_true(last <= BENCH_ALPHA_LEAST && last > 0);
	}
	assert_true(beyond);
	assert_true(last < 1e-9);
}

/* Under no change at all, in at most q of the tables there is a belief. */
static void quiet_series_are_hardly_ever_believed_to_change(void **state)
{
	enum {
		TABLES = 200,
		SERIES = 60
	};
	struct bench_random r = {7};
	int wrong = 0;

	(void)state;
	for (int t = 0; t < TABLES; t++) {
		double p[10 * SERIES];
		bool good[10 * SERIES];
		size_t n = 0;
		size_t scans = 0;

		for (int i = 0; i < SERIES; i++) {
			scoped(bench_changes_free) struct bench_changes *c =
			    NULL;
			double x[60];

			for (int k = 0; k < 60; k++)
				x[k] = kit_normal(&r);
			c = changes(x, (size_t)(10 + i % 51), &defaults);
			scans += c->n_scans;
			for (size_t k = 0; k < c->n_changes; k++)
				p[n++] = c->changes[k].p_bound;
		}
		wrong += bench_history_believe(p, n, scans, .05, good) > 0;
	}
	print_message("# %d of %d tables\n", wrong, TABLES);
	/* .05 and two standard errors. */
	assert_true(wrong <= 16);
}

/* ---- refusals -------------------------------------------------------- */

static void refuses(
    const struct bench_changes_options *o, const double *x, size_t n, int kind)
{
	struct bench_changes *c = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(bench_changes(x, n, o, &c, &err), kind);
	assert_null(c);
	assert_true(err.msg[0]);
}

static void bad_options_and_values_are_refused(void **state)
{
	static const double x[] = {1, 2, 3};
	static const double bad[] = {1, NAN, 3};
	static const size_t environments[] = {2, 1};
	static const double alphas[] = {.051, .00009, 0, NAN};
	struct bench_changes_options o = defaults;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(alphas); i++) {
		o.alpha = alphas[i];
		refuses(&o, x, 3, -ERR_INVAL);
	}
	o = defaults;
	refuses(&o, bad, 3, -ERR_INVAL);
	refuses(&o, x, BENCH_CHANGES_MAX + 1, -ERR_LIMIT);
	o.environments = environments;
	o.n_environments = 2;
	refuses(&o, x, 3, -ERR_INVAL);
	o = defaults;
	o.detector = BENCH_OTAVA;
	o.window = 1;
	refuses(&o, x, 3, -ERR_INVAL);
	o.window = BENCH_WINDOW_MAX + 1;
	refuses(&o, x, 3, -ERR_INVAL);
	o.window = 50;
	o.max_pvalue = 0;
	refuses(&o, x, 3, -ERR_INVAL);
	o.max_pvalue = .01;
	o.min_magnitude = -1;
	refuses(&o, x, 3, -ERR_INVAL);
}

/* The compiled table is the fixture's: T is known for two clear levels. */
static void critical_values_are_those_of_the_fixture(void **state)
{
	scoped(json_decref) json_t *json =
	    kit_json("vectors/stats/maxt_critical_values.json");
	json_t *table = json_object_get(json, "alpha_normal_scores_100k_mc");
	json_t *sizes = json_object_get(json, "n");
	size_t rows = 0;

	(void)state;
	for (size_t i = 0; i < json_array_size(sizes); i++) {
		static const char *const keys[] = {
		    "0.05", "0.01", "0.001", "0.0001"};
		size_t n = (size_t)json_number_value(json_array_get(sizes, i));
		double got[4];

		if (!changes_critical(n, got))
			continue;
		rows++;
		for (size_t k = 0; k < 4; k++)
			kit_near(keys[k], got[k],
			    json_number_value(json_array_get(
			        json_object_get(table, keys[k]), i)),
			    1e-12);
	}
	assert_int_equal(rows, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(otava_finds_what_otava_finds),
	    cmocka_unit_test(levels_before_and_after_are_told),
	    cmocka_unit_test(a_new_environment_is_no_change),
	    cmocka_unit_test(
	        turning_time_or_values_round_turns_the_changes_round),
	    cmocka_unit_test(a_spike_is_flagged_and_is_no_change),
	    cmocka_unit_test(a_jump_at_the_end_is_suspect),
	    cmocka_unit_test(a_level_that_is_almost_constant_has_spikes),
	    cmocka_unit_test(constants_and_short_series_have_nothing),
	    cmocka_unit_test(huge_and_tiny_values_change_as_others_do),
	    cmocka_unit_test(two_constant_levels_are_a_certain_change),
	    cmocka_unit_test(few_points_never_have_a_small_bound),
	    cmocka_unit_test(bound_goes_on_where_the_table_ends),
	    cmocka_unit_test(quiet_series_are_hardly_ever_believed_to_change),
	    cmocka_unit_test(bad_options_and_values_are_refused),
	    cmocka_unit_test(critical_values_are_those_of_the_fixture),
	};

	return cmocka_run_group_tests_name("bench_changes", tests, NULL, NULL);
}
