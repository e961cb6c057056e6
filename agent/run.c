/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `ironbench-agent run`: the process that owns journal and guests. It listens
 * on one unix socket in its own folder, where `attach` brings the daemon's
 * words; the wire's state machine decides what they mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/agent.h"
#include "agent/journal.h"
#include "agent/runner.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	SYNC_MS = 100,
	CONNS_MAX = 8,
	CHUNK = 65536
};

struct conn {
	uv_pipe_t pipe;
	uv_shutdown_t shutdown;
	struct server *server;
	struct wire_agent_link *link;
	bool closing;
	char chunk[CHUNK];
};

struct server {
	struct loop *loop;
	struct wire_agent *agent;
	struct journal *journal;
	struct runner *runner;
	struct spec *spec; /* prepared and not yet run */
	struct loop_timer *sync;
	struct loop_timer *tick;
	uv_pipe_t listener;
	int n_conns;
};

struct write {
	uv_write_t req;
	char data[];
};

static int64_t now_ms(struct server *s)
{
	return loop_now_ms(s->loop);
}

static void rearm(struct server *s)
{
	int64_t at = wire_agent_deadline(s->agent);

	if (at == INT64_MAX)
		loop_timer_stop(s->tick);
	else
		loop_timer_at(s->tick, at);
}

static void on_tick(void *arg)
{
	struct server *s = arg;

	wire_agent_tick(s->agent, now_ms(s));
	rearm(s);
}

static void on_sync(void *arg)
{
	struct server *s = arg;
	struct err err = ERR_INIT;

	if (journal_sync(s->journal, &err) < 0)
		log_error("journal: %s", err.msg);
}

/* ---- connections ----------------------------------------------------- */

static void on_conn_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_conn(struct conn *c)
{
	struct server *s = c->server;

	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	s->n_conns--;
	wire_agent_link_free(take(c->link), now_ms(s));
	uv_close((uv_handle_t *)&c->pipe, on_conn_closed);
	rearm(s);
}

static void on_written(uv_write_t *req, int status)
{
	(void)status; /* a lost connection is seen while reading */
	free(req);
}

static void a_send(void *arg, void *link_arg, const char *data, size_t len)
{
	struct conn *c = link_arg;
	struct write *w = xcalloc(1, sizeof(*w) + len);
	uv_buf_t b = uv_buf_init(w->data, (unsigned)len);

	(void)arg;
	memcpy(w->data, data, len);
	if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &b, 1, on_written) < 0)
		free(w);
}

static void on_shut(uv_shutdown_t *req, int status)
{
	(void)status;
	close_conn(req->handle->data);
}

static void a_close(void *arg, void *link_arg)
{
	struct conn *c = link_arg;

	(void)arg;
	if (c->closing)
		return;
	c->closing = true;
	/* Without a peer there is nothing to wait for: reading ends it. */
	(void)uv_shutdown(&c->shutdown, (uv_stream_t *)&c->pipe, on_shut);
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *ret)
{
	struct conn *c = handle->data;

	(void)want;
	*ret = uv_buf_init(c->chunk, CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	struct server *s = c->server;

	(void)buf;
	if (n < 0) {
		close_conn(c);
		return;
	}
	wire_agent_feed(c->link, c->chunk, (size_t)n, now_ms(s));
	runner_poke(s->runner);
	rearm(s);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	struct conn *c;

	if (status < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->server = s;
	if (uv_pipe_init(loop_uv(s->loop), &c->pipe, 0) < 0)
		abort();
	c->pipe.data = c;
	s->n_conns++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 ||
	    s->n_conns > CONNS_MAX ||
	    uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) < 0) {
		close_conn(c);
		return;
	}
	c->link = wire_agent_link_new(s->agent, c, now_ms(s));
	rearm(s);
}

/* ---- what the wire asks for ------------------------------------------ */

