/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reading half of db.h, which includes it: bounded queries that any
 * process may ask, one reader a thread.
 */
#ifndef DB_READ_H
#define DB_READ_H

#include "db/db.h"

struct db_reader;

/* Read-only; the database must exist (the daemon made it). */
int db_reader_open(const char *dir, struct db_reader **ret, struct err *err);
void db_reader_close(struct db_reader *r);
SCOPED_DEFINE(struct db_reader, db_reader_close);

/*
 * What filters by name keep in memory: each name, 4 bytes a run. Readers of
 * one folder, in any threads, may share one, which must outlive them; a reader
 * that is given none has its own. Before the first query.
 */
struct db_filter;
struct db_filter *db_filter_new(void);
void db_filter_free(struct db_filter *f); /* NULL is allowed */
void db_reader_share(struct db_reader *r, struct db_filter *filter);

struct db_run {
	int64_t id;
	const char *project;
	const char *user;
	const char *name;
	const char *suite_name;
	const char *commit; /* or NULL */
	const char *link;   /* or NULL */
	const char *kind;
	int priority;
	int64_t created_at_ms;
	int64_t ended_at_ms; /* 0: open */
	enum run_state state;
	int64_t first_job;
	int64_t n_jobs;
	int64_t counts[BUCKET_COUNT];
	int64_t n_skips;
	int64_t rerun_of; /* the run whose failed jobs it repeats; 0: none */
};
struct db_run_query {
	int64_t before;        /* ids below it; 0: from the newest */
	int64_t page;          /* 1 = newest, of those that match; 0: by key
	                          only. Not together with before */
	int limit;             /* 1 to 500 */
	const char *name_like; /* SQL LIKE pattern, or NULL */
};
/* Newest first. Error: INVAL (limit, negative page). */
int db_runs(struct db_reader *r, const struct db_run_query *q,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err);
/* How many runs match (q->name_like only). */
int db_run_count(struct db_reader *r, const struct db_run_query *q,
    int64_t *ret, struct err *err);
/* Error: NOTFOUND. Calls row exactly once otherwise. */
int db_run_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_run *run), void *arg,
    struct err *err);

/* The plan of a run, then every job in order of id. Error: NOTFOUND. */
struct db_cell {
	int64_t job_id;
	enum job_state state;
	struct verdict verdict;
	int attempts;
	int64_t took_ms;
	int64_t last_attempt;
	const char *why; /* evidence of that attempt, if it did not pass */
};
int db_matrix(struct db_reader *r, int64_t run_id,
    void (*plan)(void *arg, const struct db_plan *plan),
    bool (*cell)(void *arg, const struct db_cell *cell), void *arg,
    struct err *err);

struct db_job {
	int64_t id;
	int64_t run_id;
	const char *item;
	const char *platform;
	enum job_state state;
	struct verdict verdict;
	int attempts;
	int64_t last_attempt;
	int64_t took_ms;
};
int db_job_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_job *job), void *arg,
    struct err *err);

struct db_attempt {
	int64_t id;
	int no; /* 1, 2, ... within the job */
	int64_t machine_id;
	const char *machine;
	int64_t started_at_ms;
	int64_t took_ms; /* 0: not ended */
	struct verdict verdict;
	const char *evidence; /* one line: what decided it; or NULL */
};
int db_attempts(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_attempt *a), void *arg,
    struct err *err);
/* All events of a job, also of a finished (packed) run. */
int db_events(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct job_event *ev), void *arg,
    struct err *err);
int db_cases(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_case *c), void *arg,
    struct err *err);
struct db_sample_row {
	int64_t attempt_id;
	const char *metric;
	const char *unit;
	const char *variant;
	const char *guest;
	const char *controller;
	const double *values; /* the valid ones */
	size_t n_values;
	size_t n_left_out; /* others */
};
int db_samples(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_sample_row *s), void *arg,
    struct err *err);

/* ---- a run against the one before it ------------------------------------ */

struct db_change_job {
	int64_t id; /* 0: there is none */
	enum job_state state;
	struct verdict verdict;
};
enum db_change_kind {
	DB_CHANGE_BROKEN, /* passed there, fails or times out here */
	DB_CHANGE_FIXED,  /* the other way round */
	DB_CHANGE_LAB     /* an error here, whatever it was there */
};
struct db_change {
	enum db_change_kind kind;
	const char *item;
	const char *platform;
	struct db_change_job job;
	struct db_change_job before;
	const char *text; /* what failed here, or NULL */
	int64_t offset; /* of it in the log of the last attempt; -1: unknown */
};
#define DB_CHANGES_MAX 500 /* of a kind */
struct db_changes {
	int64_t against;  /* the run it is compared with; 0: there is none */
	int64_t left_ms;  /* of an open run: about; -1: unknown, or not open */
	int64_t left_out; /* changes over DB_CHANGES_MAX */
};
/*
 * A run against the newest run before it of the same project and name that is
 * done: changes in the order of kinds, in each of the jobs. now_ms is the wall
 * clock. Error: NOTFOUND.
 */
