/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * series_gen DIR: makes a database with the history of series_world.h in a
 * folder, for a daemon to start on. Prints the id of its first run.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tests/unit/series_world.h"

#define PATIENCE_MS 60000

struct gen {
	struct db *db;
	int wake_fd;
	bool failed;
};

static void wake(void *arg)
{
	const struct gen *g = arg;

	(void)eventfd_write(g->wake_fd, 1); /* full: it is awake */
}

static void health(void *arg, const struct err *err)
{
	struct gen *g = arg;

	if (err)
		(void)fprintf(stderr, "series_gen: %s\n", err->msg);
	g->failed = g->failed || err;
}

static void commit(void *arg, struct db_tx *tx)
{
	struct gen *g = arg;
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = {g->wake_fd, POLLIN, 0};
	eventfd_t n;

	db_tx_post(tx, NULL, NULL);
	while (db_pending(g->db)) {
		if (clock_mono_ms() > deadline_ms)
			abort();
		(void)poll(&p, 1, 100);
		(void)eventfd_read(g->wake_fd, &n); /* may be 0 already */
		db_dispatch(g->db);
	}
}

int main(int argc, char **argv)
{
	struct gen g = {.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	struct db_ops ops = {.wake = wake, .health = health, .arg = &g};
	struct err err = ERR_INIT;
	int64_t first = 0;

	if (argc != 2 || g.wake_fd < 0) {
		(void)fprintf(stderr, "usage: series_gen DIR\n");
		return 2;
	}
	hash_init();
	if (db_open(argv[1], &ops, &g.db, &err) < 0) {
		(void)fprintf(stderr, "series_gen: %s\n", err.msg);
		return 1;
	}
	world_history_put(g.db, commit, &g, &first);
	db_close(g.db);
	(void)close(g.wake_fd);
	(void)printf("%" PRId64 "\n", first);
	return g.failed ? 1 : 0;
}
