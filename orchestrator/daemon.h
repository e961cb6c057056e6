/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's memory: what is unfinished, and who has it.
 *
 * Everything here can be rebuilt from the database and the lab file. Changes
 * are applied in memory and posted; effects wait until they are durable.
 */
#ifndef ORCHESTRATOR_DAEMON_H
#define ORCHESTRATOR_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/child.h"
#include "base/loop.h"
#include "base/map.h"
#include "bench/bench.h"
#include "db/db.h"
#include "orchestrator/boot.h"
#include "orchestrator/console.h"
#include "orchestrator/lab.h"
#include "orchestrator/power.h"
#include "scheduler/scheduler.h"

struct attempt;
struct resolve;
struct runplan;
struct weblink;
struct control;

/* A run that is not done. */
struct run {
	struct daemon *d;
	int64_t id;
	char *name;
	char *project;
	char *user;
	char *commit;       /* NULL if unknown */
	int64_t project_id; /* for the queue: a number for each project */
	struct resolve
	    *resolve; /* its files are being made; NULL: it is open */
	bool canary;
	int64_t pin_machine; /* of a canary */
	int priority;
	struct suite *suite; /* NULL while it is being resolved */
	struct run_file {
		char *path;
		uint8_t sha256[HASH_BYTES];
		int64_t size;
	} * files;
	size_t n_files;
	int64_t open_jobs; /* jobs in memory; the run is freed with the last */
};

/* A job that is not DONE, or whose DONE is not durable yet. */
struct live_job {
	struct job job;
	struct run *run;
	int item; /* in run->suite: its items, then its benchmarks */
	char *platform;
	int class_id;
	int64_t fence; /* of the attempt in hand */
	bool cancelling;
	struct attempt *attempt; /* NULL when no machine has it */
	int in_flight;           /* transactions not durable yet */
};

struct machine {
	int64_t id;
	char *name;
	char *platform;
	struct lab *lab;                 /* a reference; facts belong to it */
	const struct lab_machine *facts; /* NULL: not in the lab any more */
	struct power *power;             /* NULL: cannot be switched */
	struct console *console;         /* NULL: none */
	struct live_job *job;            /* what it is busy with, or NULL */
	bool by_hand;                    /* a person switches its power now */
	bool stale;                      /* takes new facts when it is free */
	char *why;        /* of the last change of its health, or NULL */
	int64_t since_ms; /* wall clock of that change, 0: never */
};

struct token {
	char *name;
	unsigned scopes;
	bool revoked;
	uint8_t sha256[HASH_BYTES];
};

struct daemon_options {
	const char *dir;
	const char *lab_path;    /* NULL: the empty lab */
	const char *listen;      /* ADDR:PORT */
	const char *boot_listen; /* ADDR:PORT */
	bool public_reads;
	const char *agent; /* path of the static ironbench-agent */
};

#define UNKNOWN_MACS_MAX 64

struct daemon {
	struct loop *loop;
	const struct daemon_options *opts;
	struct db *db;
	struct loop_wake *db_wake;
	struct scheduler *scheduler;
	struct fleet *fleet;
	struct lab *lab;
	struct power_shared shared;
	struct machine **machines;
	size_t n_machines;
	struct map machines_by_id;
	struct map runs; /* by id */
	struct map jobs; /* live jobs by id */
	char **projects; /* their index + 1 is run.project_id */
	size_t n_projects;
	int64_t
	    host_id; /* the daemon's computer, in the database; 0: not yet */
	struct token *tokens;
	size_t n_tokens;
	struct weblink *link; /* to the web process */
	struct control *control;
	char unknown_macs[UNKNOWN_MACS_MAX][18]; /* that were logged */
	int n_unknown_macs;
	bool draining;
	bool db_failing;     /* nothing can be stored: room.c */
	bool commit_failing; /* since the database says so, */
	bool no_room;        /* or since the disk is full */
	char problem[480];   /* why db_failing */
	struct loop_timer *room_timer;
	bool dispatching;
	bool loading; /* what is unfinished is being taken up */
	int64_t event_seq;
	char epoch[17];
	char lab_id[33]; /* of this state folder, for ever: agents ask for it */
	int exit_code;
};

/* ---- daemon.c: start, stop, dispatch --------------------------------- */

/*
 * Opens everything, loads what is unfinished and runs until it is told to
 * stop. Prints "ready URL BOOT-URL" on standard output when it serves.
 * Returns the exit code: 0 after a stop, 1 with a message when it could not
 * start.
 */
