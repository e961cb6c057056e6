/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which VM boot comes next. Guests are measured one after the other, each pair
 * by pair in the order of the specification; a fixed number of them, or as many
 * as the plan asks for (bench/plan.h).
 *
 * A plan goes on until every value of the guest, each metric on each
 * controller, is narrow at once. A boot that fails takes its pair with it, and
 * the plan does not count one pair of the opposite order (bench/order.h).
 * Pure: what comes next follows from what came so far.
 */
#ifndef AGENT_SCHEDULE_H
#define AGENT_SCHEDULE_H

#include <stdbool.h>

#include "agent/spec.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define SCHEDULE_FAILURES_MAX 3 /* in a row */

struct schedule;

/* spec is borrowed. Caller frees. */
struct schedule *schedule_new(const struct spec *spec);
void schedule_free(struct schedule *s); /* NULL is allowed */
SCOPED_DEFINE(struct schedule, schedule_free);

/* The step to do; false: all is measured. */
bool schedule_step(const struct schedule *s, struct spec_step *ret);
/* Steps in the end, if the spread stays as it is. */
int schedule_steps(const struct schedule *s);
/* Pairs of this guest in the end, likewise. */
int schedule_pairs(const struct schedule *s);

/* A valid value of the i-th measurement of this step. */
void schedule_value(struct schedule *s, int i, double value);
/*
 * The step went well. What stopped the measuring of a guest is added to note.
 * Error: AGAIN (a plan's cap is reached with fewer good pairs than it needs).
 */
int schedule_passed(struct schedule *s, struct buf *note, struct err *err);
/*
 * The step failed: what was measured in its pair does not count, and the rest
 * of the pair is left out. Only of a plan. Errors: AGAIN (as above, or the last
 * SCHEDULE_FAILURES_MAX steps failed).
 */
int schedule_failed(struct schedule *s, struct buf *note, struct err *err);

#endif
