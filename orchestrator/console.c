/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A console: a line that is dialled, lost and dialled again.
 *
 * A line's memory lives until libuv has let go of it, which is after its
 * console may be gone; line->console is NULL from console_close() on, and no
 * callback of the owner runs then. The owner is told last, always.
 */
#include "orchestrator/console.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/console/driver.h"

enum {
	CHUNK = 16384,
	WAITING_MAX = 65536, /* bytes to the machine that are not written yet */
	REDIAL_MS = 100,
	STEADY_MS = 1000 /* a line that lived as long was a good one */
};

static const struct console_driver *const drivers[] = {
    &console_none,
    &console_socket,
    &console_tcp,
};

struct line {
	struct console_dial dial;
	struct console *console; /* NULL: nobody is interested any more */
	bool closed;             /* libuv has let go of the handle */
	bool up;
	int64_t up_ms;
	char chunk[CHUNK];
};

struct console {
	const struct console_driver *driver;
	struct console_address address;
	struct loop *loop;
	struct loop_timer *timer;      /* of the next dial */
	struct line *line;             /* NULL: not dialled now */
	const struct console_ops *ops; /* NULL: closed */
	void *arg;
	int64_t redial_ms;
	bool told_down;
};

struct write {
	uv_write_t req;
	char data[];
};

static void dial(void *arg);

static void address_done(struct console_address *a)
{
	free(a->path);
	free(a->name);
}

static int check_baud(const struct conf_node *section, struct err *err)
{
	int64_t baud;

	/* Sockets have no speed; the key may come from the defaults. */
	return conf_int(
	    section, "baud", CONF_OPTIONAL, 50, 4000000, &baud, err);
}

static int find_driver(const struct conf_node *section,
    const struct console_driver **ret, struct err *err)
{
	const char *names[ARRAY_LEN(drivers)];
	int i = 0;
	int r;

	*ret = &console_none;
	if (!section)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(drivers); k++)
		names[k] = drivers[k]->name;
	r = conf_enum(
	    section, "driver", CONF_REQUIRED, names, ARRAY_LEN(names), &i, err);
	*ret = drivers[i];
	return r < 0 ? r : check_baud(section, err);
}

int console_new(struct loop *loop, const char *dir,
    const struct conf_node *section, struct console **ret, struct err *err)
{
	scoped_val(address_done) struct console_address address = {0};
	const struct console_driver *driver;
	struct console *c;
	int r;

	r = find_driver(section, &driver, err);
	if (r == 0)
		r = driver->open(dir, section, &address, err);
	if (r < 0 || !ret)
		return r;
	c = xcalloc(1, sizeof(*c));
	c->driver = driver;
	c->loop = loop;
	c->timer = loop_timer_new(loop, dial, c);
	c->address = address;
	address = (struct console_address){0};
	*ret = c;
	return 0;
}

void console_free(struct console *c)
{
	if (!c)
		return;
	console_close(c);
	loop_timer_free(c->timer);
	address_done(&c->address);
	free(c);
}

bool console_exists(const struct console *c)
{
	return c->driver->dial != NULL;
}

bool console_is_up(const struct console *c)
{
	return c->line && c->line->up;
}

static void line_free_if_done(struct line *line)
{
	if (line->closed && !line->dial.resolving)
		free(line);
}

static void on_closed(uv_handle_t *handle)
{
	struct line *line = handle->data;

	line->closed = true;
	line_free_if_done(line);
}

/* Takes the line from its console and lets libuv free it. */
static void line_drop(struct line *line)
{
	line->console->line = NULL;
	line->console = NULL;
	/* If it runs already, its callback comes when it is done. */
	if (line->dial.resolving)
		(void)uv_cancel((uv_req_t *)&line->dial.resolve);
	uv_close(&line->dial.handle.any, on_closed);
}

/* Why, in words; status is a code of libuv. */
static void explain(const struct console *c, int status, struct err *err)
{
	if (status == UV_EOF)
		(void)err_set(err, ERR_UNREACH,
		    "console %s: closed by the other end", c->address.name);
	else
		(void)err_set(err, ERR_UNREACH, "console %s: %s",
		    c->address.name, uv_strerror(status));
	err->code = -status;
}

/* The line is lost, or was not to be had. Nothing of c is touched after it. */
static void line_lost(struct line *line, int status)
{
	struct console *c = line->console;
	int64_t now_ms = loop_now_ms(c->loop);
	struct err err = ERR_INIT;
	bool tell = line->up || !c->told_down;

	if (line->up && now_ms >= line->up_ms + STEADY_MS)
		c->redial_ms = REDIAL_MS;
	line_drop(line);
	loop_timer_at(c->timer, now_ms + c->redial_ms);
	c->redial_ms *= 2;
	if (c->redial_ms > c->driver->redial_max_ms)
		c->redial_ms = c->driver->redial_max_ms;
	if (!tell)
		return;
	c->told_down = true;
	explain(c, status, &err);
	c->ops->on_state(c->arg, false, &err);
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *ret)
{
	struct line *line = handle->data;

	(void)want;
	*ret = uv_buf_init(line->chunk, CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct line *line = stream->data;
	struct console *c = line->console;

	if (!c || n == 0)
		return;
	if (n < 0)
		line_lost(line, (int)n);
	else
		c->ops->on_data(
		    c->arg, chunk->base, (size_t)n, clock_wall_ms());
}

static void on_dialled(struct console_dial *d, int status)
{
	struct line *line = d->handle.any.data;
	struct console *c = line->console;

	if (!c) {
		line_free_if_done(line);
		return;
	}
	if (status == 0)
		status = uv_read_start(&d->handle.stream, on_alloc, on_read);
	if (status < 0) {
		line_lost(line, status);
		return;
	}
	line->up = true;
	line->up_ms = loop_now_ms(c->loop);
	c->ops->on_state(c->arg, true, NULL);
}

static void dial(void *arg)
{
	struct console *c = arg;
	struct line *line = xcalloc(1, sizeof(*line));
	int status;

	line->console = c;
	line->dial.done = on_dialled;
	c->line = line;
	status = c->driver->dial(loop_uv(c->loop), &c->address, &line->dial);
	line->dial.handle.any.data = line;
	if (status < 0)
		line_lost(line, status);
}

void console_open(struct console *c, const struct console_ops *ops, void *arg)
{
	console_close(c);
	if (!c->driver->dial)
		return;
	c->ops = ops;
	c->arg = arg;
	c->redial_ms = REDIAL_MS;
	c->told_down = false;
	loop_timer_at(c->timer, loop_now_ms(c->loop));
}

void console_close(struct console *c)
{
	loop_timer_stop(c->timer);
	c->ops = NULL;
	if (c->line)
		line_drop(c->line);
}

static void on_written(uv_write_t *req, int status)
{
	struct write *w = req->data;

	/* A line that is broken says so to its reader. */
	(void)status;
	free(w);
}

void console_write(struct console *c, const void *data, size_t len)
{
	uv_stream_t *stream;
	struct write *w;
	uv_buf_t chunk;

	if (!console_is_up(c) || !len)
		return;
	stream = &c->line->dial.handle.stream;
	if (len > WAITING_MAX ||
	    uv_stream_get_write_queue_size(stream) > WAITING_MAX - len)
		return;
	w = xcalloc(1, sizeof(*w) + len);
	memcpy(w->data, data, len);
	w->req.data = w;
	chunk = uv_buf_init(w->data, (unsigned)len);
	if (uv_write(&w->req, stream, &chunk, 1, on_written) < 0)
		free(w);
}
