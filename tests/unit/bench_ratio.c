/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ratios against scipy's numbers, their symmetries, and edges. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/rmath.h"
#include "tests/unit/bench_kit.h"

#define ORACLE 1e-9

static const enum bench_direction directions[] = {BENCH_HIGHER, BENCH_LOWER};

typedef int method(
    const struct bench_arms *arms, struct bench_estimate *ret, struct err *err);

static method *const methods[] = {bench_ratio_welch, bench_ratio_paired,
    bench_ratio_hodges_lehmann, bench_ratio_signed_rank};

static struct bench_estimate estimate(method *by, const struct bench_arms *arms)
{
	struct bench_estimate e;
	struct err err = ERR_INIT;

	if (by(arms, &e, &err) < 0)
		fail_msg("%s", err.msg);
	return e;
}

static void near_all(const char *what, const struct bench_estimate *a,
    const struct bench_estimate *b, double tolerance)
{
	kit_near(what, a->overhead, b->overhead, tolerance);
	kit_near(what, a->lo, b->lo, tolerance);
	kit_near(what, a->hi, b->hi, tolerance);
	kit_near(what, a->p, b->p, tolerance);
}

/* ---- the oracle ------------------------------------------------------ */

struct data {
	double *b;
	double *c;
	struct bench_arms arms;
};

static void data_done(struct data *d)
{
	free(d->b);
	free(d->c);
}

static void data_of(const json_t *json, struct data *ret)
{
	ret->arms.n_baseline =
	    kit_numbers(json_object_get(json, "baseline"), &ret->b);
	ret->arms.n_candidate =
	    kit_numbers(json_object_get(json, "candidate"), &ret->c);
	ret->arms.baseline = ret->b;
	ret->arms.candidate = ret->c;
	ret->arms.direction =
	    json_is_true(json_object_get(json, "higher_is_better"))
	    ? BENCH_HIGHER
	    : BENCH_LOWER;
}

static void check_welch(const json_t *want, const struct bench_arms *arms)
{
	struct bench_estimate e = estimate(bench_ratio_welch, arms);

	kit_near("ratio", e.overhead, kit_number(want, "ratio"), ORACLE);
	kit_near("lo", e.lo, kit_number(want, "lo"), ORACLE);
	kit_near("hi", e.hi, kit_number(want, "hi"), ORACLE);
	kit_near("p", e.p, kit_number(want, "p"), ORACLE);
	kit_near("se", e.se, kit_number(want, "se"), ORACLE);
	kit_near("df", e.df, kit_number(want, "df"), ORACLE);
}

static void check_hodges_lehmann(
    const json_t *json, const struct bench_arms *arms)
{
	const json_t *want = json_object_get(json, "hodges_lehmann_log");
	const json_t *p = json_object_get(json, "mannwhitney");
	struct bench_estimate e = estimate(bench_ratio_hodges_lehmann, arms);

	kit_near("ratio", e.overhead, kit_number(want, "ratio"), ORACLE);
	kit_near("lo", e.lo, kit_number(want, "lo"), ORACLE);
	kit_near("hi", e.hi, kit_number(want, "hi"), ORACLE);
	assert_int_equal(
	    rmath_wilcox_k(.05, arms->n_baseline, arms->n_candidate),
	    (int)kit_number(want, "k"));
	if (json_is_number(json_object_get(p, "p_exact"))) {
		assert_true(e.exact);
		kit_near("p", e.p, kit_number(p, "p_exact"), ORACLE);
	}
}

static void check_pairs(const json_t *json, const struct bench_arms *arms)
{
	const json_t *t = json_object_get(json, "paired_log_t");
	const json_t *w = json_object_get(json, "wilcoxon_signed_rank_log");
	struct bench_estimate e;

	if (!t)
		return;
	e = estimate(bench_ratio_paired, arms);
	kit_near("ratio", e.overhead, kit_number(t, "ratio"), ORACLE);
	kit_near("lo", e.lo, kit_number(t, "lo"), ORACLE);
	kit_near("hi", e.hi, kit_number(t, "hi"), ORACLE);
	kit_near("p", e.p, kit_number(t, "p"), ORACLE);
	e = estimate(bench_ratio_signed_rank, arms);
	kit_near("ratio", e.overhead, kit_number(w, "hl_ratio"), ORACLE);
	kit_near("p", e.p, kit_number(w, "p"), ORACLE);
}

