/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of histories share. */
#ifndef BENCH_HISTORY_PRIVATE_H
#define BENCH_HISTORY_PRIVATE_H

#include "bench/history.h"

/*
 * Adds to a list, by key, what differs between two environments; index is that
 * of the point. Errors: INVAL (a line without "=", a key that is empty or
 * stands twice), in either of them.
 */
int environment_compare(const char *before, const char *after, size_t index,
    struct bench_environment_change **list, size_t *n, struct err *err);

#endif
