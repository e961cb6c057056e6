/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts of cells, alone and together in a table. */
#include <math.h>
#include <stdlib.h>

#include "bench/ratio_private.h"

const char *bench_verdict_name(enum bench_verdict verdict)
{
	static const char *const names[] = {
	    [BENCH_UNKNOWN] = "unknown",
	    [BENCH_SAME] = "same",
	    [BENCH_BETTER] = "better",
	    [BENCH_WORSE] = "worse",
	};

	return names[verdict];
}

/* The margin is symmetric in the logarithm, so that swapped arms agree. */
enum bench_verdict bench_verdict(const struct bench_estimate *e, double margin)
{
	if (isnan(e->lo) || isnan(e->hi))
		return BENCH_UNKNOWN;
	if (e->lo >= 1 / (1 + margin) && e->hi <= 1 + margin)
		return BENCH_SAME;
	if (e->lo > 1)
		return BENCH_WORSE;
	return e->hi < 1 ? BENCH_BETTER : BENCH_UNKNOWN;
}

struct place {
	double p;
	size_t i;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

/* From the largest p down: p times the tests over its rank, never rising. */
void bench_adjust(const double *p, size_t n, double *ret)
{
	scoped(free) struct place *by = xcalloc(n ? n : 1, sizeof(by[0]));
	double least = 1;
	size_t tests = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isnan(p[i]))
			by[tests++] = (struct place){p[i], i};
		ret[i] = NAN;
	}
	qsort(by, tests, sizeof(by[0]), compare_places);
	for (size_t rank = tests; rank > 0; rank--) {
		least =
		    fmin(least, by[rank - 1].p * (double)tests / (double)rank);
		ret[by[rank - 1].i] = least;
	}
}

void bench_verdicts(const struct bench_estimate *cells, const double *margins,
    size_t n, double q, enum bench_verdict *ret)
{
	scoped(free) double *p = xcalloc(n ? n : 1, sizeof(p[0]));

	for (size_t i = 0; i < n; i++)
		p[i] = cells[i].p;
	bench_adjust(p, n, p);
	for (size_t i = 0; i < n; i++) {
		ret[i] = bench_verdict(&cells[i], margins[i]);
		if ((ret[i] == BENCH_BETTER || ret[i] == BENCH_WORSE) &&
		    !(p[i] <= q))
			ret[i] = BENCH_UNKNOWN;
	}
}
