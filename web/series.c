/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The points of a series. They come newest first, those of attempts and then
 * those of imports, and are turned round and merged here. A new environment is
 * seen by its address: each text is kept once.
 */
#include "web/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "web/metric.h"

#define NAMES_BYTES 400 /* of branches in a message */
#define WHY_BYTES 2000

void series_points_free(struct series_points *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->details[i].values);
		free(p->details[i].why);
	}
	for (size_t i = 0; i < p->n_branches; i++)
		free(p->branches[i].name);
	for (size_t i = 0; i < p->n_texts; i++)
		free(p->texts[i]);
	free(p->points);
	free(p->details);
	free(p->branches);
	free(p->texts);
	free(p);
}

/* ---- branches ----------------------------------------------------------- */

struct choice {
	struct series_points *p;
	const char *want; /* NULL: that with most points */
	/* The one that is chosen, if any. */
	bool found;
	size_t at;
	int64_t id;
	char *label;
};

static bool on_branch(void *arg, const struct db_series_branch *b)
{
	struct choice *c = arg;
	struct series_points *p = c->p;

	p->branches =
	    xrealloc(p->branches, p->n_branches + 1, sizeof(p->branches[0]));
	p->branches[p->n_branches] =
	    (struct series_branch){xstrdup(b->branch), (size_t)b->points};
	if (c->want
	        ? !c->found && str_eq(c->want, b->branch)
	        : !c->found || p->branches[c->at].points < (size_t)b->points) {
		c->found = true;
		c->at = p->n_branches;
		c->id = b->id;
		free(c->label);
		c->label = xstrdup(b->label);
	}
	p->n_branches++;
	return true;
}

static int no_branch(const struct series_points *p, int64_t id,
    const char *branch, struct err *err)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(NAMES_BYTES);

	for (size_t i = 0; i < p->n_branches && !names.failed; i++)
		buf_printf(&names, "%s%s",
		    i ? ", " : "; there are: ", p->branches[i].name);
	return err_set(err, ERR_NOTFOUND,
	    "series %" PRId64 " has no points of branch %.100s%s", id, branch,
	    names.failed ? "" : buf_str(&names));
}

/* ---- points ------------------------------------------------------------- */

struct item {
	struct bench_point point; /* without environment */
	struct series_detail detail;
	int64_t environment_id; /* of an attempt */
	char *facts;            /* of an import */
	size_t order;
};

struct reading {
	struct series_points *p;
	char *guest; /* of the series */
	struct item *items;
	size_t n;
	size_t cap;
	bool imported; /* some are */
};

static void reading_done(struct reading *rd)
{
	for (size_t i = 0; i < rd->n; i++) {
		free(rd->items[i].detail.values);
		free(rd->items[i].detail.why);
		free(rd->items[i].facts);
	}
	free(rd->items);
	free(rd->guest);
}

/* Takes the text over. */
static const char *keep(struct series_points *p, char *text)
{
	p->texts = xrealloc(p->texts, p->n_texts + 1, sizeof(p->texts[0]));
	p->texts[p->n_texts++] = text;
	return text;
}

/* Each reason once; caller frees. NULL if there is none. */
static char *reasons(const struct db_point *from)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(WHY_BYTES);

	if (from->why)
		return xstrdup(from->why);
	for (size_t i = 0; from->marks && i < from->n_values; i++) {
		const struct db_sample_mark *m = &from->marks[i];

		if (m->valid || !m->why || strstr(buf_str(&b), m->why))
			continue;
		buf_printf(&b, "%s%s", b.len ? "; " : "", m->why);
	}
	return b.len ? buf_take(&b) : NULL;
}

static bool on_point(void *arg, const struct db_point *from)
{
	struct reading *rd = arg;
	struct item *to;

	if (rd->n == rd->cap) {
		rd->cap = rd->cap ? 2 * rd->cap : 64;
		rd->items = xrealloc(rd->items, rd->cap, sizeof(*rd->items));
	}
	to = &rd->items[rd->n++];
	*to = (struct item){
	    .point = {from->value, from->run_id,
	        from->commit ? keep(rd->p, xstrdup(from->commit)) : "",
	        from->at_ms, "", !isnan(from->value)},
	    .detail = {.import_id = from->import_id,
	        .job = from->job_id,
	        .attempt = from->attempt_id,
	        .n_left_out = (size_t)from->left_out,
	        .why = reasons(from)},
	    .environment_id = from->environment_id,
	    .facts = from->facts ? xstrdup(from->facts) : NULL,
	};
	if (rd->p->values && !from->why) {
		to->detail.values = xcalloc(from->n_values + 1, sizeof(double));
		to->detail.n = metric_valid(from->values, from->n_values,
		    from->marks, to->detail.values);
	}
	rd->imported = rd->imported || from->import_id;
	return true;
}

static int compare_items(const void *va, const void *vb)
{
	const struct item *a = va;
	const struct item *b = vb;

	if (a->point.at_ms != b->point.at_ms)
		return a->point.at_ms > b->point.at_ms ? 1 : -1;
	return (a->order > b->order) - (a->order < b->order);
}

