/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw outputs of a benchmark: fetched one after the other when the agent has
 * ended, each a synced file of the store before its row. Only then the verdict
 * is recorded, so every number that counts can be read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "orchestrator/attempt_agent.h"
#include "orchestrator/room.h"

static int keep_file(
    struct agent_run *run, const struct raw_file *f, struct err *err)
{
	struct db_tx *tx;
	struct db_attempt_file row = {
	    .attempt_id = run->a->lj->job.attempt_id,
	    .name = f->name,
	    .size = f->size,
	};
	int r;

	if (!hash_unhex(f->sha256, row.sha256, HASH_BYTES))
		return err_set(err, ERR_PROTO, "%s: bad hash", f->name);
	if (fsync(run->fetch_fd) < 0)
		return err_errno(err, errno, "sync %s", run->fetch_path);
	fd_done(&run->fetch_fd);
	r = db_file_adopt(
	    run->a->d->opts->dir, run->fetch_path, row.sha256, err);
	if (r < 0)
		return r;
	tx = db_tx_new(run->a->d->db);
	db_tx_attempt_file(tx, &row);
	db_tx_post(tx, NULL, NULL);
	return 0;
}

/* It stays where it is, the agent forgets nothing: see attempt_raw_again(). */
static void wait_for_room(struct agent_run *run, const struct err *why)
{
	scoped(free) char *text =
	    xasprintf("no room for raw outputs: %s", why->msg);

	run->no_room = true;
	attempt_doing(run, text);
	room_lost(run->a->d, why);
}

static void not_kept(struct agent_run *run, const struct err *why)
{
	if (room_is_short(why))
		wait_for_room(run, why);
	else
		attempt_gap(run->a, why->msg);
}

static void on_fetched(void *arg, int r, const struct err *err)
{
	struct agent_run *run = arg;
	struct raw_file *f = &run->files[run->n_fetched];
	struct err mine = ERR_INIT;

	if (run->a->over)
		return;
	if (r < 0 && room_is_short(err)) {
		wait_for_room(run, err);
		return;
	}
	if (r < 0) {
		attempt_error(run->a, LAYER_AGENT, "raw output %s: %s", f->name,
		    err->msg);
		return;
	}
	if (keep_file(run, f, &mine) < 0) {
		not_kept(run, &mine);
		return;
	}
	run->n_fetched++;
	attempt_raw_collect(run);
}

static int open_fetch(struct agent_run *run, struct err *err)
{
	scoped(free) char *tmp = xasprintf("%s/tmp", run->a->d->opts->dir);
	int r = fs_mkdirs(tmp, 0700, err);

	if (r < 0)
		return r;
	free(run->fetch_path);
	run->fetch_path = xasprintf("%s/attempt-%lld-%zu", tmp,
	    (long long)run->a->lj->job.attempt_id, run->n_fetched);
	fd_done(&run->fetch_fd);
	run->fetch_fd =
	    open(run->fetch_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (run->fetch_fd < 0)
		return err_errno(err, errno, "%s", run->fetch_path);
	return 0;
}

void attempt_raw_collect(struct agent_run *run)
{
	struct err err = ERR_INIT;
	const struct raw_file *f;

	if (run->n_fetched == run->n_files) {
		attempt_end(run->a, run->verdict, run->text);
		return;
	}
	f = &run->files[run->n_fetched];
	attempt_doing(run, "fetching raw outputs");
	if (open_fetch(run, &err) < 0)
		not_kept(run, &err);
	else
		agentlink_fetch(run->link, f->sha256, f->size, run->fetch_fd,
		    on_fetched, run);
}

void attempt_raw_again(struct agent_run *run)
{
	if (!run->no_room)
		return;
	run->no_room = false;
	if (!run->a->over)
		attempt_raw_collect(run);
}
