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

static void quoted(struct buf *to, const char *s)
{
	const char *plain = s;

	buf_putc(to, '"');
	while (*s) {
		unsigned char c = (unsigned char)*s;
		size_t n = c < 0x80 ? 1 : sequence(s);

		if (n && c >= 0x20 && c != '"' && c != '\\') {
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

/* By hand: a matrix has tens of thousands, and printf formats twice. */
void jw_int(struct jw *w, const char *key, int64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	before(w, key);
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (v < 0)
		digits[--at] = '-';
	buf_add(w->to, digits + at, sizeof(digits) - at);
}

void jw_bool(struct jw *w, const char *key, bool v)
{
	before(w, key);
	buf_puts(w->to, v ? "true" : "false");
}

void jw_double(struct jw *w, const char *key, double v)
{
	char text[32] = "null";

	before(w, key);
	/* Once, where buf_printf() does it twice: tables are full of them. */
	if (isfinite(v))
		(void)snprintf(text, sizeof(text), "%.17g", v);
	buf_puts(w->to, text);
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
