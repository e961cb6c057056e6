/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A JSON writer without a tree; what it writes is always valid UTF-8. */
#include "web/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Bytes of the UTF-8 sequence at s; 0 if there is none. */
static size_t sequence(const char *s)
{
	for (size_t n = 2; n <= 4 && s[n - 1]; n++)
		if (str_is_utf8(s, n))
			return n;
	return 0;
}

static void escape(struct buf *to, unsigned char c)
{
	static const char names[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = strchr(names, c);

	if (found)
		buf_printf(to, "\\%c", letters[found - names]);
	else
		buf_printf(to, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escaped(struct buf *to, const char *s)
{
	const char *plain = s;

	buf_putc(to, '"');
	while (*s) {
		unsigned char c = (unsigned char)*s;
		size_t n = c < 0x80 ? 1 : sequence(s);

		if (n && (n > 1 || is_plain(c))) {
			s += n;
			continue;
		}
		buf_add(to, plain, (size_t)(s - plain));
		if (n)
			escape(to, c);
		else
			buf_puts(to, "\xef\xbf\xbd");
		plain = ++s;
	}
	buf_add(to, plain, (size_t)(s - plain));
	buf_putc(to, '"');
}

/* At once, if there is nothing to escape: so is every key, and most text. */
static void quoted(struct buf *to, const char *s)
{
	size_t n = 0;
	char *room;

	while (is_plain((unsigned char)s[n]))
		n++;
	if (s[n]) {
		escaped(to, s);
		return;
	}
	room = buf_room(to, n + 2);
	if (!room)
		return;
	room[0] = '"';
	memcpy(room + 1, s, n);
	room[n + 1] = '"';
	buf_added(to, n + 2);
}

static void before(struct jw *w, const char *key)
{
	if (w->comma)
		buf_putc(w->to, ',');
	w->comma = true;
	if (key) {
		quoted(w->to, key);
		buf_putc(w->to, ':');
	}
}

static void open_with(struct jw *w, const char *key, char c)
{
	before(w, key);
	buf_putc(w->to, c);
	w->comma = false;
}

static void close_with(struct jw *w, char c)
{
	buf_putc(w->to, c);
	w->comma = true;
}

void jw_object(struct jw *w, const char *key)
{
	open_with(w, key, '{');
}

void jw_object_end(struct jw *w)
{
	close_with(w, '}');
}

void jw_array(struct jw *w, const char *key)
{
	open_with(w, key, '[');
}

void jw_array_end(struct jw *w)
{
	close_with(w, ']');
}

void jw_str(struct jw *w, const char *key, const char *s)
{
	before(w, key);
	if (s)
		quoted(w->to, s);
	else
		buf_puts(w->to, "null");
}

void jw_bool(struct jw *w, const char *key, bool v)
{
	before(w, key);
	buf_puts(w->to, v ? "true" : "false");
}

void jw_null(struct jw *w, const char *key)
{
	before(w, key);
	buf_puts(w->to, "null");
}

void jw_raw(struct jw *w, const char *key, const char *json)
{
	before(w, key);
	buf_puts(w->to, json);
}

/* ---- numbers ------------------------------------------------------------ */

/* By hand: a matrix has tens of thousands, and printf formats twice. */
static void put_number(
    struct buf *to, bool negative, uint64_t digits, int decimals)
{
	char text[32];
	size_t at = sizeof(text);

	for (; decimals > 0; decimals--, digits /= 10) {
		text[--at] = (char)('0' + digits % 10);
		if (decimals == 1)
			text[--at] = '.';
	}
	do {
		text[--at] = (char)('0' + digits % 10);
		digits /= 10;
	} while (digits);
	if (negative)
		text[--at] = '-';
	buf_add(to, text + at, sizeof(text) - at);
}

void jw_int(struct jw *w, const char *key, int64_t v)
{
	before(w, key);
	put_number(w->to, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0);
}

#define FRACTION_BITS 60
#define FRACTION_ONE (UINT64_C(1) << FRACTION_BITS)
#define LEAST_OF_17 UINT64_C(10000000000000000) /* digits */

/*
 * What %.17g writes of 0, and of v from 2^-8 to below 2^53: there the whole
 * part is an integer, and so is the fraction in units of 2^-60. Each of its
 * digits is what one multiplication by 10 carries over; nothing is rounded but
 * the end, half to even. What is short is found to be short.
 */
static void put_plain(struct buf *to, bool negative, double v)
{
	uint64_t digits = (uint64_t)v;
	uint64_t rest = (uint64_t)((v - (double)digits) * (double)FRACTION_ONE);
	int decimals = 0;

	for (; rest && digits < LEAST_OF_17; decimals++) {
		rest *= 10;
		digits = digits * 10 + (rest >> FRACTION_BITS);
		rest %= FRACTION_ONE;
	}
	if (rest > FRACTION_ONE / 2 || (rest == FRACTION_ONE / 2 && digits % 2))
		digits++;
	for (; decimals && digits % 10 == 0; decimals--)
		digits /= 10;
	put_number(to, negative, digits, decimals);
}

void jw_double(struct jw *w, const char *key, double v)
{
	double size = fabs(v);
	char text[32] = "null";

	before(w, key);
	if (v == 0 || (size >= 0x1p-8 && size < 0x1p53)) {
		put_plain(w->to, signbit(v), size);
		return;
	}
	/* Once, where buf_printf() does it twice. */
	if (isfinite(v))
		(void)snprintf(text, sizeof(text), "%.17g", v);
	buf_puts(w->to, text);
}
