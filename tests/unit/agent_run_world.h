/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's program in a folder of its own, with this program as its
 * hypervisor, and the daemon's end of the wire at its `attach`.
 */
#ifndef TESTS_UNIT_AGENT_RUN_WORLD_H
#define TESTS_UNIT_AGENT_RUN_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "agent/wire.h"
#include "base/mem.h"

/* What came over the wire so far. */
struct world {
	char dir[64];
	char program[512];
	pid_t attach;
	int to;
	int from;
	struct wire_daemon *d;
	struct wire_resume have;
	char boot[64];
	bool started;
	bool forgotten;
	bool dropped;
	char refused[256];
	int n_samples;
	int n_invalid; /* of them */
	int of;        /* of the last step */
	int n_files;
	int n_proofs;
	int n_boots;
	int n_env;
	char env[16384];  /* "key=value" and a line end, in order */
	char notes[4096]; /* one on a line, in order */
	char kvm_trial[400];
	char outcome[32];
	char layer[32];
	char text[512];
};

/* Skips the test if the program is not built. Caller frees. */
struct world *world_new(void);
/* Ends the agent and waits for that. */
void world_free(struct world *w);
SCOPED_DEFINE(struct world, world_free);

/* `attach`, anew if there is one already. */
void link_up(struct world *w);
/* Serves the link until the field is not zero; fails after 30 s. */
void serve(struct world *w, const void *flag, size_t size);
#define SERVE_UNTIL(w, field) serve((w), &(w)->field, sizeof((w)->field))

/*
 * Starts an attempt whose kernel is the text mode (see agent_hypervisor.h) and
 * brings the link up. candidate is the rest of that variant in JSON.
 */
void begin_with(struct world *w, const char *mode, const char *candidate);
/* The same with a candidate under TCG, and this as "pairs". */
void begin_plan(struct world *w, const char *mode, const char *pairs);
/* The same with two pairs. */
void begin(struct world *w, const char *mode);

/* The process id that `run` logged last; 0 if none. */
pid_t run_pid(struct world *w);
/* False also for a process whose end nobody asked for yet. */
bool is_alive(pid_t pid);
void wait_gone(pid_t pid);

/*
 * Runs the program with these arguments (the first is filled in) and an input
 * to its end; returns its exit code.
 */
int command(struct world *w, const char **argv, const char *input, char *output,
    size_t size);
/* SHA-256 of a text. */
void sha_of(const char *text, char hex[HASH_HEX + 1]);

#endif
