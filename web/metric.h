/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a stored number means: by the table of metrics, by what a suite declared
 * of it, or else by its unit as far as that goes.
 */
#ifndef WEB_METRIC_H
#define WEB_METRIC_H

#include <stdbool.h>

#include "bench/bench.h"
#include "web/json.h"

#define METRIC_MARGIN .01 /* of a metric that is not in the table */

struct db_reader;

struct metric_facts {
	const char *title;              /* borrowed */
	enum bench_direction direction; /* 0: not known */
	double margin;
	bool by_unit; /* the direction is what the unit says */
};

/*
 * By the table, by what suites declared, by the unit. May be called from within
 * a row of another query. Errors: those of the database.
 */
int metric_facts(struct db_reader *reader, const char *metric, const char *unit,
    struct metric_facts *ret, struct err *err);
/* "direction" (null if not known), "direction_by_unit" and "margin". */
void metric_render(struct jw *w, const struct metric_facts *m);

/* "ratio" and its "interval", [lo, hi] or null. */
void metric_estimate(struct jw *w, const struct bench_estimate *e);

/*
 * Values of a series that count: valid by their marks (NULL: all are) and
 * finite. Returns how many went to ret, which has room for n.
 */
struct db_sample_mark;
size_t metric_valid(const double *values, size_t n,
    const struct db_sample_mark *marks, double *ret);

#endif
