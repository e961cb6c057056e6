/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hypervisors: how a virtual machine is started, and how it is known which
 * backend really runs it. A driver is one file and one row of the table.
 */
#ifndef AGENT_HYPERVISOR_HYPERVISOR_H
#define AGENT_HYPERVISOR_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spec.h"
#include "base/buf.h"
#include "base/err.h"

/* A growing argument vector, always NULL-terminated. */
struct argv {
	char **v;
	size_t n;
};
void argv_add(struct argv *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void argv_done(struct argv *a);

struct vm_disk {
	const char *controller;
	char path[64];
};

/* A virtual machine to be. Paths are relative to the agent's folder. */
struct vm_config {
	const struct spec_variant *variant;
	const struct spec_guest *guest;
	char kernel[80];
	char initrd[80]; /* "" if none */
	struct vm_disk disks[4];
	int n_disks;
	bool direct; /* the folder's file system takes O_DIRECT */
};

/* A conversation with a hypervisor that is under way. Zero at first. */
struct proof {
	int stage;
	bool enabled;
	bool present;
	char version[32];
	int n_threads; /* distinct ones that run virtual processors */
	int n_cpus;
};

struct hypervisor {
	const char *name;
	const char *program;        /* looked up in PATH */
	const char *version_option; /* it says what it is, in its first line */
	const char *control_socket; /* it listens there; serial is stdio */
	/*
	 * Whether backend and options can be had on this host; opens devices,
	 * starts nothing. Errors: INVAL (no such backend), NOTFOUND, DENIED.
	 */
	int (*check)(const struct spec_variant *v, struct err *err);
	void (*command)(const struct vm_config *c, struct argv *ret);
	/*
	 * How the trial's kernel is booted with the backend of v; serial is
	 * stdio. NULL: there is no backend kvm.
	 */
	void (*trial)(
	    const struct spec_variant *v, const char *kernel, struct argv *ret);
	/*
	 * One line from the control socket. Returns 0 to go on (what is in
	 * reply is sent), 1 when the backend is proven (what it is known by is
	 * in evidence). Errors: CONFLICT (another backend runs), PROTO.
	 */
	int (*prove)(const struct vm_config *c, struct proof *p,
	    const char *line, size_t len, struct buf *reply,
	    struct buf *evidence, struct err *err);
};

extern const struct hypervisor hypervisor_qemu;

/* NULL if there is no driver of that name. */
const struct hypervisor *hypervisor_find(const char *name);

#endif
