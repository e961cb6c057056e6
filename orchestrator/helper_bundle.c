/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child that opens what people upload: a project configuration, a ZIP and
 * single files. It has one scratch folder, no secrets and limits on
 * everything; if a hostile file kills it, the submission is refused.
 *
 * Reads one JSON object on stdin, writes one on stdout: a manifest of the
 * files the configuration names, each copied, synced and hashed, or an error.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "orchestrator/helper.h"
#include "orchestrator/helper_source.h"

enum {
	ENTRIES_MAX = 10000,
	RATIO_MAX = 100,       /* bytes unpacked for each byte packed, */
	RATIO_FREE = 64 << 20, /* beyond these */
};

static int copy_part(
    struct bundle *b, const char *path, int fd, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, SOURCE_CHUNK);
	struct sink s;
	off_t at = 0;
	ssize_t n;
	int r;

	if (!path || !fs_path_is_safe(path))
		return err_set(err, ERR_INVAL,
		    "file '%.100s': not a relative path inside the bundle",
		    path ? path : "");
	if (!bundle_take_wanted(b, path)) {
		(void)json_array_append_new(b->ignored,
		    json_sprintf(
		        "file %s: not named by the configuration", path));
		return 0;
	}
	r = sink_open(b, &s, err);
	if (r < 0)
		return r;
	while (r == 0 && (n = pread(fd, chunk, SOURCE_CHUNK, at)) > 0) {
		at += n;
		r = sink_add(b, &s, chunk, (size_t)n, err);
	}
	if (r == 0 && n < 0)
		r = err_errno(err, errno, "read %s", path);
	return sink_close(b, &s, path, r, err);
}

static int copy_parts(struct bundle *b, const json_t *list, struct err *err)
{
	size_t i;
	json_t *part;
	int r = 0;

	json_array_foreach(list, i, part)
	{
		r = copy_part(b,
		    json_string_value(json_object_get(part, "path")),
		    (int)json_integer_value(json_object_get(part, "fd")), err);
		if (r < 0)
			break;
	}
	return r;
}

/* ---- ZIP ------------------------------------------------------------- */

SCOPED_DEFINE(struct archive, archive_read_free);

static int zip_error(struct archive *a, struct err *err)
{
	const char *text = archive_error_string(a);

	return err_set(
	    err, ERR_INVAL, "boot files: %.200s", text ? text : "damaged ZIP");
}

static int unpack(struct bundle *b, struct archive *a, const char *path,
    int64_t bytes_max, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, SOURCE_CHUNK);
	struct sink s;
	la_ssize_t n;
	int r = sink_open(b, &s, err);

	if (r < 0)
		return r;
	while (r == 0 && (n = archive_read_data(a, chunk, SOURCE_CHUNK)) > 0) {
		r = sink_add(b, &s, chunk, (size_t)n, err);
		if (r == 0 && b->bytes > bytes_max)
			r = err_set(err, ERR_LIMIT,
			    "boot files: unpacked over %d times their size",
			    RATIO_MAX);
	}
	if (r == 0 && n < 0)
		r = zip_error(a, err);
	return sink_close(b, &s, path, r, err);
}

static int take_entry(struct bundle *b, struct archive *a,
    struct archive_entry *e, int64_t bytes_max, struct err *err)
{
	const char *path = archive_entry_pathname(e);

