/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A helper process and the requests that are open at it.
 *
 * A request lives from helper_ask() until its callback has run, it was
 * cancelled or the helper is freed. It has a timer of its own: for its
 * deadline, and to fail it later on the loop when the helper died. So every
 * callback is the last thing that happens in a call from the loop, and may do
 * what it likes, also free the helper.
 */
#include "orchestrator/helper.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

SCOPED_DEFINE(json_t, json_decref);

enum {
	RESTART_MS = 1000,    /* between two starts, at least */
	ANSWER_MAX = 16 << 20 /* a line: lists of a bundle's files */
};

struct ask {
	struct helper *helper;
	int64_t id;
	char *line; /* not sent yet; NULL: sent */
	struct loop_timer *timer;
	struct err err; /* why the timer fails it, if not for the deadline */
	void (*done)(
	    void *arg, int r, const json_t *answer, const struct err *err);
	void *arg;
};

struct helper {
	struct loop *loop;
	char **argv;
	struct child *child; /* NULL: not running */
	bool started;        /* ever; at started_ms for the last time */
	int64_t started_ms;
	struct loop_timer *restart;
	struct map asks;
	int64_t last_id;
};

static void ask_free(struct ask *ask)
{
	loop_timer_free(ask->timer);
	if (ask->line) {
		/* There may be a password in it. */
		explicit_bzero(ask->line, strlen(ask->line));
		free(ask->line);
	}
	free(ask);
}

/* Ends it; nothing of the helper may be touched afterwards. */
static void ask_end(
    struct ask *ask, int r, const json_t *answer, const struct err *err)
{
	void (*done)(void *, int, const json_t *, const struct err *);
	void *arg = ask->arg;

	done = ask->done;
	(void)map_take(&ask->helper->asks, ask->id);
	ask_free(ask);
	done(arg, r, answer, err);
}

static void on_ask_timer(void *arg)
{
	struct ask *ask = arg;
	struct err err = ask->err;

	if (!err.kind)
		(void)err_set(&err, ERR_TIMEOUT,
		    "helper %s: no answer before the deadline",
		    ask->helper->argv[0]);
	ask_end(ask, -err.kind, NULL, &err);
}

/* Fails all open requests (or those not sent yet), each from its own timer. */
static void fail_all(struct helper *h, const struct err *err)
{
	size_t pos = 0;
	struct ask *ask;

	while ((ask = map_next(&h->asks, &pos)) != NULL) {
		(void)err_set(&ask->err, ERR_AGAIN, "helper %s", err->msg);
		loop_timer_at(ask->timer, loop_now_ms(h->loop));
	}
}

static int kind_by_name(const char *name)
{
	for (int kind = ERR_INVAL; name && kind <= ERR_IO; kind++)
		if (strcmp(name, err_name(kind)) == 0)
			return kind;
	return ERR_PROTO;
}

static void on_line(void *arg, char *line, size_t len)
{
	struct helper *h = arg;
	scoped(json_decref) json_t *answer = json_loadb(line, len, 0, NULL);
	const char *text = json_string_value(json_object_get(answer, "error"));
	struct err err = ERR_INIT;
	struct ask *ask;
	int64_t id;

	id = json_integer_value(json_object_get(answer, "id"));
	ask = id ? map_find(&h->asks, id) : NULL;
	/* Cancelled or too late; or nonsense, which the deadline ends. */
	if (!ask) {
		log_debug("helper=%s answer=dropped", h->argv[0]);
		return;
	}
	if (text)
		(void)err_set(&err,
		    (enum err_kind)kind_by_name(
		        json_string_value(json_object_get(answer, "kind"))),
		    "%s", text);
	ask_end(ask, -err.kind, text ? NULL : answer, text ? &err : NULL);
}

static void on_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct helper *h = arg;
	struct err why = ERR_INIT;

	(void)out;
	(void)len;
	h->child = NULL;
	if (r == 0)
		(void)err_set(&why, ERR_AGAIN, "%s: ended", h->argv[0]);
	else
		(void)err_copy(&why, err);
	fail_all(h, &why);
}

