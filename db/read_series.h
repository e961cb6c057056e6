/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of many runs, by series: what there is, one series in the order
 * of time, and all of them. Only attempts whose job is DONE with pass are in
 * them: an error never enters a history. Imported values are in them as well.
 *
 * A series of a machine that is the same as another (machine.same_as) is part
 * of the other's: they are one series, by the lowest of their ids, and any of
 * the ids means it.
 *
 * A branch is the project and the name of a run, "PROJECT/NAME"; without a
 * project it is the name. An import has no run: its values stand in the
 * history of each branch, or are the branch "imported" where there is no
 * other; those that need a label are the branch "imported/LABEL".
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
	int64_t id;        /* 0: of imported values alone */
	const char *label; /* of the imported values in it; "": of none */
	const char *branch;
	int64_t points;
	int64_t last_at_ms; /* when the newest attempt began, or was imported */
};
struct db_series_query {
	const char *metric;  /* NULL: any; so are the others */
	const char *machine; /* by any of its names */
	const char *variant;
	const char *guest;
	const char *controller;
	const char *branch;
	const char *words; /* each of them in one of the five names */
	int64_t after;     /* ids above it */
	int limit;         /* series: 1 to DB_SERIES_MAX */
	bool placebos;     /* those, too; else only one that variant names */
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
/* The branches of one, by their names; none if there is no such series. */
int db_series_branches(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_series_branch *b), void *arg,
    struct err *err);

/* How many series there are of each metric and unit; placebos are none. */
int db_series_metrics(struct db_reader *r,
    bool (*row)(
        void *arg, const char *metric, const char *unit, int64_t n_series),
    void *arg, struct err *err);

/* ---- one of them -------------------------------------------------------- */

struct db_point {
	int64_t import_id; /* 0: of an attempt; else these three are 0 */
	int64_t run_id;
	int64_t job_id;
	int64_t attempt_id;
	int64_t at_ms; /* when the attempt began; the date that the imported
	                  file gives, or when it was imported */
	const char *commit;     /* or NULL */
	int64_t environment_id; /* 0: not known */
	const char *facts;      /* of an import: what it says of its own, as
	                           db_environment_get() would */
	double value;           /* mean of the valid values; NAN: none is */
	int64_t left_out;       /* values that are not valid */
	/* Where they were asked for, or some are not valid; else none. */
	const double *values;
	size_t n_values;
	const struct db_sample_mark *marks; /* or NULL: all are valid */
	const char *why; /* of an import: why none is valid; or NULL */
};
struct db_points_query {
	int64_t series_id;
	int64_t branch_id; /* of a struct db_series_branch; so is label */
	const char *label;
	int64_t since_ms;
	int64_t most; /* the newest ones; 1 to DB_POINTS_MAX */
	bool values; /* all of them: they lie by attempt, far from each other */
};
/*
 * The points of attempts, the newest first; after them the imported ones,
 * likewise, by their imports; `most` of each. Everything is borrowed until row
 * returns. Error: INVAL (most).
 */
int db_series_points(struct db_reader *r, const struct db_points_query *q,
    bool (*row)(void *arg, const struct db_point *p), void *arg,
    struct err *err);

/*
 * What attempts were measured in: a line "key=value" for each fact that
 * db_env_is_segment() names, by key; "" for 0. Caller frees.
 */
int db_environment_get(
    struct db_reader *r, int64_t id, char **ret, struct err *err);

/* ---- all of them -------------------------------------------------------- */

/* A point of attempts, without its values. */
struct db_scan_point {
	int64_t attempt_id;
	int64_t branch_id;
	int64_t environment_id; /* 0: not known */
	double value;           /* NAN: none of its values is valid */
};
struct db_series_head {
	int64_t series_id;
	const char *variant;         /* borrowed until row returns */
	struct db_scan_point newest; /* of all branches */
};
/*
 * The newest point of each series with an id above `after` that has one, by
 * id, until a page's time is over. *ret_next is the `after` of the next page, 0
 * at the end.
 *
 * Points come to the end of a series, as its attempts ran one after the other
 * on one machine, and only the last one may be written anew: while the newest
 * is the same, so are those before it.
 */
int db_series_heads(struct db_reader *r, int64_t after,
    void (*row)(void *arg, const struct db_series_head *head), void *arg,
    int64_t *ret_next, struct err *err);
/* The points of one series, the oldest first; of this id, and no other. */
int db_series_scan(struct db_reader *r, int64_t series_id,
    void (*row)(void *arg, const struct db_scan_point *p), void *arg,
    struct err *err);

/* ---- branches ----------------------------------------------------------- */

/* Its name; caller frees. Error: NOTFOUND. */
int db_branch_get(struct db_reader *r, int64_t id, char **ret, struct err *err);

/* ---- facts -------------------------------------------------------------- */

/*
 * Whether a fact of an attempt (attempt_env) makes the environment: a change of
 * it begins a new segment of a history. What differs from attempt to attempt
 * (temperatures, load, what a boot was given) does not, nor does the version of
 * a hypervisor: it is what is measured, and may be another one at each commit.
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
