/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's file: a magic word, then records of a header (length, CRC-32C,
 * s, kind) and the line.
 *
 * Invariant: the file is a prefix of what was appended. A write that fails is
 * cut off again at once; one that a crash tore is cut off when opened.
 */
#include "agent/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fs.h"

static const char magic[8] = "IBJRNL1\n";

struct header {
	uint32_t len;
	uint32_t crc; /* of the rest of the header and the line */
	int64_t s;
	uint32_t kind;
	uint32_t zero;
};

struct journal {
	int fd;
	char *path;
	char *reserve;
	struct journal_state state;
	int64_t *offsets; /* of record i + 1 */
	size_t cap;
	struct buf line; /* of the last journal_read() */
	bool dirty;
	bool has_reserve;
};

static uint32_t crc_add(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t nibbles[16] = {0x00000000, 0x105ec76f, 0x20bd8ede,
	    0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
	    0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
	const uint8_t *p = data;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = (crc >> 4) ^ nibbles[crc & 15];
		crc = (crc >> 4) ^ nibbles[crc & 15];
	}
	return ~crc;
}

static uint32_t crc_of(const struct header *h, const char *line)
{
	uint32_t crc =
	    crc_add(0, &h->s, sizeof(*h) - offsetof(struct header, s));

	crc = crc_add(crc, &h->len, sizeof(h->len));
	return crc_add(crc, line, h->len);
}

static void count(struct journal *j, const struct header *h, const char *line)
{
	struct journal_state *st = &j->state;

	if ((size_t)st->last == j->cap) {
		j->cap = j->cap ? j->cap * 2 : 1024;
		j->offsets = xrealloc(j->offsets, j->cap, sizeof(int64_t));
	}
	j->offsets[st->last++] = st->bytes;
	st->bytes += (int64_t)sizeof(*h) + h->len;
	st->ended = h->kind == WIRE_END;
	st->cases += h->kind == WIRE_CASE;
	st->samples += h->kind == WIRE_SAMPLE;
	wire_chain_add(st->chain, line, h->len);
}

/* Reads all n bytes at an offset. 0: there are not so many. */
static int read_at(
    struct journal *j, void *to, size_t n, int64_t at, struct err *err)
{
	char *p = to;
	ssize_t r;

	while (n) {
		r = pread(j->fd, p, n, at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(err, errno, "read %s", j->path);
		if (r == 0)
			return 0;
		p += r;
		at += r;
		n -= (size_t)r;
	}
	return 1;
}

/* Reads the record at an offset into j->line: 1, or 0 if none is whole. */
static int read_record(
    struct journal *j, int64_t at, struct header *h, struct err *err)
{
	char *room;
	int r = read_at(j, h, sizeof(*h), at, err);

