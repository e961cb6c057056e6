/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue as people see it: what waits, by what it needs. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scheduler_lab.h"

static void put_row(void *arg, const struct queue_row *row)
{
	buf_printf(arg, "%d x %s: %" PRId64 "\n", row->n_jobs, row->needs,
	    row->first_job);
}

static void expect_queue(size_t max, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	scheduler_queue(s, max, put_row, &b);
	assert_string_equal(buf_str(&b), want);
}

static void an_empty_queue_has_no_rows(void **unused)
{
	(void)unused;
	expect_queue(10, "");
	(void)class_of("a");
	expect_queue(10, "");
}

static void jobs_that_need_the_same_are_one_row_with_the_first_of_them(
    void **unused)
{
	int plain = class_with("nvme", "slow", "t16", (struct requirement){0});

	(void)unused;
	push(1, class_of("a"));
	push(2, plain);
	push_of(3, plain, 5, 1);
	push(4, plain);
	expect_queue(10,
	    "3 x platform t16, tag nvme, no tag slow: 3\n"
	    "1 x tag a: 1\n");
	expect_queue(1, "3 x platform t16, tag nvme, no tag slow: 3\n");
	scheduler_remove(s, 3);
	scheduler_remove(s, 1);
	expect_queue(10, "2 x platform t16, tag nvme, no tag slow: 2\n");
}

static void what_is_special_is_said(void **unused)
{
	(void)unused;
	machine(7, "m7", "a");
	push(1, quiet_class("q"));
	push(2, pinned_class(7, true));
	push(3, pinned_class(8, false));
	push(4, class_of(""));
	expect_queue(10,
	    "1 x tag q, quiet: 1\n"
	    "1 x machine m7, canary: 2\n"
	    "1 x machine 8: 3\n"
	    "1 x any machine: 4\n");
}

static void what_has_started_is_not_in_it(void **unused)
{
	(void)unused;
	machine(1, "m1", "a");
	push(1, class_of("a"));
	push(2, class_of("a"));
	expect(1, 1);
	expect_queue(10, "1 x tag a: 2\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    with_lab(an_empty_queue_has_no_rows),
	    with_lab(
	        jobs_that_need_the_same_are_one_row_with_the_first_of_them),
	    with_lab(what_is_special_is_said),
	    with_lab(what_has_started_is_not_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
