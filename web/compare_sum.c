/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what was collected to finished tables. All values are one list, which
 * is sorted once, so that each cell is one stretch of it; what is known
 * without values is merged with what they sum up to.
 */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/compare_private.h"
#include "web/compare_table.h"

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_places(const struct point *a, const struct point *b)
{
	int r = compare_sizes(a->table, b->table);

	if (!r)
		r = compare_sizes(a->row, b->row);
	if (!r)
		r = compare_sizes(a->place, b->place);
	return r;
}

static int compare_points(const void *va, const void *vb)
{
	const struct point *a = va;
	const struct point *b = vb;
	int r = compare_places(a, b);

	if (!r)
		r = (a->attempt_id > b->attempt_id) -
		    (a->attempt_id < b->attempt_id);
	return r;
}

/* "metric: machine, guest controller: why"; takes ownership. */
static void note_cell(struct compare *c, const struct compare_table *t,
    size_t row, size_t place, char *why)
{
	const struct compare_place *p = &t->places[place];

	compare_note(c,
	    xasprintf("%s: %s, %s%s%s: %s", t->metric->name, t->machines[row],
	        p->guest, *p->controller ? " " : "", p->controller, why));
	free(why);
}

static void note_absent(struct compare *c, const struct compare_table *t,
    const struct bench_cell *cell, size_t row, size_t place)
{
	bool baseline = cell->ln[BENCH_BASELINE].n > 0;
	bool candidate = cell->ln[BENCH_CANDIDATE].n > 0;

	note_cell(c, t, row, place,
	    baseline == candidate ? xstrdup("no valid values of both variants")
	                          : xasprintf("no valid values of %s",
	                                baseline ? t->candidate : t->baseline));
}

/* Of a cell's points; they have no logarithm, and their lack is a bias. */
static void note_zeros(struct compare *c, const struct compare_table *t,
    const struct point *p, size_t n)
{
	size_t zeros = 0;

	for (size_t i = 0; i < n; i++)
		zeros += isfinite(p[i].value.value) && p[i].value.value <= 0;
	if (zeros)
		note_cell(c, t, p->row, p->place,
		    xasprintf("%zu of %zu values are 0 or less: left out, the "
		              "ratio is of the others",
		        zeros, n));
}

void compare_grids_free(struct compare *c)
{
	for (size_t i = 0; c->grids && i < c->n_tables; i++) {
		free(c->grids[i].cells);
		free(c->grids[i].known);
	}
	free(c->grids);
	c->grids = NULL;
}

/* The points of one cell, attempt by attempt. */
static void cell_sum(const struct point *p, size_t n, struct bench_cell *ret)
{
	scoped(free) struct bench_value *values = xcalloc(n, sizeof(values[0]));
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		values[k++] = p[i].value;
		if (i + 1 < n && p[i + 1].attempt_id == p[i].attempt_id)
			continue;
		bench_cell_add(ret, values, k);
		k = 0;
	}
}

static void points_sum(struct compare *c, struct grid *grids)
{
	const struct point *p = c->points;
	size_t first = 0;

	for (size_t i = 1; i <= c->n_points; i++) {
		const struct compare_table *t = &c->tables[p[first].table];
		struct grid *g = &grids[p[first].table];
		size_t at = p[first].row * t->n_places + p[first].place;

		if (i < c->n_points && !compare_places(&p[i], &p[first]))
			continue;
		g->known[at] = true;
		cell_sum(p + first, i - first, &g->cells[at]);
		note_zeros(c, t, p + first, i - first);
		first = i;
	}
}

static void grids_make(struct compare *c)
{
	c->grids = xcalloc(c->n_tables ? c->n_tables : 1, sizeof(c->grids[0]));
	for (size_t i = 0; i < c->n_tables; i++) {
		const struct compare_table *t = &c->tables[i];
		size_t n = t->n_machines * t->n_places;

		c->grids[i].cells = xcalloc(n, sizeof(c->grids[i].cells[0]));
		c->grids[i].known = xcalloc(n, sizeof(c->grids[i].known[0]));
	}
	if (!c->n_points)
		return;
	qsort(c->points, c->n_points, sizeof(c->points[0]), compare_points);
	points_sum(c, c->grids);
}

static void cell_compute(const struct bench_cell *sums,
    enum bench_direction direction, struct compare_cell *ret)
{
	struct bench_cell_result r;

