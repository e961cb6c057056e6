/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who runs what, where and when.
 *
 * Pure: time and randomness come in as arguments, nothing here does I/O. This
 * header owns the states, outcomes, layers and their names; nobody repeats
 * them. Ids are given by the caller and mean nothing here.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

/* ---- words ------------------------------------------------------------- */

/* Where a job is. The numbers are stored: never change one. */
enum job_state {
	JOB_QUEUED = 0,
	JOB_LEASED = 1,
	JOB_PREPARE = 2,
	JOB_RUN = 3,
	JOB_COLLECT = 4,
	JOB_CLEANUP = 5,
	JOB_DONE = 6,
};

/* Why a job or an attempt ended. Stored: never change a number. */
enum outcome {
	OUTCOME_NONE = 0, /* not ended */
	OUTCOME_PASS = 1,
	OUTCOME_FAIL = 2,  /* the verdict of the test */
	OUTCOME_ERROR = 3, /* the verdict of the lab; has a layer */
	OUTCOME_TIMEOUT = 4,
	OUTCOME_CANCELLED = 5,
	OUTCOME_DISABLED = 6,
};

/* Whose fault an error is. Stored: never change a number. */
enum layer {
	LAYER_NONE = 0,
	LAYER_POWER = 1,
	LAYER_BOOT = 2,
	LAYER_CONSOLE = 3,
	LAYER_SSH = 4,
	LAYER_AGENT = 5,
	LAYER_HOST = 6,
	LAYER_VM = 7,
	LAYER_GUEST = 8,
	LAYER_HARNESS = 9,
};

/* Whether a machine may be given jobs. Stored: never change a number. */
enum health {
	HEALTH_GOOD = 0,
	HEALTH_SUSPECT = 1,     /* a canary is queued; no other jobs */
	HEALTH_QUARANTINED = 2, /* its canary failed */
	HEALTH_MAINTENANCE =
	    3,              /* a person is at the machine: no power, no jobs */
	HEALTH_RETIRED = 4, /* not in the lab file any more */
};

/* Lower-case names; the index is the enum. "unknown" for a bad number. */
const char *job_state_name(enum job_state state);
const char *outcome_name(enum outcome outcome);
const char *layer_name(enum layer layer);
const char *health_name(enum health health);
/* The reverse; false if there is no such name. */
bool outcome_from_name(const char *name, enum outcome *ret);
bool layer_from_name(const char *name, enum layer *ret);

/* ---- the life of a job ------------------------------------------------- */

struct verdict {
	enum outcome outcome;
	enum layer layer; /* for OUTCOME_ERROR only */
	bool expected;    /* bad, as the suite expects: counts as passed */
	bool skips;       /* passed with skipped cases */
	bool blameless;   /* not counted against the retry limit, and no
	                     machine is blamed (console gap, daemon was down) */
};

#define JOB_EXCLUDED_MAX 4

/* All that the events of a job say. Zero-initialise, then set id. */
struct job {
	int64_t id;
	enum job_state state;
	bool held;
	int attempts;       /* begun so far */
	int errors;         /* attempts that count against the retry limit */
	int boot;           /* boots within this attempt, from 1 in PREPARE */
	int64_t attempt_id; /* of the last attempt; 0 before the first */
	int64_t machine_id; /* of the attempt; 0 in QUEUED */
	int64_t seq;        /* of the last event; 0 before the first */
	struct verdict verdict; /* by COLLECTED or the first ABORT; cleared by
	                           REQUEUE */
	int64_t
	    excluded[JOB_EXCLUDED_MAX]; /* machines where it ended in error */
	int n_excluded;
};

