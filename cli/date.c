/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict: what is no day of the calendar is refused, not carried over. */
#include "cli/date.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

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

/* A day; with a time, which begins at the second, and ends with seconds. */
static const char *const forms[] = {"0000-00-00", "0000-00-00T00:00",
    "0000-00-00T00:00Z", "0000-00-00 00:00", "0000-00-00 00:00Z",
    "0000-00-00T00:00:00", "0000-00-00T00:00:00Z", "0000-00-00 00:00:00",
    "0000-00-00 00:00:00Z"};

int date_parse(const char *text, int64_t *ret_ms, struct err *err)
{
	size_t form = 0;
	bool has_time;
	bool has_seconds;
	struct tm tm = {0};
	struct tm same;
	time_t t;

	while (form < ARRAY_LEN(forms) && !fits(text, forms[form]))
		form++;
	has_time = form >= 1;
	has_seconds = form >= 5;
	if (form == ARRAY_LEN(forms))
		return err_set(err, ERR_INVAL,
		    "%.60s is no date (YYYY-MM-DD or YYYY-MM-DDThh:mm, UTC)",
		    text);
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	tm.tm_hour = has_time ? digits(text + 11, 2) : 0;
	tm.tm_min = has_time ? digits(text + 14, 2) : 0;
	tm.tm_sec = has_seconds ? digits(text + 17, 2) : 0;
	same = tm;
	t = timegm(&tm);
	if (t <= 0 || tm.tm_mday != same.tm_mday || tm.tm_mon != same.tm_mon ||
	    tm.tm_hour != same.tm_hour || tm.tm_min != same.tm_min ||
	    tm.tm_sec != same.tm_sec)
		return err_set(
		    err, ERR_INVAL, "%.60s is no day after 1970-01-01", text);
	*ret_ms = (int64_t)t * 1000;
	return 0;
}
