/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state folder full of numbers: what tables and histories are read from. */
#ifndef TESTS_BENCH_NUMBERS_H
#define TESTS_BENCH_NUMBERS_H

#include "tests/bench/bench.h"

enum {
	NUMBERS_METRICS = 7,
	NUMBERS_PLACES = 2 * 2, /* guests x controllers */
	NUMBERS_PAIRS = 10,     /* of a cell and attempt */
	NUMBERS_STEP_MS = 1000000
};
#define NUMBERS_SINCE_MS 1700000000000 /* the first run */

/*
 * Each machine has a benchmark a run: every metric in every place, two
 * variants in pairs. The same size gives the same numbers.
 */
struct numbers {
	char *dir;
	int64_t machines;
	int64_t runs;
	double made_s; /* 0: it was there already */
};
/* Writes it in dir as the daemon does, or takes the one that is there. */
int numbers_make(const char *dir, int64_t machines, int64_t runs,
    struct numbers *ret, struct err *err);
void numbers_done(struct numbers *n);
int64_t numbers_cells(const struct numbers *n);
/* Of two series a cell: rows, and values of samples. */
int64_t numbers_points(const struct numbers *n);
/* Bytes of the database file. */
int64_t numbers_bytes(const struct numbers *n);

#endif
