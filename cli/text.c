/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters, columns and the few units that people read. */
#include "cli/text.h"

#include <inttypes.h>
#include <string.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/mem.h"

/* How many bytes the first one announces, and the least value they may have. */
static size_t sequence(unsigned char first, uint32_t *ret_bits, uint32_t *least)
{
	if (first < 0x80) {
		*ret_bits = first;
		*least = 0;
		return 1;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*ret_bits = first & 0x1f;
		*least = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*ret_bits = first & 0x0f;
		*least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first < 0xf5) {
		*ret_bits = first & 0x07;
		*least = 0x10000;
		return 4;
	}
	return 0;
}

size_t text_next(const char *s, size_t len, uint32_t *ret_char)
{
	uint32_t c = 0;
	uint32_t least = 0;
	size_t n = sequence((unsigned char)s[0], &c, &least);

	*ret_char = TEXT_BAD;
	if (!n)
		return 1;
	for (size_t i = 1; i < n; i++) {
		unsigned char b;

		if (i == len) {
			*ret_char = TEXT_CUT;
			return 0;
		}
		b = (unsigned char)s[i];
		if ((b & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (b & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 1;
	*ret_char = c;
	return n;
}

bool text_is_control(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return true;
	/* Bidirectional overrides and isolates, line and paragraph ends. */
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static size_t columns_of(uint32_t c)
{
	int w = wcwidth((wchar_t)c);

	/* A character the C library does not know takes one, as a rule. */
	return w < 0 ? 1 : (size_t)w;
}

size_t text_width(const char *s)
{
	size_t len = strlen(s);
	size_t width = 0;

	while (len) {
		uint32_t c;
		size_t n = text_next(s, len, &c);

		if (!n)
			return width + 1;
		width += c == TEXT_BAD ? 1 : columns_of(c);
		s += n;
		len -= n;
	}
	return width;
}

/* The spelling of our own signs where there is only ASCII. */
static const struct {
	uint32_t c;
	const char *ascii;
} spellings[] = {
    {0x2713, "ok"}, /* check mark */
    {0x2717, "X"},  /* ballot x */
    {0x2026, ".."}, /* ellipsis */
    {0x2588, "#"},  /* full block */
    {0x2591, "-"},  /* light shade */
};

static const char *spelling(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
		if (spellings[i].c == c)
			return spellings[i].ascii;
	return "?";
}

void text_clean(struct buf *to, enum text_set set, const char *s)
{
	size_t len = strlen(s);

	while (len) {
		uint32_t c;
		size_t n = text_next(s, len, &c);

		if (c == TEXT_BAD || c == TEXT_CUT)
			buf_putc(to, '?');
		else if (text_is_control(c))
			buf_putc(to, ' ');
		else if (c < 0x80 || set == TEXT_UTF8)
			buf_add(to, s, n);
		else
			buf_puts(to, spelling(c));
		if (!n)
			return;
		s += n;
		len -= n;
	}
}

void text_fit(struct buf *to, enum text_set set, const char *s, size_t columns)
{
	const char *mark = set == TEXT_UTF8 ? "…" : "~";
	size_t len = strlen(s);
	size_t used = 0;

	if (text_width(s) <= columns) {
		buf_puts(to, s);
		return;
	}
	if (!columns)
		return;
	while (len) {
		uint32_t c;
		size_t n = text_next(s, len, &c);
		size_t w = c == TEXT_BAD ? 1 : columns_of(c);

		if (!n || used + w > columns - 1)
			break;
		buf_add(to, s, n);
		used += w;
		s += n;
		len -= n;
	}
	/* A wide character may leave a column free. */
	buf_puts(to, mark);
	text_repeat(to, " ", columns - 1 - used);
}

void text_repeat(struct buf *to, const char *s, size_t n)
{
	while (n--)
		buf_puts(to, s);
}

void text_duration(struct buf *to, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 10)
		buf_printf(to, "%" PRId64 ".%" PRId64 " s", s,
		    ms < 0 ? 0 : ms % 1000 / 100);
	else if (s < 60)
		buf_printf(to, "%" PRId64 " s", s);
	else if (s < 3600)
		buf_printf(to, "%" PRId64 " m %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		buf_printf(
		    to, "%" PRId64 " h %02" PRId64 " m", s / 3600, s / 60 % 60);
	else if (s < 10 * 86400)
		buf_printf(to, "%" PRId64 " d %" PRId64 " h", s / 86400,
		    s / 3600 % 24);
	else
		buf_printf(to, "%" PRId64 " d", s / 86400);
}

void text_size(struct buf *to, int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	size_t u = 0;

	if (bytes < 1024) {
		buf_printf(to, "%" PRId64 " B", bytes);
		return;
	}
	for (v /= 1024; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	buf_printf(to, v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void text_time(struct buf *to, int64_t at_ms)
{
	char utc[CLOCK_UTC_LEN + 1];

	(void)clock_utc(at_ms, utc, sizeof(utc)); /* returns its argument */
	buf_printf(to, "%.10s %.8s", utc, utc + 11);
}
