/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing a console log.
 *
 * Invariants: what db_log_append() took is in the raw tail or in a frame, and
 * db_log_size() counts it; a raw tail is removed only when the frame made of
 * it is durable; a failed write is cut off again, so that the next append does
 * not stand behind half a piece.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fs.h"
#include "db/db.h"
#include "db/fault.h"
#include "db/log_file.h"
#include "db/log_sync.h"
#include "db/pack.h"
#include "db/tx.h"

#define STALE_MAX 16 /* tails that wait for a sync */
#define TAILS_MAX (DB_LOG_TAIL_MAX / LOG_SEGMENT_BYTES + 2)

struct db_log {
	char *root;   /* DIR/logs */
	char *folder; /* DIR/logs/ATTEMPT */
	int seg_fd;
	int64_t seg_start; /* offset of its first byte */
	int64_t seg_end;   /* offset behind its last frame */
	int64_t seg_pos;   /* in the file */
	bool seg_dirty;
	int raw_fd; /* -1: to be made */
	int64_t raw_pos;
	bool raw_dirty;
	bool folder_dirty;
	struct buf raw;   /* the tail's bytes: from seg_end on */
	struct buf marks; /* pairs: bytes and ms after the mark before */
	int64_t first_at_ms;
	int64_t mark_at_ms;       /* last mark, */
	size_t mark_at;           /* and where it stands in raw */
	struct log_sync *todo;    /* for the next sync, with what is dirty */
	int64_t tails[TAILS_MAX]; /* segments after the head */
	size_t n_tails;
};

/* ---- small things ------------------------------------------------------- */

/* Writes all or nothing. */
static int write_at(
    int fd, int64_t pos, struct iovec *parts, const char *what, struct err *err)
{
	size_t want = parts[0].iov_len + parts[1].iov_len;
	ssize_t n;

	errno = ENOSPC; /* what a short write means */
	n = FAULT("write") ? -1 : pwritev(fd, parts, 2, pos);
	if (n == (ssize_t)want)
		return 0;
	n = errno;
	/* If even this fails, its CRC tells readers that it is half. */
	(void)ftruncate(fd, pos);
	return err_errno(err, (int)n, "write %s", what);
}

static int open_file(struct db_log *l, int64_t offset, const char *suffix,
    int *ret_fd, struct err *err)
{
	scoped(free) char *path = log_path(l->folder, offset, suffix);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	l->folder_dirty = true;
	*ret_fd = fd;
	return 0;
}

static void remove_file(struct db_log *l, int64_t offset, const char *suffix)
{
	scoped(free) char *path = log_path(l->folder, offset, suffix);

	/* A leftover costs space only: readers go by the offsets. */
	(void)unlink(path);
}

static struct log_sync *todo(struct db_log *l)
{
	if (!l->todo)
		l->todo = log_sync_new(l->root, l->folder);
	return l->todo;
}

/* ---- frames ------------------------------------------------------------- */

static bool segment_is_full(const struct db_log *l)
{
	int64_t max = l->seg_start ? LOG_SEGMENT_BYTES : DB_LOG_HEAD_MAX;

	return l->seg_end - l->seg_start + (int64_t)l->raw.len > max;
}

/* Begins a segment; the oldest ones of the tail make room. */
static int rotate(struct db_log *l, struct err *err)
{
	int fd = -1;
	int r = open_file(l, l->seg_end, ".seg", &fd, err);

	if (r < 0)
		return r;
	if (l->seg_dirty)
		log_sync_add_fd(todo(l), fd_take(&l->seg_fd));
	fd_done(&l->seg_fd);
	l->seg_dirty = false;
	l->seg_fd = fd;
	l->seg_start = l->seg_end;
	l->seg_pos = 0;
	while (l->n_tails &&
	    l->seg_end + LOG_SEGMENT_BYTES - l->tails[0] > DB_LOG_TAIL_MAX) {
		remove_file(l, l->tails[0], ".seg");
		l->n_tails--;
		memmove(
		    l->tails, l->tails + 1, l->n_tails * sizeof(l->tails[0]));
	}
	l->tails[l->n_tails++] = l->seg_start;
	return 0;
}