	if (r <= 0)
		return r;
	if (h->len > WIRE_FRAME_MAX)
		return 0;
	buf_reset(&j->line);
	room = buf_room(&j->line, h->len);
	if (!room)
		return err_set(err, ERR_IO, "no memory for a record");
	r = read_at(j, room, h->len, at + (int64_t)sizeof(*h), err);
	if (r <= 0)
		return r;
	buf_added(&j->line, h->len);
	return h->crc == crc_of(h, room);
}

static int sync_fd(struct journal *j, struct err *err)
{
	if (fdatasync(j->fd) < 0)
		return err_errno(err, errno, "sync %s", j->path);
	j->dirty = false;
	return 0;
}

static int cut_tail(struct journal *j, struct err *err)
{
	if (ftruncate(j->fd, j->state.bytes) < 0)
		return err_errno(err, errno, "cut %s", j->path);
	return 0;
}

static int write_magic(struct journal *j, struct err *err)
{
	if (pwrite(j->fd, magic, sizeof(magic), 0) != sizeof(magic))
		return err_errno(err, errno, "write %s", j->path);
	j->state.bytes = sizeof(magic);
	return sync_fd(j, err);
}

static int scan(struct journal *j, struct err *err)
{
	char begin[sizeof(magic)];
	struct header h;
	struct stat st;
	int r = read_at(j, begin, sizeof(begin), 0, err);

	if (r < 0)
		return r;
	if (r == 0)
		return write_magic(
		    j, err); /* new, or torn in its first bytes */
	if (memcmp(begin, magic, sizeof(magic)) != 0)
		return err_set(err, ERR_PROTO, "%s is no journal", j->path);
	j->state.bytes = sizeof(magic);
	while ((r = read_record(j, j->state.bytes, &h, err)) > 0) {
		/* Nothing ever follows "end", nor is a number skipped. */
		if (h.s != j->state.last + 1 || j->state.ended)
			break;
		count(j, &h, j->line.data);
	}
	if (r < 0)
		return r;
	if (fstat(j->fd, &st) < 0)
		return err_errno(err, errno, "%s", j->path);
	j->state.cut = st.st_size - j->state.bytes;
	if (!j->state.cut)
		return 0;
	r = cut_tail(j, err);
	return r < 0 ? r : sync_fd(j, err);
}

/* Takes the disk's space for "end" now, so that a full disk cannot deny it. */
static int take_reserve(struct journal *j, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(j->reserve, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int e;

	if (fd < 0)
		return err_errno(err, errno, "%s", j->reserve);
	e = posix_fallocate(fd, 0, JOURNAL_RESERVE);
	if (e)
		return err_errno(err, e, "%s", j->reserve);
	j->has_reserve = true;
	return 0;
}

int journal_open(const char *path, struct journal **ret, struct err *err)
{
	scoped(journal_free) struct journal *j = xcalloc(1, sizeof(*j));
	int r;

	j->path = xstrdup(path);
	j->reserve = xasprintf("%s.reserve", path);
	j->line = (struct buf)BUF_INIT(WIRE_FRAME_MAX);
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return err_errno(err, errno, "%s", path);
	r = scan(j, err);
	if (r == 0 && !j->state.ended)
		r = take_reserve(j, err);
	if (r < 0)
		return r;
	*ret = take(j);
	return 0;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->dirty)
		(void)sync_fd(j, NULL); /* the kernel writes it anyhow */
	fd_done(&j->fd);
	buf_done(&j->line);
	free(j->offsets);
	free(j->reserve);
	free(j->path);
	free(j);
}

const struct journal_state *journal_state(const struct journal *j)
{
	return &j->state;
}

bool journal_is_dirty(const struct journal *j)
{
	return j->dirty;
}

int journal_sync(struct journal *j, struct err *err)
{
	return sync_fd(j, err);
}

static int64_t ceiling(enum wire_kind kind)
{
	switch (kind) {
	case WIRE_END:
		return JOURNAL_MAX;
	case WIRE_NOTE:
		return JOURNAL_NOTES_MAX;
	default:
		return JOURNAL_MAX - JOURNAL_RESERVE;
	}
}

static int write_record(struct journal *j, const struct header *h,
    const char *line, struct err *err)
{
	/* The cast drops const for an API that only reads. */
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)h, .iov_len = sizeof(*h)},
	    {.iov_base = (void *)(uintptr_t)line, .iov_len = h->len}};
	ssize_t want = (ssize_t)(sizeof(*h) + h->len);
	ssize_t n = pwritev(j->fd, iov, 2, j->state.bytes);
	int e = n < 0 ? errno : ENOSPC;

	if (n == want)
		return 0;
	(void)cut_tail(j, NULL); /* opening would cut it as well */
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return err_set(err, ERR_LIMIT, "%s: the disk is full", j->path);
	return err_errno(err, e, "write %s", j->path);
}

int journal_append(struct journal *j, int64_t s, const char *line, size_t len,
    enum wire_kind kind, enum wire_durability how, struct err *err)
{
	struct header h = {
	    .len = (uint32_t)len, .s = s, .kind = (uint32_t)kind};
	int r;

	if (len > WIRE_FRAME_MAX ||
	    j->state.bytes + (int64_t)(sizeof(h) + len) > ceiling(kind))
		return err_set(err, ERR_LIMIT, "journal full");
	if (s != j->state.last + 1 || j->state.ended)
		return err_set(err, ERR_INVAL,
		    "record %" PRId64 " after %" PRId64, s, j->state.last);
	if (kind == WIRE_END && j->has_reserve) {
		j->has_reserve = false;
		(void)unlink(j->reserve); /* only its space matters */
	}
	h.crc = crc_of(&h, line);
	r = write_record(j, &h, line, err);
	if (r < 0)
		return r;
	if (how == WIRE_NOW) {
		r = sync_fd(j, err);
		if (r < 0) {
			(void)cut_tail(j, NULL); /* it does not count */
			return r;
		}
	} else {
		j->dirty = true;
	}
	count(j, &h, line);
	return 0;
}

int journal_read(struct journal *j, int64_t s, const char **ret_line,
    size_t *ret_len, struct err *err)
{
	struct header h;
	int r;

	if (s < 1 || s > j->state.last)
		return err_set(err, ERR_NOTFOUND, "no record %" PRId64 " in %s",
		    s, j->path);
	r = read_record(j, j->offsets[s - 1], &h, err);
	if (r < 0)
		return r;
	if (r == 0 || h.s != s)
		return err_set(err, ERR_IO,
		    "record %" PRId64 " of %s is broken", s, j->path);
	*ret_line = j->line.data;
	*ret_len = j->line.len;
	return 0;
}

int journal_clear(struct journal *j, struct err *err)
{
	int64_t cut = j->state.cut;
	int r;

	if (ftruncate(j->fd, 0) < 0)
		return err_errno(err, errno, "clear %s", j->path);
	memset(&j->state, 0, sizeof(j->state));
	j->state.cut = cut;
	r = write_magic(j, err);
	return r < 0 || j->has_reserve ? r : take_reserve(j, err);
}
