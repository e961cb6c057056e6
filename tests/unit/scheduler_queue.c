/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matching, order, exclusion, health and canaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/scheduler_lab.h"

/* ---- classes --------------------------------------------------------- */

static void equal_requirements_are_one_class(void **unused)
{
	(void)unused;
	assert_int_equal(class_of("a b"), class_of("b a b"));
	assert_int_not_equal(class_of("a"), class_of("a b"));
	assert_int_not_equal(class_of("a"), quiet_class("a"));
	assert_int_not_equal(
	    class_of("a"), class_with("", "a", NULL, (struct requirement){0}));
	assert_int_not_equal(pinned_class(1, false), pinned_class(1, true));
}

static void job_starts_only_where_its_requirements_are_met(void **unused)
{
	(void)unused;
	push(1, class_of("vmx nvme"));
	push(2, class_with("vmx", "slow", "q", (struct requirement){0}));
	machine(1, "m1", "vmx");
	machine_at(2, "m2", "q", "vmx slow", NULL, NULL);
	expect_none();
	machine_at(3, "m3", "q", "vmx", NULL, NULL);
	expect(2, 3);
	expect_none();
	machine(1, "m1", "nvme vmx sata");
	expect(1, 1);
	assert_int_equal(scheduler_waiting(s), 0);
}

static void many_classes_and_profiles_are_matched_alike(void **unused)
{
	int classes[700];
	char tag[16];

	(void)unused;
	for (int i = 0; i < 700; i++) {
		(void)snprintf(tag, sizeof(tag), "t%d", i);
		classes[i] = class_of(tag);
		if (i % 2)
			machine(i + 1, tag, tag);
	}
	for (int i = 0; i < 700; i++) {
		(void)snprintf(tag, sizeof(tag), "t%d", i);
		if (i % 2 == 0)
			machine(i + 1, tag, tag);
	}
	for (int i = 699; i >= 0; i--) {
		push(i + 1, classes[i]);
		expect(i + 1, i + 1);
	}
	expect_none();
}

static void least_capable_machine_is_used_first(void **unused)
{
	(void)unused;
	machine(1, "m1", "a b c");
	machine(2, "m2", "a");
	machine(3, "m3", "a b");
	push(1, class_of("a"));
	push(2, class_of("a"));
	expect(1, 2);
	expect(2, 3);
	push(3, class_of("a b"));
	expect(3, 1);
}

static void machines_take_turns(void **unused)
{
	(void)unused;
	for (int64_t m = 1; m <= 3; m++)
		machine(m, "m", "a");
	for (int64_t i = 0; i < 9; i++) {
		push(i + 1, class_of("a"));
		expect(i + 1, i % 3 + 1);
		free_machine(i % 3 + 1);
	}
}

/* ---- order ----------------------------------------------------------- */

static void higher_priority_is_always_first(void **unused)
{
	int c = class_of("a");
	int d = class_of("");

	(void)unused;
	push_of(1, c, -1, 1);
	push_of(2, d, 0, 1);
	push_of(3, c, 7, 1);
	push_of(4, d, INT32_MAX, 1);
	push_of(5, c, INT32_MIN, 1);
	machine(1, "m1", "a");
	for (int i = 0; i < 5; i++) {
		static const int64_t order[] = {4, 3, 2, 1, 5};

		expect(order[i], 1);
		free_machine(1);
	}
	expect_none();
}

static void jobs_of_a_project_keep_their_order(void **unused)
{
	int c = class_of("a");
	int d = class_of("");

	(void)unused;
	for (int64_t i = 1; i <= 300; i++)
		push(i, i % 3 ? c : d);
	machine(1, "m1", "a");
	for (int64_t i = 1; i <= 300; i++) {
		expect(i, 1);
		free_machine(1);
	}
}

static void late_project_does_not_wait_for_a_flood(void **unused)
{
	int c = class_of("a");
	struct lease l;
	int of_two = 0;

	(void)unused;
	machine(1, "m1", "a");
	for (int64_t i = 1; i <= 1000; i++)
		push_of(i, c, 0, 1);
	for (int i = 0; i < 100; i++) {
		assert_true(scheduler_next(s, &l));
		free_machine(1);
	}
	for (int64_t i = 2001; i <= 2010; i++)
		push_of(i, c, 0, 2);
	for (int i = 0; i < 22; i++) {
		assert_true(scheduler_next(s, &l));
		of_two += l.job_id > 2000;
		assert_true(i >= 10 || of_two <= 6); /* nor takes over */
		free_machine(1);
	}
	assert_int_equal(of_two, 10);
}

static void idle_platform_does_not_make_others_unfair(void **unused)
{
	int slow = class_with("", "", "slow", (struct requirement){0});
	int idle = class_with("", "", "idle", (struct requirement){0});
	struct lease l;
	bool found = false;

	(void)unused;
	machine_at(1, "m1", "slow", "", NULL, NULL);
	machine_at(2, "m2", "idle", "", NULL, NULL);
	for (int64_t i = 1; i <= 500; i++)
		push_of(i, slow, 0, 1);
	push_of(501, idle, 0, 1); /* runs at once, out of turn */
	expect(1, 1);
	expect(501, 2);
	push_of(1001, slow, 0, 2);
	for (int i = 0; i < 3; i++) {
		free_machine(1);
		assert_true(scheduler_next(s, &l));
		found |= l.job_id == 1001;
	}
	assert_true(found);
}

