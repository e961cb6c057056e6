/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of ssh.h share. */
#ifndef ORCHESTRATOR_SSH_PRIVATE_H
#define ORCHESTRATOR_SSH_PRIVATE_H

#include <libssh2.h>

#include "base/buf.h"
#include "orchestrator/ssh.h"
#include "orchestrator/ssh_socket.h"

#define SSH_PRINT_LEN 50 /* "SHA256:" and 43 characters */

enum ssh_phase {
	SSH_DIAL, /* looking the name up, connecting */
	SSH_HANDSHAKE,
	SSH_AUTH,
	SSH_UP,
	SSH_DOWN
};

struct ssh_block;
struct ssh_dial;

struct ssh {
	struct loop *loop;
	struct loop_timer *timer;
	struct ssh_options opts;
	char *name; /* "ssh user@host:port", in messages */
	int64_t deadline_ms;
	const struct ssh_ops *ops;
	void *arg;

	enum ssh_phase phase;
	struct ssh_dial *dial; /* the way to a socket; NULL: none begun */
	bool dialled;          /* it ended: socket, or dial_err */
	struct err dial_err;
	struct ssh_socket *socket; /* NULL: none */
	LIBSSH2_SESSION *session;
	struct ssh_block *blocks; /* what libssh2 has allocated */
	size_t held;              /* their bytes */
	unsigned tries;           /* kinds of host key that were asked for */
	char prints[SSH_KEY_KINDS][SSH_PRINT_LEN + 1]; /* seen; "": none */
	struct buf key;                                /* only in SSH_AUTH */
	int64_t probed_ms;
	struct err down; /* why, in SSH_DOWN */

	struct ssh_channel *channels; /* in the order of their making */
	struct ssh_channel *opening;  /* libssh2 opens one at a time */
	size_t moved;                 /* bytes, in this step */
	bool in_step;
	bool kicked; /* a step is wanted soon */
	bool closed; /* by the owner: no callback any more */
};

/* A step soon, never inside this call. */
void ssh_kick(struct ssh *ssh);
/* libssh2's last error r as one of ours, "name: what: its words". */
int ssh_error(struct ssh *ssh, int r, const char *what, struct err *err);
enum ssh_key_kind ssh_kind_now(const struct ssh *ssh);

/* ---- ssh_dial.c: from a name to a socket --------------------------------- */

/*
 * Begins; cb runs once, maybe inside this call, with a connected socket, which
 * is the callback's from then, or NULL and the reason of the last address. It
 * must not free the dial.
 */
struct ssh_dial *ssh_dial_new(struct loop *loop, const char *host,
    uint16_t port,
    void (*cb)(void *arg, struct ssh_socket *socket, const struct err *err),
    void *arg);
/* No callback any more. NULL is allowed. */
void ssh_dial_free(struct ssh_dial *dial);

/* ---- ssh_auth.c: who is who ---------------------------------------------- */

/* The host key algorithms to ask for, in libssh2's words. */
const char *ssh_key_methods(enum ssh_key_kind kind);
/*
 * Compares with the pinned key. 0: it is that. 1: it is another, but the
 * machine may have one of the other kind. Errors: DENIED, PROTO.
 */
int ssh_check_host_key(struct ssh *ssh, struct err *err);
/* The machine has no key of the kind: 1 as above. Errors: DENIED, PROTO. */
int ssh_no_host_key(struct ssh *ssh, struct err *err);
/* 0: we are in. 1: not yet. Errors: DENIED, INVAL, PROTO. */
int ssh_authenticate(struct ssh *ssh, struct err *err);
/*
 * Opens a private key file if nobody else can read it. Errors: NOTFOUND,
 * DENIED, INVAL, LIMIT.
 */
int ssh_key_read(const char *path, struct buf *ret, struct err *err);
/* Makes secret bytes unreadable and frees them. */
void ssh_key_wipe(struct buf *key);

/* ---- ssh_channel.c ------------------------------------------------------- */

/*
 * Moves every channel on; true if anything moved. Errors (the connection is of
 * no use any more): as on_down.
 */
int ssh_channels_step(struct ssh *ssh, bool *ret_moved, struct err *err);
/* Ends every channel with the error of the connection. */
void ssh_channels_end(struct ssh *ssh, const struct err *err);
/* Frees every channel; the session is gone or goes. */
void ssh_channels_free(struct ssh *ssh);

#endif
