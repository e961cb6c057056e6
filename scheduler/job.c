/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a job: one row per arrow, everything else is refused.
 *
 * Invariant: a job has a verdict exactly in CLEANUP and DONE, and a machine
 * exactly from LEASED on (DONE keeps the last one). The verdict is written
 * once per attempt, because COLLECTED and ABORT both lead to CLEANUP and no
 * row leads back except REQUEUE, which clears it.
 */
#include "scheduler/scheduler.h"

#include <inttypes.h>

typedef int check_fn(
    const struct job *job, const struct job_event *ev, struct err *err);
typedef void effect_fn(struct job *job, const struct job_event *ev);

struct rule {
	enum job_state from;
	enum job_event_type type;
	enum job_state to;
	check_fn *check;   /* NULL: the state alone decides */
	effect_fn *effect; /* NULL: nothing but state and seq changes */
};

static int check_lease(
    const struct job *job, const struct job_event *ev, struct err *err)
{
	if (job->held)
		return err_set(
		    err, ERR_CONFLICT, "job %" PRId64 " is held", job->id);
	if (!ev->attempt_id || !ev->machine_id)
		return err_set(err, ERR_INVAL,
		    "job %" PRId64 ": a lease names an attempt and a machine",
		    job->id);
	if (ev->attempt_id == job->attempt_id)
		return err_set(err, ERR_CONFLICT,
		    "job %" PRId64 ": attempt %" PRId64 " was leased before",
		    job->id, ev->attempt_id);
	return 0;
}

static int check_verdict(
    const struct job *job, const struct job_event *ev, struct err *err)
{
	const struct verdict *v = &ev->verdict;
	bool is_error = v->outcome == OUTCOME_ERROR;

	if (v->outcome <= OUTCOME_NONE || v->outcome > OUTCOME_DISABLED)
		return err_set(err, ERR_INVAL,
		    "job %" PRId64 ": a verdict needs an outcome", job->id);
	if (v->layer < LAYER_NONE || v->layer > LAYER_HARNESS ||
	    is_error != (v->layer != LAYER_NONE))
		return err_set(err, ERR_INVAL,
		    "job %" PRId64
		    ": an error, and nothing else, has a layer, not %s/%s",
		    job->id, outcome_name(v->outcome), layer_name(v->layer));
	if (is_error && v->expected)
		return err_set(err, ERR_INVAL,
		    "job %" PRId64 ": an error is never expected", job->id);
	return 0;
}

static int check_requeue(
    const struct job *job, const struct job_event *ev, struct err *err)
{
	(void)ev; /* only the job decides */
	if (job->verdict.outcome == OUTCOME_ERROR)
		return 0;
	/* A verdict of the test must never be thrown away by a retry. */
	return err_set(err, ERR_CONFLICT,
	    "job %" PRId64 " ended as %s, only an error is tried again",
	    job->id, outcome_name(job->verdict.outcome));
}

static int check_hold(
    const struct job *job, const struct job_event *ev, struct err *err)
{
	bool held = ev->type == JOB_EV_HOLD;

	if (job->held != held)
		return 0;
	return err_set(err, ERR_CONFLICT, "job %" PRId64 " is %s", job->id,
	    held ? "held already" : "not held");
}

static void do_lease(struct job *job, const struct job_event *ev)
{
	job->attempts++;
	job->boot = 0;
	job->attempt_id = ev->attempt_id;
	job->machine_id = ev->machine_id;
}

static void do_boot(struct job *job, const struct job_event *ev)
{
	(void)ev; /* PREPARE and REBOOT carry nothing */
	job->boot++;
}

static void do_verdict(struct job *job, const struct job_event *ev)
{
	job->verdict = ev->verdict;
}

static void exclude(struct job *job, int64_t machine_id)
{
	for (int i = 0; i < job->n_excluded; i++)
		if (job->excluded[i] == machine_id)
			return;
	if (job->n_excluded == JOB_EXCLUDED_MAX) {
		memmove(job->excluded, job->excluded + 1,
		    (JOB_EXCLUDED_MAX - 1) * sizeof(job->excluded[0]));
		job->n_excluded--;
	}
	job->excluded[job->n_excluded++] = machine_id;
}

static void do_requeue(struct job *job, const struct job_event *ev)
{
	static const struct verdict none;

	(void)ev; /* the text is for people */
	if (!job->verdict.blameless)
		job->errors++;
	exclude(job, job->machine_id);
	job->machine_id = 0;
	job->boot = 0;
	job->verdict = none;
}

static void do_hold(struct job *job, const struct job_event *ev)
{
	job->held = ev->type == JOB_EV_HOLD;
}

static void do_end(struct job *job, const struct job_event *ev)
{
	job->held = false;
	job->verdict.outcome =
	    ev->type == JOB_EV_CANCEL ? OUTCOME_CANCELLED : OUTCOME_DISABLED;
}

