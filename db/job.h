/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts in rows of job and attempt: outcome, layer, flags. */
#ifndef DB_JOB_H
#define DB_JOB_H

#include "scheduler/scheduler.h"

struct stmt;

enum verdict_flag { /* stored: never change a number */
	FLAG_EXPECTED = 1,
	FLAG_SKIPS = 2,
	FLAG_BLAMELESS = 4,
};

int verdict_flags(const struct verdict *v);
/* Reads the three columns from col on. */
void verdict_get(struct stmt *st, int col, struct verdict *ret);

#endif
