/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One step after the other: is the agent there? send it; which files are
 * missing? send each.
 *
 * On the machine only sh, cat, wc, chmod, mv and sha256sum are needed. Scripts
 * go through `sh -c`, because a user's shell need not be one of POSIX's; they
 * hold nothing but hexadecimal digits and numbers of ours.
 */
#include "orchestrator/ssh_install.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/ssh_run.h"

enum {
	FAILURES_MAX = 8, /* of commands, with nothing done in between */
	TOLD_MS = 500,    /* progress in bytes is told this often */
	FINISH_MS = 60000,
	HASHES_PER_S = 50 << 20, /* bytes a machine verifies, at the worst */
	NAME_DIGITS = 16
};

struct file {
	struct ssh_install_file f;
	char *name;
	char *path;
	bool missing;
};

struct ssh_install {
	struct loop *loop;
	struct ssh_install_options opts;
	char *dir;
	struct file agent;
	struct file *files;
	struct ssh *ssh; /* NULL: stopped */
	struct ssh_run *run;
	struct loop_timer *timer; /* of on_done when there is nothing to do */
	bool agent_there;
	bool files_known;
	struct file *sending;
	int fd; /* of the file that is sent; -1 */
	int failures;
	int64_t told_ms;
};

static void next(struct ssh_install *in);

/* ---- ends of steps ------------------------------------------------------- */

static void done(
    struct ssh_install *in, int r, const char *layer, const struct err *err)
{
	in->ssh = NULL;
	in->opts.on_done(in->opts.arg, r, layer, err);
}

/*
 * A step failed. A command that failed is tried again on another connection:
 * another one of us may hold a lock, or a disk be full for a while.
 */
static void failed(struct ssh_install *in, int r, int exit_code,
    const char *what, const char *name, const struct err *from)
{
	struct err err = *from;
	const char *layer = "host";

	(void)err_prefix(&err, "%s %s", what, name);
	if (exit_code == 2)
		layer = "harness"; /* the agent: what was sent is wrong */
	if (r == -ERR_PROTO || exit_code >= 0) {
		if (++in->failures < FAILURES_MAX)
			err.kind = ERR_AGAIN;
	} else if (!err_is_temporary(r) && exit_code < 0 && r != -ERR_DENIED &&
	    r != -ERR_LIMIT) {
		layer = "harness"; /* a file of ours cannot be read */
	}
	done(in, -err.kind, layer, &err);
}

static void close_source(struct ssh_install *in)
{
	if (in->fd >= 0)
		(void)close(in->fd);
	in->fd = -1;
	in->run = NULL;
}

static void on_moved(void *arg, int64_t at)
{
	struct ssh_install *in = arg;
	int64_t now_ms = clock_mono_ms();
	char text[160];

	if (now_ms < in->told_ms + TOLD_MS && at < in->sending->f.size)
		return;
	in->told_ms = now_ms;
	(void)snprintf(text, sizeof(text), "sending %.100s", in->sending->name);
	in->opts.on_progress(in->opts.arg, text, at, in->sending->f.size);
}

static bool open_source(struct ssh_install *in, struct file *f)
{
	struct err err = ERR_INIT;

	in->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (in->fd >= 0) {
		in->sending = f;
		in->told_ms = 0;
		return true;
	}
	(void)err_errno(&err, errno, "%s", f->path);
	done(in, -err.kind, "harness", &err);
	return false;
}

/* ---- the agent ----------------------------------------------------------- */

static void on_sent_agent(
    void *arg, int r, int exit_code, const char *out, const struct err *err)
{
	struct ssh_install *in = arg;
	struct err why = ERR_INIT;

	close_source(in);
	if (r < 0) {
		failed(in, r, exit_code, "sending", "the agent", err);
	} else if (!str_starts(out, in->agent.f.sha256)) {
		/* Its size was right: it is another one here by now. */
		r = err_set(&why, ERR_CONFLICT,
		    "sending the agent: the machine has %.64s, wanted is %s",
		    out, in->agent.f.sha256);
		done(in, r, "harness", &why);
	} else {
		in->agent_there = true;
		in->failures = 0;
		next(in);
	}
}

