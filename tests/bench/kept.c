/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "db/store.h"

#define MARK "made" /* in the folder: its size, once all is there */

enum {
	MARK_MAX = 64
};

static bool is_there(const char *mark, const char *size)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(0);

	return fs_read(mark, MARK_MAX, &text, NULL) == 0 &&
	    str_eq(buf_str(&text), size);
}

int kept_make(const char *dir, const char *size,
    int (*make)(const void *arg, struct err *err), const void *arg,
    double *ret_s, struct err *err)
{
	scoped(free) char *mark = xasprintf("%s/" MARK, dir);
	int64_t began_ns = clock_mono_ns();
	int r;

	*ret_s = 0;
	if (is_there(mark, size))
		return 0;
	r = fs_remove_tree(dir, err);
	if (r == 0)
		r = fs_mkdirs(dir, 0700, err);
	if (r == 0)
		r = make(arg, err);
	if (r == 0)
		r = fs_write_atomic(mark, size, strlen(size), 0600, err);
	*ret_s = (double)(clock_mono_ns() - began_ns) / 1e9;
	return r;
}

int64_t kept_bytes(const char *dir)
{
	scoped(free) char *path = xasprintf("%s/" DB_FILE, dir);
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}
