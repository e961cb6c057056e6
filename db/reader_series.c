/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which series there are, and which run is meant. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/read_series.h"
#include "db/reader.h"
#include "db/series.h"
#include "db/sql.h"
#include "db/stmt.h"

#define PAGE_MS 150 /* a page of the list ends then */

/* ---- series ------------------------------------------------------------- */

/* What is the same as another machine counts there. */
#define SERIES_ROWS                                                    \
	"SELECT s.id, m.text, u.text, k.name, v.text, g.text, t.text " \
	"FROM series s JOIN word m ON m.id = s.metric_id "             \
	"JOIN word u ON u.id = s.unit_id "                             \
	"JOIN machine k0 ON k0.id = s.machine_id "                     \
	"JOIN machine k ON k.id = coalesce(k0.same_as, k0.id) "        \
	"JOIN word v ON v.id = s.variant_id "                          \
	"JOIN word g ON g.id = s.guest_id JOIN word t ON t.id = "      \
	"s.controller_id "

static void series_row(struct stmt *st, struct db_series *ret)
{
	*ret = (struct db_series){
	    .id = stmt_int(st, 0),
	    .metric = stmt_text(st, 1),
	    .unit = stmt_text(st, 2),
	    .machine = stmt_text(st, 3),
	    .variant = stmt_text(st, 4),
	    .guest = stmt_text(st, 5),
	    .controller = stmt_text(st, 6),
	};
}

static const char sql_series_one[] = SERIES_ROWS "WHERE s.id = ?1";

/* id is its lowest one. */
static int pass_one(struct db_reader *r, int64_t id,
    void (*row)(void *arg, const struct db_series *s), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_series_one);
	struct db_series s;
	int e;

	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return err_set(err, ERR_NOTFOUND,
		    "series %" PRId64 ": no such series", id);
	series_row(st, &s);
	row(arg, &s);
	return 0;
}

int db_series_get(struct db_reader *r, int64_t id,
    void (*row)(void *arg, const struct db_series *s), void *arg,
    struct err *err)
{
	scoped_val(series_group_done) struct series_group g = {NULL, 0};
	int e = series_group(r, id, &g, err);

	return e < 0 ? e : pass_one(r, g.ids[0], row, arg, err);
}

/* ---- the list ----------------------------------------------------------- */

struct list {
	const struct db_series_query *q;
	bool (*row)(void *arg, const struct db_series *s,
	    const struct db_series_branch *b);
	void *arg;
	bool stop;
};

struct listed {
	struct list *l;
	const struct db_series *s;
};

static bool pass_branch(void *arg, const struct db_series_branch *b)
{
	struct listed *of = arg;
	struct list *l = of->l;

	if (!l->q->branch || str_eq(l->q->branch, b->branch))
		l->stop = !l->row(l->arg, of->s, b);
	return !l->stop;
}

/* A series that has a lower id, too, was there before. */
static int pass_branches(struct db_reader *r, const struct db_series *s,
    struct list *l, struct err *err)
{
	scoped_val(series_group_done) struct series_group g = {NULL, 0};
	struct listed of = {l, s};
	int e = series_group(r, s->id, &g, err);

	if (e < 0 || g.ids[0] != s->id)
		return e;
	return db_series_branches(r, s->id, pass_branch, &of, err);
}

static const char sql_series_list[] = SERIES_ROWS
    "WHERE s.id > ?1 AND (?2 IS NULL OR m.text = ?2) AND "
    "(?3 IS NULL OR k.id IN (SELECT coalesce(o.same_as, o.id) FROM machine o "
    "WHERE o.name = ?3 UNION SELECT machine_id FROM machine_alias "
    "WHERE name = ?3)) AND (?4 IS NULL OR v.text = ?4) AND "
    "(?5 IS NULL OR g.text = ?5) AND (?6 IS NULL OR t.text = ?6) "
    "ORDER BY s.id";

/* Whether one of the names has it, whatever the case of its letters. */
static bool has_word(const struct db_series *s, const char *word)
{
	const char *const names[] = {
	    s->metric, s->machine, s->variant, s->guest, s->controller};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasestr(names[i], word))
			return true;
	return false;
}

static bool has_words(const struct db_series *s, const char *words)
{
	scoped(free) char *copy = xstrdup(words ? words : "");
	char *rest = copy;
	const char *word;

	while ((word = strsep(&rest, " ")))
		if (!has_word(s, word))
			return false;
	return true;
}

/* What differs between equals is no history, unless it is asked for. */
static bool is_wanted(
    const struct db_series *s, const struct db_series_query *q)
{
	return q->placebos || q->variant || !bench_is_placebo_name(s->variant);
}

