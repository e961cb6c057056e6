/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files by hash: DIR/files/xx/yyyy..., the name is the SHA-256 in hex. A file
 * is complete and synced before it has its name; it never changes afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "db/db.h"
#include "db/fault.h"

static char *folder_of(const char *dir, const uint8_t sha256[HASH_BYTES])
{
	return xasprintf("%s/files/%02x", dir, sha256[0]);
}

static char *path_of(const char *folder, const uint8_t sha256[HASH_BYTES])
{
	char hex[HASH_HEX + 1];

	hash_hex(sha256, HASH_BYTES, hex);
	return xasprintf("%s/%s", folder, hex + 2);
}

/* The folder is durable before anything in it is. */
static int make_folder(const char *dir, const char *folder, struct err *err)
{
	scoped(free) char *files = xasprintf("%s/files", dir);
	int r;

	if (access(folder, F_OK) == 0)
		return 0;
	r = fs_mkdirs(folder, 0750, err);
	if (r == 0)
		r = fs_sync_dir(files, err);
	return r < 0 ? r : fs_sync_dir(dir, err);
}

char *db_file_path(const char *dir, const uint8_t sha256[HASH_BYTES])
{
	scoped(free) char *folder = folder_of(dir, sha256);

	return path_of(folder, sha256);
}

int db_file_adopt(const char *dir, const char *path,
    const uint8_t sha256[HASH_BYTES], struct err *err)
{
	scoped(free) char *folder = folder_of(dir, sha256);
	scoped(free) char *to = path_of(folder, sha256);
	int r = make_folder(dir, folder, err);

	if (r < 0)
		return r;
	if (access(to, F_OK) == 0) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, errno, "remove %s", path);
		/* It may have got its name just before a crash. */
		return fs_sync_dir(folder, err);
	}
	if (FAULT("rename"))
		return err_errno(err, EIO, "rename %s", path);
	if (rename(path, to) < 0)
		return err_errno(err, errno, "rename %s", path);
	if (FAULT("fsync"))
		return err_errno(err, EIO, "sync %s", folder);
	return fs_sync_dir(folder, err);
}

int db_file_open(const char *dir, const uint8_t sha256[HASH_BYTES], int *ret_fd,
    int64_t *ret_size, struct err *err)
{
	scoped(free) char *folder = folder_of(dir, sha256);
	scoped(free) char *path = path_of(folder, sha256);
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "%s", path);
	*ret_fd = fd_take(&fd);
	*ret_size = st.st_size;
	return 0;
}
