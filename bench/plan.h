/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many pairs to measure, and how small a difference a machine can show.
 *
 * Pairs are measured until the interval is narrow enough or a cap is reached,
 * both fixed in advance. Neither the ratio nor its p has a say: who stops when
 * a result pleases has no interval any more.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "bench/ratio.h"

#define BENCH_PLAN_BLOCK 2 /* pairs of an ABBA block */
#define BENCH_PLAN_LEAST 6 /* with fewer, stopping costs coverage */
#define BENCH_PLAN_MOST 1000

/*
 * In a specification: "pairs": {"margin": .01, "least": 6, "most": 40} in the
 * place of a fixed number of blocks. Its blocks are bench_order(most, seed),
 * of which as many are measured as the plan asks for.
 */
struct bench_plan {
	double margin; /* .01: stop at an interval of +- 1 % */
	size_t least;  /* even, from BENCH_PLAN_LEAST */
	size_t most;   /* the cap, failed pairs included; even, from least */
};

enum bench_plan_state {
	BENCH_PLAN_MORE,
	BENCH_PLAN_NARROW, /* the interval is narrow enough */
	BENCH_PLAN_CAP,    /* it is not, and there will be no more */
};

/* "more", "narrow", "cap". */
const char *bench_plan_state_name(enum bench_plan_state state);

struct bench_plan_step {
	enum bench_plan_state state;
	size_t next; /* pairs to measure now, in whole blocks; 0: stop */
	/* Of the 95 % interval so far, as a ratio less 1; NAN below 2 pairs. */
	double half_width;
	/*
	 * Pairs in the end, if the spread stays as it is; at most the cap. For
	 * a person who waits: it is no promise.
	 */
	size_t expected;
};

/*
 * What to do after n good pairs, in the order of measurement, of the `tried`
 * that were measured or failed. Narrow enough is: half the interval of the
 * paired t is at most ln(1 + margin) with the last block and without it. That
 * one more block keeps the interval honest, as it is not chosen by the noise
 * that ended the others (after Stein 1945; Chow and Robbins 1965).
 * Errors: INVAL (a plan that is none, a value that is not finite, fewer tried
 * than good).
 */
int bench_plan_next(const struct bench_plan *plan, const double *ln_ratios,
    size_t n, size_t tried, struct bench_plan_step *ret, struct err *err);

/* ---- placebos -------------------------------------------------------- */

struct bench_noise_floor {
	size_t sessions; /* of two pairs or more; others are left out */
	size_t pairs;
	/*
	 * The ratio of equals: its interval holds 1, unless the order or the
	 * machine favours one arm. Sessions are the replicates; with a single
	 * one, its pairs are. NAN without a session.
	 */
	struct bench_estimate ratio;
	double sd;        /* of one ln ratio, within sessions */
	size_t for_pairs; /* of a comparison; 0 without a session */
	/*
	 * Half of the interval that so many pairs have here: what is smaller
	 * cannot be seen. As a ratio less 1.
	 */
	double half_width;
	/* Sessions whose own interval leaves 1 out; 5 in 100 are expected. */
	size_t alarms;
	double alarm_rate;
	double alarm_lo; /* its 95 % interval (Wilson 1927) */
	double alarm_hi;
	bool too_often; /* more alarms than honest intervals have by chance */
};

/*
 * The noise floor of a machine, for comparisons of `for_pairs` pairs; 0: of as
 * many as a session has on the average; at least 2. Each session is the moments
 * of the ln ratios of its pairs. What cannot be known is NAN.
 */
void bench_noise_floor(const struct bench_moments *sessions, size_t n,
    size_t for_pairs, struct bench_noise_floor *ret);

/*
 * One sentence for a person: what cannot be seen, and whether the intervals of
 * this machine can be trusted. Nothing without a session.
 */
void bench_noise_text(const struct bench_noise_floor *floor, struct buf *to);

#endif
