/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `ironbench-agent attach`: SSH's stdin and stdout to the socket of `run`. It
 * holds nothing and may die at any time; it knows nothing of what it carries.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent.h"

enum {
	CHUNK = 65536,
	READY_MS = 20000
};

extern char **environ;

static int dial(int *ret_fd, struct err *err)
{
	scoped_val(fd_done) int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "sock"};

	if (fd < 0)
		return err_errno(err, errno, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(err, errno, "sock");
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Starts `run`, which keeps only ready_fd and its log. */
static int spawn_run(const char *dir, int ready_fd, struct err *err)
{
	char ready[32];
	const char *argv[] = {
	    "ironbench-agent", "run", "--dir", dir, ready, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int e;

	(void)snprintf(ready, sizeof(ready), "--ready-fd=3");
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(
	    &files, 2, "run.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, ready_fd, 3);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	/* posix_spawn() does not change the words it is given. */
	e = posix_spawn(&pid, "/proc/self/exe", &files, &attr,
	    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return e ? err_errno(err, e, "start the agent") : 0;
}

/* Waits until `run` listens, or has ended, which the dialling then tells. */
static int start_run(const char *dir, struct err *err)
{
	int fds[2];
	struct pollfd p;
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	/* A copy of it must not have number 3 already, or dup2 keeps CLOEXEC.
	 */
	if (fds[1] == 3) {
		int other = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);

		(void)close(fds[1]);
		fds[1] = other;
	}
	r = spawn_run(dir, fds[1], err);
	(void)close(fds[1]);
	p = (struct pollfd){.fd = fds[0], .events = POLLIN};
	if (r == 0 && poll(&p, 1, READY_MS) == 0)
		r = err_set(err, ERR_TIMEOUT, "the agent does not get ready");
	(void)close(fds[0]);
	return r;
}

static int dial_or_start(const char *dir, int *ret_fd, struct err *err)
{
	/* Two at a time would race: the second finds what the first began. */
	scoped_val(fd_done) int lock =
	    open("start.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r = dial(ret_fd, err);

	if (r == 0)
		return 0;
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_errno(err, errno, "start.lock");
	if (dial(ret_fd, err) == 0)
		return 0;
	r = start_run(dir, err);
	return r < 0 ? r : dial(ret_fd, err);
}

/* Bytes from one descriptor to another. */
struct flow {
	int from;
	int to;
	bool eof;
	size_t off;
	size_t len;
	char data[CHUNK];
};

static bool is_broken(ssize_t n)
{
	return n < 0 && errno != EAGAIN && errno != EINTR;
}

/* Moves what can be moved now; false when there is nobody to move it to. */
static bool flow_step(struct flow *f, short from_events, short to_events)
{
	ssize_t n;

	if (!f->len && from_events && !f->eof) {
		n = read(f->from, f->data, sizeof(f->data));
		if (is_broken(n) || n == 0)
			f->eof = true;
		f->off = 0;
		f->len = n > 0 ? (size_t)n : 0;
	}
	if (f->len && (to_events & (POLLERR | POLLNVAL)))
		return false;
	if (f->len) {
		n = write(f->to, f->data + f->off, f->len);
		if (is_broken(n))
			return false;
		f->off += n > 0 ? (size_t)n : 0;
		f->len -= n > 0 ? (size_t)n : 0;
	}
	return !(f->eof && !f->len);
}

static short wish(const struct flow *in, short what)
{
	if (what == POLLIN)
		return in->len || in->eof ? 0 : POLLIN;
	return in->len ? POLLOUT : 0;
}

static void bridge(int sock)
{
	scoped(free) struct flow *up = xcalloc(1, sizeof(*up));
	scoped(free) struct flow *down = xcalloc(1, sizeof(*down));
	bool go_on = true;

	up->from = STDIN_FILENO;
	up->to = down->from = sock;
	down->to = STDOUT_FILENO;
	while (go_on) {
		struct pollfd p[3] = {
		    {.fd = STDIN_FILENO, .events = wish(up, POLLIN)},
		    {.fd = sock,
		        .events =
		            (short)(wish(up, POLLOUT) | wish(down, POLLIN))},
		    {.fd = STDOUT_FILENO, .events = wish(down, POLLOUT)}};

		/* The daemon's pings keep this short; a dead SSH ends it. */
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return;
		go_on = flow_step(up, p[0].revents, p[1].revents) &&
		    flow_step(down,
		        (short)(p[1].revents & (POLLIN | POLLHUP | POLLERR)),
		        p[2].revents);
	}
}

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	/* Where it cannot be had, the bridge is merely slower. */
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int attach(const char *dir, struct err *err)
{
	scoped_val(fd_done) int sock = -1;
	int r = dial_or_start(dir, &sock, err);

	if (r < 0)
		return r;
	(void)signal(SIGPIPE, SIG_IGN);
	set_nonblocking(sock);
	set_nonblocking(STDIN_FILENO);
	set_nonblocking(STDOUT_FILENO);
	bridge(sock);
	return 0;
}
