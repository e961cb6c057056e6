/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command with a file; see ssh_run.h. */
#include "orchestrator/ssh_run.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	CHUNK = 65536
};

struct ssh_run {
	struct ssh_run_options opts;
	char *command; /* in messages */
	struct loop_timer *timer;
	struct ssh_channel *ch;
	struct buf out;
	bool asked; /* source_at is known */
	int64_t at; /* in the source */
};

static void run_free(struct ssh_run *run)
{
	ssh_channel_abandon(run->ch);
	loop_timer_free(run->timer);
	buf_done(&run->out);
	free(run->command);
	free(run);
}

static void end(
    struct ssh_run *run, int r, int exit_code, const struct err *err)
{
	run->opts.on_end(run->opts.arg, r, exit_code, buf_str(&run->out), err);
	run_free(run);
}

/* Something moved: patience begins again. */
static void moved(struct ssh_run *run, int64_t at)
{
	bool sent =
	    run->opts.source_fd >= 0 && run->at >= run->opts.source_size;

	loop_timer_at(run->timer,
	    clock_mono_ms() +
	        (sent ? run->opts.finish_ms : (int64_t)SSH_RUN_STALL_MS));
	if (run->opts.on_moved)
		run->opts.on_moved(run->opts.arg, at);
}

static void on_stalled(void *arg)
{
	struct ssh_run *run = arg;
	struct err err = ERR_INIT;

	end(run,
	    err_set(&err, ERR_TIMEOUT, "nothing moved for too long: %.100s",
	        run->command),
	    -1, &err);
}

/* Fills the channel from the source. Errors: IO. */
static int feed(struct ssh_run *run, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, CHUNK);
	size_t taken = CHUNK;

	while (run->at < run->opts.source_size && taken) {
		int64_t left = run->opts.source_size - run->at;
		ssize_t n = pread(run->opts.source_fd, chunk,
		    left < CHUNK ? (size_t)left : (size_t)CHUNK, run->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		if (n == 0)
			return err_set(err, ERR_IO, "the file became shorter");
		taken = ssh_channel_write(run->ch, chunk, (size_t)n);
		run->at += (int64_t)taken;
		if (taken < (size_t)n)
			return 0;
	}
	if (run->at >= run->opts.source_size)
		ssh_channel_eof(run->ch);
	return 0;
}

static void on_drain(void *arg)
{
	struct ssh_run *run = arg;
	struct err err = ERR_INIT;
	int r = feed(run, &err);

	if (r < 0)
		end(run, r, -1, &err);
	else
		moved(run, run->at);
}

/* The line that says from where the command wants its input. */
static int read_offset(struct ssh_run *run, struct err *err)
{
	char *line = run->out.data;
	char *nl = line ? strchr(line, '\n') : NULL;
	int r;

	if (!nl)
		return 0;
	*nl = '\0';
	r = str_to_i64(line, 0, run->opts.source_size, &run->at, err);
	buf_drop(&run->out, (size_t)(nl - line) + 1);
	if (r < 0) {
		(void)err_prefix(err, "the offset that is wanted");
		return -(err->kind = ERR_PROTO);
	}
	run->asked = true;
	return feed(run, err);
}

static int write_sink(
    struct ssh_run *run, const char *data, size_t len, struct err *err)
{
	struct ssh_run_options *o = &run->opts;

	if ((int64_t)len > o->sink_size - o->sink_at)
		return err_set(err, ERR_PROTO, "more than the %lld bytes said",
		    (long long)o->sink_size);
	while (len) {
		ssize_t n = pwrite(o->sink_fd, data, len, o->sink_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "write");
		if (o->sink_hash)
			hash_add(o->sink_hash, data, (size_t)n);
		o->sink_at += n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct ssh_run *run = arg;
	struct err err = ERR_INIT;
	int r = 0;

	if (run->opts.sink_fd >= 0) {
		r = write_sink(run, data, len, &err);
	} else {
		buf_add(&run->out, data, len);
		if (run->out.failed)
			r = err_set(&err, ERR_LIMIT,
			    "over %zu bytes of output: %.100s", run->out.max,
			    run->command);
		else if (!run->asked)
			r = read_offset(run, &err);
	}
	if (r < 0)
		end(run, r, -1, &err);
	else
		moved(
		    run, run->opts.sink_fd >= 0 ? run->opts.sink_at : run->at);
}

static void on_end(void *arg, int r, int exit_code, const struct err *err)
{
	struct ssh_run *run = arg;

	run->ch = NULL;
	end(run, r, exit_code, err);
}

static const struct ssh_channel_ops channel_ops = {
    .on_data = on_data, .on_drain = on_drain, .on_end = on_end};

struct ssh_run *ssh_run(
    struct loop *loop, struct ssh *ssh, const struct ssh_run_options *opts)
{
	struct ssh_run *run = xcalloc(1, sizeof(*run));

	run->opts = *opts;
	run->opts.command = NULL;
	run->command = xstrdup(opts->command);
	run->timer = loop_timer_new(loop, on_stalled, run);
	run->out = (struct buf)BUF_INIT(opts->output_max);
	run->asked = opts->source_fd < 0;
	run->ch = ssh_exec(ssh, opts->command, &channel_ops, run);
	loop_timer_at(run->timer, clock_mono_ms() + SSH_RUN_STALL_MS);
	if (opts->source_fd < 0)
		ssh_channel_eof(run->ch);
	return run;
}

void ssh_run_abandon(struct ssh_run *run)
{
	if (run)
		run_free(run);
}
