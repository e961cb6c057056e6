/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two sides compared series by series. All parts are one list, which is sorted
 * once, so that each series is one stretch of it, its first side first.
 */
#include "bench/compare.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/ratio_private.h"

/* Differences of a row: with more values, ranks tell nothing that t does not.
 */
#define ROBUST_MAX 250000

/* What one call has added; its values are at[0..n) of all values. */
struct part {
	struct bench_key key;
	char *text; /* the strings of the key */
	enum bench_side side;
	enum bench_direction direction;
	double margin;
	size_t at;
	size_t n;
	size_t number; /* in the order of adding, which sorting keeps */
};

struct bench_comparison {
	struct part *parts;
	size_t n_parts;
	size_t cap_parts;
	double *values;
	size_t n_values;
	size_t cap_values;
	struct bench_compare_row *rows;
	size_t n_rows;
	struct bench_compare_alone *alone;
	size_t n_alone;
};

struct bench_comparison *bench_comparison_new(void)
{
	return xcalloc(1, sizeof(struct bench_comparison));
}

void bench_comparison_free(struct bench_comparison *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_parts; i++)
		free(c->parts[i].text);
	free(c->parts);
	free(c->values);
	free(c->rows);
	free(c->alone);
	free(c);
}

/* ---- adding ---------------------------------------------------------- */

static const char *put(char **at, const char *s)
{
	size_t size = strlen(s) + 1;
	const char *begin = memcpy(*at, s, size);

	*at += size;
	return begin;
}

/* A copy of the key in one piece of memory, which the caller frees. */
static char *key_copy(const struct bench_key *k, struct bench_key *ret)
{
	size_t size = strlen(k->metric) + strlen(k->machine) +
	    strlen(k->variant) + strlen(k->guest) + strlen(k->controller) + 5;
	char *text = xcalloc(size, 1);
	char *at = text;

	ret->metric = put(&at, k->metric);
	ret->machine = put(&at, k->machine);
	ret->variant = put(&at, k->variant);
	ret->guest = put(&at, k->guest);
	ret->controller = put(&at, k->controller);
	return text;
}

static void add_values(
    struct bench_comparison *c, const double *values, size_t n)
{
	while (c->n_values + n > c->cap_values) {
		c->cap_values = c->cap_values ? 2 * c->cap_values : 1024;
		c->values =
		    xrealloc(c->values, c->cap_values, sizeof(c->values[0]));
	}
	if (n)
		memcpy(c->values + c->n_values, values, n * sizeof(values[0]));
	c->n_values += n;
}

int bench_comparison_add(struct bench_comparison *c, enum bench_side side,
    const struct bench_key *key, enum bench_direction direction, double margin,
    const double *values, size_t n, struct err *err)
{
	struct part *p;

	if (direction != BENCH_HIGHER && direction != BENCH_LOWER)
		return err_set(
		    err, ERR_INVAL, "%s: no direction given", key->metric);
	if (!(margin > 0 && isfinite(margin)))
		return err_set(err, ERR_INVAL, "%s: margin %g; must be above 0",
		    key->metric, margin);
	if (n > BENCH_COMPARE_VALUES_MAX - c->n_values)
		return err_set(err, ERR_LIMIT, "more than %d values to compare",
		    BENCH_COMPARE_VALUES_MAX);
	if (c->n_parts == c->cap_parts) {
		c->cap_parts = c->cap_parts ? 2 * c->cap_parts : 64;
		c->parts =
		    xrealloc(c->parts, c->cap_parts, sizeof(c->parts[0]));
	}
	p = &c->parts[c->n_parts];
	*p = (struct part){.side = side,
	    .direction = direction,
	    .margin = margin,
	    .at = c->n_values,
	    .n = n,
	    .number = c->n_parts++};
	p->text = key_copy(key, &p->key);
	add_values(c, values, n);
	return 0;
}

/* ---- order ----------------------------------------------------------- */

static int compare_keys(const struct bench_key *a, const struct bench_key *b)
{
	int r = strcmp(a->metric, b->metric);

	if (!r)
		r = strcmp(a->machine, b->machine);
	if (!r)
		r = strcmp(a->variant, b->variant);
	if (!r)
		r = strcmp(a->guest, b->guest);
	return r ? r : strcmp(a->controller, b->controller);
}

static int compare_parts(const void *va, const void *vb)
{
	const struct part *a = va;
	const struct part *b = vb;
	int r = compare_keys(&a->key, &b->key);

	if (!r)
		r = (a->side > b->side) - (a->side < b->side);
	return r ? r : (a->number > b->number) - (a->number < b->number);
}

