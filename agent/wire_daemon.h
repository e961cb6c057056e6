/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the daemon's end of the wire share. */
#ifndef AGENT_WIRE_DAEMON_H
#define AGENT_WIRE_DAEMON_H

#include "agent/wire.h"

enum link_state {
	LINK_NONE,
	LINK_HELLO, /* ours is sent, theirs is awaited */
	LINK_UP
};

struct command {
	struct command *next;
	int64_t c;
	char *frame; /* with its newline */
	size_t len;
	bool answered;
	int64_t resend_at; /* mono ms; only while the link is up */
};

struct wire_daemon {
	char *lab;
	int64_t fence;
	int64_t attempt;
	char boot[WIRE_WORD_MAX + 1];
	struct wire_resume resume;
	int64_t durable;
	bool started;
	bool reboot_planned;
	bool failed;
	const struct wire_daemon_ops *ops;
	void *arg;

	enum link_state link;
	unsigned generation; /* counts links: a callback may have ended one */
	struct wire_lines lines;
	int64_t heard_at;
	int64_t ping_at;
	int64_t pings;
	bool ack_due;
	int64_t redial_ms;
	int64_t unknown;
	int64_t gap_from; /* what was asked for again; 0: nothing ever */
	int64_t gap_last; /* highest s seen since */
	int64_t again_at; /* deadline of the answer; INT64_MAX: none */
	struct command *commands; /* in the order given */
};

/* The command with number c; NULL if none was given. */
struct command *wire_daemon_find(struct wire_daemon *d, int64_t c);
/* Sends it; it is said again later unless it is answered. */
void wire_daemon_send(struct wire_daemon *d, struct command *c, int64_t now_ms);

#endif
