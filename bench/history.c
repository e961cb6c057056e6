/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From points to a history: those that are not valid are set aside, changes of
 * the environment cut the rest, a detector looks at each piece, and what it
 * found is described in the places of the points that were given.
 */
#include "bench/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/changes_private.h"
#include "bench/history_private.h"
#include "bench/ratio_private.h"

/* The points that count, in their order. */
struct series {
	const struct bench_point *points;
	size_t n_points;
	double *x;
	size_t *at; /* place among the points */
	bool *spike;
	size_t n;
	size_t *cuts; /* where environments begin, in the series */
	size_t n_cuts;
};

static void series_done(struct series *s)
{
	free(s->x);
	free(s->at);
	free(s->spike);
	free(s->cuts);
}

static void series_init(
    struct series *s, const struct bench_point *points, size_t n)
{
	s->points = points;
	s->n_points = n;
	s->x = xcalloc(n + 1, sizeof(s->x[0]));
	s->at = xcalloc(n + 1, sizeof(s->at[0]));
	s->spike = xcalloc(n + 1, sizeof(s->spike[0]));
	s->cuts = xcalloc(n + 1, sizeof(s->cuts[0]));
	for (size_t i = 0; i < n; i++) {
		if (!points[i].valid)
			continue;
		s->x[s->n] = points[i].value;
		s->at[s->n++] = i;
	}
}

/* Compares the environments of neighbours; fills in the cuts. */
static int find_environments(
    struct series *s, struct bench_history *h, struct err *err)
{
	const char *last = "";
	struct bench_environment_change **list = &h->environments;

	for (size_t i = 0; i < s->n; i++) {
		const char *now = s->points[s->at[i]].environment;
		size_t before = h->n_environments;
		int r;

		if (!*now || strcmp(now, last) == 0)
			continue;
		/* The first one is compared with itself: only to be checked. */
		r = environment_compare(*last ? last : now, now, s->at[i], list,
		    &h->n_environments, err);
		if (r < 0)
			return r;
		if (h->n_environments > before)
			s->cuts[s->n_cuts++] = i;
		last = now;
	}
	return 0;
}

/* ---- segments -------------------------------------------------------- */

/* Moments of what counts in [from, to) of the series, and of its logs. */
static void moments(const struct series *s, size_t from, size_t to,
    struct bench_moments *x, struct bench_moments *ln)
{
	for (size_t i = from; i < to; i++) {
		if (s->spike[i])
			continue;
		bench_moments_add(x, s->x[i]);
		/* NAN or infinite below 0, and the ratio is not known then. */
		bench_moments_add(ln, log(s->x[i]));
	}
}

static void add_segment(const struct series *s, size_t from, size_t to,
    bool environment, struct bench_history *h)
{
	struct bench_moments x = {0, 0, 0};
	struct bench_moments ln = {0, 0, 0};

	moments(s, from, to, &x, &ln);
	h->segments[h->n_segments++] =
	    (struct bench_segment){.begin = from ? s->at[from] : 0,
	        .end = to < s->n ? s->at[to] : s->n_points,
	        .n = x.n,
	        .mean = x.mean,
	        .sd = sqrt(bench_moments_variance(&x)),
	        .environment = environment};
}

/* Fills in where levels begin in the series; the last one is its end. */
static size_t find_borders(
    const struct series *s, const struct bench_changes *c, size_t *ret)
{
	size_t n = 0;
	size_t cut = 0;
	size_t change = 0;

	ret[n++] = 0;
	while (cut < s->n_cuts || change < c->n_changes) {
		size_t a = cut < s->n_cuts ? s->cuts[cut] : s->n;
		size_t b =
		    change < c->n_changes ? c->changes[change].index : s->n;

		cut += a <= b;
		change += b <= a;
		ret[n++] = a < b ? a : b;
	}
	ret[n++] = s->n;
	return n;
}

/* ---- changes --------------------------------------------------------- */

/* rho: neighbours resemble each other, and tell less than their number. */
static void ratio_of(const struct series *s, const size_t border[3],
    enum bench_direction direction, double rho,
    struct bench_history_change *ret)
{
	struct bench_estimate *e = &ret->ratio;
	struct bench_moments x[2] = {{0}, {0}};
	struct bench_moments ln[2] = {{0}, {0}};

	moments(s, border[0], border[1], &x[0], &ln[0]);
	moments(s, border[1], border[2], &x[1], &ln[1]);
	ret->before = x[0].mean;
	ret->after = x[1].mean;
	ratio_unknown(e);
	if (!isfinite(ln[0].mean) || !isfinite(ln[1].mean))
		return;
	bench_ratio_moments(&ln[0], &ln[1], direction, e);
	ratio_by_t(ratio_sign(direction) * (ln[0].mean - ln[1].mean),
	    e->se * sqrt((1 + rho) / (1 - rho)), e->df, e);
}

static enum bench_verdict verdict_of(const struct bench_history_change *c,
    enum bench_direction direction, double margin)
{
	double d = log(c->ratio.overhead);
	bool rises = c->after > c->before;