static void ratios_are_as_scipy_computes_them(void **state)
{
	scoped(json_decref) json_t *all =
	    kit_json("vectors/stats/ratio_ci.json");
	const json_t *cases = json_object_get(all, "cases");

	(void)state;
	assert_int_equal(json_array_size(cases), 4);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *json = json_array_get(cases, i);
		scoped_val(data_done) struct data d = {NULL, NULL, {0}};

		data_of(json, &d);
		print_message(
		    "# %s\n", json_string_value(json_object_get(json, "name")));
		check_welch(json_object_get(json, "log_welch"), &d.arms);
		check_hodges_lehmann(json, &d.arms);
		check_pairs(json, &d.arms);
	}
}

static void quantiles_are_as_tabled(void **state)
{
	scoped(json_decref) json_t *all = kit_json("vectors/stats/tables.json");
	json_t *t = json_object_get(all, "student_t");
	json_t *mw = json_object_get(all, "mannwhitney_min_two_sided_p");
	const char *key;
	json_t *v;
	size_t i;

	(void)state;
	json_object_foreach(json_object_get(t, "t_975"), key, v) kit_near("t",
	    rmath_qt(.975, strtod(key, NULL)), json_number_value(v), ORACLE);
	json_array_foreach(json_object_get(t, "t_two_sided_p"), i, v)
	    kit_near("p",
	        rmath_pt_two_sided(json_number_value(json_array_get(v, 0)),
	            json_number_value(json_array_get(v, 1))),
	        json_number_value(json_array_get(v, 2)), ORACLE);
	json_object_foreach(mw, key, v)
	{
		size_t n = (size_t)strtoul(key, NULL, 10);

		kit_near("mann-whitney", fmin(1, 2 * rmath_pwilcox(0, n, n)),
		    json_number_value(v), ORACLE);
	}
}

/* ---- symmetries ------------------------------------------------------ */

#define N 9

static void draw(struct bench_random *r, double *x)
{
	for (size_t i = 0; i < N; i++)
		x[i] = exp(3 + .1 * kit_normal(r));
}

static struct bench_estimate inverse(const struct bench_estimate *e)
{
	struct bench_estimate i = *e;

	i.overhead = 1 / e->overhead;
	i.lo = 1 / e->hi;
	i.hi = 1 / e->lo;
	return i;
}

static void check_symmetries(
    method *by, const struct bench_arms *arms, double scale)
{
	struct bench_estimate e = estimate(by, arms);
	struct bench_estimate inv = inverse(&e);
	struct bench_estimate other;
	double b[N];
	double c[N];
	struct bench_arms a = {
	    arms->candidate, N, arms->baseline, N, arms->direction};

	other = estimate(by, &a);
	near_all("swapped arms", &other, &inv, 1e-12);
	a = *arms;
	a.direction =
	    arms->direction == BENCH_HIGHER ? BENCH_LOWER : BENCH_HIGHER;
	other = estimate(by, &a);
	near_all("flipped direction", &other, &inv, 1e-12);
	for (size_t i = 0; i < N; i++) {
		b[i] = scale * arms->baseline[i];
		c[i] = scale * arms->candidate[i];
	}
	a = (struct bench_arms){b, N, c, N, arms->direction};
	other = estimate(by, &a);
	near_all("scaled", &other, &e, 1e-10);
	/* Pairs stay pairs when both arms are turned round. */
	for (size_t i = 0; i < N; i++) {
		b[i] = arms->baseline[N - 1 - i];
		c[i] = arms->candidate[N - 1 - i];
	}
	other = estimate(by, &a);
	near_all("permuted", &other, &e, 1e-10);
	for (double margin = .001; margin < .3; margin *= 2) {
		enum bench_verdict v = bench_verdict(&e, margin);
		enum bench_verdict w = bench_verdict(&inv, margin);

		if (v == BENCH_BETTER || v == BENCH_WORSE)
			assert_int_equal(v + w, BENCH_BETTER + BENCH_WORSE);
		else
			assert_int_equal(v, w);
	}
}

