/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: whole reads with a ceiling, and writes that survive a crash. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

/*
 * Reads a whole file of at most max bytes into ret, whose ceiling it sets.
 * Errors: NOTFOUND, LIMIT (over max), INVAL (not a file).
 */
int fs_read(const char *path, size_t max, struct buf *ret, struct err *err);
/*
 * Writes a file so that after a crash it is the old one or the new one:
 * temporary file, fsync, rename, fsync of the folder.
 */
int fs_write_atomic(
    const char *path, const void *data, size_t len, int mode, struct err *err);
/* Makes a folder and its missing parents; an existing folder is success. */
int fs_mkdirs(const char *path, int mode, struct err *err);
/* fsync of a folder: makes renames in it durable. */
int fs_sync_dir(const char *path, struct err *err);
/* Writes all bytes to fd, going on after short writes. */
int fs_write_all(int fd, const void *data, size_t len, struct err *err);
/* Removes a folder and all below it; a missing one is success. */
int fs_remove_tree(const char *path, struct err *err);
/*
 * True for a relative path that stays inside its folder: no empty part, ".",
 * "..", backslash, control byte or leading slash; at most 1,023 bytes.
 */
bool fs_path_is_safe(const char *path);

#endif