static int write_frame(struct db_log *l, struct err *err)
{
	scoped_val(buf_done) struct buf plain = BUF_INIT(LOG_PLAIN_MAX);
	scoped_val(buf_done) struct buf packed = BUF_INIT(2 * LOG_PLAIN_MAX);
	struct log_frame f = {.marks_len = (uint32_t)l->marks.len,
	    .raw_len = (uint32_t)l->raw.len,
	    .offset = l->seg_end,
	    .at_ms = l->first_at_ms};
	struct iovec parts[2];
	int r;

	buf_add(&plain, l->marks.data, l->marks.len);
	buf_add(&plain, l->raw.data, l->raw.len);
	pack_zstd(&packed, plain.data, plain.len);
	if (plain.failed || packed.failed)
		return err_set(err, ERR_LIMIT, "%s: out of memory", l->folder);
	f.packed_len = (uint32_t)packed.len;
	log_frame_seal(&f, packed.data);
	parts[0] = (struct iovec){&f, sizeof(f)};
	parts[1] = (struct iovec){packed.data, packed.len};
	r = write_at(l->seg_fd, l->seg_pos, parts, l->folder, err);
	if (r < 0)
		return r;
	l->seg_dirty = true;
	l->seg_pos += (int64_t)(sizeof(f) + packed.len);
	return 0;
}

static void begin_tail(struct db_log *l)
{
	fd_done(&l->raw_fd);
	l->raw_pos = 0;
	l->raw_dirty = false;
	buf_reset(&l->raw);
	buf_reset(&l->marks);
	l->mark_at = 0;
}

/* Makes a frame of the raw tail. */
static int seal(struct db_log *l, struct err *err)
{
	int r = 0;

	if (!l->raw.len)
		return 0;
	if (segment_is_full(l))
		r = rotate(l, err);
	if (r == 0)
		r = write_frame(l, err);
	if (r < 0)
		return r;
	log_sync_add_tail(todo(l), l->seg_end);
	l->seg_end += (int64_t)l->raw.len;
	begin_tail(l);
	return 0;
}

/* ---- the raw tail ------------------------------------------------------- */

static void remember(
    struct db_log *l, const char *data, size_t len, int64_t at_ms)
{
	int64_t since = at_ms - l->mark_at_ms;

	if (!l->raw.len) {
		l->first_at_ms = at_ms;
		l->mark_at_ms = at_ms;
	} else if (since >= LOG_MARK_MS || since < 0) {
		pack_uint(&l->marks, l->raw.len - l->mark_at);
		pack_int(&l->marks, since);
		l->mark_at = l->raw.len;
		l->mark_at_ms = at_ms;
	}
	buf_add(&l->raw, data, len);
}

/* At most what the frame has room for. */
static int append_piece(struct db_log *l, const char *data, size_t len,
    int64_t at_ms, struct err *err)
{
	struct log_piece p = {
	    .len = (uint32_t)len, .offset = db_log_size(l), .at_ms = at_ms};
	struct iovec parts[2];
	int r = 0;

	if (l->raw_fd < 0)
		r = open_file(l, l->seg_end, ".raw", &l->raw_fd, err);
	if (r < 0)
		return r;
	log_piece_seal(&p, data);
	parts[0] = (struct iovec){&p, sizeof(p)};
	memcpy(&parts[1].iov_base, &data, sizeof(data));
	parts[1].iov_len = len;
	r = write_at(l->raw_fd, l->raw_pos, parts, l->folder, err);
	if (r < 0)
		return r;
	l->raw_pos += (int64_t)(sizeof(p) + len);
	l->raw_dirty = true;
	remember(l, data, len, at_ms);
	return 0;
}

int db_log_append(struct db_log *log, const char *data, size_t len,
    int64_t at_ms, struct err *err)
{
	int r = 0;

	while (len && r == 0) {
		size_t n = LOG_FRAME_BYTES - log->raw.len;

		if (!n) {
			r = seal(log, err);
			continue;
		}
		n = len < n ? len : n;
		r = append_piece(log, data, n, at_ms, err);
		data += n;
		len -= n;
	}
	return r;
}

