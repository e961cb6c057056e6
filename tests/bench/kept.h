/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases that take long to make: made once, and taken again. */
#ifndef TESTS_BENCH_KEPT_H
#define TESTS_BENCH_KEPT_H

#include <stdint.h>

#include "base/err.h"

/*
 * Makes the folder unless it is there, whole, and of that size; what was begun
 * and not ended is made anew. *ret_s: how long it took, 0 if it was there.
 * Errors: IO, or what make() says.
 */
int kept_make(const char *dir, const char *size,
    int (*make)(const void *arg, struct err *err), const void *arg,
    double *ret_s, struct err *err);
/* Of the database in it; 0 if there is none. */
int64_t kept_bytes(const char *dir);

#endif
