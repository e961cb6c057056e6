/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that carry out requests at controllers, one request per controller at
 * a time and in the order they came; a controller that is silent holds one
 * thread for as long, and nobody else.
 */
#ifndef ORCHESTRATOR_HELPER_IPMI_POOL_H
#define ORCHESTRATOR_HELPER_IPMI_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "orchestrator/helper_ipmi_session.h"

struct pool;

struct pool_request {
	int64_t id;
	char *host;
	char *user;
	char *password;
	enum ipmi_op op;
	int64_t deadline_ms;
	struct pool_request *next; /* the pool's */
};

/* Wipes the password. NULL is allowed. */
void pool_request_free(struct pool_request *q);

/*
 * answer runs once per request, on any thread: r = 0 and the power state, or
 * -ERR_* and why.
 */
typedef void pool_answer(
    void *arg, int64_t id, int r, bool on, const struct err *err);

struct pool *pool_new(pool_answer *answer, void *arg);
/*
 * Says goodbye to the BMCs for at most wait_ms. False if threads are still
 * waiting for a silent one: then the pool is left as it is.
 */
bool pool_free(struct pool *pool, int64_t wait_ms);
/*
 * Takes ownership, on success only. Errors: AGAIN (the controller has too many
 * requests waiting), LIMIT (too many controllers).
 */
int pool_put(struct pool *pool, struct pool_request *q, struct err *err);
/* Keeps sessions alive and ends unused ones; to be called twice a second. */
void pool_tick(struct pool *pool);

#endif