int daemon_run(const struct daemon_options *opts);
/* Gives waiting jobs to free machines, unless draining or the disk is full. */
void daemon_dispatch(struct daemon *d);
/* Ends the loop if it drains and no attempt is left. */
void daemon_check_drained(struct daemon *d);

/* ---- machine.c ------------------------------------------------------- */

/*
 * Takes a lab: makes machines for new names, retires those that left, gives
 * idle ones new facts at once and busy ones when they are free. Takes over
 * the reference. Errors come from the database.
 */
int machines_take(struct daemon *d, struct lab *lab, struct err *err);
/* A free machine takes facts it could not take while it was busy. */
void machine_refresh(struct daemon *d, struct machine *m);
void machines_free(struct daemon *d);
struct machine *machine_by_name(struct daemon *d, const char *name);
struct machine *machine_by_mac(struct daemon *d, const char *mac);
/* Records a change of health and tells the scheduler and the pages. */
void machine_health(
    struct daemon *d, struct machine *m, enum health to, const char *why);
/* The same for a change that the fleet has made already. */
void machine_health_changed(
    struct daemon *d, struct machine *m, enum health to, const char *why);
/* After a restart: why a machine's health is what it is, and since when. */
void machine_health_load(struct daemon *d, int64_t machine_id,
    enum health health, const char *why, int64_t at_ms);

/* ---- run.c ----------------------------------------------------------- */

struct run_request {
	const char *project;
	const char *user;
	const char *name;
	const char *link;   /* or NULL */
	const char *commit; /* or NULL */
	int priority;
	const char *suite_name;
	const char *suite_text;
	size_t suite_len;
	const struct db_run_file *files;
	size_t n_files;
	struct machine *canary; /* the machine to try, or NULL for a test run */
	const struct db_plan
	    *only;        /* these jobs only; NULL: all of the suite */
	int64_t rerun_of; /* the run that has them; 0: none */
};
/*
 * Makes a run and its jobs, posts them, and calls done(arg, run id) when they
 * are durable and waiting. warnings (may be NULL) gets a line for each item
 * that no machine can take today. Errors: INVAL, LIMIT.
 */
int run_make(struct daemon *d, const struct run_request *req,
    struct buf *warnings, void (*done)(void *arg, int64_t run_id), void *arg,
    struct err *err);
/* For resolve.c: the parts of run_make(). A run in no map; caller frees. */
struct run *run_new(struct daemon *d, const struct run_request *req);
void run_free(struct run *run);
SCOPED_DEFINE(struct run, run_free);
void run_set_files(struct run *run, const struct db_run_file *files, size_t n);
/* Its jobs, which wait from then on; takes the run. */
void run_add_jobs(struct daemon *d, struct run *run, const struct runplan *plan,
    int64_t first_job);
/* Tells that it is done, and frees it. */
void run_forget(struct daemon *d, struct run *run);
/* Queues the canary of a suspect machine. */
void run_canary(struct daemon *d, struct machine *m);
/* After a restart: of those that are suspect and have none. */
void run_missing_canaries(struct daemon *d);
/* Rebuilds runs and jobs from the database; the lab must be taken before. */
int run_load(struct daemon *d, struct err *err);
/* Cancels what is not done; returns how many jobs, or -ERR_NOTFOUND. */
int64_t run_cancel(
    struct daemon *d, int64_t run_id, const char *who, struct err *err);
void runs_free(struct daemon *d);
/* The job waits for a machine (again). */
void job_wait(struct daemon *d, struct live_job *lj);
/* A job whose DONE is durable leaves the memory. */
void job_forget(struct daemon *d, struct live_job *lj);
/* Of a boot item or of a benchmark: what both have in common. */
const struct suite_item *job_item(const struct live_job *lj);
bool job_is_bench(const struct live_job *lj);
/* The longest that all VM boots of a benchmark may take. */
int64_t job_timeout_ms(const struct live_job *lj);
/* The specification of a benchmark as text; caller frees. Errors: INVAL. */
int job_spec(
    const struct live_job *lj, uint64_t seed, char **ret, struct err *err);

/* ---- resolve.c: from a push to a run --------------------------------- */

struct push {
	const char *project;
	const char *guid;   /* of the delivery, "" if it has none */
	const char *ref;    /* refs/heads/... */
	const char *commit; /* 40 hex digits */
	const char *suite;  /* its path in the repository */
	const char *name;
	const char *user;
	const char *link; /* or NULL */
	int priority;
	uint8_t body_sha256[HASH_BYTES];
};
/*
 * Makes the run of a push; done(arg, run id) when run and delivery are
 * durable. Then its files are made, and it becomes a run like others, or ends
 * as error/harness with the reason. Errors come from the database.
 */
