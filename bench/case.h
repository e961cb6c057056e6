/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How one test case ended. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

enum case_result {
	CASE_PASS = 1,
	CASE_FAIL = 2,
	CASE_SKIP = 3
};

#endif
