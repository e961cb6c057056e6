/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run was made from: its suite and the files of its bundle. */
#ifndef DB_RUN_FILE_H
#define DB_RUN_FILE_H

#include "db/db.h"

struct conn;

#define SUITE_MAX (64 << 20) /* bytes of a suite's text */

struct run_files {
	struct db_run_file *list; /* owns the paths */
	size_t n;
};
/* In order of path; ret must be empty. What it has got stays in an error. */
int run_files_get(
    struct conn *c, int64_t run_id, struct run_files *ret, struct err *err);
void run_files_done(struct run_files *f);

#endif
