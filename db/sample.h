/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Series, for what writes their values. */
#ifndef DB_SAMPLE_H
#define DB_SAMPLE_H

#include <stdint.h>

#include "base/err.h"

struct conn;
struct db_sample;

/*
 * The number of the series that a sample's names and machine say, made when
 * new.
 */
int series_id(struct conn *c, const struct db_sample *sample, int64_t *ret,
    struct err *err);

#endif
