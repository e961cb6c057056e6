/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console behind a Unix stream socket, as QEMU offers it. */
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "orchestrator/console/driver.h"

static int socket_open(const char *dir, const struct conf_node *section,
    struct console_address *ret, struct err *err)
{
	static const char *const keys[] = {"driver", "baud", "path"};
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	const char *path = NULL;
	int r;

	r = conf_only(section, "console", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(section, "path", CONF_REQUIRED, &path, err);
	if (r < 0)
		return r;
	ret->path =
	    *path == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
	ret->name = xstrdup(ret->path);
	if (!*path)
		return conf_error(conf_get(section, "path"), err,
		    "path: empty; the path of a socket is needed");
	if (strlen(ret->path) > max)
		return conf_error(conf_get(section, "path"), err,
		    "path: %s has %zu bytes; the path of a socket has at most "
		    "%zu",
		    ret->path, strlen(ret->path), max);
	return 0;
}

static void on_connect(uv_connect_t *req, int status)
{
	struct console_dial *dial = req->data;

	if (status != UV_ECANCELED)
		dial->done(dial, status);
}

static int socket_dial(uv_loop_t *loop, const struct console_address *to,
    struct console_dial *dial)
{
	int r = uv_pipe_init(loop, &dial->handle.pipe, 0);

	dial->connect.data = dial;
	/* Its failures come by the callback. */
	if (r == 0)
		uv_pipe_connect(
		    &dial->connect, &dial->handle.pipe, to->path, on_connect);
	return r;
}

const struct console_driver console_socket = {
    .name = "socket",
    .redial_max_ms = 200,
    .open = socket_open,
    .dial = socket_dial,
};
