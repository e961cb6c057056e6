/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ctrl-C: most commands simply die of it; those that redraw or follow end in
 * order, and wait with interrupt_wait() so that they notice at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are remembered. */
void interrupt_catch(void);
bool interrupt_came(void);
/* A descriptor that is readable once a signal came; -1 before
 * interrupt_catch(). */
int interrupt_fd(void);
/* Waits that long, or until a signal comes; true if one did. */
bool interrupt_wait(int ms);

#endif
