/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is collected, and what it sums up to. */
#ifndef WEB_COMPARE_PRIVATE_H
#define WEB_COMPARE_PRIVATE_H

#include "web/compare.h"

/* A value, and where it belongs. */
struct point {
	size_t table; /* which cell */
	size_t row;
	size_t place;
	int64_t attempt_id; /* pairs are counted within an attempt */
	struct bench_value value;
};

/* What is known of a cell without its values. */
struct sums {
	size_t table;
	size_t row;
	size_t place;
	int64_t baseline_id; /* series */
	int64_t candidate_id;
	struct bench_cell cell;
};

/* What an import says of values that it does not show, and its place. */
struct summary {
	size_t table;
	size_t row;
	size_t place;
	enum bench_arm arm;
	bool best; /* of n, in mean; else their mean */
	size_t n;  /* 0: not said */
	double mean;
	double sd; /* NAN: not said */
};

/* An imported ratio, and its place. */
struct published {
	size_t table;
	size_t row;
	size_t place;
	double overhead;
	char *printed;
};

/* A metric that the table of metrics does not have. */
struct own_metric {
	struct bench_metric metric;
	char *name;
	char *unit;
};

struct compare {
	struct compare_table *tables;
	size_t n_tables;
	struct point *points;
	size_t n_points;
	size_t cap;
	struct sums *sums;
	size_t n_sums;
	size_t sums_cap;
	struct summary *summaries;
	size_t n_summaries;
	struct published *published;
	size_t n_published;
	struct own_metric **metrics; /* each stays where it is */
	size_t n_metrics;
	size_t n_declared;  /* by suites: the first of them */
	struct grid *grids; /* of the tables, once all is summed up */
	unsigned by;
	char **notes;
	size_t n_notes;
};

/* All that is known of the cells of a table. */
struct grid {
	struct bench_cell *cells; /* row by row */
	bool *known;              /* something came to it */
};

void compare_grids_free(struct compare *c);
/* The table of what was imported, made when new. */
size_t compare_import_table(struct compare *c, const char *metric,
    const char *label, const char *unit, int direction,
    const struct compare_roles *roles);
/* Summaries, where there are no values; the cells are computed. */
void compare_summaries(struct compare *c);

#endif
