/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables over many runs. Rows hold sums up to their attempt, so all that a
 * window has of a cell is in two of them: the last one before each edge. They
 * lie by machine and time: those of about one time are read together.
 */
#include "base/map.h"
#include "base/str.h"
#include "db/read_cells.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- the edges of a window ----------------------------------------------- */

/* Attempts [from, to). */
struct edges {
	int64_t from; /* 0: from the first */
	int64_t to;
};

static const char sql_attempt_max[] = "SELECT max(id) FROM attempt";
static const char sql_attempt_from[] =
    "SELECT id, started_at_ms FROM attempt WHERE id >= ?1 ORDER BY id LIMIT 1";

/* True if the first attempt from id on began before at_ms. */
static int is_before(struct db_reader *r, int64_t id, int64_t at_ms,
    int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_attempt_from);
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e > 0)
		*ret_id = stmt_int(st, 0);
	return e > 0 ? stmt_int(st, 1) < at_ms : e;
}

/* The first attempt that began then or later: they begin in order of id. */
static int edge(
    struct db_reader *r, int64_t at_ms, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_attempt_max);
	int64_t low = 1;
	int64_t high;
	int e = stmt_step(st, err);

	if (e < 0)
		return e;
	high = stmt_int(st, 0) + 1;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int64_t id = 0;

		e = is_before(r, middle, at_ms, &id, err);
		if (e < 0)
			return e;
		if (e)
			low = id + 1;
		else
			high = middle;
	}
	*ret = low;
	return 0;
}

static int edges_of(struct db_reader *r, const struct db_window *w,
    struct edges *ret, struct err *err)
{
	int e = 0;

	*ret = (struct edges){0, INT64_MAX};
	if (w->since_ms)
		e = edge(r, w->since_ms, &ret->from, err);
	if (e == 0 && w->until_ms)
		e = edge(r, w->until_ms, &ret->to, err);
	return e;
}

/* ---- names --------------------------------------------------------------- */

/* Texts by the number of their row: cells share nearly all. */
struct names {
	struct db_reader *reader;
	struct map words;
	struct map machines;
};

static void texts_done(struct map *m)
{
	size_t pos = 0;
	void *text;

	while ((text = map_next(m, &pos)))
		free(text);
	map_done(m);
}

static void names_done(struct names *n)
{
	texts_done(&n->words);
	texts_done(&n->machines);
}

static const char sql_cell_word[] = "SELECT text FROM word WHERE id = ?1";
static const char sql_cell_machine[] = "SELECT name FROM machine WHERE id = ?1";

/* Borrowed until names_done(). */
static int name_of(struct names *n, struct map *m, const char *sql, int64_t id,
    const char **ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = NULL;
	int e;

	*ret = map_find(m, id);
	if (*ret)
		return 0;
	st = stmt_get(reader_conn(n->reader), sql);
	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	map_put(m, id, xstrdup(e ? stmt_text(st, 0) : ""));
	*ret = map_find(m, id);
	return 0;
}

/* Columns: series of both, then metric, unit, guest, controller, both
   variants, machine. */
#define CELL_COLUMNS                                       \
	"b.id, k.id, b.metric_id, b.unit_id, b.guest_id, " \
	"b.controller_id, b.variant_id, k.variant_id, b.machine_id"

static int cell_names(struct names *n, struct stmt *st, int col,
    struct db_cell_sums *ret, struct err *err)
{
	const char **const words[] = {&ret->metric, &ret->unit, &ret->guest,
	    &ret->controller, &ret->baseline, &ret->candidate};
	int e = 0;

	ret->baseline_id = stmt_int(st, col);
	ret->candidate_id = stmt_int(st, col + 1);
	for (int i = 0; e == 0 && i < (int)ARRAY_LEN(words); i++)
		e = name_of(n, &n->words, sql_cell_word,
		    stmt_int(st, col + 2 + i), words[i], err);
	return e < 0 ? e
	             : name_of(n, &n->machines, sql_cell_machine,
	                   stmt_int(st, col + 8), &ret->machine, err);
}

