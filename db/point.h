/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What histories and tables over many runs read; for what writes it. */
#ifndef DB_POINT_H
#define DB_POINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/bench.h"

struct conn;

struct points {
	int64_t attempt_id; /* the last one of a job that passes */
	const struct bench_versus *versus;
};

/*
 * Writes the rows of an attempt's points and cells from its samples; again, it
 * gives the same rows. No later attempt of its machine has any yet.
 */
int points_put(struct conn *c, const struct points *p, struct err *err);
/* The rows of all attempts that count, in the order of time: a migration. */
int points_fill(struct conn *c, struct err *err);

#endif
