/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The points of one branch of a series, in memory, and their history as JSON.
 */
#ifndef WEB_SERIES_H
#define WEB_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "web/json.h"

#define SERIES_POINTS_DEFAULT 2000
#define SERIES_POINTS_MAX 10000

struct db_reader;

/* What a point is beside what the statistics want of it. */
struct series_detail {
	int64_t import_id; /* 0: of an attempt */
	int64_t job;
	int64_t attempt;
	double *values; /* that count, where they were asked for */
	size_t n;
	size_t n_left_out;
	char *why; /* they were; NULL: none was, or nobody said */
};
struct series_branch {
	char *name;
	size_t points;
};
struct series_points {
	struct bench_point *points;
	struct series_detail *details; /* of each point */
	size_t n;
	bool values;        /* single ones were asked for */
	const char *branch; /* of the points; "" if there are none */
	struct series_branch *branches; /* all there are, by name */
	size_t n_branches;
	bool older;   /* there are more, before these */
	char **texts; /* that points borrow */
	size_t n_texts;
};

struct series_want {
	int64_t id;
	const char *branch; /* NULL: that with most points */
	int64_t since_ms;
	int64_t most; /* the newest points */
	bool values;  /* single ones as well */
};
/*
 * Reads the points of one branch. Errors: NOTFOUND (the series has no such
 * branch).
 */
int series_points_read(struct db_reader *reader, const struct series_want *want,
    struct series_points **ret, struct err *err);
void series_points_free(struct series_points *p);
SCOPED_DEFINE(struct series_points, series_points_free);

/* The fields of HISTORY behind those of the series. */
void series_render(struct jw *w, const struct series_points *p,
    const struct bench_history *h, const struct bench_history_options *opts,
    bool verdicts);
/* The fields of one of its changes. */
void series_render_change(
    struct jw *w, const struct bench_history_change *c, bool verdicts);

#endif
