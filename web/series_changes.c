/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a series tells depends on its own points alone, and what is to be
 * believed on all that was found. So the former is kept, with the newest point
 * that was read for it, and read again once there is another.
 *
 * Invariant: what is kept of a series was read in one transaction, begun after
 * that of every older one: under the lock.
 */
#include "web/series_changes.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "bench/bench.h"
#include "db/db.h"

#define TEXTS 256

/* What was found in a series. */
struct seen {
	struct db_scan_point newest; /* that was read */
	size_t n_histories;
	size_t n_scans;
	struct series_change *v; /* by branch, then by time */
	size_t n;
	size_t cap;
};

struct series_watch {
	pthread_mutex_t lock; /* of all below */
	struct map seen;      /* by series */
};

/* A place between two points whose environments have two numbers. */
struct border {
	size_t at; /* the place of the second one */
	int64_t before;
	int64_t after;
};

/* One branch of the series that is being read. */
struct lane {
	int64_t branch_id;
	int64_t environment_id; /* of the point before; 0: not known yet */
	double *x;
	int64_t *attempts;
	size_t n;
	size_t cap;
	struct border *borders;
	size_t n_borders;
	size_t cap_borders;
};

/* Of an environment; those of nearly all borders are among few. */
struct text {
	int64_t id;
	char *text;
};

/* A series, as it is now. */
struct head {
	int64_t series_id;
	struct db_scan_point newest;
};

struct finding {
	struct series_watch *watch;
	struct db_reader *reader;
	struct text texts[TEXTS]; /* each in the place that its id gives it */
	struct head *heads;
	size_t n_heads;
	size_t cap_heads;
	size_t n_scans; /* of all series, for what was found */
	/* Of the series that is being read: */
	int64_t series_id;
	char *guest;        /* NULL: not asked for yet */
	struct lane *lanes; /* those behind n are kept for their memory */
	size_t n;
	size_t cap;
	struct db_scan_point newest;
};

static void finding_done(struct finding *f)
{
	for (size_t i = 0; i < f->cap; i++) {
		free(f->lanes[i].x);
		free(f->lanes[i].attempts);
		free(f->lanes[i].borders);
	}
	for (size_t i = 0; i < TEXTS; i++)
		free(f->texts[i].text);
	free(f->guest);
	free(f->lanes);
	free(f->heads);
}

/* ---- the watch ---------------------------------------------------------- */

static void seen_free(struct seen *s)
{
	if (!s)
		return;
	free(s->v);
	free(s);
}
SCOPED_DEFINE(struct seen, seen_free);

struct series_watch *series_watch_new(void)
{
	struct series_watch *w = xcalloc(1, sizeof(*w));

	/* The default kind of mutex fails for bugs only. */
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		abort();
	return w;
}

void series_watch_free(struct series_watch *w)
{
	size_t pos = 0;
	struct seen *s;

	if (!w)
		return;
	while ((s = map_next(&w->seen, &pos)))
		seen_free(s);
	map_done(&w->seen);
	(void)pthread_mutex_destroy(&w->lock); /* nobody has it */
	free(w);
}

static bool is_same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Nothing came to it, and the last point was not written anew. */
static bool is_up_to_date(
    const struct seen *s, const struct db_scan_point *newest)
{
	return s && s->newest.attempt_id == newest->attempt_id &&
	    s->newest.environment_id == newest->environment_id &&
	    is_same(s->newest.value, newest->value);
}

void series_changes_free(struct series_changes *c)
{
	if (!c)
		return;
	free(c->v);
	free(c);
}

/* ---- environments ------------------------------------------------------- */

static void on_series(void *arg, const struct db_series *s)
{
	char **guest = arg;

	*guest = xstrdup(s->guest);
}

/* What of it is the series'; caller frees. */
static int environment_of(
    struct finding *f, int64_t id, char **ret, struct err *err)
{
	struct text *t = &f->texts[id % TEXTS];
	char *text;
	int r = 0;

	if (!f->guest)
		r = db_series_get(
		    f->reader, f->series_id, on_series, &f->guest, err);
	if (r == 0 && t->id != id) {
		r = db_environment_get(f->reader, id, &text, err);
		if (r < 0)
			return r;
		free(t->text);
		*t = (struct text){id, text};
	}
	if (r == 0)
		*ret = bench_environment_of(t->text, f->guest);
	return r;
}

/* Whether one begins there; equal facts are equal texts. */
static int is_cut(
    struct finding *f, const struct border *b, bool *ret, struct err *err)
{
	scoped(free) char *before = NULL;
	scoped(free) char *after = NULL;
	int r = environment_of(f, b->before, &before, err);

	if (r == 0)
		r = environment_of(f, b->after, &after, err);
	if (r == 0)
		*ret = strcmp(before, after) != 0;
	return r;
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
	l->n_borders = 0;
	return l;
}

static void lane_border(struct lane *l, int64_t after)
{
	if (l->n_borders == l->cap_borders) {
		l->cap_borders = l->cap_borders ? 2 * l->cap_borders : 8;
		l->borders =
		    xrealloc(l->borders, l->cap_borders, sizeof(l->borders[0]));
	}
	l->borders[l->n_borders++] =
	    (struct border){l->n, l->environment_id, after};
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
			lane_border(l, p->environment_id);
		l->environment_id = p->environment_id;
	}
	l->x[l->n] = p->value;
	l->attempts[l->n++] = p->attempt_id;
}

