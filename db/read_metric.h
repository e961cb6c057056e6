/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics that suites declare, beside those of bench_metric_table(). */
#ifndef DB_READ_METRIC_H
#define DB_READ_METRIC_H

#include "bench/bench.h"
#include "db/db.h"

struct db_metric {
	const char *name;
	const char *unit;
	enum bench_direction direction;
	double margin;
};

/*
 * Declares it. One of another unit or direction than before is ignored: who
 * asks for it is refused before (orchestrator/metrics.c).
 */
void db_tx_metric(struct db_tx *tx, const struct db_metric *m);

/* All of them by name; borrowed until row returns. */
int db_metrics(struct db_reader *r,
    bool (*row)(void *arg, const struct db_metric *m), void *arg,
    struct err *err);
/*
 * 1 if a metric of this name and unit is declared, else 0. May be called from
 * within a row of another query.
 */
int db_metric_find(struct db_reader *r, const char *name, const char *unit,
    enum bench_direction *ret_direction, double *ret_margin, struct err *err);

#endif
