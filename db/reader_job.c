/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading one job: row, attempts, events, cases, samples. */
#include <inttypes.h>

#include "bench/bench.h"
#include "db/case.h"
#include "db/db.h"
#include "db/history.h"
#include "db/job.h"
#include "db/mark.h"
#include "db/pack.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

/* ---- the job ------------------------------------------------------------ */

static const char sql_job_get[] =
    "SELECT i.text, p.text, j.state, j.outcome, j.layer, j.flags, j.attempts, "
    "j.last_attempt, j.took_ms FROM job j "
    "JOIN word i ON i.id = j.item_id JOIN word p ON p.id = j.platform_id "
    "WHERE j.id = ?1";

static int pass_job(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_job *job), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_job_get);
	struct job_place place = {0};
	struct db_job job;
	int e = reader_job_place(r, id, &place, err);

	if (e < 0)
		return e;
	stmt_bind_int(st, 1, id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	job.id = id;
	job.run_id = place.run_id;
	job.item = stmt_text(st, 0);
	job.platform = stmt_text(st, 1);
	job.state = (enum job_state)stmt_int(st, 2);
	verdict_get(st, 3, &job.verdict);
	job.attempts = (int)stmt_int(st, 6);
	job.last_attempt = stmt_int(st, 7);
	job.took_ms = stmt_int(st, 8);
	(void)row(arg, &job); /* there is only this one */
	return 0;
}

int db_job_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_job *job), void *arg,
    struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = pass_job(r, id, row, arg, err);
	reader_end(r);
	return e;
}

/* ---- its attempts ------------------------------------------------------- */

/* From the newest to the first, each naming the one before. */
#define ATTEMPT_CHAIN                                                   \
	"WITH RECURSIVE chain (id) AS ("                                \
	"SELECT last_attempt FROM job WHERE id = ?1 UNION ALL "         \
	"SELECT a.previous FROM chain c JOIN attempt a ON a.id = c.id " \
	"WHERE a.previous IS NOT NULL) "

static const char sql_attempts[] = ATTEMPT_CHAIN
    "SELECT a.id, a.no, a.machine_id, m.name, a.started_at_ms, a.took_ms, "
    "a.outcome, a.layer, a.flags, e.text FROM chain c "
    "CROSS JOIN attempt a ON a.id = c.id "
    "JOIN machine m ON m.id = a.machine_id "
    "LEFT JOIN evidence e ON e.id = a.evidence_id ORDER BY a.no";

static int pass_attempts(struct stmt *st,
    bool (*row)(void *arg, const struct db_attempt *a), void *arg,
    struct err *err)
{
	struct db_attempt a;
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		a.id = stmt_int(st, 0);
		a.no = (int)stmt_int(st, 1);
		a.machine_id = stmt_int(st, 2);
		a.machine = stmt_text(st, 3);
		a.started_at_ms = stmt_int(st, 4);
		a.took_ms = stmt_int(st, 5);
		verdict_get(st, 6, &a.verdict);
		a.evidence = stmt_text_or_null(st, 9);
		if (!row(arg, &a))
			return 0;
	}
	return e;
}

int db_attempts(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_attempt *a), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_attempts);

	/* One statement is one read transaction by itself. */
	stmt_bind_int(st, 1, job_id);
	return pass_attempts(st, row, arg, err);
}

/* ---- its events --------------------------------------------------------- */

struct events {
	int64_t job_id;
	bool (*row)(void *arg, const struct job_event *ev);
	void *arg;
	int r; /* of decoding */
	struct err *err;
};

static bool pass_event(void *arg, const struct history_event *he)
{
	struct events *evs = arg;
	struct job_event ev = {.seq = he->seq,
	    .at_ms = he->at_ms,
	    .type = (enum job_event_type)he->type};
	char *text = NULL;
	bool more;

	evs->r =
	    job_event_decode(he->data ? he->data : "{}", &ev, &text, evs->err);
	if (evs->r < 0) {
		(void)err_prefix(evs->err, "job %" PRId64 " event %" PRId64,
		    evs->job_id, he->seq);
		return false;
	}
	more = evs->row(evs->arg, &ev);
	free(text);
	return more;
}

static const char sql_events[] =
    "SELECT seq, at_ms, type, data FROM job_event WHERE job_id = ?1 "
    "ORDER BY seq";

static int events_rows(struct db_reader *r, struct events *evs, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_events);
	struct history_event he;
	int e;

	stmt_bind_int(st, 1, evs->job_id);
	while ((e = stmt_step(st, err)) == 1) {
		he.seq = stmt_int(st, 0);
		he.at_ms = stmt_int(st, 1);
		he.type = (int)stmt_int(st, 2);
		he.data = stmt_text_or_null(st, 3);
		if (!pass_event(evs, &he))
			return 0;
	}
	return e;
}

static const char sql_history_get[] =
    "SELECT body FROM run_history WHERE run_id = ?1";

static int events_packed(struct db_reader *r, const struct job_place *place,
    struct events *evs, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_history_get);
	const void *body;
	size_t len;
	int e;

	stmt_bind_int(st, 1, place->run_id);
	e = stmt_step(st, err);
	if (e < 0)
		return e;
	if (e == 0)
		return 0;
	body = stmt_blob(st, 0, &len);
	return history_events(
	    body, len, evs->job_id - place->first_job, pass_event, evs, err);
}

