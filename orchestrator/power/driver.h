/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a power driver is: a file here and a row in power.c. */
#ifndef ORCHESTRATOR_POWER_DRIVER_H
#define ORCHESTRATOR_POWER_DRIVER_H

#include "orchestrator/power.h"

enum power_op {
	POWER_OP_READ,
	POWER_OP_ON,
	POWER_OP_OFF
};

/* r = 0 and the state read, after a command too; or -ERR_* and why. */
typedef void power_driver_done(
    void *arg, int r, enum power_state seen, const struct err *err);

struct power_driver {
	const char *name;
	/*
	 * Checks the section and, unless ret is NULL, makes the driver's part
	 * of one machine. Errors: INVAL with position.
	 */
	int (*open)(const struct power_shared *shared,
	    const struct conf_node *section, void **ret, struct err *err);
	void (*close)(void *data);
	/*
	 * NULL: this driver can neither switch nor read. done runs once, never
	 * inside the call. One request at a time.
	 */
	void (*ask)(void *data, enum power_op op, int64_t deadline_ms,
	    power_driver_done *done, void *arg);
	/* done will not run. Also without a request. */
	void (*cancel)(void *data);
};

extern const struct power_driver power_ipmi;
extern const struct power_driver power_none;

#endif
