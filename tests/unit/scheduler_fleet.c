/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retry and health: who is tried again, and who is blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

enum {
	M1 = 11,
	M2 = 12,
	M3 = 13
};

static struct fleet *fleet;
static int errors_of[1000]; /* by job */

static int set_up(void **unused)
{
	(void)unused;
	fleet = fleet_new();
	memset(errors_of, 0, sizeof(errors_of));
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	fleet_free(fleet);
	return 0;
}

static struct fleet_advice end(int64_t job, int64_t machine, const char *item,
    const char *revision, struct verdict v)
{
	struct attempt_result r = {
	    .job_id = job,
	    .machine_id = machine,
	    .item = item,
	    .revision = revision,
	    .verdict = v,
	    .retry_limit = 2,
	};
	struct fleet_advice advice;

	if (v.outcome == OUTCOME_ERROR && !v.blameless)
		r.errors = ++errors_of[job];
	fleet_attempt_ended(fleet, &r, &advice);
	return advice;
}

static struct fleet_advice err_on(
    int64_t job, int64_t machine, const char *item)
{
	struct verdict v = {.outcome = OUTCOME_ERROR, .layer = LAYER_BOOT};

	return end(job, machine, item, "rev", v);
}

static struct fleet_advice end_on(
    int64_t job, int64_t machine, const char *item, enum outcome outcome)
{
	struct verdict v = {.outcome = outcome};

	return end(job, machine, item, "rev", v);
}

static struct fleet_advice canary(
    int64_t job, int64_t machine, struct verdict v)
{
	struct attempt_result r = {
	    .job_id = job,
	    .machine_id = machine,
	    .item = "canary",
	    .revision = "canary",
	    .canary = true,
	    .verdict = v,
	    .errors = 1,
	    .retry_limit = 2,
	};
	struct fleet_advice advice;

	fleet_attempt_ended(fleet, &r, &advice);
	return advice;
}

static void make_suspect(int64_t machine)
{
	fleet_health_set(fleet, machine, HEALTH_SUSPECT);
}

static void error_is_tried_again_until_the_limit(void **unused)
{
	struct fleet_advice a = err_on(1, M1, "i");

	(void)unused;
	assert_true(a.retry);
	assert_int_equal(a.n_changes, 0);
	a = err_on(1, M1, "i");
	assert_false(a.retry);
	assert_string_equal(a.why, "error 2 of 2: not tried again");
}

static void verdict_of_the_test_is_final(void **unused)
{
	(void)unused;
	assert_false(end_on(1, M1, "i", OUTCOME_FAIL).retry);
	assert_false(end_on(2, M1, "i", OUTCOME_TIMEOUT).retry);
	assert_false(end_on(3, M1, "i", OUTCOME_PASS).retry);
	assert_false(end_on(4, M1, "i", OUTCOME_CANCELLED).retry);
	assert_string_equal(end_on(5, M1, "i", OUTCOME_FAIL).why, "");
}

static void two_errors_that_work_elsewhere_make_suspect(void **unused)
{
	struct fleet_advice a;

	(void)unused;
	(void)err_on(1, M1, "a"); /* only the last advice matters */
	a = end_on(1, M2, "a", OUTCOME_PASS);
	assert_int_equal(a.n_changes, 0);
	(void)err_on(2, M1, "b");
	a = end_on(2, M2, "b", OUTCOME_FAIL);
	assert_int_equal(a.n_changes, 1);
	assert_int_equal(a.changes[0].machine_id, M1);
	assert_int_equal(a.changes[0].from, HEALTH_GOOD);
	assert_int_equal(a.changes[0].to, HEALTH_SUSPECT);
	assert_string_equal(a.changes[0].why,
	    "2 errors in a row whose jobs worked elsewhere, the last in job "
	    "2");
	assert_int_equal(fleet_health(fleet, M1), HEALTH_SUSPECT);
	assert_int_equal(fleet_health(fleet, M2), HEALTH_GOOD);
}

static void proofs_may_come_in_any_order(void **unused)
{
	(void)unused;
	(void)err_on(1, M1, "a");
	(void)err_on(2, M1, "b");
	assert_int_equal(end_on(2, M3, "b", OUTCOME_TIMEOUT).n_changes, 0);
	assert_int_equal(end_on(1, M2, "a", OUTCOME_PASS).n_changes, 1);
}