	if (archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	if (!path || !fs_path_is_safe(path))
		return err_set(err, ERR_INVAL,
		    "boot files: '%.100s': not a relative path inside the "
		    "bundle",
		    path ? path : "");
	if (archive_entry_filetype(e) != AE_IFREG)
		return err_set(err, ERR_INVAL,
		    "boot files: '%.100s': not a regular file", path);
	if (!bundle_take_wanted(b, path)) {
		(void)json_array_append_new(b->ignored,
		    json_sprintf("boot files: %s: not named by the "
		                 "configuration",
		        path));
		return 0;
	}
	return unpack(b, a, path, bytes_max, err);
}

static int read_zip(struct bundle *b, int fd, struct err *err)
{
	scoped(archive_read_free) struct archive *a = archive_read_new();
	struct archive_entry *e;
	off_t size = lseek(fd, 0, SEEK_END);
	int64_t bytes_max = b->bytes + RATIO_FREE + (int64_t)size * RATIO_MAX;
	int count = 0;
	int r = 0;
	int ar;

	if (!a || size < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, ERR_IO, "boot files: cannot be read");
	/* The seekable reader trusts the central directory, as unzip does. */
	if (archive_read_support_format_zip_seekable(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, SOURCE_CHUNK) != ARCHIVE_OK)
		return zip_error(a, err);
	/* A warning is about a name, which is checked here. */
	while (r == 0 &&
	    ((ar = archive_read_next_header(a, &e)) == ARCHIVE_OK ||
	        ar == ARCHIVE_WARN)) {
		if (++count > ENTRIES_MAX)
			return err_set(err, ERR_LIMIT,
			    "boot files: over %d entries", ENTRIES_MAX);
		r = take_entry(b, a, e, bytes_max, err);
	}
	if (r == 0 && ar != ARCHIVE_EOF)
		r = zip_error(a, err);
	return r;
}

/* ---- the whole ------------------------------------------------------- */

static int read_config(int fd, struct buf *ret, struct err *err)
{
	char *room;
	ssize_t n;

	while ((room = buf_room(ret, SOURCE_CHUNK)) &&
	    (n = pread(fd, room, SOURCE_CHUNK, (off_t)ret->len)) > 0)
		buf_added(ret, (size_t)n);
	if (!room)
		return err_set(
		    err, ERR_LIMIT, "config: over %d bytes", SOURCE_CONFIG_MAX);
	if (n < 0)
		return err_errno(err, errno, "config");
	return 0;
}

static int fill(struct bundle *b, const json_t *request, struct buf *config,
    struct err *err)
{
	const char *name =
	    json_string_value(json_object_get(request, "config_name"));
	int zip = (int)json_integer_value(json_object_get(request, "zip"));
	scoped(suite_free) struct suite *suite = NULL;
	int r = read_config(
	    (int)json_integer_value(json_object_get(request, "config")), config,
	    err);

	if (r == 0)
		r = suite_parse(name ? name : "config", buf_str(config),
		    config->len, &suite, err);
	if (r < 0)
		return r;
	bundle_set_suite(b, suite);
	r = copy_parts(b, json_object_get(request, "files"), err);
	if (r == 0 && zip >= 0)
		r = read_zip(b, zip, err);
	if (r == 0)
		r = bundle_check_missing(b, err);
	if (r == 0)
		r = fs_sync_dir(b->scratch, err);
	return r;
}

int helper_bundle_main(void)
{
	scoped_val(buf_done) struct buf config = BUF_INIT(SOURCE_CONFIG_MAX);
	struct bundle b = {.files = json_array(), .ignored = json_array()};
	struct err err = ERR_INIT;
	json_error_t je;
	json_t *request;
	int r;

	helper_limits();
	/* Names in a ZIP are UTF-8, wherever the daemon was started. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	request = json_loadf(stdin, 0, &je);
	b.scratch = json_string_value(json_object_get(request, "scratch"));
	if (!b.scratch)
		r = err_set(&err, ERR_PROTO, "helper bundle: bad request");
	else
		r = fill(&b, request, &config, &err);
	if (r < 0)
		helper_print(json_pack(
		    "{s:s s:s}", "error", err.msg, "kind", err_name(r)));
	else
		helper_print(json_pack("{s:s# s:O s:O}", "suite",
		    buf_str(&config), (int)config.len, "files", b.files,
		    "ignored", b.ignored));
	json_decref(request);
	bundle_done(&b);
	return 0;
}
