/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two sides compared series by series. All parts are one list, which is sorted
 * once, so that each series is one stretch of it, and each attempt one of that.
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
#define ROBUST_PAIRS_MAX 700 /* a quarter of a million Walsh averages */

/* What one call has added; its values are at[0..n) of all values. */
struct part {
	struct bench_key key;
	char *text; /* the strings of the key */
	enum bench_side side;
	enum bench_direction direction;
	double margin;
	int64_t attempt; /* 0: of none */
	size_t at;
	size_t n;
	size_t number; /* in the order of adding, which sorting keeps */
};

struct bench_comparison {
	struct part *parts;
	size_t n_parts;
	size_t cap_parts;
	struct bench_value *values;
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

/* Room for n more values. */
static struct bench_value *add_room(struct bench_comparison *c, size_t n)
{
	struct bench_value *room;

	while (c->n_values + n > c->cap_values) {
		c->cap_values = c->cap_values ? 2 * c->cap_values : 1024;
		c->values =
		    xrealloc(c->values, c->cap_values, sizeof(c->values[0]));
	}
	room = c->values ? c->values + c->n_values : NULL;
	c->n_values += n;
	return room;
}

static int check_part(const struct bench_comparison *c,
    const struct bench_key *key, enum bench_direction direction, double margin,
    size_t n, struct err *err)
{
	if (direction != BENCH_HIGHER && direction != BENCH_LOWER)
		return err_set(
		    err, ERR_INVAL, "%s: no direction given", key->metric);
	if (!(margin > 0 && isfinite(margin)))
		return err_set(err, ERR_INVAL, "%s: margin %g; must be above 0",
		    key->metric, margin);
	if (n > BENCH_COMPARE_VALUES_MAX - c->n_values)
		return err_set(err, ERR_LIMIT, "more than %d values to compare",
		    BENCH_COMPARE_VALUES_MAX);
	return 0;
}

int bench_comparison_add_attempt(struct bench_comparison *c,
    enum bench_side side, const struct bench_key *key,
    enum bench_direction direction, double margin, int64_t attempt,
    const struct bench_value *values, size_t n, struct err *err)
{
	int r = check_part(c, key, direction, margin, n, err);
	struct part *p;

	if (r < 0)
		return r;
	if (c->n_parts == c->cap_parts) {
		c->cap_parts = c->cap_parts ? 2 * c->cap_parts : 64;
		c->parts =
		    xrealloc(c->parts, c->cap_parts, sizeof(c->parts[0]));
	}
	p = &c->parts[c->n_parts];
	*p = (struct part){.side = side,
	    .direction = direction,
	    .margin = margin,
	    .attempt = attempt,
	    .at = c->n_values,
	    .n = n,
	    .number = c->n_parts++};
	p->text = key_copy(key, &p->key);
	if (n)
		memcpy(add_room(c, n), values, n * sizeof(values[0]));
	return 0;
}

int bench_comparison_add(struct bench_comparison *c, enum bench_side side,
    const struct bench_key *key, enum bench_direction direction, double margin,
    const double *values, size_t n, struct err *err)
{
	scoped(free) struct bench_value *v = NULL;
	int r = check_part(c, key, direction, margin, n, err);

	if (r < 0)
		return r;
	v = xcalloc(n ? n : 1, sizeof(v[0]));
	for (size_t i = 0; i < n; i++)
		v[i] = (struct bench_value){
		    .pair = -1, .valid = true, .value = values[i]};
	return bench_comparison_add_attempt(
	    c, side, key, direction, margin, 0, v, n, err);
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
		r = (a->attempt > b->attempt) - (a->attempt < b->attempt);
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

static void arms_init(const struct part *parts, size_t n, struct arm (*ret)[2])
{
	size_t most[2] = {1, 1};

	for (size_t i = 0; i < n; i++)
		most[parts[i].side] += parts[i].n;
	for (int s = 0; s < 2; s++)
		(*ret)[s] = (struct arm){
		    xcalloc(most[s], sizeof(double)), 0, most[s] - 1};
}

static void use(struct arm *a, double x)
{
	a->v[a->n++] = x;
	a->bad--;
}

static bool is_good(const struct bench_value *v)
{
	return v->valid && isfinite(v->value) && v->value > 0;
}

/* All of parts [0, n), which are of one series. */
static void collect(const struct bench_comparison *c, const struct part *parts,
    size_t n, struct arm (*arms)[2])
{
	for (size_t i = 0; i < n; i++) {
		const struct bench_value *v = c->values + parts[i].at;

		for (size_t k = 0; k < parts[i].n; k++)
			if (is_good(&v[k]))
				use(&(*arms)[parts[i].side], v[k].value);
	}
}

/* ---- pairs ----------------------------------------------------------- */

/* Is a side there at all, be it with no value that can be used? */
static bool has_side(const struct part *parts, size_t n, enum bench_side side)
{
	for (size_t i = 0; i < n; i++)
		if (parts[i].side == side)
			return true;
	return false;
}

/* Parts of the attempt that begin at the first one. */
static size_t attempt_parts(const struct part *parts, size_t n)
{
	size_t i = 1;

	while (i < n && parts[i].attempt == parts[0].attempt)
		i++;
	return i;
}

/* The pairs of one attempt; false if something of it has no place in one. */
static bool collect_attempt(const struct bench_comparison *c,
    const struct part *parts, size_t n, struct arm (*arms)[2])
{
	struct arm *a = *arms;
	size_t n_values = 0;
	size_t kept;
	scoped(free) struct bench_value *v = NULL;
	scoped(free) double *pairs = NULL;

	for (size_t i = 0; i < n; i++)
		n_values += parts[i].n;
	v = xcalloc(n_values + 1, sizeof(v[0]));
	pairs = xcalloc(n_values + 2, sizeof(pairs[0]));
	n_values = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parts[i].n; k++) {
			v[n_values] = c->values[parts[i].at + k];
			v[n_values].valid = is_good(&v[n_values]);
			v[n_values++].arm = parts[i].side == BENCH_FIRST
			    ? BENCH_BASELINE
			    : BENCH_CANDIDATE;
		}
	if (!bench_cell_pairs(v, n_values, pairs, &kept))
		return false;
	for (size_t i = 0; i < kept; i++) {
		use(&a[BENCH_FIRST], pairs[2 * i]);
		use(&a[BENCH_SECOND], pairs[2 * i + 1]);
	}
	return true;
}

/*
 * The pairs of all attempts that have both sides. False if there is none, or
 * one of them did not measure in pairs: then nothing is compared in pairs.
 */
static bool collect_pairs(const struct bench_comparison *c,
    const struct part *parts, size_t n, struct arm (*arms)[2])
{
	bool some = false;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = attempt_parts(parts + i, n - i);
		if (!parts[i].attempt ||
		    !has_side(parts + i, len, BENCH_FIRST) ||
		    !has_side(parts + i, len, BENCH_SECOND))
			continue;
		if (!collect_attempt(c, parts + i, len, arms))
			return false;
		some = true;
	}
	return some;
}

