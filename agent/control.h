/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of a hypervisor's control socket, which may not be there yet. */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stddef.h>

#include "base/err.h"
#include "base/loop.h"

struct control;

/*
 * Connects to path, trying again until CONTROL_DIAL_MS have passed. on_line
 * gets each line without its end; on_lost is called once when the connection
 * cannot be had or has ended. Neither may free it.
 */
#define CONTROL_DIAL_MS 20000
struct control *control_new(struct loop *loop, const char *path,
    void (*on_line)(void *arg, const char *line, size_t len),
    void (*on_lost)(void *arg, const struct err *err), void *arg);
void control_write(struct control *c, const void *data, size_t len);
/* No callback follows. NULL is allowed. */
void control_free(struct control *c);

#endif
