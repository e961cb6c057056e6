/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One SSH connection to a machine, in the loop, with several commands at once.
 *
 * The machine is known by its pinned host key and knows us by a key file;
 * there are no passwords, no agent and no known_hosts. Nothing here blocks, and
 * no callback runs inside a call of the owner's.
 */
#ifndef ORCHESTRATOR_SSH_H
#define ORCHESTRATOR_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/loop.h"

/* Which of a machine's host keys the pinned one is. */
enum ssh_key_kind {
	SSH_KEY_ED25519,
	SSH_KEY_ECDSA,
	SSH_KEY_KINDS
};

/* A machine's `ssh:` section, complete. Strings are owned. */
struct ssh_options {
	char *host; /* name or address */
	uint16_t port;
	char *user;
	char *key;      /* path of the private key */
	char *host_key; /* "SHA256:" and 43 characters, as OpenSSH prints it */
	enum ssh_key_kind first; /* is asked for first; see ssh_key_kind() */
};

void ssh_options_done(struct ssh_options *opts);
void ssh_options_copy(struct ssh_options *to, const struct ssh_options *from);
/*
 * Reads a machine's `ssh:` section; what it lacks is taken from defaults (the
 * lab file's defaults.ssh, or NULL). dir is the lab file's folder: a relative
 * path of a key starts there. The key file must be there and closed to others.
 * With ret == NULL it only checks. Errors: INVAL with position.
 */
int ssh_section_check(const struct conf_node *section,
    const struct conf_node *defaults, const char *dir, struct ssh_options *ret,
    struct err *err);

/* ---- a connection -------------------------------------------------------- */

struct ssh;

struct ssh_ops {
	/* Both ends know each other; commands begin. */
	void (*on_up)(void *arg);
	/*
	 * The connection could not be made, or is lost. Once, last of all, when
	 * every channel has had its on_end. Errors: UNREACH (refused, closed),
	 * TIMEOUT (the deadline passed, or the machine fell silent), DENIED
	 * (another host key, or our key is not accepted), INVAL (our key cannot
	 * be used), PROTO, LIMIT (it makes us hold too much memory).
	 */
	void (*on_down)(void *arg, const struct err *err);
};

/*
 * Begins to connect; it must be up by the deadline (monotonic). opts is copied,
 * ops borrowed. Caller ends it with ssh_close(), also after on_down.
 */
struct ssh *ssh_open(struct loop *loop, const struct ssh_options *opts,
    int64_t deadline_ms, const struct ssh_ops *ops, void *arg);
/*
 * Says goodbye, ends every channel and frees; no callback runs any more. May be
 * called in a callback, and must be before loop_free(). NULL is allowed.
 */
void ssh_close(struct ssh *ssh);
bool ssh_is_up(const struct ssh *ssh);
/*
 * The kind of key that was the pinned one. Put into the options, it saves the
 * next connection a dial for the wrong one.
 */
enum ssh_key_kind ssh_key_kind(const struct ssh *ssh);

/* ---- commands ------------------------------------------------------------ */

#define SSH_WRITE_MAX 262144 /* bytes of stdin that wait in a channel */

struct ssh_channel;

struct ssh_channel_ops {
	/* Bytes of its stdout. */
	void (*on_data)(void *arg, const char *data, size_t len);
	/* ssh_channel_write() took less than all, and now has room. */
	void (*on_drain)(void *arg);
	/*
	 * Once, after the last on_data; the channel is gone when this returns.
	 * r = 0 for exit code 0. IO: another exit code (128 + n for signal n)
	 * with the last line of stderr in err. exit_code is -1 for all other
	 * errors: DENIED or PROTO when it could not be started, else those of
	 * on_down.
	 */
	void (*on_end)(void *arg, int r, int exit_code, const struct err *err);
};

/*
 * Runs a command by the user's shell, as soon as the connection is up. ops (in
 * which on_data and on_drain may be NULL) is borrowed. A connection that is
 * down already ends it at once, by on_end.
 */
struct ssh_channel *ssh_exec(struct ssh *ssh, const char *command,
    const struct ssh_channel_ops *ops, void *arg);
/* Queues bytes for its stdin; returns how many were taken. */
size_t ssh_channel_write(struct ssh_channel *c, const void *data, size_t len);
/* Closes its stdin once all is sent. */
void ssh_channel_eof(struct ssh_channel *c);
/* While paused nothing is read, and the machine stops at its window. */
void ssh_channel_pause(struct ssh_channel *c);
void ssh_channel_resume(struct ssh_channel *c);
/*
 * Closes it and forgets: no callback runs any more. The command sees its pipes
 * closed; it is not killed. NULL is allowed.
 */
void ssh_channel_abandon(struct ssh_channel *c);

#endif
