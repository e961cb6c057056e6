/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent of an attempt reported. */
#ifndef DB_AGENT_H
#define DB_AGENT_H

#include <stdint.h>

#include "base/err.h"

struct conn;

/* The attempt has ended: packs its events, if it had any. */
int agent_pack(struct conn *c, int64_t attempt_id, struct err *err);

#endif
