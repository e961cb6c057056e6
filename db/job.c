/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to a job, as one operation: event, job row, attempt row and
 * the counters of its run.
 *
 * Invariants: job.seq is the number of its events, so a change that does not
 * follow the row is noticed; an attempt is unfinished from LEASE until
 * CLEANUP has ended, because only then has the machine left the job.
 */
#include <inttypes.h>

#include "db/agent.h"
#include "db/case.h"
#include "db/db.h"
#include "db/history.h"
#include "db/job.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"
#include "db/words.h"

#define EVENT_MAX (1 << 20)

struct change {
	int64_t run_id;
	struct job before;
	struct job after;
	struct job_event event; /* its text in the transaction */
	const char *data;       /* of the event, encoded; NULL for {} */
	int64_t fence;
};

int verdict_flags(const struct verdict *v)
{
	return (v->expected ? FLAG_EXPECTED : 0) | (v->skips ? FLAG_SKIPS : 0) |
	    (v->blameless ? FLAG_BLAMELESS : 0);
}

void verdict_get(struct stmt *st, int col, struct verdict *ret)
{
	int64_t flags = stmt_int(st, col + 2);

	ret->outcome = (enum outcome)stmt_int(st, col);
	ret->layer = (enum layer)stmt_int(st, col + 1);
	ret->expected = flags & FLAG_EXPECTED;
	ret->skips = flags & FLAG_SKIPS;
	ret->blameless = flags & FLAG_BLAMELESS;
}

static void verdict_bind(struct stmt *st, int i, const struct verdict *v)
{
	stmt_bind_int(st, i, v->outcome);
	stmt_bind_int(st, i + 1, v->layer);
	stmt_bind_int(st, i + 2, verdict_flags(v));
}

/* ---- rows --------------------------------------------------------------- */

static const char sql_event_put[] =
    "INSERT INTO job_event (job_id, seq, at_ms, type, data) "
    "VALUES (?1, ?2, ?3, ?4, ?5)";

static int event_put(struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_event_put);

	stmt_bind_int(st, 1, ch->after.id);
	stmt_bind_int(st, 2, ch->event.seq);
	stmt_bind_int(st, 3, ch->event.at_ms);
	stmt_bind_int(st, 4, ch->event.type);
	stmt_bind_text(st, 5, ch->data);
	return stmt_run(st, err);
}

static const char sql_job_update[] =
    "UPDATE job SET state = ?3, seq = ?4, held = ?5, attempts = ?6, "
    "last_attempt = ?7, outcome = ?8, layer = ?9, flags = ?10, "
    "took_ms = CASE WHEN ?3 = 6 THEN "
    "(SELECT took_ms FROM attempt WHERE id = ?7) END "
    "WHERE id = ?1 AND seq = ?2";

static int job_update(struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_job_update);
	const struct job *job = &ch->after;

	stmt_bind_int(st, 1, job->id);
	stmt_bind_int(st, 2, ch->before.seq);
	stmt_bind_int(st, 3, job->state);
	stmt_bind_int(st, 4, job->seq);
	stmt_bind_int(st, 5, job->held);
	stmt_bind_int(st, 6, job->attempts);
	if (job->attempt_id)
		stmt_bind_int(st, 7, job->attempt_id);
	verdict_bind(st, 8, &job->verdict);
	return stmt_run_one(st, err);
}

static const char sql_attempt_put[] =
    "INSERT INTO attempt (id, job_id, no, previous, machine_id, fence, "
    "started_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static int attempt_put(struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_attempt_put);

	stmt_bind_int(st, 1, ch->after.attempt_id);
	stmt_bind_int(st, 2, ch->after.id);
	stmt_bind_int(st, 3, ch->after.attempts);
	if (ch->before.attempt_id)
		stmt_bind_int(st, 4, ch->before.attempt_id);
	stmt_bind_int(st, 5, ch->after.machine_id);
	stmt_bind_int(st, 6, ch->fence);
	stmt_bind_int(st, 7, ch->event.at_ms);
	return stmt_run(st, err);
}

static const char sql_attempt_verdict[] =
    "UPDATE attempt SET outcome = ?2, layer = ?3, flags = ?4, "
    "evidence_id = ?5 "
    "WHERE id = ?1 AND outcome = 0";