static void every_method_is_symmetric(void **state)
{
	struct bench_random r = {kit_seed(4711)};

	(void)state;
	for (int round = 0; round < 200; round++) {
		double b[N];
		double c[N];
		double scale = exp(10 * kit_normal(&r));

		draw(&r, b);
		draw(&r, c);
		for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
			struct bench_arms a = {
			    b, N, c, N, directions[round % 2]};

			check_symmetries(methods[i], &a, scale);
		}
	}
}

static void overheads_in_a_chain_multiply(void **state)
{
	struct bench_random r = {kit_seed(99)};
	double x[3][N];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		draw(&r, x[i]);
	for (size_t d = 0; d < 2; d++) {
		struct bench_arms ab = {x[0], N, x[1], N, directions[d]};
		struct bench_arms bc = {x[1], N, x[2], N, directions[d]};
		struct bench_arms ac = {x[0], N, x[2], N, directions[d]};

		kit_near("chain",
		    estimate(bench_ratio_welch, &ab).overhead *
		        estimate(bench_ratio_welch, &bc).overhead,
		    estimate(bench_ratio_welch, &ac).overhead, 1e-12);
	}
}

static void a_slower_candidate_is_above_one(void **state)
{
	static const double fast[] = {10, 11, 10};
	static const double slow[] = {8, 9, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct bench_arms rate = {fast, 3, slow, 3, BENCH_HIGHER};
		struct bench_arms time = {slow, 3, fast, 3, BENCH_LOWER};

		assert_true(estimate(methods[i], &rate).overhead > 1);
		assert_true(estimate(methods[i], &time).overhead > 1);
	}
}

/* ---- edges ----------------------------------------------------------- */

static void too_few_values_have_no_interval(void **state)
{
	static const double b[] = {10, 11, 12, 13, 14, 15};
	static const double c[] = {11.5, 12.6, 13.7, 14.1, 16.3, 16.9};
	/* The fewest values that have one, in the order of methods[]. */
	static const size_t least[] = {2, 2, 4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		for (size_t n = 1; n <= 6; n++) {
			struct bench_arms a = {b, n, c, n, BENCH_HIGHER};
			struct bench_estimate e = estimate(methods[i], &a);

			assert_true(isfinite(e.overhead));
			assert_int_equal(!isnan(e.lo), n >= least[i]);
			assert_int_equal(!isnan(e.hi), n >= least[i]);
			assert_true(isnan(e.lo) ||
			    (e.lo <= e.overhead && e.overhead <= e.hi));
		}
}

static void the_signed_rank_cannot_reach_five_percent_below_six(void **state)
{
	static const double b[] = {10, 10, 10, 10, 10, 10};
	static const double c[] = {11, 12, 13, 14, 15, 16};
	struct bench_arms a = {b, 5, c, 5, BENCH_HIGHER};

	(void)state;
	kit_near("p", estimate(bench_ratio_signed_rank, &a).p, .0625, ORACLE);
	a.n_baseline = a.n_candidate = 6;
	kit_near("p", estimate(bench_ratio_signed_rank, &a).p, .03125, ORACLE);
}

static void values_without_spread_are_certain(void **state)
{
	static const double x[] = {5, 5, 5};
	static const double y[] = {4, 4, 4};
	struct bench_arms same = {x, 3, x, 3, BENCH_HIGHER};
	struct bench_arms worse = {x, 3, y, 3, BENCH_HIGHER};
	struct bench_estimate e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		e = estimate(methods[i], &same);
		assert_true(e.lo == 1 && e.hi == 1 && e.p == 1);
		e = estimate(methods[i], &worse);
		kit_near("lo", e.lo, 1.25, 1e-12);
		kit_near("hi", e.hi, 1.25, 1e-12);
		assert_true(e.p == 0);
	}
	e = estimate(bench_ratio_hodges_lehmann, &same);
	assert_true(e.p == 1 && !e.exact);
	e = estimate(bench_ratio_signed_rank, &same);
	assert_true(e.p == 1 && !e.exact);
}

