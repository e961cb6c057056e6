/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an attempt is measured with, as facts of it: another agent, or another
 * image of its guest, begins a new segment of a series' history
 * (db_env_is_segment()).
 *
 *   agent              version and hash of this program
 *   guest.NAME         hashes of kernel and initrd, as in the specification
 *   hypervisor.NAME    first line of what the program says of itself
 *
 * The tools in the guest tell their versions later, in their outputs.
 */
#ifndef AGENT_VERSIONS_H
#define AGENT_VERSIONS_H

#include "agent/spec.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"

struct versions_ops {
	void (*fact)(void *arg, const char *key, const char *value);
	/*
	 * All are told: r is 0, and nothing of it runs any more; it may be
	 * freed in it. Errors: as of a child (a hypervisor that does not say
	 * what it is).
	 */
	void (*end)(void *arg, int r, const struct err *err);
};

struct versions;

/*
 * Tells the facts, the hypervisors' as they come; spec and ops are borrowed.
 * Errors, without `end`: NOTFOUND, DENIED, LIMIT, IO.
 */
int versions_start(struct loop *loop, const struct spec *spec,
    const struct versions_ops *ops, void *arg, struct versions **ret,
    struct err *err);
/* Kills what runs, without a word. NULL is allowed. */
void versions_free(struct versions *v);
SCOPED_DEFINE(struct versions, versions_free);

#endif
