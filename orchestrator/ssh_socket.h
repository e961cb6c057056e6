/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TCP connection between two bounded buffers.
 *
 * libssh2 cannot be asked for another packet while one is half sent, nor can it
 * be made to read without a channel that wants to. With a buffer on either side
 * it never meets a socket that is full, and the end of a connection is seen
 * even when nobody reads.
 */
#ifndef ORCHESTRATOR_SSH_SOCKET_H
#define ORCHESTRATOR_SSH_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/loop.h"

/* Bytes waiting to be sent from which one writes no more. */
#define SSH_SOCKET_BUSY 262144

struct ssh_socket;

/*
 * Begins to connect. cb runs when it is connected, when bytes came or went,
 * and at its end; never inside a call. Returns 0 or an errno, negative.
 */
int ssh_socket_open(struct loop *loop, const struct sockaddr *addr,
    socklen_t addr_len, void (*cb)(void *arg), void *arg,
    struct ssh_socket **ret);
/* Another is to be called from now on. */
void ssh_socket_set_cb(struct ssh_socket *s, void (*cb)(void *arg), void *arg);
/* What waits is sent if it can be at once. NULL is allowed. */
void ssh_socket_close(struct ssh_socket *s);
bool ssh_socket_is_connected(const struct ssh_socket *s);
/* True when nothing more can be received than is buffered already. */
bool ssh_socket_is_over(const struct ssh_socket *s);
/* Why it is over: an errno; 0: the other end closed it. */
int ssh_socket_errno(const struct ssh_socket *s);
int ssh_socket_fd(const struct ssh_socket *s);
/* When bytes came last, or none were wanted (monotonic). */
int64_t ssh_socket_heard_ms(const struct ssh_socket *s);
/* Received bytes; -EAGAIN without any, also at the end. */
ssize_t ssh_socket_recv(struct ssh_socket *s, void *to, size_t len);
/* Queues all of the bytes; -ENOBUFS over the ceiling. */
ssize_t ssh_socket_send(struct ssh_socket *s, const void *data, size_t len);
/* Bytes that are not sent yet. */
size_t ssh_socket_waiting(const struct ssh_socket *s);
void ssh_socket_flush(struct ssh_socket *s);

#endif