static void large_and_tied_samples_use_the_normal_law(void **state)
{
	struct bench_random r = {kit_seed(5)};
	double b[200];
	double c[200];
	struct bench_arms a = {b, 200, c, 200, BENCH_HIGHER};
	struct bench_estimate t;
	struct bench_estimate e;

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		b[i] = exp(.05 * kit_normal(&r));
		c[i] = exp(.05 * kit_normal(&r) - .02);
	}
	t = estimate(bench_ratio_welch, &a);
	e = estimate(bench_ratio_hodges_lehmann, &a);
	assert_false(e.exact);
	kit_near("lo", e.lo, t.lo, .005);
	kit_near("hi", e.hi, t.hi, .005);
	e = estimate(bench_ratio_signed_rank, &a);
	assert_false(e.exact);
	kit_near("lo", e.lo, t.lo, .005);
	kit_near("hi", e.hi, t.hi, .005);
	/* By hand: U is 5.5 of 36, its variance with ties 38.3182. */
	for (size_t i = 0; i < 6; i++) {
		static const double x[] = {1, 2, 2, 3, 4, 5};
		static const double y[] = {2, 4, 6, 7, 8, 9};

		b[i] = x[i];
		c[i] = y[i];
	}
	a.n_baseline = a.n_candidate = 6;
	e = estimate(bench_ratio_hodges_lehmann, &a);
	assert_false(e.exact);
	kit_near("tied p", e.p, erfc(12 / sqrt(38.3181818181818 * 2)), 1e-9);
}

static void bad_values_are_refused(void **state)
{
	static const double good[] = {1, 2};
	static const double bad[][2] = {
	    {1, 0}, {1, -1}, {1, NAN}, {1, INFINITY}};
	struct bench_estimate e;
	struct err err = ERR_INIT;
	struct bench_arms a = {good, 2, good, 1, BENCH_HIGHER};

	(void)state;
	assert_int_equal(bench_ratio_paired(&a, &e, &err), -ERR_INVAL);
	assert_int_equal(bench_ratio_signed_rank(&a, &e, &err), -ERR_INVAL);
	a.n_candidate = 0;
	assert_int_equal(bench_ratio_welch(&a, &e, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "candidate: no values");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
			a = (struct bench_arms){
			    bad[i], 2, good, 2, BENCH_HIGHER};
			assert_int_equal(methods[k](&a, &e, &err), -ERR_INVAL);
		}
	a = (struct bench_arms){good, 2, good, 2, (enum bench_direction)0};
	assert_int_equal(bench_ratio_welch(&a, &e, &err), -ERR_INVAL);
}

/* The rank distributions of libRmath keep tables: the lock is needed. */
#define THREADS 4

struct work {
	uint64_t seed;
	double sum;
};

static void *compute_ranks(void *arg)
{
	struct work *w = arg;
	struct bench_random r = {w->seed};
	double b[40];
	double c[40];

	for (size_t i = 0; i < 40; i++) {
		b[i] = exp(.1 * kit_normal(&r));
		c[i] = exp(.1 * kit_normal(&r));
	}
	/* Sizes go up and down, so that tables are made and freed. */
	for (size_t i = 0; i < 300; i++) {
		size_t n = 6 + i * 7 % 35;
		struct bench_arms a = {b, n, c, n, BENCH_HIGHER};
		struct bench_estimate e;

		if (bench_ratio_hodges_lehmann(&a, &e, NULL) == 0)
			w->sum += e.p + e.lo;
		if (bench_ratio_signed_rank(&a, &e, NULL) == 0)
			w->sum += e.p + e.hi;
	}
	return NULL;
}

