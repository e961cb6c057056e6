/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw outputs that are fetched from an agent, one after the other, over as many
 * connections as it takes.
 */
#ifndef ORCHESTRATOR_SSH_FETCH_H
#define ORCHESTRATOR_SSH_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "orchestrator/ssh_install.h"

/* What one asked for. */
struct ssh_fetch {
	struct ssh_fetch *next;
	char sha256[HASH_HEX + 1];
	int64_t size;
	int fd; /* borrowed */
	int64_t at;
	int failures;
	struct hash *hash; /* of the first `at` bytes; NULL: it is over */
	void (*done)(void *arg, int r, const struct err *err);
	void *arg;
};

struct ssh_fetcher_ops {
	/*
	 * The first one is over; what became of it is for its done(). The
	 * callback's to free, and so is the fetcher.
	 */
	void (*on_done)(
	    void *arg, struct ssh_fetch *f, int r, const struct err *err);
	/* The connection is of no use; it goes on with the next. */
	void (*on_lost)(void *arg, const struct err *err);
};

struct ssh_fetcher;

/* install is borrowed, and so are ops. Caller frees. */
struct ssh_fetcher *ssh_fetcher_new(struct loop *loop,
    struct ssh_install *install, const struct ssh_fetcher_ops *ops, void *arg);
void ssh_fetcher_free(struct ssh_fetcher *q);
/* Another one; copied, with size, fd, done and arg set. */
void ssh_fetcher_add(struct ssh_fetcher *q, const struct ssh_fetch *f);
/* Goes on, on this connection, with the agent installed. */
void ssh_fetcher_begin(struct ssh_fetcher *q, struct ssh *ssh);
/* The connection goes; before it is closed. */
void ssh_fetcher_stop(struct ssh_fetcher *q);
bool ssh_fetcher_is_idle(const struct ssh_fetcher *q);
/* Takes the first one out, stopped before; NULL if there is none. */
struct ssh_fetch *ssh_fetcher_take(struct ssh_fetcher *q);
void ssh_fetch_free(struct ssh_fetch *f);

#endif
