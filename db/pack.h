/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compact bodies of rows and frames: numbers of variable length, and zstd
 * behind a format number.
 */
#ifndef DB_PACK_H
#define DB_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Seven bits a byte, lowest first; a signed one as zigzag. */
void pack_uint(struct buf *to, uint64_t v);
void pack_int(struct buf *to, int64_t v);

/* Reads them back; failed sticks, and then everything is 0. */
struct unpack {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};
uint64_t unpack_uint(struct unpack *u);
int64_t unpack_int(struct unpack *u);
/* The next n bytes, or NULL and failed. */
const void *unpack_bytes(struct unpack *u, uint64_t n);
/* The next text with its zero byte, or NULL and failed. */
const char *unpack_str(struct unpack *u);

/* zstd of data, appended to the buffer, whose ceiling holds. */
void pack_zstd(struct buf *to, const void *data, size_t len);
/* The reverse; the ceiling of ret holds. Errors: PROTO, LIMIT. */
int unpack_zstd(const void *data, size_t len, struct buf *ret, struct err *err);

/* The same with a format number (1) first, as in rows. */
void pack_body(struct buf *to, const void *data, size_t len);
int unpack_body(const void *data, size_t len, struct buf *ret, struct err *err);

/* A body made of parts that are size bytes together; to may fail. */
struct packer {
	struct buf *to;
	struct ZSTD_CCtx_s *ctx;
};
void packer_init(struct packer *p, struct buf *to, uint64_t size);
void packer_add(struct packer *p, const void *data, size_t len);
void packer_end(struct packer *p);
void packer_done(struct packer *p);

/* CRC-32C (Castagnoli), going on from crc; 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
