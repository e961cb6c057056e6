/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs and their lines. A program's output is read whenever one of its
 * lines is asked for, so a pipe is never full for long.
 */
#include "tests/bench/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	PIPE_BYTES = 1 << 20,
	TEXT_MAX = 256 << 20,
	SIGNAL_MS = 1000,
	KILL_MS = 10000,
	DEPTH_MAX = 8
};

/* ---- starting ------------------------------------------------------------ */

static _Noreturn void become(const char *const *argv, int in, int out,
    enum process_output what, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 ||
	    (what == OUTPUT_AND_ERRORS && dup2(out, STDERR_FILENO) < 0))
		_exit(127);
	(void)execvp(argv[0], (char *const *)argv);
	(void)fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int process_start(struct process *p, const char *const *argv,
    enum process_output what, struct err *err)
{
	int in[2] = {-1, -1};
	int out[2] = {-1, -1};
	pid_t self = getpid();

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	/* A smaller one is as good, only less patient. */
	(void)fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES);
	p->pid = fork();
	if (p->pid == 0)
		become(argv, in[0], out[1], what, self);
	fd_done(&in[0]);
	fd_done(&out[1]);
	p->in = in[1];
	p->out = out[0];
	p->text = (struct buf)BUF_INIT(TEXT_MAX);
	p->used = 0;
	if (p->pid < 0) {
		p->pid = 0;
		return err_errno(err, errno, "fork");
	}
	if (fcntl(p->out, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, errno, "fcntl");
	return 0;
}

int process_tell(struct process *p, const char *text, struct err *err)
{
	return fs_write_all(p->in, text, strlen(text), err);
}

/* ---- its lines ----------------------------------------------------------- */

static void fill(struct process *p)
{
	char *room;
	ssize_t n;

	buf_drop(&p->text, p->used);
	p->used = 0;
	while ((room = buf_room(&p->text, 65536)) != NULL) {
		n = read(p->out, room, 65536);
		if (n <= 0)
			return;
		buf_added(&p->text, (size_t)n);
	}
}

static char *cut_line(struct process *p)
{
	char *line = p->text.data + p->used;
	char *eol = p->text.len > p->used
	    ? memchr(line, '\n', p->text.len - p->used)
	    : NULL;

	if (!eol)
		return NULL;
	*eol = '\0';
	p->used += (size_t)(eol + 1 - line);
	return line;
}

char *process_line(struct process *p)
{
	char *line = cut_line(p);

	if (line)
		return line;
	fill(p);
	return cut_line(p);
}

char *process_line_until(struct process *p, int64_t deadline_ms)
{
	struct pollfd in = {.fd = p->out, .events = POLLIN};
	char *line;

	while ((line = process_line(p)) == NULL) {
		int64_t left_ms = deadline_ms - clock_mono_ms();

		if (left_ms <= 0 || in.revents & (POLLHUP | POLLERR))
			return NULL;
		(void)poll(&in, 1, (int)(left_ms < 100 ? left_ms : 100));
	}
	return line;
}

/* ---- its end ------------------------------------------------------------- */

static bool has_ended(struct process *p, int64_t wait_ms, int *ret_status)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;

	while (waitpid(p->pid, ret_status, WNOHANG) == 0) {
		if (clock_mono_ms() >= until_ms)
			return false;
		fill(p);
		(void)poll(NULL, 0, 5);
	}
	return true;
}

static void forget(struct process *p)
{
	p->pid = 0;
	fd_done(&p->in);
	fd_done(&p->out);
	buf_done(&p->text);
}

void process_end(struct process *p, const int *signals, size_t n)
{
	int status;

	if (p->pid <= 0)
		return;
	fd_done(&p->in);
	for (size_t i = 0; i < n; i++) {
		(void)kill(p->pid, signals[i]);
		if (has_ended(p, SIGNAL_MS, &status)) {
			forget(p);
			return;
		}
	}
	if (!has_ended(p, n ? KILL_MS : 0, &status)) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, &status, 0);
	}
	forget(p);
}

int process_run(
    const char *const *argv, struct buf *out, int64_t max_ms, struct err *err)
{
	struct process p = {0};
	int64_t until_ms = clock_mono_ms() + max_ms;
	const char *line;
	int status = 0;
	int r = process_start(&p, argv, OUTPUT_ONLY, err);

	if (r < 0)
		return r;
	fd_done(&p.in);
	while ((line = process_line_until(&p, until_ms)) != NULL)
		if (out)
			buf_printf(out, "%s\n", line);
	if (!has_ended(&p, until_ms - clock_mono_ms(), &status)) {
		process_end(&p, NULL, 0);
		return err_set(err, ERR_TIMEOUT, "%s: over %lld ms", argv[0],
		    (long long)max_ms);
	}
	forget(&p);
	if (status != 0)
		return err_set(err, ERR_IO, "%s %s: it failed", argv[0],
		    argv[1] ? argv[1] : "");
	return 0;
}

/* ---- memory -------------------------------------------------------------- */

/* The number in KiB behind a word of smaps_rollup. */
static int64_t kib_of(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	long long kib = 0;

	return at && sscanf(at + strlen(word), " %lld kB", &kib) == 1 ? kib : 0;
}

static void add_one(pid_t pid, struct memory *to)
{
	scoped(free) char *path =
	    xasprintf("/proc/%ld/smaps_rollup", (long)pid);
	scoped_val(buf_done) struct buf text = BUF_INIT(0);

	if (fs_read(path, 65536, &text, NULL) < 0)
		return;
	to->resident += kib_of(buf_str(&text), "\nRss:") * 1024;
	to->proportional += kib_of(buf_str(&text), "\nPss:") * 1024;
	to->processes++;
}

static pid_t parent_of(const char *pid)
{
	scoped(free) char *path = xasprintf("/proc/%s/stat", pid);
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	const char *after;
	char state;
	long parent = 0;

	if (fs_read(path, 4096, &text, NULL) < 0)
		return 0;
	after = strrchr(buf_str(&text), ')');
	if (!after || sscanf(after + 1, " %c %ld", &state, &parent) != 2)
		return 0;
	return (pid_t)parent;
}

/* Those whose parent is one of the n; appended to it. */
static size_t add_children(pid_t *pids, size_t n, size_t cap)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	size_t end = n;
	int64_t pid;

	while (dir && end < cap && (e = readdir(dir))) {
		bool known = false;
		pid_t parent;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    str_to_i64(e->d_name, 1, INT32_MAX, &pid, NULL) < 0)
			continue;
		parent = parent_of(e->d_name);
		for (size_t i = 0; i < end; i++)
			known = known || pids[i] == (pid_t)pid;
		for (size_t i = 0; i < n && !known; i++) {
			if (pids[i] != parent)
				continue;
			pids[end++] = (pid_t)pid;
			known = true;
		}
	}
	if (dir)
		(void)closedir(dir);
	return end;
}

void process_memory(pid_t pid, struct memory *ret)
{
	pid_t pids[64] = {pid};
	size_t n = 1;
	struct memory sum = {0};

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		size_t all = add_children(pids, n, ARRAY_LEN(pids));

		if (all == n)
			break;
		n = all;
	}
	for (size_t i = 0; i < n; i++)
		add_one(pids[i], &sum);
	*ret = sum;
}
