/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter of the run index. It keeps every name and the name's number of
 * every run, and for the last few patterns a bit for each run.
 *
 * Invariants: after refresh() it has the runs of the current read transaction
 * (which begins under the lock, so that no other thread's was newer), and each
 * query kept has exactly the bits of the names and runs that there are. What a
 * refresh that was cut short has learned stays: the next one goes on. Runs and
 * names are never deleted or renamed.
 */
#include "db/filter.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/like.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* A run may become durable after one with a higher id, but not much later. */
#define REREAD_IDS 4096
#define QUERIES 8
#define STEP_MS (READER_MAX_MS / 2) /* of filling: the lock is held */
#define FILL_MAX_MS 3000
#define LOOK_EVERY 4096 /* names between two looks at the clock */

struct bits {
	uint64_t *words;
	size_t n; /* bits */
};

static void bits_done(struct bits *b)
{
	free(b->words);
	*b = (struct bits){NULL, 0};
}

static void bits_set(struct bits *b, size_t i)
{
	size_t n = b->n ? b->n : 4096;

	while (n <= i)
		n *= 2;
	if (n != b->n) {
		b->words = xrealloc(b->words, n / 64, sizeof(*b->words));
		memset(b->words + b->n / 64, 0, (n - b->n) / 8);
		b->n = n;
	}
	b->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool bits_get(const struct bits *b, size_t i)
{
	return i < b->n && b->words[i / 64] >> (i % 64) & 1;
}

/* A pattern that was asked for, and its answer. */
struct query {
	struct like *like; /* NULL: none */
	struct bits names;
	struct bits runs;
	int64_t n_runs;
	uint64_t used_at; /* in uses */
};

struct db_filter {
	pthread_mutex_t lock; /* of all below */
	struct names names;
	uint32_t *name_of; /* by run id; 0: no such run */
	size_t cap;
	int64_t max_id;
	int64_t n_runs;
	bool begun;  /* to read all; seen_to was the newest run then */
	bool filled; /* all were read */
	int64_t at_name;
	int64_t at_run;  /* of that name: the last one read */
	int64_t seen_to; /* runs up to it were looked at */
	struct query queries[QUERIES];
	uint64_t uses;
};

struct db_filter *db_filter_new(void)
{
	struct db_filter *f = xcalloc(1, sizeof(*f));

	/* The default kind of mutex fails for bugs only. */
	if (pthread_mutex_init(&f->lock, NULL) != 0)
		abort();
	return f;
}

static void forget(struct query *q)
{
	like_free(q->like);
	bits_done(&q->names);
	bits_done(&q->runs);
	*q = (struct query){.like = NULL};
}

void db_filter_free(struct db_filter *f)
{
	if (!f)
		return;
	for (int i = 0; i < QUERIES; i++)
		forget(&f->queries[i]);
	names_done(&f->names);
	(void)pthread_mutex_destroy(&f->lock); /* nobody has it */
	free(f->name_of);
	free(f);
}

static void lock(struct db_filter *f)
{
	if (pthread_mutex_lock(&f->lock) != 0)
		abort();
}

static void unlock(struct db_filter *f)
{
	if (pthread_mutex_unlock(&f->lock) != 0)
		abort();
}

/* ---- keeping up --------------------------------------------------------- */

static void put(struct db_filter *f, int64_t id, int64_t name_id)
{
	size_t i = (size_t)id;
	size_t cap = f->cap ? f->cap : 4096;

	while (cap <= i)
		cap *= 2;
	if (cap != f->cap) {
		f->name_of = xrealloc(f->name_of, cap, sizeof(*f->name_of));
		memset(f->name_of + f->cap, 0,
		    (cap - f->cap) * sizeof(*f->name_of));
		f->cap = cap;
	}
	if (f->name_of[i])
		return;
	f->n_runs++;
	f->name_of[i] = (uint32_t)name_id;
	if (id > f->max_id)
		f->max_id = id;
	for (struct query *q = f->queries; q < f->queries + QUERIES; q++) {
		if (!bits_get(&q->names, (size_t)name_id))
			continue;
		bits_set(&q->runs, i);
		q->n_runs++;
	}
}

static const char sql_names_after[] =
    "SELECT id, name FROM name WHERE id > ?1 ORDER BY id";

static int read_names(struct db_filter *f, struct conn *c, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_names_after);
	int r;

	stmt_bind_int(st, 1, f->names.last);
	while ((r = stmt_step(st, err)) == 1) {
		int64_t id = stmt_int(st, 0);

		r = names_add(&f->names, id, stmt_text(st, 1), err);
		if (r < 0)
			return r;
		for (int i = 0; i < QUERIES; i++)
			if (f->queries[i].like &&
			    names_next_like(
			        &f->names, id, id, f->queries[i].like))
				bits_set(&f->queries[i].names, (size_t)id);
	}
	return r;
}

/* The index of names is a tenth of the table. */
static const char sql_runs_by_name[] =
    "SELECT id, name_id FROM run INDEXED BY run_name "
    "WHERE (name_id, id) > (?1, ?2) ORDER BY name_id, id";
static const char sql_runs_since[] =
    "SELECT id, name_id FROM run WHERE id > ?1 ORDER BY id";

static int read_all(struct db_filter *f, struct conn *c, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_runs_by_name);
	int r;

	stmt_bind_int(st, 1, f->at_name);
	stmt_bind_int(st, 2, f->at_run);
	while ((r = stmt_step(st, err)) == 1) {
		f->at_run = stmt_int(st, 0);
		f->at_name = stmt_int(st, 1);
		put(f, f->at_run, f->at_name);
	}
	f->filled = r == 0;
	return r;
}

