/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state folder. Invariant: whoever has an open struct db holds the lock
 * on DIR/lock, and no other process writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "db/writer.h"

#define EPOCH_START_S 1735689600 /* 2025-01-01 */

/* ---- the lock ----------------------------------------------------------- */

static int in_use(int fd, const char *dir, struct err *err)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return err_set(err, ERR_CONFLICT, "%s: in use by process %s", dir,
	    n > 0 ? text : "unknown");
}

static int try_lock(int fd, const char *dir, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return in_use(fd, dir, err);
	return err_errno(err, errno, "lock %s", dir);
}

static int lock_dir(const char *dir, int *ret_fd, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/lock", dir);
	scoped_val(fd_done) int fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	char pid[32];
	int n;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	r = try_lock(fd, dir, err);
	if (r < 0)
		return r;
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* The number is for people; the lock is what counts. */
	if (ftruncate(fd, 0) == 0)
		(void)pwrite(fd, pid, (size_t)n, 0);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* ---- numbers ------------------------------------------------------------ */

static const char sql_next_run[] = "SELECT coalesce(max(id), 0) + 1 FROM run";
/* The ranges of jobs are disjoint: the last one ends highest. */
static const char sql_next_job[] =
    "SELECT first_job + n_total FROM run WHERE n_total > 0 AND first_job = "
    "(SELECT max(first_job) FROM run WHERE n_total > 0)";
static const char sql_next_attempt[] =
    "SELECT coalesce(max(id), 0) + 1 FROM attempt";

static int get_next(
    struct conn *c, const char *sql, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);
	int r = stmt_step(st, err);

	if (r < 0)
		return r;
	*ret = r ? stmt_int(st, 0) : 1;
	return 0;
}

static const char sql_epoch_get[] = "SELECT epoch FROM meta";
static const char sql_epoch_put[] =
    "INSERT INTO meta (one, epoch) VALUES (1, ?1) "
    "ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch";

/*
 * A new epoch at every opening. It is at least the time: a restored backup
 * has an old number in it, but the clock went on.
 */
static int raise_epoch(struct conn *c, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *get = stmt_get(c, sql_epoch_get);
	scoped(stmt_reset) struct stmt *put = stmt_get(c, sql_epoch_put);
	int64_t now_s = clock_wall_ms() / 1000 - EPOCH_START_S;
	int r = stmt_step(get, err);

	if (r < 0)
		return r;
	*ret = stmt_int(get, 0) + 1;
	if (*ret < now_s)
		*ret = now_s;
	stmt_bind_int(put, 1, *ret);
	return stmt_run(put, err);
}

static int raise_epoch_op(struct conn *c, const void *arg, struct err *err)
{
	int64_t *epoch;

	memcpy(&epoch, arg, sizeof(epoch));
	return raise_epoch(c, epoch, err);
}

static int load_numbers(struct db *db, struct err *err)
{
	int64_t epoch = 0;
	int64_t *ret_epoch = &epoch;
	int r = db_run_now(db, raise_epoch_op, &ret_epoch, err);

	if (r == 0)
		r = get_next(db->conn, sql_next_run, &db->next_run, err);
	if (r == 0)
		r = get_next(db->conn, sql_next_job, &db->next_job, err);
	if (r == 0)
		r = get_next(
		    db->conn, sql_next_attempt, &db->next_attempt, err);
	db->next_fence = (epoch << 32) + 1;
	return r;
}

int64_t db_next_run_id(struct db *db)
{
	return db->next_run++;
}

int64_t db_next_job_ids(struct db *db, int64_t n)
{
	int64_t first = db->next_job;

	db->next_job += n;
	return first;
}

int64_t db_next_attempt_id(struct db *db)
{
	return db->next_attempt++;
}

int64_t db_next_fence(struct db *db)
{
	return db->next_fence++;
}

/* ---- open and close ----------------------------------------------------- */

int db_run_now(struct db *db,
    int (*run)(struct conn *c, const void *arg, struct err *err),
    const void *arg, struct err *err)
{
	int r;

	if (pthread_mutex_lock(&db->conn_lock) != 0)
		abort();
	r = conn_begin(db->conn, err);
	if (r == 0) {
		r = run(db->conn, arg, err);
		if (r == 0)
			r = conn_commit(db->conn, err);
		else
			conn_rollback(db->conn);
	}
	if (pthread_mutex_unlock(&db->conn_lock) != 0)
		abort();
	return r;
}

static int open_file(struct db *db, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/%s", db->dir, DB_FILE);
	int r = migrate_check(path, err);

	if (r == 0)
		r = conn_open(path, CONN_WRITE, &db->conn, err);
	if (r == 0)
		r = migrate(db->conn, path, &db->ops, err);
	if (r == 0)
		r = fs_sync_dir(db->dir, err);
	return r;
}

SCOPED_DEFINE(struct db, db_close);

int db_open(
    const char *dir, const struct db_ops *ops, struct db **ret, struct err *err)
{
	scoped(db_close) struct db *db = xcalloc(1, sizeof(*db));
	int r;

	db->dir = xstrdup(dir);
	db->ops = *ops;
	db->lock_fd = -1;
	if (pthread_mutex_init(&db->conn_lock, NULL) != 0)
		abort();
	r = fs_mkdirs(dir, 0750, err);
	if (r == 0)
		r = lock_dir(dir, &db->lock_fd, err);
	if (r == 0)
		r = open_file(db, err);
	if (r == 0)
		r = load_numbers(db, err);
	if (r == 0)
		r = db_reader_open(dir, &db->reader, err);
	if (r == 0)
		r = writer_start(db, &db->writer, err);
	if (r < 0)
		return r;
	*ret = take(db);
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	writer_stop(db->writer);
	db_reader_close(db->reader);
	if (db->conn)
		conn_close(db->conn);
	/* Last: the folder is free when nothing of ours uses it. */
	fd_done(&db->lock_fd);
	(void)pthread_mutex_destroy(&db->conn_lock); /* nobody has it */
	free(db->dir);
	free(db);
}

/* The folder is missing: could it be made? */
static int check_parent(const char *dir, struct err *err)
{
	scoped(free) char *path = xstrdup(dir);
	char *slash;

	while (access(path, F_OK) < 0 && (slash = strrchr(path, '/'))) {
		/* Of "/x" the root stays, of "x/y" the x. */
		slash[slash == path ? 1 : 0] = '\0';
	}
	if (access(path, F_OK) < 0)
		(void)snprintf(path, strlen(path) + 1, ".");
	if (access(path, W_OK | X_OK) < 0)
		return err_errno(err, errno, "make %s in %s", dir, path);
	return 0;
}

int db_check(const char *dir, struct err *err)
{
	scoped(free) char *lock = xasprintf("%s/lock", dir);
	scoped(free) char *path = xasprintf("%s/%s", dir, DB_FILE);
	scoped_val(fd_done) int fd = open(lock, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (stat(dir, &st) < 0)
		return check_parent(dir, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVAL, "%s: not a folder", dir);
	if (access(dir, W_OK | X_OK) < 0)
		return err_errno(err, errno, "%s", dir);
	r = fd < 0 ? 0 : try_lock(fd, dir, err);
	return r < 0 ? r : migrate_check(path, err);
}

void db_dispatch(struct db *db)
{
	writer_dispatch(db->writer);
}

size_t db_pending(const struct db *db)
{
	return writer_pending(db->writer);
}

const char *const sql_open[] = {sql_next_run, sql_next_job, sql_next_attempt,
    sql_epoch_get, sql_epoch_put, NULL};