static void success_between_errors_clears_the_row(void **unused)
{
	(void)unused;
	(void)err_on(1, M1, "a");
	(void)end_on(1, M2, "a", OUTCOME_PASS);
	(void)end_on(3, M1, "c", OUTCOME_PASS);
	(void)err_on(2, M1, "b");
	assert_int_equal(end_on(2, M2, "b", OUTCOME_PASS).n_changes, 0);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_GOOD);
}

static void timeout_does_not_clear_the_row(void **unused)
{
	(void)unused;
	(void)err_on(1, M1, "a");
	(void)end_on(1, M2, "a", OUTCOME_PASS);
	(void)end_on(3, M1, "c", OUTCOME_TIMEOUT);
	(void)err_on(2, M1, "b");
	assert_int_equal(end_on(2, M2, "b", OUTCOME_PASS).n_changes, 1);
}

static void pass_on_the_same_machine_is_not_elsewhere(void **unused)
{
	(void)unused;
	for (int64_t job = 1; job <= 6; job++) {
		char item[8];

		(void)snprintf(item, sizeof(item), "i%d", (int)job);
		(void)err_on(job, M1, item);
		assert_int_equal(
		    end_on(job, M1, item, OUTCOME_PASS).n_changes, 0);
	}
	assert_int_equal(fleet_health(fleet, M1), HEALTH_GOOD);
}

static void timeout_on_the_same_machine_proves_nothing(void **unused)
{
	(void)unused;
	(void)err_on(1, M1, "a");
	(void)end_on(1, M1, "a", OUTCOME_TIMEOUT);
	(void)err_on(2, M1, "b");
	assert_int_equal(end_on(2, M1, "b", OUTCOME_TIMEOUT).n_changes, 0);
}

static void errors_that_follow_the_revision_blame_nobody(void **unused)
{
	struct fleet_advice a;

	(void)unused;
	(void)err_on(1, M1, "a");
	(void)end_on(1, M3, "a", OUTCOME_PASS); /* one proven error of M1 */
	assert_true(err_on(2, M1, "b").retry);
	a = err_on(2, M2, "b");
	assert_false(a.retry);
	assert_string_equal(
	    a.why, "follows revision rev: error on 2 machines, worked on none");
	/* Another job of the item passes later: the blame was dropped. */
	assert_int_equal(end_on(2, M3, "b", OUTCOME_PASS).n_changes, 0);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_GOOD);
}

static void other_revisions_are_judged_alone(void **unused)
{
	struct verdict e = {.outcome = OUTCOME_ERROR, .layer = LAYER_BOOT};

	(void)unused;
	assert_true(end(1, M1, "a", "r1", e).retry);
	assert_true(end(2, M2, "a", "r2", e).retry);
	assert_true(end(3, M2, "ar", "1", e).retry);
	assert_false(end(4, M2, "a", "r1", e).retry);
}

static void item_that_worked_anywhere_does_not_follow(void **unused)
{
	(void)unused;
	(void)end_on(9, M3, "a", OUTCOME_FAIL);
	assert_true(err_on(1, M1, "a").retry);
	assert_true(err_on(2, M2, "a").retry);
}

static void blameless_error_is_always_tried_again_but_not_for_ever(
    void **unused)
{
	struct verdict v = {.outcome = OUTCOME_ERROR,
	    .layer = LAYER_HARNESS,
	    .blameless = true};
	struct fleet_advice a = {.retry = true};
	int n;

	(void)unused;
	for (n = 0; a.retry && n < 100; n++)
		a = end(1, n % 2 ? M1 : M2, "a", "rev", v);
	assert_int_equal(n, 20);
	assert_int_equal(end_on(1, M3, "a", OUTCOME_PASS).n_changes, 0);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_GOOD);
}

static void passed_canary_heals(void **unused)
{
	struct fleet_advice a;

	(void)unused;
	make_suspect(M1);
	a = canary(50, M1, (struct verdict){.outcome = OUTCOME_PASS});
	assert_false(a.retry);
	assert_int_equal(a.n_changes, 1);
	assert_int_equal(a.changes[0].to, HEALTH_GOOD);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_GOOD);
}