static int read_since(
    struct db_filter *f, struct conn *c, int64_t id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_runs_since);
	int r;

	stmt_bind_int(st, 1, id);
	while ((r = stmt_step(st, err)) == 1) {
		put(f, stmt_int(st, 0), stmt_int(st, 1));
		if (stmt_int(st, 0) > f->seen_to)
			f->seen_to = stmt_int(st, 0);
	}
	return r;
}

static const char sql_run_total[] =
    "SELECT coalesce(sum(runs), 0) FROM run_block";
static const char sql_run_last[] = "SELECT coalesce(max(id), 0) FROM run";

static int get_int(
    struct conn *c, const char *sql, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return 0;
}

/* Every run there is, from where the last call was cut short. */
static int fill(struct db_filter *f, struct conn *c, struct err *err)
{
	int r = 0;

	if (!f->begun)
		r = get_int(c, sql_run_last, &f->seen_to, err);
	if (r < 0)
		return r;
	f->begun = true;
	return read_all(f, c, err);
}

static int refresh(struct db_filter *f, struct conn *c, struct err *err)
{
	int64_t total = 0;
	int r = get_int(c, sql_run_total, &total, err);

	if (r == 0 && (!f->filled || f->n_runs < total))
		r = read_names(f, c, err);
	if (r == 0 && !f->filled)
		r = fill(f, c, err);
	if (r == 0 && f->n_runs < total)
		r = read_since(f, c, f->seen_to, err);
	if (r == 0 && f->n_runs < total)
		r = read_since(f, c, f->seen_to - REREAD_IDS, err);
	if (r < 0 || f->n_runs >= total)
		return r;
	/* One came later than we thought possible. */
	f->at_name = f->at_run = 0;
	f->begun = f->filled = false;
	return fill(f, c, err);
}

static int fill_step(struct db_filter *f, struct db_reader *r, struct err *err)
{
	int e;

	if (f->filled)
		return 0;
	e = reader_begin(r, STEP_MS, err);
	if (e < 0)
		return e;
	e = refresh(f, reader_conn(r), err);
	reader_end(r);
	return e;
}

int filter_fill(struct db_filter *f, struct db_reader *r, struct err *err)
{
	int64_t until_ms = clock_mono_ms() + FILL_MAX_MS;
	int e;

	do {
		lock(f);
		e = fill_step(f, r, err);
		unlock(f);
	} while (e == -ERR_TIMEOUT && clock_mono_ms() < until_ms);
	return e;
}

