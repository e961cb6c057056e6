/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git writes into files in memory: it never waits for us to read, and we read
 * only what we want when it has ended.
 */
#include "cli/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define WORDS_MAX 16
#define GIT_MS 10000
#define LINE_BYTES 8192
#define LAST_WORDS 4096

extern char **environ;

static int spawn(
    const char *const *words, int out, int errs, pid_t *ret, struct err *err)
{
	char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "git"};
	posix_spawn_file_actions_t files;
	int r;

	/* posix_spawn() does not change the words it is given. */
	for (size_t i = 0; words[i]; i++) {
		if (i == WORDS_MAX)
			return err_set(err, ERR_LIMIT, "git: too many words");
		argv[i + 1] = (char *)(uintptr_t)words[i];
	}
	/* A failure here shows up as one of posix_spawnp(). */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, errs, 2);
	r = posix_spawnp(ret, "git", &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return r ? err_errno(err, r, "git") : 0;
}

/* Appends what is in the file, up to the ceiling. */
static int add_file(struct buf *to, int fd, struct err *err)
{
	off_t at = 0;

	while (to->len < to->max) {
		size_t want = to->max - to->len;
		size_t step = want < LINE_BYTES ? want : LINE_BYTES;
		char *room = buf_room(to, step);
		ssize_t n;

		if (!room)
			return err_set(err, ERR_LIMIT, "git: says too much");
		n = pread(fd, room, step, at);
		if (n < 0)
			return err_errno(err, errno, "git: its output");
		if (!n)
			break;
		buf_added(to, (size_t)n);
		at += n;
	}
	return 0;
}

/* The last line it wrote on stderr. */
static int complain(
    const char *const *words, int errs, int status, struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(LAST_WORDS);
	bool is_no = WIFEXITED(status) && WEXITSTATUS(status) == 1;
	enum err_kind kind = is_no ? ERR_NOTFOUND : ERR_INVAL;
	scoped(free) char *text = NULL;
	char *line;

	(void)add_file(&b, errs, NULL); /* without its words, then */
	text = buf_take(&b);
	for (size_t n = strlen(text); n && text[n - 1] == '\n';)
		text[--n] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (*line)
		return err_set(err, kind, "git %s: %s", words[0], line);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_IO, "git %s: ended by signal %d",
		    words[0], WTERMSIG(status));
	return err_set(err, kind, "git %s: ended with code %d", words[0],
	    WEXITSTATUS(status));
}

/* Waits for its end, which is brought about at the deadline. */
static int wait_for(
    pid_t pid, const char *const *words, int *ret_status, struct err *err)
{
	scoped_val(fd_done) int fd = pidfd_open(pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool late = fd < 0 || poll(&p, 1, GIT_MS) != 1;

	if (late)
		(void)kill(pid, SIGKILL); /* it is ours until waitpid() */
	if (waitpid(pid, ret_status, 0) < 0)
		return err_errno(err, errno, "git %s", words[0]);
	if (late)
		return err_set(err, ERR_TIMEOUT, "git %s: took over %d s",
		    words[0], GIT_MS / 1000);
	return 0;
}

int git_ask(const char *const *words, struct buf *ret, struct err *err)
{
	scoped_val(fd_done) int out = memfd_create("out", MFD_CLOEXEC);
	scoped_val(fd_done) int errs = memfd_create("errs", MFD_CLOEXEC);
	int status = 0;
	pid_t pid;
	int r;

	if (out < 0 || errs < 0)
		return err_errno(err, errno, "git: file in memory");
	r = spawn(words, out, errs, &pid, err);
	if (r == 0)
		r = wait_for(pid, words, &status, err);
	if (r < 0)
		return r;
	if (status)
		return complain(words, errs, status, err);
	return add_file(ret, out, err);
}

int git_line(const char *const *words, char **ret, struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(LINE_BYTES);
	int r = git_ask(words, &b, err);

	if (r < 0)
		return r;
	*ret = xstrndup(buf_str(&b), strcspn(buf_str(&b), "\n"));
	return 0;
}
