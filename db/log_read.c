/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a console log, also while it grows in another process.
 *
 * The writer never changes what it has written, but it moves a full tail into
 * a frame and removes files. So a pass over the files may find one missing;
 * then the next pass finds its bytes elsewhere. Passes end when one brings
 * nothing new.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "db/db.h"
#include "db/log_file.h"
#include "db/pack.h"

#define IDLE_PASSES 4

struct reading {
	const char *folder;
	int64_t at; /* the next byte that is wanted */
	int64_t to;
	bool (*piece)(void *arg, int64_t offset, const char *data, size_t len,
	    int64_t at_ms);
	void *arg;
	bool ended; /* the caller wants no more */
};

/* Passes on the wanted part of bytes that arrived together. */
static void pass(struct reading *rd, int64_t offset, const char *data,
    size_t len, int64_t at_ms)
{
	int64_t end = offset + (int64_t)len;
	int64_t from = rd->at > offset ? rd->at : offset;

	if (end > rd->to)
		end = rd->to;
	if (from >= end || rd->ended)
		return;
	rd->ended = !rd->piece(
	    rd->arg, from, data + (from - offset), (size_t)(end - from), at_ms);
	rd->at = end;
}

/* ---- a frame ------------------------------------------------------------ */

static int pass_frame(struct reading *rd, const struct log_frame *f,
    const struct buf *plain, struct err *err)
{
	struct unpack marks = {(const unsigned char *)plain->data,
	    (const unsigned char *)plain->data + f->marks_len, false};
	const char *raw = plain->data + f->marks_len;
	uint64_t start = 0;
	int64_t at_ms = f->at_ms;

	if (plain->len != (size_t)f->marks_len + f->raw_len)
		return err_set(err, ERR_PROTO, "%s: damaged", rd->folder);
	while (start < f->raw_len) {
		bool last = marks.at == marks.end;
		uint64_t len = last ? f->raw_len - start : unpack_uint(&marks);

		if (marks.failed || len > f->raw_len - start)
			return err_set(
			    err, ERR_PROTO, "%s: damaged", rd->folder);
		pass(rd, f->offset + (int64_t)start, raw + start, len, at_ms);
		start += len;
		if (!last)
			at_ms += unpack_int(&marks);
	}
	return 0;
}

static int read_frame(struct reading *rd, const struct log_cursor *c,
    const struct log_frame *f, struct err *err)
{
	scoped_val(buf_done) struct buf packed = BUF_INIT(LOG_PLAIN_MAX);
	scoped_val(buf_done) struct buf plain = BUF_INIT(LOG_PLAIN_MAX);
	int r;

	if (!log_frame_bytes(c, f, &packed))
		return err_set(err, ERR_PROTO, "%s: damaged", rd->folder);
	r = unpack_zstd(packed.data, packed.len, &plain, err);
	return r < 0 ? r : pass_frame(rd, f, &plain, err);
}

/* ---- a pass ------------------------------------------------------------- */

/* *ret_end is the offset behind its frames. */
static int read_segment(
    struct reading *rd, int64_t start, int64_t *ret_end, struct err *err)
{
	scoped(free) char *path = log_path(rd->folder, start, ".seg");
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct log_cursor c = {fd, 0, start};
	struct log_frame f;
	int r = 0;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	while (
	    r == 0 && !rd->ended && c.offset < rd->to && log_next_frame(&c, &f))
		if (c.offset > rd->at)
			r = read_frame(rd, &c, &f, err);
	*ret_end = c.offset;
	return r;
}

static int read_tail(struct reading *rd, int64_t start, struct err *err)
{
	scoped_val(buf_done) struct buf all = BUF_INIT(0);
	struct log_pieces p;
	struct log_piece head;
	const char *data;
	int r = log_raw_read(rd->folder, start, &all, err);

	if (r < 0)
		return r;
	p = (struct log_pieces){buf_str(&all), buf_str(&all) + all.len, start};
	while (!rd->ended && log_next_piece(&p, &head, &data))
		pass(rd, head.offset, data, head.len, head.at_ms);
	return 0;
}

/*
 * A tail was listed that goes on after this end: if it cannot be found now, it
 * became a frame meanwhile. None is listed when the log is closed.
 */
static bool has_tail(const struct log_list *files, int64_t end)
{
	return files->n_raws && files->raws[files->n_raws - 1] >= end;
}

