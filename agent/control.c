/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: a connection that is tried every 50 ms until the
 * hypervisor listens. The memory lives until libuv has closed the handle.
 */
#include "agent/control.h"

#include <stdbool.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	RETRY_MS = 50,
	LINE_BYTES = 1 << 20,
	CHUNK = 16384
};

struct control {
	struct loop *loop;
	char *path;
	void (*on_line)(void *arg, const char *line, size_t len);
	void (*on_lost)(void *arg, const struct err *err);
	void *arg;
	struct line_pipe *line_pipe; /* freed by its own close */
	struct loop_timer *timer;
	int64_t give_up_at;
	struct buf line;
	bool lost;
	char chunk[CHUNK];
};

/* The request must live as long as the handle, which may outlive us. */
struct line_pipe {
	uv_pipe_t pipe; /* first: closing gives it back */
	uv_connect_t connect;
};

struct write {
	uv_write_t req;
	char data[];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void hang_up(struct control *c)
{
	struct line_pipe *p = take(c->line_pipe);

	if (!p)
		return;
	p->pipe.data = NULL;
	uv_close((uv_handle_t *)&p->pipe, on_closed);
}

static void lose(struct control *c, const char *why)
{
	struct err err = ERR_INIT;

	hang_up(c);
	if (c->lost)
		return;
	c->lost = true;
	(void)err_set(&err, ERR_UNREACH, "%s: %s", c->path, why);
	c->on_lost(c->arg, &err);
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *ret)
{
	struct control *c = handle->data;

	(void)want;
	*ret = uv_buf_init(c ? c->chunk : NULL, c ? CHUNK : 0);
}

static void take_lines(struct control *c)
{
	char *end;

	while (c->line_pipe && c->line.len &&
	    (end = memchr(c->line.data, '\n', c->line.len))) {
		size_t n = (size_t)(end - c->line.data);

		*end = '\0';
		c->on_line(c->arg, c->line.data, n);
		buf_drop(&c->line, n + 1);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct control *c = stream->data;

	(void)buf;
	if (!c)
		return;
	if (n < 0) {
		lose(c, uv_strerror((int)n));
		return;
	}
	buf_add(&c->line, c->chunk, (size_t)n);
	if (c->line.failed) {
		lose(c, "a line without end");
		return;
	}
	take_lines(c);
}

static void on_connected(uv_connect_t *req, int status)
{
	uv_pipe_t *pipe = (uv_pipe_t *)req->handle;
	struct control *c = pipe->data;

	if (!c)
		return; /* hung up meanwhile */
	if (status == 0)
		status = uv_read_start((uv_stream_t *)pipe, on_alloc, on_read);
	if (status == 0)
		return;
	hang_up(c);
	if (loop_now_ms(c->loop) >= c->give_up_at)
		lose(c, uv_strerror(status));
	else
		loop_timer_at(c->timer, loop_now_ms(c->loop) + RETRY_MS);
}

static void dial(void *arg)
{
	struct control *c = arg;
	struct line_pipe *p = xcalloc(1, sizeof(*p));

	if (uv_pipe_init(loop_uv(c->loop), &p->pipe, 0) < 0)
		abort();
	p->pipe.data = c;
	c->line_pipe = p;
	uv_pipe_connect(&p->connect, &p->pipe, c->path, on_connected);
}

struct control *control_new(struct loop *loop, const char *path,
    void (*on_line)(void *arg, const char *line, size_t len),
    void (*on_lost)(void *arg, const struct err *err), void *arg)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->path = xstrdup(path);
	c->on_line = on_line;
	c->on_lost = on_lost;
	c->arg = arg;
	c->line = (struct buf)BUF_INIT(LINE_BYTES);
	c->timer = loop_timer_new(loop, dial, c);
	c->give_up_at = loop_now_ms(loop) + CONTROL_DIAL_MS;
	dial(c);
	return c;
}

static void on_written(uv_write_t *req, int status)
{
	(void)status; /* a lost connection is seen while reading */
	free(req);
}

void control_write(struct control *c, const void *data, size_t len)
{
	struct write *w;
	uv_buf_t b;

	if (!c->line_pipe)
		return;
	w = xcalloc(1, sizeof(*w) + len);
	memcpy(w->data, data, len);
	b = uv_buf_init(w->data, (unsigned)len);
	if (uv_write(&w->req, (uv_stream_t *)&c->line_pipe->pipe, &b, 1,
	        on_written) < 0)
		free(w);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	hang_up(c);
	loop_timer_free(c->timer);
	buf_done(&c->line);
	free(c->path);
	free(c);
}
