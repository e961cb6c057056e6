/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Collecting series of runs and imports into tables; compare_sum.c ends it. */
#include "web/compare.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "web/compare_private.h"
#include "web/compare_table.h"

/* Nobody said how much is worth telling: two percent, as of times. */
#define IMPORT_MARGIN .02

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
	compare_grids_free(c);
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
	free(c->summaries);
	free(c->metrics);
	free(c->tables);
	free(c->points);
	free(c->sums);
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
	    "paired", "welch", "summary", "best", "published", "pooled"};

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

/* A new one, which has its place until compare_free(); takes ownership. */
static struct bench_metric *own_metric(
    struct compare *c, char *name, const char *unit)
{
	struct own_metric *own = xcalloc(1, sizeof(*own));

	c->metrics =
	    xrealloc(c->metrics, c->n_metrics + 1, sizeof(c->metrics[0]));
	c->metrics[c->n_metrics++] = own;
	own->name = name;
	own->unit = xstrdup(unit);
	own->metric = (struct bench_metric){.name = own->name,
	    .profile = own->name,
	    .unit = own->unit,
	    .margin = IMPORT_MARGIN,
	    .workload = BENCH_IMPORTED};
	return &own->metric;
}

static bool on_declared(void *arg, const struct db_metric *m)
{
	struct compare *c = arg;
	struct bench_metric *own = own_metric(c, xstrdup(m->name), m->unit);

	own->direction = m->direction;
	own->margin = m->margin;
	c->n_declared = c->n_metrics;
	return true;
}

int compare_declare(
    struct compare *c, struct db_reader *reader, struct err *err)
{
	return db_metrics(reader, on_declared, c, err);
}

const struct bench_metric *compare_metric_find(
    const struct compare *c, const char *name)
{
	const struct bench_metric *m = bench_metric_find(name);

	for (size_t i = 0; !m && i < c->n_declared; i++)
		if (str_eq(c->metrics[i]->name, name))
			m = &c->metrics[i]->metric;
	return m;
}

/* The metric of a series; NULL, with a note, if it cannot be compared. */
static const struct bench_metric *metric_of(
    struct compare *c, const char *name, const char *unit)
{
	const struct bench_metric *m = compare_metric_find(c, name);

	if (!m) {
		compare_note(c,
		    xasprintf(
		        "%s: left out, its direction is not known", name));
		return NULL;
	}
	if (!str_eq(m->unit, unit)) {
		compare_note(c,
		    xasprintf("%s: left out, in %s and not in %s", name, unit,
		        m->unit));
		return NULL;
	}
	return m;
}

/* The same for a metric that is known, or that an import knows. */
static const struct bench_metric *import_metric(struct compare *c,
    const char *name, const char *label, const char *unit, int direction)
{
	const struct bench_metric *known = compare_metric_find(c, name);
	const struct bench_metric *m;
	scoped(free) char *full = NULL;
	struct bench_metric *own;

	if (known && unit && !str_eq(known->unit, unit))
		known = NULL;
	if (known && !*label)
		return known;
	full = *label ? xasprintf("%s (%s)", name, label) : xstrdup(name);
	unit = unit ? unit : "";
	for (size_t i = 0; i < c->n_metrics; i++) {
		m = &c->metrics[i]->metric;
		if (str_eq(m->name, full) && str_eq(m->unit, unit) &&
		    (int)m->direction == direction)
			return m;
	}
	own = own_metric(c, take(full), unit);
	own->direction = (enum bench_direction)direction;
	if (known)
		own->margin = known->margin;
	return own;
}

size_t compare_import_table(struct compare *c, const char *metric,
    const char *label, const char *unit, int direction,
    const struct compare_roles *roles)
{
	return table_of(
	    c, import_metric(c, metric, label, unit, direction), roles);
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

	if (!arm_of(roles, s->variant, &arm) ||
	    !(metric = metric_of(c, s->metric, s->unit)))
		return 0;
	return add_points(c, s, metric, roles, arm, err);
}

void compare_add_sums(struct compare *c, const struct db_cell_sums *s)
{
	const struct compare_roles roles = {s->baseline, s->candidate};
	const struct bench_metric *metric = metric_of(c, s->metric, s->unit);
	struct sums sums = {.baseline_id = s->baseline_id,
	    .candidate_id = s->candidate_id,
	    .cell = s->sums};
	struct compare_table *t;

	if (!metric)
		return;
	sums.table = table_of(c, metric, &roles);
	t = &c->tables[sums.table];
	sums.row = compare_row_of(t, s->machine);
	sums.place = compare_place_of(t, s->guest, s->controller);
	if (c->n_sums == c->sums_cap) {
		c->sums_cap = c->sums_cap ? 2 * c->sums_cap : 256;
		c->sums = xrealloc(c->sums, c->sums_cap, sizeof(c->sums[0]));
	}
	c->sums[c->n_sums++] = sums;
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
	    .table = compare_import_table(
	        c, q->metric, "", NULL, q->direction, &roles),
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
