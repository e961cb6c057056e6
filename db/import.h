/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Imported numbers, and the names of machines: part of db.h, which includes
 * it. A file is imported as a whole in one transaction, or not at all.
 */
#ifndef DB_IMPORT_H
#define DB_IMPORT_H

#include "db/db.h"

/* ---- names of machines -------------------------------------------------- */

struct db_alias {
	const char *name;
	int64_t machine_id;
};
/*
 * The aliases of the machines with these ids become those of the list (those
 * of others stay), and what is known by such a name without hardware counts as
 * that machine from now on. Blocks; when the lab file was read.
 */
int db_aliases_set(struct db *db, const int64_t *machine_ids, size_t n_machines,
    const struct db_alias *list, size_t n, struct err *err);
/*
 * Which machine a name or alias means; only what is durable. Errors: NOTFOUND,
 * CONFLICT (it is two machines'; the message has both).
 */
int db_machine_named(
    struct db *db, const char *name, int64_t *ret_id, struct err *err);

/* ---- writing ------------------------------------------------------------ */

/* Machines are names or aliases; a name that is unknown becomes a machine. */
struct db_import_sample {
	const char *metric;
	const char *label; /* "" if the metric says all */
	const char *unit;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
	int direction; /* enum bench_direction */
	int kind;      /* enum import_of */
	int64_t n;     /* 0: not said */
	double mean;
	double m2; /* NAN: not said; so low and high */
	double low;
	double high;
	const double *values; /* n of them; NULL: the file does not show them */
	const char *why;      /* why they are not valid; NULL: they are */
};
struct db_import_ratio {
	const char *metric;
	int direction; /* enum bench_direction */
	const char *machine;
	const char *guest;
	const char *controller;
	const char *baseline;
	const char *candidate;
	double overhead; /* above 0 */
	const char *printed;
};
struct db_import_case {
	const char *name;
	int result; /* enum case_result */
	const char *text;
};
struct db_import {
	uint8_t key[HASH_BYTES]; /* the same key is the same import */
	int64_t at_ms;
	const char *who;
	const char *name; /* of the file */
	uint8_t sha256[HASH_BYTES];
	int64_t size;
	const char *format;
	const char *facts; /* a JSON object */
	const struct db_import_sample *samples;
	size_t n_samples;
	const struct db_import_ratio *ratios;
	size_t n_ratios;
	const struct db_import_case *cases;
	size_t n_cases;
};
/* Does nothing if there is one with this key. The file is in DIR/files. */
void db_tx_import(struct db_tx *tx, const struct db_import *im);
/* The import with this key; only what is durable. Error: NOTFOUND. */
int db_import_find(struct db *db, const uint8_t key[HASH_BYTES],
    int64_t *ret_id, struct err *err);

/* ---- reading ------------------------------------------------------------ */

struct db_reader;

/* Which numbers of all runs and imports; NULL and 0: any. */
struct db_window {
	int64_t since_ms; /* measured, or imported, at it or later */
	int64_t until_ms; /* and before it; 0: no end */
	const char *metric;
};
/* Oldest import first, each in the order of its file. */
struct db_ratio_row {
	int64_t import_id;
	const char *metric;
	int direction;
	const char *machine;
	const char *named; /* as the file spells it */
	const char *guest;
	const char *controller;
	const char *baseline;
	const char *candidate;
	double overhead;
	const char *printed;
};
int db_import_ratios(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_ratio_row *ratio), void *arg,
    struct err *err);
/* Likewise; of values that are shown and valid. */
struct db_import_values {
	int64_t import_id;
	const char *metric;
	const char *label;
	const char *unit;
	int direction;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
	const double *values;
	size_t n_values;
};
int db_import_samples(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_import_values *v), void *arg,
    struct err *err);
/* The same of what a file says of values that it does not show. */
struct db_import_summary {
	const char *metric;
	const char *label;
	const char *unit;
	int direction;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
	int kind;    /* enum import_of: a mean, or the best */
	int64_t n;   /* values; 0: not said */
	double mean; /* or the best of them */
	double sd;   /* NAN: not said */
};
int db_import_summaries(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_import_summary *s), void *arg,
    struct err *err);

/* ---- one import after another -------------------------------------------- */

/* An import as it is stored. */
struct db_import_row {
	int64_t id;
	int64_t at_ms;
	const char *who;  /* name of the token */
	const char *name; /* of the file */
	uint8_t sha256[HASH_BYTES];
	int64_t size;
	const char *format;
	const char *facts; /* a JSON object */
	int64_t n_samples;
	int64_t n_ratios;
	int64_t n_cases;
};
/* Newest first: ids below `before`, or from the newest if that is 0. */
int db_imports(struct db_reader *r, int64_t before, int limit,
    bool (*row)(void *arg, const struct db_import_row *im), void *arg,
    struct err *err);
/* Error: NOTFOUND. Calls row exactly once otherwise. */
int db_import_get(struct db_reader *r, int64_t id,
    bool (*row)(void *arg, const struct db_import_row *im), void *arg,
    struct err *err);

/* Rows of an import are numbered from 0, each kind for itself. */
struct db_import_part {
	int64_t import_id;
	int64_t from; /* the first one */
	int limit;    /* that many at most */
};
struct db_import_series {
	int64_t no;
	const char *metric;
	const char *label;
	const char *unit;
	const char *machine;
	const char *variant;
	const char *guest;
	const char *controller;
	int direction; /* enum bench_direction */
	int kind;      /* enum import_of */
	int64_t n;     /* values; 0: not said */
	double mean;
	double m2; /* NAN: not said; so low and high */
	double low;
	double high;
	const double *values;
	size_t n_values; /* 0: the file does not show them */
	const char *why; /* why they are not valid; NULL: they are */
};
int db_import_series(struct db_reader *r, const struct db_import_part *part,
    bool (*row)(void *arg, const struct db_import_series *s), void *arg,
    struct err *err);
int db_import_cells(struct db_reader *r, const struct db_import_part *part,
    bool (*row)(void *arg, const struct db_ratio_row *ratio), void *arg,
    struct err *err);
/* Those with this result; 0: all. */
int db_import_cases(struct db_reader *r, const struct db_import_part *part,
    int result,
    bool (*row)(void *arg, int64_t no, const struct db_import_case *c),
    void *arg, struct err *err);
/* How many cases have each result. */
int db_import_results(struct db_reader *r, int64_t id,
    void (*row)(void *arg, int result, int64_t n), void *arg, struct err *err);

#endif