/* ---- values without regard to pairs -------------------------------------- */

static const char sql_point_at[] =
    "SELECT n, ln_mean, ln_m2 FROM point WHERE series_id = ?1 AND "
    "attempt_id < ?2 ORDER BY attempt_id DESC LIMIT 1";

static int point_at(struct db_reader *r, int64_t series, int64_t before,
    struct bench_moments *ret_ln, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_point_at);
	int e;

	*ret_ln = (struct bench_moments){0, 0, 0};
	stmt_bind_int(st, 1, series);
	stmt_bind_int(st, 2, before);
	e = stmt_step(st, err);
	if (e <= 0)
		return e;
	*ret_ln = (struct bench_moments){.n = (size_t)stmt_int(st, 0),
	    .mean = stmt_real(st, 1),
	    .m2 = stmt_real(st, 2)};
	return 0;
}

static int arm_values(struct db_reader *r, int64_t series,
    const struct edges *w, struct bench_moments *ln, struct err *err)
{
	struct bench_moments before = {0, 0, 0};
	int e = point_at(r, series, w->to, ln, err);

	if (e == 0 && w->from)
		e = point_at(r, series, w->from, &before, err);
	bench_moments_remove(ln, &before);
	return e;
}

/* 1 if there are any. */
static int both_values(struct db_reader *r, const struct edges *w,
    const int64_t series[2], struct bench_cell *cell, struct err *err)
{
	int e = 0;

	for (int arm = 0; e == 0 && arm < 2; arm++)
		e = arm_values(r, series[arm], w, &cell->ln[arm], err);
	return e < 0 ? e : cell->ln[0].n || cell->ln[1].n;
}

int db_cell_values(struct db_reader *r, const struct db_window *w,
    int64_t baseline_id, int64_t candidate_id, struct bench_cell *cell,
    struct err *err)
{
	const int64_t series[2] = {baseline_id, candidate_id};
	struct edges edges;
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = edges_of(r, w, &edges, err);
	if (e == 0)
		e = both_values(r, &edges, series, cell, err);
	reader_end(r);
	return e < 0 ? e : 0;
}

/* ---- sums ---------------------------------------------------------------- */

/* A cell, and what it had at both edges of the window. */
struct cell {
	int64_t id;
	int64_t machine_id;
	int64_t first; /* attempts that have sums; 0: none */
	int64_t last;
	struct db_cell_sums sums; /* those at the end of the window */
	struct bench_cell before; /* the window */
	int64_t newest;           /* attempt of the sums at the end */
	int64_t edge;             /* that was read last */
};

struct cells {
	struct cell *v; /* by id */
	size_t n;
	size_t cap;
};

static void cells_done(struct cells *c)
{
	free(c->v);
}

static int compare_cells(const void *key, const void *cell)
{
	const int64_t *id = key;
	const struct cell *c = cell;

	return (*id > c->id) - (*id < c->id);
}

#define CELL_SUMS                                         \
	"SELECT cell_id, attempt_id, n, ln_mean, ln_m2, " \
	"ln_baseline FROM cell_sum "                      \
	"WHERE machine_id = ?1 AND "

static void sums_read(struct stmt *st, struct bench_cell *ret)
{
	ret->pairs = (struct bench_moments){.n = (size_t)stmt_int(st, 2),
	    .mean = stmt_real(st, 3),
	    .m2 = stmt_real(st, 4)};
	ret->ln_baseline = stmt_real(st, 5);
}

/* Whose last row before the edge is not its very last one. */
static bool is_inside(const struct cell *c, int64_t edge)
{
	return c->first && c->first < edge && c->last >= edge;
}

static void cell_at(
    struct cell *c, const struct edges *w, int64_t edge, struct stmt *st)
{
	c->edge = edge;
	if (edge == w->to) {
		c->newest = stmt_int(st, 1);
		sums_read(st, &c->sums.sums);
	} else {
		sums_read(st, &c->before);
	}
}

