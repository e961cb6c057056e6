/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a run's bundle, read at once: a bundle has a few. */
#include "db/run_file.h"

#include "db/sql.h"
#include "db/stmt.h"

void run_files_done(struct run_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		scoped(free) char *path = NULL;

		memcpy(&path, &f->list[i].path, sizeof(path));
	}
	free(f->list);
}

static const char sql_run_files[] =
    "SELECT path, sha256, size FROM run_file WHERE run_id = ?1 ORDER BY path";

int run_files_get(
    struct conn *c, int64_t run_id, struct run_files *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_run_files);
	size_t cap = 0;
	size_t len;
	int r;

	stmt_bind_int(st, 1, run_id);
	while ((r = stmt_step(st, err)) == 1) {
		struct db_run_file *f;

		if (ret->n == cap) {
			cap = cap ? 2 * cap : 16;
			ret->list =
			    xrealloc(ret->list, cap, sizeof(*ret->list));
		}
		f = &ret->list[ret->n++];
		f->path = xstrdup(stmt_text(st, 0));
		memset(f->sha256, 0, sizeof(f->sha256));
		memcpy(f->sha256, stmt_blob(st, 1, &len), HASH_BYTES);
		f->size = stmt_int(st, 2);
	}
	return r;
}

const char *const sql_run_file[] = {sql_run_files, NULL};
