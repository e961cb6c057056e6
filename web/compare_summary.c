/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cells of imports that show no values: means with deviations, and the best of
 * several. They stand where a cell has no values, a summary before a best; of
 * the imports of an arm the last one counts.
 */
#include <math.h>

#include "base/str.h"
#include "web/compare_private.h"
#include "web/compare_table.h"

void compare_add_summary(struct compare *c, const struct db_import_summary *s,
    const struct compare_roles *roles)
{
	bool candidate = str_eq(roles->candidate, s->variant);
	struct summary sum = {
	    .arm = candidate ? BENCH_CANDIDATE : BENCH_BASELINE,
	    .best = s->kind == IMPORT_BEST,
	    .n = s->n > 0 ? (size_t)s->n : 0,
	    .mean = s->mean,
	    .sd = s->sd,
	};
	struct compare_table *t;

	/* A ratio needs a number above 0. */
	if ((!candidate && !str_eq(roles->baseline, s->variant)) ||
	    !(s->mean > 0))
		return;
	sum.table = compare_import_table(
	    c, s->metric, s->label, s->unit, s->direction, roles);
	t = &c->tables[sum.table];
	sum.row = compare_row_of(t, s->machine);
	sum.place = compare_place_of(t, s->guest, s->controller);
	c->summaries =
	    xrealloc(c->summaries, c->n_summaries + 1, sizeof(c->summaries[0]));
	c->summaries[c->n_summaries++] = sum;
}

static struct bench_estimate ratio_alone(
    double baseline, double candidate, enum bench_direction direction)
{
	return (struct bench_estimate){
	    .overhead = direction == BENCH_HIGHER ? baseline / candidate
	                                          : candidate / baseline,
	    .lo = NAN,
	    .hi = NAN,
	    .p = NAN,
	    .se = NAN,
	    .df = NAN,
	};
}

static void cell_fill(const struct summary *b, const struct summary *k,
    enum bench_direction direction, struct compare_cell *ret)
{
	struct bench_summary baseline = {b->mean, b->sd, b->n};
	struct bench_summary candidate = {k->mean, k->sd, k->n};

	*ret = (struct compare_cell){
	    .present = true,
	    .method = b->best ? COMPARE_BEST : COMPARE_SUMMARY,
	    .n = b->n < k->n ? b->n : k->n,
	    .baseline_mean = b->mean,
	    .candidate_mean = k->mean,
	};
	/* Without deviations or counts there is no interval. */
	if (b->best || isnan(b->sd) || isnan(k->sd) ||
	    bench_ratio_summaries(
	        &baseline, &candidate, direction, &ret->estimate, NULL) < 0)
		ret->estimate = ratio_alone(b->mean, k->mean, direction);
}

/* The last summaries of a cell: of each kind and arm. */
struct known {
	const struct summary *of[2][2]; /* [best][enum bench_arm] */
};

static bool is_empty(const struct known *known)
{
	for (int best = 0; best < 2; best++)
		if (known->of[best][BENCH_BASELINE] ||
		    known->of[best][BENCH_CANDIDATE])
			return false;
	return true;
}

/* A best is compared with a best, and a mean with a mean. */
static void cell_of(struct compare *c, struct compare_table *t, size_t i,
    const struct known *known)
{
	struct compare_cell *cell = &t->cells[i];

	for (int best = 0; best < 2; best++) {
		const struct summary *const *of = known->of[best];

		if (!cell->present && of[BENCH_BASELINE] && of[BENCH_CANDIDATE])
			cell_fill(of[BENCH_BASELINE], of[BENCH_CANDIDATE],
			    t->metric->direction, cell);
	}
	if (!cell->present && !is_empty(known))
		compare_note(c,
		    xasprintf("%s: %s: what was imported of the two variants "
		              "is not of one kind, or of one only",
		        t->metric->name, t->machines[i / t->n_places]));
}

void compare_summaries(struct compare *c)
{
	for (size_t i = 0; c->n_summaries && i < c->n_tables; i++) {
		struct compare_table *t = &c->tables[i];
		scoped(free) struct known *known =
		    xcalloc(t->n_machines * t->n_places, sizeof(known[0]));

		for (size_t k = 0; k < c->n_summaries; k++) {
			const struct summary *s = &c->summaries[k];

			if (s->table == i)
				known[s->row * t->n_places + s->place]
				    .of[s->best][s->arm] = s;
		}
		for (size_t k = 0; k < t->n_machines * t->n_places; k++)
			cell_of(c, t, k, &known[k]);
	}
}