/* The places of verdicts in the list: what needs a person comes first. */
static int place_of(enum bench_verdict v)
{
	static const int places[] = {
	    [BENCH_WORSE] = 0,
	    [BENCH_UNKNOWN] = 1,
	    [BENCH_SAME] = 2,
	    [BENCH_BETTER] = 3,
	};

	return places[v];
}

static int compare_rows(const void *va, const void *vb)
{
	const struct bench_compare_row *a = va;
	const struct bench_compare_row *b = vb;
	double x = a->estimate.overhead;
	double y = b->estimate.overhead;
	int r = place_of(a->verdict) - place_of(b->verdict);

	if (!r)
		r = (y > x) - (y < x);
	return r ? r : compare_keys(&a->key, &b->key);
}

/* ---- one series ------------------------------------------------------ */

/* The values of a side that can be used. */
struct arm {
	double *v;
	size_t n;
	size_t bad;
};

static void arms_done(struct arm (*arms)[2])
{
	free((*arms)[BENCH_FIRST].v);
	free((*arms)[BENCH_SECOND].v);
}

/* Those of parts [0, n), which are of one series. */
static void collect(const struct bench_comparison *c, const struct part *parts,
    size_t n, struct arm arms[2])
{
	size_t most[2] = {1, 1};

	for (size_t i = 0; i < n; i++)
		most[parts[i].side] += parts[i].n;
	for (int s = 0; s < 2; s++)
		arms[s] = (struct arm){xcalloc(most[s], sizeof(double)), 0, 0};
	for (size_t i = 0; i < n; i++) {
		struct arm *a = &arms[parts[i].side];

		for (size_t k = 0; k < parts[i].n; k++) {
			double x = c->values[parts[i].at + k];

			if (isfinite(x) && x > 0)
				a->v[a->n++] = x;
			else
				a->bad++;
		}
	}
}

static double mean(const struct arm *a)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < a->n; i++)
		bench_moments_add(&m, a->v[i]);
	return m.mean;
}

static void row_fill(struct bench_compare_row *row, const struct arm arms[2])
{
	struct bench_arms a = {arms[BENCH_FIRST].v, arms[BENCH_FIRST].n,
	    arms[BENCH_SECOND].v, arms[BENCH_SECOND].n, row->direction};

	/* Neither can fail: the values are good, and not too many. */
	(void)bench_ratio_welch(&a, &row->estimate, NULL);
	ratio_unknown(&row->robust);
	if (a.n_baseline <= ROBUST_MAX / a.n_candidate)
		(void)bench_ratio_hodges_lehmann(&a, &row->robust, NULL);
	row->disagrees = bench_ratio_disagrees(&row->estimate, &row->robust);
	for (int s = 0; s < 2; s++) {
		row->n[s] = arms[s].n;
		row->bad[s] = arms[s].bad;
		row->mean[s] = mean(&arms[s]);
	}
}

static void add_alone(struct bench_comparison *c, const struct bench_key *key,
    enum bench_side side, const struct arm *a)
{
	c->alone[c->n_alone++] =
	    (struct bench_compare_alone){*key, side, a->n, a->bad};
}

/* Is a side there at all, be it with no value that can be used? */
static bool has_side(const struct part *parts, size_t n, enum bench_side side)
{
	return parts[0].side == side || parts[n - 1].side == side;
}

static void add_series(
    struct bench_comparison *c, const struct part *parts, size_t n)
{
	scoped_val(arms_done) struct arm arms[2] = {{NULL, 0, 0}};
	struct bench_compare_row *row = &c->rows[c->n_rows];

	collect(c, parts, n, arms);
	if (arms[BENCH_FIRST].n && arms[BENCH_SECOND].n) {
		*row = (struct bench_compare_row){.key = parts[0].key,
		    .direction = parts[0].direction,
		    .margin = parts[0].margin};
		row_fill(row, arms);
		c->n_rows++;
		return;
	}
	for (int s = 0; s < 2; s++)
		if (has_side(parts, n, (enum bench_side)s))
			add_alone(
			    c, &parts[0].key, (enum bench_side)s, &arms[s]);
}

/* ---- all together ---------------------------------------------------- */

/* Of a single value: ln of the estimate has the variance s2 (1/n + 1/m). */
static double sd_of(const struct bench_compare_row *row)
{
	double parts = 1 / (double)row->n[0] + 1 / (double)row->n[1];

	return row->estimate.se / sqrt(parts);
}

/*
 * Undecided rows become decided in one of two ways: the interval shrinks into
 * the margin, or away from 1. The second one is a test among many, which must
 * reach the level that the next discovery has.
 */
