/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One command on a connection, with a file at its stdin or its stdout, and an
 * eye on whether anything moves.
 */
#ifndef ORCHESTRATOR_SSH_RUN_H
#define ORCHESTRATOR_SSH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "orchestrator/ssh.h"

/* Nothing moves for so long: it is given up. */
#define SSH_RUN_STALL_MS 30000

struct ssh_run_options {
	const char *command;
	size_t output_max; /* of stdout, which is collected; over it: LIMIT */
	/*
	 * Its stdin: the bytes of a file up to source_size, from the offset
	 * that the command says in its first line of stdout; or nothing.
	 */
	int source_fd; /* borrowed; -1: none */
	int64_t source_size;
	/* Where stdout goes instead, up to sink_size: more of it is PROTO. */
	int sink_fd; /* borrowed; -1: none */
	int64_t sink_at;
	int64_t sink_size;
	struct hash *sink_hash; /* what is written is added; borrowed */
	int64_t finish_ms;      /* patience once all of the source is sent */
	/* The offset that was reached, in source or sink. May be NULL. */
	void (*on_moved)(void *arg, int64_t at);
	/*
	 * Once; the run is gone when it returns. r and exit_code as for a
	 * channel, and TIMEOUT (nothing moved), LIMIT, PROTO, or what reading
	 * or writing the file gave, all with exit_code -1. out is the collected
	 * stdout, with a zero byte after it; borrowed.
	 */
	void (*on_end)(void *arg, int r, int exit_code, const char *out,
	    const struct err *err);
	void *arg;
};

struct ssh_run;

struct ssh_run *ssh_run(
    struct loop *loop, struct ssh *ssh, const struct ssh_run_options *opts);
/* No callback any more; before the connection is closed. NULL is allowed. */
void ssh_run_abandon(struct ssh_run *run);

#endif
