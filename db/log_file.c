/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format of console logs: see log_file.h. */
#include "db/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/pack.h"

#define FRAME_MAGIC 0x31464249 /* "IBF1" */
#define PIECE_MAGIC 0x31524249 /* "IBR1" */
#define NAME_DIGITS 16
/* At worst every append was one byte. */
#define RAW_FILE_MAX (LOG_FRAME_BYTES * (1 + sizeof(struct log_piece)))

/* ---- headers ------------------------------------------------------------ */

static uint32_t frame_crc(const struct log_frame *f, const void *packed)
{
	uint32_t crc = crc32c(0, f, offsetof(struct log_frame, crc));

	return crc32c(crc, packed, f->packed_len);
}

static uint32_t piece_crc(const struct log_piece *p, const void *data)
{
	uint32_t crc = crc32c(0, p, offsetof(struct log_piece, crc));

	return crc32c(crc, data, p->len);
}

void log_frame_seal(struct log_frame *f, const void *packed)
{
	f->magic = FRAME_MAGIC;
	f->zero = 0;
	f->crc = frame_crc(f, packed);
}

void log_piece_seal(struct log_piece *p, const void *data)
{
	p->magic = PIECE_MAGIC;
	p->zero = 0;
	p->crc = piece_crc(p, data);
}

/* ---- names -------------------------------------------------------------- */

char *log_folder(const char *dir, int64_t attempt_id)
{
	return xasprintf("%s/logs/%" PRId64, dir, attempt_id);
}

char *log_path(const char *folder, int64_t offset, const char *suffix)
{
	return xasprintf("%s/%016" PRId64 "%s", folder, offset, suffix);
}

static void add(int64_t **list, size_t *n, int64_t offset)
{
	/* Powers of two, so that the size need not be kept. */
	if ((*n & (*n - 1)) == 0)
		*list = xrealloc(*list, *n ? 2 * *n : 1, sizeof(**list));
	(*list)[(*n)++] = offset;
}

static void add_name(struct log_list *l, const char *name)
{
	char digits[NAME_DIGITS + 1];
	int64_t offset;

	if (strlen(name) != NAME_DIGITS + 4)
		return;
	memcpy(digits, name, NAME_DIGITS);
	digits[NAME_DIGITS] = '\0';
	if (str_to_i64(digits, 0, INT64_MAX, &offset, NULL) < 0)
		return;
	if (str_ends(name, ".seg"))
		add(&l->segs, &l->n_segs, offset);
	else if (str_ends(name, ".raw"))
		add(&l->raws, &l->n_raws, offset);
}

static int by_offset(const void *a, const void *b)
{
	int64_t x;
	int64_t y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void closedir_it(DIR *d)
{
	/* It was only read. */
	(void)closedir(d);
}

SCOPED_DEFINE(DIR, closedir_it);

int log_list_get(const char *folder, struct log_list *ret, struct err *err)
{
	scoped(closedir_it) DIR *d = opendir(folder);
	struct log_list l = {NULL, 0, NULL, 0};
	const struct dirent *e;

	if (!d)
		return err_errno(err, errno, "%s", folder);
	while ((e = readdir(d)))
		add_name(&l, e->d_name);
	if (l.n_segs)
		qsort(l.segs, l.n_segs, sizeof(*l.segs), by_offset);
	if (l.n_raws)
		qsort(l.raws, l.n_raws, sizeof(*l.raws), by_offset);
	*ret = l;
	return 0;
}

void log_list_done(struct log_list *l)
{
	free(l->segs);
	free(l->raws);
	memset(l, 0, sizeof(*l));
}

/* ---- frames ------------------------------------------------------------- */

static bool frame_is_sane(const struct log_frame *f, int64_t offset)
{
	return f->magic == FRAME_MAGIC && f->offset == offset &&
	    f->raw_len > 0 && f->raw_len <= LOG_FRAME_BYTES &&
	    f->marks_len <= LOG_PLAIN_MAX - LOG_FRAME_BYTES &&
	    f->packed_len <= LOG_PLAIN_MAX;
}

int log_next_frame(struct log_cursor *c, struct log_frame *ret)
{
	struct stat st;
	int64_t end;

	if (pread(c->fd, ret, sizeof(*ret), c->pos) != sizeof(*ret) ||
	    !frame_is_sane(ret, c->offset))
		return 0;
	end = c->pos + (int64_t)sizeof(*ret) + ret->packed_len;
	if (fstat(c->fd, &st) < 0 || st.st_size < end)
		return 0;
	c->pos = end;
	c->offset += ret->raw_len;
	return 1;
}

bool log_frame_bytes(
    const struct log_cursor *c, const struct log_frame *f, struct buf *ret)
{
	char *room = buf_room(ret, f->packed_len);

	if (!room ||
	    pread(c->fd, room, f->packed_len, c->pos - f->packed_len) !=
	        (ssize_t)f->packed_len ||
	    frame_crc(f, room) != f->crc)
		return false;
	buf_added(ret, f->packed_len);
	return true;
}

void log_to_end(struct log_cursor *c)
{
	struct log_frame f;

	while (log_next_frame(c, &f))
		;
}

/* ---- pieces ------------------------------------------------------------- */

int log_next_piece(
    struct log_pieces *p, struct log_piece *ret, const char **ret_data)
{
	size_t left = (size_t)(p->end - p->at);

	if (left < sizeof(*ret))
		return 0;
	memcpy(ret, p->at, sizeof(*ret));
	if (ret->magic != PIECE_MAGIC || ret->offset != p->offset ||
	    ret->len == 0 || ret->len > left - sizeof(*ret) ||
	    piece_crc(ret, p->at + sizeof(*ret)) != ret->crc)
		return 0;
	*ret_data = p->at + sizeof(*ret);
	p->at += sizeof(*ret) + ret->len;
	p->offset += ret->len;
	return 1;
}

int log_raw_read(
    const char *folder, int64_t offset, struct buf *ret, struct err *err)
{
	scoped(free) char *path = log_path(folder, offset, ".raw");

	return fs_read(path, RAW_FILE_MAX, ret, err);
}
