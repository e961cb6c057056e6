/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands on a connection.
 *
 * A channel leaves the list only in sweep(), when no callback runs; until then
 * one that was abandoned has no ops, and is closed like any other: the machine
 * must have said so too before its number is free again.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/ssh_private.h"

enum {
	WINDOW = 1 << 20, /* bytes the machine may send ahead of us */
	PACKET = 32768,
	LOW = SSH_WRITE_MAX / 2, /* of stdin, from where more is asked for */
	LINE_MAX_LEN = 300
};

enum channel_state {
	CHANNEL_NEW,
	CHANNEL_START,
	CHANNEL_RUN,
	CHANNEL_CLOSE,
	CHANNEL_GONE
};

struct ssh_channel {
	struct ssh_channel *next;
	struct ssh *ssh;
	LIBSSH2_CHANNEL *ch;
	enum channel_state state;
	char *command;
	const struct ssh_channel_ops *ops; /* NULL: abandoned, or ended */
	void *arg;
	struct buf in; /* for its stdin */
	bool starved;  /* write took less than all */
	bool eof;
	bool eof_sent;
	bool paused;
	char line[LINE_MAX_LEN + 1]; /* the last of stderr */
	size_t line_len;
	bool line_over;
};

struct ssh_channel *ssh_exec(struct ssh *ssh, const char *command,
    const struct ssh_channel_ops *ops, void *arg)
{
	struct ssh_channel *c = xcalloc(1, sizeof(*c));
	struct ssh_channel **at = &ssh->channels;

	c->ssh = ssh;
	c->command = xstrdup(command);
	c->ops = ops;
	c->arg = arg;
	c->in = (struct buf)BUF_INIT(SSH_WRITE_MAX);
	while (*at)
		at = &(*at)->next;
	*at = c;
	ssh_kick(ssh);
	return c;
}

size_t ssh_channel_write(struct ssh_channel *c, const void *data, size_t len)
{
	size_t room = SSH_WRITE_MAX - c->in.len;
	size_t n = len < room ? len : room;

	if (c->eof || !c->ops)
		return len;
	buf_add(&c->in, data, n);
	if (n < len)
		c->starved = true;
	ssh_kick(c->ssh);
	return n;
}

void ssh_channel_eof(struct ssh_channel *c)
{
	c->eof = true;
	ssh_kick(c->ssh);
}

void ssh_channel_pause(struct ssh_channel *c)
{
	c->paused = true;
}

void ssh_channel_resume(struct ssh_channel *c)
{
	c->paused = false;
	ssh_kick(c->ssh);
}

void ssh_channel_abandon(struct ssh_channel *c)
{
	if (!c)
		return;
	c->ops = NULL;
	c->paused = false;
	ssh_kick(c->ssh);
}

/* ---- ends ---------------------------------------------------------------- */

static void end(
    struct ssh_channel *c, int r, int exit_code, const struct err *err)
{
	const struct ssh_channel_ops *ops = c->ops;

	c->ops = NULL;
	if (ops)
		ops->on_end(c->arg, r, exit_code, err);
}

static void channel_free(struct ssh_channel *c)
{
	buf_done(&c->in);
	free(c->command);
	free(c);
}

/* Ends by an exit code or signal, which is an error unless it is 0. */
static void end_with_code(struct ssh_channel *c, int code)
{
	struct err err = ERR_INIT;
	int r = 0;

	if (code > 128)
		r = err_set(&err, ERR_IO, "%s: ended by signal %d%s%s",
		    c->ssh->name, code - 128, c->line_len ? ": " : "", c->line);
	else if (code)
		r = err_set(&err, ERR_IO, "%s: exit code %d%s%s", c->ssh->name,
		    code, c->line_len ? ": " : "", c->line);
	err.code = code;
	end(c, r, code, &err);
}

static int signal_number(const char *name, size_t len)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
	    {"ABRT", SIGABRT},
	    {"ALRM", SIGALRM},
	    {"FPE", SIGFPE},
	    {"HUP", SIGHUP},
	    {"ILL", SIGILL},
	    {"INT", SIGINT},
	    {"KILL", SIGKILL},
	    {"PIPE", SIGPIPE},
	    {"QUIT", SIGQUIT},
	    {"SEGV", SIGSEGV},
	    {"TERM", SIGTERM},
	    {"USR1", SIGUSR1},
	    {"USR2", SIGUSR2},
	};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (strlen(signals[i].name) == len &&
		    memcmp(signals[i].name, name, len) == 0)
			return signals[i].number;
	return 127; /* no signal has it: one that the standard does not name */
}

