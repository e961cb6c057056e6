/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often change points are said wrongly, missed or misplaced: Monte Carlo
 * with three fixed seeds of 4,000 repetitions. A limit counts as met within two
 * standard errors. IB_TEST_SEED replaces the first seed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"
#include "tests/unit/bench_noise.h"

#define REPETITIONS 4000
#define POINTS_MAX 400

/* The sanitizers are slow, and what they look for is the same in all. */
#ifdef IB_SANITIZED
static uint64_t seeds[] = {31415};
#else
static uint64_t seeds[] = {31415, 92653, 58979};
#endif

static const struct bench_history_options defaults = {
    BENCH_CHANGES_DEFAULTS, BENCH_HIGHER, 0};

/* Two standard errors of a rate. */
static double slack(double rate, size_t of)
{
	return 2 * sqrt(rate * (1 - rate) / (double)of);
}

/* ---- false changes --------------------------------------------------- */

/* The part of quiet series with any change. */
static double false_changes(bench_noise *make, size_t n, uint64_t seed)
{
	struct bench_random r = {seed};
	size_t wrong = 0;

	for (int i = 0; i < REPETITIONS; i++) {
		double x[POINTS_MAX];
		scoped(bench_changes_free) struct bench_changes *c = NULL;

		make(&r, n, x);
		if (bench_changes(x, n, &defaults.changes, &c, NULL) < 0)
			fail_msg("refused");
		wrong += c->n_changes > 0;
	}
	return (double)wrong / REPETITIONS;
}

static void quiet_histories_are_quiet(void **state)
{
	static const size_t sizes[] = {50, 100, 200, 400};

	(void)state;
	for (size_t i = 0; i < NOISE_KINDS; i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
			for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
				double got = false_changes(
				    bench_noises[i].make, sizes[k], seeds[s]);

				print_message("# %s n=%zu: %.4f\n",
				    bench_noises[i].name, sizes[k], got);
				assert_true(
				    got <= .03 + slack(.03, REPETITIONS));
			}
}

/* ---- true changes ---------------------------------------------------- */

struct rates {
	size_t found;   /* a change within ten points of the true one */
	size_t any;     /* any change; the nearest one is looked at */
	size_t covered; /* its interval holds the true place */
	size_t ratio;   /* and that of its ratio the true ratio */
};

static const struct bench_history_change *nearest(
    const struct bench_history *h, size_t at, size_t *ret_distance)
{
	const struct bench_history_change *best = NULL;

	for (size_t i = 0; i < h->n_changes; i++) {
		size_t k = h->changes[i].index;
		size_t distance = k > at ? k - at : at - k;

		if (best && distance >= *ret_distance)
			continue;
		best = &h->changes[i];
		*ret_distance = distance;
	}
	return best;
}

/* A series of n whose level rises by so many sigmas at a place. */
static struct bench_history *stepped(struct bench_random *r, bench_noise *make,
    size_t n, size_t at, double sigmas)
{
	struct bench_point points[POINTS_MAX];
	struct bench_history *h = NULL;
	double x[POINTS_MAX];

	make(r, n, x);
	for (size_t i = 0; i < n; i++)
		points[i] =
		    (struct bench_point){.value = x[i] + (i < at ? 0 : sigmas),
		        .commit = "",
		        .environment = "",
		        .valid = true};
	if (bench_history(points, n, &defaults, &h, NULL) < 0)
		fail_msg("refused");
	return h;
}

static struct rates true_change(
    bench_noise *make, size_t n, size_t at, double sigmas, uint64_t seed)
{
	struct bench_random r = {seed};
	struct rates rates = {0, 0, 0, 0};
	double ratio = 100 / (100 + sigmas);

	for (int i = 0; i < REPETITIONS; i++) {
		scoped(bench_history_free) struct bench_history *h =
		    stepped(&r, make, n, at, sigmas);
		const struct bench_history_change *c;
		size_t distance = 0;

		c = nearest(h, at, &distance);
		if (!c)
			continue;
		rates.any++;
		rates.found += distance <= 10;
		rates.covered += c->first <= at && at <= c->last;
		rates.ratio += c->ratio.lo <= ratio && ratio <= c->ratio.hi;
	}
	return rates;
}

static void a_change_of_one_and_a_half_sigma_is_found(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
		struct rates r =
		    true_change(bench_noises[NOISE_INDEPENDENT].make, 100, 50,
		        1.5, seeds[s]);
		double power = (double)r.found / REPETITIONS;

		print_message("# power %.4f\n", power);
		assert_true(power >= .95 - slack(.95, REPETITIONS));
	}
}

/*
 * Both intervals are of changes that were found: where few are, those are the
 * ones that chance made larger or moved. So the limits are those of changes
 * that are found four times of five or more.
 */
static void intervals_of_changes_cover(void **state)
{
	static const struct {
		size_t n;
		size_t at;
		double sigmas;
	} rows[] = {{60, 30, 2}, {100, 50, 1.5}, {100, 25, 2}, {100, 50, 3}};

	(void)state;
	for (size_t i = 0; i < NOISE_KINDS * ARRAY_LEN(rows); i++)
		for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
			size_t noise = i / ARRAY_LEN(rows);
			size_t row = i % ARRAY_LEN(rows);
			double least = noise == NOISE_AR ? .88 : .93;
			struct rates r =
			    true_change(bench_noises[noise].make, rows[row].n,
			        rows[row].at, rows[row].sigmas, seeds[s]);
			double any = (double)r.any;

			print_message("# %s n=%zu at %zu by %.1f: found %.3f, "
			              "place %.3f, ratio %.3f\n",
			    bench_noises[noise].name, rows[row].n, rows[row].at,
			    rows[row].sigmas, any / REPETITIONS,
			    (double)r.covered / any, (double)r.ratio / any);
			assert_true(any / REPETITIONS >= .8);
			assert_true(
			    (double)r.covered / any >= .93 - slack(.93, r.any));
			assert_true((double)r.ratio / any >=
			    least - slack(least, r.any));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quiet_histories_are_quiet),
	    cmocka_unit_test(a_change_of_one_and_a_half_sigma_is_found),
	    cmocka_unit_test(intervals_of_changes_cover),
	};

	seeds[0] = kit_seed(seeds[0]);
	return cmocka_run_group_tests_name("bench_rates", tests, NULL, NULL);
}