/* ---- matching ----------------------------------------------------------- */

/* A pattern can be made slow on purpose. */
static int match_names(struct db_filter *f, struct query *q, struct err *err)
{
	int64_t until_ms = clock_mono_ms() + READER_MAX_MS;

	for (int64_t id = 1; id <= f->names.last; id += LOOK_EVERY) {
		int64_t to = id + LOOK_EVERY - 1;
		int64_t at = id - 1;

		if (clock_mono_ms() > until_ms)
			return err_set(
			    err, ERR_TIMEOUT, "the filter takes too long");
		while ((at = names_next_like(&f->names, at + 1, to, q->like)))
			bits_set(&q->names, (size_t)at);
	}
	return 0;
}

static void match_runs(struct db_filter *f, struct query *q)
{
	for (int64_t id = 1; id <= f->max_id; id++) {
		if (!bits_get(&q->names, f->name_of[id]))
			continue;
		bits_set(&q->runs, (size_t)id);
		q->n_runs++;
	}
}

/* The one that has this pattern, or the one whose last use is the oldest. */
static struct query *find_query(struct db_filter *f, const char *like)
{
	struct query *oldest = f->queries;

	for (struct query *q = f->queries; q < f->queries + QUERIES; q++) {
		if (q->like && strcmp(like_pattern(q->like), like) == 0)
			return q;
		if (q->used_at < oldest->used_at)
			oldest = q;
	}
	forget(oldest);
	return oldest;
}

static int prepare(struct db_filter *f, struct db_reader *r, const char *like,
    struct query **ret, struct err *err)
{
	int e = refresh(f, reader_conn(r), err);
	struct query *q;

	if (e < 0)
		return e;
	q = find_query(f, like);
	if (!q->like) {
		q->like = like_new(like);
		e = match_names(f, q, err);
		if (e < 0) {
			forget(q);
			return e;
		}
		match_runs(f, q);
	}
	q->used_at = ++f->uses;
	*ret = q;
	return 0;
}

int filter_count(struct db_filter *f, struct db_reader *r, const char *like,
    int64_t *ret, struct err *err)
{
	struct query *q;
	int e;

	lock(f);
	e = prepare(f, r, like, &q, err);
	if (e == 0)
		*ret = q->n_runs;
	unlock(f);
	return e;
}

/* Of word i, those below end. */
static uint64_t word_below(const struct bits *b, size_t i, size_t end)
{
	uint64_t word = b->words[i];

	if (end / 64 == i)
		word &= (UINT64_C(1) << (end % 64)) - 1;
	return word;
}

static size_t page(const struct bits *b, size_t end, int64_t skip, size_t limit,
    int64_t *ret_ids)
{
	size_t n = 0;

	for (size_t i = (end + 63) / 64; i-- > 0 && n < limit;) {
		uint64_t word = word_below(b, i, end);
		int64_t has = __builtin_popcountll(word);

		if (has <= skip) {
			skip -= has;
			continue;
		}
		while (word && n < limit) {
			int top = 63 - __builtin_clzll(word);

			word &= ~(UINT64_C(1) << top);
			if (skip-- > 0)
				continue;
			ret_ids[n++] = (int64_t)i * 64 + top;
		}
	}
	return n;
}

int filter_page(struct db_filter *f, struct db_reader *r, const char *like,
    int64_t before, int64_t skip, size_t limit, int64_t *ret_ids, size_t *ret_n,
    struct err *err)
{
	struct query *q;
	size_t end;
	int e;

	lock(f);
	e = prepare(f, r, like, &q, err);
	if (e == 0) {
		end = q->runs.n;
		if (before && (uint64_t)before < end)
			end = (size_t)before;
		*ret_n = page(&q->runs, end, skip, limit, ret_ids);
	}
	unlock(f);
	return e;
}

const char *const sql_reader_filter[] = {sql_names_after, sql_runs_by_name,
    sql_runs_since, sql_run_total, sql_run_last, NULL};
