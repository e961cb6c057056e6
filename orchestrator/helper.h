/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A helper process that lives: `ironbenchd --helper KIND`, for what blocks.
 *
 * One JSON object a line both ways; requests carry "id", answers repeat it and
 * may come in any order. A helper that dies is started again at the next
 * request, at most once a second; its open requests end as AGAIN.
 */
#ifndef ORCHESTRATOR_HELPER_H
#define ORCHESTRATOR_HELPER_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"

struct helper;

/* kind as after --helper. Started with the first request. */
struct helper *helper_new(struct loop *loop, const char *kind);
/* The same for another command; argv ends with NULL and is copied. */
struct helper *helper_new_command(struct loop *loop, const char *const *argv);
/*
 * Kills the process; callbacks of open requests are not called. Before
 * loop_free(). NULL is allowed.
 */
void helper_free(struct helper *h);

/*
 * Asks; takes ownership of request (an object without "id"). done runs once on
 * the loop, never inside this call: r = 0 and the answer (borrowed), or -ERR_*:
 * TIMEOUT when the deadline (monotonic) passed, AGAIN when the helper died, or
 * the kind named in the answer {"id","error":"text","kind":"UNREACH"}. Returns
 * an id for helper_cancel().
 *
 * The helper is told the deadline as "deadline_ms" (the monotonic clock is one
 * for all processes): what it has not begun by then it must not do any more.
 */
int64_t helper_ask(struct helper *h, json_t *request, int64_t deadline_ms,
    void (*done)(void *arg, int r, const json_t *answer, const struct err *err),
    void *arg);
/* done will not be called. */
void helper_cancel(struct helper *h, int64_t id);

/* The helper's own side of `--helper ipmi`; returns the exit code. */
int helper_ipmi_main(void);
/* The same for `--helper bundle`, `--helper git` and `--helper import`. */
int helper_bundle_main(void);
int helper_git_main(void);
int helper_import_main(void);

#endif
