/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Since when? Changes of level in the history of one series.
 *
 * Two detectors. BENCH_MAXT is the default: the maximum of two-sample t over
 * all splits, on normal scores, corrected for autocorrelation; by binary
 * segmentation. It says a wrong change in at most 3 of 100 quiet histories.
 * BENCH_OTAVA finds what Apache Otava finds, for those who compare.
 */
#ifndef BENCH_CHANGES_H
#define BENCH_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

enum bench_detector {
	BENCH_MAXT,
	BENCH_OTAVA
};

#define BENCH_CHANGES_MAX 100000
#define BENCH_ALPHA_LEAST 1e-4
#define BENCH_ALPHA_MOST .05
#define BENCH_WINDOW_MAX 500
#define BENCH_LEVEL_LEAST 5 /* maxt: points of a level */

struct bench_changes_options {
	enum bench_detector detector;
	double alpha;         /* maxt: BENCH_ALPHA_LEAST to .._MOST */
	size_t window;        /* otava: 2 to BENCH_WINDOW_MAX */
	double max_pvalue;    /* otava: above 0, at most 1 */
	double min_magnitude; /* otava: least relative change, from 0 */
	/*
	 * Where a new environment begins (kernel, firmware, guest image,
	 * benchmark): indices, rising. What differs across such a place is no
	 * change. Borrowed.
	 */
	const size_t *environments;
	size_t n_environments;
	bool no_spikes; /* they are not looked for */
};

/* Otava's own defaults, and alpha .01. */
#define BENCH_CHANGES_DEFAULTS                               \
	{                                                    \
		BENCH_MAXT, .01, 50, .001, 0, NULL, 0, false \
	}

struct bench_level {
	double mean;
	size_t n;
};

struct bench_change {
	size_t index; /* the first point of the new level, from 0 */
	double p;     /* NAN: below 1e-4 (maxt; its table ends there) */
	/*
	 * To compare changes of many series with: p, or below 1e-4 an upper
	 * bound of it (Bonferroni's, of t at as many splits), and not less than
	 * the chance that the ranks of so few points fall apart like that.
	 */
	double p_bound;
	struct bench_level before; /* up to the change or border before it */
	struct bench_level after;
	double ratio; /* after / before; NAN if before is 0 */
};

#define BENCH_NO_SUSPECT ((size_t)-1)

struct bench_changes {
	struct bench_change *changes; /* by index */
	size_t n_changes;
	/*
	 * Points far from their level, which are no change: modified z above
	 * 5, |x - median| / (1.4826 MAD) (Iglewicz and Hoaglin 1993).
	 */
	size_t *spikes;
	size_t n_spikes;
	/*
	 * Where the series ends with spikes to the same side, too few yet for
	 * a level: the first of them. Measure again at once. Else
	 * BENCH_NO_SUSPECT.
	 */
	size_t suspect;
	size_t n_scans; /* tests that were made, whatever they found */
};

/*
 * Finds the changes of n values in the order of time. Errors: INVAL (an option
 * out of its range, a value that is not finite), LIMIT (over
 * BENCH_CHANGES_MAX values).
 */
int bench_changes(const double *x, size_t n,
    const struct bench_changes_options *opts, struct bench_changes **ret,
    struct err *err);
void bench_changes_free(struct bench_changes *c);
SCOPED_DEFINE(struct bench_changes, bench_changes_free);

#endif
