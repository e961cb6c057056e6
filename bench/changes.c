/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Change points: environments are cut apart, a detector looks at each, and what
 * it found is described. Spikes are looked for last, each against its level.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/changes_private.h"
#include "bench/order.h"

#define SPIKE_Z 5
#define MAD_TO_SD 1.4826          /* of a normal law */
#define DEVIATION_TO_SD 1.2533141 /* sqrt(pi / 2) */

void found_add(struct found *f, size_t index, double p, double p_bound)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		f->v = xrealloc(f->v, f->cap, sizeof(f->v[0]));
	}
	f->v[f->n++] =
	    (struct bench_change){.index = index, .p = p, .p_bound = p_bound};
}

double changes_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	if (isfinite(sum))
		return sum / (double)n;
	/* The sum is too large, and the mean is not. */
	sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i] / (double)n;
	return sum;
}

/* ---- options --------------------------------------------------------- */

static int check_options(const struct bench_changes_options *o, struct err *err)
{
	/* Written so that NAN is refused, too. */
	if (o->detector == BENCH_MAXT &&
	    !(o->alpha >= BENCH_ALPHA_LEAST && o->alpha <= BENCH_ALPHA_MOST))
		return err_set(err, ERR_INVAL,
		    "alpha: %g; must be from %g to %g", o->alpha,
		    BENCH_ALPHA_LEAST, BENCH_ALPHA_MOST);
	if (o->detector != BENCH_OTAVA)
		return 0;
	if (o->window < 2 || o->window > BENCH_WINDOW_MAX)
		return err_set(err, ERR_INVAL,
		    "window: %zu; must be from 2 to %d", o->window,
		    BENCH_WINDOW_MAX);
	if (!(o->max_pvalue > 0 && o->max_pvalue <= 1))
		return err_set(err, ERR_INVAL,
		    "largest p: %g; must be above 0 and at most 1",
		    o->max_pvalue);
	if (!(o->min_magnitude >= 0 && isfinite(o->min_magnitude)))
		return err_set(err, ERR_INVAL,
		    "least magnitude: %g; must be at least 0",
		    o->min_magnitude);
	return 0;
}

static int check(const double *x, size_t n,
    const struct bench_changes_options *o, struct err *err)
{
	if (n > BENCH_CHANGES_MAX)
		return err_set(err, ERR_LIMIT, "%zu values; at most %d", n,
		    BENCH_CHANGES_MAX);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return err_set(
			    err, ERR_INVAL, "value %zu is %g", i, x[i]);
	for (size_t i = 0; i < o->n_environments; i++)
		if (o->environments[i] >= n ||
		    (i && o->environments[i] <= o->environments[i - 1]))
			return err_set(err, ERR_INVAL,
			    "environment %zu begins at %zu; must rise and be "
			    "below %zu",
			    i, o->environments[i], n);
	return check_options(o, err);
}

/* ---- spikes ---------------------------------------------------------- */

static void swap(double *a, double *b)
{
	double t = *a;

	*a = *b;
	*b = t;
}

/*
 * Puts the k-th smallest in its place, no larger ones before it (Hoare's FIND
 * 1961). Pivots are drawn, always alike: no order of values is a bad one.
 */
static void put_kth(double *x, size_t n, size_t k)
{
	struct bench_random r = {n};
	size_t from = 0;
	size_t to = n;

	while (to - from > 1) {
		double pivot = x[from + bench_random_next(&r) % (to - from)];
		size_t less = from; /* [from, less) is below the pivot */
		size_t more = to;   /* [more, to) is above */

		for (size_t i = from; i < more;) {
			if (x[i] < pivot)
				swap(&x[i++], &x[less++]);
			else if (x[i] > pivot)
				swap(&x[i], &x[--more]);
			else
				i++;
		}
		if (k >= less && k < more)
			return;
		if (k < less)
			to = less;
		else
			from = more;
	}
}

/* Reorders x. */
static double median_of(double *x, size_t n)
{
	double below;

	put_kth(x, n, n / 2);
	if (n % 2)
		return x[n / 2];
	below = x[0];
	for (size_t i = 1; i < n / 2; i++)
		below = fmax(below, x[i]);
	return (below + x[n / 2]) / 2;
}

/* What is to be used as the standard deviation of a level; 0 if constant. */
static double robust_sd(const double *x, size_t n, double median, double *tmp)
{
	double mad;

	for (size_t i = 0; i < n; i++)
		tmp[i] = fabs(x[i] - median);
	mad = median_of(tmp, n);
	/* More than half are equal: the mean deviation knows of the others. */
	return mad > 0 ? MAD_TO_SD * mad
	               : DEVIATION_TO_SD * changes_mean(tmp, n);
}

