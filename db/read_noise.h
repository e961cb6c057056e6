/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine found between equals. */
#ifndef DB_READ_NOISE_H
#define DB_READ_NOISE_H

#include "bench/bench.h"
#include "db/db.h"

/* One session of placebos: an attempt whose two arms were the same variant. */
struct db_noise {
	const char *metric;
	const char *unit;
	const char *guest;
	const char *controller;
	const char *variant;
	struct bench_moments session; /* of the ln ratios of its pairs */
};
/*
 * The sessions of a machine that count (db/read_cells.h), those of one metric,
 * guest, controller and variant together, in the order of time.
 */
int db_noise(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_noise *n), void *arg,
    struct err *err);

#endif
