/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a hypervisor is bound to the agent. Between them stands a guard: the
 * kernel tells it when the agent dies, and it ends the hypervisor and all that
 * this has started, also what has left its session. Should the guard be killed
 * as well, the hypervisor gets the same signal, and vm.pid tells the next
 * agent whose session is left.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/vm.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

enum {
	GONE_MS = 5000,
	END_MS = 2000, /* that a guard has to end what it guards */
	POLL_MS = 5,
	ROUNDS_MAX = 1000,
	/* Fields of /proc/PID/stat, counted from 1. */
	STAT_STATE = 3,
	STAT_PARENT = 4,
	STAT_SESSION = 6,
	STAT_START = 22
};

/* ---- processes ------------------------------------------------------- */

/* A word of /proc/PID/stat; NULL if there is no such process. Caller frees. */
static char *stat_word(int64_t pid, int field)
{
	scoped(free) char *path = xasprintf("/proc/%" PRId64 "/stat", pid);
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	char *p;

	if (fs_read(path, 4096, &b, NULL) < 0)
		return NULL;
	/* The name, field 2 in parentheses, may hold anything. */
	p = strrchr(buf_str(&b), ')');
	for (int i = 2; i < field && p; i++)
		p = strchr(p + 1, ' ');
	return p ? xstrndup(p + 1, strcspn(p + 1, " ")) : NULL;
}

/* -1 if there is no such process. */
static int64_t stat_number(int64_t pid, int field)
{
	scoped(free) char *word = stat_word(pid, field);
	int64_t value;

	if (!word || str_to_i64(word, 0, INT64_MAX, &value, NULL) < 0)
		return -1;
	return value;
}