/* Marks the spikes of one level in z: above 0, below 0, or 0. */
static void mark_spikes(const double *x, size_t n, double *tmp, int *z)
{
	double median;
	double sd;

	if (n < BENCH_LEVEL_LEAST)
		return;
	memcpy(tmp, x, n * sizeof(x[0]));
	median = median_of(tmp, n);
	sd = robust_sd(x, n, median, tmp);
	for (size_t i = 0; sd > 0 && i < n; i++)
		if (fabs(x[i] - median) > SPIKE_Z * sd)
			z[i] = x[i] > median ? 1 : -1;
}

static void collect_spikes(const int *z, size_t n, struct bench_changes *c)
{
	size_t begin = n;

	for (size_t i = 0; i < n; i++)
		c->n_spikes += z[i] != 0;
	c->spikes = xcalloc(c->n_spikes ? c->n_spikes : 1, sizeof(size_t));
	for (size_t i = 0, at = 0; i < n; i++)
		if (z[i])
			c->spikes[at++] = i;
	while (begin > 0 && z[begin - 1] && z[begin - 1] == z[n - 1])
		begin--;
	c->suspect = begin < n ? begin : BENCH_NO_SUSPECT;
}

/* ---- levels ---------------------------------------------------------- */

/* Where levels begin: changes and environments; the last one is n. */
struct borders {
	size_t *v;
	size_t n;
};

static int compare_sizes(const void *a, const void *b)
{
	const size_t *x = a;
	const size_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void borders_init(struct borders *b, const struct found *f, size_t n,
    const struct bench_changes_options *o)
{
	b->v = xcalloc(f->n + o->n_environments + 2, sizeof(b->v[0]));
	b->v[b->n++] = 0;
	for (size_t i = 0; i < f->n; i++)
		b->v[b->n++] = f->v[i].index;
	for (size_t i = 0; i < o->n_environments; i++)
		b->v[b->n++] = o->environments[i];
	b->v[b->n++] = n;
	qsort(b->v, b->n, sizeof(b->v[0]), compare_sizes);
}

static struct bench_level level(const double *x, size_t from, size_t to)
{
	return (struct bench_level){
	    changes_mean(x + from, to - from), to - from};
}

/* The changes stand among the borders, in the same order. */
static void describe(const double *x, const struct borders *b, struct found *f)
{
	for (size_t i = 0, at = 1; i < f->n; i++) {
		struct bench_change *c = &f->v[i];

		while (b->v[at] < c->index)
			at++;
		c->before = level(x, b->v[at - 1], b->v[at]);
		c->after = level(x, b->v[at], b->v[at + 1]);
		c->ratio = c->before.mean != 0 ? c->after.mean / c->before.mean
		                               : (double)NAN;
	}
}

static void find_spikes(const double *x, size_t n, const struct borders *b,
    struct bench_changes *ret)
{
	scoped(free) double *tmp = xcalloc(n ? n : 1, sizeof(tmp[0]));
	scoped(free) int *z = xcalloc(n ? n : 1, sizeof(z[0]));

	for (size_t i = 0; i + 1 < b->n; i++)
		mark_spikes(
		    x + b->v[i], b->v[i + 1] - b->v[i], tmp, z + b->v[i]);
	collect_spikes(z, n, ret);
}

/* ---- changes --------------------------------------------------------- */

static int compare_changes(const void *a, const void *b)
{
	const struct bench_change *x = a;
	const struct bench_change *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static void detect(const double *x, size_t n,
    const struct bench_changes_options *o, struct found *f)
{
	size_t from = 0;

	for (size_t i = 0; i <= o->n_environments; i++) {
		size_t to = i < o->n_environments ? o->environments[i] : n;
		size_t first = f->n;

		if (o->detector == BENCH_OTAVA)
			changes_otava(x + from, to - from, o, f);
		else
			changes_maxt(x + from, to - from, o->alpha, f);
		for (size_t k = first; k < f->n; k++)
			f->v[k].index += from;
		from = to;
	}
	if (f->n)
		qsort(f->v, f->n, sizeof(f->v[0]), compare_changes);
}

int bench_changes(const double *x, size_t n,
    const struct bench_changes_options *opts, struct bench_changes **ret,
    struct err *err)
{
	struct found f = {NULL, 0, 0, 0};
	struct borders b = {NULL, 0};
	struct bench_changes *c;
	int r = check(x, n, opts, err);

	if (r < 0)
		return r;
	c = xcalloc(1, sizeof(*c));
	detect(x, n, opts, &f);
	borders_init(&b, &f, n, opts);
	describe(x, &b, &f);
	c->suspect = BENCH_NO_SUSPECT;
	if (!opts->no_spikes)
		find_spikes(x, n, &b, c);
	free(b.v);
	c->changes = f.v;
	c->n_changes = f.n;
	c->n_scans = f.n_scans;
	*ret = c;
	return 0;
}

void bench_changes_free(struct bench_changes *c)
{
	if (!c)
		return;
	free(c->changes);
	free(c->spikes);
	free(c);
}