static struct cell *cell_find(struct cells *cells, int64_t id)
{
	return bsearch(
	    &id, cells->v, cells->n, sizeof(cells->v[0]), compare_cells);
}

static const char sql_cell_last[] = CELL_SUMS "attempt_id = ?2";

/* The last sums of a cell, and of all whose last ones lie beside them. */
static int last_sums(struct db_reader *r, struct cells *cells,
    const struct cell *of, const struct edges *w, int64_t edge, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_cell_last);
	int64_t last = of->last;
	int e;

	stmt_bind_int(st, 1, of->machine_id);
	stmt_bind_int(st, 2, last);
	while ((e = stmt_step(st, err)) == 1) {
		struct cell *c = cell_find(cells, stmt_int(st, 0));

		if (c && c->last == last)
			cell_at(c, w, edge, st);
	}
	return e;
}

/* Backwards in time: a machine's attempts mostly measure the same cells. */
static const char sql_cell_walk[] =
    CELL_SUMS "attempt_id < ?2 ORDER BY attempt_id DESC";

/* The sums of so many cells of a machine that are inside at the edge. */
static int walk(struct db_reader *r, struct cells *cells, int64_t machine_id,
    size_t wanted, const struct edges *w, int64_t edge, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_cell_walk);
	int e = 0;

	stmt_bind_int(st, 1, machine_id);
	stmt_bind_int(st, 2, edge);
	while (wanted && (e = stmt_step(st, err)) == 1) {
		struct cell *c = cell_find(cells, stmt_int(st, 0));

		if (!c || c->edge == edge || !is_inside(c, edge))
			continue;
		cell_at(c, w, edge, st);
		wanted--;
	}
	return e < 0 ? e : 0;
}

/* The i-th cell, and the others of its machine. */
static int walk_machine(struct db_reader *r, struct cells *cells, size_t i,
    const struct edges *w, int64_t edge, struct err *err)
{
	int64_t machine_id = cells->v[i].machine_id;
	size_t wanted = 0;

	for (size_t k = i; k < cells->n; k++)
		wanted += cells->v[k].machine_id == machine_id &&
		    is_inside(&cells->v[k], edge);
	return walk(r, cells, machine_id, wanted, w, edge, err);
}

static int sums_at(struct db_reader *r, struct cells *cells,
    const struct edges *w, int64_t edge, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < cells->n; i++) {
		struct cell *c = &cells->v[i];

		if (c->edge == edge)
			continue;
		if (is_inside(c, edge))
			e = walk_machine(r, cells, i, w, edge, err);
		else if (c->first && c->last < edge)
			e = last_sums(r, cells, c, w, edge, err);
	}
	return e;
}

static const char sql_cells[] =
    "SELECT c.id, c.machine_id, c.first_attempt, c.last_attempt, " CELL_COLUMNS
    " FROM cell c CROSS JOIN series b ON b.id = c.baseline_id "
    "CROSS JOIN series k ON k.id = c.candidate_id WHERE ?1 IS NULL OR "
    "b.metric_id = (SELECT w.id FROM word w WHERE w.text = ?1) ORDER BY c.id";

static int cells_read(struct db_reader *r, const char *metric,
    struct names *names, struct cells *to, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_cells);
	int e;

	stmt_bind_text(st, 1, metric);
	while ((e = stmt_step(st, err)) == 1) {
		struct cell *c;

		if (to->n == to->cap) {
			to->cap = to->cap ? 2 * to->cap : 64;
			to->v = xrealloc(to->v, to->cap, sizeof(to->v[0]));
		}
		c = &to->v[to->n++];
		*c = (struct cell){.id = stmt_int(st, 0),
		    .machine_id = stmt_int(st, 1),
		    .first = stmt_int(st, 2),
		    .last = stmt_int(st, 3)};
		e = cell_names(names, st, 4, &c->sums, err);
		if (e < 0)
			return e;
	}
	return e;
}