static void send_agent(struct ssh_install *in)
{
	const char *sha = in->agent.f.sha256;
	scoped(free) char *command = NULL;

	if (!open_source(in, &in->agent))
		return;
	/* A temporary name of its own: two may be sending at once. */
	command = xasprintf(
	    "sh -c 'umask 077; mkdir -p \"$HOME/.ironbench\" && "
	    "cd \"$HOME/.ironbench\" || exit 1; t=new-%.*s.$$; echo 0; "
	    "cat >\"$t\" && [ \"$(wc -c <\"$t\")\" -eq %" PRId64
	    " ] && chmod 700 \"$t\" && mv -f \"$t\" agent-%.*s || "
	    "{ rm -f \"$t\"; exit 1; }; sha256sum agent-%.*s'",
	    NAME_DIGITS, sha, in->agent.f.size, NAME_DIGITS, sha, NAME_DIGITS,
	    sha);
	in->run = ssh_run(in->loop, in->ssh,
	    &(struct ssh_run_options){.command = command,
	        .output_max = 1024,
	        .source_fd = in->fd,
	        .source_size = in->agent.f.size,
	        .sink_fd = -1,
	        .finish_ms = FINISH_MS,
	        .on_moved = on_moved,
	        .on_end = on_sent_agent,
	        .arg = in});
}

static void on_checked(
    void *arg, int r, int exit_code, const char *out, const struct err *err)
{
	struct ssh_install *in = arg;

	in->run = NULL;
	if (exit_code == 127) {
		/* No sha256sum there. */
		done(in, r, "host", err);
	} else if (r < 0 && exit_code < 0) {
		failed(in, r, exit_code, "looking for", "the agent", err);
	} else if (str_starts(out, in->agent.f.sha256)) {
		in->agent_there = true;
		next(in);
	} else {
		send_agent(in);
	}
}

static void check_agent(struct ssh_install *in)
{
	scoped(free) char *command =
	    xasprintf("sh -c 'sha256sum \"$HOME/.ironbench/agent-%.*s\"'",
	        NAME_DIGITS, in->agent.f.sha256);

	in->opts.on_progress(in->opts.arg, "looking for the agent", 0, 0);
	in->run = ssh_run(in->loop, in->ssh,
	    &(struct ssh_run_options){.command = command,
	        .output_max = 1024,
	        .source_fd = -1,
	        .sink_fd = -1,
	        .on_end = on_checked,
	        .arg = in});
}

char *ssh_install_command(const struct ssh_install *in, const char *words)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 16);

	buf_printf(&b, "\"$HOME/.ironbench/agent-%.*s\" %s", NAME_DIGITS,
	    in->agent.f.sha256, words);
	if (in->dir) {
		buf_puts(&b, " --dir '");
		for (const char *p = in->dir; *p; p++)
			if (*p == '\'')
				buf_puts(&b, "'\\''");
			else
				buf_putc(&b, *p);
		buf_putc(&b, '\'');
	}
	return buf_take(&b);
}

/* ---- files --------------------------------------------------------------- */

static struct file *find_missing(struct ssh_install *in)
{
	for (size_t i = 0; i < in->opts.n_files; i++)
		if (in->files[i].missing)
			return &in->files[i];
	return NULL;
}

static void on_sent_file(
    void *arg, int r, int exit_code, const char *out, const struct err *err)
{
	struct ssh_install *in = arg;

	(void)out;
	close_source(in);
	if (r < 0) {
		if (exit_code == 127)
			in->agent_there = false;
		failed(in, r, exit_code, "sending", in->sending->name, err);
		return;
	}
	/* The agent has verified its hash. */
	in->sending->missing = false;
	in->failures = 0;
	next(in);
}