/* What it calls may end the process. True if it returned true for any. */
static bool any_process(bool (*is)(int64_t pid, int64_t arg), int64_t arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	bool some = false;
	int64_t pid;

	while (dir && (e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    str_to_i64(e->d_name, 2, INT32_MAX, &pid, NULL) == 0)
			some |= is(pid, arg);
	if (dir)
		(void)closedir(dir);
	return some;
}

static bool kill_child(int64_t pid, int64_t parent)
{
	if (stat_number(pid, STAT_PARENT) != parent)
		return false;
	(void)kill((pid_t)pid, SIGKILL);
	/* Until this, nobody else can have the number. */
	(void)waitpid((pid_t)pid, NULL, 0);
	return true;
}

/* Whose parent died becomes our child: one generation a round. */
static void kill_descendants(void)
{
	for (int i = 0; i < ROUNDS_MAX && any_process(kill_child, getpid());
	     i++)
		continue;
}

/* ---- the guard ------------------------------------------------------- */

static int write_pid(struct err *err)
{
	scoped(free) char *text = NULL;
	char boot[64];

	boot_id(boot);
	text = xasprintf("%ld %" PRId64 " %s\n", (long)getpid(),
	    stat_number(getpid(), STAT_START), boot);
	return fs_write_atomic("vm.pid", text, strlen(text), 0600, err);
}

/* In the child: becomes the hypervisor. */
static void become(char **argv, pid_t guard, const sigset_t *mask)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the guard has done it */
	if (getppid() != guard)
		_exit(1);
	(void)sigprocmask(SIG_SETMASK, mask, NULL); /* a mask that was got */
	execvp(argv[0], argv);
	(void)fprintf(
	    stderr, "ironbench-agent: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Only the hypervisor has its serial line: its end must be seen. */
static int let_go(struct err *err)
{
	scoped_val(fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		return err_errno(err, errno, "/dev/null");
	return 0;
}

/* Ends as the hypervisor did, so that the agent reads it from us. */
static void end_as(int status)
{
	struct rlimit no_core = {0, 0};
	sigset_t none;

	if (WIFSIGNALED(status)) {
		/* One core is enough; what is left of us cannot be refused. */
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)sigemptyset(&none);
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void stand_guard(pid_t hypervisor, const sigset_t *wanted)
{
	int status;
	pid_t pid;

	for (;;) {
		int sig = sigwaitinfo(wanted, NULL);

		if (sig == SIGTERM) {
			kill_descendants();
			_exit(128 + SIGTERM);
		}
		/* One signal may stand for many ends. */
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != hypervisor)
				continue;
			kill_descendants();
			end_as(status);
		}
	}
}

int vm_exec(int64_t parent_pid, char **argv, struct err *err)
{
	sigset_t wanted;
	sigset_t none;
	pid_t guard = getpid();
	pid_t hypervisor;
	int r;

	/* Sets on valid pointers cannot fail. */
	(void)sigemptyset(&none);
	(void)sigemptyset(&wanted);
	(void)sigaddset(&wanted, SIGTERM);
	(void)sigaddset(&wanted, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &wanted, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(err, errno, "prctl");
	/* It may have died before the kernel knew of our wish. */
	if (getppid() != parent_pid)
		return err_set(err, ERR_CONFLICT, "the agent is gone");
	r = write_pid(err);
	if (r < 0)
		return r;
	hypervisor = fork();
	if (hypervisor < 0)
		return err_errno(err, errno, "fork");
	if (hypervisor == 0)
		become(argv, guard, &none);
	r = let_go(err);
	if (r < 0) {
		kill_descendants();
		return r;
	}
	stand_guard(hypervisor, &wanted);
	return 0;
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

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	/* Left to the loop, which is told of it later. */
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) <
	    0 ||
	    info.si_pid == pid;
}

void vm_abandon(struct child *child)
{
	int64_t until = clock_mono_ms() + END_MS;

	if (!child)
		return;
	/* What has left its session is known to the guard alone. */
	child_kill(child, SIGTERM);
	while (!has_ended(child_pid(child)) && clock_mono_ms() < until)
		(void)poll(NULL, 0, POLL_MS); /* only to wait */
	child_abandon(child);
}

/* ---- what an agent before us left ------------------------------------ */

/* vm.pid: the guard's id and start time, if they are of this boot. */
static bool read_pid(const char *text, int64_t *ret_pid, int64_t *ret_start)
{
	scoped(free) char *copy = xstrdup(text);
	char *save = NULL;
	const char *pid = strtok_r(copy, " \n", &save);
	const char *start = strtok_r(NULL, " \n", &save);
	const char *boot = strtok_r(NULL, " \n", &save);
	char now[64];

	boot_id(now);
	return pid && start && boot && strcmp(boot, now) == 0 &&
	    str_to_i64(pid, 2, INT32_MAX, ret_pid, NULL) == 0 &&
	    str_to_i64(start, 0, INT64_MAX, ret_start, NULL) == 0;
}

/* An orphan whose new parent is slow to ask for its end is dead as well. */
static bool lives_in(int64_t pid, int64_t session)
{
	scoped(free) char *state = stat_word(pid, STAT_STATE);

	return state && !strchr("ZX", state[0]) &&
	    stat_number(pid, STAT_SESSION) == session;
}

/*
 * The guard leads a session, whose number nobody else gets while one process of
 * it lives, even if the guard does not. False: there is none.
 */
static bool session_is_left(int64_t pid, int64_t start)
{
	int64_t now = stat_number(pid, STAT_START);

	return (now == start || now < 0) && any_process(lives_in, pid);
}

static int wait_gone(int64_t pid, int64_t start, struct err *err)
{
	int64_t until = clock_mono_ms() + GONE_MS;

	while (session_is_left(pid, start)) {
		if (clock_mono_ms() > until)
			return err_set(err, ERR_TIMEOUT,
			    "session %" PRId64 " does not die", pid);
		(void)poll(NULL, 0, POLL_MS); /* only to wait */
	}
	return 0;
}

int vm_kill_leftover(struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(128);
	int64_t pid = 0;
	int64_t start = 0;
	int r = fs_read("vm.pid", 127, &b, err);

	if (r == -ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	if (!read_pid(buf_str(&b), &pid, &start) ||
	    !session_is_left(pid, start)) {
		(void)unlink("vm.pid"); /* of a process that is gone */
		return 0;
	}
	if (kill((pid_t)-pid, SIGKILL) < 0 && errno != ESRCH)
		return err_errno(err, errno, "kill %" PRId64, pid);
	r = wait_gone(pid, start, err);
	if (r < 0)
		return r;
	(void)unlink("vm.pid");
	return 1;
}
