/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a console driver is: a way to connect. The line itself, once it is
 * there, is a stream and the same for all of them (console.c).
 */
#ifndef ORCHESTRATOR_CONSOLE_DRIVER_H
#define ORCHESTRATOR_CONSOLE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "orchestrator/console.h"

/* One connection and the way to it. */
struct console_dial {
	union {
		uv_handle_t any;
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	} handle; /* .any.data belongs to console.c */
	uv_connect_t connect;
	uv_getaddrinfo_t resolve;
	bool resolving; /* the memory is in use until this is over */
	/*
	 * The driver calls it once, never inside dial(), if the handle is not
	 * closed before; 0 or a code of libuv.
	 */
	void (*done)(struct console_dial *dial, int status);
};

/* What a section says; both strings belong to it. */
struct console_address {
	char *path; /* of the socket, or the host */
	uint16_t port;
	char *name; /* in messages */
};

struct console_driver {
	const char *name;
	int64_t redial_max_ms;
	/* Fills in the address. Errors: INVAL with position. */
	int (*open)(const char *dir, const struct conf_node *section,
	    struct console_address *ret, struct err *err);
	/*
	 * Initialises the handle and begins. NULL: there is no console. A code
	 * of libuv if that failed; the handle is to be closed in any case.
	 */
	int (*dial)(uv_loop_t *loop, const struct console_address *to,
	    struct console_dial *dial);
};

extern const struct console_driver console_none;
extern const struct console_driver console_socket;
extern const struct console_driver console_tcp;

#endif
