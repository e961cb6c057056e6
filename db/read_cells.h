/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What two variants cost against each other over all attempts that count, or
 * those of a window: from sums, however many values are behind them.
 *
 * An attempt counts if it is the last one of its job and passes, and for the
 * time at which it began.
 */
#ifndef DB_READ_CELLS_H
#define DB_READ_CELLS_H

#include "bench/bench.h"
#include "db/db.h"

struct db_reader;
struct db_window; /* import.h */

struct db_cell_sums {
	int64_t baseline_id; /* series */
	int64_t candidate_id;
	const char *metric;
	const char *unit;
	const char *machine;
	const char *guest;
	const char *controller;
	const char *baseline; /* variants */
	const char *candidate;
	/* Only its pairs; or unpaired, and only what db_cell_values() says. */
	struct bench_cell sums;
};
/*
 * Every cell that has attempts in the window, in the order of their first
 * ones.
 */
int db_cells(struct db_reader *r, const struct db_window *w,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err);
/*
 * Places where both variants were measured, and never against each other in an
 * attempt: all of them unpaired.
 */
int db_cells_apart(struct db_reader *r, const struct db_window *w,
    const char *baseline, const char *candidate,
    bool (*row)(void *arg, const struct db_cell_sums *cell), void *arg,
    struct err *err);
/* Fills in what values make without regard to pairs: ln. */
int db_cell_values(struct db_reader *r, const struct db_window *w,
    int64_t baseline_id, int64_t candidate_id, struct bench_cell *cell,
    struct err *err);

#endif
