/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of the wire in one process, with a connection that loses, doubles
 * and delays, and with both disks. Every function works on one world.
 */
#ifndef TESTS_UNIT_AGENT_WIRE_WORLD_H
#define TESTS_UNIT_AGENT_WIRE_WORLD_H

#include "agent/wire.h"

enum {
	RECORDS_MAX = 8192,
	LINKS_MAX = 64,
	QUEUE_MAX = 16 << 20,
	FENCE = 77,
	ATTEMPT = 5
};

/* One connection: bytes under way in both directions. */
struct pipe {
	struct buf to_agent;
	struct buf to_daemon;
	struct wire_agent_link *link; /* NULL: closed at the agent */
	bool closing;                 /* the agent closes when it is sent */
	bool open;
};

struct world {
	uint64_t rng;
	int64_t now;
	struct wire_daemon *d;
	struct wire_agent *a;

	/* The daemon's disk, and what is not on it yet. */
	struct wire_resume durable;
	struct wire_resume pending;
	char *applied[RECORDS_MAX]; /* event n + 1 as it was applied */
	int64_t ends;
	char boot[64];
	bool started;
	bool forgotten;

	/* The agent's disk. */
	struct wire_saved saved;
	char *journal[RECORDS_MAX];
	int64_t last;
	int64_t full_at; /* records that fit */
	int runs;
	int cleans;
	int orphans;
	int reboots;
	bool cancelled;

	struct pipe pipes[LINKS_MAX];
	int n_pipes;
	struct pipe *pipe; /* the daemon's link, or NULL */
	int64_t redial_at;
	int doubled; /* per cent of frames sent twice */
	int lose;    /* frames to the next one that is lost; -1: none */
	bool lose_to_agent;
	char failed[16]; /* layer of fail(), or "" */
	char why[256];
	int drops;
	int64_t sent_records; /* frames with s that the agent sent */
	int64_t max_acked;
	int pings;
};

extern const struct wire_daemon_ops world_daemon_ops;

uint64_t world_draw(struct world *w);
bool world_chance(struct world *w, unsigned percent);
void world_cut(struct world *w, struct pipe *p);
struct pipe *world_dial(struct world *w);
void world_carry(struct world *w, struct pipe *p, size_t max);
void world_settle(struct world *w);
void world_daemon_new(struct world *w);
void world_daemon_crash(struct world *w);
void world_daemon_commit(struct world *w);
void world_agent_new(struct world *w, const char *boot);
void world_agent_crash(struct world *w);
json_t *world_sample(double value);
json_t *world_note(const char *text);
struct world *world_running(void);
void world_event(struct world *w, json_t *body);
void world_end(struct world *w, const char *outcome, const char *layer);
int world_clean(void *arg, struct err *err);
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
SCOPED_DEFINE(struct world, world_free);

#endif
