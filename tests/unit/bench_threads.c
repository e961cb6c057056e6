/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statistics in eight threads at once, under the thread sanitizer: starts
 * bench_threads_work, which is built with it. It runs without randomized
 * addresses, which the sanitizer cannot always live with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define DEADLINE_S 200

/* The status of the program; it is ended after the deadline. */
static int work(const char *argument)
{
	const char *build = getenv("IB_BUILDDIR");
	scoped(free) char *path =
	    xasprintf("%s/tests/unit/bench_threads_work", build ? build : ".");
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* Where it is refused, the sanitizer says what it needs. */
		(void)personality(ADDR_NO_RANDOMIZE);
		(void)alarm(DEADLINE_S);
		execl(path, path, argument, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void eight_threads_compute_what_one_does_without_a_race(void **state)
{
	int status = work(NULL);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/*
 * Only the sanitizer sees it: no thread's sum depends on it. Other sanitizers
 * exclude this one, and then there is nothing to show.
 */
#ifndef IB_SANITIZED
static void a_race_would_be_seen(void **state)
{
	int status;

	(void)state;
	status = work("race");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 66);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        eight_threads_compute_what_one_does_without_a_race),
#ifndef IB_SANITIZED
	    cmocka_unit_test(a_race_would_be_seen),
#endif
	};

	return cmocka_run_group_tests_name("bench_threads", tests, NULL, NULL);
}
