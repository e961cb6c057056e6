/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The serial console of a machine: one interface, one row per driver.
 */
#ifndef ORCHESTRATOR_CONSOLE_H
#define ORCHESTRATOR_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/loop.h"

struct console;

struct console_ops {
	/* Bytes as they arrive; at_ms is the wall clock. */
	void (*on_data)(void *arg, const char *data, size_t len, int64_t at_ms);
	/*
	 * up: connected, nothing printed from now on is missed. Down: the
	 * line is at its end or broken, or there was none to begin with; err
	 * says why. It is dialled again after 0.1, 0.2, 0.4, ... 2 s (a socket
	 * of this computer at least every 0.2 s: it appears with the machine)
	 * until console_close(), silently until it is up.
	 */
	void (*on_state)(void *arg, bool up, const struct err *err);
};

/*
 * Reads a machine's `console:` section (dir: folder of the lab file), and
 * with ret == NULL only checks it. Without a section (NULL) the driver is none.
 * Errors: INVAL with position.
 */
int console_new(struct loop *loop, const char *dir,
    const struct conf_node *section, struct console **ret, struct err *err);
/* Closes it too; before loop_free(). NULL is allowed. */
void console_free(struct console *c);

/* False for driver none: there is no console. */
bool console_exists(const struct console *c);
/*
 * Connects; on_state follows, never inside the call. Opened while the machine
 * is off. A console that is open is closed first. ops is borrowed. A callback
 * may close or free the console.
 */
void console_open(struct console *c, const struct console_ops *ops, void *arg);
/* Disconnects; no callback runs any more. Idempotent. */
void console_close(struct console *c);
bool console_is_up(const struct console *c);
/*
 * Bytes to the machine (copied); dropped while the line is down, or when 64 KiB
 * wait already.
 */
void console_write(struct console *c, const void *data, size_t len);

#endif
