/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done with a whole table: pooled, judged, described. */
#include "web/compare_table.h"

#include <math.h>

#include "base/str.h"

#define ALL_MACHINES "all machines"

void compare_table_done(struct compare_table *t)
{
	for (size_t i = 0; i < t->n_machines; i++) {
		free(t->machines[i]);
		free(t->named[i]);
	}
	for (size_t i = 0; i < t->n_places; i++) {
		free(t->places[i].guest);
		free(t->places[i].controller);
	}
	free(t->baseline);
	free(t->candidate);
	free(t->machines);
	free(t->named);
	free(t->places);
	free(t->cells);
	free(t->geomeans);
}

/* From the end: cells come machine by machine. */
size_t compare_row_of(struct compare_table *t, const char *machine)
{
	for (size_t i = t->n_machines; i-- > 0;)
		if (str_eq(t->machines[i], machine))
			return i;
	t->machines =
	    xrealloc(t->machines, t->n_machines + 1, sizeof(t->machines[0]));
	t->named = xrealloc(t->named, t->n_machines + 1, sizeof(t->named[0]));
	t->named[t->n_machines] = NULL;
	t->machines[t->n_machines] = xstrdup(machine);
	return t->n_machines++;
}

size_t compare_place_of(
    struct compare_table *t, const char *guest, const char *controller)
{
	for (size_t i = 0; i < t->n_places; i++)
		if (str_eq(t->places[i].guest, guest) &&
		    str_eq(t->places[i].controller, controller))
			return i;
	t->places = xrealloc(t->places, t->n_places + 1, sizeof(t->places[0]));
	t->places[t->n_places].guest = xstrdup(guest);
	t->places[t->n_places].controller = xstrdup(controller);
	return t->n_places++;
}

/* ---- pools -------------------------------------------------------------- */

/* Where each row and column of a table goes in the one that is pooled. */
struct pool {
	const struct compare_table *from;
	struct compare_table *to;
	size_t *rows;
	size_t *places;
};

static void pool_places(struct pool *p, unsigned by)
{
	const struct compare_table *t = p->from;

	for (size_t y = 0; y < t->n_machines; y++)
		p->rows[y] = compare_row_of(p->to,
		    by & COMPARE_BY_MACHINE ? t->machines[y] : ALL_MACHINES);
	for (size_t y = 0; by & COMPARE_BY_MACHINE && y < t->n_machines; y++)
		p->to->named[p->rows[y]] = xstrdup(t->named[y]);
	for (size_t x = 0; x < t->n_places; x++)
		p->places[x] = compare_place_of(p->to,
		    by & COMPARE_BY_GUEST ? t->places[x].guest : "",
		    by & COMPARE_BY_CONTROLLER ? t->places[x].controller : "");
}

static void pool_cell(const struct pool *p, size_t row, size_t place,
    struct bench_estimate *room, struct compare_cell *ret)
{
	const struct compare_table *t = p->from;
	const struct compare_cell *only = NULL;
	struct bench_column column;
	size_t n = 0;

	for (size_t y = 0; y < t->n_machines; y++) {
		for (size_t x = 0; x < t->n_places; x++) {
			const struct compare_cell *c =
			    &t->cells[y * t->n_places + x];

			if (p->rows[y] != row || p->places[x] != place ||
			    !c->present)
				continue;
			room[n++] = c->estimate;
			only = c;
		}
	}
	if (n == 1)
		*ret = *only;
	if (n < 2)
		return;
	bench_column(room, n, &column);
	*ret = (struct compare_cell){
	    .present = true,
	    .method = COMPARE_POOLED,
	    .n = n,
	    .estimate = {.overhead = column.geomean,
	        .lo = column.lo,
	        .hi = column.hi,
	        .p = NAN,
	        .se = NAN,
	        .df = NAN},
	    .baseline_mean = NAN,
	    .candidate_mean = NAN,
	};
}

void compare_table_pool(struct compare_table *t, unsigned by)
{
	scoped(free) struct bench_estimate *room =
	    xcalloc(t->n_machines * t->n_places, sizeof(room[0]));
	scoped(free) size_t *rows = xcalloc(t->n_machines, sizeof(rows[0]));
	scoped(free) size_t *places = xcalloc(t->n_places, sizeof(places[0]));
	struct compare_table to = {.metric = t->metric,
	    .baseline = xstrdup(t->baseline),
	    .candidate = xstrdup(t->candidate)};
	struct pool p = {t, &to, rows, places};

	if (by == COMPARE_BY_ALL) {
		compare_table_done(&to);
		return;
	}
	pool_places(&p, by);
	to.cells = xcalloc(to.n_machines * to.n_places, sizeof(to.cells[0]));
	for (size_t y = 0; y < to.n_machines; y++)
		for (size_t x = 0; x < to.n_places; x++)
			pool_cell(
			    &p, y, x, room, &to.cells[y * to.n_places + x]);
	compare_table_done(t);
	*t = to;
}

/* ---- verdicts ----------------------------------------------------------- */

/*
 * Benjamini and Hochberg's family is the table. A pooled cell has no p: its
 * interval decides alone, as for a geometric mean.
 */