static const struct rule rules[] = {
    {JOB_QUEUED, JOB_EV_LEASE, JOB_LEASED, check_lease, do_lease},
    {JOB_QUEUED, JOB_EV_HOLD, JOB_QUEUED, check_hold, do_hold},
    {JOB_QUEUED, JOB_EV_RELEASE, JOB_QUEUED, check_hold, do_hold},
    {JOB_QUEUED, JOB_EV_CANCEL, JOB_DONE, NULL, do_end},
    {JOB_QUEUED, JOB_EV_DISABLE, JOB_DONE, NULL, do_end},
    {JOB_LEASED, JOB_EV_PREPARE, JOB_PREPARE, NULL, do_boot},
    {JOB_LEASED, JOB_EV_STEP, JOB_LEASED, NULL, NULL},
    {JOB_LEASED, JOB_EV_ABORT, JOB_CLEANUP, check_verdict, do_verdict},
    {JOB_PREPARE, JOB_EV_RUN, JOB_RUN, NULL, NULL},
    {JOB_PREPARE, JOB_EV_STEP, JOB_PREPARE, NULL, NULL},
    {JOB_PREPARE, JOB_EV_ABORT, JOB_CLEANUP, check_verdict, do_verdict},
    {JOB_RUN, JOB_EV_EXIT, JOB_COLLECT, NULL, NULL},
    {JOB_RUN, JOB_EV_REBOOT, JOB_PREPARE, NULL, do_boot},
    {JOB_RUN, JOB_EV_STEP, JOB_RUN, NULL, NULL},
    {JOB_RUN, JOB_EV_ABORT, JOB_CLEANUP, check_verdict, do_verdict},
    {JOB_COLLECT, JOB_EV_COLLECTED, JOB_CLEANUP, check_verdict, do_verdict},
    {JOB_COLLECT, JOB_EV_STEP, JOB_COLLECT, NULL, NULL},
    {JOB_COLLECT, JOB_EV_ABORT, JOB_CLEANUP, check_verdict, do_verdict},
    {JOB_CLEANUP, JOB_EV_DONE, JOB_DONE, NULL, NULL},
    {JOB_CLEANUP, JOB_EV_STEP, JOB_CLEANUP, NULL, NULL},
    {JOB_CLEANUP, JOB_EV_REQUEUE, JOB_QUEUED, check_requeue, do_requeue},
};

int job_apply(struct job *job, const struct job_event *ev, struct err *err)
{
	const struct rule *rule = NULL;
	int r;

	if (ev->seq != job->seq + 1)
		return err_set(err, ERR_CONFLICT,
		    "job %" PRId64 ": event %" PRId64
		    " does not follow event %" PRId64,
		    job->id, ev->seq, job->seq);
	for (size_t i = 0; i < ARRAY_LEN(rules) && !rule; i++)
		if (rules[i].from == job->state && rules[i].type == ev->type)
			rule = &rules[i];
	if (!rule)
		return err_set(err, ERR_CONFLICT,
		    "job %" PRId64 ": no %s while it is %s", job->id,
		    job_event_name(ev->type), job_state_name(job->state));
	r = rule->check ? rule->check(job, ev, err) : 0;
	if (r < 0)
		return r;
	if (rule->effect)
		rule->effect(job, ev);
	job->state = rule->to;
	job->seq = ev->seq;
	return 0;
}

enum job_bucket job_bucket(const struct job *job)
{
	if (job->state == JOB_QUEUED)
		return BUCKET_WAITING;
	if (job->state != JOB_DONE)
		return BUCKET_RUNNING;
	switch (job->verdict.outcome) {
	case OUTCOME_PASS:
		return BUCKET_PASSED;
	case OUTCOME_FAIL:
	case OUTCOME_TIMEOUT:
		return job->verdict.expected ? BUCKET_PASSED : BUCKET_FAILED;
	case OUTCOME_CANCELLED:
	case OUTCOME_DISABLED:
		return BUCKET_DISABLED;
	case OUTCOME_ERROR:
	case OUTCOME_NONE:
		break;
	}
	return BUCKET_ERROR;
}

/* "!" and the name of the layer, as static text. */
static const char *error_sign(enum layer layer)
{
	static const char *const signs[] = {
	    "!",
	    "!power",
	    "!boot",
	    "!console",
	    "!ssh",
	    "!agent",
	    "!host",
	    "!vm",
	    "!guest",
	    "!harness",
	};

	if (layer < LAYER_NONE || (size_t)layer >= ARRAY_LEN(signs))
		return signs[0];
	return signs[layer];
}

const char *job_sign(enum job_state state, const struct verdict *v)
{
	if (state != JOB_DONE)
		return "…";
	switch (v->outcome) {
	case OUTCOME_PASS:
		return v->skips ? "✓(s)" : "✓";
	case OUTCOME_FAIL:
		return v->expected ? "✗(e)" : "✗";
	case OUTCOME_TIMEOUT:
		return v->expected ? "✗(e)" : "T";
	case OUTCOME_CANCELLED:
	case OUTCOME_DISABLED:
		return "-";
	case OUTCOME_ERROR:
	case OUTCOME_NONE:
		break;
	}
	return error_sign(v->layer);
}

const char *run_sotest_status(const int64_t counts[BUCKET_COUNT])
{
	if (counts[BUCKET_WAITING] || counts[BUCKET_RUNNING])
		return "unfinished";
	if (counts[BUCKET_FAILED] || counts[BUCKET_ERROR])
		return "fail";
	return counts[BUCKET_PASSED] ? "success" : "disabled";
}
