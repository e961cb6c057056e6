/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a host's name to a connected socket: each address is tried in turn.
 *
 * libuv's lookup cannot always be stopped, so the memory may outlive
 * ssh_dial_free() until it is over; dial->cb is NULL then.
 */
#include <netdb.h>
#include <stdio.h>
#include <uv.h>

#include "base/mem.h"
#include "orchestrator/ssh_private.h"

struct ssh_dial {
	uv_getaddrinfo_t resolve;
	bool resolving;
	struct loop *loop;
	struct addrinfo *list;
	struct addrinfo *next;
	struct ssh_socket *socket;
	/* NULL: nobody is interested any more. */
	void (*cb)(void *arg, struct ssh_socket *socket, const struct err *err);
	void *arg;
	struct err err; /* of the last address */
};

static void on_socket(void *arg);

static void finish(struct ssh_dial *dial)
{
	struct ssh_socket *socket = dial->socket;

	dial->socket = NULL;
	dial->cb(dial->arg, socket, &dial->err);
}

static void try_next(struct ssh_dial *dial)
{
	while (dial->next) {
		struct addrinfo *a = dial->next;
		int r = ssh_socket_open(dial->loop, a->ai_addr, a->ai_addrlen,
		    on_socket, dial, &dial->socket);

		dial->next = a->ai_next;
		if (r == 0)
			return;
		(void)err_errno(&dial->err, -r, "connect");
	}
	finish(dial);
}

static void on_socket(void *arg)
{
	struct ssh_dial *dial = arg;
	struct ssh_socket *s = dial->socket;

	if (ssh_socket_is_connected(s)) {
		finish(dial);
	} else if (ssh_socket_is_over(s)) {
		(void)err_errno(&dial->err, ssh_socket_errno(s), "connect");
		ssh_socket_close(s);
		dial->socket = NULL;
		try_next(dial);
	}
}

static void on_resolved(
    uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct ssh_dial *dial = req->data;

	dial->resolving = false;
	if (!dial->cb) {
		if (list)
			freeaddrinfo(list);
		free(dial);
		return;
	}
	dial->list = dial->next = list;
	if (status < 0)
		(void)err_set(&dial->err, ERR_UNREACH, "look up: %s",
		    uv_strerror(status));
	try_next(dial);
}

/* An address that is one already does not wait for libuv's shared threads. */
static bool is_address(
    const char *host, const char *service, struct addrinfo **ret)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};

	return getaddrinfo(host, service, &hints, ret) == 0;
}

struct ssh_dial *ssh_dial_new(struct loop *loop, const char *host,
    uint16_t port,
    void (*cb)(void *arg, struct ssh_socket *socket, const struct err *err),
    void *arg)
{
	const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct ssh_dial *dial = xcalloc(1, sizeof(*dial));
	char service[8];
	int r;

	dial->loop = loop;
	dial->cb = cb;
	dial->arg = arg;
	dial->resolve.data = dial;
	(void)snprintf(service, sizeof(service), "%d", port);
	if (is_address(host, service, &dial->list)) {
		dial->next = dial->list;
		try_next(dial);
		return dial;
	}
	r = uv_getaddrinfo(
	    loop_uv(loop), &dial->resolve, on_resolved, host, service, &hints);
	dial->resolving = r == 0;
	if (r < 0) {
		(void)err_set(
		    &dial->err, ERR_UNREACH, "look up: %s", uv_strerror(r));
		finish(dial);
	}
	return dial;
}

void ssh_dial_free(struct ssh_dial *dial)
{
	if (!dial)
		return;
	dial->cb = NULL;
	ssh_socket_close(dial->socket);
	dial->socket = NULL;
	if (dial->list)
		freeaddrinfo(dial->list);
	dial->list = NULL;
	if (!dial->resolving) {
		free(dial);
		return;
	}
	/* If it runs already, its callback comes when it is done. */
	(void)uv_cancel((uv_req_t *)&dial->resolve);
}
