/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Console logs on disk: what their writer and their readers share.
 *
 * DIR/logs/ATTEMPT/ has segments OFFSET.seg and raw tails OFFSET.raw, where
 * OFFSET (16 decimal digits) is that of their first byte. A segment is frames:
 * a header and zstd of arrival marks and up to 64 KiB. A raw tail is pieces: a
 * header and the bytes of one append. When a tail is full it becomes a frame;
 * the tail that goes on after the last frame is the one named by its end, and
 * those named lower are leftovers. Segment 0 is the head; further ones are
 * the kept end.
 *
 * Numbers in headers are little-endian. A reader takes what has a whole
 * header, whole bytes and, where it reads them, a good CRC, and stops at the
 * first thing that has not: that is a piece being written.
 */
#ifndef DB_LOG_FILE_H
#define DB_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define LOG_FRAME_BYTES (64 << 10)
#define LOG_SEGMENT_BYTES (4 << 20) /* of the tail */
#define LOG_MARK_MS 10 /* appends closer than this share an arrival time */
/* Marks of a frame at worst: one per byte. */
#define LOG_PLAIN_MAX (32 * LOG_FRAME_BYTES)

struct log_frame {
	uint32_t magic;
	uint32_t packed_len; /* bytes that follow: zstd of marks and raw */
	uint32_t marks_len;
	uint32_t raw_len;
	int64_t offset;
	int64_t at_ms; /* arrival of its first byte */
	uint32_t crc;  /* of the bytes that follow and the fields above */
	uint32_t zero;
};
_Static_assert(sizeof(struct log_frame) == 40, "no padding");

struct log_piece {
	uint32_t magic;
	uint32_t len; /* bytes that follow */
	int64_t offset;
	int64_t at_ms;
	uint32_t crc; /* of the bytes that follow and the fields above */
	uint32_t zero;
};
_Static_assert(sizeof(struct log_piece) == 32, "no padding");

/* Fill in magic and crc. */
void log_frame_seal(struct log_frame *f, const void *packed);
void log_piece_seal(struct log_piece *p, const void *data);

char *log_folder(const char *dir, int64_t attempt_id);
char *log_path(const char *folder, int64_t offset, const char *suffix);

/* The files of a log, each list in ascending order. */
struct log_list {
	int64_t *segs;
	size_t n_segs;
	int64_t *raws;
	size_t n_raws;
};
/* Error: NOTFOUND (no such folder). */
int log_list_get(const char *folder, struct log_list *ret, struct err *err);
void log_list_done(struct log_list *l);

/* A place in a segment. */
struct log_cursor {
	int fd;         /* borrowed */
	int64_t pos;    /* in the file */
	int64_t offset; /* of the log */
};
/* 1: the header at the cursor, which moves behind the frame; 0: at the end. */
int log_next_frame(struct log_cursor *c, struct log_frame *ret);
/* The packed bytes of the frame that ended at c; false if damaged. */
bool log_frame_bytes(
    const struct log_cursor *c, const struct log_frame *f, struct buf *ret);
/* Moves to the end of the whole frames (by header only). */
void log_to_end(struct log_cursor *c);

/* Pieces of a raw tail, read into memory. */
struct log_pieces {
	const char *at;
	const char *end;
	int64_t offset; /* of the next one */
};
/* 1: a good piece and its bytes; 0: at the end of the good ones. */
int log_next_piece(
    struct log_pieces *p, struct log_piece *ret, const char **ret_data);
/* All bytes of a raw tail. Errors: NOTFOUND, LIMIT, IO. */
int log_raw_read(
    const char *folder, int64_t offset, struct buf *ret, struct err *err);

#endif
