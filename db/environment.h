/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What attempts were measured in, as numbers. For the writer. */
#ifndef DB_ENVIRONMENT_H
#define DB_ENVIRONMENT_H

#include <stdint.h>

#include "base/err.h"

struct conn;

#define ENVIRONMENT_BYTES (1 << 20) /* of a text */

/*
 * The number of the environment of an attempt: that of the text that its facts
 * (attempt_env) make, of those that db_env_is_segment() names, a line
 * "key=value" each, sorted by key. Made when new; 0 if there is no such fact.
 * What does not fit into ENVIRONMENT_BYTES is left out.
 */
int environment_id(
    struct conn *c, int64_t attempt_id, int64_t *ret, struct err *err);
/* The same for a text that is made already; 0 if it is "". */
int environment_put(
    struct conn *c, const char *text, int64_t *ret, struct err *err);

#endif
