/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of finished runs, packed. */
#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conn;

/* If no job of the run waits or runs: ends it and packs its history. */
int history_end_run(
    struct conn *c, int64_t run_id, int64_t at_ms, struct err *err);

struct history_event {
	int64_t seq;
	int64_t at_ms;
	int type;
	const char *data; /* JSON, or NULL for {} */
};
/*
 * The events of job k (from 0) of a run from its packed body; row returns
 * false to end. Errors: PROTO, LIMIT.
 */
int history_events(const void *body, size_t len, int64_t k,
    bool (*row)(void *arg, const struct history_event *ev), void *arg,
    struct err *err);

#endif
