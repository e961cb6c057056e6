/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of other people on their way into ours. Nothing outside the folder
 * they came in is opened, nothing but a regular file is read, and a name never
 * becomes a name here.
 */
#include "orchestrator/helper_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define BYTES_MAX (4LL << 30)

static void limit(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit l = {value, value};

	/* A limit that is lower already is as good. */
	(void)setrlimit(what, &l);
}

void helper_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, 300);
	limit(RLIMIT_FSIZE, BYTES_MAX);
#ifndef IB_SANITIZED
	limit(RLIMIT_AS, 1 << 30);
#endif
}

void helper_print(json_t *answer)
{
	/* If the daemon is gone there is nobody left to tell. */
	(void)json_dumpf(answer, stdout, JSON_COMPACT);
	(void)fflush(stdout);
	json_decref(answer);
}

/* ---- one file ------------------------------------------------------------ */

int sink_open(struct bundle *b, struct sink *s, struct err *err)
{
	scoped(free) char *path = NULL;

	(void)snprintf(s->tmp, sizeof(s->tmp), "%d", b->n++);
	path = xasprintf("%s/%s", b->scratch, s->tmp);
	s->size = 0;
	s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return err_errno(err, errno, "%s", path);
	s->hash = hash_new();
	return 0;
}

int sink_add(struct bundle *b, struct sink *s, const void *data, size_t len,
    struct err *err)
{
	b->bytes += (int64_t)len;
	s->size += (int64_t)len;
	if (b->bytes > BYTES_MAX)
		return err_set(
		    err, ERR_LIMIT, "boot files: over %lld bytes", BYTES_MAX);
	hash_add(s->hash, data, len);
	return fs_write_all(s->fd, data, len, err);
}

int sink_close(
    struct bundle *b, struct sink *s, const char *path, int r, struct err *err)
{
	uint8_t sha[HASH_BYTES];
	char hex[HASH_HEX + 1];

	hash_end(s->hash, sha);
	if (r == 0 && fsync(s->fd) < 0)
		r = err_errno(err, errno, "sync %s", path);
	fd_done(&s->fd);
	if (r < 0)
		return r;
	(void)json_array_append_new(b->files,
	    json_pack("{s:s s:s s:I s:s}", "path", path, "sha256",
	        hash_hex(sha, sizeof(sha), hex), "size", (json_int_t)s->size,
	        "tmp", s->tmp));
	return 0;
}

/* ---- what a suite wants -------------------------------------------------- */

void bundle_set_suite(struct bundle *b, const struct suite *suite)
{
	for (char **i = suite->ignored; i && *i; i++)
		(void)json_array_append_new(b->ignored,
		    json_sprintf("%s: known, but without effect yet", *i));
	b->wanted = suite_files(suite);
}

bool bundle_take_wanted(struct bundle *b, const char *path)
{
	for (char **w = b->wanted; *w; w++) {
		if (strcmp(*w, path) == 0) {
			**w = '\0';
			return true;
		}
	}
	return false;
}

int bundle_check_missing(const struct bundle *b, struct err *err)
{
	scoped_val(buf_done) struct buf list = BUF_INIT(1 << 20);
	int n = 0;

	for (char **w = b->wanted; *w; w++)
		if (**w && n++ < 5)
			buf_printf(&list, "%s%s", list.len ? ", " : "", *w);
	if (n > 5)
		buf_printf(&list, " and %d more", n - 5);
	if (n)
		return err_set(err, ERR_INVAL,
		    "boot files: named by the configuration, but not there: %s",
		    buf_str(&list));
	return 0;
}

void bundle_done(struct bundle *b)
{
	json_decref(b->files);
	json_decref(b->ignored);
	if (b->wanted)
		suite_files_free(b->wanted);
}

/* ---- from a folder ------------------------------------------------------- */

/* A regular file below the folder; links lead nowhere but inside it. */
static int open_beneath(int dir, const char *path, int *ret, struct err *err)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	scoped_val(fd_done) int fd = -1;
	struct stat st;

	if (!fs_path_is_safe(path))
		return err_set(err, ERR_INVAL,
		    "'%.100s': not a relative path inside the repository",
		    path);
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0 && errno == EXDEV)
		return err_set(err, ERR_INVAL,
		    "%s: a link that leads out of the repository", path);
	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVAL, "%s: not a regular file", path);
	*ret = fd_take(&fd);
	return 0;
}

/* From the folder, else from beside the suite. */
static int open_named(int dir, const char *path, const char *suite_path,
    int *ret, struct err *err)
{
	const char *slash = strrchr(suite_path, '/');
	scoped(free) char *beside = NULL;
	int r = open_beneath(dir, path, ret, err);

	if (r != -ERR_NOTFOUND || !slash)
		return r;
	beside =
	    xasprintf("%.*s/%s", (int)(slash - suite_path), suite_path, path);
	return open_beneath(dir, beside, ret, NULL) < 0 ? r : 0;
}

static int copy_fd(struct bundle *b, const char *path, int fd, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, SOURCE_CHUNK);
	struct sink s = {.fd = -1};
	ssize_t n = 0;
	int r = sink_open(b, &s, err);

	if (r < 0)
		return r;
	while (r == 0 && (n = read(fd, chunk, SOURCE_CHUNK)) > 0)
		r = sink_add(b, &s, chunk, (size_t)n, err);
	if (r == 0 && n < 0)
		r = err_errno(err, errno, "read %s", path);
	return sink_close(b, &s, path, r, err);
}

static int copy_wanted(
    struct bundle *b, int dir, const char *suite_path, struct err *err)
{
	int r = 0;

	for (char **w = b->wanted; r == 0 && *w; w++) {
		scoped_val(fd_done) int fd = -1;

		r = open_named(dir, *w, suite_path, &fd, err);
		/* All that are missing are named together, afterwards. */
		if (r == -ERR_NOTFOUND) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = copy_fd(b, *w, fd, err);
		if (r == 0)
			**w = '\0';
	}
	return r;
}

static int read_suite(
    int dir, const char *path, struct buf *ret, struct err *err)
{
	scoped_val(fd_done) int fd = -1;
	char *room;
	ssize_t n = 0;
	int r = open_beneath(dir, path, &fd, err);

	if (r < 0)
		return r;
	while ((room = buf_room(ret, SOURCE_CHUNK)) &&
	    (n = read(fd, room, SOURCE_CHUNK)) > 0)
		buf_added(ret, (size_t)n);
	if (!room)
		return err_set(err, ERR_LIMIT, "%s: over %d bytes", path,
		    SOURCE_CONFIG_MAX);
	return n < 0 ? err_errno(err, errno, "%s", path) : 0;
}

int bundle_from_folder(struct bundle *b, const char *folder,
    const char *suite_path, struct buf *suite, struct err *err)
{
	scoped_val(fd_done) int dir =
	    open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped(suite_free) struct suite *parsed = NULL;
	int r;

	if (dir < 0)
		return err_errno(err, errno, "%s", folder);
	r = read_suite(dir, suite_path, suite, err);
	if (r == 0)
		r = suite_parse(
		    suite_path, buf_str(suite), suite->len, &parsed, err);
	if (r < 0)
		return r;
	bundle_set_suite(b, parsed);
	r = copy_wanted(b, dir, suite_path, err);
	if (r == 0)
		r = bundle_check_missing(b, err);
	if (r == 0)
		r = fs_sync_dir(b->scratch, err);
	return r;
}
