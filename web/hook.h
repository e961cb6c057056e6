/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks on their way in. Anybody can send one, and its signature is over the
 * whole body: so their number, size and time are limited before all else.
 */
#ifndef WEB_HOOK_H
#define WEB_HOOK_H

#include "web/http.h"

#define HOOKS_MAX 20 /* at a time */

/* Before the body. Error: AGAIN (too many are on their way). */
int hook_begin(struct request *rq, struct err *err);
/* Whether the body takes too long to come. */
bool hook_is_late(const struct request *rq);
/* At the end of every request; one that is no webhook is left alone. */
void hook_end(struct request *rq);

#endif