	if (!bench_cell_estimate(sums, direction, &r))
		return;
	*ret = (struct compare_cell){.present = true,
	    .method = r.paired ? COMPARE_PAIRED : COMPARE_WELCH,
	    .n = r.n,
	    .estimate = r.estimate,
	    .baseline_mean = r.mean[BENCH_BASELINE],
	    .candidate_mean = r.mean[BENCH_CANDIDATE]};
}

static void cells_compute(
    struct compare *c, struct compare_table *t, const struct grid *g)
{
	size_t n = t->n_machines * t->n_places;

	t->cells = xcalloc(n, sizeof(t->cells[0]));
	for (size_t i = 0; i < n; i++) {
		if (!g->known[i])
			continue;
		cell_compute(&g->cells[i], t->metric->direction, &t->cells[i]);
		if (!t->cells[i].present)
			note_absent(c, t, &g->cells[i], i / t->n_places,
			    i % t->n_places);
	}
}

static struct bench_cell *cell_of(const struct compare *c, const struct sums *s)
{
	const struct compare_table *t = &c->tables[s->table];

	return &c->grids[s->table].cells[s->row * t->n_places + s->place];
}

/* One part without pairs makes all of its cell one without. */
int compare_fill(
    struct compare *c, compare_fill_fn *fill, void *arg, struct err *err)
{
	int r = 0;

	grids_make(c);
	for (size_t i = 0; i < c->n_sums; i++)
		if (c->sums[i].cell.unpaired)
			cell_of(c, &c->sums[i])->unpaired = true;
	for (size_t i = 0; r == 0 && i < c->n_sums; i++) {
		struct sums *s = &c->sums[i];

		if (!s->cell.unpaired && cell_of(c, s)->unpaired)
			r = fill(arg, s->baseline_id, s->candidate_id, &s->cell,
			    err);
	}
	return r;
}

static void sums_merge(struct compare *c)
{
	for (size_t i = 0; i < c->n_sums; i++) {
		const struct sums *s = &c->sums[i];
		struct grid *g = &c->grids[s->table];
		struct bench_cell *cell = cell_of(c, s);

		g->known[cell - g->cells] = true;
		bench_cell_merge(cell, &s->cell);
	}
}

/* Published ratios, where nothing was measured. */
static void publish(struct compare *c)
{
	for (size_t i = 0; i < c->n_published; i++) {
		const struct published *p = &c->published[i];
		struct compare_table *t = &c->tables[p->table];
		struct compare_cell *cell =
		    &t->cells[p->row * t->n_places + p->place];

		if (cell->present && cell->method != COMPARE_PUBLISHED) {
			compare_note(c,
			    xasprintf("%s: %s: a published ratio is left out, "
			              "it was measured, too",
			        t->metric->name, t->machines[p->row]));
			continue;
		}
		*cell = (struct compare_cell){
		    .present = true,
		    .method = COMPARE_PUBLISHED,
		    .estimate = {.overhead = p->overhead,
		        .lo = NAN,
		        .hi = NAN,
		        .p = NAN,
		        .se = NAN,
		        .df = NAN},
		    .baseline_mean = NAN,
		    .candidate_mean = NAN,
		    .printed = p->printed,
		};
	}
}

/* Those that are known in their order, then the others by name. */
static int compare_metric_rows(
    const struct bench_metric *a, const struct bench_metric *b)
{
	bool own_a = !bench_metric_find(a->name);
	bool own_b = !bench_metric_find(b->name);

	if (own_a != own_b)
		return own_a ? 1 : -1;
	if (own_a && strcmp(a->name, b->name) != 0)
		return strcmp(a->name, b->name);
	return (a > b) - (a < b);
}

static int compare_metrics(const void *a, const void *b)
{
	const struct compare_table *x = a;
	const struct compare_table *y = b;

	int r = compare_metric_rows(x->metric, y->metric);

	if (!r)
		r = strcmp(x->baseline, y->baseline);
	return r ? r : strcmp(x->candidate, y->candidate);
}

void compare_finish(struct compare *c)
{
	if (!c->grids)
		grids_make(c);
	sums_merge(c);
	for (size_t i = 0; i < c->n_tables; i++)
		cells_compute(c, &c->tables[i], &c->grids[i]);
	compare_summaries(c);
	publish(c);
	compare_grids_free(c);
	for (size_t i = 0; i < c->n_tables; i++) {
		compare_table_pool(&c->tables[i], c->by);
		compare_table_judge(&c->tables[i]);
	}
	if (c->n_tables)
		qsort(c->tables, c->n_tables, sizeof(c->tables[0]),
		    compare_metrics);
}
