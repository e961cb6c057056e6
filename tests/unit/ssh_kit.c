/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real sshd for tests; see ssh_kit.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/ssh_kit.h"

extern char **environ;

int kit_run(const char *const *argv)
{
	pid_t pid;
	int status;

	/* posix_spawn() does not change the words it is given. */
	if (posix_spawnp(&pid, argv[0], NULL, NULL,
	        (char *const *)(uintptr_t)argv, environ) != 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int kit_listen(int *ret_port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void make_key(
    const struct sshd *s, const char *name, const char *type, char print[64])
{
	scoped(free) char *path = xasprintf("%s/%s", s->dir, name);
	scoped(free) char *out = xasprintf("%s/print", s->dir);
	scoped(free) char *cmd =
	    xasprintf("ssh-keygen -q -t %s -N '' -C test -f %s && "
	              "ssh-keygen -lf %s.pub | cut -d' ' -f2 >%s",
	        type, path, path, out);
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);

	assert_int_equal(
	    kit_run((const char *const[]){"sh", "-c", cmd, NULL}), 0);
	assert_int_equal(fs_read(out, 4096, &b, NULL), 0);
	if (print)
		(void)snprintf(print, 64, "%.*s",
		    (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
}

static void write_config(const struct sshd *s, const char *extra)
{
	scoped(free) char *path = xasprintf("%s/config", s->dir);
	scoped(free) char *text = xasprintf("%s\n"
	                                    "ListenAddress 127.0.0.1\n"
	                                    "HostKey %s/host_ed25519\n"
	                                    "HostKey %s/host_ecdsa\n"
	                                    "AuthorizedKeysFile %s/client.pub\n"
	                                    "PidFile none\n"
	                                    "UsePAM no\n"
	                                    "StrictModes no\n"
	                                    "PermitRootLogin yes\n"
	                                    "PasswordAuthentication no\n"
	                                    "KbdInteractiveAuthentication no\n"
	                                    "MaxStartups 100\n"
	                                    "LogLevel INFO\n",
	    extra, s->dir, s->dir, s->dir);

	assert_int_equal(
	    fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* Waits for "Server listening"; false if sshd ended instead. */
static bool wait_until_it_listens(struct sshd *s)
{
	int64_t deadline_ms = clock_mono_ms() + KIT_PATIENCE_MS;
	scoped_val(buf_done) struct buf log = BUF_INIT(65536);

	while (!strstr(buf_str(&log), "Server listening")) {
		struct pollfd p = {.fd = s->log_fd, .events = POLLIN};
		char *room = buf_room(&log, 1024);
		ssize_t n;

		assert_non_null(room);
		assert_true(clock_mono_ms() < deadline_ms);
		if (poll(&p, 1, KIT_PATIENCE_MS) <= 0)
			continue;
		n = read(s->log_fd, room, 1024);
		if (n <= 0)
			return false;
		buf_added(&log, (size_t)n);
	}
	return true;
}

static bool spawn_sshd(struct sshd *s)
{
	scoped(free) char *config = xasprintf("%s/config", s->dir);
	scoped(free) char *port = xasprintf("%d", s->port);
	int fds[2];
	pid_t parent = getpid();

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	/* A log that nobody reads must not stop sshd. */
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		/* A session of its own: its children can be ended too. */
		(void)setsid();
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || dup2(fds[1], STDERR_FILENO) < 0)
			_exit(127);
		(void)execl(s->sshd, s->sshd, "-D", "-e", "-f", config, "-p",
		    port, (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	s->log_fd = fds[0];
	if (wait_until_it_listens(s))
		return true;
	(void)waitpid(s->pid, NULL, 0);
	(void)close(s->log_fd);
	return false;
}

bool sshd_start(struct sshd *s, const char *extra)
{
	const struct passwd *pw = getpwuid(geteuid());

	*s = (struct sshd){.dir = "/tmp/ib-sshd.XXXXXX"};
	(void)snprintf(s->sshd, sizeof(s->sshd), "/usr/sbin/sshd");
	if (access(s->sshd, X_OK) < 0 || !pw)
		return false;
	(void)snprintf(s->user, sizeof(s->user), "%s", pw->pw_name);
	/* Where sshd puts its unprivileged half; there may be no service. */
	if (geteuid() == 0)
		(void)mkdir("/run/sshd", 0755);
	assert_non_null(mkdtemp(s->dir));
	make_key(s, "host_ed25519", "ed25519", s->print_ed25519);
	make_key(s, "host_ecdsa", "ecdsa", s->print_ecdsa);
	make_key(s, "client", "ed25519", NULL);
	make_key(s, "stranger", "ed25519", NULL);
	write_config(s, extra);
	for (int i = 0; i < 10; i++) {
		int fd = kit_listen(&s->port);

		(void)close(fd);
		if (spawn_sshd(s))
			return true;
	}
	fail_msg("sshd does not start");
	return false;
}

/* A connection's processes have sessions of their own: found by parentage. */
static void kill_tree(pid_t pid)
{
	scoped(free) char *path =
	    xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid);
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	pid_t children[256];
	size_t n = 0;

	(void)kill(pid, SIGSTOP);
	if (fs_read(path, 65536, &b, NULL) == 0) {
		char *p = b.data;
		char *end;

		while (n < ARRAY_LEN(children)) {
			long child = strtol(p, &end, 10);

			if (end == p)
				break;
			children[n++] = (pid_t)child;
			p = end;
		}
	}
	for (size_t i = 0; i < n; i++)
		kill_tree(children[i]);
	(void)kill(pid, SIGKILL);
}

void sshd_kill(struct sshd *s)
{
	if (s->pid <= 0)
		return;
	kill_tree(s->pid);
	(void)waitpid(s->pid, NULL, 0);
	(void)close(s->log_fd);
	s->pid = 0;
}

void sshd_again(struct sshd *s)
{
	assert_true(spawn_sshd(s));
}

void sshd_stop(struct sshd *s)
{
	sshd_kill(s);
	assert_int_equal(fs_remove_tree(s->dir, NULL), 0);
}

void sshd_options(const struct sshd *s, struct ssh_options *ret)
{
	*ret = (struct ssh_options){
	    .host = xstrdup("127.0.0.1"),
	    .port = (uint16_t)s->port,
	    .user = xstrdup(s->user),
	    .key = xasprintf("%s/client", s->dir),
	    .host_key = xstrdup(s->print_ed25519),
	};
}