static int a_append(void *arg, int64_t s_no, const char *line, size_t len,
    enum wire_kind kind, enum wire_durability how, struct err *err)
{
	struct server *s = arg;
	bool was_dirty = journal_is_dirty(s->journal);
	int r = journal_append(s->journal, s_no, line, len, kind, how, err);

	if (!was_dirty && journal_is_dirty(s->journal))
		loop_timer_at(s->sync, now_ms(s) + SYNC_MS);
	return r;
}

static int a_read(void *arg, int64_t s_no, const char **ret_line,
    size_t *ret_len, struct err *err)
{
	struct server *s = arg;

	return journal_read(s->journal, s_no, ret_line, ret_len, err);
}

static int a_save(void *arg, const struct wire_saved *saved, struct err *err)
{
	(void)arg;
	return state_save(saved, err);
}

static int a_prepare(void *arg, const json_t *json, const char *text,
    const char **ret_layer, int64_t *ret_orphan_ms, struct err *err)
{
	struct server *s = arg;
	scoped(spec_free) struct spec *spec = NULL;
	int r = spec_read(json, &spec, err);

	*ret_layer = "harness";
	if (r == 0)
		r = runner_check(spec, ret_layer, err);
	if (r < 0)
		return r;
	*ret_layer = "host";
	r = fs_write_atomic("spec.json", text, strlen(text), 0600, err);
	if (r < 0)
		return r;
	*ret_orphan_ms = (int64_t)spec->orphan_s * 1000;
	spec_free(s->spec);
	s->spec = take(spec);
	return 0;
}

static void a_run(void *arg)
{
	struct server *s = arg;

	log_info("attempt=%lld started",
	    (long long)wire_agent_saved(s->agent)->attempt);
	runner_start(s->runner, take(s->spec));
}

static void a_cancel(void *arg, const char *why)
{
	struct server *s = arg;

	runner_cancel(s->runner, why);
}

static int clean(struct server *s, struct err *err)
{
	int r;

	runner_kill(s->runner);
	if (unlink("spec.json") < 0 && errno != ENOENT)
		return err_errno(err, errno, "spec.json");
	r = fs_remove_tree("out", err);
	if (r == 0)
		r = fs_mkdirs("out", 0700, err);
	return r < 0 ? r : journal_clear(s->journal, err);
}

static int a_clean(void *arg, struct err *err)
{
	return clean(arg, err);
}

static void a_orphaned(void *arg)
{
	struct server *s = arg;

	log_warn("no link for long: the next step waits");
	runner_orphan(s->runner);
}

static const struct wire_agent_ops agent_ops = {
    .send = a_send,
    .close = a_close,
    .append = a_append,
    .read = a_read,
    .save = a_save,
    .prepare = a_prepare,
    .run = a_run,
    .cancel = a_cancel,
    .reboot = NULL, /* no driver needs another kernel yet */
    .clean = a_clean,
    .orphaned = a_orphaned,
};

/* ---- what the runner says -------------------------------------------- */

static int r_event(void *arg, json_t *body, struct err *err)
{
	struct server *s = arg;

	return wire_agent_event(s->agent, body, now_ms(s), err);
}

static void r_end(
    void *arg, const char *outcome, const char *layer, const char *text)
{
	struct server *s = arg;
	struct err err = ERR_INIT;

	log_info("outcome=%s layer=%s %s", outcome, layer ? layer : "-",
	    text ? text : "");
	if (wire_agent_end(s->agent, outcome, layer, text, now_ms(s), &err) < 0)
		log_error("end: %s", err.msg);
}

static bool r_is_linked(void *arg)
{
	struct server *s = arg;

	return wire_agent_is_linked(s->agent);
}

static const struct runner_ops runner_ops = {r_event, r_end, r_is_linked};

/* ---- start and end --------------------------------------------------- */