static int pass_series(
    struct db_reader *r, struct list *l, int64_t *ret_next, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_series_list);
	const struct db_series_query *q = l->q;
	int64_t until_ms = clock_mono_ms() + PAGE_MS;
	struct db_series s = {0};
	int n = 0;
	int e;

	stmt_bind_int(st, 1, q->after);
	stmt_bind_text(st, 2, q->metric);
	stmt_bind_text(st, 3, q->machine);
	stmt_bind_text(st, 4, q->variant);
	stmt_bind_text(st, 5, q->guest);
	stmt_bind_text(st, 6, q->controller);
	*ret_next = 0;
	while ((e = stmt_step(st, err)) == 1) {
		if (n == q->limit || (s.id && clock_mono_ms() > until_ms)) {
			*ret_next = s.id;
			return 0;
		}
		series_row(st, &s);
		if (!is_wanted(&s, q) || !has_words(&s, q->words))
			continue;
		e = pass_branches(r, &s, l, err);
		if (e < 0 || l->stop)
			return e;
		n++;
	}
	return e;
}

int db_series_list(struct db_reader *r, const struct db_series_query *q,
    bool (*row)(
        void *arg, const struct db_series *s, const struct db_series_branch *b),
    void *arg, int64_t *ret_next, struct err *err)
{
	struct list l = {q, row, arg, false};
	int e;

	if (q->limit < 1 || q->limit > DB_SERIES_MAX)
		return err_set(err, ERR_INVAL, "limit %d; must be 1 to %d",
		    q->limit, DB_SERIES_MAX);
	e = reader_begin(r, READER_MAX_MS, err);
	if (e < 0)
		return e;
	e = pass_series(r, &l, ret_next, err);
	reader_end(r);
	return e;
}

/* By the index: a series is no sample, there are few of them. */
static const char sql_series_metrics[] =
    "SELECT m.text, u.text, count(*) FROM series s "
    "JOIN word m ON m.id = s.metric_id JOIN word u ON u.id = s.unit_id "
    "JOIN word v ON v.id = s.variant_id "
    "WHERE s.id > 0 AND v.text NOT GLOB '*" BENCH_PLACEBO
    "' GROUP BY s.metric_id, s.unit_id ORDER BY m.text, u.text";

int db_series_metrics(struct db_reader *r,
    bool (*row)(
        void *arg, const char *metric, const char *unit, int64_t n_series),
    void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_series_metrics);
	int e;

	while ((e = stmt_step(st, err)) == 1)
		if (!row(arg, stmt_text(st, 0), stmt_text(st, 1),
		        stmt_int(st, 2)))
			return 0;
	return e;
}

/* ---- runs --------------------------------------------------------------- */

static const char sql_run_by_commit[] =
    "SELECT r.id FROM run r JOIN word w ON w.id = r.project_id "
    "JOIN name n ON n.id = r.name_id WHERE r.id > 0 AND r.state = 2 AND "
    "r.rerun_of IS NULL AND "
    "substr(hex(r.commit_sha), 1, length(?1)) = upper(?1) AND "
    "(?2 IS NULL OR w.text = ?2) AND (?3 IS NULL OR n.name = ?3) "
    "ORDER BY r.id DESC LIMIT 1";
static const char sql_run_by_name[] =
    "SELECT r.id FROM name n CROSS JOIN run r ON r.name_id = n.id "
    "JOIN word w ON w.id = r.project_id WHERE n.name = ?3 AND r.state = 2 "
    "AND r.rerun_of IS NULL AND ?1 IS NULL AND (?2 IS NULL OR w.text = ?2) "
    "ORDER BY r.id DESC LIMIT 1";

static int not_found(const struct db_run_want *want, struct err *err)
{
	return err_set(err, ERR_NOTFOUND, "no run that is done%s%s%s%s%s%s",
	    want->commit ? " of commit " : "", want->commit ? want->commit : "",
	    want->name ? " of the name " : "", want->name ? want->name : "",
	    want->project ? " in project " : "",
	    want->project ? want->project : "");
}

static int find_run(struct db_reader *r, const struct db_run_want *want,
    int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(
	    reader_conn(r), want->commit ? sql_run_by_commit : sql_run_by_name);
	int e;

	stmt_bind_text(st, 1, want->commit);
	stmt_bind_text(st, 2, want->project);
	stmt_bind_text(st, 3, want->name);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return not_found(want, err);
	*ret_id = stmt_int(st, 0);
	return 0;
}

int db_run_find(struct db_reader *r, const struct db_run_want *want,
    int64_t *ret_id, struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = find_run(r, want, ret_id, err);
	reader_end(r);
	return e;
}

const char *const sql_reader_series[] = {sql_series_one, sql_series_list,
    sql_series_metrics, sql_run_by_commit, sql_run_by_name, NULL};