int64_t db_log_size(const struct db_log *log)
{
	return log->seg_end + (int64_t)log->raw.len;
}

bool db_log_wants_sync(const struct db_log *log)
{
	return log->todo && log->todo->n_tails >= STALE_MAX;
}

/* ---- syncing ------------------------------------------------------------ */

/* A raw tail, even if empty, says that the log is being written. */
static int begin_raw(struct db_log *l, struct err *err)
{
	return l->raw_fd >= 0
	    ? 0
	    : open_file(l, l->seg_end, ".raw", &l->raw_fd, err);
}

static int add_fd(struct db_log *l, int fd, struct err *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return err_errno(err, errno, "sync %s", l->folder);
	log_sync_add_fd(todo(l), copy);
	return 0;
}

/*
 * Notes all that is dirty. The log may go on: it keeps its descriptors, and
 * what is written to them from now on is dirty anew.
 */
static int add_dirty(struct db_log *l, struct err *err)
{
	int r = l->raw_dirty ? add_fd(l, l->raw_fd, err) : 0;

	if (r < 0)
		return r;
	l->raw_dirty = false;
	r = l->seg_dirty ? add_fd(l, l->seg_fd, err) : 0;
	if (r < 0)
		return r;
	l->seg_dirty = false;
	if (l->folder_dirty)
		todo(l)->new_names = true;
	l->folder_dirty = false;
	return 0;
}

int db_log_sync(struct db_log *log, struct err *err)
{
	int r = add_dirty(log, err);

	/* What failed is still to be done. */
	if (r == 0 && log->todo)
		r = log_sync_run(log->todo, err);
	if (r == 0)
		log_sync_free(take(log->todo));
	return r;
}

int db_tx_log_sync(struct db_tx *tx, struct db_log *log, struct err *err)
{
	int r;

	/* A frame now is none at the end. What cannot be sealed stays raw. */
	if (seal(log, NULL) == 0)
		(void)begin_raw(log, NULL); /* or it looks closed meanwhile */
	r = add_dirty(log, err);
	if (r == 0 && log->todo)
		tx_log(tx, take(log->todo));
	return r;
}

/* ---- open and close ----------------------------------------------------- */

static void log_free(struct db_log *l)
{
	fd_done(&l->seg_fd);
	fd_done(&l->raw_fd);
	log_sync_free(l->todo);
	buf_done(&l->raw);
	buf_done(&l->marks);
	free(l->folder);
	free(l->root);
	free(l);
}

SCOPED_DEFINE(struct db_log, log_free);

/* Seals, and leaves in todo all that is left to do, with the descriptors. */
static int finish(struct db_log *l, struct err *err)
{
	int r = seal(l, err);

	if (l->raw_dirty)
		log_sync_add_fd(todo(l), fd_take(&l->raw_fd));
	if (l->seg_dirty)
		log_sync_add_fd(todo(l), fd_take(&l->seg_fd));
	todo(l)->new_names |= l->folder_dirty;
	/* What could not be sealed stays raw, for readers as good. */
	if (!l->raw.len)
		log_sync_add_tail(todo(l), l->seg_end);
	return r;
}

int db_log_close(struct db_log *log, struct err *err)
{
	scoped(log_free) struct db_log *l = log;
	int sealed;
	int r;

	if (!l)
		return 0;
	sealed = finish(l, err);
	r = log_sync_run(l->todo, sealed < 0 ? NULL : err);
	return sealed < 0 ? sealed : r;
}

void db_tx_log_close(struct db_tx *tx, struct db_log *log)
{
	scoped(log_free) struct db_log *l = log;

	if (!l)
		return;
	(void)finish(l, NULL); /* what it leaves is as good for readers */
	tx_log(tx, take(l->todo));
}