/* Held until the process ends. */
static int take_lock(int *ret_fd, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "lock");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_CONFLICT, "another agent runs here");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int listen_here(struct server *s, struct err *err)
{
	mode_t old = umask(0177);
	int r;

	(void)unlink("sock"); /* we hold the lock, so it is a leftover */
	if (uv_pipe_init(loop_uv(s->loop), &s->listener, 0) < 0)
		abort();
	s->listener.data = s;
	r = uv_pipe_bind(&s->listener, "sock");
	(void)umask(old);
	if (r == 0)
		r = uv_listen(
		    (uv_stream_t *)&s->listener, CONNS_MAX, on_connection);
	return r == 0 ? 0 : err_errno(err, -r, "sock");
}

static int make_agent(struct server *s, struct err *err)
{
	const struct journal_state *j = journal_state(s->journal);
	struct wire_agent_options opts = {.last = j->last,
	    .ended = j->ended,
	    .cases = j->cases,
	    .samples = j->samples,
	    .ops = &agent_ops,
	    .arg = s};
	char sha[HASH_HEX + 1];
	char boot[64];
	int r = program_sha256(sha, err);

	if (r == 0)
		r = state_load(&opts.saved, err);
	if (r < 0)
		return r;
	boot_id(boot);
	opts.agent = sha;
	opts.boot = boot;
	memcpy(opts.chain, j->chain, HASH_BYTES);
	s->agent = wire_agent_new(&opts);
	return 0;
}

/* What an agent before us left behind. */
static int tidy_up(struct server *s, struct err *err)
{
	int r = vm_kill_leftover(err);

	if (r < 0)
		return r;
	if (r > 0)
		log_warn("a virtual machine of a dead agent was killed");
	r = fs_remove_tree("work", err);
	if (r == 0 && !wire_agent_saved(s->agent)->attempt &&
	    journal_state(s->journal)->last)
		r = clean(s, err);
	if (r == 0 && wire_agent_is_running(s->agent))
		r = wire_agent_end(s->agent, "error", "agent",
		    "the agent died while the attempt ran", now_ms(s), err);
	return r;
}

static int open_server(struct server *s, struct err *err)
{
	int r = journal_open("journal", &s->journal, err);

	if (r < 0)
		return r;
	if (journal_state(s->journal)->cut)
		log_warn("journal: a torn tail of %lld bytes was cut off",
		    (long long)journal_state(s->journal)->cut);
	s->loop = loop_new();
	s->sync = loop_timer_new(s->loop, on_sync, s);
	s->tick = loop_timer_new(s->loop, on_tick, s);
	s->runner = runner_new(s->loop, &runner_ops, s);
	r = make_agent(s, err);
	if (r == 0)
		r = tidy_up(s, err);
	return r < 0 ? r : listen_here(s, err);
}

static void on_signal(void *arg)
{
	struct server *s = arg;

	loop_stop(s->loop);
}

static void close_server(struct server *s)
{
	if (s->runner)
		runner_kill(s->runner);
	if (s->agent && wire_agent_is_running(s->agent))
		r_end(s, "error", "agent", "the agent was told to stop");
	(void)unlink("sock"); /* a leftover would do no harm */
	runner_free(s->runner);
	wire_agent_free(s->agent);
	loop_timer_free(s->sync);
	loop_timer_free(s->tick);
	loop_free(s->loop);
	spec_free(s->spec);
	journal_free(s->journal);
}

int run(int ready_fd, struct err *err)
{
	scoped_val(fd_done) int ready = ready_fd;
	scoped_val(fd_done) int lock = -1;
	struct server s = {0};
	int r = take_lock(&lock, err);

	if (r < 0)
		return r;
	(void)setsid(); /* we may lead a session already */
	(void)setpriority(PRIO_PROCESS, 0, -5); /* to read clocks in time */
	r = open_server(&s, err);
	if (r == 0) {
		fd_done(&ready);
		loop_signals(s.loop, on_signal, NULL, &s);
		log_info("ready pid=%ld", (long)getpid());
		loop_run(s.loop);
	}
	close_server(&s);
	return r;
}