static int read_pass(struct reading *rd, struct err *err)
{
	scoped_val(log_list_done) struct log_list files = {NULL, 0, NULL, 0};
	int64_t end = 0;
	int r = log_list_get(rd->folder, &files, err);

	for (size_t i = 0; i < files.n_segs && r == 0; i++) {
		bool last = i + 1 == files.n_segs;

		/* A whole segment before what is wanted is not opened. */
		if (!last && files.segs[i + 1] <= rd->at)
			continue;
		r = read_segment(rd, files.segs[i], &end, err);
	}
	if (r < 0 || rd->ended || rd->at >= rd->to)
		return r;
	r = read_tail(rd, end, err);
	return r == -ERR_NOTFOUND && !has_tail(&files, end) ? 0 : r;
}

int db_log_read(const char *dir, int64_t attempt_id, int64_t from, int64_t to,
    bool (*piece)(
        void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms),
    void *arg, struct err *err)
{
	scoped(free) char *folder = log_folder(dir, attempt_id);
	struct reading rd = {
	    folder, from < 0 ? 0 : from, to, piece, arg, false};
	int r = 0;

	if (access(folder, F_OK) < 0)
		return err_set(err, ERR_NOTFOUND,
		    "attempt %lld: no console was captured",
		    (long long)attempt_id);
	for (int idle = 0; idle < IDLE_PASSES && !rd.ended && rd.at < rd.to;) {
		int64_t was = rd.at;

		r = read_pass(&rd, err);
		if (r < 0 && r != -ERR_NOTFOUND)
			return r;
		/* Nothing missing and nothing new: this is the end. */
		if (r == 0 && rd.at == was)
			return 0;
		idle = rd.at == was ? idle + 1 : 0;
	}
	return 0;
}

/* ---- what there is ------------------------------------------------------ */

/* Offset behind the frames of a segment. */
static int segment_end(
    const char *folder, int64_t start, int64_t *ret, struct err *err)
{
	scoped(free) char *path = log_path(folder, start, ".seg");
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct log_cursor c = {fd, 0, start};

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	log_to_end(&c);
	*ret = c.offset;
	return 0;
}

static int add_tail(const char *folder, const struct log_list *files,
    struct db_log_info *info, struct err *err)
{
	scoped_val(buf_done) struct buf all = BUF_INIT(0);
	struct log_pieces p;
	struct log_piece head;
	const char *data;
	int r = log_raw_read(folder, info->size, &all, err);

	if (r == -ERR_NOTFOUND && !has_tail(files, info->size))
		return 0;
	if (r < 0)
		return r;
	p = (struct log_pieces){
	    buf_str(&all), buf_str(&all) + all.len, info->size};
	while (log_next_piece(&p, &head, &data))
		;
	info->size = p.offset;
	info->open = true;
	return 0;
}

static int stat_pass(
    const char *folder, struct db_log_info *ret, struct err *err)
{
	scoped_val(log_list_done) struct log_list files = {NULL, 0, NULL, 0};
	struct db_log_info info = {0, 0, 0, false};
	int64_t head_end = 0;
	int r = log_list_get(folder, &files, err);

	if (r == 0 && files.n_segs)
		r = segment_end(
		    folder, files.segs[files.n_segs - 1], &info.size, err);
	if (r == 0 && files.n_segs > 1) {
		r = segment_end(folder, files.segs[0], &head_end, err);
		if (head_end < files.segs[1]) {
			info.gap_from = head_end;
			info.gap_to = files.segs[1];
		}
	}
	if (r == 0)
		r = add_tail(folder, &files, &info, err);
	/* Missing files: as far as it is known. */
	if (r == 0 || r == -ERR_NOTFOUND)
		*ret = info;
	return r;
}

int db_log_stat(const char *dir, int64_t attempt_id, struct db_log_info *ret,
    struct err *err)
{
	scoped(free) char *folder = log_folder(dir, attempt_id);
	int r = -ERR_NOTFOUND;

	if (access(folder, F_OK) < 0)
		return err_set(err, ERR_NOTFOUND,
		    "attempt %lld: no console was captured",
		    (long long)attempt_id);
	/* A file may go between its listing and its opening. */
	for (int i = 0; i < IDLE_PASSES && r == -ERR_NOTFOUND; i++)
		r = stat_pass(folder, ret, err);
	return r == -ERR_NOTFOUND ? 0 : r;
}
