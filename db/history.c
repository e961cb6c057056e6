/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a run. Invariant: the events of a run are rows of job_event
 * while it is open and one packed body when it is done, never both.
 *
 * The body is four streams, each with its length first, because like beside
 * like packs well: events per job; types; times (first of a job against the
 * first of the job before, others against the event before); data, each with
 * a zero byte. An event's seq is its place, counted from 1.
 */
#include "db/history.h"

#include <inttypes.h>

#include "db/pack.h"
#include "db/sql.h"
#include "db/stmt.h"

#define HISTORY_MAX (256 << 20)

struct streams {
	struct buf counts;
	struct buf types;
	struct buf times;
	struct buf data;
	int64_t job;   /* the one being filled */
	int64_t count; /* its events */
	int64_t first_at_ms;
	int64_t last_at_ms;
};

#define STREAMS_INIT                                                         \
	{                                                                    \
		BUF_INIT(HISTORY_MAX), BUF_INIT(HISTORY_MAX),                \
		    BUF_INIT(HISTORY_MAX), BUF_INIT(HISTORY_MAX), 0, 0, 0, 0 \
	}

static void streams_done(struct streams *s)
{
	buf_done(&s->counts);
	buf_done(&s->types);
	buf_done(&s->times);
	buf_done(&s->data);
}

/* ---- packing ------------------------------------------------------------ */

/* Closes the jobs before this one; those without events count 0. */
static void go_to_job(struct streams *s, int64_t job)
{
	for (; s->job < job; s->job++) {
		pack_uint(&s->counts, (uint64_t)s->count);
		s->count = 0;
	}
}

static int add_event(struct streams *s, struct stmt *st, struct err *err)
{
	int64_t at_ms = stmt_int(st, 2);
	const char *data = stmt_text(st, 4);

	go_to_job(s, stmt_int(st, 0));
	if (stmt_int(st, 1) != s->count + 1)
		return err_set(err, ERR_INVAL,
		    "job %" PRId64 ": event %" PRId64 " where %" PRId64
		    " belongs",
		    s->job, stmt_int(st, 1), s->count + 1);
	if (s->count == 0) {
		pack_int(&s->times, at_ms - s->first_at_ms);
		s->first_at_ms = at_ms;
	} else {
		pack_int(&s->times, at_ms - s->last_at_ms);
	}
	s->last_at_ms = at_ms;
	buf_putc(&s->types, (char)stmt_int(st, 3));
	buf_add(&s->data, data, strlen(data) + 1);
	s->count++;
	return 0;
}

static const char sql_events_of_run[] =
    "SELECT job_id, seq, at_ms, type, data FROM job_event "
    "WHERE job_id >= ?1 AND job_id < ?2 ORDER BY job_id, seq";

static int gather(struct conn *c, int64_t first_job, int64_t end_job,
    struct streams *s, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_events_of_run);
	int r;

	stmt_bind_int(st, 1, first_job);
	stmt_bind_int(st, 2, end_job);
	s->job = first_job;
	while ((r = stmt_step(st, err)) == 1) {
		r = add_event(s, st, err);
		if (r < 0)
			return r;
	}
	go_to_job(s, end_job);
	return r;
}

static void add_stream(struct buf *to, const struct buf *stream)
{
	to->failed |= stream->failed;
	pack_uint(to, stream->len);
	buf_add(to, stream->data, stream->len);
}

static const char sql_history_put[] =
    "INSERT INTO run_history (run_id, body) VALUES (?1, ?2)";

static int history_put(
    struct conn *c, int64_t run_id, const struct streams *s, struct err *err)
{
	scoped_val(buf_done) struct buf plain = BUF_INIT(HISTORY_MAX);
	scoped_val(buf_done) struct buf body = BUF_INIT(HISTORY_MAX);
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_history_put);

	add_stream(&plain, &s->counts);
	add_stream(&plain, &s->types);
	add_stream(&plain, &s->times);
	add_stream(&plain, &s->data);
	pack_body(&body, plain.data, plain.len);
	if (plain.failed || body.failed)
		return err_set(err, ERR_LIMIT,
		    "run %" PRId64 ": history too long for memory", run_id);
	stmt_bind_int(st, 1, run_id);
	stmt_bind_blob(st, 2, body.data, body.len);
	return stmt_run(st, err);
}

