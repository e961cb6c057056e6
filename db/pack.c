/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compact bodies. What is read back may be damaged: every length is checked. */
#include "db/pack.h"

#include <string.h>
#include <zstd.h>

#include "db/fault.h"

#define FORMAT 1
#define LEVEL 3

void pack_uint(struct buf *to, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(to, (char)(v | 0x80));
	buf_putc(to, (char)v);
}

void pack_int(struct buf *to, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;

	pack_uint(to, v < 0 ? ~u : u);
}

uint64_t unpack_uint(struct unpack *u)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && u->at < u->end; shift += 7) {
		unsigned char c = *u->at++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return u->failed ? 0 : v;
	}
	u->failed = true;
	return 0;
}

int64_t unpack_int(struct unpack *u)
{
	uint64_t v = unpack_uint(u);

	return (int64_t)(v & 1 ? ~(v >> 1) : v >> 1);
}

const void *unpack_bytes(struct unpack *u, uint64_t n)
{
	const unsigned char *at = u->at;

	if (u->failed || n > (uint64_t)(u->end - u->at)) {
		u->failed = true;
		return NULL;
	}
	u->at += n;
	return at;
}

const char *unpack_str(struct unpack *u)
{
	const char *s = (const char *)u->at;
	const unsigned char *zero =
	    u->failed ? NULL : memchr(u->at, '\0', (size_t)(u->end - u->at));

	if (!zero) {
		u->failed = true;
		return NULL;
	}
	u->at = zero + 1;
	return s;
}

void pack_zstd(struct buf *to, const void *data, size_t len)
{
	size_t bound = ZSTD_compressBound(len);
	char *room = FAULT("alloc") ? NULL : buf_room(to, bound);
	size_t n;

	if (!room) {
		to->failed = true;
		return;
	}
	n = ZSTD_compress(room, bound, data, len, LEVEL);
	if (ZSTD_isError(n))
		to->failed = true;
	else
		buf_added(to, n);
}

int unpack_zstd(const void *data, size_t len, struct buf *ret, struct err *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(data, len);
	char *room;
	size_t n;

	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return err_set(err, ERR_PROTO, "packed data: damaged");
	room = FAULT("alloc") ? NULL : buf_room(ret, (size_t)size);
	if (!room)
		return err_set(err, ERR_LIMIT, "packed data: %llu bytes", size);
	n = ZSTD_decompress(room, (size_t)size, data, len);
	if (ZSTD_isError(n))
		return err_set(
		    err, ERR_PROTO, "packed data: %s", ZSTD_getErrorName(n));
	buf_added(ret, n);
	return 0;
}

void pack_body(struct buf *to, const void *data, size_t len)
{
	buf_putc(to, FORMAT);
	pack_zstd(to, data, len);
}

int unpack_body(const void *data, size_t len, struct buf *ret, struct err *err)
{
	const char *p = data;

	if (!len || p[0] != FORMAT)
		return err_set(
		    err, ERR_PROTO, "packed data: format %d", len ? p[0] : -1);
	return unpack_zstd(p + 1, len - 1, ret, err);
}

void packer_init(struct packer *p, struct buf *to, uint64_t size)
{
	p->to = to;
	p->ctx = FAULT("alloc") ? NULL : ZSTD_createCCtx();
	/* With its size in front a reader needs no guess. */
	if (!p->ctx ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(
	        p->ctx, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(p->ctx, size)))
		to->failed = true;
	buf_putc(to, FORMAT);
}

static void pack_part(
    struct packer *p, const void *data, size_t len, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = {data, len, 0};
	size_t left = 0;

	do {
		char *room = p->to->failed
		    ? NULL
		    : buf_room(p->to, ZSTD_CStreamOutSize());
		ZSTD_outBuffer out = {room, ZSTD_CStreamOutSize(), 0};

		if (!room)
			return;
		left = ZSTD_compressStream2(p->ctx, &out, &in, how);
		if (ZSTD_isError(left)) {
			p->to->failed = true;
			return;
		}
		buf_added(p->to, out.pos);
	} while (in.pos < in.size || (how == ZSTD_e_end && left));
}

void packer_add(struct packer *p, const void *data, size_t len)
{
	pack_part(p, data, len, ZSTD_e_continue);
}

void packer_end(struct packer *p)
{
	pack_part(p, NULL, 0, ZSTD_e_end);
}

void packer_done(struct packer *p)
{
	(void)ZSTD_freeCCtx(p->ctx); /* NULL is allowed, and it cannot fail */
	p->ctx = NULL;
}

/* Four bits at a time: a table that one can read. */
static const uint32_t crc_nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede,
    0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78,
    0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a,
    0xf36e6f75};

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ crc_nibble[crc & 15];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
	}
	return ~crc;
}
