/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict conversions: the whole string, in range, or an error that says so. */
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

int str_to_i64(
    const char *s, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	char *end = NULL;
	long long v;

	errno = 0;
	/* strtoll would skip blanks and take a plus: we do not. */
	v = strtoll(s, &end, 10);
	if (!*s || *end || (*s != '-' && (*s < '0' || *s > '9')))
		return err_set(
		    err, ERR_INVAL, "'%.60s' is not a whole number", s);
	if (errno || v < min || v > max)
		return err_set(err, ERR_INVAL,
		    "%.60s is outside %" PRId64 "..%" PRId64, s, min, max);
	*ret = v;
	return 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_in(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL;
	const char *from = NULL;

	/* One remembered star is enough: no exponential backtracking. */
	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			from = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* Length of the UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	static const unsigned char lead[] = {0, 0x80, 0xc0, 0xe0, 0xf0};
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c;

	if (n == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	c = (uint32_t)(s[0] - lead[n]);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

size_t str_utf8_span(const char *s, size_t len)
{
	size_t i = 0;
	size_t n = 1;

	while (i < len && n) {
		n = utf8_len((const unsigned char *)s + i, len - i);
		i += n;
	}
	return i;
}

bool str_is_utf8(const char *s, size_t len)
{
	return str_utf8_span(s, len) == len;
}

void str_tidy(char *s)
{
	size_t left = strlen(s);
	size_t n;

	while (left) {
		n = utf8_len((unsigned char *)s, left);
		if (!n)
			*s = '?';
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
		n = n ? n : 1;
		s += n;
		left -= n;
	}
}
