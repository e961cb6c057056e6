/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs with numbers, as the daemon would have written them, and one history of
 * which every turn is known.
 */
#ifndef TESTS_UNIT_SERIES_WORLD_H
#define TESTS_UNIT_SERIES_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* ---- one run of one job ---------------------------------------------------
 */

struct world_numbers {
	const char *metric;
	const char *unit;
	const char *variant;
	const char *guest;
	const char *controller;
	const double *values;
	size_t n;
	bool not_valid; /* all of them */
};
struct world_run {
	const char *project;
	const char *name;
	const char *commit; /* or NULL */
	int64_t at_ms;
	const char *machine;
	enum outcome outcome;
	const char *const (*facts)[2]; /* ended by a NULL */
	const struct world_numbers *numbers;
	size_t n_numbers;
};
/* Adds it, done, to a transaction; returns its id. */
int64_t world_run_put(
    struct db *db, struct db_tx *tx, const struct world_run *run);

/* ---- a history ------------------------------------------------------------
 */

#define WORLD_METRIC "disk.seq128k_q32t1.rd"
#define WORLD_UNIT "MB/s"
#define WORLD_PROJECT "demo"
#define WORLD_NAME "main"
#define WORLD_MACHINE "t16-1"
#define WORLD_STEP_MS 3600000

/* Places among the points of the history. */
enum world_place {
	WORLD_KERNEL = 20, /* another kernel, and 10 % faster */
	WORLD_SPIKE = 30,  /* half as fast, once */
	WORLD_CHANGE = 40, /* 8 % slower from here on; another guest is new */
	WORLD_BAD = 50,    /* none of its values is valid */
	WORLD_POINTS = 60,
	WORLD_FAILED = 10 /* the run before this point failed */
};

/*
 * The history of both variants, "vboxdrv" and "kvm", of which only kvm has the
 * change; then three runs of the name "next". commit(): calls it after every
 * run. *ret_first is the id of the first run; those after it have the ids after
 * it.
 */
void world_history_put(struct db *db,
    void (*commit)(void *arg, struct db_tx *tx), void *arg, int64_t *ret_first);

/* The id of the run of a point. */
int64_t world_run_of(int64_t first, int point);
/* Its commit, 40 digits; caller frees. */
char *world_commit_of(int point);

#endif
