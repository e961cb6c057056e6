/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Overhead tables of runs and imports: what the candidate costs against the
 * baseline, by metric, machine, guest and controller. Pure; the statistics are
 * those of bench/.
 *
 * What enters a cell: values that are valid and above 0. Where they were
 * measured in pairs, only whole pairs do (bench_cell_add()). A metric whose
 * direction is not known is left out, with a note: it is never guessed.
 */
#ifndef WEB_COMPARE_H
#define WEB_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "db/db.h"

#define COMPARE_Q .05 /* false discovery rate of a table's verdicts */
#define COMPARE_POINTS_MAX 4000000
#define COMPARE_NOTES_MAX 100 /* further ones are dropped */

enum compare_method {
	COMPARE_PAIRED,    /* paired t on logarithms */
	COMPARE_WELCH,     /* where there are no pairs: Welch's t on them */
	COMPARE_SUMMARY,   /* imported means: Welch's t by the delta method */
	COMPARE_BEST,      /* imported bests of several: no interval */
	COMPARE_PUBLISHED, /* a ratio that was imported: no values, n is 0 */
	COMPARE_POOLED     /* geometric mean of n cells: compare_by() */
};

/* "paired", "welch", "summary", "best", "published", "pooled". */
const char *compare_method_name(enum compare_method method);

struct compare_cell {
	bool present; /* false: an arm has no value; the rest is not set */
	enum compare_method method;
	size_t n; /* pairs; else values of the smaller arm, 0: not said */
	struct bench_estimate estimate;
	double baseline_mean; /* of the values that were used */
	double candidate_mean;
	enum bench_verdict verdict; /* by all cells of the table */
	const char *printed;        /* published: its digits; else NULL */
};

struct compare_place {
	char *guest;
	char *controller;
};

struct compare_geomean {
	struct bench_column column;
	enum bench_verdict verdict; /* alone: it is no cell */
};

struct compare_table {
	const struct bench_metric *metric;
	char *baseline; /* names of the variants */
	char *candidate;
	char **machines; /* rows, as they came */
	char **named;    /* published rows: as the file spells it; or NULL */
	size_t n_machines;
	struct compare_place *places; /* columns, likewise */
	size_t n_places;
	struct compare_cell *cells; /* row by row */
	struct compare_geomean *geomeans;
};

struct compare;

struct compare *compare_new(void);
void compare_free(struct compare *c);
SCOPED_DEFINE(struct compare, compare_free);

/* Knows the metrics that suites declared; before anything is added. */
int compare_declare(
    struct compare *c, struct db_reader *reader, struct err *err);
/* A metric of the table, or a declared one; NULL if it is neither. */
const struct bench_metric *compare_metric_find(
    const struct compare *c, const char *name);

/* Which variants a benchmark compares, by their names. */
struct compare_roles {
	const char *baseline;
	const char *candidate;
};
/*
 * Adds a series to the table of its metric and roles; one of another variant
 * is ignored. Error: LIMIT (more than COMPARE_POINTS_MAX values).
 */
int compare_add(struct compare *c, const struct db_run_sample *s,
    const struct compare_roles *roles, struct err *err);
/* Adds sums over many runs to the table of their metric and variants. */
void compare_add_sums(struct compare *c, const struct db_cell_sums *s);
/*
 * The same for values that were imported; import_id tells imports apart. A
 * metric that the table of metrics does not have keeps the direction that the
 * import says.
 */
int compare_add_import(struct compare *c, const struct db_import_values *v,
    const struct compare_roles *roles, struct err *err);
/*
 * The same for an import that shows no values: it counts where there are no
 * values of the cell.
 */
void compare_add_summary(struct compare *c, const struct db_import_summary *s,
    const struct compare_roles *roles);
/*
 * Adds a published ratio to the table of its metric and variants. It counts
 * where there are no values of the cell; a later one replaces it.
 */
void compare_add_ratio(struct compare *c, const struct db_ratio_row *q);
/* What is kept apart in rows and columns: bits. Before compare_finish(). */
enum compare_by {
	COMPARE_BY_MACHINE = 1,
	COMPARE_BY_GUEST = 2,
	COMPARE_BY_CONTROLLER = 4,
	COMPARE_BY_ALL = 7
};
void compare_by(struct compare *c, unsigned by);
/* Adds a note, once; takes ownership of the text. */
void compare_note(struct compare *c, char *text);
/*
 * Fills in the sums of two series without regard to pairs, as
 * db_cell_values().
 */
typedef int compare_fill_fn(void *arg, int64_t baseline_id,
    int64_t candidate_id, struct bench_cell *cell, struct err *err);
/*
 * Once, when all are added, if there are any of compare_add_sums(): asks for
 * what the cells among them need that cannot be compared in pairs. Errors:
 * those of fill.
 */
int compare_fill(
    struct compare *c, compare_fill_fn *fill, void *arg, struct err *err);
/* Once, when all are added; then the tables and notes can be read. */
void compare_finish(struct compare *c);
/* In the order of bench_metric_table(), then by variants. Borrowed. */
const struct compare_table *compare_tables(
    const struct compare *c, size_t *ret_n);
/* What was left out and why, a line each. Borrowed. */
const char *const *compare_notes(const struct compare *c, size_t *ret_n);

/* What stands under the table: what a ratio means, and how sure it is. */
void compare_definition(const struct compare_table *t, struct buf *to);

#endif
