/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two readings of a console log share: bytes and their times. */
#ifndef WEB_LOG_H
#define WEB_LOG_H

#include "web/http.h"

/*
 * The attempt of a job that the query names (its first parameter is its
 * number; absent: the last one). Error: NOTFOUND.
 */
int log_attempt(
    struct request *rq, int64_t job_id, int64_t *ret, struct err *err);
/* Cuts [from, to) to one stretch of bytes that were kept; may be empty. */
void log_cut(const struct db_log_info *info, int64_t *from, int64_t *to);

#endif
