/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dates as the files that are imported write them:
 *
 *   2026-11-22T01:29:11+00:00   Google Benchmark (ISO 8601)
 *   2023-01-02 12:00:00         Phoronix Test Suite
 *   2023/01/02 12:00:00 [UTC]   CrystalDiskMark, DiskSpd
 *   1700000000                  Geekbench: Unix seconds
 */
#include "db/import_facts.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define FACTS_BYTES (64 << 10)
#define EARLIEST_S 946684800 /* 2000: what is before it is a clock not set */

/* Of "+01:00" or "-0530"; 0 if it is none. */
static int64_t zone_seconds(const char *s)
{
	struct tm tm = {0};

	return strptime(s, "%z", &tm) ? tm.tm_gmtoff : 0;
}

static const char *eat_minute(const char *s, struct tm *ret)
{
	static const char *const forms[] = {
	    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"};
	const char *end = NULL;

	for (size_t i = 0; !end && i < ARRAY_LEN(forms); i++) {
		*ret = (struct tm){0};
		end = strptime(s, forms[i], ret);
	}
	return end;
}

static bool calendar_seconds(const char *s, int64_t *ret)
{
	struct tm tm;
	struct tm same;

	s = eat_minute(s, &tm);
	if (s && *s == ':')
		s = strptime(s, ":%S", &tm);
	if (!s || isdigit((unsigned char)*s))
		return false;
	same = tm;
	*ret = (int64_t)timegm(&tm);
	/* What is no day of the calendar was carried over. */
	if (tm.tm_mon != same.tm_mon || tm.tm_mday != same.tm_mday ||
	    tm.tm_hour != same.tm_hour || tm.tm_min != same.tm_min)
		return false;
	s += strspn(s, ".0123456789 ");
	*ret -= zone_seconds(s);
	return true;
}

static int64_t date_ms(const char *date, int64_t imported_at_ms)
{
	int64_t s = 0;

	if (!date ||
	    (str_to_i64(date, EARLIEST_S, INT32_MAX, &s, NULL) < 0 &&
	        !calendar_seconds(date, &s)))
		return imported_at_ms;
	return s >= EARLIEST_S && s <= imported_at_ms / 1000 ? 1000 * s
	                                                     : imported_at_ms;
}

static void put_fact(
    struct buf *to, const char *prefix, const char *key, const char *value)
{
	scoped(free) char *tidy = xasprintf("%s%s=%s", prefix, key, value);

	if (strchr(key, '='))
		return;
	str_tidy(tidy);
	buf_printf(to, "%s\n", tidy);
}

void import_facts_read(
    const char *json, int64_t imported_at_ms, struct import_facts *ret)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(FACTS_BYTES);
	json_t *facts = json_loads(json, 0, NULL);
	const char *tool = json_string_value(json_object_get(facts, "tool"));
	const char *version =
	    json_string_value(json_object_get(facts, "version"));
	const char *os = json_string_value(json_object_get(facts, "os"));

	if (os)
		put_fact(&text, "", "os", os);
	if (tool && version)
		put_fact(&text, "tool.", tool, version);
	ret->at_ms = date_ms(
	    json_string_value(json_object_get(facts, "date")), imported_at_ms);
	ret->environment = buf_take(&text);
	json_decref(facts);
}

void import_facts_done(struct import_facts *f)
{
	free(f->environment);
}
