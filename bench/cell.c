/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which values of an attempt are compared, and how. Invariant: sums know
 * nothing of the order in which they came, but for rounding; the values of one
 * attempt are sorted first, so that there it changes no bit.
 */
#include "bench/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "bench/order.h"
#include "bench/spec.h"

bool bench_is_placebo(const char *baseline, const char *candidate)
{
	size_t n = strlen(baseline);

	return strncmp(baseline, candidate, n) == 0 &&
	    str_eq(candidate + n, BENCH_PLACEBO);
}

bool bench_is_placebo_name(const char *variant)
{
	return str_ends(variant, BENCH_PLACEBO);
}

/* ---- one attempt --------------------------------------------------------- */

static int compare_values(const void *va, const void *vb)
{
	const struct bench_value *a = va;
	const struct bench_value *b = vb;
	int r = (a->pair > b->pair) - (a->pair < b->pair);

	if (!r)
		r = (a->arm > b->arm) - (a->arm < b->arm);
	if (!r)
		r = b->valid - a->valid;
	/* What is not valid may be no number. */
	return r || !a->valid ? r
	                      : (a->value > b->value) - (a->value < b->value);
}

/* A copy in order, without pairs that are too many; caller frees. */
static struct bench_value *sorted(
    const struct bench_value *values, size_t n, size_t *ret_n)
{
	struct bench_value *v = xcalloc(n ? n : 1, sizeof(v[0]));
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (values[i].pair < BENCH_CELL_PAIRS_MAX)
			v[k++] = values[i];
	qsort(v, k, sizeof(v[0]), compare_values);
	*ret_n = k;
	return v;
}

/* True if every value has its place in a pair, and no two the same. */
static bool is_paired(const struct bench_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pair < 0 ||
		    (i && v[i - 1].pair == v[i].pair &&
		        v[i - 1].arm == v[i].arm))
			return false;
	return true;
}

/* True if a whole pair begins with the i-th value. */
static bool is_whole(const struct bench_value *v, size_t n, size_t i)
{
	return i + 1 < n && v[i].pair == v[i + 1].pair && v[i].valid &&
	    v[i + 1].valid;
}

/* ---- its design ---------------------------------------------------------- */

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

static void design_read(struct design *d, const struct bench_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool begins = v[i].position == 0;
		bool is_baseline = v[i].arm == BENCH_BASELINE;

		d->order[v[i].pair] =
		    begins == is_baseline ? BENCH_BC : BENCH_CB;
		d->known[v[i].pair] = true;
		if (is_whole(v, n, i))
			d->failed[v[i].pair] = false;
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

/*
 * The pairs of sorted values that are kept: baseline, candidate, baseline ..;
 * ret has room for n. Returns how many pairs.
 */
static size_t kept_pairs(const struct bench_value *v, size_t n, double *ret)
{
	scoped_val(design_done) struct design d = {0};
	size_t kept = 0;

	if (!n)
		return 0;
	design_init(&d, (size_t)v[n - 1].pair + 1);
	design_read(&d, v, n);
	for (size_t i = 0; i < n; i++) {
		if (!is_whole(v, n, i) || !d.keep[v[i].pair])
			continue;
		/* The baseline comes first. */
		ret[2 * kept] = v[i].value;
		ret[2 * kept++ + 1] = v[i + 1].value;
	}
	return kept;
}

bool bench_cell_pairs(
    const struct bench_value *values, size_t n, double *ret, size_t *ret_n)
{
	scoped(free) struct bench_value *v = sorted(values, n, &n);

	if (!is_paired(v, n))
		return false;
	*ret_n = kept_pairs(v, n, ret);
	return true;
}

static void add_pairs(
    struct bench_cell *c, const struct bench_value *v, size_t n)
{
	scoped(free) double *pairs = xcalloc(n + 1, sizeof(pairs[0]));
	size_t kept = kept_pairs(v, n, pairs);

	for (size_t i = 0; i < kept; i++) {
		double baseline = pairs[2 * i];
		double candidate = pairs[2 * i + 1];

		bench_moments_add(&c->pairs, log(baseline) - log(candidate));
		c->ln_baseline += log(baseline);
	}
}

/* ---- sums ---------------------------------------------------------------- */

void bench_cell_add(
    struct bench_cell *c, const struct bench_value *values, size_t n)
{
	scoped(free) struct bench_value *v = sorted(values, n, &n);

	for (size_t i = 0; i < n; i++)
		if (v[i].valid)
			bench_moments_add(&c->ln[v[i].arm], log(v[i].value));
	if (!is_paired(v, n))
		c->unpaired = true;
	else
		add_pairs(c, v, n);
}

void bench_cell_merge(struct bench_cell *c, const struct bench_cell *other)
{
	bench_moments_merge(&c->pairs, &other->pairs);
	c->ln_baseline += other->ln_baseline;
	for (int arm = 0; arm < 2; arm++)
		bench_moments_merge(&c->ln[arm], &other->ln[arm]);
	c->unpaired = c->unpaired || other->unpaired;
}

/* As ln_baseline, of the other arm. */
static double ln_candidate(const struct bench_cell *c)
{
	return c->ln_baseline - (double)c->pairs.n * c->pairs.mean;
}

void bench_cell_swap(struct bench_cell *c)
{
	const struct bench_cell was = *c;

	c->pairs.mean = -was.pairs.mean;
	c->ln_baseline = ln_candidate(&was);
	for (int arm = 0; arm < 2; arm++)
		c->ln[arm] = was.ln[!arm];
}

/* ---- what they say ------------------------------------------------------- */

bool bench_cell_estimate(const struct bench_cell *c,
    enum bench_direction direction, struct bench_cell_result *ret)
{
	const struct bench_moments *b = &c->ln[BENCH_BASELINE];
	const struct bench_moments *k = &c->ln[BENCH_CANDIDATE];

	if (c->unpaired ? !b->n || !k->n : !c->pairs.n)
		return false;
	*ret = (struct bench_cell_result){.paired = !c->unpaired};
	if (ret->paired) {
		ret->n = c->pairs.n;
		bench_ratio_pair_moments(&c->pairs, direction, &ret->estimate);
	} else {
		ret->n = b->n < k->n ? b->n : k->n;
		bench_ratio_moments(b, k, direction, &ret->estimate);
	}
	if (ret->paired) {
		ret->mean[BENCH_BASELINE] =
		    exp(c->ln_baseline / (double)ret->n);
		ret->mean[BENCH_CANDIDATE] =
		    exp(ln_candidate(c) / (double)ret->n);
	} else {
		ret->mean[BENCH_BASELINE] = exp(b->mean);
		ret->mean[BENCH_CANDIDATE] = exp(k->mean);
	}
	return true;
}
