/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Children by uv_spawn, with real pipes (a script cannot open /dev/stderr when
 * that is a socket, which is what libuv would make).
 *
 * Life: running, exited (the pipes are drained, for DRAIN_MS at most), ended
 * (on_end was called, or the owner abandoned it), freed. No callback of the
 * owner is called after the end. The memory goes when libuv has closed the last
 * handle; the process handle of an abandoned child stays open until the child
 * is gone, so that it is reaped.
 */
#include "base/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	DRAIN_MS = 1000, /* for the pipes, after the exit */
	KILL_MS = 5000,  /* for the exit, after SIGKILL */
	CHUNK = 16384,
	TAIL = 256 /* of stderr */
};

struct child {
	char *name;
	bool own_group;
	void (*on_line)(void *arg, char *line, size_t len);
	void (*on_end)(void *arg, int r, const char *out, size_t len,
	    const struct err *err);
	void *arg;

	uv_process_t process;
	uv_pipe_t pipes[3]; /* its stdin, stdout, stderr */
	int n_open;         /* handles that libuv has not closed */
	bool has_process;   /* libuv knows the process handle */
	struct loop *loop;
	struct loop_hook hook;
	struct loop_timer *timer;
	size_t n_writes;
	bool want_eof;
	bool exited;
	bool ended;

	int64_t status;
	int signum;
	struct err why; /* our reason for killing it, if kind is set */
	struct buf out; /* collected stdout, or the line so far */
	char tail[TAIL];
	size_t tail_len;
	char chunk[CHUNK];
};

struct write {
	uv_write_t req;
	struct child *child;
	char data[];
};

static void free_closed(struct child *c)
{
	buf_done(&c->out);
	free(c->name);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;

	if (--c->n_open == 0 && c->ended)
		free_closed(c);
}

