/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Power of a machine: one interface, one row per driver.
 *
 * Every command is read back: a power state is what the controller says, never
 * what was sent.
 */
#ifndef ORCHESTRATOR_POWER_H
#define ORCHESTRATOR_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/loop.h"
#include "orchestrator/helper.h"

enum power_state {
	POWER_UNKNOWN,
	POWER_OFF,
	POWER_ON
};

const char *power_state_name(enum power_state state);

/* What all drivers share; one per daemon. */
struct power_shared {
	struct loop *loop;
	struct helper *ipmi; /* the helper that holds BMC sessions */
	const char *dir;     /* folder of the lab file: relative paths */
};

struct power;

/*
 * Reads a machine's `power:` section (checks keys, reads password_file), and
 * with ret == NULL only checks it. Without a section (NULL) the driver is none.
 * Errors: INVAL with position.
 */
int power_new(const struct power_shared *shared,
    const struct conf_node *section, struct power **ret, struct err *err);
/* Open requests are dropped; their callbacks do not run. NULL is allowed. */
void power_free(struct power *p);

/* False for driver none: the power of the machine cannot be changed. */
bool power_can_switch(const struct power *p);

/*
 * seen is the state read back last; r = 0 when it is the one wanted. evidence
 * is one line with each command and reading, for the record. Errors: UNREACH,
 * TIMEOUT (the controller answers but the state does not follow; the command
 * is repeated every 5 s until the deadline), DENIED, PROTO; INVAL from
 * power_set() for driver none. It is never called inside the call that asks.
 */
typedef void power_done(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err);

/*
 * Switches and reads back until the state is there or the deadline (monotonic)
 * passes. sent runs once when the controller has accepted the first command
 * (may be NULL), before done; not at all if it never did. One request per
 * machine at a time: a second one is a bug.
 */
void power_set(struct power *p, enum power_state want, int64_t deadline_ms,
    void (*sent)(void *arg), power_done *done, void *arg);
/* Reads once. With driver none: r = 0 and POWER_UNKNOWN. */
void power_read(
    struct power *p, int64_t deadline_ms, power_done *done, void *arg);
/* Drops the open request, if any; its callback does not run. */
void power_cancel(struct power *p);
/* The last state read, and when (wall ms, 0: never). */
enum power_state power_last(const struct power *p, int64_t *ret_at_ms);

#endif
