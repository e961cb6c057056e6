/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a hypervisor is bound to the agent: by a signal of the kernel when the
 * agent dies, and by its id and start time in vm.pid, should that be missed.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/vm.h"
#include "base/fs.h"
#include "base/str.h"

enum {
	GONE_MS = 5000
};

/* Start time of a process in ticks since boot; -1 if there is none. */
static int64_t start_time(int64_t pid)
{
	scoped(free) char *path = xasprintf("/proc/%" PRId64 "/stat", pid);
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	const char *p;
	int64_t ticks;

	if (fs_read(path, 4096, &b, NULL) < 0)
		return -1;
	/* The name, in parentheses, may hold anything; 20 fields later. */
	p = strrchr(buf_str(&b), ')');
	for (int i = 0; i < 20 && p; i++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %" SCNd64, &ticks) == 1 ? ticks : -1;
}

int vm_exec(int64_t parent_pid, char **argv, struct err *err)
{
	scoped(free) char *text = NULL;
	sigset_t none;
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_errno(err, errno, "prctl");
	/* It may have died before the kernel knew of our wish. */
	if (getppid() != parent_pid)
		return err_set(err, ERR_CONFLICT, "the agent is gone");
	text = xasprintf(
	    "%ld %" PRId64 "\n", (long)getpid(), start_time(getpid()));
	r = fs_write_atomic("vm.pid", text, strlen(text), 0600, err);
	if (r < 0)
		return r;
	/* An empty set on a valid pointer cannot fail. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	return err_errno(err, errno, "%s", argv[0]);
}

int vm_spawn(struct loop *loop, const struct argv *argv,
    struct child_options *opts, struct child **ret, struct err *err)
{
	struct argv a = {NULL, 0};
	int r;

	argv_add(&a, "/proc/self/exe");
	argv_add(&a, "vm-exec");
	argv_add(&a, "%ld", (long)getpid());
	for (size_t i = 0; i < argv->n; i++)
		argv_add(&a, "%s", argv->v[i]);
	opts->argv = (const char *const *)a.v;
	r = child_start(loop, opts, ret, err);
	argv_done(&a);
	return r;
}

static int wait_gone(int64_t pid, int64_t ticks, struct err *err)
{
	scoped_val(fd_done) int fd =
	    (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0 || start_time(pid) != ticks)
		return 0; /* gone already */
	if (poll(&p, 1, GONE_MS) == 0)
		return err_set(
		    err, ERR_TIMEOUT, "process %" PRId64 " does not die", pid);
	return 0;
}

int vm_kill_leftover(struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(128);
	int64_t pid = 0;
	int64_t ticks = 0;
	int r = fs_read("vm.pid", 127, &b, err);

	if (r == -ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	if (sscanf(buf_str(&b), "%" SCNd64 " %" SCNd64, &pid, &ticks) != 2 ||
	    pid <= 1 || ticks < 0 || start_time(pid) != ticks) {
		(void)unlink("vm.pid"); /* of a process that is gone */
		return 0;
	}
	/* It leads its own session, so its children go with it. */
	if (kill((pid_t)-pid, SIGKILL) < 0 && kill((pid_t)pid, SIGKILL) < 0 &&
	    errno != ESRCH)
		return err_errno(err, errno, "kill %" PRId64, pid);
	r = wait_gone(pid, ticks, err);
	if (r < 0)
		return r;
	(void)unlink("vm.pid");
	return 1;
}
