/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does what a specification says, one VM boot after another. */
#ifndef AGENT_RUNNER_H
#define AGENT_RUNNER_H

#include <stdbool.h>

#include <jansson.h>

#include "agent/spec.h"
#include "base/err.h"
#include "base/loop.h"

struct runner_ops {
	/* Journals an event; takes ownership of body. Errors: LIMIT, IO, ... */
	int (*event)(void *arg, json_t *body, struct err *err);
	/* The job is over and nothing of it runs; layer and text may be NULL.*/
	void (*end)(void *arg, const char *outcome, const char *layer,
	    const char *text);
	/* False: an orphaned job does not begin another step. */
	bool (*is_linked)(void *arg);
};

struct runner;

/* ops is borrowed. Caller frees. */
struct runner *runner_new(
    struct loop *loop, const struct runner_ops *ops, void *arg);
void runner_free(struct runner *r); /* kills what runs; NULL is allowed */
SCOPED_DEFINE(struct runner, runner_free);

/*
 * Whether this host can do it: drivers, backends, files. Starts nothing.
 * ret_layer says whose fault a refusal is. Errors: INVAL, NOTFOUND, DENIED.
 */
int runner_check(
    const struct spec *spec, const char **ret_layer, struct err *err);
/* Begins; takes ownership of spec. */
void runner_start(struct runner *r, struct spec *spec);
/* Ends the job as cancelled, soon. */
void runner_cancel(struct runner *r, const char *why);
/* Nobody asked for long: the step is finished, the next waits for a link. */
void runner_orphan(struct runner *r);
/* A link may be there again. */
void runner_poke(struct runner *r);
/* Kills what runs and forgets the job, without a word. */
void runner_kill(struct runner *r);

#endif
