/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collecting a run's series into tables. All values are one list, which is
 * sorted once, so that each cell is one stretch of it.
 */
#include "web/compare.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/compare_table.h"

/* Nobody said how much is worth telling: two percent, as of times. */
#define IMPORT_MARGIN .02

/* A value, and where it belongs. */
struct point {
	size_t table; /* which cell */
	size_t row;
	size_t place;
	int64_t attempt_id; /* pairs are counted within an attempt */
	struct bench_value value;
};

/* An imported ratio, and its place. */
struct published {
	size_t table;
	size_t row;
	size_t place;
	double overhead;
	char *printed;
};

/* A metric that the table of metrics does not have. */
struct own_metric {
	struct bench_metric metric;
	char *name;
	char *unit;
};

struct compare {
	struct compare_table *tables;
	size_t n_tables;
	struct point *points;
	size_t n_points;
	size_t cap;
	struct published *published;
	size_t n_published;
	struct own_metric **metrics; /* each stays where it is */
	size_t n_metrics;
	unsigned by;
	char **notes;
	size_t n_notes;
};

struct compare *compare_new(void)
{
	struct compare *c = xcalloc(1, sizeof(*c));

	c->by = COMPARE_BY_ALL;
	return c;
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_tables; i++)
		compare_table_done(&c->tables[i]);
	for (size_t i = 0; i < c->n_notes; i++)
		free(c->notes[i]);
	for (size_t i = 0; i < c->n_published; i++)
		free(c->published[i].printed);
	for (size_t i = 0; i < c->n_metrics; i++) {
		free(c->metrics[i]->name);
		free(c->metrics[i]->unit);
		free(c->metrics[i]);
	}
	free(c->published);
	free(c->metrics);
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
	static const char *const names[] = {
	    "paired", "welch", "published", "pooled"};

	return names[method];
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

/* ---- collecting --------------------------------------------------------- */