/* Finds the end of the last segment's good frames and cuts the rest off. */
static int cut_segment(struct db_log *l, struct err *err)
{
	scoped_val(buf_done) struct buf packed = BUF_INIT(LOG_PLAIN_MAX);
	struct log_cursor c = {l->seg_fd, 0, l->seg_start};
	struct log_cursor next = c;
	struct log_frame f;

	while (log_next_frame(&next, &f)) {
		buf_reset(&packed);
		if (!log_frame_bytes(&next, &f, &packed))
			break;
		c = next;
	}
	l->seg_pos = c.pos;
	l->seg_end = c.offset;
	if (ftruncate(l->seg_fd, c.pos) < 0)
		return err_errno(err, errno, "cut %s", l->folder);
	return 0;
}

/* Reads the raw tail that goes on after the frames; 0 if there is none. */
static int take_tail(struct db_log *l, struct err *err)
{
	scoped_val(buf_done) struct buf all = BUF_INIT(0);
	struct log_pieces p;
	struct log_piece head;
	const char *data;
	int r = log_raw_read(l->folder, l->seg_end, &all, err);

	if (r < 0)
		return r == -ERR_NOTFOUND ? 0 : r;
	r = open_file(l, l->seg_end, ".raw", &l->raw_fd, err);
	if (r < 0)
		return r;
	p = (struct log_pieces){
	    buf_str(&all), buf_str(&all) + all.len, l->seg_end};
	while (log_next_piece(&p, &head, &data) &&
	    l->raw.len + head.len <= LOG_FRAME_BYTES)
		remember(l, data, head.len, head.at_ms);
	l->raw_pos = p.at - buf_str(&all);
	l->raw_dirty = true;
	if (ftruncate(l->raw_fd, l->raw_pos) < 0)
		return err_errno(err, errno, "cut %s", l->folder);
	return 1;
}

/*
 * Tails whose frames were lost with the power are still there: they become
 * frames again. The last one stays raw.
 */
static int take_tails(
    struct db_log *l, const struct log_list *files, struct err *err)
{
	int r;

	while ((r = take_tail(l, err)) == 1) {
		int64_t next = l->seg_end + (int64_t)l->raw.len;
		bool more = false;

		for (size_t i = 0; i < files->n_raws; i++)
			more |= files->raws[i] == next;
		if (!more || !l->raw.len)
			return 0;
		r = seal(l, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* Only when the frames are durable that are made of them. */
static void drop_leftovers(struct db_log *l, const struct log_list *files)
{
	log_sync_free(take(l->todo));
	for (size_t i = 0; i < files->n_raws; i++)
		if (files->raws[i] != l->seg_end)
			log_sync_add_tail(todo(l), files->raws[i]);
}

static int recover(struct db_log *l, struct err *err)
{
	scoped_val(log_list_done) struct log_list files = {NULL, 0, NULL, 0};
	int r = log_list_get(l->folder, &files, err);

	if (r < 0)
		return r;
	for (size_t i = 1; i < files.n_segs && l->n_tails < TAILS_MAX; i++)
		l->tails[l->n_tails++] = files.segs[i];
	l->seg_start = files.n_segs ? files.segs[files.n_segs - 1] : 0;
	r = open_file(l, l->seg_start, ".seg", &l->seg_fd, err);
	if (r == 0)
		r = cut_segment(l, err);
	if (r == 0)
		r = take_tails(l, &files, err);
	if (r == 0)
		drop_leftovers(l, &files);
	/* One that begins has nothing to lose. */
	l->seg_dirty = files.n_segs || files.n_raws;
	return r == 0 ? begin_raw(l, err) : r;
}

int db_log_open(
    const char *dir, int64_t attempt_id, struct db_log **ret, struct err *err)
{
	scoped(log_free) struct db_log *l = xcalloc(1, sizeof(*l));
	int r;

	l->seg_fd = -1;
	l->raw_fd = -1;
	l->raw.max = LOG_FRAME_BYTES;
	l->marks.max = LOG_PLAIN_MAX;
	l->root = xasprintf("%s/logs", dir);
	l->folder = log_folder(dir, attempt_id);
	r = fs_mkdirs(l->folder, 0750, err);
	if (r == 0)
		r = recover(l, err);
	if (r < 0)
		return r;
	*ret = take(l);
	return 0;
}
