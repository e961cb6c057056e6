/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of many runs, by series: what there is, and one series in the
 * order of time. Only attempts whose job is DONE with pass are in them: an
 * error never enters a history.
 *
 * A branch is the project and the name of a run, "PROJECT/NAME"; without a
 * project it is the name.
 */
#ifndef DB_READ_SERIES_H
#define DB_READ_SERIES_H

#include "db/db.h"

#define DB_SERIES_MAX 500   /* series of a page */
#define DB_POINTS_MAX 20000 /* points of a series: the newest */

/* ---- what there is ------------------------------------------------------ */

struct db_series {
	int64_t id;
	const char *metric;
	const char *unit;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
};
/* Error: NOTFOUND. Calls row exactly once otherwise. */
int db_series_get(struct db_reader *r, int64_t id,
    void (*row)(void *arg, const struct db_series *s), void *arg,
    struct err *err);

struct db_series_branch {
	const char *branch;
	int64_t points;
	int64_t last_at_ms; /* when the newest attempt began */
};
struct db_series_query {
	const char *metric; /* NULL: any; so are the others */
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
	const char *branch;
	int64_t after; /* ids above it */
	int limit;     /* series: 1 to DB_SERIES_MAX */
};
/*
 * Series and each of their branches, by id. *ret_next is the `after` of the
 * next page, 0 at the end; a page ends early when its time is over.
 * Error: INVAL (limit).
 */
int db_series_list(struct db_reader *r, const struct db_series_query *q,
    bool (*row)(
        void *arg, const struct db_series *s, const struct db_series_branch *b),
    void *arg, int64_t *ret_next, struct err *err);

/* How many series there are of each metric and unit. */
int db_series_metrics(struct db_reader *r,
    bool (*row)(
        void *arg, const char *metric, const char *unit, int64_t n_series),
    void *arg, struct err *err);

/* ---- one of them -------------------------------------------------------- */

struct db_point {
	int64_t run_id;
	int64_t job_id;
	int64_t attempt_id;
	int64_t at_ms;      /* when the attempt began */
	const char *commit; /* or NULL */
	const char *branch;
	const double *values;
	size_t n_values;
	const struct db_sample_mark *marks; /* or NULL: all are valid */
	/*
	 * What the attempt was measured in, a line "key=value" for each fact
	 * that db_env_is_segment() names; "" if none was recorded. The same
	 * pointer as that of the point before if it is the same.
	 */
	const char *environment;
};
/*
 * The newest `most` points of a series, at most DB_POINTS_MAX, the oldest of
 * them first. Everything is borrowed until row returns.
 */
int db_series_points(struct db_reader *r, int64_t id, int64_t most,
    bool (*row)(void *arg, const struct db_point *p), void *arg,
    struct err *err);

/*
 * Whether a fact of an attempt (attempt_env) makes the environment: a change of
 * it begins a new segment of a history. What differs from attempt to attempt
 * (temperatures, load, what a boot was given) does not.
 */
bool db_env_is_segment(const char *key);

/* ---- runs by other names than their id ---------------------------------- */

struct db_run_want {
	const char *project; /* NULL: any */
	const char *commit;  /* hex digits it begins with; or NULL */
	const char *name;    /* exactly; or NULL */
};
/*
 * The newest run that is done and is so, of those that ran all of their suite.
 * At least one of commit and name is given. Error: NOTFOUND.
 */
int db_run_find(struct db_reader *r, const struct db_run_want *want,
    int64_t *ret_id, struct err *err);

#endif
