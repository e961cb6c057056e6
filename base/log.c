/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line per event, written with one call so that lines never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static enum log_level level_max = LOG_INFO;

void log_level_set(enum log_level level)
{
	level_max = level;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char at[CLOCK_UTC_LEN + 1];
	char line[2048];
	va_list ap;
	size_t n;

	if (level > level_max)
		return;
	(void)snprintf(line, sizeof(line), "%s %s ",
	    clock_utc(clock_wall_ms(), at, sizeof(at)), names[level]);
	n = strlen(line);
	va_start(ap, fmt);
	(void)vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	str_tidy(line);
	n = strlen(line);
	line[n++] = '\n';
	/* Nowhere is left to report that the log cannot be written. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
