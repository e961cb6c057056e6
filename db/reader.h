/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the reading files share. */
#ifndef DB_READER_H
#define DB_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conn;
struct db_reader;
struct plan_data;
struct db_filter;

/* A read transaction ends after this time, so that the log can start anew. */
#define READER_MAX_MS 250

struct conn *reader_conn(struct db_reader *r);
const char *reader_dir(const struct db_reader *r);
/* Of the filter by name: kept from query to query. Borrowed. */
struct db_filter *reader_filter(struct db_reader *r);

/*
 * One state of the database for several statements: begin and end, which may
 * be nested. Only the outermost has an effect.
 */
int reader_begin(struct db_reader *r, int64_t max_ms, struct err *err);
void reader_end(struct db_reader *r);
SCOPED_DEFINE(struct db_reader, reader_end);

/* Where a job is. */
struct job_place {
	int64_t run_id;
	int64_t first_job;
	bool done; /* the run is */
};
/* Errors: NOTFOUND. */
int reader_job_place(struct db_reader *r, int64_t job_id, struct job_place *ret,
    struct err *err);

#endif
