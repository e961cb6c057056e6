/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The noise of a machine over HTTP, of sessions that are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/series_world.h"
#include "tests/unit/web_harness.h"

#define PAIRS 4

/* One session: the second arm is so much off, in each pair by turns. */
static void session(
    struct harness *h, double bias, double spread, enum outcome outcome)
{
	double b[PAIRS];
	double c[PAIRS];
	const struct world_numbers numbers[] = {
	    {WORLD_METRIC, WORLD_UNIT, "vboxdrv", "linux", "nvme", b, PAIRS, 0},
	    {WORLD_METRIC, WORLD_UNIT, "vboxdrv#placebo", "linux", "nvme", c,
	        PAIRS, 0}};
	const struct world_run run = {WORLD_PROJECT, WORLD_NAME, NULL,
	    1700000000000, WORLD_MACHINE, outcome, NULL, numbers,
	    ARRAY_LEN(numbers)};
	struct db_tx *tx = db_tx_new(harness_db(h));

	for (int i = 0; i < PAIRS; i++) {
		b[i] = 1000 + i;
		c[i] = b[i] * (1 + bias + (i % 2 ? spread : -spread));
	}
	(void)world_run_put(harness_db(h), tx, &run);
	harness_commit(h, tx);
}

static int setup(void **state)
{
	struct harness *h = harness_new(READS_OPEN);

	session(h, .001, .01, OUTCOME_PASS);
	session(h, -.001, .01, OUTCOME_PASS);
	session(h, .05, .01, OUTCOME_PASS);
	/* An error never enters a table. */
	session(h, .5, .01, OUTCOME_FAIL);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static void sessions_of_equals_are_the_noise_of_a_machine(void **state)
{
	json_t *doc = harness_json(
	    *state, "/api/v1/machines/" WORLD_MACHINE "/noise", 200);
	const json_t *list = json_object_get(doc, "noise");
	const json_t *n = json_array_get(list, 0);
	const char *text = json_string_value(json_object_get(n, "text"));

	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(
	    json_string_value(json_object_get(n, "variant")), "vboxdrv");
	assert_string_equal(
	    json_string_value(json_object_get(n, "controller")), "nvme");
	assert_int_equal((int)doc_real(n, "sessions"), 3);
	assert_int_equal((int)doc_real(n, "pairs"), 12);
	assert_int_equal((int)doc_real(n, "for_pairs"), 4);
	/* Only the third session leaves 1 out. */
	assert_int_equal((int)doc_real(n, "alarms"), 1);
	assert_true(fabs(doc_real(n, "alarm_rate") - 1 / 3.) < 1e-9);
	/* t(.975, 3) sd / 2 of a sd of about .0115 */
	assert_true(fabs(doc_real(n, "half_width") - .0182) < .0006);
	if (!text ||
	    !str_starts(text,
	        "with 4 pairs, a difference below 1.83 % is noise here; 1 "
	        "of 3 sessions of equals found one"))
		fail_msg("%s", text);
	json_decref(doc);
}

static void more_pairs_see_smaller_differences(void **state)
{
	json_t *doc = harness_json(
	    *state, "/api/v1/machines/" WORLD_MACHINE "/noise?pairs=100", 200);
	const json_t *n = json_array_get(json_object_get(doc, "noise"), 0);

	assert_int_equal((int)doc_real(n, "for_pairs"), 100);
	assert_true(doc_real(n, "half_width") < .0025);
	json_decref(doc);
	json_decref(harness_json(
	    *state, "/api/v1/machines/" WORLD_MACHINE "/noise?pairs=1", 400));
}

static void a_machine_that_nobody_knows_is_not_found(void **state)
{
	json_decref(harness_json(*state, "/api/v1/machines/nobody/noise", 404));
}

static size_t listed(struct harness *h, const char *query)
{
	scoped(free) char *path = xasprintf("/api/v1/series?%s", query);
	json_t *doc = harness_json(h, path, 200);
	size_t n = json_array_size(json_object_get(doc, "series"));

	json_decref(doc);
	return n;
}

static void series_of_placebos_are_listed_when_they_are_asked_for(void **state)
{
	assert_int_equal(listed(*state, "metric=" WORLD_METRIC), 1);
	assert_int_equal(
	    listed(*state, "metric=" WORLD_METRIC "&placebos=0"), 1);
	assert_int_equal(
	    listed(*state, "metric=" WORLD_METRIC "&placebos=1"), 2);
	assert_int_equal(listed(*state, "find=placebo"), 0);
	assert_int_equal(listed(*state, "find=placebo&placebos=1"), 1);
	assert_int_equal(listed(*state, "variant=vboxdrv%23placebo"), 1);
	json_decref(harness_json(*state, "/api/v1/series?placebos=2", 400));
}

static void placebos_do_not_count_as_series_of_a_metric(void **state)
{
	json_t *doc = harness_json(*state, "/api/v1/metrics", 200);
	const json_t *m;
	size_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(doc, "metrics"), i, m)
	{
		if (!str_eq(doc_text(m, "name"), WORLD_METRIC))
			continue;
		assert_int_equal(doc_number(m, "series"), 1);
		n++;
	}
	assert_int_equal(n, 1);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions_of_equals_are_the_noise_of_a_machine),
	    cmocka_unit_test(more_pairs_see_smaller_differences),
	    cmocka_unit_test(a_machine_that_nobody_knows_is_not_found),
	    cmocka_unit_test(
	        series_of_placebos_are_listed_when_they_are_asked_for),
	    cmocka_unit_test(placebos_do_not_count_as_series_of_a_metric),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