static size_t more_of(const struct bench_compare_row *row, double level)
{
	size_t n = row->n[0] < row->n[1] ? row->n[0] : row->n[1];
	double d = fabs(log(row->estimate.overhead));
	double room = log1p(row->margin) - d;
	double sd = sd_of(row);
	size_t least = SIZE_MAX;

	/* One value on a side: a second one gives an interval. */
	if (isnan(sd))
		return 1;
	if (room > 0)
		least = ratio_needed(sd, room, BENCH_ALPHA);
	if (d > 0) {
		size_t other = ratio_needed(sd, d, level);

		least = other < least ? other : least;
	}
	if (least > n && least - n > BENCH_COMPARE_MORE_MAX)
		return BENCH_COMPARE_MORE_MAX;
	return least > n ? least - n : 1;
}

static void judge(struct bench_comparison *c)
{
	size_t n = c->n_rows;
	scoped(free) struct bench_estimate *e = xcalloc(n + 1, sizeof(e[0]));
	scoped(free) double *margins = xcalloc(n + 1, sizeof(margins[0]));
	scoped(free) double *p = xcalloc(n + 1, sizeof(p[0]));
	scoped(free) enum bench_verdict *v = xcalloc(n + 1, sizeof(v[0]));
	size_t tests = 0;
	size_t discoveries = 0;

	for (size_t i = 0; i < n; i++) {
		e[i] = c->rows[i].estimate;
		margins[i] = c->rows[i].margin;
		p[i] = e[i].p;
		tests += isnan(p[i]) ? 0 : 1;
	}
	bench_verdicts(e, margins, n, BENCH_COMPARE_Q, v);
	bench_adjust(p, n, p);
	for (size_t i = 0; i < n; i++)
		discoveries += p[i] <= BENCH_COMPARE_Q;
	for (size_t i = 0; i < n; i++) {
		struct bench_compare_row *row = &c->rows[i];
		double level = discoveries < tests ? BENCH_COMPARE_Q *
		        (double)(discoveries + 1) / (double)tests
		                                   : BENCH_COMPARE_Q;

		row->verdict = v[i];
		row->p_adjusted = p[i];
		row->more = v[i] == BENCH_UNKNOWN ? more_of(row, level) : 0;
	}
}

/* Sorted by metric first: one with two meanings stands side by side. */
static int check(const struct bench_comparison *c, struct err *err)
{
	for (size_t i = 1; i < c->n_parts; i++) {
		const struct part *a = &c->parts[i - 1];
		const struct part *b = &c->parts[i];

		if (strcmp(a->key.metric, b->key.metric) != 0)
			continue;
		if (a->direction != b->direction)
			return err_set(err, ERR_INVAL,
			    "%s: higher is better in one place and lower in "
			    "another",
			    a->key.metric);
		if (a->margin < b->margin || a->margin > b->margin)
			return err_set(err, ERR_INVAL,
			    "%s: two margins, %g and %g", a->key.metric,
			    a->margin, b->margin);
	}
	return 0;
}

int bench_comparison_finish(struct bench_comparison *c, struct err *err)
{
	size_t first = 0;
	int r;

	if (c->n_parts)
		qsort(c->parts, c->n_parts, sizeof(c->parts[0]), compare_parts);
	r = check(c, err);
	if (r < 0)
		return r;
	c->rows = xcalloc(c->n_parts + 1, sizeof(c->rows[0]));
	c->alone = xcalloc(c->n_parts + 1, sizeof(c->alone[0]));
	for (size_t i = 1; i <= c->n_parts; i++) {
		if (i < c->n_parts &&
		    !compare_keys(&c->parts[i].key, &c->parts[first].key))
			continue;
		add_series(c, c->parts + first, i - first);
		first = i;
	}
	judge(c);
	if (c->n_rows)
		qsort(c->rows, c->n_rows, sizeof(c->rows[0]), compare_rows);
	return 0;
}

/* ---- reading --------------------------------------------------------- */

const struct bench_compare_row *bench_comparison_rows(
    const struct bench_comparison *c, size_t *ret_n)
{
	*ret_n = c->n_rows;
	return c->rows;
}

const struct bench_compare_alone *bench_comparison_alone(
    const struct bench_comparison *c, size_t *ret_n)
{
	*ret_n = c->n_alone;
	return c->alone;
}

size_t bench_comparison_count(
    const struct bench_comparison *c, enum bench_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_rows; i++)
		n += c->rows[i].verdict == verdict;
	return n;
}