static int attempt_verdict(
    struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_attempt_verdict);
	int64_t evidence = 0;
	int r = 0;

	if (ch->event.text)
		r = evidence_id(c, ch->event.text, &evidence, err);
	if (r < 0)
		return r;
	stmt_bind_int(st, 1, ch->after.attempt_id);
	verdict_bind(st, 2, &ch->after.verdict);
	if (evidence)
		stmt_bind_int(st, 5, evidence);
	return stmt_run_one(st, err);
}

/* The wall clock can jump back: an ended attempt took at least 1 ms. */
static const char sql_attempt_end[] =
    "UPDATE attempt SET took_ms = max(?2 - started_at_ms, 1) "
    "WHERE id = ?1 AND took_ms IS NULL";

static int attempt_end(struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_attempt_end);

	stmt_bind_int(st, 1, ch->before.attempt_id);
	stmt_bind_int(st, 2, ch->event.at_ms);
	return stmt_run_one(st, err);
}

static int attempt_change(
    struct conn *c, const struct change *ch, struct err *err)
{
	int r;

	switch (ch->event.type) {
	case JOB_EV_LEASE:
		/* The cases of an earlier attempt decided nothing. */
		r = ch->before.attempts ? case_clear(c, ch->after.id, err) : 0;
		return r < 0 ? r : attempt_put(c, ch, err);
	case JOB_EV_COLLECTED:
	case JOB_EV_ABORT:
		return attempt_verdict(c, ch, err);
	case JOB_EV_DONE:
	case JOB_EV_REQUEUE:
		r = attempt_end(c, ch, err);
		return r < 0 ? r : agent_pack(c, ch->before.attempt_id, err);
	default:
		return 0;
	}
}

/* ---- counters ----------------------------------------------------------- */

static const char sql_run_count[] =
    "UPDATE run SET n_waiting = n_waiting + ?2, n_running = n_running + ?3, "
    "n_passed = n_passed + ?4, n_failed = n_failed + ?5, "
    "n_error = n_error + ?6, n_disabled = n_disabled + ?7, "
    "n_skips = n_skips + ?8 WHERE id = ?1";

static bool is_skips(const struct job *job)
{
	return job_bucket(job) == BUCKET_PASSED && job->verdict.skips;
}

static int run_count(struct conn *c, const struct change *ch, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_count);
	int from = (int)job_bucket(&ch->before);
	int to = (int)job_bucket(&ch->after);

	stmt_bind_int(st, 1, ch->run_id);
	for (int i = 0; i < BUCKET_COUNT; i++)
		stmt_bind_int(st, 2 + i, (i == to) - (i == from));
	stmt_bind_int(
	    st, 2 + BUCKET_COUNT, is_skips(&ch->after) - is_skips(&ch->before));
	return stmt_run_one(st, err);
}

/* ---- the operation ------------------------------------------------------ */

static int job_event(struct conn *c, const void *arg, struct err *err)
{
	const struct change *ch = arg;
	bool ends = ch->after.state == JOB_DONE;
	int r = event_put(c, ch, err);

	if (r == 0)
		r = attempt_change(c, ch, err);
	if (r == 0)
		r = job_update(c, ch, err);
	if (r == 0 && job_bucket(&ch->before) != job_bucket(&ch->after))
		r = run_count(c, ch, err);
	if (r == 0 && ends)
		r = history_end_run(c, ch->run_id, ch->event.at_ms, err);
	return r;
}

void db_tx_job_event(struct db_tx *tx, const struct db_job_change *change)
{
	struct change *ch = tx_alloc(tx, 1, sizeof(*ch));
	scoped_val(buf_done) struct buf data = BUF_INIT(EVENT_MAX);

	ch->run_id = change->run_id;
	ch->before = *change->before;
	ch->after = *change->after;
	ch->event = *change->event;
	ch->event.text = tx_str(tx, change->event->text);
	ch->fence = change->fence;
	job_event_encode(change->event, &data);
	/* The text is one line of evidence, bounded where it is read. */
	if (data.failed)
		abort();
	if (strcmp(buf_str(&data), "{}") != 0)
		ch->data = tx_str(tx, data.data);
	tx_op(tx, "job_event", change->after->id, job_event, ch);
}

const char *const sql_job[] = {sql_event_put, sql_job_update, sql_attempt_put,
    sql_attempt_verdict, sql_attempt_end, sql_run_count, NULL};
