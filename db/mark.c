/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Marks as bytes: format 2, then for each value flags and what they announce:
 * its place in the design, where it is not the next pair; the hash of its raw
 * output, if that is another one than the last (many values come from one
 * output); and why it is not valid. Nearly all marks are one byte.
 *
 * Format 1, which is only read: pair and position stood before the flags.
 */
#include "db/mark.h"

#include <limits.h>

#include "db/pack.h"

#define FORMAT 2
#define FORMAT_PLACES 1

enum mark_flag { /* stored: never change a number */
	MARK_VALID = 1,
	MARK_RAW = 2,
	MARK_RAW_NEW = 4, /* its hash follows; else it is the last one */
	MARK_WHY = 8,
	MARK_SECOND = 16, /* position 1 of the next pair; else position 0 */
	MARK_PLACE = 32,  /* pair and position follow: another place */
};

static unsigned place_of(const struct db_sample_mark *m, int last_pair)
{
	if (last_pair == INT_MAX || m->pair != last_pair + 1 ||
	    m->position < 0 || m->position > 1)
		return MARK_PLACE;
	return m->position ? MARK_SECOND : 0;
}

static unsigned flags_of(
    const struct db_sample_mark *m, const uint8_t *last_raw)
{
	unsigned flags = (m->valid ? MARK_VALID : 0u) |
	    (m->has_raw ? MARK_RAW : 0u) | (m->why ? MARK_WHY : 0u);

	if (m->has_raw && (!last_raw || memcmp(m->raw, last_raw, HASH_BYTES)))
		flags |= MARK_RAW_NEW;
	return flags;
}

void mark_encode(const struct db_sample_mark *marks, size_t n, struct buf *to)
{
	const uint8_t *last_raw = NULL;
	int last_pair = -1;

	buf_putc(to, FORMAT);
	for (const struct db_sample_mark *m = marks; m < marks + n; m++) {
		unsigned flags = flags_of(m, last_raw) | place_of(m, last_pair);

		last_pair = m->pair;
		pack_uint(to, flags);
		if (flags & MARK_PLACE) {
			pack_int(to, m->pair);
			pack_int(to, m->position);
		}
		if (flags & MARK_RAW_NEW) {
			buf_add(to, m->raw, HASH_BYTES);
			last_raw = m->raw;
		}
		if (flags & MARK_WHY)
			buf_add(to, m->why, strlen(m->why) + 1);
	}
}

static int get_int(struct unpack *u)
{
	int64_t v = unpack_int(u);

	if (v < INT_MIN || v > INT_MAX)
		u->failed = true;
	return u->failed ? 0 : (int)v;
}

static void get_place(
    struct unpack *u, int last_pair, uint64_t flags, struct db_sample_mark *ret)
{
	if (flags & MARK_PLACE) {
		ret->pair = get_int(u);
		ret->position = get_int(u);
	} else if (last_pair == INT_MAX) {
		u->failed = true;
	} else {
		ret->pair = last_pair + 1;
		ret->position = flags & MARK_SECOND ? 1 : 0;
	}
}

static void get_mark(struct unpack *u, uint64_t format, int last_pair,
    const uint8_t **last_raw, struct db_sample_mark *ret)
{
	uint64_t flags;

	if (format == FORMAT_PLACES) {
		get_place(u, last_pair, MARK_PLACE, ret);
		flags = unpack_uint(u);
	} else {
		flags = unpack_uint(u);
		get_place(u, last_pair, flags, ret);
	}
	ret->valid = flags & MARK_VALID;
	ret->has_raw = flags & MARK_RAW;
	if (flags & MARK_RAW_NEW)
		*last_raw = unpack_bytes(u, HASH_BYTES);
	if (ret->has_raw && !*last_raw)
		u->failed = true;
	if (ret->has_raw && *last_raw)
		memcpy(ret->raw, *last_raw, HASH_BYTES);
	if (flags & MARK_WHY)
		ret->why = unpack_str(u);
}

int mark_decode(const void *body, size_t len, size_t n,
    struct db_sample_mark **ret, struct err *err)
{
	struct unpack u = {body, (const unsigned char *)body + len, false};
	scoped(free) struct db_sample_mark *marks =
	    xcalloc(n ? n : 1, sizeof(*marks));
	const uint8_t *last_raw = NULL;
	uint64_t format = unpack_uint(&u);

	if (format != FORMAT && format != FORMAT_PLACES)
		u.failed = true;
	for (size_t i = 0; i < n && !u.failed; i++)
		get_mark(&u, format, i ? marks[i - 1].pair : -1, &last_raw,
		    &marks[i]);
	if (u.failed || u.at != u.end)
		return err_set(err, ERR_PROTO, "marks: damaged");
	*ret = take(marks);
	return 0;
}
