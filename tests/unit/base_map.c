/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The id table against a plain array that says what must be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"

enum {
	KEYS = 700,
	STEPS = 60000
};

static uint32_t next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static void puts_and_takes_agree_with_an_array(void **state)
{
	static int values[KEYS];
	int *model[KEYS] = {0};
	struct map m = {0};
	uint32_t x = 1;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		size_t k = next(&x) % KEYS;
		int64_t key = (int64_t)(k + 1) * 4096;

		if (next(&x) % 2) {
			n += !model[k];
			model[k] = &values[k];
			map_put(&m, key, &values[k]);
		} else {
			assert_ptr_equal(map_take(&m, key), model[k]);
			n -= !!model[k];
			model[k] = NULL;
		}
		assert_int_equal(m.len, n);
	}
	for (size_t k = 0; k < KEYS; k++)
		assert_ptr_equal(
		    map_find(&m, (int64_t)(k + 1) * 4096), model[k]);
	map_done(&m);
}

static void a_walk_meets_each_value_once(void **state)
{
	static int seen[100];
	struct map m = {0};
	size_t pos = 0;
	int *v;

	(void)state;
	for (int i = 0; i < 100; i++)
		map_put(&m, i + 1, &seen[i]);
	while ((v = map_next(&m, &pos)))
		(*v)++;
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	map_done(&m);
}

static void an_empty_table_has_nothing(void **state)
{
	struct map m = {0};
	size_t pos = 0;

	(void)state;
	assert_null(map_find(&m, 1));
	assert_null(map_take(&m, 1));
	assert_null(map_next(&m, &pos));
	map_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(puts_and_takes_agree_with_an_array),
	    cmocka_unit_test(a_walk_meets_each_value_once),
	    cmocka_unit_test(an_empty_table_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