/* True if it has attempts in the window. */
static int cell_finish(
    struct db_reader *r, struct cell *c, const struct edges *w, struct err *err)
{
	const int64_t series[2] = {c->sums.baseline_id, c->sums.candidate_id};
	struct bench_cell *sums = &c->sums.sums;

	if (!c->first || c->first >= w->to) {
		sums->unpaired = true;
		return both_values(r, w, series, sums, err);
	}
	if (c->newest < w->from)
		return 0;
	bench_moments_remove(&sums->pairs, &c->before.pairs);
	sums->ln_baseline -= c->before.ln_baseline;
	return 1;
}

static int pass_cells(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err)
{
	scoped_val(names_done) struct names names = {.reader = r};
	scoped_val(cells_done) struct cells cells = {NULL, 0, 0};
	struct edges edges;
	int e = edges_of(r, w, &edges, err);

	if (e == 0)
		e = cells_read(r, w->metric, &names, &cells, err);
	if (e == 0)
		e = sums_at(r, &cells, &edges, edges.to, err);
	if (e == 0 && edges.from)
		e = sums_at(r, &cells, &edges, edges.from, err);
	for (size_t i = 0; e >= 0 && i < cells.n; i++) {
		e = cell_finish(r, &cells.v[i], &edges, err);
		if (e > 0 && !row(arg, &cells.v[i].sums))
			return 0;
	}
	return e < 0 ? e : 0;
}

int db_cells(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_cells(r, w, row, arg, err);
	reader_end(r);
	return e;
}

/* ---- variants that were never measured in one attempt -------------------- */

static const char sql_cells_apart[] =
    "SELECT " CELL_COLUMNS " FROM series b CROSS JOIN series k ON "
    "k.metric_id = b.metric_id AND k.machine_id = b.machine_id AND "
    "k.variant_id = (SELECT w.id FROM word w WHERE w.text = ?2) AND "
    "k.guest_id = b.guest_id AND k.controller_id = b.controller_id AND "
    "k.unit_id = b.unit_id WHERE "
    "b.variant_id = (SELECT w.id FROM word w WHERE w.text = ?1) AND "
    "(?3 IS NULL OR "
    "b.metric_id = (SELECT w.id FROM word w WHERE w.text = ?3)) AND "
    "NOT EXISTS (SELECT 1 FROM cell c WHERE c.baseline_id = b.id AND "
    "c.candidate_id = k.id) AND NOT EXISTS (SELECT 1 FROM cell c WHERE "
    "c.baseline_id = k.id AND c.candidate_id = b.id) ORDER BY b.id";

static int pass_apart(struct db_reader *r, struct stmt *st,
    const struct edges *w,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err)
{
	scoped_val(names_done) struct names names = {.reader = r};
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		struct db_cell_sums cell = {.sums = {.unpaired = true}};

		const int64_t series[2] = {stmt_int(st, 0), stmt_int(st, 1)};

		e = both_values(r, w, series, &cell.sums, err);
		if (e == 0)
			continue;
		if (e > 0)
			e = cell_names(&names, st, 0, &cell, err);
		if (e < 0 || !row(arg, &cell))
			return e;
	}
	return e;
}

int db_cells_apart(struct db_reader *r, const struct db_window *w,
    const char *baseline, const char *candidate,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_cells_apart);
	struct edges edges;
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	stmt_bind_text(st, 1, baseline);
	stmt_bind_text(st, 2, candidate);
	stmt_bind_text(st, 3, w->metric);
	e = edges_of(r, w, &edges, err);
	if (e == 0)
		e = pass_apart(r, st, &edges, row, arg, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_cells[] = {sql_attempt_max, sql_attempt_from,
    sql_cell_word, sql_cell_machine, sql_cell_last, sql_cell_walk, sql_cells,
    sql_cells_apart, sql_point_at, NULL};