static const char sql_events_drop[] =
    "DELETE FROM job_event WHERE job_id >= ?1 AND job_id < ?2";

static int pack_events(struct conn *c, int64_t run_id, int64_t first_job,
    int64_t end_job, struct err *err)
{
	scoped_val(streams_done) struct streams s = STREAMS_INIT;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_events_drop);
	int r = gather(c, first_job, end_job, &s, err);

	if (r == 0)
		r = history_put(c, run_id, &s, err);
	if (r < 0)
		return r;
	stmt_bind_int(st, 1, first_job);
	stmt_bind_int(st, 2, end_job);
	return stmt_run(st, err);
}

static const char sql_run_end[] =
    "UPDATE run SET state = 2, ended_at_ms = ?2 WHERE id = ?1 AND state = 1 "
    "AND n_waiting = 0 AND n_running = 0 RETURNING first_job, n_total";

int history_end_run(
    struct conn *c, int64_t run_id, int64_t at_ms, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_end);
	int64_t first;
	int64_t n;
	int r;

	stmt_bind_int(st, 1, run_id);
	stmt_bind_int(st, 2, at_ms);
	r = stmt_step(st, err);
	if (r <= 0)
		return r;
	first = stmt_int(st, 0);
	n = stmt_int(st, 1);
	r = stmt_run(st, err);
	return r < 0 ? r : pack_events(c, run_id, first, first + n, err);
}

/* ---- reading ------------------------------------------------------------ */

static struct unpack stream_of(struct unpack *u)
{
	uint64_t len = unpack_uint(u);
	const unsigned char *p = unpack_bytes(u, len);
	struct unpack s = {p, p ? p + len : p, !p};

	return s;
}

struct cursor {
	struct unpack counts;
	struct unpack types;
	struct unpack times;
	struct unpack data;
	int64_t first_at_ms;
};

static bool is_damaged(const struct cursor *c)
{
	return c->counts.failed || c->types.failed || c->times.failed ||
	    c->data.failed;
}

/* Reads the next job; its events go to row, or are skipped if it is NULL. */
static bool next_job(struct cursor *c,
    bool (*row)(void *arg, const struct history_event *ev), void *arg)
{
	uint64_t n = unpack_uint(&c->counts);
	struct history_event ev = {0, c->first_at_ms, 0, NULL};

	for (uint64_t i = 0; i < n && !is_damaged(c); i++) {
		const unsigned char *type = unpack_bytes(&c->types, 1);
		const char *data = unpack_str(&c->data);

		ev.seq++;
		ev.at_ms += unpack_int(&c->times);
		if (i == 0)
			c->first_at_ms = ev.at_ms;
		if (!row || is_damaged(c))
			continue;
		ev.type = *type;
		ev.data = data[0] ? data : NULL;
		if (!row(arg, &ev))
			return false;
	}
	return true;
}

int history_events(const void *body, size_t len, int64_t k,
    bool (*row)(void *arg, const struct history_event *ev), void *arg,
    struct err *err)
{
	scoped_val(buf_done) struct buf plain = BUF_INIT(HISTORY_MAX);
	struct cursor c = {0};
	struct unpack u;
	int r = unpack_body(body, len, &plain, err);

	if (r < 0)
		return r;
	u.at = (const unsigned char *)plain.data;
	u.end = u.at + plain.len;
	u.failed = false;
	c.counts = stream_of(&u);
	c.types = stream_of(&u);
	c.times = stream_of(&u);
	c.data = stream_of(&u);
	while (k-- > 0 && !is_damaged(&c))
		(void)next_job(&c, NULL, NULL); /* only a row can end it */
	if (!is_damaged(&c))
		(void)next_job(&c, row, arg); /* the caller knows */
	if (is_damaged(&c))
		return err_set(err, ERR_PROTO, "history: damaged");
	return 0;
}

const char *const sql_history[] = {
    sql_events_of_run, sql_history_put, sql_events_drop, sql_run_end, NULL};