static void send_line(struct helper *h, struct ask *ask)
{
	if (!ask->line)
		return;
	child_write(h->child, ask->line, strlen(ask->line));
	explicit_bzero(ask->line, strlen(ask->line));
	free(take(ask->line));
}

/* Starts the process and hands it what waits. */
static void start(struct helper *h)
{
	struct child_options opts = {
	    /* A pointer to pointers to const is not one to pointers. */
	    .argv = (const char *const *)h->argv,
	    .output_max = ANSWER_MAX,
	    .on_line = on_line,
	    .on_end = on_end,
	    .arg = h,
	};
	struct err err = ERR_INIT;
	size_t pos = 0;
	struct ask *ask;

	h->started = true;
	h->started_ms = loop_now_ms(h->loop);
	if (child_start(h->loop, &opts, &h->child, &err) < 0) {
		fail_all(h, &err);
		return;
	}
	while ((ask = map_next(&h->asks, &pos)) != NULL)
		if (!ask->err.kind)
			send_line(h, ask);
}

static void on_restart(void *arg)
{
	struct helper *h = arg;

	if (!h->child && h->asks.len)
		start(h);
}

struct helper *helper_new_command(struct loop *loop, const char *const *argv)
{
	struct helper *h = xcalloc(1, sizeof(*h));
	size_t n = 0;

	while (argv[n])
		n++;
	h->argv = xcalloc(n + 1, sizeof(*h->argv));
	for (size_t i = 0; i < n; i++)
		h->argv[i] = xstrdup(argv[i]);
	h->loop = loop;
	h->restart = loop_timer_new(loop, on_restart, h);
	return h;
}

struct helper *helper_new(struct loop *loop, const char *kind)
{
	const char *const argv[] = {"/proc/self/exe", "--helper", kind, NULL};

	return helper_new_command(loop, argv);
}

void helper_free(struct helper *h)
{
	size_t pos = 0;
	struct ask *ask;

	if (!h)
		return;
	child_abandon(h->child);
	loop_timer_free(h->restart);
	while ((ask = map_next(&h->asks, &pos)) != NULL)
		ask_free(ask);
	map_done(&h->asks);
	for (size_t i = 0; h->argv[i]; i++)
		free(h->argv[i]);
	free(h->argv);
	free(h);
}

/* The request as a line; takes ownership. */
static char *request_line(json_t *request, int64_t id, int64_t deadline_ms)
{
	scoped(json_decref) json_t *owned = request;
	scoped(free) char *text = NULL;
	char *line;

	if (json_object_set_new(owned, "id", json_integer(id)) < 0 ||
	    json_object_set_new(
	        owned, "deadline_ms", json_integer(deadline_ms)) < 0)
		abort();
	text = json_dumps(owned, JSON_COMPACT);
	/* The caller built it, of strings that are UTF-8. */
	assert(text);
	line = xasprintf("%s\n", text);
	explicit_bzero(text, strlen(text));
	return line;
}

int64_t helper_ask(struct helper *h, json_t *request, int64_t deadline_ms,
    void (*done)(void *arg, int r, const json_t *answer, const struct err *err),
    void *arg)
{
	struct ask *ask = xcalloc(1, sizeof(*ask));

	ask->helper = h;
	ask->id = ++h->last_id;
	ask->line = request_line(request, ask->id, deadline_ms);
	ask->done = done;
	ask->arg = arg;
	ask->timer = loop_timer_new(h->loop, on_ask_timer, ask);
	loop_timer_at(ask->timer, deadline_ms);
	map_put(&h->asks, ask->id, ask);
	if (h->child)
		send_line(h, ask);
	else if (!h->started ||
	    loop_now_ms(h->loop) >= h->started_ms + RESTART_MS)
		start(h);
	else
		loop_timer_at(h->restart, h->started_ms + RESTART_MS);
	return ask->id;
}

void helper_cancel(struct helper *h, int64_t id)
{
	struct ask *ask = id ? map_take(&h->asks, id) : NULL;

	if (ask)
		ask_free(ask);
}
