/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal of an attempt: records 1, 2, 3, ... in one file, each with a CRC,
 * appended before it is sent and never changed.
 *
 * At most JOURNAL_MAX bytes. The last JOURNAL_RESERVE are for "end" alone, for
 * which the disk's space is taken beforehand, and notes stop earlier than other
 * records do, so that text never costs a sample.
 */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire.h"
#include "base/err.h"

#define JOURNAL_MAX (256LL << 20)
#define JOURNAL_RESERVE (1LL << 20)
#define JOURNAL_NOTES_MAX (192LL << 20)

/* What the records say, counted while reading. */
struct journal_state {
	int64_t last;  /* records */
	int64_t bytes; /* of the file */
	int64_t cut;   /* bytes of a torn tail that were cut off when opened */
	bool ended;
	int64_t cases;
	int64_t samples;
	uint8_t chain[HASH_BYTES];
};

struct journal;

/*
 * Opens or makes the journal at path (and path.reserve beside it), reads it
 * through and cuts a torn tail off. Errors: IO, DENIED, NOTFOUND (no folder),
 * PROTO (the file is something else).
 */
int journal_open(const char *path, struct journal **ret, struct err *err);
void journal_free(struct journal *j); /* what is not on disk is synced */
SCOPED_DEFINE(struct journal, journal_free);
/* Borrowed. */
const struct journal_state *journal_state(const struct journal *j);

/*
 * Appends record s = last + 1 of at most WIRE_FRAME_MAX bytes. Whatever fails,
 * the journal is as before. Errors: LIMIT (full, by our ceiling or the disk's),
 * IO.
 */
int journal_append(struct journal *j, int64_t s, const char *line, size_t len,
    enum wire_kind kind, enum wire_durability how, struct err *err);
/* Reads record s; borrowed until the next call. Errors: NOTFOUND, IO. */
int journal_read(struct journal *j, int64_t s, const char **ret_line,
    size_t *ret_len, struct err *err);
/* True if something appended is not on disk: journal_sync() within 100 ms. */
bool journal_is_dirty(const struct journal *j);
int journal_sync(struct journal *j, struct err *err);
/* Deletes all records, durably. Errors: IO. */
int journal_clear(struct journal *j, struct err *err);

#endif
