/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter of the run index. It keeps the name's number of every run: two
 * million runs are 8 MB. Invariant: after refresh() it has exactly the runs
 * of the current read transaction; runs are never deleted or renamed.
 */
#include "db/filter.h"

#include <stdbool.h>

#include "base/mem.h"
#include "db/sql.h"
#include "db/stmt.h"

/* A run may become durable after one with a higher id, but not much later. */
#define REREAD_IDS 4096

struct bits {
	uint64_t *words;
	size_t n; /* bits */
};

static void bits_done(struct bits *b)
{
	free(b->words);
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

struct filter {
	uint32_t *name_of; /* by run id; 0: no such run */
	size_t cap;
	int64_t max_id;
	int64_t n_runs;
	/* The last filter: its pattern, and the names that match. */
	char *like;
	struct bits match;
	int64_t matched_to; /* number of the last name looked at */
};

struct filter *filter_new(void)
{
	return xcalloc(1, sizeof(struct filter));
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	bits_done(&f->match);
	free(f->like);
	free(f->name_of);
	free(f);
}

/* ---- keeping up --------------------------------------------------------- */

static void put(struct filter *f, int64_t id, int64_t name_id)
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
	if (!f->name_of[i])
		f->n_runs++;
	f->name_of[i] = (uint32_t)name_id;
	if (id > f->max_id)
		f->max_id = id;
}

/* All of it: the index of names is a tenth of the table. */
static const char sql_names_all[] = "SELECT id, name_id FROM run "
                                    "INDEXED BY run_name WHERE name_id > 0";
static const char sql_names_since[] =
    "SELECT id, name_id FROM run WHERE id > ?1";

static int read_all(struct filter *f, struct conn *c, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_names_all);
	int r;

	while ((r = stmt_step(st, err)) == 1)
		put(f, stmt_int(st, 0), stmt_int(st, 1));
	return r;
}

static int read_since(
    struct filter *f, struct conn *c, int64_t id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_names_since);
	int r;

	stmt_bind_int(st, 1, id);
	while ((r = stmt_step(st, err)) == 1)
		put(f, stmt_int(st, 0), stmt_int(st, 1));
	return r;
}

static const char sql_run_total[] =
    "SELECT coalesce(sum(runs), 0) FROM run_block";

static int run_total(struct conn *c, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_total);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return 0;
}

static int refresh(struct filter *f, struct conn *c, struct err *err)
{
	int64_t total = 0;
	int r = run_total(c, &total, err);

	if (r == 0 && f->n_runs && f->n_runs != total)
		r = read_since(f, c, f->max_id, err);
	if (r == 0 && f->n_runs && f->n_runs != total)
		r = read_since(f, c, f->max_id - REREAD_IDS, err);
	if (r == 0 && f->n_runs != total)
		r = read_all(f, c, err);
	return r;
}

/* ---- matching ----------------------------------------------------------- */

static const char sql_names_like[] =
    "SELECT id FROM name WHERE name LIKE ?1 AND id > ?2";
static const char sql_name_last[] = "SELECT coalesce(max(id), 0) FROM name";

static int last_name(struct conn *c, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_name_last);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return 0;
}

static void forget(struct filter *f)
{
	bits_done(&f->match);
	f->match = (struct bits){NULL, 0};
	free(f->like);
	f->like = NULL;
	f->matched_to = 0;
}

/* People turn pages of one filter: only names that are new are looked at. */
static int match(
    struct filter *f, struct conn *c, const char *like, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_names_like);
	int64_t last = 0;
	int r = last_name(c, &last, err);

	if (!f->like || strcmp(f->like, like) != 0)
		forget(f);
	if (r < 0 || last == f->matched_to)
		return r;
	stmt_bind_text(st, 1, like);
	stmt_bind_int(st, 2, f->matched_to);
	while ((r = stmt_step(st, err)) == 1)
		bits_set(&f->match, (size_t)stmt_int(st, 0));
	if (r < 0)
		return r;
	f->matched_to = last;
	if (!f->like)
		f->like = xstrdup(like);
	return 0;
}

static int prepare(
    struct filter *f, struct conn *c, const char *like, struct err *err)
{
	int r = refresh(f, c, err);

	return r < 0 ? r : match(f, c, like, err);
}

int filter_count(struct filter *f, struct conn *c, const char *like,
    int64_t *ret, struct err *err)
{
	int64_t n = 0;
	int r = prepare(f, c, like, err);

	if (r < 0)
		return r;
	for (int64_t id = 1; id <= f->max_id; id++)
		n += bits_get(&f->match, f->name_of[id]);
	*ret = n;
	return 0;
}

int filter_page(struct filter *f, struct conn *c, const char *like,
    int64_t before, int64_t skip, size_t limit, int64_t *ret_ids, size_t *ret_n,
    struct err *err)
{
	int64_t id;
	size_t n = 0;
	int r = prepare(f, c, like, err);

	if (r < 0)
		return r;
	id = before && before <= f->max_id ? before - 1 : f->max_id;
	for (; id > 0 && n < limit; id--) {
		/* Number 0 is no name, so a missing run matches nothing. */
		if (!bits_get(&f->match, f->name_of[id]))
			continue;
		if (skip-- > 0)
			continue;
		ret_ids[n++] = id;
	}
	*ret_n = n;
	return 0;
}

const char *const sql_reader_filter[] = {sql_names_all, sql_names_since,
    sql_run_total, sql_names_like, sql_name_last, NULL};
