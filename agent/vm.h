/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One boot of one virtual machine: disks made anew, hypervisor started, backend
 * proven, orders given to the guest, raw outputs taken, everything ended.
 *
 * Here, and nowhere else, is decided whose fault a failure is.
 */
#ifndef AGENT_VM_H
#define AGENT_VM_H

#include <stdint.h>

#include "agent/guest.h"
#include "agent/hypervisor/hypervisor.h"
#include "base/child.h"
#include "base/loop.h"

struct vm_ops {
	void (*proven)(void *arg, const char *evidence);
	void (*raw)(void *arg, const struct guest_raw *raw);
	/*
	 * It has ended and nothing of it is left: layer NULL when the guest
	 * said DONE, else "host" (the hypervisor cannot run), "vm" (it died or
	 * did not boot), "guest" (the guest failed or hung). Once; the vm may
	 * be freed in it.
	 */
	void (*end)(void *arg, const char *layer, const char *why);
};

struct vm;

/*
 * Starts the machine; argv is what runs (borrowed until vm_free()). orders is
 * sent once the guest is ready and the backend proven (copied). ops is
 * borrowed. Errors (all of layer host): NOTFOUND, DENIED, LIMIT, IO.
 */
int vm_start(struct loop *loop, const struct vm_config *config, int disk_mib,
    const char *orders, int64_t step_timeout_s, const struct vm_ops *ops,
    void *arg, struct vm **ret, struct err *err);
/* Ends it, because of what it said; `end` follows, with this reason. */
void vm_fail(struct vm *vm, const char *layer, const char *why);
const char *const *vm_argv(const struct vm *vm);
/* Kills it now, without a word. NULL is allowed. */
void vm_free(struct vm *vm);

/* Fills in where kernel, initrd and disks are. Errors: NOTFOUND (a file). */
int vm_configure(const struct spec *spec, const struct spec_step *step,
    struct vm_config *ret, struct err *err);

/*
 * Starts argv bound to this process (see vm_exec()); opts without its argv.
 * Errors: NOTFOUND, DENIED, LIMIT, IO.
 */
int vm_spawn(struct loop *loop, const struct argv *argv,
    struct child_options *opts, struct child **ret, struct err *err);
/*
 * Ends such a child with all that it has started, also what has left its
 * session, and forgets it: no callback is called. It takes some milliseconds,
 * at most 2 s. NULL is allowed.
 */
void vm_abandon(struct child *child);

#endif
