/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer can do at best, measured in the same run. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "tests/bench/bench.h"

enum {
	PAGE = 4096,
	FILE_BYTES = 4 << 20 /* as a database's log: written again and again */
};

static int open_file(const char *path, int *ret_fd, struct err *err)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? err_errno(err, errno, "open %s", path) : 0;
}

/* One that is ours while it is open. */
static int open_unnamed(const char *dir, int *ret_fd, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/peer", dir);
	int r = open_file(path, ret_fd, err);

	if (r == 0)
		(void)unlink(path);
	return r;
}

/* Written once, so that later writes are not the first of their blocks. */
static int fill(int fd, struct err *err)
{
	scoped(free) char *data = xcalloc(1, FILE_BYTES);
	int r = fs_write_all(fd, data, FILE_BYTES, err);

	if (r == 0 && fdatasync(fd) < 0)
		r = err_errno(err, errno, "fdatasync");
	return r;
}

int disk_open(const char *dir, struct disk *ret, struct err *err)
{
	int r;

	*ret = (struct disk){.dir = xstrdup(dir), .fd = -1};
	r = open_unnamed(dir, &ret->fd, err);
	if (r == 0)
		r = fill(ret->fd, err);
	if (r < 0)
		disk_close(ret);
	return r;
}

void disk_close(struct disk *d)
{
	fd_done(&d->fd);
	free(take(d->dir));
}

int disk_sync(struct disk *d, struct samples *to, struct err *err)
{
	char page[PAGE] = {(char)d->n};
	int64_t began_ns = clock_mono_ns();

	if (pwrite(d->fd, page, PAGE, (off_t)(d->n++ * PAGE % FILE_BYTES)) !=
	        PAGE ||
	    fdatasync(d->fd) < 0)
		return err_errno(err, errno, "write and fdatasync");
	samples_add(to, clock_mono_ns() - began_ns);
	return 0;
}

int disk_sync_new(struct disk *d, struct samples *to, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/peer-new", d->dir);
	scoped_val(fd_done) int fd = -1;
	char page[PAGE] = {0};
	int64_t began_ns = clock_mono_ns();
	int r = open_file(path, &fd, err);

	if (r == 0)
		r = fs_write_all(fd, page, PAGE, err);
	if (r == 0 && fsync(fd) < 0)
		r = err_errno(err, errno, "fsync");
	if (r == 0)
		r = fs_sync_dir(d->dir, err);
	samples_add(to, clock_mono_ns() - began_ns);
	(void)unlink(path);
	return r;
}

int peer_write(const char *dir, int64_t bytes, double *ret_s, struct err *err)
{
	size_t chunk = 1 << 20;
	scoped(free) char *data = xcalloc(1, chunk);
	scoped_val(fd_done) int fd = -1;
	int r = open_unnamed(dir, &fd, err);
	int64_t began_ns = clock_mono_ns();

	while (r == 0 && bytes > 0) {
		size_t n = bytes < (int64_t)chunk ? (size_t)bytes : chunk;

		r = fs_write_all(fd, data, n, err);
		bytes -= (int64_t)n;
	}
	if (r == 0 && fdatasync(fd) < 0)
		r = err_errno(err, errno, "fdatasync");
	*ret_s = (double)(clock_mono_ns() - began_ns) / 1e9;
	return r;
}
