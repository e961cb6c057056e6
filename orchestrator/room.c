/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether anything can be stored. A full disk shows where something is written
 * first: a commit, a console's log, an output of a machine. From then on
 * nothing is started, and everybody is told why, until there is room again.
 *
 * Invariant: daemon.db_failing is true while commits fail or there is no room,
 * and changes nowhere else.
 */
#include "orchestrator/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "orchestrator/attempt.h"

enum {
	LOOK_MS = 5000,
	AGAIN_MS = 1000, /* while there is none */
	ROOM_BYTES = 1 << 20,
	PROBE_BYTES = 64 << 10
};

/* Those that wait with what they have, not to lose it. */
static void go_on(struct daemon *d)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		const struct live_job *lj = d->machines[i]->job;

		if (lj && lj->attempt && lj->attempt->agent)
			attempt_raw_again(lj->attempt->agent);
	}
	daemon_dispatch(d);
	resolve_next(d);
}

static void update(struct daemon *d)
{
	bool was = d->db_failing;

	d->db_failing = d->commit_failing || d->no_room;
	if (was && !d->db_failing) {
		log_info("database: works again");
		go_on(d);
	}
}

static void fails(struct daemon *d, bool *flag, const struct err *why)
{
	if (!*flag)
		log_error("database: %s; nothing is started until it works",
		    why->msg);
	*flag = true;
	(void)snprintf(d->problem, sizeof(d->problem), "%s", why->msg);
	update(d);
}

/* ---- looking ---------------------------------------------------------- */

static int look_free(const char *dir, struct err *err)
{
	struct statvfs st;
	int64_t left;

	if (statvfs(dir, &st) < 0)
		return err_errno(err, errno, "%s", dir);
	left = (int64_t)(st.f_bavail * st.f_frsize);
	if (left >= ROOM_BYTES)
		return 0;
	(void)err_set(err, ERR_IO,
	    "%s: no room: %lld KiB are free, %d KiB are needed", dir,
	    (long long)left / 1024, ROOM_BYTES / 1024);
	err->code = ENOSPC;
	return -ERR_IO;
}

/* A quota, say, is seen by writing only. */
static int probe(const char *dir, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	scoped(free) char *zeros = xcalloc(1, PROBE_BYTES);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", dir);
	r = fs_write_all(fd, zeros, PROBE_BYTES, err);
	if (r < 0)
		return err_prefix(err, "%s: no room", dir);
	return fsync(fd) < 0 ? err_errno(err, errno, "%s", dir) : 0;
}

bool room_look(struct daemon *d)
{
	struct err err = ERR_INIT;
	int r = look_free(d->opts->dir, &err);

	if (r == 0 && d->no_room)
		r = probe(d->opts->dir, &err);
	if (r < 0) {
		fails(d, &d->no_room, &err);
	} else if (d->no_room) {
		d->no_room = false;
		update(d);
	}
	return r == 0;
}

static void on_timer(void *arg)
{
	struct daemon *d = arg;
	bool room = room_look(d);

	loop_timer_at(
	    d->room_timer, loop_now_ms(d->loop) + (room ? LOOK_MS : AGAIN_MS));
}

/* ---- what others find -------------------------------------------------- */

bool room_is_short(const struct err *err)
{
	return err->code == ENOSPC || err->code == EDQUOT;
}

void room_lost(struct daemon *d, const struct err *why)
{
	if (!room_is_short(why))
		return;
	fails(d, &d->no_room, why);
	if (d->room_timer) /* not while the daemon stops */
		loop_timer_at(d->room_timer, loop_now_ms(d->loop) + AGAIN_MS);
}

void room_commits(struct daemon *d, const struct err *err)
{
	if (err) {
		fails(d, &d->commit_failing, err);
		return;
	}
	d->commit_failing = false;
	update(d);
}

int room_check(const struct daemon *d, struct err *err)
{
	if (!d->db_failing)
		return 0;
	return err_set(
	    err, ERR_IO, "nothing can be stored now: %s", d->problem);
}

int room_at_start(const char *dir, struct err *err)
{
	/* A folder that is not there yet is somebody else's to make. */
	return access(dir, F_OK) < 0 ? 0 : look_free(dir, err);
}

void room_start(struct daemon *d)
{
	d->room_timer = loop_timer_new(d->loop, on_timer, d);
	on_timer(d);
}

void room_stop(struct daemon *d)
{
	loop_timer_free(d->room_timer);
	d->room_timer = NULL;
}
