/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real sshd of the test's own, and a proxy that cuts connections.
 *
 * sshd's configuration, keys and log are in a temporary folder; it listens on a
 * loopback port of its own and ends with its process id.
 */
#ifndef TESTS_UNIT_SSH_KIT_H
#define TESTS_UNIT_SSH_KIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "orchestrator/ssh.h"

enum {
	KIT_PATIENCE_MS = 60000
};

struct sshd {
	char dir[32];
	char sshd[64]; /* path; "": there is none */
	char user[64];
	int port;
	pid_t pid;
	int log_fd;
	char print_ed25519[64];
	char print_ecdsa[64];
};

/* extra: lines of sshd_config, or "". False: no sshd on this computer. */
bool sshd_start(struct sshd *s, const char *extra);
/* SIGKILL to it and to the processes of its connections. */
void sshd_kill(struct sshd *s);
/* Starts it again on the same port with the same keys. */
void sshd_again(struct sshd *s);
void sshd_stop(struct sshd *s);
/* Options that are right for it. */
void sshd_options(const struct sshd *s, struct ssh_options *ret);
/* Runs a program and waits; its exit code. */
int kit_run(const char *const *argv);

/* ---- cut_proxy.c --------------------------------------------------------- */

struct cut_proxy {
	pid_t pid;
	int port;
};

/*
 * Listens on a loopback port and passes everything to target_port. Each
 * connection is cut after cut_bytes of both directions together (0: never), and
 * the next is accepted.
 */
void cut_proxy_start(struct cut_proxy *p, int target_port, int64_t cut_bytes);
/* Cuts all connections now. */
void cut_proxy_cut(const struct cut_proxy *p);
/* Passes nothing on, without a word, until it is said again. */
void cut_proxy_freeze(const struct cut_proxy *p);
void cut_proxy_stop(struct cut_proxy *p);

/* A listening loopback socket; its port in ret_port. */
int kit_listen(int *ret_port);

#endif
