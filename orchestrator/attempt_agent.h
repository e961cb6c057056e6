/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A benchmark in hand: shared by attempt_agent.c and attempt_raw.c. */
#ifndef ORCHESTRATOR_ATTEMPT_AGENT_H
#define ORCHESTRATOR_ATTEMPT_AGENT_H

#include "orchestrator/agentlink.h"
#include "orchestrator/attempt.h"
#include "orchestrator/samples.h"

struct raw_file {
	char *name;
	char sha256[HASH_HEX + 1];
	int64_t size;
};

struct agent_run {
	struct attempt *a;
	struct agentlink *link;
	char *spec;
	char *boot; /* of the machine, from before a crash; or NULL */
	struct wire_resume resume;
	int n_notes;  /* so far */
	bool started; /* the agent has it, as far as we know */
	bool ended;   /* its "end" is applied */
	struct verdict verdict;
	char *text;
	struct samples samples;
	struct raw_file *files;
	size_t n_files;
	size_t n_fetched;
	bool no_room; /* for the next: it waits until there is */
	int fetch_fd;
	char *fetch_path;
	char step[240];  /* the agent's last step, for people */
	char doing[240]; /* what goes on now: that, or what hinders it */
};

/* Says what goes on, for people. */
void attempt_doing(struct agent_run *run, const char *text);
/* Fetches the next raw output; after the last one the verdict is recorded. */
void attempt_raw_collect(struct agent_run *run);

#endif
