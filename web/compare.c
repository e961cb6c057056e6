/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collecting a run's series into tables. All values are one list, which is
 * sorted once, so that each cell is one stretch of it.
 */
#include "web/compare.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/compare_cell.h"

struct compare {
	struct compare_table *tables;
	size_t n_tables;
	struct compare_point *points;
	size_t n_points;
	size_t cap;
	char **notes;
	size_t n_notes;
};

struct compare *compare_new(void)
{
	return xcalloc(1, sizeof(struct compare));
}

static void table_done(struct compare_table *t)
{
	for (size_t i = 0; i < t->n_machines; i++)
		free(t->machines[i]);
	for (size_t i = 0; i < t->n_places; i++) {
		free(t->places[i].guest);
		free(t->places[i].controller);
	}
	free(t->baseline);
	free(t->candidate);
	free(t->machines);
	free(t->places);
	free(t->cells);
	free(t->geomeans);
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_tables; i++)
		table_done(&c->tables[i]);
	for (size_t i = 0; i < c->n_notes; i++)
		free(c->notes[i]);
	free(c->tables);
	free(c->points);
	free(c->notes);
	free(c);
}

const struct compare_table *compare_tables(
    const struct compare *c, size_t *ret_n)
{
	*ret_n = c->n_tables;
	return c->tables;
}

const char *const *compare_notes(const struct compare *c, size_t *ret_n)
{
	*ret_n = c->n_notes;
	return (const char *const *)c->notes;
}

const char *compare_method_name(enum compare_method method)
{
	return method == COMPARE_PAIRED ? "paired" : "welch";
}

void compare_note(struct compare *c, char *text)
{
	for (size_t i = 0; i < c->n_notes; i++) {
		if (!str_eq(c->notes[i], text))
			continue;
		free(text);
		return;
	}
	if (c->n_notes == COMPARE_NOTES_MAX) {
		free(text);
		return;
	}
	c->notes = xrealloc(c->notes, c->n_notes + 1, sizeof(c->notes[0]));
	c->notes[c->n_notes++] = text;
}

/* ---- places ------------------------------------------------------------- */

static size_t table_of(struct compare *c, const struct bench_metric *metric,
    const struct compare_roles *roles)
{
	struct compare_table *t;

	for (size_t i = 0; i < c->n_tables; i++) {
		t = &c->tables[i];
		if (t->metric == metric &&
		    str_eq(t->baseline, roles->baseline) &&
		    str_eq(t->candidate, roles->candidate))
			return i;
	}
	c->tables = xrealloc(c->tables, c->n_tables + 1, sizeof(c->tables[0]));
	c->tables[c->n_tables] = (struct compare_table){.metric = metric,
	    .baseline = xstrdup(roles->baseline),
	    .candidate = xstrdup(roles->candidate)};
	return c->n_tables++;
}

static size_t row_of(struct compare_table *t, const char *machine)
{
	for (size_t i = 0; i < t->n_machines; i++)
		if (str_eq(t->machines[i], machine))
			return i;
	t->machines =
	    xrealloc(t->machines, t->n_machines + 1, sizeof(t->machines[0]));
	t->machines[t->n_machines] = xstrdup(machine);
	return t->n_machines++;
}

static size_t place_of(
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

/* ---- collecting --------------------------------------------------------- */

static bool arm_of(const struct compare_roles *roles, const char *variant,
    enum compare_arm *ret)
{
	bool candidate = str_eq(roles->candidate, variant);

	*ret = candidate ? COMPARE_CANDIDATE : COMPARE_BASELINE;
	return candidate || str_eq(roles->baseline, variant);
}

/* The metric of a series; NULL, with a note, if it cannot be compared. */
static const struct bench_metric *metric_of(
    struct compare *c, const struct db_run_sample *s)
{
	const struct bench_metric *m = bench_metric_find(s->metric);

	if (!m) {
		compare_note(c,
		    xasprintf(
		        "%s: left out, its direction is not known", s->metric));
		return NULL;
	}
	if (!str_eq(m->unit, s->unit)) {
		compare_note(c,
		    xasprintf("%s: left out, in %s and not in %s", s->metric,
		        s->unit, m->unit));
		return NULL;
	}
	return m;
}

static struct compare_point *room(struct compare *c, size_t n)
{
	while (c->n_points + n > c->cap) {
		c->cap = c->cap ? 2 * c->cap : 256;
		c->points = xrealloc(c->points, c->cap, sizeof(c->points[0]));
	}
	return c->points + c->n_points;
}

int compare_add(struct compare *c, const struct db_run_sample *s,
    const struct compare_roles *roles, struct err *err)
{
	const struct bench_metric *metric;
	struct compare_point p = {.attempt_id = s->attempt_id};

	if (!arm_of(roles, s->variant, &p.arm) || !(metric = metric_of(c, s)))
		return 0;
	if (s->n_values > COMPARE_POINTS_MAX - c->n_points)
		return err_set(err, ERR_LIMIT, "more than %d values to compare",
		    COMPARE_POINTS_MAX);
	p.table = table_of(c, metric, roles);
	p.row = row_of(&c->tables[p.table], s->machine);
	p.place = place_of(&c->tables[p.table], s->guest, s->controller);
	for (size_t i = 0; i < s->n_values; i++) {
		const struct db_sample_mark *m = s->marks ? &s->marks[i] : NULL;

		p.value = s->values[i];
		p.pair = m ? m->pair : -1;
		p.position = m ? m->position : 0;
		p.valid = (!m || m->valid) && isfinite(p.value) && p.value > 0;
		if (p.pair >= COMPARE_PAIRS_MAX)
			continue;
		*room(c, 1) = p;
		c->n_points++;
	}
	return 0;
}

/* ---- computing ---------------------------------------------------------- */

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_places(
    const struct compare_point *a, const struct compare_point *b)
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
	const struct compare_point *a = va;
	const struct compare_point *b = vb;
	int r = compare_places(a, b);

	if (!r)
		r = (a->attempt_id > b->attempt_id) -
		    (a->attempt_id < b->attempt_id);
	if (!r)
		r = (a->pair > b->pair) - (a->pair < b->pair);
	if (!r)
		r = (a->arm > b->arm) - (a->arm < b->arm);
	return r;
}

