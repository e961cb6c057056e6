/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which values of a cell are compared, and how. Invariant: what is compared in
 * pairs has as many pairs that began with the baseline as the design had,
 * unless there was no pair of the opposite order left to drop.
 */
#include "web/compare_cell.h"

struct arms {
	double *values[2]; /* by enum compare_arm */
	size_t n[2];
};

static void arms_init(struct arms *a, size_t most)
{
	*a = (struct arms){{xcalloc(most ? most : 1, sizeof(double)),
	                       xcalloc(most ? most : 1, sizeof(double))},
	    {0, 0}};
}

static void arms_done(struct arms *a)
{
	free(a->values[COMPARE_BASELINE]);
	free(a->values[COMPARE_CANDIDATE]);
}

static void arms_add(struct arms *a, const struct compare_point *p)
{
	a->values[p->arm][a->n[p->arm]++] = p->value;
}

static double mean(const double *x, size_t n)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < n; i++)
		bench_moments_add(&m, x[i]);
	return m.mean;
}

/* ---- pairs -------------------------------------------------------------- */

static bool same_pair(
    const struct compare_point *a, const struct compare_point *b)
{
	return a->attempt_id == b->attempt_id && a->pair == b->pair;
}

/* True if every value has its place in a pair, and no two the same. */
static bool is_paired(const struct compare_point *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].pair < 0 ||
		    (i && same_pair(&p[i - 1], &p[i]) &&
		        p[i - 1].arm == p[i].arm))
			return false;
	return n > 0;
}

/* True if a whole pair begins with the i-th point. */
static bool is_whole(const struct compare_point *p, size_t n, size_t i)
{
	return i + 1 < n && same_pair(&p[i], &p[i + 1]) && p[i].valid &&
	    p[i + 1].valid;
}

/* The order of each pair, and which of them failed. */
struct design {
	size_t n;
	enum bench_pair *order;
	bool *known;
	bool *failed;
	bool *keep;
};

static void design_init(struct design *d, size_t n)
{
	*d = (struct design){n, xcalloc(n, sizeof(d->order[0])),
	    xcalloc(n, sizeof(bool)), xcalloc(n, sizeof(bool)),
	    xcalloc(n, sizeof(bool))};
	for (size_t i = 0; i < n; i++)
		d->failed[i] = true;
}

static void design_done(struct design *d)
{
	free(d->order);
	free(d->known);
	free(d->failed);
	free(d->keep);
}

static void design_read(
    struct design *d, const struct compare_point *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool begins = p[i].position == 0;
		bool is_baseline = p[i].arm == COMPARE_BASELINE;

		d->order[p[i].pair] =
		    begins == is_baseline ? BENCH_BC : BENCH_CB;
		d->known[p[i].pair] = true;
		if (is_whole(p, n, i))
			d->failed[p[i].pair] = false;
	}
	/* Of a pair without any value: not as the other half of its block. */
	for (size_t i = 0; i < d->n; i++) {
		size_t other = i ^ 1;

		if (d->known[i])
			continue;
		d->order[i] = i % 2 ? BENCH_CB : BENCH_BC;
		if (other < d->n && d->known[other])
			d->order[i] =
			    d->order[other] == BENCH_BC ? BENCH_CB : BENCH_BC;
	}
	(void)bench_order_keep(d->order, d->failed, d->n, d->keep);
}

/* The points of one attempt. */
static void add_pairs(struct arms *to, const struct compare_point *p, size_t n)
{
	scoped_val(design_done) struct design d = {0};

	design_init(&d, (size_t)p[n - 1].pair + 1);
	design_read(&d, p, n);
	for (size_t i = 0; i < n; i++) {
		if (!is_whole(p, n, i) || !d.keep[p[i].pair])
			continue;
		arms_add(to, &p[i]);
		arms_add(to, &p[i + 1]);
	}
}

static void add_attempts(
    struct arms *to, const struct compare_point *p, size_t n)
{
	size_t first = 0;

	for (size_t i = 1; i <= n; i++) {
		if (i < n && p[i].attempt_id == p[first].attempt_id)
			continue;
		add_pairs(to, p + first, i - first);
		first = i;
	}
}

/* ---- the cell ----------------------------------------------------------- */

void compare_cell(const struct compare_point *points, size_t n,
    enum bench_direction direction, struct compare_cell *ret)
{
	scoped_val(arms_done) struct arms a = {{NULL, NULL}, {0, 0}};
	struct bench_arms arms;
	int r;

	*ret = (struct compare_cell){.method = COMPARE_WELCH};
	arms_init(&a, n);
	if (is_paired(points, n)) {
		ret->method = COMPARE_PAIRED;
		add_attempts(&a, points, n);
	} else {
		for (size_t i = 0; i < n; i++)
			if (points[i].valid)
				arms_add(&a, &points[i]);
	}
	arms = (struct bench_arms){
	    a.values[0], a.n[0], a.values[1], a.n[1], direction};
	r = ret->method == COMPARE_PAIRED
	    ? bench_ratio_paired(&arms, &ret->estimate, NULL)
	    : bench_ratio_welch(&arms, &ret->estimate, NULL);
	/* An arm without values: there is nothing to compare. */
	if (r < 0)
		return;
	ret->present = true;
	ret->n = a.n[0] < a.n[1] ? a.n[0] : a.n[1];
	ret->baseline_mean = mean(a.values[0], a.n[0]);
	ret->candidate_mean = mean(a.values[1], a.n[1]);
}
