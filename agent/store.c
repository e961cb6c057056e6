/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files by their hash. A file stands under its name only when it is whole,
 * verified and on disk; before that it is HASH.part, where the next try goes
 * on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/fs.h"

enum {
	CHUNK = 1 << 18
};

static int check_hash(const char *sha256, struct err *err)
{
	uint8_t hash[HASH_BYTES];
	char lower[HASH_HEX + 1];

	if (strlen(sha256) != HASH_HEX ||
	    !hash_unhex(sha256, hash, sizeof(hash)) ||
	    strcmp(hash_hex(hash, sizeof(hash), lower), sha256) != 0)
		return err_set(err, ERR_INVAL,
		    "'%.80s' is no SHA-256 in lower-case hexadecimal", sha256);
	return 0;
}

char *store_path(const char *sha256)
{
	static const char *const folders[] = {"files", "out"};

	if (check_hash(sha256, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		scoped(free) char *path =
		    xasprintf("%s/%s", folders[i], sha256);

		if (access(path, R_OK) == 0)
			return take(path);
	}
	return NULL;
}

int store_cat(const char *sha256, int64_t from, struct err *err)
{
	scoped(free) char *path = NULL;
	scoped(free) char *chunk = xcalloc(1, CHUNK);
	scoped_val(fd_done) int fd = -1;
	ssize_t n = 1;
	int r = check_hash(sha256, err);

	if (r < 0)
		return r;
	path = store_path(sha256);
	if (!path)
		return err_set(err, ERR_NOTFOUND, "no file %s", sha256);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	while (r == 0 && n) {
		n = pread(fd, chunk, CHUNK, from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read %s", path);
		r = fs_write_all(STDOUT_FILENO, chunk, (size_t)n, err);
		from += n;
	}
	return r;
}

/* Copies standard input to fd until size bytes are there. */
static int receive(int fd, int64_t have, int64_t size, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, CHUNK);

	while (have < size) {
		size_t want =
		    size - have < CHUNK ? (size_t)(size - have) : CHUNK;
		ssize_t n = read(STDIN_FILENO, chunk, want);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read standard input");
		if (n == 0)
			return err_set(err, ERR_AGAIN,
			    "the input ended at %" PRId64 " of %" PRId64
			    " bytes",
			    have, size);
		r = fs_write_all(fd, chunk, (size_t)n, err);
		if (r < 0)
			return r;
		have += n;
	}
	return 0;
}

/* Gives a whole file its name; a wrong one is deleted. */
static int verify(
    int fd, const char *part, const char *sha256, int64_t size, struct err *err)
{
	scoped(free) char *path = xasprintf("files/%s", sha256);
	uint8_t hash[HASH_BYTES];
	char hex[HASH_HEX + 1];
	int64_t got;
	int r = hash_fd(fd, hash, &got, err);

	if (r < 0)
		return r;
	if (got != size ||
	    strcmp(hash_hex(hash, sizeof(hash), hex), sha256) != 0) {
		(void)unlink(part); /* the error to report is the hash */
		return err_set(err, ERR_INVAL,
		    "received %s with %" PRId64 " bytes instead of %s", hex,
		    got, sha256);
	}
	if (fsync(fd) < 0 || rename(part, path) < 0)
		return err_errno(err, errno, "%s", path);
	return fs_sync_dir("files", err);
}

int store_put(const char *sha256, int64_t size, struct err *err)
{
	scoped(free) char *part = NULL;
	scoped(free) char *path = NULL;
	scoped_val(fd_done) int fd = -1;
	int64_t have;
	int r = check_hash(sha256, err);

	if (r < 0)
		return r;
	path = store_path(sha256);
	part = xasprintf("files/%s.part", sha256);
	if (path) {
		printf("%" PRId64 "\n", size);
		return fflush(stdout) == 0 ? 0 : err_errno(err, errno, "write");
	}
	fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "%s", part);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(
		    err, ERR_CONFLICT, "%s is being received already", sha256);
	have = lseek(fd, 0, SEEK_END);
	if (have > size && ftruncate(fd, have = lseek(fd, 0, SEEK_SET)) < 0)
		return err_errno(err, errno, "%s", part);
	printf("%" PRId64 "\n", have);
	if (fflush(stdout) != 0)
		return err_errno(err, errno, "write");
	r = receive(fd, have, size, err);
	return r < 0 ? r : verify(fd, part, sha256, size, err);
}

int store_have(char *const *hashes, int n, struct err *err)
{
	for (int i = 0; i < n; i++) {
		int r = check_hash(hashes[i], err);
		scoped(free) char *path = r < 0 ? NULL : store_path(hashes[i]);

		if (r < 0)
			return r;
		if (!path)
			printf("%s\n", hashes[i]);
	}
	return fflush(stdout) == 0 ? 0 : err_errno(err, errno, "write");
}

int store_output(
    const void *data, size_t len, char hex[HASH_HEX + 1], struct err *err)
{
	uint8_t hash[HASH_BYTES];
	scoped(free) char *path = NULL;

	hash_sha256(data, len, hash);
	path = xasprintf("out/%s", hash_hex(hash, sizeof(hash), hex));
	if (access(path, R_OK) == 0)
		return 0;
	return fs_write_atomic(path, data, len, 0600, err);
}