static void close_handle(void *handle)
{
	uv_handle_t *h = handle;

	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static bool is_closed(const struct child *c, int i)
{
	return uv_is_closing((const uv_handle_t *)&c->pipes[i]);
}

/*
 * Nobody is told anything from here on. A process that lives keeps its handle.
 */
static void end(struct child *c)
{
	c->ended = true;
	loop_timer_free(take(c->timer));
	for (int i = 0; i < 3; i++)
		close_handle(&c->pipes[i]);
	if (c->exited) {
		loop_hook_done(&c->hook);
		if (c->has_process)
			close_handle(&c->process);
	} else {
		/* It is not worth waiting for when all else is done. */
		uv_unref((uv_handle_t *)&c->process);
	}
}

/* The last line of its stderr that is not blank; "" if there is none. */
static const char *last_words(struct child *c)
{
	char *line;

	while (c->tail_len && strchr(" \t\r\n", c->tail[c->tail_len - 1]))
		c->tail_len--;
	c->tail[c->tail_len] = '\0';
	line = memrchr(c->tail, '\n', c->tail_len);
	line = line ? line + 1 : c->tail;
	str_tidy(line);
	return line;
}

static int result(struct child *c, struct err *err)
{
	const char *words = last_words(c);
	const char *colon = *words ? ": " : "";
	int r;

	if (c->why.kind)
		r = err_set(err, (enum err_kind)c->why.kind, "%s%s%s",
		    c->why.msg, colon, words);
	else if (c->signum)
		r = err_set(err, ERR_IO, "%s: ended by signal %d (%s)%s%s",
		    c->name, c->signum, strsignal(c->signum), colon, words);
	else if (c->status)
		r = err_set(err, ERR_IO, "%s: exit code %d%s%s", c->name,
		    (int)c->status, colon, words);
	else
		return 0;
	err->code = c->signum ? 128 + c->signum : (int)c->status;
	return r;
}

static void pass_line(struct child *c)
{
	char *line = c->out.data;
	size_t len = c->out.len;

	/* Reset first: the callback may free everything but the memory. */
	c->out.len = 0;
	c->on_line(c->arg, line, len);
}

static void finish(struct child *c)
{
	struct err err = ERR_INIT;
	int r;

	/* What stands there after a failure is the start of a line. */
	if (c->on_line && c->out.len && !c->out.failed)
		pass_line(c);
	if (c->ended)
		return;
	r = result(c, &err);
	c->ended = true;
	c->on_end(c->arg, r, c->on_line ? "" : buf_str(&c->out),
	    c->on_line ? 0 : c->out.len, &err);
	end(c);
}

static void finish_if_done(struct child *c)
{
	if (!c->ended && c->exited && is_closed(c, 1) && is_closed(c, 2))
		finish(c);
}

static void send_signal(struct child *c, int signum)
{
	/* Only before it is reaped: afterwards the id may be another's. */
	if (c->exited)
		return;
	/* It may have exited unnoticed as yet; its end is reported anyhow. */
	(void)kill(c->own_group ? -c->process.pid : c->process.pid, signum);
}

/* Kills it for a reason of ours; the first reason counts. */
static void kill_for(struct child *c, enum err_kind kind, const char *what)
{
	if (c->why.kind)
		return;
	(void)err_set(&c->why, kind, "%s: %s", c->name, what);
	send_signal(c, SIGKILL);
	if (!c->exited)
		loop_timer_at(c->timer, loop_now_ms(c->loop) + KILL_MS);
}

/* The deadline; or a killed child did not exit; or its pipes stay open. */
static void on_timer(void *arg)
{
	struct child *c = arg;

	if (c->exited || c->why.kind)
		finish(c);
	else
		kill_for(c, ERR_TIMEOUT, "not done at its deadline, killed");
}

static void on_exited(uv_process_t *process, int64_t status, int signum)
{
	struct child *c = process->data;

	c->exited = true;
	c->status = status;
	c->signum = signum;
	if (c->ended) {
		end(c);
		return;
	}
	close_handle(&c->pipes[0]);
	loop_timer_at(c->timer, loop_now_ms(c->loop) + DRAIN_MS);
	finish_if_done(c);
}

static void on_loop_free(void *arg)
{
	struct child *c = arg;

	send_signal(c, SIGKILL);
	c->exited = true;
	end(c);
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *ret)
{
	struct child *c = handle->data;

	(void)want;
	/* One for both pipes: each read is used up before the next. */
	*ret = uv_buf_init(c->chunk, CHUNK);
}

static void take_lines(struct child *c, const char *data, size_t len)
{
	while (len && !c->ended && !c->out.failed) {
		const char *eol = memchr(data, '\n', len);
		size_t n = eol ? (size_t)(eol - data) : len;

		/* Also for an empty line, which then has data to point to. */
		buf_add(&c->out, data, n);
		if (eol && !c->out.failed)
			pass_line(c);
		n += eol != NULL;
		data += n;
		len -= n;
	}
}

static void on_stdout(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct child *c = stream->data;

	if (n > 0 && c->on_line)
		take_lines(c, chunk->base, (size_t)n);
	else if (n > 0 && c->out.max)
		buf_add(&c->out, chunk->base, (size_t)n);
	if (c->ended)
		return;
	if (c->out.failed)
		kill_for(c, ERR_LIMIT,
		    c->on_line ? "a line over its ceiling, killed"
		               : "output over its ceiling, killed");
	if (n < 0 || c->out.failed) {
		close_handle(stream);
		finish_if_done(c);
	}
}

static void on_stderr(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct child *c = stream->data;
	const size_t max = TAIL - 1; /* and a zero byte */
	const char *data = chunk->base;
	size_t len = n > 0 ? (size_t)n : 0;
	size_t keep;

	if (n < 0) {
		close_handle(stream);
		finish_if_done(c);
		return;
	}
	if (len > max) {
		data += len - max;
		len = max;
	}
	keep = c->tail_len < max - len ? c->tail_len : max - len;
	memmove(c->tail, c->tail + c->tail_len - keep, keep);
	memcpy(c->tail + keep, data, len);
	c->tail_len = keep + len;
}

/*
 * Makes one pipe of the child's stdio; theirs is for uv_spawn and is closed by
 * the caller.
 */
static int pipe_open(struct child *c, int i, int *ret_theirs, struct err *err)
{
	int ours = i == 0 ? 1 : 0; /* we write its stdin and read the rest */
	uv_file fds[2];
	int r;

	r = uv_pipe(fds, ours == 0 ? UV_NONBLOCK_PIPE : 0,
	    ours == 1 ? UV_NONBLOCK_PIPE : 0);
	if (r < 0)
		return err_errno(err, -r, "%s: pipe", c->name);
	r = uv_pipe_open(&c->pipes[i], fds[ours]);
	if (r < 0) {
		fd_done(&fds[0]);
		fd_done(&fds[1]);
		return err_errno(err, -r, "%s: pipe", c->name);
	}
	*ret_theirs = fds[!ours];
	return 0;
}

static int spawn(struct child *c, const struct child_options *opts,
    const int theirs[3], struct err *err)
{
	size_t n = 3 + opts->n_fds;
	scoped(free) uv_stdio_container_t *stdio = xcalloc(n, sizeof(*stdio));
	uv_process_options_t uv = {
	    .exit_cb = on_exited,
	    .file = opts->argv[0],
	    /* libuv has no const here and changes nothing. */
	    .args = (char **)(uintptr_t)opts->argv,
	    .env = (char **)(uintptr_t)opts->env,
	    .cwd = opts->cwd,
	    .flags = opts->own_group ? UV_PROCESS_DETACHED : 0,
	    .stdio_count = (int)n,
	    .stdio = stdio,
	};
	int r;

	for (size_t i = 0; i < n; i++) {
		stdio[i].flags = UV_INHERIT_FD;
		stdio[i].data.fd = i < 3 ? theirs[i] : opts->fds[i - 3];
	}
	/*
	 * We open everything close-on-exec, but what our own parent left open
	 * would be passed on. An old kernel refuses: then that is so.
	 */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	r = uv_spawn(loop_uv(c->loop), &c->process, &uv);
	/* Even if that failed, the handle must be closed. */
	c->has_process = true;
	c->n_open++;
	if (r < 0 && opts->cwd)
		return err_errno(err, -r, "start %s in %s", c->name, opts->cwd);
	if (r < 0)
		return err_errno(err, -r, "start %s", c->name);
	return 0;
}

static int launch(
    struct child *c, const struct child_options *opts, struct err *err)
{
	int theirs[3] = {-1, -1, -1};
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		r = pipe_open(c, i, &theirs[i], err);
	if (r == 0)
		r = spawn(c, opts, theirs, err);
	for (int i = 0; i < 3; i++)
		fd_done(&theirs[i]);
	if (r < 0)
		return r;
	/* Fail only for handles that are closing or cannot be read. */
	(void)uv_read_start((uv_stream_t *)&c->pipes[1], on_alloc, on_stdout);
	(void)uv_read_start((uv_stream_t *)&c->pipes[2], on_alloc, on_stderr);
	return 0;
}

static struct child *child_new(
    struct loop *loop, const struct child_options *opts)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct buf out = BUF_INIT(opts->output_max);

	c->loop = loop;
	c->name = xstrdup(opts->argv[0]);
	c->own_group = opts->own_group;
	c->on_line = opts->on_line;
	c->on_end = opts->on_end;
	c->arg = opts->arg;
	c->out = out;
	c->process.data = c;
	for (int i = 0; i < 3; i++) {
		/* Never fails. */
		(void)uv_pipe_init(loop_uv(loop), &c->pipes[i], 0);
		c->pipes[i].data = c;
		c->n_open++;
	}
	c->timer = loop_timer_new(loop, on_timer, c);
	/* After the timer, so that loop_free() comes to us before it. */
	loop_hook_init(&c->hook, loop, on_loop_free, c);
	return c;
}