static int exit_code(struct ssh_channel *c)
{
	char *name = NULL;
	size_t len = 0;
	int code = libssh2_channel_get_exit_status(c->ch) & 0xff;

	if (libssh2_channel_get_exit_signal(
	        c->ch, &name, &len, NULL, NULL, NULL, NULL) == 0 &&
	    name) {
		code = 128 + signal_number(name, len);
		libssh2_free(c->ssh->session, name);
	}
	return code;
}

/* ---- steps: each is >= 0, or the end of the connection ------------------- */

static int open_channel(struct ssh_channel *c, bool *moved, struct err *err)
{
	struct ssh *ssh = c->ssh;
	struct err why = ERR_INIT;
	int r;

	if (ssh->opening && ssh->opening != c)
		return 0;
	if (!c->ops && !ssh->opening) {
		c->state = CHANNEL_GONE;
		return 0;
	}
	ssh->opening = c;
	c->ch = libssh2_channel_open_ex(
	    ssh->session, "session", 7, WINDOW, PACKET, NULL, 0);
	r = c->ch ? 0 : libssh2_session_last_errno(ssh->session);
	if (r == LIBSSH2_ERROR_EAGAIN)
		return 0;
	ssh->opening = NULL;
	*moved = true;
	c->state = CHANNEL_START;
	if (r == 0)
		return 0;
	if (r != LIBSSH2_ERROR_CHANNEL_FAILURE)
		return ssh_error(ssh, r, "open a channel", err);
	r = ssh_error(ssh, r, "open a channel", &why);
	c->state = CHANNEL_GONE;
	end(c, r, -1, &why);
	return 0;
}

static int start_command(struct ssh_channel *c, bool *moved, struct err *err)
{
	struct err why = ERR_INIT;
	int r = libssh2_channel_process_startup(
	    c->ch, "exec", 4, c->command, (unsigned)strlen(c->command));

	if (r == LIBSSH2_ERROR_EAGAIN)
		return 0;
	*moved = true;
	c->state = CHANNEL_RUN;
	if (r == 0)
		return 0;
	if (r != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return ssh_error(c->ssh, r, "start a command", err);
	r = ssh_error(c->ssh, r, "start a command", &why);
	c->state = CHANNEL_CLOSE;
	end(c, r, -1, &why);
	return 0;
}

static int send_stdin(struct ssh_channel *c, bool *moved, struct err *err)
{
	size_t sent = 0;
	ssize_t n = 0;

	while (sent < c->in.len &&
	    ssh_socket_waiting(c->ssh->socket) < SSH_SOCKET_BUSY) {
		n = libssh2_channel_write(
		    c->ch, c->in.data + sent, c->in.len - sent);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	if (sent) {
		buf_drop(&c->in, sent);
		c->ssh->moved += sent;
		*moved = true;
	}
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		return ssh_error(c->ssh, (int)n, "write to a command", err);
	if (c->eof && !c->in.len && !c->eof_sent) {
		n = libssh2_channel_send_eof(c->ch);
		if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
			return ssh_error(
			    c->ssh, (int)n, "write to a command", err);
		c->eof_sent = n == 0;
	}
	if (c->starved && c->in.len <= LOW) {
		c->starved = false;
		*moved = true;
		if (c->ops->on_drain)
			c->ops->on_drain(c->arg);
	}
	return 0;
}

static void keep_last_line(struct ssh_channel *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' || data[i] == '\r') {
			c->line_over = true;
			continue;
		}
		if (c->line_over)
			c->line_len = 0;
		c->line_over = false;
		if (c->line_len < LINE_MAX_LEN)
			c->line[c->line_len++] = data[i] ? data[i] : ' ';
	}
	c->line[c->line_len] = '\0';
}