/* Stored: never change a number. */
enum job_event_type {
	JOB_EV_LEASE = 1,     /* QUEUED -> LEASED; attempt_id, machine_id */
	JOB_EV_PREPARE = 2,   /* LEASED -> PREPARE */
	JOB_EV_STEP = 3,      /* LEASED..CLEANUP, stays; text names the step */
	JOB_EV_RUN = 4,       /* PREPARE -> RUN */
	JOB_EV_EXIT = 5,      /* RUN -> COLLECT: the work has ended */
	JOB_EV_COLLECTED = 6, /* COLLECT -> CLEANUP; verdict, text: evidence */
	JOB_EV_ABORT = 7,     /* LEASED..COLLECT -> CLEANUP; verdict, text */
	JOB_EV_REBOOT = 8,    /* RUN -> PREPARE, same attempt, boot + 1 */
	JOB_EV_DONE = 9,      /* CLEANUP -> DONE with the verdict */
	JOB_EV_REQUEUE = 10, /* CLEANUP -> QUEUED, verdict cleared; text: why */
	JOB_EV_HOLD = 11,    /* QUEUED */
	JOB_EV_RELEASE = 12, /* QUEUED */
	JOB_EV_CANCEL = 13,  /* QUEUED -> DONE as cancelled */
	JOB_EV_DISABLE = 14, /* QUEUED -> DONE as disabled */
};

const char *job_event_name(enum job_event_type type);

struct job_event {
	int64_t seq;   /* job->seq + 1 */
	int64_t at_ms; /* wall clock */
	enum job_event_type type;
	int64_t attempt_id;     /* LEASE */
	int64_t machine_id;     /* LEASE */
	struct verdict verdict; /* COLLECTED, ABORT */
	const char *text;       /* NULL or one line; borrowed */
};

/*
 * The only code that changes the state of a job; table-driven, no clock. An
 * event that the state does not allow, or out of sequence, is CONFLICT and
 * changes nothing.
 */
int job_apply(struct job *job, const struct job_event *ev, struct err *err);

/* The fields beyond seq, at_ms and type as one JSON object ("{}" if none). */
void job_event_encode(const struct job_event *ev, struct buf *to);
/*
 * The reverse, for the ev->seq, at_ms and type that the caller has set; data
 * NULL is "{}". *ret_text is set (caller frees, may be NULL) and ev->text
 * points to it. Error: PROTO, and nothing is changed.
 */
int job_event_decode(
    const char *data, struct job_event *ev, char **ret_text, struct err *err);

/* Where a job counts in its run; stored counters are named alike. */
enum job_bucket {
	BUCKET_WAITING,
	BUCKET_RUNNING,
	BUCKET_PASSED, /* pass, or bad as expected */
	BUCKET_FAILED, /* fail, timeout */
	BUCKET_ERROR,
	BUCKET_DISABLED, /* cancelled, disabled */
	BUCKET_COUNT
};
enum job_bucket job_bucket(const struct job *job);

/*
 * The sign of a matrix cell (design.md section 2): "✓", "✓(s)", "✗", "✗(e)",
 * "!power", "T", "…", "-" for cancelled or disabled. UTF-8, static.
 */
const char *job_sign(enum job_state state, const struct verdict *v);

/* What a run is, in the words of SoTest's status: see design.md section 2. */
const char *run_sotest_status(const int64_t counts[BUCKET_COUNT]);

/* ---- retry and health: one memory for the fleet ------------------------- */

/*
 * Rules (design.md section 6). An error is tried again, on another machine of
 * the class if there is one, until the job's errors reach the limit. Two
 * errors in a row on a machine whose jobs then pass elsewhere make it suspect
 * and ask for a canary; a failed canary quarantines it, a passed one heals
 * it. When the same item of one revision ends in error on two or more
 * machines and passed on none, no machine is blamed and retrying stops.
 * Memory is bounded: the newest revisions and items are kept.
 */
struct fleet;

struct fleet *fleet_new(void);
void fleet_free(struct fleet *f);
SCOPED_DEFINE(struct fleet, fleet_free);

struct attempt_result {
	int64_t job_id;
	int64_t machine_id;
	const char *item;     /* name of the item */
	const char *revision; /* commit, or the run's name; never NULL */
	bool canary;          /* the attempt of a canary */
	struct verdict verdict;
	int errors;      /* of the job, this one included */
	int retry_limit; /* errors allowed before the job ends (default 2) */
	int64_t at_ms;
};

struct health_change {
	int64_t machine_id;
	enum health from;
	enum health to;
	char why[200]; /* one line for a person */
};

#define FLEET_CHANGES_MAX 8

