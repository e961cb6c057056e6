/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The three clocks of this program, and the one way to print a time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t ns_of(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail for these two clocks and a valid pointer. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_ms(void)
{
	return ns_of(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_ms(void)
{
	return ns_of(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_mono_ns(void)
{
	return ns_of(CLOCK_MONOTONIC);
}

const char *clock_utc(int64_t at_ms, char *to, size_t size)
{
	time_t s = (time_t)(at_ms / 1000);
	int ms = (int)(at_ms % 1000);
	char day[32];
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	if (!gmtime_r(&s, &tm) ||
	    !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		day[0] = '\0';
	(void)snprintf(to, size, "%s.%03dZ", day, ms);
	return to;
}