static void any_other_canary_quarantines(void **unused)
{
	static const struct verdict bad[] = {
	    {.outcome = OUTCOME_FAIL},
	    {.outcome = OUTCOME_TIMEOUT},
	    {.outcome = OUTCOME_CANCELLED},
	    {.outcome = OUTCOME_ERROR, .layer = LAYER_POWER},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fleet_advice a;

		make_suspect(M1);
		a = canary(50, M1, bad[i]);
		assert_false(a.retry);
		assert_int_equal(a.n_changes, 1);
		assert_int_equal(a.changes[0].to, HEALTH_QUARANTINED);
	}
	make_suspect(M1);
	assert_string_equal(canary(50, M1, bad[3]).changes[0].why,
	    "its canary ended as error/power");
}

static void blameless_canary_is_tried_again(void **unused)
{
	struct verdict v = {.outcome = OUTCOME_ERROR,
	    .layer = LAYER_HARNESS,
	    .blameless = true};
	struct fleet_advice a;

	(void)unused;
	make_suspect(M1);
	a = canary(50, M1, v);
	assert_true(a.retry);
	assert_int_equal(a.n_changes, 0);
}

static void a_persons_word_stands_above_the_canary(void **unused)
{
	struct verdict v = {.outcome = OUTCOME_FAIL};

	(void)unused;
	fleet_health_set(fleet, M1, HEALTH_MAINTENANCE);
	assert_int_equal(canary(50, M1, v).n_changes, 0);
	fleet_health_set(fleet, M1, HEALTH_RETIRED);
	v.outcome = OUTCOME_PASS;
	assert_int_equal(canary(51, M1, v).n_changes, 0);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_RETIRED);
}

static void machine_in_maintenance_is_not_made_suspect(void **unused)
{
	(void)unused;
	(void)err_on(1, M1, "a");
	(void)err_on(2, M1, "b");
	fleet_health_set(fleet, M1, HEALTH_MAINTENANCE);
	(void)end_on(1, M2, "a", OUTCOME_PASS);
	assert_int_equal(end_on(2, M2, "b", OUTCOME_PASS).n_changes, 0);
	assert_int_equal(fleet_health(fleet, M1), HEALTH_MAINTENANCE);
}

static void memory_is_bounded_and_the_newest_is_kept(void **unused)
{
	(void)unused;
	for (int i = 0; i < 40000; i++) {
		char item[16];
		struct attempt_result r = {
		    .job_id = 1000 + i,
		    .machine_id = 100 + i % 50,
		    .item = item,
		    .revision = "r",
		    .verdict = {.outcome = OUTCOME_ERROR, .layer = LAYER_VM},
		    .errors = 1,
		    .retry_limit = 2,
		};
		struct fleet_advice a;

		(void)snprintf(item, sizeof(item), "%d", i);
		fleet_attempt_ended(fleet, &r, &a);
		assert_true(a.retry);
	}
	two_errors_that_work_elsewhere_make_suspect(unused);
}

#define with_fleet(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    with_fleet(error_is_tried_again_until_the_limit),
	    with_fleet(verdict_of_the_test_is_final),
	    with_fleet(two_errors_that_work_elsewhere_make_suspect),
	    with_fleet(proofs_may_come_in_any_order),
	    with_fleet(success_between_errors_clears_the_row),
	    with_fleet(timeout_does_not_clear_the_row),
	    with_fleet(pass_on_the_same_machine_is_not_elsewhere),
	    with_fleet(timeout_on_the_same_machine_proves_nothing),
	    with_fleet(errors_that_follow_the_revision_blame_nobody),
	    with_fleet(other_revisions_are_judged_alone),
	    with_fleet(item_that_worked_anywhere_does_not_follow),
	    with_fleet(blameless_error_is_always_tried_again_but_not_for_ever),
	    with_fleet(passed_canary_heals),
	    with_fleet(any_other_canary_quarantines),
	    with_fleet(blameless_canary_is_tried_again),
	    with_fleet(a_persons_word_stands_above_the_canary),
	    with_fleet(machine_in_maintenance_is_not_made_suspect),
	    with_fleet(memory_is_bounded_and_the_newest_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
