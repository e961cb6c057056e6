/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quiet jobs, and the reasons why a job waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scheduler_lab.h"

/* ---- quiet ----------------------------------------------------------- */

static void quiet_job_is_alone_on_its_host_and_group(void **unused)
{
	int c = class_of("a");
	int q = quiet_class("q");

	(void)unused;
	machine_at(1, "m1", "p", "a q", "h1", "rack");
	machine_at(2, "m2", "p", "a", "h1", NULL);
	machine_at(3, "m3", "p", "a", "h3", "rack");
	machine_at(4, "m4", "p", "a", "h4", NULL);
	push(1, q);
	expect(1, 1);
	for (int64_t i = 2; i <= 4; i++)
		push(i, c);
	expect(2, 4);
	expect_none();
	free_machine(1);
	expect(3, 2);
	expect(4, 3);
	expect_none();
}

static void quiet_job_whose_turn_it_is_does_not_starve(void **unused)
{
	int c = class_of("a");
	int q = quiet_class("q");

	(void)unused;
	machine_at(1, "m1", "p", "q", "h", NULL);
	machine_at(2, "m2", "p", "a", "h", NULL);
	machine_at(3, "m3", "p", "a", "h", NULL);
	push(1, c);
	push(2, c);
	expect(1, 2);
	expect(2, 3);
	push(3, q);
	push(4, c);
	push(5, c);
	expect_none();
	free_machine(2);
	expect_none(); /* m2 is kept idle for job 3 */
	push_of(6, c, 1, 1);
	expect(6, 2); /* a higher priority still goes first */
	free_machine(3);
	expect_none();
	free_machine(2);
	expect(3, 1);
	expect_none();
	free_machine(1);
	expect(4, 2);
	expect(5, 3);
}

static void cancelled_quiet_job_gives_its_reservation_back(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine_at(1, "m1", "p", "q", "h", NULL);
	machine_at(2, "m2", "p", "a", "h", NULL);
	machine_at(3, "m3", "p", "a", "h", NULL);
	push(1, c);
	expect(1, 2);
	push(2, quiet_class("q"));
	push(3, c);
	expect_none();
	scheduler_remove(s, 2);
	expect(3, 3);
}

static void reservation_ends_with_the_health_of_its_machine(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine_at(1, "m1", "p", "q", "h", NULL);
	machine_at(2, "m2", "p", "a", "h", NULL);
	machine_at(3, "m3", "p", "a", "h", NULL);
	push(1, c);
	expect(1, 2);
	push(2, quiet_class("q"));
	push(3, c);
	expect_none();
	scheduler_machine_health(s, 1, HEALTH_MAINTENANCE, "fan");
	expect(3, 3);
}

static void quiet_job_reserves_again_when_its_machine_goes(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine_at(1, "m1", "p", "q", "h1", NULL);
	machine_at(2, "m2", "p", "a", "h1", NULL);
	machine_at(3, "m3", "p", "q", "h2", NULL);
	machine_at(4, "m4", "p", "a", "h2", NULL);
	machine_at(5, "m5", "p", "a", "h2", NULL);
	for (int64_t i = 1; i <= 3; i++) {
		push(i, c);
		expect(i, i == 1 ? 2 : i + 2);
	}
	push(4, quiet_class("q"));
	expect_none();
	scheduler_machine_health(s, 1, HEALTH_MAINTENANCE, "fan");
	expect_none();
	push(5, c);
	free_machine(4);
	expect_none();
	free_machine(5);
	expect(4, 3);
}

static void busy_machine_that_moves_takes_its_noise_along(void **unused)
{
	(void)unused;
	machine_at(1, "m1", "p", "q", "h1", NULL);
	machine_at(2, "m2", "p", "a", "h1", NULL);
	push(1, class_of("a"));
	expect(1, 2);
	push(2, quiet_class("q"));
	expect_none();
	machine_at(2, "m2", "p", "a", "h2", NULL);
	expect(2, 1);
	free_machine(1);
	machine_at(1, "m1", "p", "q", "h2", NULL);
	push(3, quiet_class("q"));
	expect_none();
	free_machine(2);
	expect(3, 1);
}

static void quiet_job_starts_wherever_it_is_quiet_first(void **unused)
{
	int c = class_of("a");
	int q = quiet_class("q");

	(void)unused;
	machine_at(1, "m1", "p", "q", "h1", NULL);
	machine_at(2, "m2", "p", "a", "h1", NULL);
	machine_at(3, "m3", "p", "q", "h2", NULL);
	machine_at(4, "m4", "p", "a", "h2", NULL);
	push(1, c);
	push(2, c);
	expect(1, 2);
	expect(2, 4);
	push(3, q);
	push(4, q);
	expect_none();
	free_machine(4);
	expect(3, 3); /* whichever was reserved for it */
	free_machine(2);
	expect(4, 1);
}