static bool arm_of(
    const struct compare_roles *roles, const char *variant, enum bench_arm *ret)
{
	bool candidate = str_eq(roles->candidate, variant);

	*ret = candidate ? BENCH_CANDIDATE : BENCH_BASELINE;
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

/* The same for a metric that is known, or that an import knows. */
static const struct bench_metric *import_metric(struct compare *c,
    const char *name, const char *label, const char *unit, int direction)
{
	const struct bench_metric *m = *label ? NULL : bench_metric_find(name);
	scoped(free) char *full = NULL;
	struct own_metric *own;

	if (m && (!unit || str_eq(m->unit, unit)))
		return m;
	full = *label ? xasprintf("%s (%s)", name, label) : xstrdup(name);
	unit = unit ? unit : "";
	for (size_t i = 0; i < c->n_metrics; i++) {
		m = &c->metrics[i]->metric;
		if (str_eq(m->name, full) && str_eq(m->unit, unit) &&
		    (int)m->direction == direction)
			return m;
	}
	c->metrics =
	    xrealloc(c->metrics, c->n_metrics + 1, sizeof(c->metrics[0]));
	own = c->metrics[c->n_metrics++] = xcalloc(1, sizeof(*own));
	own->name = take(full);
	own->unit = xstrdup(unit);
	own->metric = (struct bench_metric){.name = own->name,
	    .profile = own->name,
	    .unit = own->unit,
	    .direction = (enum bench_direction)direction,
	    .margin = IMPORT_MARGIN,
	    .workload = BENCH_IMPORTED};
	return &own->metric;
}

static struct point *room(struct compare *c, size_t n)
{
	while (c->n_points + n > c->cap) {
		c->cap = c->cap ? 2 * c->cap : 256;
		c->points = xrealloc(c->points, c->cap, sizeof(c->points[0]));
	}
	return c->points + c->n_points;
}

static int add_points(struct compare *c, const struct db_run_sample *s,
    const struct bench_metric *metric, const struct compare_roles *roles,
    enum bench_arm arm, struct err *err)
{
	struct point p = {.attempt_id = s->attempt_id};

	if (s->n_values > COMPARE_POINTS_MAX - c->n_points)
		return err_set(err, ERR_LIMIT, "more than %d values to compare",
		    COMPARE_POINTS_MAX);
	p.table = table_of(c, metric, roles);
	p.row = compare_row_of(&c->tables[p.table], s->machine);
	p.place =
	    compare_place_of(&c->tables[p.table], s->guest, s->controller);
	for (size_t i = 0; i < s->n_values; i++) {
		const struct db_sample_mark *m = s->marks ? &s->marks[i] : NULL;
		double x = s->values[i];

		p.value = (struct bench_value){.arm = arm,
		    .pair = m ? m->pair : -1,
		    .position = m ? m->position : 0,
		    .valid = (!m || m->valid) && isfinite(x) && x > 0,
		    .value = x};
		*room(c, 1) = p;
		c->n_points++;
	}
	return 0;
}

int compare_add(struct compare *c, const struct db_run_sample *s,
    const struct compare_roles *roles, struct err *err)
{
	const struct bench_metric *metric;
	enum bench_arm arm;

	if (!arm_of(roles, s->variant, &arm) || !(metric = metric_of(c, s)))
		return 0;
	return add_points(c, s, metric, roles, arm, err);
}

int compare_add_import(struct compare *c, const struct db_import_values *v,
    const struct compare_roles *roles, struct err *err)
{
	struct db_run_sample s = {
	    .attempt_id = -v->import_id,
	    .machine = v->machine,
	    .guest = v->guest,
	    .controller = v->controller,
	    .values = v->values,
	    .n_values = v->n_values,
	};
	enum bench_arm arm;

	if (!arm_of(roles, v->variant, &arm))
		return 0;
	return add_points(c, &s,
	    import_metric(c, v->metric, v->label, v->unit, v->direction), roles,
	    arm, err);
}

void compare_add_ratio(struct compare *c, const struct db_ratio_row *q)
{
	struct compare_roles roles = {q->baseline, q->candidate};
	struct published p = {
	    .table = table_of(
	        c, import_metric(c, q->metric, "", NULL, q->direction), &roles),
	    .overhead = q->overhead,
	};
	struct compare_table *t = &c->tables[p.table];

	p.row = compare_row_of(t, q->machine);
	p.place = compare_place_of(t, q->guest, q->controller);
	p.printed = xstrdup(q->printed);
	if (!t->named[p.row])
		t->named[p.row] = xstrdup(q->named);
	c->published =
	    xrealloc(c->published, c->n_published + 1, sizeof(c->published[0]));
	c->published[c->n_published++] = p;
}

void compare_by(struct compare *c, unsigned by)
{
	c->by = by;
}

/* ---- computing ---------------------------------------------------------- */

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

static void note_absent(
    struct compare *c, const struct compare_table *t, size_t row, size_t place)
{
	const struct compare_place *p = &t->places[place];

	compare_note(c,
	    xasprintf("%s: %s, %s%s%s: no valid values of both variants",
	        t->metric->name, t->machines[row], p->guest,
	        *p->controller ? " " : "", p->controller));
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

static void cell_compute(const struct bench_cell *sums,
    enum bench_direction direction, struct compare_cell *ret)
{
	struct bench_cell_result r;

	*ret = (struct compare_cell){.method = COMPARE_WELCH};
	if (!bench_cell_estimate(sums, direction, &r))
		return;
	ret->present = true;
	ret->method = r.paired ? COMPARE_PAIRED : COMPARE_WELCH;
	ret->n = r.n;
	ret->estimate = r.estimate;
	ret->baseline_mean = r.mean[BENCH_BASELINE];
	ret->candidate_mean = r.mean[BENCH_CANDIDATE];
}

static void cells_compute(struct compare *c)
{
	const struct point *p = c->points;
	size_t first = 0;

	for (size_t i = 1; i <= c->n_points; i++) {
		struct compare_table *t = &c->tables[p[first].table];
		struct bench_cell sums = {0};
		struct compare_cell *cell;

		if (i < c->n_points && !compare_places(&p[i], &p[first]))
			continue;
		cell = &t->cells[p[first].row * t->n_places + p[first].place];
		cell_sum(p + first, i - first, &sums);
		cell_compute(&sums, t->metric->direction, cell);
		if (!cell->present)
			note_absent(c, t, p[first].row, p[first].place);
		first = i;
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
	for (size_t i = 0; i < c->n_tables; i++) {
		struct compare_table *t = &c->tables[i];

		t->cells =
		    xcalloc(t->n_machines * t->n_places, sizeof(t->cells[0]));
	}
	if (!c->n_tables)
		return;
	if (c->n_points)
		qsort(c->points, c->n_points, sizeof(c->points[0]),
		    compare_points);
	if (c->n_points)
		cells_compute(c);
	publish(c);
	for (size_t i = 0; i < c->n_tables; i++) {
		compare_table_pool(&c->tables[i], c->by);
		compare_table_judge(&c->tables[i]);
	}
	qsort(c->tables, c->n_tables, sizeof(c->tables[0]), compare_metrics);
}
