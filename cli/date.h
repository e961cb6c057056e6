/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates on the command line. */
#ifndef CLI_DATE_H
#define CLI_DATE_H

#include <stdint.h>

#include "base/err.h"

/*
 * "2026-03-01" or "2026-03-01T12:30" in UTC, as Unix milliseconds; a time may
 * have seconds, a blank in place of the T, and a Z. Error: INVAL.
 */
int date_parse(const char *text, int64_t *ret_ms, struct err *err);

#endif
