/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are wholly read, wholly written, or not at all. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

int fs_read(const char *path, size_t max, struct buf *ret, struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *room;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(err, ERR_INVAL, "%s: not a file", path);
	buf_reset(ret);
	/* One chunk over the ceiling tells a full file from one too long. */
	ret->max = max + 65536;
	do {
		room = ret->len > max ? NULL : buf_room(ret, 65536);
		if (!room || ret->len > max)
			return err_set(
			    err, ERR_LIMIT, "%s: over %zu bytes", path, max);
		n = read(fd, room, 65536);
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "%s", path);
		if (n >= 0)
			buf_added(ret, (size_t)n);
	} while (n);
	ret->max = max;
	return 0;
}

int fs_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/")
	                     : xstrndup(path, (size_t)(slash - path));
}

int fs_sync_dir(const char *path, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "sync %s", path);
	return 0;
}

static int write_synced(
    const char *path, const void *data, size_t len, int mode, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	r = fs_write_all(fd, data, len, err);
	if (r < 0) {
		(void)err_prefix(err, "%s", path); /* err may be NULL */
		return r;
	}
	if (fsync(fd) < 0)
		return err_errno(err, errno, "sync %s", path);
	return 0;
}

int fs_write_atomic(
    const char *path, const void *data, size_t len, int mode, struct err *err)
{
	scoped(free) char *dir = parent_of(path);
	scoped(free) char *tmp = NULL;
	uint64_t salt;
	int r;

	hash_random(&salt, sizeof(salt));
	tmp = xasprintf("%s.%016llx.tmp", path, (unsigned long long)salt);
	r = write_synced(tmp, data, len, mode, err);
	if (r == 0 && rename(tmp, path) < 0)
		r = err_errno(err, errno, "rename to %s", path);
	if (r < 0) {
		/* The first error is the one to report. */
		(void)unlink(tmp);
		return r;
	}
	return fs_sync_dir(dir, err);
}

int fs_mkdirs(const char *path, int mode, struct err *err)
{
	scoped(free) char *part = xstrdup(path);
	struct stat st;

	for (char *p = part + 1; p[-1]; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, (mode_t)mode) < 0 && errno != EEXIST)
			return err_errno(err, errno, "%s", part);
		*p = c;
		if (!c)
			break;
	}
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "%s", path);
	/* What mkdir() calls existing may be a file. */
	if (!S_ISDIR(st.st_mode))
		return err_errno(err, ENOTDIR, "%s", path);
	return 0;
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 &&
	    errno != ENOENT)
		return err_errno(err, errno, "remove %s", path);
	return 0;
}

bool fs_path_is_safe(const char *path)
{
	size_t len = strlen(path);
	const char *part = path;

	if (!len || len > 1023)
		return false;
	for (const char *p = path;; p++) {
		size_t n = (size_t)(p - part);

		if (*p && *p != '/') {
			if ((unsigned char)*p < 0x20 || *p == '\\' ||
			    *p == 0x7f)
				return false;
			continue;
		}
		if (!n || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (!*p)
			return true;
		part = p + 1;
	}
}