int child_start(struct loop *loop, const struct child_options *opts,
    struct child **ret, struct err *err)
{
	struct child *c;
	int r;

	assert(opts->on_end && (!opts->on_line || opts->output_max));
	c = child_new(loop, opts);
	r = launch(c, opts, err);
	if (r < 0) {
		c->exited = true;
		end(c);
		return r;
	}
	if (opts->deadline_ms)
		loop_timer_at(c->timer, opts->deadline_ms);
	*ret = c;
	return 0;
}

static void on_written(uv_write_t *req, int status)
{
	struct write *w = (struct write *)req;
	struct child *c = w->child;

	/* A child that does not read its stdin says so by its end. */
	(void)status;
	free(w);
	if (--c->n_writes == 0 && c->want_eof)
		close_handle(&c->pipes[0]);
}

void child_write(struct child *c, const void *data, size_t len)
{
	uv_stream_t *to = (uv_stream_t *)&c->pipes[0];
	struct write *w;
	uv_buf_t piece = {NULL, len};

	if (c->want_eof || is_closed(c, 0) || !len)
		return;
	w = xcalloc(1, sizeof(*w) + len);
	w->child = c;
	memcpy(w->data, data, len);
	piece.base = w->data;
	c->n_writes++;
	if (uv_write(&w->req, to, &piece, 1, on_written) < 0) {
		c->n_writes--;
		free(w);
	}
}

void child_eof(struct child *c)
{
	c->want_eof = true;
	if (!c->n_writes)
		close_handle(&c->pipes[0]);
}

void child_kill(struct child *c, int signum)
{
	send_signal(c, signum);
}

int child_pid(const struct child *c)
{
	return c->process.pid;
}

void child_abandon(struct child *c)
{
	/* In its own on_end it has ended already. */
	if (!c || c->ended)
		return;
	send_signal(c, SIGKILL);
	end(c);
}