struct fleet_advice {
	bool retry;    /* queue the job again */
	char why[200]; /* why (not) retried; "" for a verdict of the test */
	struct health_change changes[FLEET_CHANGES_MAX];
	int n_changes; /* to HEALTH_SUSPECT: queue a canary */
};

/* Says that an attempt ended. Never fails. */
void fleet_attempt_ended(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret);
/* A person, the lab file or a restart says what a machine is. */
void fleet_health_set(struct fleet *f, int64_t machine_id, enum health health);
enum health fleet_health(const struct fleet *f, int64_t machine_id);

/* ---- queue and matching -------------------------------------------------- */

struct scheduler;

struct requirement {
	const char *const *tags; /* all must be there */
	size_t n_tags;
	const char *const *forbidden; /* none may be there */
	size_t n_forbidden;
	const char *platform; /* NULL: any */
	int64_t machine_id;   /* pinned to it; 0: not pinned */
	bool quiet;           /* takes its host or quiet group alone */
	bool canary;          /* may run on a suspect machine */
};

struct machine_facts {
	int64_t id;
	const char *name;
	const char *platform;
	const char *const *tags;
	size_t n_tags;
	const char *host;  /* machines with the same host share silicon */
	const char *group; /* quiet group, or NULL */
};

struct waiting_job {
	int64_t id;
	int class_id;       /* of scheduler_class() */
	int priority;       /* higher first; negative allowed */
	int64_t project_id; /* fair queueing between projects of one priority */
	int64_t expected_ms; /* guess of its duration, 0 unknown */
	const int64_t *excluded;
	int n_excluded; /* avoided while another machine could take it */
};

struct scheduler *scheduler_new(void);
void scheduler_free(struct scheduler *s);
SCOPED_DEFINE(struct scheduler, scheduler_free);

/* The number of a requirement class (interned; stable for this scheduler). */
int scheduler_class(struct scheduler *s, const struct requirement *req);

/* Adds a machine, or changes the facts of one that is not busy. */
void scheduler_machine_put(struct scheduler *s, const struct machine_facts *m);
/* A machine leaves the lab; a busy one leaves when it is freed. */
void scheduler_machine_remove(struct scheduler *s, int64_t machine_id);
void scheduler_machine_health(struct scheduler *s, int64_t machine_id,
    enum health health, const char *why);

/* A job waits. Its id must not be waiting already. */
void scheduler_push(struct scheduler *s, const struct waiting_job *job);
/* It waits no longer (held, cancelled); an unknown id is ignored. */
void scheduler_remove(struct scheduler *s, int64_t job_id);

struct lease {
	int64_t job_id;
	int64_t machine_id;
};

/*
 * The next job that can start now, with its machine, which is busy from then
 * on; false when there is none. Call it until false after any change: cost is
 * that of the changes, not of the queue.
 */
bool scheduler_next(struct scheduler *s, struct lease *ret);
/* A machine has a job that the scheduler did not give it (after a restart). */
void scheduler_busy(
    struct scheduler *s, int64_t machine_id, int64_t job_id, int class_id);
/*
 * When the job of a busy machine began, on the clock of scheduler_why();
 * optional: without it a wait is told as "usually 3 m", not "3 m left".
 */
void scheduler_started(struct scheduler *s, int64_t machine_id, int64_t at_ms);
/* The machine is free; took_ms feeds the expected waits, 0 if unknown. */
void scheduler_free_machine(
    struct scheduler *s, int64_t machine_id, int64_t took_ms);

/*
 * Why a waiting job waits, for a person, as one line without the job's id:
 * "no machine has tag vmx", "t16-1 runs job 398 (about 3 m left)", ... with
 * its place in the queue. False if the job does not wait here.
 */
bool scheduler_why(
    const struct scheduler *s, int64_t job_id, int64_t now_ms, struct buf *to);
size_t scheduler_waiting(const struct scheduler *s);

/* Waiting jobs that need the same. */
struct queue_row {
	const char *needs; /* "platform t16, tag nvme"; borrowed */
	int n_jobs;
	int64_t first_job; /* that comes first of them */
};
/* At most max rows, those with most jobs first. */
void scheduler_queue(const struct scheduler *s, size_t max,
    void (*row)(void *arg, const struct queue_row *row), void *arg);

#endif
