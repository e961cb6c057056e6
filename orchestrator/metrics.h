/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics that suites declare, and the run that declares them. */
#ifndef ORCHESTRATOR_METRICS_H
#define ORCHESTRATOR_METRICS_H

#include "orchestrator/daemon.h"

/*
 * Error: CONFLICT (a metric of the suite is known already, in another unit or
 * direction; says both).
 */
int metrics_check(
    const struct daemon *d, const struct suite *suite, struct err *err);
/* Stores what the suite declares. */
void metrics_put(const struct suite *suite, struct db_tx *tx);

#endif
