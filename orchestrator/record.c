/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Record first, then act. A change of a job is applied in memory, posted as
 * one transaction, and acted on (and shown) only when that is durable.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/daemon.h"

struct record {
	struct daemon *d;
	struct live_job *lj;
	struct db_tx *tx;
	struct job now; /* the job as this record leaves it */
	int64_t machine_id;
	void (*then)(void *arg);
	void *arg;
};

struct record *record_new(struct daemon *d, struct live_job *lj)
{
	struct record *rec = xcalloc(1, sizeof(*rec));

	rec->d = d;
	rec->lj = lj;
	rec->tx = db_tx_new(d->db);
	rec->machine_id = lj->job.machine_id;
	return rec;
}

struct db_tx *record_tx(struct record *rec)
{
	return rec->tx;
}

void record_event(struct record *rec, struct job_event ev)
{
	struct live_job *lj = rec->lj;
	struct job before = lj->job;
	struct db_job_change change = {
	    .run_id = lj->run->id,
	    .before = &before,
	    .after = &lj->job,
	    .event = &ev,
	    .fence = ev.type == JOB_EV_LEASE ? lj->fence : 0,
	};
	struct err err = ERR_INIT;

	ev.seq = lj->job.seq + 1;
	ev.at_ms = clock_wall_ms();
	if (job_apply(&lj->job, &ev, &err) < 0) {
		log_error("job=%lld event=%s: %s", (long long)lj->job.id,
		    job_event_name(ev.type), err.msg);
		abort();
	}
	if (lj->job.machine_id)
		rec->machine_id = lj->job.machine_id;
	db_tx_job_event(rec->tx, &change);
	if (before.state != lj->job.state)
		log_info("job=%lld machine=%lld from=%s to=%s outcome=%s "
		         "layer=%s text=\"%s\"",
		    (long long)lj->job.id, (long long)rec->machine_id,
		    job_state_name(before.state), job_state_name(lj->job.state),
		    outcome_name(lj->job.verdict.outcome),
		    layer_name(lj->job.verdict.layer), ev.text ? ev.text : "");
}

static void tell_pages(struct daemon *d, const struct live_job *lj,
    const struct job *job, int64_t machine_id)
{
	struct machine *m =
	    machine_id ? map_find(&d->machines_by_id, machine_id) : NULL;

	weblink_event(d,
	    json_pack("{s:s s:I s:I s:s s:s s:s}", "event", "job", "run",
	        (json_int_t)lj->run->id, "job", (json_int_t)job->id, "state",
	        job_state_name(job->state), "sign",
	        job_sign(job->state, &job->verdict), "machine",
	        m ? m->name : ""));
}

static void durable(void *arg)
{
	struct record *rec = arg;

	rec->lj->in_flight--;
	tell_pages(rec->d, rec->lj, &rec->now, rec->machine_id);
	if (rec->then)
		rec->then(rec->arg);
	free(rec);
}

void record_show(struct daemon *d, const struct live_job *lj)
{
	tell_pages(d, lj, &lj->job, lj->job.machine_id);
}

void record_post(struct record *rec, void (*then)(void *arg), void *arg)
{
	rec->then = then;
	rec->arg = arg;
	rec->now = rec->lj->job;
	rec->lj->in_flight++;
	db_tx_post(take(rec->tx), durable, rec);
}