static void send_file(struct ssh_install *in, struct file *f)
{
	scoped(free) char *words =
	    xasprintf("put %s --size %" PRId64, f->f.sha256, f->f.size);
	scoped(free) char *command = ssh_install_command(in, words);

	if (!open_source(in, f))
		return;
	in->run = ssh_run(in->loop, in->ssh,
	    &(struct ssh_run_options){.command = command,
	        .output_max = 1024,
	        .source_fd = in->fd,
	        .source_size = f->f.size,
	        .sink_fd = -1,
	        .finish_ms = FINISH_MS + f->f.size / (HASHES_PER_S / 1000),
	        .on_moved = on_moved,
	        .on_end = on_sent_file,
	        .arg = in});
}

static void on_had(
    void *arg, int r, int exit_code, const char *out, const struct err *err)
{
	struct ssh_install *in = arg;

	in->run = NULL;
	if (r < 0) {
		if (exit_code == 127 || exit_code == 126)
			in->agent_there = false;
		failed(in, r, exit_code, "looking for", "files", err);
		return;
	}
	for (size_t i = 0; i < in->opts.n_files; i++)
		in->files[i].missing = strstr(out, in->files[i].f.sha256);
	in->files_known = true;
	in->failures = 0;
	next(in);
}

static void ask_for_files(struct ssh_install *in)
{
	scoped_val(buf_done) struct buf words = BUF_INIT(1 << 16);
	scoped(free) char *command = NULL;

	buf_puts(&words, "have");
	for (size_t i = 0; i < in->opts.n_files; i++)
		buf_printf(&words, " %s", in->files[i].f.sha256);
	command = ssh_install_command(in, buf_str(&words));
	in->run = ssh_run(in->loop, in->ssh,
	    &(struct ssh_run_options){.command = command,
	        .output_max = SSH_INSTALL_FILES_MAX * (HASH_HEX + 2),
	        .source_fd = -1,
	        .sink_fd = -1,
	        .on_end = on_had,
	        .arg = in});
}

/* ---- the whole ----------------------------------------------------------- */

static void next(struct ssh_install *in)
{
	struct file *f;

	if (!in->agent_there) {
		check_agent(in);
	} else if (!in->files_known && in->opts.n_files) {
		ask_for_files(in);
	} else {
		f = find_missing(in);
		if (f)
			send_file(in, f);
		else
			done(in, 0, NULL, NULL);
	}
}

static void on_timer(void *arg)
{
	next(arg);
}

static void file_copy(struct file *to, const struct ssh_install_file *from)
{
	to->f = *from;
	to->name = xstrdup(from->name);
	to->path = xstrdup(from->path);
}

static void file_done(struct file *f)
{
	free(f->name);
	free(f->path);
}

struct ssh_install *ssh_install_new(
    struct loop *loop, const struct ssh_install_options *opts)
{
	struct ssh_install *in = xcalloc(1, sizeof(*in));

	in->loop = loop;
	in->opts = *opts;
	in->dir = xstrdup(opts->dir);
	in->fd = -1;
	in->timer = loop_timer_new(loop, on_timer, in);
	file_copy(&in->agent, &opts->agent);
	in->files = xcalloc(opts->n_files, sizeof(*in->files));
	for (size_t i = 0; i < opts->n_files; i++)
		file_copy(&in->files[i], &opts->files[i]);
	return in;
}

void ssh_install_free(struct ssh_install *in)
{
	if (!in)
		return;
	ssh_install_stop(in);
	loop_timer_free(in->timer);
	for (size_t i = 0; i < in->opts.n_files; i++)
		file_done(&in->files[i]);
	file_done(&in->agent);
	free(in->files);
	free(in->dir);
	free(in);
}

void ssh_install_begin(struct ssh_install *in, struct ssh *ssh)
{
	in->ssh = ssh;
	loop_timer_at(in->timer, clock_mono_ms());
}

void ssh_install_stop(struct ssh_install *in)
{
	loop_timer_stop(in->timer);
	ssh_run_abandon(in->run);
	close_source(in);
	in->ssh = NULL;
}

void ssh_install_doubt(struct ssh_install *in)
{
	in->agent_there = false;
	in->files_known = false;
}