/* ---- reasons --------------------------------------------------------- */

static void why_names_what_no_machine_has(void **unused)
{
	(void)unused;
	machine(1, "m1", "sata");
	push(1, class_with("sata vmx", "", "p", (struct requirement){0}));
	push(2, class_with("", "", "mars", (struct requirement){0}));
	push(3, class_with("sata", "sata", NULL, (struct requirement){0}));
	push(4, pinned_class(9, false));
	expect_none();
	expect_why(
	    1, "needs platform p with tags sata, vmx: no machine has tag vmx");
	expect_why(2, "needs platform mars: no machine is of that platform");
	expect_why(3,
	    "needs a machine with tag sata without tag sata: no machine has "
	    "it");
	expect_why(4, "needs machine 9: it is not in the lab");
}

static void why_names_the_unhealthy(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	push(1, c);
	scheduler_machine_health(
	    s, 1, HEALTH_QUARANTINED, "power: off ignored");
	expect_none();
	expect_why(1,
	    "the only matching machine is unhealthy: m1 (quarantined: power: "
	    "off ignored)");
	machine(2, "m2", "a");
	scheduler_machine_health(s, 2, HEALTH_MAINTENANCE, NULL);
	expect_why(1,
	    "all 2 matching machines are unhealthy: m1 (quarantined: power: "
	    "off ignored), m2 (maintenance)");
}

static void why_names_the_busy_and_the_place(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "t16-1", "a");
	push(398, c);
	expect(398, 1);
	push(1, c);
	expect_why(1, "t16-1 runs job 398 (usually 1 m); it is next");
	scheduler_started(s, 1, 70000);
	expect_why(1, "t16-1 runs job 398 (about 30 s left); it is next");
	scheduler_started(s, 1, 1000);
	expect_why(
	    1, "t16-1 runs job 398 (longer than its usual 1 m); it is next");
	machine(2, "t16-2", "a");
	machine(3, "t16-3", "a");
	scheduler_machine_health(s, 3, HEALTH_SUSPECT, "2 errors");
	push_of(2, class_of(""), 1, 1);
	expect(2, 2);
	push_of(3, class_of(""), 1, 1);
	scheduler_started(s, 1, 70000);
	expect_why(1,
	    "2 of 3 matching machines busy: t16-1 runs job 398 (about 30 s "
	    "left), t16-2 runs job 2 (usually 1 m); unhealthy: t16-3 (suspect: "
	    "2 errors); 1 job is before it");
}

static void why_uses_the_median_of_the_class(void **unused)
{
	int c = class_of("a");

	(void)unused;
	machine(1, "m1", "a");
	for (int i = 0; i < 20; i++) {
		scheduler_busy(s, 1, 99, c);
		scheduler_free_machine(s, 1, i < 12 ? 1 : 7200000 + i % 3);
	}
	scheduler_busy(s, 1, 99, c);
	push(1, c);
	expect_why(1, "m1 runs job 99 (usually 2 h 0 m); it is next");
}

static void why_names_the_quiet_group(void **unused)
{
	(void)unused;
	machine_at(1, "m1", "p", "q", "h1", "rack-2");
	machine_at(2, "m2", "p", "a", "h2", "rack-2");
	push(1, class_of("a"));
	expect(1, 2);
	push(2, quiet_class("q"));
	expect_none();
	expect_why(2, "m1 waits for quiet group rack-2; it is next");
	free_machine(2);
	expect(2, 1);
	push(3, class_of("a"));
	expect_none();
	expect_why(3, "m2 waits for quiet group rack-2; it is next");
}

static void why_of_a_stranger_is_false(void **unused)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(100);

	(void)unused;
	assert_false(scheduler_why(s, 1, 0, &b));
	assert_int_equal(b.len, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    with_lab(quiet_job_is_alone_on_its_host_and_group),
	    with_lab(quiet_job_whose_turn_it_is_does_not_starve),
	    with_lab(cancelled_quiet_job_gives_its_reservation_back),
	    with_lab(reservation_ends_with_the_health_of_its_machine),
	    with_lab(quiet_job_reserves_again_when_its_machine_goes),
	    with_lab(busy_machine_that_moves_takes_its_noise_along),
	    with_lab(quiet_job_starts_wherever_it_is_quiet_first),
	    with_lab(why_names_what_no_machine_has),
	    with_lab(why_names_the_unhealthy),
	    with_lab(why_names_the_busy_and_the_place),
	    with_lab(why_uses_the_median_of_the_class),
	    with_lab(why_names_the_quiet_group),
	    with_lab(why_of_a_stranger_is_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
