/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One cell of an overhead table, from the values of both arms. */
#ifndef WEB_COMPARE_CELL_H
#define WEB_COMPARE_CELL_H

#include "web/compare.h"

enum compare_arm {
	COMPARE_BASELINE,
	COMPARE_CANDIDATE
};

struct compare_point {
	size_t table; /* which cell */
	size_t row;
	size_t place;
	int64_t attempt_id; /* pairs are counted within an attempt */
	int pair;           /* -1: measured without pairs */
	int position;
	enum compare_arm arm;
	bool valid;
	double value;
};

/*
 * The points are sorted by attempt, pair and arm, and each valid one is above
 * 0. Sets everything but the verdict.
 */
void compare_cell(const struct compare_point *points, size_t n,
    enum bench_direction direction, struct compare_cell *ret);

#endif