/* ---- rows ------------------------------------------------------------ */

static double mean(const struct arm *a)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < a->n; i++)
		bench_moments_add(&m, log(a->v[i]));
	return exp(m.mean);
}

/* None of it can fail: the values are good, and not too many. */
static void estimate(struct bench_compare_row *row, const struct bench_arms *a)
{
	ratio_unknown(&row->robust);
	if (row->paired) {
		(void)bench_ratio_paired(a, &row->estimate, NULL);
		if (a->n_baseline <= ROBUST_PAIRS_MAX)
			(void)bench_ratio_signed_rank(a, &row->robust, NULL);
		return;
	}
	(void)bench_ratio_welch(a, &row->estimate, NULL);
	if (a->n_baseline <= ROBUST_MAX / a->n_candidate)
		(void)bench_ratio_hodges_lehmann(a, &row->robust, NULL);
}

static void row_fill(struct bench_compare_row *row, const struct arm arms[2])
{
	struct bench_arms a = {arms[BENCH_FIRST].v, arms[BENCH_FIRST].n,
	    arms[BENCH_SECOND].v, arms[BENCH_SECOND].n, row->direction};

	estimate(row, &a);
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

static void add_series(
    struct bench_comparison *c, const struct part *parts, size_t n)
{
	scoped_val(arms_done) struct arm arms[2] = {{NULL, 0, 0}};
	struct bench_compare_row *row = &c->rows[c->n_rows];
	bool paired;

	arms_init(parts, n, &arms);
	paired = collect_pairs(c, parts, n, &arms);
	if (!paired) {
		arms_done(&arms);
		arms_init(parts, n, &arms);
		collect(c, parts, n, &arms);
	}
	if (arms[BENCH_FIRST].n && arms[BENCH_SECOND].n) {
		*row = (struct bench_compare_row){.key = parts[0].key,
		    .direction = parts[0].direction,
		    .margin = parts[0].margin,
		    .paired = paired};
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

/*
 * Of a single value, or a pair's ratio: ln of the estimate has the variance
 * s2 (1/n + 1/m), or s2 / n.
 */
static double sd_of(const struct bench_compare_row *row)
{
	double parts =
	    1 / (double)row->n[0] + (row->paired ? 0 : 1 / (double)row->n[1]);

	return row->estimate.se / sqrt(parts);
}

static size_t needed(
    const struct bench_compare_row *row, double half_width, double level)
{
	return row->paired ? ratio_needed_pairs(sd_of(row), half_width, level)
	                   : ratio_needed(sd_of(row), half_width, level);
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
	size_t least = SIZE_MAX;

	/* One value on a side: a second one gives an interval. */
	if (isnan(sd_of(row)))
		return 1;
	if (room > 0)
		least = needed(row, room, BENCH_ALPHA);
	if (d > 0) {
		size_t other = needed(row, d, level);

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
