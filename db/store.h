/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an open database is, for the files of this folder. */
#ifndef DB_STORE_H
#define DB_STORE_H

#include <pthread.h>
#include <stdint.h>

#include "db/db.h"

#define DB_FILE "ironbench.db"

struct conn;
struct writer;

struct db {
	char *dir;
	int lock_fd; /* its lock says that the folder is ours */
	struct db_ops ops;
	struct conn *conn; /* of the writer, under conn_lock */
	pthread_mutex_t conn_lock;
	struct writer *writer;
	struct db_reader *reader; /* of the loop's thread */
	/* The next ones; used by the loop's thread only. */
	int64_t next_run;
	int64_t next_job;
	int64_t next_attempt;
	int64_t next_fence;
};

/*
 * Runs one operation on the caller's thread and commits it; for start-up and
 * the rare act of a person, never while something waits.
 */
int db_run_now(struct db *db,
    int (*run)(struct conn *c, const void *arg, struct err *err),
    const void *arg, struct err *err);

#endif
