/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema: numbered SQL files, embedded by db/migrations.sh. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/err.h"
#include "db/db.h"

struct conn;

struct migration {
	const char *name; /* of the file */
	const char *sql;
};

extern const struct migration migrations[];
extern const int migrations_count;

/*
 * Says whether this program can work with the file, without changing a byte
 * of it: it is missing, or ours and not newer. Errors: INVAL, IO.
 */
int migrate_check(const char *path, struct err *err);
/*
 * Applies what is missing, each in one transaction; says so by the ops, unless
 * the file is new. path: of the file.
 */
int migrate(struct conn *c, const char *path, const struct db_ops *ops,
    struct err *err);

#endif