/* The oldest first. Attempts stay in their order whatever the clock said. */
static void put_in_order(struct reading *rd)
{
	for (size_t i = 0; i < rd->n / 2; i++) {
		struct item t = rd->items[i];

		rd->items[i] = rd->items[rd->n - 1 - i];
		rd->items[rd->n - 1 - i] = t;
	}
	for (size_t i = 0; i < rd->n; i++)
		rd->items[i].order = i;
	if (rd->imported)
		qsort(rd->items, rd->n, sizeof(rd->items[0]), compare_items);
}

/* ---- environments ------------------------------------------------------- */

struct known {
	int64_t id;
	const char *text;
};
struct known_all {
	struct known *v;
	size_t n;
};

static void known_done(struct known_all *k)
{
	free(k->v);
}

/* As far as it is that of the series: other guests may come and go. */
static int text_of(struct db_reader *reader, const struct reading *rd,
    struct known_all *k, int64_t id, const char **ret, struct err *err)
{
	scoped(free) char *text = NULL;
	int r;

	/* Nearly always that of the point before. */
	for (size_t i = k->n; i-- > 0;)
		if (k->v[i].id == id) {
			*ret = k->v[i].text;
			return 0;
		}
	r = db_environment_get(reader, id, &text, err);
	if (r < 0)
		return r;
	*ret = keep(rd->p, bench_environment_of(text, rd->guest));
	k->v = xrealloc(k->v, k->n + 1, sizeof(k->v[0]));
	k->v[k->n++] = (struct known){id, *ret};
	return 0;
}

/*
 * What an import does not say is taken to be as in the attempt before it, or in
 * the first one: a file that tells the version of its tool alone is no other
 * environment if that is the same.
 */
static int fill_environments(
    struct reading *rd, struct db_reader *reader, struct err *err)
{
	scoped_val(known_done) struct known_all k = {NULL, 0};
	const char *last = NULL;
	int r = 0;

	for (size_t i = 0; i < rd->n && r == 0; i++)
		if (!rd->items[i].facts)
			r = text_of(reader, rd, &k, rd->items[i].environment_id,
			    &rd->items[i].point.environment, err);
	for (size_t i = 0; i < rd->n && !last; i++)
		if (*rd->items[i].point.environment)
			last = rd->items[i].point.environment;
	for (size_t i = 0; i < rd->n && r == 0; i++) {
		struct item *it = &rd->items[i];

		if (it->facts)
			it->point.environment = keep(rd->p,
			    bench_environment_with(
			        last ? last : "", it->facts));
		else if (*it->point.environment)
			last = it->point.environment;
	}
	return r;
}

/* ---- all ---------------------------------------------------------------- */

/* The newest ones go to the points. */
static void hand_over(struct reading *rd, size_t most)
{
	struct series_points *p = rd->p;
	size_t from = rd->n > most ? rd->n - most : 0;

	p->older = from > 0;
	p->n = rd->n - from;
	p->points = xcalloc(p->n + 1, sizeof(p->points[0]));
	p->details = xcalloc(p->n + 1, sizeof(p->details[0]));
	for (size_t i = from; i < rd->n; i++) {
		p->points[i - from] = rd->items[i].point;
		p->details[i - from] = rd->items[i].detail;
		rd->items[i].detail = (struct series_detail){0};
	}
}

static void on_series(void *arg, const struct db_series *s)
{
	struct reading *rd = arg;

	rd->guest = xstrdup(s->guest);
}

static int read_points(struct series_points *p, struct db_reader *reader,
    const struct db_points_query *q, size_t most, struct err *err)
{
	scoped_val(reading_done) struct reading rd = {.p = p};
	int r = db_series_get(reader, q->series_id, on_series, &rd, err);

	if (r == 0)
		r = db_series_points(reader, q, on_point, &rd, err);
	if (r < 0)
		return r;
	put_in_order(&rd);
	r = fill_environments(&rd, reader, err);
	if (r == 0)
		hand_over(&rd, most);
	return r;
}

int series_points_read(struct db_reader *reader, const struct series_want *want,
    struct series_points **ret, struct err *err)
{
	scoped(series_points_free) struct series_points *p =
	    xcalloc(1, sizeof(*p));
	scoped(free) char *label = NULL;
	struct choice c = {.p = p, .want = want->branch};
	int r = db_series_branches(reader, want->id, on_branch, &c, err);

	label = c.label;
	p->branch = "";
	p->values = want->values;
	if (r == 0 && want->branch && !c.found)
		r = no_branch(p, want->id, want->branch, err);
	if (r == 0 && c.found) {
		p->branch = p->branches[c.at].name;
		r = read_points(p, reader,
		    &(struct db_points_query){want->id, c.id, label,
		        want->since_ms, want->most + 1, want->values},
		    (size_t)want->most, err);
	}
	if (r == 0)
		*ret = take(p);
	return r;
}