static void add_change(struct seen *to, int64_t series_id, const struct lane *l,
    const struct bench_change *found)
{
	if (to->n == to->cap) {
		to->cap = to->cap ? 2 * to->cap : 4;
		to->v = xrealloc(to->v, to->cap, sizeof(to->v[0]));
	}
	to->v[to->n++] = (struct series_change){
	    series_id, l->branch_id, l->attempts[found->index], found->p_bound};
}

static int lane_look(
    struct finding *f, struct seen *to, const struct lane *l, struct err *err)
{
	scoped(bench_changes_free) struct bench_changes *c = NULL;
	scoped(free) size_t *cuts = xcalloc(l->n_borders + 1, sizeof(cuts[0]));
	struct bench_changes_options o = BENCH_CHANGES_DEFAULTS;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_borders; i++) {
		bool cut = false;

		r = is_cut(f, &l->borders[i], &cut, err);
		if (cut)
			cuts[o.n_environments++] = l->borders[i].at;
	}
	o.environments = cuts;
	o.no_spikes = true;
	if (r == 0)
		r = bench_changes(l->x, l->n, &o, &c, err);
	if (r < 0)
		return r;
	to->n_histories++;
	to->n_scans += c->n_scans;
	for (size_t i = 0; i < c->n_changes; i++)
		add_change(to, f->series_id, l, &c->changes[i]);
	return 0;
}

/* ---- one series --------------------------------------------------------- */

static void on_point(void *arg, const struct db_scan_point *p)
{
	struct finding *f = arg;

	if (!isnan(p->value))
		lane_add(lane_of(f, p->branch_id), p);
	f->newest = *p;
}

static int series_look(struct finding *f, int64_t series_id, struct err *err)
{
	scoped(seen_free) struct seen *s = xcalloc(1, sizeof(*s));
	int r;

	f->n = 0;
	f->series_id = series_id;
	free(take(f->guest));
	r = db_series_scan(f->reader, series_id, on_point, f, err);
	for (size_t i = 0; r == 0 && i < f->n; i++)
		r = lane_look(f, s, &f->lanes[i], err);
	if (r < 0)
		return r;
	s->newest = f->newest;
	seen_free(map_take(&f->watch->seen, series_id));
	map_put(&f->watch->seen, series_id, take(s));
	return 0;
}

/* ---- all of them -------------------------------------------------------- */

/* Noise is no news. */
static void on_head(void *arg, const struct db_series_head *head)
{
	struct finding *f = arg;

	if (bench_is_placebo_name(head->variant))
		return;
	if (f->n_heads == f->cap_heads) {
		f->cap_heads = f->cap_heads ? 2 * f->cap_heads : 256;
		f->heads =
		    xrealloc(f->heads, f->cap_heads, sizeof(f->heads[0]));
	}
	f->heads[f->n_heads++] = (struct head){head->series_id, head->newest};
}

/* Brings the watch up to date. */
static int all_look(struct finding *f, size_t *ret_n_read, struct err *err)
{
	int64_t after = 0;
	size_t n_read = 0;
	int r;

	do {
		r = db_series_heads(f->reader, after, on_head, f, &after, err);
	} while (r == 0 && after);
	for (size_t i = 0; r == 0 && i < f->n_heads; i++) {
		struct head *h = &f->heads[i];
		const struct seen *s = map_find(&f->watch->seen, h->series_id);

		if (is_up_to_date(s, &h->newest))
			continue;
		r = series_look(f, h->series_id, err);
		n_read++;
	}
	*ret_n_read = n_read;
	return r;
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

static void believe(struct series_changes *c, size_t n_scans)
{
	scoped(free) double *p = xcalloc(c->n + 1, sizeof(p[0]));
	scoped(free) bool *good = xcalloc(c->n + 1, sizeof(good[0]));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		p[i] = c->v[i].p;
	(void)bench_history_believe(/* how many is counted below */
	    p, c->n, n_scans, SERIES_CHANGES_Q, good);
	c->n_found = c->n;
	for (size_t i = 0; i < c->n; i++)
		if (good[i])
			c->v[n++] = c->v[i];
	c->n = n;
	if (n)
		qsort(c->v, n, sizeof(c->v[0]), newest_first);
}

/* All that was found, in the order of series. */
static void gather(struct finding *f, struct series_changes *c)
{
	const struct map *seen = &f->watch->seen;
	size_t n = 0;

	for (size_t i = 0; i < f->n_heads; i++) {
		const struct seen *s = map_find(seen, f->heads[i].series_id);

		c->n_histories += s->n_histories;
		f->n_scans += s->n_scans;
		n += s->n;
	}
	c->v = xcalloc(n ? n : 1, sizeof(c->v[0]));
	for (size_t i = 0; i < f->n_heads; i++) {
		const struct seen *s = map_find(seen, f->heads[i].series_id);

		for (size_t k = 0; k < s->n; k++)
			c->v[c->n++] = s->v[k];
	}
}

static int find(struct finding *f, struct series_changes *c, struct err *err)
{
	int r;

	if (pthread_mutex_lock(&f->watch->lock) != 0)
		abort();
	r = all_look(f, &c->n_read, err);
	if (r == 0)
		gather(f, c);
	if (pthread_mutex_unlock(&f->watch->lock) != 0)
		abort();
	return r;
}

int series_changes_find(struct series_watch *w, struct db_reader *reader,
    struct series_changes **ret, struct err *err)
{
	scoped(series_changes_free) struct series_changes *c =
	    xcalloc(1, sizeof(*c));
	scoped_val(finding_done) struct finding f = {
	    .watch = w, .reader = reader};
	int r = find(&f, c, err);

	if (r < 0)
		return r;
	believe(c, f.n_scans);
	*ret = take(c);
	return 0;
}
