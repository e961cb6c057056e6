/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pass over all points; what is in memory is one series. */
#include "web/series_changes.h"

#include <math.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "db/db.h"

/* One branch of the series that is being read. */
struct lane {
	int64_t branch_id;
	int64_t environment_id; /* of the point before; 0: not known yet */
	double *x;
	int64_t *attempts;
	size_t n;
	size_t cap;
	size_t *cuts; /* where environments begin */
	size_t n_cuts;
	size_t cap_cuts;
};

struct finding {
	int64_t series_id;  /* that is being read */
	int64_t last_id;    /* the last one that was looked at */
	struct lane *lanes; /* those behind n are kept for their memory */
	size_t n;
	size_t cap;
	struct series_changes *ret;
	size_t cap_changes;
	size_t n_scans;
	int status;
	struct err *err;
};

static void finding_done(struct finding *f)
{
	for (size_t i = 0; i < f->cap; i++) {
		free(f->lanes[i].x);
		free(f->lanes[i].attempts);
		free(f->lanes[i].cuts);
	}
	free(f->lanes);
}

void series_changes_free(struct series_changes *c)
{
	if (!c)
		return;
	free(c->v);
	free(c);
}

/* ---- one branch --------------------------------------------------------- */

static struct lane *lane_of(struct finding *f, int64_t branch_id)
{
	struct lane *l;

	for (size_t i = 0; i < f->n; i++)
		if (f->lanes[i].branch_id == branch_id)
			return &f->lanes[i];
	if (f->n == f->cap) {
		f->lanes = xrealloc(f->lanes, f->cap + 1, sizeof(*f->lanes));
		f->lanes[f->cap++] = (struct lane){0};
	}
	l = &f->lanes[f->n++];
	l->branch_id = branch_id;
	l->environment_id = 0;
	l->n = 0;
	l->n_cuts = 0;
	return l;
}

static void lane_cut(struct lane *l)
{
	if (l->n_cuts == l->cap_cuts) {
		l->cap_cuts = l->cap_cuts ? 2 * l->cap_cuts : 8;
		l->cuts = xrealloc(l->cuts, l->cap_cuts, sizeof(l->cuts[0]));
	}
	l->cuts[l->n_cuts++] = l->n;
}

/* An environment that is not known is taken to be that of the point before. */
static void lane_add(struct lane *l, const struct db_scan_point *p)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 512;
		l->x = xrealloc(l->x, l->cap, sizeof(l->x[0]));
		l->attempts =
		    xrealloc(l->attempts, l->cap, sizeof(l->attempts[0]));
	}
	if (p->environment_id) {
		if (l->environment_id && l->environment_id != p->environment_id)
			lane_cut(l);
		l->environment_id = p->environment_id;
	}
	l->x[l->n] = p->value;
	l->attempts[l->n++] = p->attempt_id;
}

static void add_change(
    struct finding *f, const struct lane *l, const struct bench_change *found)
{
	struct series_changes *to = f->ret;

	if (to->n == f->cap_changes) {
		f->cap_changes = f->cap_changes ? 2 * f->cap_changes : 64;
		to->v = xrealloc(to->v, f->cap_changes, sizeof(to->v[0]));
	}
	to->v[to->n++] = (struct series_change){f->series_id, l->branch_id,
	    l->attempts[found->index], found->p_bound};
}

static int lane_look(struct finding *f, const struct lane *l)
{
	scoped(bench_changes_free) struct bench_changes *c = NULL;
	struct bench_changes_options o = BENCH_CHANGES_DEFAULTS;
	int r;

	o.environments = l->cuts;
	o.n_environments = l->n_cuts;
	o.no_spikes = true;
	r = bench_changes(l->x, l->n, &o, &c, f->err);
	if (r < 0)
		return r;
	f->ret->n_histories++;
	f->n_scans += c->n_scans;
	for (size_t i = 0; i < c->n_changes; i++)
		add_change(f, l, &c->changes[i]);
	return 0;
}

/* ---- all of them -------------------------------------------------------- */

static void series_end(struct finding *f)
{
	for (size_t i = 0; i < f->n && f->status == 0; i++)
		f->status = lane_look(f, &f->lanes[i]);
	f->n = 0;
	f->last_id = f->series_id;
}

static void on_point(void *arg, const struct db_scan_point *p)
{
	struct finding *f = arg;

	if (p->series_id != f->series_id) {
		series_end(f);
		f->series_id = p->series_id;
	}
	if (!isnan(p->value))
		lane_add(lane_of(f, p->branch_id), p);
}

static int newest_first(const void *va, const void *vb)
{
	const struct series_change *a = va;
	const struct series_change *b = vb;

	/* Attempts begin in the order of their ids. */
	if (a->attempt_id != b->attempt_id)
		return a->attempt_id < b->attempt_id ? 1 : -1;
	return (a->series_id > b->series_id) - (a->series_id < b->series_id);
}

static void believe(struct finding *f)
{
	struct series_changes *c = f->ret;
	scoped(free) double *p = xcalloc(c->n + 1, sizeof(p[0]));
	scoped(free) bool *good = xcalloc(c->n + 1, sizeof(good[0]));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		p[i] = c->v[i].p;
	(void)bench_history_believe(/* how many is counted below */
	    p, c->n, f->n_scans, SERIES_CHANGES_Q, good);
	c->n_found = c->n;
	for (size_t i = 0; i < c->n; i++)
		if (good[i])
			c->v[n++] = c->v[i];
	c->n = n;
	if (n)
		qsort(c->v, n, sizeof(c->v[0]), newest_first);
}

/*
 * A page whose time is over before it ends, as the computer is busy, is taken
 * up again behind the last series of it that is whole.
 */
static int read_page(
    struct finding *f, struct db_reader *reader, int64_t *after)
{
	struct err why = ERR_INIT;
	int64_t from = *after;
	int r = db_points_scan(reader, from, on_point, f, after, &why);

	if (r == -ERR_TIMEOUT && f->last_id > from) {
		f->n = 0;
		f->series_id = f->last_id;
		*after = f->last_id;
		return 0;
	}
	return r < 0 ? err_copy(f->err, &why) : 0;
}

int series_changes_find(
    struct db_reader *reader, struct series_changes **ret, struct err *err)
{
	scoped(series_changes_free) struct series_changes *c =
	    xcalloc(1, sizeof(*c));
	scoped_val(finding_done) struct finding f = {.ret = c, .err = err};
	int64_t after = 0;
	int r;

	do {
		r = read_page(&f, reader, &after);
	} while (r == 0 && f.status == 0 && after);
	if (r == 0)
		series_end(&f);
	if (r == 0)
		r = f.status;
	if (r < 0)
		return r;
	believe(&f);
	*ret = take(c);
	return 0;
}
