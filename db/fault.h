/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points where a test can make the outside world fail.
 *
 * FAULT("commit") is false unless the tree was configured with
 * --enable-fault-injection and a test armed this very call. Points: alloc,
 * commit, fsync, rename, step, write; "any" counts them all.
 */
#ifndef DB_FAULT_H
#define DB_FAULT_H

#ifdef IB_FAULTS

#include <stdbool.h>

/* Fails call n (from 1) of a point, once; n = 0: none. Counting restarts. */
void fault_arm(const char *point, int n);
/* Calls of the armed point since fault_arm(). */
int fault_reached(void);
/* Counts a call of this point; true if it has to fail. */
bool fault_hit(const char *point);

#define FAULT(point) fault_hit(point)

#else

#define FAULT(point) false

#endif
#endif
