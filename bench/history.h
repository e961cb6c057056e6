/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history of one series as a person wants it: segments, what changed
 * between them and in which commits, new environments, lone spikes.
 *
 * Indices are places in the list of points that was given, so that points
 * which are not valid stay in the picture; nothing is computed from them.
 */
#ifndef BENCH_HISTORY_H
#define BENCH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "bench/changes.h"
#include "bench/metric.h"
#include "bench/ratio.h"

struct bench_point {
	double value; /* a sample, or the mean of those of an attempt */
	int64_t run_id;
	const char *commit; /* "": not known */
	int64_t at_ms;
	/*
	 * What a change of level may come from beside the commits: a line
	 * "key=value" for each fact (kernel, microcode, firmware, guest image,
	 * version of the benchmark), in any order. "": not known, and taken to
	 * be that of the point before.
	 */
	const char *environment;
	bool valid;
};

struct bench_history_options {
	struct bench_changes_options changes; /* environments are not read */
	enum bench_direction direction;
	double margin; /* a change inside it is "same"; 0: none is */
};

/* A stretch of one level: [begin, end), of n points that count. */
struct bench_segment {
	size_t begin;
	size_t end;
	size_t n; /* valid ones that are no spikes */
	double mean;
	double sd;        /* NAN below 2 */
	bool environment; /* a new environment begins here, and no change */
};

struct bench_history_change {
	size_t index; /* the first point of the new level */
	/*
	 * Where it may be as well: a 95 % interval of index, both ends
	 * included. All places whose likelihood ratio against the best one is
	 * below -2 ln(1 - sqrt .95) = 7.35 (Siegmund 1988; Eo and Morley
	 * 2015), on normal scores, neighbours' likeness allowed for.
	 */
	size_t first;
	size_t last;
	double p;      /* NAN: below 1e-4 (maxt; its table ends there) */
	double before; /* means of the segments on both sides */
	double after;
	/*
	 * What it costs: above 1 it is slower from here on. The interval is
	 * Welch's on logarithms, wider where neighbours resemble each other; it
	 * takes the place of the change for granted. All NAN if a value is not
	 * above 0.
	 */
	struct bench_estimate ratio;
	enum bench_verdict verdict; /* worse, better; same: in the margin */
	/*
	 * It came after the one and not later than the other: the commits of
	 * the last point before the interval and of the last one in it. ""
	 * where they are not known. Equal: no commit explains it. Borrowed
	 * from the points.
	 */
	const char *commit_before;
	const char *commit_after;
};

/* One fact of the environment that is another one from a point on. */
struct bench_environment_change {
	size_t index;
	char *key;
	char *before; /* NULL: there was no such key */
	char *after;  /* NULL: there is none any more */
};

struct bench_history {
	struct bench_segment *segments;
	size_t n_segments;
	struct bench_history_change *changes; /* by index */
	size_t n_changes;
	struct bench_environment_change *environments; /* by index, key */
	size_t n_environments;
	size_t *spikes;
	size_t n_spikes;
	size_t suspect; /* as in struct bench_changes; or BENCH_NO_SUSPECT */
};

/*
 * Points are in the order of time; they are borrowed for as long as the
 * history lives. Errors: INVAL (an option out of its range, no direction, a
 * valid value that is not finite, an environment that is not of such lines),
 * LIMIT (over BENCH_CHANGES_MAX points).
 */
int bench_history(const struct bench_point *points, size_t n,
    const struct bench_history_options *opts, struct bench_history **ret,
    struct err *err);
void bench_history_free(struct bench_history *h);
SCOPED_DEFINE(struct bench_history, bench_history_free);

/*
 * An environment as far as `over` tells of it, and beyond that as `text` does:
 * both as in struct bench_point. Caller frees.
 */
char *bench_environment_with(const char *text, const char *over);

/*
 * What of the environment of an attempt a series of this guest was measured in:
 * all but the facts "guest.NAME" and "tool.TOOL.NAME" of other guests; its own
 * "tool.TOOL.NAME" takes the place of "tool.TOOL". Nor is "hypervisor.NAME" in
 * it, which older texts have: it is what is measured. Caller frees.
 */
char *bench_environment_of(const char *text, const char *guest);

/*
 * Which of the changes of many series are to be believed together: those whose
 * p, adjusted by Benjamini and Hochberg, is at most q. A p that is NAN counts
 * as BENCH_ALPHA_LEAST. tests: how many scans there were, found or not; at
 * least one for each series, and two more for each change. Returns how many.
 */
size_t bench_history_believe(
    const double *p, size_t n, size_t tests, double q, bool *ret);

#endif
