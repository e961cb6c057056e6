/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Brings the schema up to date. Invariant: user_version says how many of the
 * files were applied, and changes in the same transaction as their effect.
 */
#include "db/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/point.h"
#include "db/sql.h"
#include "db/stmt.h"

#define APPLICATION_ID 0x49524e42 /* "IRNB" */

static const char sql_version[] = "PRAGMA user_version";
static const char sql_application[] = "PRAGMA application_id";

static int pragma(
    struct conn *c, const char *sql, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	return 0;
}

static int judge(
    const char *path, int64_t version, int64_t application, struct err *err)
{
	/* A crash at creation leaves neither number; that is ours to fill. */
	if (application != APPLICATION_ID && (application || version))
		return err_set(
		    err, ERR_INVAL, "%s: not an ironbench database", path);
	if (version > migrations_count)
		return err_set(err, ERR_INVAL,
		    "%s: schema %" PRId64
		    " is newer than this program, which knows %d",
		    path, version, migrations_count);
	return 0;
}

/* Numbers that only the log has yet: after a crash of the newer program. */
static int check_wal(const char *path, struct err *err)
{
	scoped(conn_close) struct conn *c = NULL;
	int64_t version = 0;
	int64_t application = 0;
	int r;

	r = conn_open(path, CONN_PEEK, &c, err);
	if (r == 0)
		r = pragma(c, sql_version, &version, err);
	if (r == 0)
		r = pragma(c, sql_application, &application, err);
	return r < 0 ? r : judge(path, version, application, err);
}

static int64_t big_endian(const unsigned char *p)
{
	return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

int migrate_check(const char *path, struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	scoped(free) char *wal = xasprintf("%s-wal", path);
	unsigned char head[100];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s", path);
	/* Opening it with SQLite would touch it: read the header ourselves. */
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return err_errno(err, errno, "%s", path);
	if (n == 0)
		return 0;
	if (n < (ssize_t)sizeof(head) || memcmp(head, "SQLite format 3", 16))
		return err_set(err, ERR_INVAL, "%s: not a database", path);
	if (stat(wal, &st) == 0 && st.st_size > 0)
		return check_wal(path, err);
	return judge(path, big_endian(head + 60), big_endian(head + 68), err);
}

/* ---- applying ----------------------------------------------------------- */

enum {
	TELL_MS = 5000
};

struct step {
	const struct db_ops *ops;
	const char *wal;
	int schema;
	int64_t began_ms;
};

static void tell(void *arg)
{
	const struct step *s = arg;
	struct stat st = {0};

	if (!s->ops->migrating)
		return;
	if (stat(s->wal, &st) < 0)
		st.st_size = 0;
	s->ops->migrating(
	    s->ops->arg, s->schema, clock_mono_ms() - s->began_ms, st.st_size);
}

/* What SQL alone cannot say. */
static const struct {
	const char *name; /* of the migration */
	int (*fn)(struct conn *c, struct err *err);
} fillers[] = {
    {"0010-logarithms.sql", points_fill},
};

static int fill(struct conn *c, const char *name, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fillers); i++)
		if (str_eq(fillers[i].name, name))
			r = fillers[i].fn(c, err);
	return r;
}

static int apply(struct conn *c, int i, struct err *err)
{
	char numbers[100];
	int r;

	(void)snprintf(numbers, sizeof(numbers),
	    "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
	    i + 1);
	r = conn_begin(c, err);
	if (r < 0)
		return r;
	r = conn_exec(c, migrations[i].sql, err);
	if (r == 0)
		r = fill(c, migrations[i].name, err);
	if (r == 0)
		r = conn_exec(c, numbers, err);
	if (r < 0) {
		conn_rollback(c);
		return err_prefix(err, "%s", migrations[i].name);
	}
	return conn_commit(c, err);
}

/* The same, of a database that has something in it. */
static int convert(struct conn *c, int i, struct step *s, struct err *err)
{
	int r;

	s->schema = i + 1;
	s->began_ms = clock_mono_ms();
	tell(s);
	conn_every(c, TELL_MS, tell, s);
	r = apply(c, i, err);
	conn_every(c, 0, NULL, NULL);
	if (r < 0)
		return r;
	/* What was written may be as much as the database. */
	if (clock_mono_ms() >= s->began_ms + TELL_MS)
		tell(s);
	conn_checkpoint(c, true);
	return 0;
}

int migrate(
    struct conn *c, const char *path, const struct db_ops *ops, struct err *err)
{
	scoped(free) char *wal = xasprintf("%s-wal", path);
	struct step s = {.ops = ops, .wal = wal};
	int64_t version = 0;
	int r = pragma(c, sql_version, &version, err);

	/*
	 * A table that others refer to is replaced while the references are
	 * not looked at. Inside a transaction this would change nothing.
	 */
	if (r == 0)
		r = conn_exec(c, "PRAGMA foreign_keys=OFF", err);
	for (int i = (int)version; r == 0 && i < migrations_count; i++)
		r = version ? convert(c, i, &s, err) : apply(c, i, err);
	return r < 0 ? r : conn_exec(c, "PRAGMA foreign_keys=ON", err);
}

const char *const sql_migrate[] = {sql_version, sql_application, NULL};
