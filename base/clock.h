/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: wall time for people and rows (*_at_ms), monotonic for deadlines. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_UTC_LEN 24 /* "2026-01-02T03:04:05.678Z" without its zero */

/* Milliseconds since 1970 UTC, by the wall clock; it can jump. */
int64_t clock_wall_ms(void);
/* Milliseconds of the monotonic clock: for deadlines only. */
int64_t clock_mono_ms(void);
/* Nanoseconds of the monotonic clock: for measuring. */
int64_t clock_mono_ns(void);
/* Writes "2026-01-02T03:04:05.678Z"; size >= CLOCK_UTC_LEN + 1. Returns to. */
const char *clock_utc(int64_t at_ms, char *to, size_t size);

#endif
