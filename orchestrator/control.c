/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DIR/control: the socket by which `ironbenchd token` reaches the daemon that
 * has the database. One JSON object a line, an answer, and the end. Whoever
 * may open the state folder may use it.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "orchestrator/control.h"

enum {
	REQUEST_MAX = 4096
};

struct control {
	struct daemon *d;
	uv_pipe_t *pipe;
	char *path;
};

struct peer {
	struct control *c;
	uv_pipe_t pipe;
	uv_write_t write;
	struct buf in;
	struct buf out;
};

static void peer_closed(uv_handle_t *h)
{
	struct peer *p = h->data;

	buf_done(&p->in);
	buf_done(&p->out);
	free(p);
}

static void peer_close(struct peer *p)
{
	if (!uv_is_closing((uv_handle_t *)&p->pipe))
		uv_close((uv_handle_t *)&p->pipe, peer_closed);
}

static void on_written(uv_write_t *w, int status)
{
	(void)status;
	peer_close(w->data);
}

static void answer(struct peer *p, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	uv_buf_t b;

	buf_puts(&p->out, text);
	buf_putc(&p->out, '\n');
	free(text);
	json_decref(body);
	b = uv_buf_init(p->out.data, (unsigned)p->out.len);
	p->write.data = p;
	if (uv_write(&p->write, (uv_stream_t *)&p->pipe, &b, 1, on_written) < 0)
		peer_close(p);
}

static void take_line(struct peer *p)
{
	struct daemon *d = p->c->d;
	struct err err = ERR_INIT;
	json_error_t je;
	json_t *request = json_loadb(p->in.data, p->in.len, 0, &je);
	scoped_val(buf_done) struct buf out = BUF_INIT(1 << 20);
	int r = control_do(d->db, request, &out, &err);

	json_decref(request);
	if (r == 0)
		r = tokens_load(d, &err);
	if (r < 0)
		answer(p, json_pack("{s:s}", "error", err.msg));
	else
		answer(p, json_pack("{s:s}", "out", buf_str(&out)));
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *ret)
{
	struct peer *p = h->data;
	char *room = buf_room(&p->in, 1024);

	(void)size;
	*ret = uv_buf_init(room, room ? 1024 : 0);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct peer *p = s->data;

	(void)b;
	if (n < 0) {
		peer_close(p);
		return;
	}
	if (n == 0)
		return;
	buf_added(&p->in, (size_t)n);
	if (memchr(p->in.data, '\n', p->in.len)) {
		uv_read_stop(s);
		take_line(p);
	}
}

static void on_connection(uv_stream_t *server, int status)
{
	struct control *c = server->data;
	struct peer *p;

	if (status < 0)
		return;
	p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->in = (struct buf)BUF_INIT(REQUEST_MAX);
	p->out = (struct buf)BUF_INIT(2 << 20);
	p->pipe.data = p;
	if (uv_pipe_init(loop_uv(c->d->loop), &p->pipe, 0) < 0) {
		free(p);
		return;
	}
	if (uv_accept(server, (uv_stream_t *)&p->pipe) < 0 ||
	    uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_read) < 0)
		peer_close(p);
}

int control_start(struct daemon *d, struct err *err)
{
	struct control *c = xcalloc(1, sizeof(*c));
	mode_t mask;
	int r;

	d->control = c;
	c->d = d;
	c->path = control_path(d->opts->dir);
	/* The lock on the folder says that this one is left from a crash. */
	(void)unlink(c->path);
	c->pipe = xcalloc(1, sizeof(*c->pipe));
	c->pipe->data = c;
	r = uv_pipe_init(loop_uv(d->loop), c->pipe, 0);
	mask = umask(0177);
	if (r == 0)
		r = uv_pipe_bind(c->pipe, c->path);
	(void)umask(mask);
	if (r == 0)
		r = uv_listen((uv_stream_t *)c->pipe, 16, on_connection);
	if (r < 0)
		return err_set(err, ERR_IO, "%s: %s", c->path, uv_strerror(r));
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->pipe)
		uv_close((uv_handle_t *)c->pipe, (uv_close_cb)free);
	(void)unlink(c->path);
	free(c->path);
	free(c);
}
