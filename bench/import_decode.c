/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encodings. Programs of Windows write UTF-16 or a mark before UTF-8; nothing
 * behind this file knows.
 */
#include <inttypes.h>
#include <string.h>

#include "bench/import_engine.h"

#define PIECE 4096

static enum import_encoding encoding_of(const unsigned char *p, size_t n)
{
	if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
		return ENCODING_UTF16_LE;
	if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return ENCODING_UTF16_BE;
	if (n == 4 && p[0] && !p[1] && p[2] && !p[3])
		return ENCODING_UTF16_LE;
	if (n == 4 && !p[0] && p[1] && !p[2] && p[3])
		return ENCODING_UTF16_BE;
	return ENCODING_UTF8;
}

static int bad(struct import *im, int64_t at, const char *what)
{
	im->placed = true;
	return err_set(&im->err, ERR_PROTO, "%s: byte %" PRId64 ": %s",
	    im->name, at, what);
}

/*
 * Adds one UTF-16 unit to what will be text; returns its bytes, or -ERR_PROTO
 * for half a character.
 */
static int unit(struct import *im, unsigned u, char *to)
{
	unsigned c = u;

	if (im->surrogate) {
		if (u < 0xdc00 || u > 0xdfff)
			return -ERR_PROTO;
		c = 0x10000 + ((im->surrogate - 0xd800) << 10) + (u - 0xdc00);
		im->surrogate = 0;
	} else if (u >= 0xdc00 && u <= 0xdfff) {
		return -ERR_PROTO;
	} else if (u >= 0xd800 && u <= 0xdbff) {
		im->surrogate = u;
		return 0;
	}
	if (c == 0xfeff)
		return 0; /* the mark */
	return (int)text_utf8(c, to);
}

/* What is wrong with the text before a bad character is said first. */
static int half(struct import *im, const char *before, size_t n, int64_t at)
{
	int r = n ? import_text(im, before, n) : 0;

	return r < 0 ? r : bad(im, at, "half a character of UTF-16");
}

static int utf16(struct import *im, const char *data, size_t len, int64_t at)
{
	bool le = im->encoding == ENCODING_UTF16_LE;
	char piece[PIECE];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned first, second;
		int r;

		im->pending[im->n_pending++] = (unsigned char)data[i];
		if (im->n_pending < 2)
			continue;
		im->n_pending = 0;
		first = im->pending[0];
		second = im->pending[1];
		r = unit(im, le ? second << 8 | first : first << 8 | second,
		    piece + n);
		if (r < 0)
			return half(im, piece, n, at + (int64_t)i - 1);
		n += (size_t)r;
		if (n + 4 <= PIECE)
			continue;
		r = import_text(im, piece, n);
		if (r < 0)
			return r;
		n = 0;
	}
	return n ? import_text(im, piece, n) : 0;
}

static int decode(struct import *im, const char *data, size_t len, int64_t at)
{
	if (!len)
		return 0;
	if (im->encoding == ENCODING_UTF8)
		return import_text(im, data, len);
	return utf16(im, data, len, at);
}

/* The first bytes are there, or there are no more. */
static int decide(struct import *im)
{
	char first[sizeof(im->pending)];
	size_t n = im->n_pending;
	size_t mark;

	memcpy(first, im->pending, n);
	im->encoding = encoding_of(im->pending, n);
	im->n_pending = 0;
	mark = n >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	return decode(im, first + mark, n - mark, (int64_t)mark);
}

int import_decode(struct import *im, const char *data, size_t len)
{
	int64_t at = im->result.bytes;
	size_t n = 0;

	im->result.bytes += (int64_t)len;
	if (im->encoding == ENCODING_UNKNOWN) {
		int r;

		while (n < len && im->n_pending < sizeof(im->pending))
			im->pending[im->n_pending++] = (unsigned char)data[n++];
		if (im->n_pending < sizeof(im->pending))
			return 0;
		r = decide(im);
		if (r < 0)
			return r;
	}
	return decode(im, data + n, len - n, at + (int64_t)n);
}

int import_decode_end(struct import *im)
{
	if (im->encoding == ENCODING_UNKNOWN) {
		int r = decide(im);

		if (r < 0)
			return r;
	}
	if (im->n_pending || im->surrogate)
		return bad(im, im->result.bytes,
		    "the text ends inside a character of UTF-16");
	return 0;
}
