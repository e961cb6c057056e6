/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the agent's end of the wire share. */
#ifndef AGENT_WIRE_AGENT_H
#define AGENT_WIRE_AGENT_H

#include "agent/wire.h"

enum link_state {
	LINK_HELLO, /* theirs is awaited */
	LINK_UP,
	LINK_CLOSED
};

struct wire_agent_link {
	struct wire_agent *a;
	struct wire_agent_link *next;
	void *link_arg;
	enum link_state state;
	struct wire_lines lines;
	int64_t heard_at;
	int64_t ping_at;
};

struct wire_agent {
	char *agent;
	char *boot;
	struct wire_saved saved;
	int64_t last;
	bool ended;
	int64_t cases;
	int64_t samples;
	uint8_t chain[HASH_BYTES];
	const struct wire_agent_ops *ops;
	void *arg;

	struct wire_agent_link *links;
	struct wire_agent_link *up; /* the one that counts, or NULL */
	int64_t sent;
	int64_t acked;
	size_t unacked_bytes;
	uint32_t sizes[WIRE_WINDOW_EVENTS]; /* of the frames under way, by s */
	int64_t pings;
	int64_t alone_since; /* mono ms, while there is no link */
	bool orphan_told;
	int64_t dropped_notes;
};

/* Sends one frame; takes ownership of json. What we make always fits. */
void wire_agent_say(struct wire_agent_link *l, json_t *json);
/* Stores next durably and makes it the state. Errors: IO. */
int wire_agent_save(
    struct wire_agent *a, const struct wire_saved *next, struct err *err);
/* The journal is empty again. */
void wire_agent_forget_records(struct wire_agent *a);

/* Commands with number c; each is answered with ok or no. */
void wire_agent_on_start(
    struct wire_agent_link *l, const json_t *json, int64_t c);
void wire_agent_on_cancel(
    struct wire_agent_link *l, const json_t *json, int64_t c);
void wire_agent_on_reboot(
    struct wire_agent_link *l, const json_t *json, int64_t c);
void wire_agent_on_forget(struct wire_agent_link *l, int64_t c);

#endif
