/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans as bytes. */
#ifndef DB_PLAN_H
#define DB_PLAN_H

#include "db/db.h"

#define PLAN_MAX (64 << 20)

/* Appends the plan; the reverse of plan_decode(). */
void plan_encode(const struct db_plan *plan, struct buf *to);

struct plan_data {
	struct db_plan plan; /* into the body and the two lists */
	const char **items;
	const char **platforms;
	int64_t n_jobs;
};
/* Borrows the body. Error: PROTO. */
int plan_decode(
    const void *body, size_t len, struct plan_data *ret, struct err *err);
void plan_done(struct plan_data *p);

/* Index of the cell of job k (from 0), or -1. */
int64_t plan_cell(const struct db_plan *plan, int64_t k);

#endif
