/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console behind a raw TCP port, as of a terminal server. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/console/driver.h"

enum {
	HOST_MAX = 253,
	KEEPALIVE_S = 30 /* finds out about a server that was switched off */
};

/* "host:port" or "[v6]:port"; false if it is neither. */
static bool split(const char *text, struct console_address *ret)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	int64_t port;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (strcspn(text, ":[] \t/@") != len) {
		return false;
	}
	if (!len || len > HOST_MAX ||
	    str_to_i64(colon + 1, 1, UINT16_MAX, &port, NULL) < 0)
		return false;
	ret->path = xstrndup(text, len);
	ret->port = (uint16_t)port;
	return true;
}

static int tcp_open(const char *dir, const struct conf_node *section,
    struct console_address *ret, struct err *err)
{
	static const char *const keys[] = {"driver", "baud", "host"};
	const char *host = NULL;
	int r;

	(void)dir;
	r = conf_only(section, "console", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(section, "host", CONF_REQUIRED, &host, err);
	if (r < 0)
		return r;
	if (!split(host, ret))
		return conf_error(conf_get(section, "host"), err,
		    "host: %s; ADDRESS:PORT is allowed, an IPv6 address in "
		    "brackets",
		    host);
	ret->name = xstrdup(host);
	return 0;
}

static void on_connect(uv_connect_t *req, int status)
{
	struct console_dial *dial = req->data;

	if (status == UV_ECANCELED)
		return;
	if (status == 0) {
		/* Without these the line works too. */
		(void)uv_tcp_nodelay(&dial->handle.tcp, 1);
		(void)uv_tcp_keepalive(&dial->handle.tcp, 1, KEEPALIVE_S);
	}
	dial->done(dial, status);
}

static int connect_to(struct console_dial *dial, const struct sockaddr *addr)
{
	return uv_tcp_connect(
	    &dial->connect, &dial->handle.tcp, addr, on_connect);
}

static void on_resolved(
    uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct console_dial *dial = req->data;

	dial->resolving = false;
	if (uv_is_closing(&dial->handle.any)) {
		/* Closed meanwhile: done() is how its owner frees it. */
		status = UV_ECANCELED;
	} else if (status == 0) {
		/* The first address: the next dial may get another. */
		status = connect_to(dial, list->ai_addr);
	}
	uv_freeaddrinfo(list);
	if (status != 0)
		dial->done(dial, status);
}

static int tcp_dial(uv_loop_t *loop, const struct console_address *to,
    struct console_dial *dial)
{
	const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	char port[8];
	int r = uv_tcp_init(loop, &dial->handle.tcp);

	dial->connect.data = dial;
	dial->resolve.data = dial;
	if (r < 0)
		return r;
	if (uv_ip4_addr(to->path, to->port, &v4) == 0)
		return connect_to(dial, (const struct sockaddr *)&v4);
	if (uv_ip6_addr(to->path, to->port, &v6) == 0)
		return connect_to(dial, (const struct sockaddr *)&v6);
	(void)snprintf(port, sizeof(port), "%d", to->port);
	r = uv_getaddrinfo(
	    loop, &dial->resolve, on_resolved, to->path, port, &hints);
	dial->resolving = r == 0;
	return r;
}

const struct console_driver console_tcp = {
    .name = "tcp",
    .redial_max_ms = 2000,
    .open = tcp_open,
    .dial = tcp_dial,
};
