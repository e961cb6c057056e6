/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict: what is no day of the calendar is refused, not carried over. */
#include "cli/date.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* Reads as many digits as the pattern has '0', and its other characters. */
static bool fits(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		if (*pattern == '0' ? *text < '0' || *text > '9'
		                    : *text != *pattern)
			return false;
	}
	return *text == '\0';
}

static int digits(const char *text, size_t n)
{
	int v = 0;

	while (n--)
		v = 10 * v + (*text++ - '0');
	return v;
}

int date_parse(const char *text, int64_t *ret_ms, struct err *err)
{
	bool has_time = fits(text, "0000-00-00T00:00");
	struct tm tm = {0};
	struct tm same;
	time_t t;

	if (!has_time && !fits(text, "0000-00-00"))
		return err_set(err, ERR_INVAL,
		    "%.60s is no date (YYYY-MM-DD or YYYY-MM-DDThh:mm, UTC)",
		    text);
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	tm.tm_hour = has_time ? digits(text + 11, 2) : 0;
	tm.tm_min = has_time ? digits(text + 14, 2) : 0;
	same = tm;
	t = timegm(&tm);
	if (t < 0 || tm.tm_mday != same.tm_mday || tm.tm_mon != same.tm_mon ||
	    tm.tm_hour != same.tm_hour || tm.tm_min != same.tm_min)
		return err_set(
		    err, ERR_INVAL, "%.60s is no day since 1970", text);
	*ret_ms = (int64_t)t * 1000;
	return 0;
}