static void removed_job_is_never_given(void **unused)
{
	int c = class_of("a");

	(void)unused;
	for (int64_t i = 1; i <= 50; i++)
		push(i, c);
	for (int64_t i = 1; i <= 50; i++)
		if (i % 7)
			scheduler_remove(s, i);
	scheduler_remove(s, 999);
	assert_int_equal(scheduler_waiting(s), 7);
	machine(1, "m1", "a");
	for (int64_t i = 7; i <= 49; i += 7) {
		expect(i, 1);
		free_machine(1);
	}
	expect_none();
}

/* ---- exclusion ------------------------------------------------------- */

static void excluded_machine_is_avoided_while_another_exists(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	machine(2, "m2", "a");
	push(1, c);
	expect(1, 1);
	push(2, c);
	expect(2, 2);
	push_excluding(3, c, 1, 0);
	free_machine(1);
	expect_none(); /* m2 is healthy, though busy */
	push(4, c);    /* what comes behind it may start */
	expect(4, 1);
	free_machine(2);
	expect(3, 2);
}

static void only_machine_is_used_although_excluded(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	push_excluding(1, c, 1, 0);
	expect(1, 1);
	free_machine(1);
	machine(2, "m2", "a");
	push_excluding(2, c, 2, 1);
	expect(2, 1);
}

static void exclusion_ends_with_the_health_of_the_others(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	machine(2, "m2", "a b");
	scheduler_busy(s, 2, 99, c);
	push_excluding(1, c, 1, 0);
	expect_none();
	scheduler_machine_health(s, 2, HEALTH_QUARANTINED, "broken");
	expect(1, 1);
	free_machine(1);
	scheduler_machine_health(s, 2, HEALTH_GOOD, NULL);
	push_excluding(2, c, 1, 0);
	expect_none();
	scheduler_machine_remove(s, 2);
	expect(2, 1);
}

/* ---- health, pins, canaries ------------------------------------------ */

static void unhealthy_machine_gets_nothing(void **unused)
{
	static const enum health bad[] = {HEALTH_SUSPECT, HEALTH_QUARANTINED,
	    HEALTH_MAINTENANCE, HEALTH_RETIRED};

	(void)unused;
	machine(1, "m1", "a");
	push(1, class_of("a"));
	push(2, pinned_class(1, false));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		scheduler_machine_health(s, 1, bad[i], "why");
		expect_none();
	}
	scheduler_machine_health(s, 1, HEALTH_GOOD, NULL);
	expect(1, 1);
	free_machine(1);
	expect(2, 1);
}

static void canary_runs_only_on_its_machine(void **unused)
{
	(void)unused;
	machine(1, "m1", "a");
	machine(2, "m2", "a");
	scheduler_machine_health(s, 2, HEALTH_SUSPECT, "2 errors");
	push(1, pinned_class(2, true));
	expect(1, 2);
	push(2, pinned_class(2, true));
	expect_none();
	scheduler_machine_health(s, 2, HEALTH_QUARANTINED, "canary failed");
	free_machine(2);
	expect_none();
	scheduler_machine_health(s, 2, HEALTH_GOOD, NULL);
	expect(2, 2);
	push(3, class_with("", "", NULL, (struct requirement){.canary = true}));
	expect_none();
}

static void pinned_job_waits_for_its_machine(void **unused)
{
	(void)unused;
	push(1, pinned_class(2, false));
	machine(1, "m1", "a");
	expect_none();
	machine(2, "m2", "a");
	expect(1, 2);
	push(2, pinned_class(2, false));
	push_of(3, class_of("a"), 5, 1);
	expect(3, 1);
	free_machine(2);
	expect(2, 2);
}

static void removed_machine_leaves_when_it_is_free(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	push(1, c);
	expect(1, 1);
	scheduler_machine_remove(s, 1);
	push(2, c);
	free_machine(1);
	expect_none();
	machine(1, "m1", "a");
	expect(2, 1);
	scheduler_machine_remove(s, 1);
	machine(1, "m1", "a"); /* comes back before it was freed */
	free_machine(1);
	push(3, c);
	expect(3, 1);
}

static void busy_machine_of_a_restart_is_not_given_away(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	push(7, c);
	scheduler_busy(s, 1, 7, c);
	assert_int_equal(scheduler_waiting(s), 0);
	push(8, c);
	expect_none();
	free_machine(1);
	expect(8, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    with_lab(equal_requirements_are_one_class),
	    with_lab(job_starts_only_where_its_requirements_are_met),
	    with_lab(many_classes_and_profiles_are_matched_alike),
	    with_lab(least_capable_machine_is_used_first),
	    with_lab(machines_take_turns),
	    with_lab(higher_priority_is_always_first),
	    with_lab(jobs_of_a_project_keep_their_order),
	    with_lab(late_project_does_not_wait_for_a_flood),
	    with_lab(idle_platform_does_not_make_others_unfair),
	    with_lab(removed_job_is_never_given),
	    with_lab(excluded_machine_is_avoided_while_another_exists),
	    with_lab(only_machine_is_used_although_excluded),
	    with_lab(exclusion_ends_with_the_health_of_the_others),
	    with_lab(unhealthy_machine_gets_nothing),
	    with_lab(canary_runs_only_on_its_machine),
	    with_lab(pinned_job_waits_for_its_machine),
	    with_lab(removed_machine_leaves_when_it_is_free),
	    with_lab(busy_machine_of_a_restart_is_not_given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