/* Its output; reading is what lets the machine send more. */
static int receive(struct ssh_channel *c, bool *moved, struct err *err)
{
	char chunk[PACKET];
	ssize_t n = 1;

	while (n > 0 && c->ops && !c->paused && !c->ssh->closed) {
		n = libssh2_channel_read(c->ch, chunk, sizeof(chunk));
		if (n > 0) {
			*moved = true;
			c->ssh->moved += (size_t)n;
			if (c->ops->on_data)
				c->ops->on_data(c->arg, chunk, (size_t)n);
		}
	}
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		return ssh_error(c->ssh, (int)n, "read from a command", err);
	n = 1;
	while (n > 0 && c->ops && !c->paused && !c->ssh->closed) {
		n = libssh2_channel_read_stderr(c->ch, chunk, sizeof(chunk));
		if (n > 0) {
			*moved = true;
			c->ssh->moved += (size_t)n;
			keep_last_line(c, chunk, (size_t)n);
		}
	}
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		return ssh_error(c->ssh, (int)n, "read from a command", err);
	return 0;
}

static int run(struct ssh_channel *c, bool *moved, struct err *err)
{
	int r = send_stdin(c, moved, err);

	if (r == 0 && c->ops && !c->ssh->closed)
		r = receive(c, moved, err);
	if (r < 0 || !c->ops || c->ssh->closed)
		return r;
	/* The exit code comes after the end of the output, before the close. */
	if (libssh2_channel_eof(c->ch) != 1)
		return 0;
	r = libssh2_channel_wait_closed(c->ch);
	if (r == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (r < 0)
		return ssh_error(c->ssh, r, "end of a command", err);
	*moved = true;
	c->state = CHANNEL_CLOSE;
	end_with_code(c, exit_code(c));
	return 0;
}

static int close_channel(struct ssh_channel *c, bool *moved, struct err *err)
{
	int r = libssh2_channel_free(c->ch);

	if (r == LIBSSH2_ERROR_EAGAIN)
		return 0;
	c->ch = NULL;
	c->state = CHANNEL_GONE;
	*moved = true;
	return r < 0 ? ssh_error(c->ssh, r, "close a channel", err) : 0;
}

static int channel_step(struct ssh_channel *c, bool *moved, struct err *err)
{
	if (!c->ops && c->ch &&
	    (c->state == CHANNEL_START || c->state == CHANNEL_RUN))
		c->state = CHANNEL_CLOSE;
	switch (c->state) {
	case CHANNEL_NEW:
		return open_channel(c, moved, err);
	case CHANNEL_START:
		return start_command(c, moved, err);
	case CHANNEL_RUN:
		return run(c, moved, err);
	case CHANNEL_CLOSE:
		return close_channel(c, moved, err);
	case CHANNEL_GONE:
		break;
	}
	return 0;
}

static void sweep(struct ssh *ssh)
{
	struct ssh_channel **at = &ssh->channels;

	while (*at) {
		struct ssh_channel *c = *at;

		if (c->state == CHANNEL_GONE) {
			*at = c->next;
			channel_free(c);
		} else {
			at = &c->next;
		}
	}
}

int ssh_channels_step(struct ssh *ssh, bool *ret_moved, struct err *err)
{
	int r = 0;

	for (struct ssh_channel *c = ssh->channels; c && r == 0 && !ssh->closed;
	     c = c->next)
		r = channel_step(c, ret_moved, err);
	sweep(ssh);
	return r;
}

void ssh_channels_end(struct ssh *ssh, const struct err *err)
{
	struct ssh_channel *list = ssh->channels;
	struct ssh_channel *next;

	/* A callback may ask for another command: that is for the next time. */
	ssh->channels = NULL;
	ssh->opening = NULL;
	for (struct ssh_channel *c = list; c; c = next) {
		if (!ssh->closed)
			end(c, -err->kind, -1, err);
		next = c->next;
	}
	for (struct ssh_channel *c = list; c; c = next) {
		next = c->next;
		channel_free(c);
	}
}

void ssh_channels_free(struct ssh *ssh)
{
	struct ssh_channel *next;

	for (struct ssh_channel *c = ssh->channels; c; c = next) {
		next = c->next;
		channel_free(c);
	}
	ssh->channels = NULL;
	ssh->opening = NULL;
}