int resolve_push(struct daemon *d, const struct push *push,
    void (*done)(void *arg, int64_t run_id), void *arg, struct err *err);
/*
 * The run of the same delivery or the same push, if it is made just now: the
 * database may not know it yet. 0: none.
 */
int64_t resolve_find(const struct daemon *d, const struct push *push);
/* After a restart: an unfinished one of the database; resolve_next() begins. */
void resolve_load(struct daemon *d, const struct db_open_run *row);
/* Begins with what waits, while fewer are at it than may be. */
void resolve_next(struct daemon *d);
/* A person does not want it any more; false if it is over. */
bool resolve_cancel(struct run *run, const char *why);
void resolve_free(struct resolve *res); /* NULL is allowed */

/* ---- record.c: record first, then act -------------------------------- */

struct record;

/*
 * One transaction about one job: events are applied to the job in memory at
 * once, in order; everything is durable together; then `then` runs.
 */
struct record *record_new(struct daemon *d, struct live_job *lj);
/*
 * Applies an event (seq and at_ms are filled in). An event the state refuses
 * is a bug of ours and aborts.
 */
void record_event(struct record *rec, struct job_event ev);
/* For what else belongs into the transaction. Borrowed. */
struct db_tx *record_tx(struct record *rec);
void record_post(struct record *rec, void (*then)(void *arg), void *arg);
/* Tells the pages that there is something new about a job. */
void record_show(struct daemon *d, const struct live_job *lj);

/* ---- drive.c: acts on the state of a job ----------------------------- */

/* Idempotent; called when a change is durable, and for every job at start. */
void drive(struct daemon *d, struct live_job *lj);
/* A person cancelled a job that has a machine. */
void drive_cancel(struct daemon *d, struct live_job *lj, const char *why);
/*
 * A person takes a machine: its job ends here, blames nobody, and waits for
 * another; from then on the power is not touched.
 */
void drive_offline(struct daemon *d, struct machine *m, const char *why);
/*
 * A machine asks for its boot script. Answers at once or when it is durable:
 * done(arg, script, len), script NULL for an unknown MAC.
 */
void drive_boot(struct daemon *d, const char *mac,
    void (*done)(void *arg, const char *script, size_t len), void *arg);
/* True if the attempt with this nonce is running and may fetch the file. */
bool drive_may_fetch(
    struct daemon *d, const char *nonce, const uint8_t sha256[HASH_BYTES]);
/* What the attempt of a busy machine is doing: "serial 12 KiB, 3/17 cases". */
void drive_describe(const struct live_job *lj, struct buf *to);

/* ---- token.c --------------------------------------------------------- */

int tokens_load(struct daemon *d, struct err *err);
void tokens_free(struct daemon *d);
/* "read,submit" to bits; INVAL names what is allowed. */
int token_scopes(const char *text, unsigned *ret, struct err *err);
/* Makes a token and writes it (without line end) to ret. */
int token_add(struct db *db, const char *name, unsigned scopes, struct buf *ret,
    struct err *err);
/*
 * 0 and the token's name if it is valid and has the scope; -ERR_DENIED if it
 * is not valid, -ERR_CONFLICT if the scope is missing.
 */
int token_check(const struct daemon *d, const char *token,
    enum token_scope scope, const char **ret_name);

/* ---- web: weblink.c (frames), api.c (what the frames ask), submit.c -- */

/* Binds the listening sockets; a port in use is CONFLICT. */
int weblink_listen(struct daemon *d, struct err *err);
/* Starts the web process, and starts it again whenever it ends. */
int weblink_start(struct daemon *d, struct err *err);
/* "http://127.0.0.1:8080" of either listener. */
const char *weblink_url(const struct daemon *d, bool boot);
void weblink_free(struct weblink *link);
/* An event for the pages; takes ownership of the object. */
struct json_t; /* of jansson */
void weblink_event(struct daemon *d, struct json_t *event);

/* ---- audit.c --------------------------------------------------------------
 */

/* Stores that somebody (a token's name, or a program's) did something. */
void audit_act(struct db *db, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * The same, and then runs on the loop when that is durable, and with it all
 * that was posted before: what was done, and may now be answered.
 */
void audit_then(struct db *db, void (*then)(void *arg), void *arg,
    const char *who, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- control.c: the daemon's own socket, for its own command line ---- */

int control_start(struct daemon *d, struct err *err);
void control_free(struct control *c);

#endif
