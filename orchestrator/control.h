/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's own command line about its state folder: `ironbenchd token`. */
#ifndef ORCHESTRATOR_CONTROL_H
#define ORCHESTRATOR_CONTROL_H

#include "orchestrator/daemon.h"

struct json_t;

/* DIR/control. Caller frees. */
char *control_path(const char *dir);
/*
 * Carries out {"do":"token add|list|revoke", "name", "scopes"} on an open
 * database; what is to be printed goes to out.
 */
int control_do(struct db *db, const struct json_t *request, struct buf *out,
    struct err *err);
/*
 * The command: asks the running daemon, or opens the database itself. Prints
 * the answer alone on standard output; returns the exit code.
 */
int control_command(
    const char *dir, const char *verb, const char *name, const char *scopes);

#endif
