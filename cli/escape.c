/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Escaping in a stream. Failed writes stick in the FILE and are looked at once,
 * at the end, in cli_main().
 */
#include "cli/escape.h"

#include <string.h>

void escape_init(struct escape *e, enum text_set set)
{
	memset(e, 0, sizeof(*e));
	e->set = set;
}

static void put_hex(const char *s, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "\\x%02x", (unsigned char)s[i]);
}

/* One whole character of n bytes. */
static void put_char(
    const struct escape *e, const char *s, size_t n, uint32_t c, FILE *out)
{
	if (c == '\n' || c == '\t')
		(void)fputc((int)c, out);
	else if (c < 0x20 || c == 0x7f)
		(void)fprintf(out, "^%c", (int)(c ^ 0x40));
	else if (c < 0x80 ||
	    (e->set == TEXT_UTF8 && c != TEXT_BAD && !text_is_control(c)))
		(void)fwrite(s, 1, n, out);
	else
		put_hex(s, n, out);
}

/* Writes what is complete; returns how many bytes that were. */
static size_t put_all(
    const struct escape *e, const char *data, size_t len, FILE *out)
{
	size_t at = 0;

	while (at < len) {
		uint32_t c;
		size_t n = text_next(data + at, len - at, &c);

		if (!n || (c == '\r' && at + 1 == len))
			break;
		if (c != '\r' || data[at + 1] != '\n')
			put_char(e, data + at, n, c, out);
		at += n;
	}
	return at;
}

void escape_write(struct escape *e, const char *data, size_t len, FILE *out)
{
	size_t at;

	/* A kept piece is completed byte by byte: it is at most 4 long. */
	while (e->n_kept && len) {
		size_t done;

		e->kept[e->n_kept++] = *data++;
		len--;
		done = put_all(e, e->kept, e->n_kept, out);
		e->n_kept -= done;
		memmove(e->kept, e->kept + done, e->n_kept);
	}
	at = put_all(e, data, len, out);
	if (at < len) {
		e->n_kept = len - at;
		memcpy(e->kept, data + at, e->n_kept);
	}
}

void escape_end(struct escape *e, FILE *out)
{
	for (size_t i = 0; i < e->n_kept; i++)
		put_char(e, e->kept + i, 1,
		    (unsigned char)e->kept[i] < 0x80
		        ? (uint32_t)(unsigned char)e->kept[i]
		        : TEXT_BAD,
		    out);
	e->n_kept = 0;
}
