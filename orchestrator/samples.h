/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The samples of one attempt, until they are stored series by series. */
#ifndef ORCHESTRATOR_SAMPLES_H
#define ORCHESTRATOR_SAMPLES_H

#include "agent/wire.h"
#include "db/db.h"

struct samples_series;

struct samples {
	struct samples_series *series;
	size_t n;
};

/* Keeps a copy, in the order of arrival. */
void samples_add(struct samples *s, const struct wire_sample *sample);
/* One row for each series, with every value's place and worth. */
void samples_put(const struct samples *s, struct db_tx *tx, int64_t attempt_id,
    int64_t machine_id);
/*
 * They count: the attempt passed. What was compared is said by its
 * specification.
 */
void samples_count(struct db_tx *tx, int64_t attempt_id, const char *spec);
void samples_done(struct samples *s);

#endif