	if (fabs(d) <= log1p(margin))
		return BENCH_SAME;
	/* The means tell it even where there is no ratio. */
	return rises == (direction == BENCH_HIGHER) ? BENCH_BETTER
	                                            : BENCH_WORSE;
}

/* The border in the middle is the change. */
static struct bench_history_change describe(const struct series *s,
    const struct bench_change *found, const size_t border[3],
    const struct bench_history_options *o)
{
	struct bench_history_change c = {.p = found->p};
	struct changes_place place;

	changes_place(s->x + border[0], border[2] - border[0],
	    border[1] - border[0], &place);
	c.index = s->at[found->index];
	c.first = s->at[border[0] + place.first];
	c.last = s->at[border[0] + place.last];
	c.commit_before = s->points[s->at[border[0] + place.first - 1]].commit;
	c.commit_after = s->points[c.last].commit;
	ratio_of(s, border, o->direction, place.rho, &c);
	c.verdict = verdict_of(&c, o->direction, o->margin);
	return c;
}

/* ---- all ------------------------------------------------------------- */

static void take_spikes(
    struct series *s, const struct bench_changes *c, struct bench_history *h)
{
	h->spikes = xcalloc(c->n_spikes + 1, sizeof(h->spikes[0]));
	h->n_spikes = c->n_spikes;
	for (size_t i = 0; i < c->n_spikes; i++) {
		s->spike[c->spikes[i]] = true;
		h->spikes[i] = s->at[c->spikes[i]];
	}
	h->suspect = c->suspect == BENCH_NO_SUSPECT ? BENCH_NO_SUSPECT
	                                            : s->at[c->suspect];
}

static void fill(const struct series *s, const struct bench_changes *c,
    const struct bench_history_options *o, struct bench_history *h)
{
	scoped(free) size_t *border =
	    xcalloc(s->n_cuts + c->n_changes + 2, sizeof(border[0]));
	size_t n = s->n ? find_borders(s, c, border) : 0;
	size_t cut = 0;

	h->segments = xcalloc(n + 1, sizeof(h->segments[0]));
	h->changes = xcalloc(c->n_changes + 1, sizeof(h->changes[0]));
	for (size_t i = 0; i + 1 < n; i++) {
		bool environment = cut < s->n_cuts && s->cuts[cut] == border[i];

		cut += environment;
		add_segment(s, border[i], border[i + 1], environment, h);
		if (i == 0 || environment)
			continue;
		h->changes[h->n_changes] =
		    describe(s, &c->changes[h->n_changes], &border[i - 1], o);
		h->n_changes++;
	}
}

static int check(const struct bench_history_options *o, struct err *err)
{
	if (o->direction != BENCH_HIGHER && o->direction != BENCH_LOWER)
		return err_set(err, ERR_INVAL, "direction: none given");
	if (!(o->margin >= 0 && isfinite(o->margin)))
		return err_set(err, ERR_INVAL, "margin: %g; must be at least 0",
		    o->margin);
	return 0;
}

static int build(struct series *s, const struct bench_history_options *opts,
    struct bench_history *h, struct err *err)
{
	scoped(bench_changes_free) struct bench_changes *c = NULL;
	struct bench_changes_options o = opts->changes;
	int r = find_environments(s, h, err);

	o.environments = s->cuts;
	o.n_environments = s->n_cuts;
	if (r == 0)
		r = bench_changes(s->x, s->n, &o, &c, err);
	if (r < 0)
		return r;
	take_spikes(s, c, h);
	fill(s, c, opts, h);
	return 0;
}

int bench_history(const struct bench_point *points, size_t n,
    const struct bench_history_options *opts, struct bench_history **ret,
    struct err *err)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	scoped_val(series_done) struct series s = {0};
	int r = check(opts, err);

	if (r < 0)
		return r;
	if (n > BENCH_CHANGES_MAX)
		return err_set(err, ERR_LIMIT, "%zu points; at most %d", n,
		    BENCH_CHANGES_MAX);
	h = xcalloc(1, sizeof(*h));
	series_init(&s, points, n);
	r = build(&s, opts, h, err);
	if (r < 0)
		return r;
	*ret = take(h);
	return 0;
}

void bench_history_free(struct bench_history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_environments; i++) {
		free(h->environments[i].key);
		free(h->environments[i].before);
		free(h->environments[i].after);
	}
	free(h->environments);
	free(h->segments);
	free(h->changes);
	free(h->spikes);
	free(h);
}

size_t bench_history_believe(
    const double *p, size_t n, size_t tests, double q, bool *ret)
{
	size_t all = tests > n ? tests : n;
	scoped(free) double *adjusted = xcalloc(all + 1, sizeof(adjusted[0]));
	size_t believed = 0;

	/* Scans that found nothing have some p above all of these. */
	for (size_t i = 0; i < all; i++)
		adjusted[i] = i >= n ? 1
		    : isnan(p[i])    ? BENCH_ALPHA_LEAST
		                     : p[i];
	bench_adjust(adjusted, all, adjusted);
	for (size_t i = 0; i < n; i++) {
		ret[i] = adjusted[i] <= q;
		believed += ret[i];
	}
	return believed;
}