int db_changes(struct db_reader *r, int64_t run_id, int64_t now_ms,
    bool (*row)(void *arg, const struct db_change *c), void *arg,
    struct db_changes *ret, struct err *err);

/*
 * The same item and platform in the newest 50 runs of the same project and
 * name, newest first; the job itself comes last if its run is older. Of runs
 * with other plans no more jobs are looked through than fit the time of a
 * query: then the list ends early. Error: NOTFOUND.
 */
struct db_past_job {
	int64_t run_id;
	int64_t job_id;
	enum job_state state;
	struct verdict verdict;
	const char *commit; /* or NULL */
	int64_t created_at_ms;
};
int db_job_past(struct db_reader *r, int64_t job_id,
    bool (*row)(void *arg, const struct db_past_job *job), void *arg,
    struct err *err);

/* ---- machines ----------------------------------------------------------- */

struct db_machine {
	int64_t id;
	const char *name;
	const char *platform;
	enum health health;
	const char *why; /* of the health; "" if good */
	int64_t since_ms;
};
int db_machines(struct db_reader *r,
    bool (*row)(void *arg, const struct db_machine *m), void *arg,
    struct err *err);

/* Error: NOTFOUND (no machine ever had this name). */
int db_machine_get(
    struct db_reader *r, const char *name, int64_t *ret_id, struct err *err);

#define DB_MACHINE_ROWS 50
struct db_health {
	int64_t at_ms;
	enum health health;
	const char *why;
};
/* The newest DB_MACHINE_ROWS changes of a machine's health, newest first. */
int db_machine_past(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_health *h), void *arg,
    struct err *err);

struct db_machine_attempt {
	int64_t id;
	int64_t job_id;
	int64_t run_id;
	const char *item;
	int64_t started_at_ms;
	int64_t took_ms; /* 0: not ended */
	struct verdict verdict;
	const char *evidence; /* or NULL */
};
/*
 * Attempts on a machine, newest first, at most DB_MACHINE_ROWS: of the newest
 * 10,000 of the lab.
 */
int db_machine_attempts(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_machine_attempt *a), void *arg,
    struct err *err);

/* ---- what a run was made from, what an attempt left ---------------------- */

/* The suite of a run as it was submitted, and its files. Error: NOTFOUND. */
struct db_source {
	const char *project;
	const char *user;
	const char *name;
	const char *link;
	const char *commit;
	int priority;
	const char *kind;
	const char *suite_name;
	const char *suite_text;
	size_t suite_len;
	const struct db_run_file *files;
	size_t n_files;
};
int db_run_source(struct db_reader *r, int64_t run_id,
    bool (*row)(void *arg, const struct db_source *source), void *arg,
    struct err *err);

/* Raw outputs and facts of an attempt, in order of name and key. */
int db_attempt_files(struct db_reader *r, int64_t attempt_id,
    bool (*row)(void *arg, const struct db_attempt_file *file), void *arg,
    struct err *err);
/*
 * True if an attempt has it as a raw output, or an import was read from it:
 * those may be shown.
 */
int db_file_is_output(struct db_reader *r, const uint8_t sha256[HASH_BYTES],
    bool *ret, struct err *err);
int db_env(struct db_reader *r, int64_t attempt_id,
    bool (*row)(void *arg, const char *key, const char *value), void *arg,
    struct err *err);

/*
 * Every series of the last attempts of a run's jobs that are DONE with pass
 * (an error never enters a table), in order of job, metric, guest, controller,
 * variant. marks is NULL for values without a design (guest tests).
 */
struct db_run_sample {
	int64_t job_id;
	int64_t attempt_id;
	const char *item;
	const char *machine;
	const char *metric;
	const char *unit;
	const char *variant;
	const char *guest;
	const char *controller;
	const double *values;
	size_t n_values;
	const struct db_sample_mark *marks;
};
int db_run_samples(struct db_reader *r, int64_t run_id,
    bool (*row)(void *arg, const struct db_run_sample *s), void *arg,
    struct err *err);

#endif