static void note_absent(
    struct compare *c, const struct compare_table *t, size_t row, size_t place)
{
	const struct compare_place *p = &t->places[place];

	compare_note(c,
	    xasprintf("%s: %s, %s%s%s: no valid values of both variants",
	        t->metric->name, t->machines[row], p->guest,
	        *p->controller ? " " : "", p->controller));
}

static void cells_compute(struct compare *c)
{
	const struct compare_point *p = c->points;
	size_t first = 0;

	for (size_t i = 1; i <= c->n_points; i++) {
		struct compare_table *t = &c->tables[p[first].table];
		struct compare_cell *cell;

		if (i < c->n_points && !compare_places(&p[i], &p[first]))
			continue;
		cell = &t->cells[p[first].row * t->n_places + p[first].place];
		compare_cell(p + first, i - first, t->metric->direction, cell);
		if (!cell->present)
			note_absent(c, t, p[first].row, p[first].place);
		first = i;
	}
}

/* Benjamini and Hochberg's family is the table. */
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
	for (size_t i = 0; i < n; i++)
		t->cells[i].verdict = v[i];
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

static int compare_metrics(const void *a, const void *b)
{
	const struct compare_table *x = a;
	const struct compare_table *y = b;

	int r = (x->metric > y->metric) - (x->metric < y->metric);

	if (!r)
		r = strcmp(x->baseline, y->baseline);
	return r ? r : strcmp(x->candidate, y->candidate);
}

void compare_finish(struct compare *c)
{
	for (size_t i = 0; i < c->n_tables; i++) {
		struct compare_table *t = &c->tables[i];

		t->cells =
		    xcalloc(t->n_machines * t->n_places, sizeof(t->cells[0]));
		t->geomeans = xcalloc(t->n_places, sizeof(t->geomeans[0]));
	}
	if (!c->n_tables)
		return;
	if (c->n_points)
		qsort(c->points, c->n_points, sizeof(c->points[0]),
		    compare_points);
	cells_compute(c);
	for (size_t i = 0; i < c->n_tables; i++) {
		verdicts(&c->tables[i]);
		geomeans(&c->tables[i]);
	}
	qsort(c->tables, c->n_tables, sizeof(c->tables[0]), compare_metrics);
}

/* ---- words -------------------------------------------------------------- */

/* "n = 6 pairs a cell", "n = 4 to 6 pairs a cell"; nothing without cells. */
static void count_text(const struct compare_table *t, struct buf *to)
{
	size_t least = SIZE_MAX;
	size_t most = 0;
	size_t paired = 0;
	size_t present = 0;

	for (size_t i = 0; i < t->n_machines * t->n_places; i++) {
		const struct compare_cell *cell = &t->cells[i];

		if (!cell->present)
			continue;
		present++;
		paired += cell->method == COMPARE_PAIRED;
		least = cell->n < least ? cell->n : least;
		most = cell->n > most ? cell->n : most;
	}
	if (!present)
		return;
	buf_printf(to, "n = %zu", least);
	if (most > least)
		buf_printf(to, " to %zu", most);
	buf_printf(to, " %s a cell, ",
	    paired == present ? "pairs"
	        : paired      ? "pairs, or values of an arm,"
	                      : "values of each arm");
}

void compare_definition(const struct compare_table *t, struct buf *to)
{
	bool higher = t->metric->direction == BENCH_HIGHER;

	buf_printf(to,
	    "overhead = %s for this %s-is-better metric: above 1 the "
	    "candidate is slower. ",
	    higher ? "baseline/candidate" : "candidate/baseline",
	    bench_direction_name(t->metric->direction));
	count_text(t, to);
	buf_puts(to, "95 % intervals, BH q = .05");
}
