/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `ironbenchd --helper ipmi`: power requests as JSON lines on standard input,
 * answers on standard output in any order, until the end of input.
 *
 *     {"id":7,"op":"status","host":"10.0.0.1:623","user":"a","password":"b",
 *      "deadline_ms":123456}
 *     {"id":7,"power":"on"}
 *     {"id":7,"error":"bmc 10.0.0.1:623: ...","kind":"UNREACH"}
 *
 * This thread only reads; what blocks runs on the pool's threads.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/helper.h"
#include "orchestrator/helper_ipmi_pool.h"

SCOPED_DEFINE(json_t, json_decref);

enum {
	REQUEST_MAX = 65536, /* bytes of a line */
	TICK_MS = 500,
	FAREWELL_MS = 1000
};

struct out {
	pthread_mutex_t lock;
};

/* Answers are whole lines, whichever thread writes. */
static void put_line(struct out *out, json_t *answer)
{
	scoped(json_decref) json_t *owned = answer;
	scoped(free) char *text = json_dumps(owned, JSON_COMPACT);
	scoped(free) char *line = xasprintf("%s\n", text ? text : "{}");

	if (pthread_mutex_lock(&out->lock) != 0)
		abort();
	/* If nobody reads any more, the end of input follows. */
	(void)fs_write_all(STDOUT_FILENO, line, strlen(line), NULL);
	if (pthread_mutex_unlock(&out->lock) != 0)
		abort();
}

static void on_answer(
    void *arg, int64_t id, int r, bool on, const struct err *err)
{
	json_t *answer;

	if (r == 0)
		answer = json_pack("{s:I, s:s}", "id", (json_int_t)id, "power",
		    on ? "on" : "off");
	else
		answer = json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id,
		    "error", err->msg, "kind", err_name(r));
	put_line(arg, answer);
}

static char *copy_string(json_t *line, const char *key)
{
	return xstrdup(json_string_value(json_object_get(line, key)));
}

/* NULL and err if it is not a request. */
static struct pool_request *parse(json_t *line, struct err *err)
{
	const char *op = json_string_value(json_object_get(line, "op"));
	json_t *deadline = json_object_get(line, "deadline_ms");
	struct pool_request *q = xcalloc(1, sizeof(*q));
	bool known = ipmi_op_find(op, &q->op);

	q->host = copy_string(line, "host");
	q->user = copy_string(line, "user");
	q->password = copy_string(line, "password");
	q->deadline_ms = json_is_integer(deadline)
	    ? (int64_t)json_integer_value(deadline)
	    : INT64_MAX;
	if (known && q->host && q->user && q->password)
		return q;
	(void)err_set(err, ERR_INVAL, "%s",
	    known ? "request without host, user or password"
	          : "request without a known op");
	pool_request_free(q);
	return NULL;
}

static void take_line(
    struct pool *pool, struct out *out, const char *text, size_t len)
{
	scoped(json_decref) json_t *line = json_loadb(text, len, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(line, "id"));
	struct pool_request *q;
	struct err err = ERR_INIT;

	if (id <= 0) {
		/* Not its text: there may be a password in it. */
		(void)fputs("a line that is no request\n", stderr);
		return;
	}
	q = parse(line, &err);
	if (q) {
		q->id = id;
		if (pool_put(pool, q, &err) == 0)
			return;
		pool_request_free(q);
	}
	on_answer(out, id, -err.kind, false, &err);
}

/* False at the end of input, or when it cannot be followed. */
static bool take_input(struct pool *pool, struct out *out, struct buf *in)
{
	char *room = buf_room(in, 4096);
	ssize_t n = room ? read(STDIN_FILENO, room, 4096) : 0;
	size_t done = 0;
	char *eol;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	buf_added(in, (size_t)n);
	while ((eol = memchr(in->data + done, '\n', in->len - done)) != NULL) {
		size_t end = (size_t)(eol - in->data);

		take_line(pool, out, in->data + done, end - done);
		done = end + 1;
	}
	buf_drop(in, done);
	return true;
}

/* A session is a socket. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* Without more of them, fewer sessions can be open. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void run(struct pool *pool, struct out *out)
{
	struct pollfd in_fd = {.fd = STDIN_FILENO, .events = POLLIN};
	scoped_val(buf_done) struct buf in = BUF_INIT(REQUEST_MAX);
	int64_t tick_ms = clock_mono_ms() + TICK_MS;
	bool more = true;

	while (more) {
		int64_t left_ms = tick_ms - clock_mono_ms();

		if (left_ms <= 0) {
			pool_tick(pool);
			left_ms = TICK_MS;
			tick_ms = clock_mono_ms() + TICK_MS;
		}
		if (poll(&in_fd, 1, (int)left_ms) > 0)
			more = take_input(pool, out, &in);
	}
}

int helper_ipmi_main(void)
{
	/* Threads that a silent BMC holds may use it until the very end. */
	static struct out out = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct err err = ERR_INIT;
	struct pool *pool;

	raise_descriptors();
	/* Fails only for a signal number that does not exist. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (ipmi_session_setup(&err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	pool = pool_new(on_answer, &out);
	run(pool, &out);
	/* The process ends; what is left of the pool ends with it. */
	(void)pool_free(pool, FAREWELL_MS);
	return 0;
}
