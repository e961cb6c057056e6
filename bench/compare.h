/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What got worse, better or stayed between two sides, as between two runs.
 *
 * Each side has the values of many series, the first side in the place of the
 * baseline: a ratio above 1 says that the second side is slower. What attempts
 * have measured in pairs of the two sides, as two variants of one run, is
 * compared by the paired t; other series by Welch's t, both on logarithms. The
 * verdicts are those of all rows together (Benjamini and Hochberg).
 *
 * Welch's interval knows the spread within the sides only. Two runs are two
 * sessions: what differs between sessions and is no change (a warm room,
 * another layout of a disk) is in the ratio and not in its interval. Pairs were
 * measured in one session.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "bench/cell.h"
#include "bench/metric.h"
#include "bench/ratio.h"

#define BENCH_COMPARE_Q .05 /* false discovery rate of all verdicts */
#define BENCH_COMPARE_VALUES_MAX 4000000
/* More pairs than this are not said: the cap of a plan, not a promise. */
#define BENCH_COMPARE_MORE_MAX 1000

/*
 * Which series. What differs by intent (the variant, where two of them are
 * compared) is left "" on both sides. No string is NULL.
 */
struct bench_key {
	const char *metric;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
};

enum bench_side {
	BENCH_FIRST,
	BENCH_SECOND
};

struct bench_compare_row {
	struct bench_key key;
	enum bench_direction direction;
	double margin;
	bool paired;    /* by the paired t; else by Welch's */
	size_t n[2];    /* values used, by enum bench_side; pairs on both */
	size_t bad[2];  /* left out: not valid, or of no pair that is kept */
	double mean[2]; /* geometric, of the values used: ratio is by them */
	struct bench_estimate estimate; /* p is of this row alone */
	double p_adjusted; /* of all rows; NAN without an interval */
	/*
	 * By Hodges and Lehmann, NAN below 4 values a side and above 250,000
	 * differences; of pairs by Wilcoxon's signed rank. Worth a look where
	 * it disagrees about 1.
	 */
	struct bench_estimate robust;
	bool disagrees;
	enum bench_verdict verdict;
	/*
	 * Unknown: so many more pairs, or values on each side, would decide it,
	 * if ratio and spread stay as they were measured; at most
	 * BENCH_COMPARE_MORE_MAX. 0: it is decided.
	 */
	size_t more;
};

/* What only one side has, or has with values that can be used. */
struct bench_compare_alone {
	struct bench_key key;
	enum bench_side side;
	size_t n;   /* values used; 0: none of them is above 0 */
	size_t bad; /* left out, on this side */
};

struct bench_comparison;

struct bench_comparison *bench_comparison_new(void);
void bench_comparison_free(struct bench_comparison *c);
SCOPED_DEFINE(struct bench_comparison, bench_comparison_free);

/*
 * Adds values of a series, which may come in parts; all is copied. The margin
 * is the metric's: inside it two sides are the same. Errors: INVAL (no
 * direction, or a margin that is not above 0), LIMIT (more than
 * BENCH_COMPARE_VALUES_MAX values).
 */
int bench_comparison_add(struct bench_comparison *c, enum bench_side side,
    const struct bench_key *key, enum bench_direction direction, double margin,
    const double *values, size_t n, struct err *err);
/*
 * The same for what one attempt measured (id above 0), with its place in the
 * design. What it measured of the other side stands beside it. Arms are not
 * looked at.
 */
int bench_comparison_add_attempt(struct bench_comparison *c,
    enum bench_side side, const struct bench_key *key,
    enum bench_direction direction, double margin, int64_t attempt,
    const struct bench_value *values, size_t n, struct err *err);
/*
 * Compares; once, when all is added. Error: INVAL (one metric with two
 * directions or margins: nothing can be said of it).
 */
int bench_comparison_finish(struct bench_comparison *c, struct err *err);

/*
 * Worse, then unknown, same, better; in each the slowest first. Equal ones by
 * key. Borrowed.
 */
const struct bench_compare_row *bench_comparison_rows(
    const struct bench_comparison *c, size_t *ret_n);
/* By key, then by side. Borrowed. */
const struct bench_compare_alone *bench_comparison_alone(
    const struct bench_comparison *c, size_t *ret_n);
/* How many rows have this verdict. */
size_t bench_comparison_count(
    const struct bench_comparison *c, enum bench_verdict verdict);

#endif
