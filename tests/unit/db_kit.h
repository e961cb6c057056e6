/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of db/ share: a folder, runs, jobs and their events. */
#ifndef TESTS_UNIT_DB_KIT_H
#define TESTS_UNIT_DB_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* A state folder of its own, with a database that is open in this process. */
struct kit {
	char *dir;
	struct db *db;
	int wake_fd;
	int health_calls;
	struct err health; /* of the last call; kind 0: works again */
	int64_t clock_ms;  /* goes on by 7 for each event */
	int64_t rerun_of;  /* of the runs that are made */
};

void kit_init(struct kit *k); /* makes the folder, does not open */
void kit_open(struct kit *k);
void kit_close(struct kit *k);
void kit_done(struct kit *k); /* removes the folder */
/* Until all that was posted is durable and its callbacks ran. */
void kit_wait(struct kit *k);
/* Posts and waits. */
void kit_commit(struct kit *k, struct db_tx *tx);

/* Machines "m1", "m2", ... of platform "p". */
int64_t kit_machine(struct kit *k, int i);

struct kit_run {
	int64_t id;
	int64_t first_job;
	int64_t n_jobs;
	struct job *jobs;
};
/* items x platforms, all of them jobs. NULL name: "run ID". */
void kit_run_new(struct kit *k, struct db_tx *tx, const char *name, int n_items,
    int n_platforms, struct kit_run *ret);
void kit_run_done(struct kit_run *run);

/* One event without verdict. */
void kit_event(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    enum job_event_type type, const char *text);
void kit_lease(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    int64_t machine_id);
void kit_verdict(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    enum job_event_type type, struct verdict v, const char *text);
/* LEASE to DONE, as pass. */
void kit_play(struct kit *k, struct db_tx *tx, struct kit_run *run, int job,
    int64_t machine_id);

/* Its two halves: LEASE to RUN, and EXIT to DONE. */
void kit_play_begin(struct kit *k, struct db_tx *tx, struct kit_run *run,
    int job, int64_t machine_id);
void kit_play_end(
    struct kit *k, struct db_tx *tx, struct kit_run *run, int job);

/* A test's state: an open database, and a reader of it. For cmocka. */
struct kit_reader {
	struct kit kit;
	struct db_reader *r;
};
int kit_reader_setup(void **state);
int kit_reader_teardown(void **state);

/* First column of the first row of a query on the side; -1 if none. */
int64_t kit_sql(const struct kit *k, const char *sql);
/*
 * Counters of every run equal its jobs, no event is without its job, the
 * events of every open run reproduce it, and what an agent said is packed when
 * its attempt has ended and not before. Fails the test if not.
 */
void kit_check(struct kit *k);

/* Runs fn in a child; returns its wait status and what it wrote to stderr. */
int kit_in_child(void (*fn)(struct kit *k), struct kit *k, struct buf *said);

/* From IB_TEST_SEED or the clock; printed. */
uint64_t kit_seed(void);
uint64_t kit_random(uint64_t *state);

#endif