static void threads_may_compute_at_the_same_time(void **state)
{
	struct work work[THREADS + 1];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		work[i] = (struct work){7, 0};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, compute_ranks, &work[i]),
		    0);
	}
	work[THREADS] = (struct work){7, 0};
	(void)compute_ranks(&work[THREADS]);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(work[i].sum == work[THREADS].sum);
	}
}

/* ---- moments and summaries ------------------------------------------- */

static void moments_give_the_same_interval(void **state)
{
	struct bench_random r = {kit_seed(12)};
	double b[N];
	double c[N];
	struct bench_arms a = {b, N, c, N, BENCH_LOWER};
	struct bench_moments mb[2] = {{0}, {0}};
	struct bench_moments mc = {0};
	struct bench_estimate raw;
	struct bench_estimate e;

	(void)state;
	draw(&r, b);
	draw(&r, c);
	for (size_t i = 0; i < N; i++) {
		bench_moments_add(&mb[i % 3 == 0], log(b[i]));
		bench_moments_add(&mc, log(c[i]));
	}
	bench_moments_merge(&mb[0], &mb[1]);
	raw = estimate(bench_ratio_welch, &a);
	bench_ratio_moments(&mb[0], &mc, BENCH_LOWER, &e);
	near_all("moments", &e, &raw, 1e-12);
}

static void summaries_are_close_to_raw_values(void **state)
{
	scoped(json_decref) json_t *all =
	    kit_json("vectors/stats/ratio_ci.json");
	const json_t *json = json_array_get(json_object_get(all, "cases"), 1);
	const json_t *mean = json_object_get(json, "mean");
	const json_t *sd = json_object_get(json, "sd");
	const json_t *t = json_object_get(json, "log_welch");
	struct bench_summary s[2];
	struct bench_estimate e;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		s[i] = (struct bench_summary){
		    json_number_value(json_array_get(mean, i)),
		    json_number_value(json_array_get(sd, i)), 10};
	assert_int_equal(
	    bench_ratio_summaries(&s[0], &s[1], BENCH_HIGHER, &e, &err), 0);
	kit_near("ratio", e.overhead, kit_number(json, "overhead_mean_ratio"),
	    ORACLE);
	kit_near("lo", e.lo, kit_number(t, "lo"), .001);
	kit_near("hi", e.hi, kit_number(t, "hi"), .001);
	s[1].n = 1;
	s[1].sd = NAN;
	assert_int_equal(
	    bench_ratio_summaries(&s[0], &s[1], BENCH_HIGHER, &e, &err), 0);
	assert_true(isnan(e.lo) && isfinite(e.overhead));
	s[1].mean = 0;
	assert_int_equal(
	    bench_ratio_summaries(&s[0], &s[1], BENCH_HIGHER, &e, &err),
	    -ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ratios_are_as_scipy_computes_them),
	    cmocka_unit_test(quantiles_are_as_tabled),
	    cmocka_unit_test(every_method_is_symmetric),
	    cmocka_unit_test(overheads_in_a_chain_multiply),
	    cmocka_unit_test(a_slower_candidate_is_above_one),
	    cmocka_unit_test(too_few_values_have_no_interval),
	    cmocka_unit_test(
	        the_signed_rank_cannot_reach_five_percent_below_six),
	    cmocka_unit_test(values_without_spread_are_certain),
	    cmocka_unit_test(large_and_tied_samples_use_the_normal_law),
	    cmocka_unit_test(bad_values_are_refused),
	    cmocka_unit_test(threads_may_compute_at_the_same_time),
	    cmocka_unit_test(moments_give_the_same_interval),
	    cmocka_unit_test(summaries_are_close_to_raw_values),
	};

	return cmocka_run_group_tests_name("bench_ratio", tests, NULL, NULL);
}
