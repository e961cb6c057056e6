/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Overhead tables of one run: what the candidate costs against the baseline,
 * by metric, machine, guest and controller. Pure; the statistics are those of
 * bench/.
 *
 * What enters a cell: values that are valid and above 0. Where they were
 * measured in pairs, only whole pairs do, and a broken pair takes one of the
 * opposite order with it (bench_order_keep()). A metric whose direction is not
 * known is left out, with a note: it is never guessed.
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
#define COMPARE_PAIRS_MAX 10000
#define COMPARE_POINTS_MAX 4000000
#define COMPARE_NOTES_MAX 100 /* further ones are dropped */

enum compare_method {
	COMPARE_PAIRED, /* paired t on logarithms */
	COMPARE_WELCH,  /* where there are no pairs: Welch's t on them */
};

/* "paired", "welch". */
const char *compare_method_name(enum compare_method method);

struct compare_cell {
	bool present; /* false: an arm has no value; the rest is not set */
	enum compare_method method;
	size_t n; /* pairs; Welch: values of the smaller arm */
	struct bench_estimate estimate;
	double baseline_mean; /* of the values that were used */
	double candidate_mean;
	enum bench_verdict verdict; /* by all cells of the table */
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
/* Adds a note, once; takes ownership of the text. */
void compare_note(struct compare *c, char *text);
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
