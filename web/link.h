/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web process's end of the socketpair to the daemon: one thread that sends
 * questions, matches answers to them by id, and ends them at their deadline.
 */
#ifndef WEB_LINK_H
#define WEB_LINK_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

struct link;

struct link_options {
	int fd; /* the socket; ownership passes */
	/* Both run on the link's thread; header is borrowed. */
	void (*on_event)(void *arg, const char *header, size_t len);
	void (*on_beat)(void *arg); /* every LINK_BEAT_MS */
	void *arg;
};

#define LINK_BEAT_MS 15000
#define LINK_PENDING_MAX 4096

/* Starts the thread. Error: IO. */
int link_new(
    const struct link_options *opts, struct link **ret, struct err *err);
/*
 * Waits until the link is at its end. 0 if the daemon closed it, -ERR_* if it
 * broke. Every question has been answered then, and new ones are refused.
 */
int link_wait(struct link *l, struct err *err);
/* Ends the thread if it still runs; every question has its answer then. */
void link_stop(struct link *l);
/* Stops and frees. NULL is allowed. */
void link_free(struct link *l);
SCOPED_DEFINE(struct link, link_free);

struct link_answer {
	int status; /* HTTP; 503 when the deadline passed or the link ended */
	char *type; /* media type, or NULL */
	struct buf body;
	int fd; /* the descriptor of an answer to "open", else -1 */
};
void link_answer_done(struct link_answer *a);

struct link_call {
	int64_t timeout_ms;
	const struct buf *body; /* of the frame, copied; NULL: none */
	/*
	 * Once, on the link's thread; takes what *a owns. It may call
	 * link_ask(), and must not block.
	 */
	void (*done)(void *arg, struct link_answer *a);
	void *arg;
};
/*
 * Asks the daemon; op is borrowed and gets its id. On an error done is not
 * called. Errors: UNREACH (the link ended), AGAIN (too much waits), INVAL (op
 * is NULL or is no JSON).
 */
int link_ask(
    struct link *l, json_t *op, const struct link_call *call, struct err *err);
/* Drops an upload of the daemon; its answer is of no interest. */
void link_close_upload(struct link *l, int64_t upload);

#endif