static void verdicts(struct compare_table *t)
{
	size_t n = t->n_machines * t->n_places;
	scoped(free) struct bench_estimate *e = xcalloc(n, sizeof(e[0]));
	scoped(free) double *margins = xcalloc(n, sizeof(margins[0]));
	scoped(free) enum bench_verdict *v = xcalloc(n, sizeof(v[0]));

	for (size_t i = 0; i < n; i++) {
		e[i] = t->cells[i].estimate;
		if (!t->cells[i].present)
			e[i].overhead = e[i].lo = e[i].hi = e[i].p = NAN;
		margins[i] = t->metric->margin;
	}
	bench_verdicts(e, margins, n, COMPARE_Q, v);
	for (size_t i = 0; i < n; i++) {
		struct compare_cell *c = &t->cells[i];

		c->verdict = v[i];
		if (c->present && c->method == COMPARE_POOLED)
			c->verdict =
			    bench_verdict(&c->estimate, t->metric->margin);
	}
}

static void geomeans(struct compare_table *t)
{
	scoped(free) struct bench_estimate *e =
	    xcalloc(t->n_machines, sizeof(e[0]));

	for (size_t x = 0; x < t->n_places; x++) {
		struct compare_geomean *g = &t->geomeans[x];
		struct bench_estimate mean = {.p = NAN};

		for (size_t y = 0; y < t->n_machines; y++) {
			const struct compare_cell *cell =
			    &t->cells[y * t->n_places + x];

			e[y] = cell->estimate;
			if (!cell->present)
				e[y].overhead = NAN;
		}
		bench_column(e, t->n_machines, &g->column);
		mean.overhead = g->column.geomean;
		mean.lo = g->column.lo;
		mean.hi = g->column.hi;
		g->verdict = bench_verdict(&mean, t->metric->margin);
	}
}

void compare_table_judge(struct compare_table *t)
{
	t->geomeans = xcalloc(t->n_places, sizeof(t->geomeans[0]));
	verdicts(t);
	geomeans(t);
}

/* ---- words -------------------------------------------------------------- */

/* How many values the cells that were measured have, and which. */
struct counts {
	size_t least;
	size_t most;
	size_t by[COMPARE_POOLED + 1]; /* cells, by method */
};

static struct counts count(const struct compare_table *t)
{
	struct counts n = {SIZE_MAX, 0, {0}};

	for (size_t i = 0; i < t->n_machines * t->n_places; i++) {
		const struct compare_cell *cell = &t->cells[i];

		if (!cell->present)
			continue;
		n.by[cell->method]++;
		if (cell->method > COMPARE_WELCH)
			continue;
		n.least = cell->n < n.least ? cell->n : n.least;
		n.most = cell->n > n.most ? cell->n : n.most;
	}
	return n;
}

/* "n = 6 pairs a cell", "n = 4 to 6 pairs a cell"; nothing without cells. */
static void count_text(const struct counts *n, struct buf *to)
{
	size_t measured = n->by[COMPARE_PAIRED] + n->by[COMPARE_WELCH];

	if (!measured)
		return;
	buf_printf(to, "n = %zu", n->least);
	if (n->most > n->least)
		buf_printf(to, " to %zu", n->most);
	buf_printf(to, " %s a cell, ",
	    !n->by[COMPARE_WELCH]       ? "pairs"
	        : n->by[COMPARE_PAIRED] ? "pairs, or values of an arm,"
	                                : "values of each arm");
}

#define CELLS_BYTES 40

/* "1 cell is", "7 cells are" */
static const char *cells_are(size_t n, char to[CELLS_BYTES])
{
	(void)snprintf(
	    to, CELLS_BYTES, "%zu cell%s", n, n == 1 ? " is" : "s are");
	return to;
}

void compare_definition(const struct compare_table *t, struct buf *to)
{
	bool higher = t->metric->direction == BENCH_HIGHER;
	struct counts n = count(t);
	char some[CELLS_BYTES];

	buf_printf(to,
	    "overhead = %s for this %s-is-better metric: above 1 the "
	    "candidate is slower. ",
	    higher ? "baseline/candidate" : "candidate/baseline",
	    bench_direction_name(t->metric->direction));
	if (n.by[COMPARE_SUMMARY])
		buf_printf(to,
		    "%s of imported means, deviations and counts: "
		    "Welch's t by the delta method. ",
		    cells_are(n.by[COMPARE_SUMMARY], some));
	if (n.by[COMPARE_BEST])
		buf_printf(to,
		    "%s of the best of several values: no interval, "
		    "a best has no spread. ",
		    cells_are(n.by[COMPARE_BEST], some));
	if (n.by[COMPARE_PUBLISHED])
		buf_printf(to,
		    "%s as published: no interval, nothing to tell "
		    "noise by. ",
		    cells_are(n.by[COMPARE_PUBLISHED], some));
	if (n.by[COMPARE_POOLED])
		buf_printf(to,
		    "%s pooled: the geometric mean of others, with an interval "
		    "by t over them. ",
		    cells_are(n.by[COMPARE_POOLED], some));
	count_text(&n, to);
	buf_puts(to, "95 % intervals, BH q = .05");
}
