/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making console logs durable.
 *
 * Invariants: a raw tail is removed after the frame that was made of it is
 * durable. After a failed sync the kernel may call the lost pages clean, and a
 * further sync of them would succeed without writing anything: so the bytes
 * are written once more before it.
 */
#include "db/log_sync.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "db/fault.h"
#include "db/log_file.h"
#include "db/tx.h"

#define COPY_BYTES (64 << 10)

struct log_sync *log_sync_new(const char *root, const char *folder)
{
	struct log_sync *s = xcalloc(1, sizeof(*s));

	s->root = xstrdup(root);
	s->folder = xstrdup(folder);
	return s;
}

void log_sync_free(struct log_sync *s)
{
	struct log_sync *next;

	for (; s; s = next) {
		next = s->next;
		for (size_t i = 0; i < s->n_fds; i++)
			fd_done(&s->fds[i]);
		free(s->fds);
		free(s->tails);
		free(s->root);
		free(s->folder);
		free(s);
	}
}

void log_sync_add_fd(struct log_sync *s, int fd)
{
	s->fds = xrealloc(s->fds, s->n_fds + 1, sizeof(*s->fds));
	s->fds[s->n_fds++] = fd;
}

void log_sync_add_tail(struct log_sync *s, int64_t offset)
{
	s->tails = xrealloc(s->tails, s->n_tails + 1, sizeof(*s->tails));
	s->tails[s->n_tails++] = offset;
}

/* ---- syncing ------------------------------------------------------------ */

static int io_error(const struct log_sync *s, struct err *err)
{
	return err_errno(err, errno ? errno : EIO, "sync %s", s->folder);
}

/* The loop may append meanwhile: what is there is only replaced by itself. */
static int write_again(const struct log_sync *s, int fd, struct err *err)
{
	scoped(free) char *copy = xcalloc(COPY_BYTES, 1);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, copy, COPY_BYTES, at)) > 0) {
		if (pwrite(fd, copy, (size_t)n, at) != n)
			return io_error(s, err);
		at += n;
	}
	return n < 0 ? io_error(s, err) : 0;
}

static int sync_fd(const struct log_sync *s, int fd, struct err *err)
{
	int r = s->failed ? write_again(s, fd, err) : 0;

	if (r < 0)
		return r;
	errno = EIO; /* what a fault is */
	if (FAULT("fsync") || fdatasync(fd) < 0)
		return io_error(s, err);
	return 0;
}

static int sync_files(struct log_sync *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->n_fds && r == 0; i++)
		r = sync_fd(s, s->fds[i], err);
	if (r == 0 && s->new_names)
		r = fs_sync_dir(s->folder, err);
	if (r < 0)
		s->failed = true;
	return r;
}

static void forget_tails(struct log_sync *s)
{
	for (size_t i = 0; i < s->n_tails; i++) {
		scoped(free) char *path =
		    log_path(s->folder, s->tails[i], ".raw");

		/* A leftover costs space only: readers go by the offsets. */
		(void)unlink(path);
	}
	s->done = true;
}

int log_sync_run(struct log_sync *s, struct err *err)
{
	int r = sync_files(s, err);

	if (r == 0 && s->new_names)
		r = fs_sync_dir(s->root, err);
	if (r == 0)
		forget_tails(s);
	return r;
}

/* One database has one folder of logs. */
int log_sync_batch(const struct db_tx *batch, struct err *err)
{
	const char *root = NULL;
	int r = 0;

	for (const struct db_tx *tx = batch; tx && r == 0; tx = tx->next) {
		for (struct log_sync *s = tx->logs; s && r == 0; s = s->next) {
			if (s->done)
				continue;
			r = sync_files(s, err);
			if (s->new_names)
				root = s->root;
		}
	}
	if (r == 0 && root)
		r = fs_sync_dir(root, err);
	if (r < 0)
		return r;
	for (const struct db_tx *tx = batch; tx; tx = tx->next)
		for (struct log_sync *s = tx->logs; s; s = s->next)
			if (!s->done)
				forget_tails(s);
	return 0;
}
