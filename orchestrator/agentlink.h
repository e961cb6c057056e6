/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything between the daemon and the agent of one attempt on one machine.
 *
 * It connects by SSH, installs the agent and the files of the specification,
 * attaches, carries the wire, and fetches raw outputs beside it. A lost
 * connection is dialled again after 0.1 .. 5 s, for ever: how long an attempt
 * may take is the caller's business.
 */
#ifndef ORCHESTRATOR_AGENTLINK_H
#define ORCHESTRATOR_AGENTLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire.h"
#include "base/err.h"
#include "base/loop.h"
#include "orchestrator/ssh.h"
#include "orchestrator/ssh_install.h"

struct agentlink;

/*
 * Called from the loop only, never inside a call of the caller's. They may call
 * anything here, agentlink_free() too; then no other callback follows. What
 * they get is borrowed. on_lost and on_progress may be NULL.
 */
struct agentlink_ops {
	/*
	 * Linked: everything is installed and both ends agree. Again after
	 * every loss.
	 */
	void (*on_ready)(void *arg, const struct wire_hello *h);
	/*
	 * The next event, each once and in order: store its effect and *after
	 * in one batch; when that is durable, call agentlink_durable().
	 */
	void (*on_event)(void *arg, const struct wire_event *e,
	    const struct wire_resume *after);
	/* start, cancel, reboot or forget was answered; once each. */
	void (*on_answer)(void *arg, const struct wire_answer *a);
	/*
	 * The attempt cannot go on: layer is "ssh" (the machine or its login
	 * is not what the lab file says), "host", "agent" or "harness". Once;
	 * nothing follows but fetches that end. Free it then.
	 */
	void (*on_fail)(void *arg, const char *layer, const char *why);
	/* The connection is lost or was not to be had: dialled in wait_ms. */
	void (*on_lost)(void *arg, const struct err *why, int64_t wait_ms);
	/* What goes on, for people; total is in bytes, 0: no count. */
	void (*on_progress)(
	    void *arg, const char *text, int64_t done, int64_t total);
};

/* Everything is copied, but ops. */
struct agentlink_options {
	struct ssh_options ssh;
	struct ssh_install_file agent; /* the program ironbench-agent, static */
	const char *dir; /* its folder on the machine; NULL: its default */
	const struct ssh_install_file *files; /* of the specification */
	size_t n_files;
	/* As in wire_daemon_options. */
	const char *lab;
	int64_t fence;
	int64_t attempt;
	struct wire_resume resume;
	const char *boot;
	bool started; /* files are not looked for again then */
	bool reboot_planned;
	const struct agentlink_ops *ops; /* borrowed */
	void *arg;
};

/* Begins to dial. Caller frees, before loop_free(). */
struct agentlink *agentlink_new(
    struct loop *loop, const struct agentlink_options *opts);
/*
 * Closes the connection; the agent goes on. No callback runs any more, of
 * fetches neither. NULL is allowed.
 */
void agentlink_free(struct agentlink *l);
SCOPED_DEFINE(struct agentlink, agentlink_free);

bool agentlink_is_ready(const struct agentlink *l);
/* Events up to s are on disk. */
void agentlink_durable(struct agentlink *l, int64_t s);
/*
 * Commands as in agent/wire.h: said again until answered. start errors: INVAL,
 * LIMIT.
 */
int agentlink_start(struct agentlink *l, const char *spec, struct err *err);
void agentlink_cancel(struct agentlink *l, const char *why);
void agentlink_reboot(struct agentlink *l, int n, const char *next_step);
void agentlink_forget(struct agentlink *l);

/*
 * Fetches a raw output (at most size bytes, SHA-256 in lower-case hexadecimal)
 * into fd, which is at its beginning, empty and borrowed until done. One at a
 * time in the order asked for, over as many connections as it takes; each
 * begins where the last ended. r = 0: it is whole and verified. Errors: IO (the
 * agent cannot give it, or fd cannot take it), PROTO (it is not what was said);
 * what fd holds is then of no use.
 */
void agentlink_fetch(struct agentlink *l, const char *sha256, int64_t size,
    int fd, void (*done)(void *arg, int r, const struct err *err), void *arg);

#endif