int db_events(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct job_event *ev), void *arg,
    struct err *err)
{
	struct events evs = {job_id, row, arg, 0, err};
	struct job_place place = {0};
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = reader_job_place(r, job_id, &place, err);
	if (e == 0)
		e = place.done ? events_packed(r, &place, &evs, err)
		               : events_rows(r, &evs, err);
	reader_end(r);
	return e < 0 ? e : evs.r;
}

/* ---- its cases ---------------------------------------------------------- */

static const char sql_cases_get[] =
    "SELECT j.cases, l.cases, l.body FROM job j "
    "JOIN caselist l ON l.id = j.caselist_id WHERE j.id = ?1";
static const char sql_fails_get[] =
    "SELECT no, text, log_offset FROM case_fail WHERE job_id = ?1 ORDER BY no";

/* Both statements go forward together: failures are in order of the cases. */
static int pass_cases(struct stmt *job, struct stmt *fail,
    const struct buf *names, bool (*row)(void *arg, const struct db_case *c),
    void *arg, struct err *err)
{
	struct unpack u = {(const unsigned char *)names->data,
	    (const unsigned char *)names->data + names->len, false};
	size_t len;
	const unsigned char *bits = stmt_blob(job, 0, &len);
	size_t n = (size_t)stmt_int(job, 1);
	int e = stmt_step(fail, err);

	for (size_t i = 0; i < n && e >= 0; i++) {
		struct db_case c = {.name = unpack_str(&u), .text = ""};

		if (u.failed || i / CASES_PER_BYTE >= len)
			return err_set(err, ERR_PROTO, "cases: damaged");
		c.result = case_bits_get(bits, i);
		if (e == 1 && stmt_int(fail, 0) == (int64_t)i) {
			c.text = stmt_text(fail, 1);
			c.offset = stmt_int(fail, 2);
		}
		if (!row(arg, &c))
			return 0;
		if (e == 1 && stmt_int(fail, 0) == (int64_t)i)
			e = stmt_step(fail, err);
	}
	return e < 0 ? e : 0;
}

static int read_cases(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_case *c), void *arg, struct err *err)
{
	scoped(stmt_reset) struct stmt *job =
	    stmt_get(reader_conn(r), sql_cases_get);
	scoped(stmt_reset) struct stmt *fail =
	    stmt_get(reader_conn(r), sql_fails_get);
	scoped_val(buf_done) struct buf names = BUF_INIT(CASE_NAMES_MAX);
	const void *body;
	size_t len;
	int e;

	stmt_bind_int(job, 1, job_id);
	stmt_bind_int(fail, 1, job_id);
	e = stmt_step(job, err);
	if (e <= 0)
		return e;
	body = stmt_blob(job, 2, &len);
	e = unpack_body(body, len, &names, err);
	return e < 0 ? e : pass_cases(job, fail, &names, row, arg, err);
}

int db_cases(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_case *c), void *arg, struct err *err)
{
	int e = reader_begin(r, READER_MAX_MS, err);

	if (e < 0)
		return e;
	e = read_cases(r, job_id, row, arg, err);
	reader_end(r);
	return e;
}

/* ---- its samples -------------------------------------------------------- */

static const char sql_samples[] = ATTEMPT_CHAIN
    "SELECT p.attempt_id, m.text, u.text, v.text, g.text, t.text, p.data, "
    "p.marks "
    "FROM chain c CROSS JOIN sample p ON p.attempt_id = c.id "
    "JOIN series s ON s.id = p.series_id "
    "JOIN word m ON m.id = s.metric_id JOIN word u ON u.id = s.unit_id "
    "JOIN word v ON v.id = s.variant_id JOIN word g ON g.id = s.guest_id "
    "JOIN word t ON t.id = s.controller_id "
    "ORDER BY p.attempt_id, p.series_id";

/* Copies those that are valid; caller frees them. */
static int take_values(struct stmt *st, struct db_sample_row *ret,
    double **values, struct err *err)
{
	scoped(free) struct db_sample_mark *marks = NULL;
	size_t len;
	size_t marks_len;
	const char *data = stmt_blob(st, 6, &len);
	const void *body = stmt_blob(st, 7, &marks_len);
	size_t n = len / sizeof(double);
	int r = 0;

	*values = xcalloc(n, sizeof(double));
	ret->values = *values;
	ret->n_values = 0;
	if (marks_len)
		r = mark_decode(body, marks_len, n, &marks, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		/* In the row it may lie at any address. */
		if (!marks || marks[i].valid)
			memcpy(*values + ret->n_values++,
			    data + i * sizeof(double), sizeof(double));
	ret->n_left_out = n - ret->n_values;
	return r;
}

static int pass_samples(struct stmt *st,
    bool (*row)(void *arg, const struct db_sample_row *s), void *arg,
    struct err *err)
{
	struct db_sample_row s;
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		scoped(free) double *values = NULL;

		s.attempt_id = stmt_int(st, 0);
		s.metric = stmt_text(st, 1);
		s.unit = stmt_text(st, 2);
		s.variant = stmt_text(st, 3);
		s.guest = stmt_text(st, 4);
		s.controller = stmt_text(st, 5);
		e = take_values(st, &s, &values, err);
		if (e < 0)
			return e;
		if (!row(arg, &s))
			return 0;
	}
	return e;
}

int db_samples(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_sample_row *s), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_samples);

	stmt_bind_int(st, 1, job_id);
	return pass_samples(st, row, arg, err);
}

const char *const sql_reader_job[] = {sql_job_get, sql_attempts, sql_events,
    sql_history_get, sql_cases_get, sql_fails_get, sql_samples, NULL};
