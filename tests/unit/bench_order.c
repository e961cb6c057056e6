/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of measurement: balance, chance, and pairs that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define PAIRS_MAX 101

static size_t count(
    const enum bench_pair *order, const bool *keep, size_t n, enum bench_pair p)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += order[i] == p && (!keep || keep[i]);
	return found;
}

static void half_of_the_pairs_begin_with_the_baseline(void **state)
{
	enum bench_pair order[PAIRS_MAX];

	(void)state;
	for (size_t n = 0; n <= PAIRS_MAX; n++) {
		for (uint64_t seed = 0; seed < 20; seed++) {
			size_t bc;

			bench_order(n, seed, order);
			bc = count(order, NULL, n, BENCH_BC);
			assert_true(bc == n / 2 || bc == n - n / 2);
		}
	}
}

static void every_two_pairs_are_an_abba_block(void **state)
{
	enum bench_pair order[PAIRS_MAX];

	(void)state;
	bench_order(PAIRS_MAX, 7, order);
	for (size_t i = 0; i + 1 < PAIRS_MAX; i += 2)
		assert_int_not_equal(order[i], order[i + 1]);
}

static void the_seed_alone_decides(void **state)
{
	enum bench_pair a[PAIRS_MAX];
	enum bench_pair b[PAIRS_MAX];
	size_t first_bc = 0;

	(void)state;
	bench_order(PAIRS_MAX, 1234567890, a);
	bench_order(PAIRS_MAX, 1234567890, b);
	assert_memory_equal(a, b, sizeof(a));
	bench_order(PAIRS_MAX, 1234567891, b);
	assert_memory_not_equal(a, b, sizeof(a));
	for (uint64_t seed = 0; seed < 1000; seed++) {
		bench_order(1, seed, a);
		first_bc += a[0] == BENCH_BC;
	}
	/* Six standard deviations of a fair coin. */
	assert_in_range(first_bc, 405, 595);
}

/* The first outputs for seed 1234567 that its authors publish. */
static void the_generator_is_splitmix64(void **state)
{
	static const uint64_t want[] = {UINT64_C(6457827717110365317),
	    UINT64_C(3203168211198807973), UINT64_C(9817491932198370423)};
	struct bench_random r = {1234567};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_true(bench_random_next(&r) == want[i]);
}

static void a_linear_drift_cancels(void **state)
{
	enum bench_pair order[8];

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		int sum[2] = {0, 0};

		bench_order(8, seed, order);
		for (int i = 0; i < 8; i++) {
			/* time of B and of C in pair i */
			sum[0] += 2 * i + (order[i] == BENCH_CB);
			sum[1] += 2 * i + (order[i] == BENCH_BC);
		}
		assert_int_equal(sum[0], sum[1]);
	}
}

static void a_failed_pair_takes_its_block_along(void **state)
{
	static const enum bench_pair order[] = {
	    BENCH_BC, BENCH_CB, BENCH_CB, BENCH_BC};
	static const bool failed[] = {false, false, true, false};
	bool keep[4];

	(void)state;
	assert_int_equal(bench_order_keep(order, failed, 4, keep), 2);
	assert_true(keep[0] && keep[1]);
	assert_true(!keep[2] && !keep[3]);
}

static void opposite_failures_drop_nothing_more(void **state)
{
	static const enum bench_pair order[] = {
	    BENCH_BC, BENCH_CB, BENCH_CB, BENCH_BC, BENCH_BC, BENCH_CB};
	static const bool failed[] = {true, false, true, false, false, false};
	bool keep[6];

	(void)state;
	assert_int_equal(bench_order_keep(order, failed, 6, keep), 4);
	assert_true(keep[1] && keep[3] && keep[4] && keep[5]);
}

static void what_is_kept_is_as_balanced_as_before(void **state)
{
	struct bench_random r = {kit_seed(20261121)};
	enum bench_pair order[PAIRS_MAX];
	bool failed[PAIRS_MAX];
	bool keep[PAIRS_MAX];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = bench_random_next(&r) % PAIRS_MAX;
		size_t kept;
		size_t bc;

		bench_order(n, bench_random_next(&r), order);
		for (size_t i = 0; i < n; i++)
			failed[i] = bench_random_next(&r) % 4 == 0;
		kept = bench_order_keep(order, failed, n, keep);
		bc = count(order, keep, n, BENCH_BC);
		assert_int_equal(kept, bc + count(order, keep, n, BENCH_CB));
		assert_true(2 * bc <= kept + 1 && 2 * bc + 1 >= kept);
		if (n % 2 == 0)
			assert_int_equal(2 * bc, kept);
		for (size_t i = 0; i < n; i++)
			assert_false(failed[i] && keep[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_of_the_pairs_begin_with_the_baseline),
	    cmocka_unit_test(every_two_pairs_are_an_abba_block),
	    cmocka_unit_test(the_seed_alone_decides),
	    cmocka_unit_test(the_generator_is_splitmix64),
	    cmocka_unit_test(a_linear_drift_cancels),
	    cmocka_unit_test(a_failed_pair_takes_its_block_along),
	    cmocka_unit_test(opposite_failures_drop_nothing_more),
	    cmocka_unit_test(what_is_kept_is_as_balanced_as_before),
	};

	return cmocka_run_group_tests_name("bench_order", tests, NULL, NULL);
}
