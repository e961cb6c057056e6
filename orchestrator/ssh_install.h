/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts what an attempt needs onto a machine: ironbench-agent itself, and files.
 *
 * Everything has its SHA-256 in its name on the machine, so nothing is ever
 * replaced, and what is there is not sent again. It works over as many
 * connections as it takes and begins where it was.
 */
#ifndef ORCHESTRATOR_SSH_INSTALL_H
#define ORCHESTRATOR_SSH_INSTALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "orchestrator/ssh.h"

#define SSH_INSTALL_FILES_MAX 256

struct ssh_install_file {
	const char *name; /* in messages */
	const char *path; /* here */
	int64_t size;
	char sha256[HASH_HEX + 1]; /* lower case */
};

struct ssh_install_options {
	struct ssh_install_file agent;
	const char *dir; /* the agent's folder there; NULL: its own default */
	const struct ssh_install_file *files;
	size_t n_files; /* at most SSH_INSTALL_FILES_MAX */
	/* What goes on; total 0: no count. */
	void (*on_progress)(
	    void *arg, const char *text, int64_t done, int64_t total);
	/*
	 * Everything is there, or not: a temporary error is worth another
	 * connection; for others layer says whose fault it is ("host",
	 * "harness").
	 */
	void (*on_done)(
	    void *arg, int r, const char *layer, const struct err *err);
	void *arg;
};

struct ssh_install;

/* Strings and files are copied. Caller frees. */
struct ssh_install *ssh_install_new(
    struct loop *loop, const struct ssh_install_options *opts);
void ssh_install_free(struct ssh_install *in); /* NULL is allowed */
/* Goes on, on this connection; on_done follows, never inside the call. */
void ssh_install_begin(struct ssh_install *in, struct ssh *ssh);
/* The connection goes; before it is closed. No on_done for it. */
void ssh_install_stop(struct ssh_install *in);
/* The machine may have lost all: look again next time. */
void ssh_install_doubt(struct ssh_install *in);
/* A command of the installed agent, for ssh_exec(). Caller frees. */
char *ssh_install_command(const struct ssh_install *in, const char *words);

#endif
