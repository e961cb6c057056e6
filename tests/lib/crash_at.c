/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kills a program with SIGKILL when its log says that it is somewhere.
 *
 *	crash_at REGEX DELAY-MS COMMAND...
 *
 * becomes COMMAND, with a child that copies its stderr to ours and kills it
 * DELAY-MS after the first line that REGEX (extended) fits. The log goes
 * through a pipe with room for one line, which is looked at before it is taken
 * out: at a delay of 0 COMMAND is killed before it has written its next line,
 * as it waits for its log (IRONBENCH_LOG_WAIT, see ironbenchd(8)).
 * Behind its last line stands "crash_at: killed".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum {
	LINE_BYTES = 4096, /* of a pipe: one page */
	DEATH_MS = 10000
};

struct watch {
	regex_t regex;
	int64_t delay_ms;
	int64_t kill_at_ms; /* monotonic; INT64_MAX: not yet */
	pid_t pid;          /* of COMMAND; 0: killed */
	int log[2];         /* from COMMAND */
	int peek[2];        /* copies of its lines */
};

static int usage(const char *why)
{
	(void)fprintf(stderr,
	    "crash_at: %s\nusage: crash_at REGEX DELAY-MS COMMAND...\n", why);
	return 2;
}

static bool open_pipes(struct watch *w)
{
	/* In packet mode each write takes a page, however short it is. */
	return pipe2(w->log, O_DIRECT | O_CLOEXEC) == 0 &&
	    pipe2(w->peek, O_CLOEXEC) == 0 &&
	    fcntl(w->log[1], F_SETPIPE_SZ, LINE_BYTES) == LINE_BYTES;
}

static void say(const char *text, size_t len)
{
	/* Nowhere is left to report that it cannot be written. */
	if (write(STDERR_FILENO, text, len) < 0)
		return;
}

static void kill_now(struct watch *w)
{
	static const char killed[] = "crash_at: killed\n";
	int64_t until = clock_mono_ms() + DEATH_MS;

	/* Without a parent it is gone already, and its id may be another's. */
	if (getppid() == w->pid && kill(w->pid, SIGKILL) == 0)
		say(killed, sizeof(killed) - 1);
	/* Room in the pipe would let it finish the write that it dies in. */
	while (getppid() == w->pid && clock_mono_ms() < until)
		(void)poll(NULL, 0, 1); /* only to wait */
	w->pid = 0;
	w->kill_at_ms = INT64_MAX;
}

/* Waits for a line; false at the moment to kill. */
static bool wait_line(const struct watch *w)
{
	struct pollfd p = {.fd = w->log[0], .events = POLLIN};
	int64_t left = w->kill_at_ms - clock_mono_ms();
	int wait_ms = w->kill_at_ms == INT64_MAX ? -1 : (int)left;

	return w->kill_at_ms == INT64_MAX ||
	    (left > 0 && poll(&p, 1, wait_ms) != 0);
}

/* Looks at the line that is there; false at the end of the log. */
static bool look(struct watch *w)
{
	char line[LINE_BYTES + 1];
	ssize_t n = tee(w->log[0], w->peek[1], LINE_BYTES, 0);

	if (n <= 0 || (n = read(w->peek[0], line, LINE_BYTES)) <= 0)
		return false;
	line[n] = '\0';
	say(line, (size_t)n);
	if (w->pid && w->kill_at_ms == INT64_MAX &&
	    regexec(&w->regex, line, 0, NULL, 0) == 0) {
		w->kill_at_ms = clock_mono_ms() + w->delay_ms;
		if (!w->delay_ms)
			kill_now(w);
	}
	return read(w->log[0], line, LINE_BYTES) > 0;
}

static int watch(struct watch *w)
{
	bool go_on = true;

	(void)close(w->log[1]);
	while (go_on) {
		if (wait_line(w))
			go_on = look(w);
		else
			kill_now(w);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct watch w = {.kill_at_ms = INT64_MAX};
	pid_t child;

	if (argc < 4 || str_to_i64(argv[2], 0, 600000, &w.delay_ms, NULL) < 0 ||
	    regcomp(&w.regex, argv[1], REG_EXTENDED | REG_NOSUB) != 0)
		return usage("not understood");
	if (!open_pipes(&w))
		return usage("no pipe that holds one line");
	w.pid = getpid();
	child = fork();
	if (child < 0)
		return usage("cannot fork");
	if (child == 0)
		return watch(&w);
	if (dup2(w.log[1], STDERR_FILENO) < 0 ||
	    setenv("IRONBENCH_LOG_WAIT", "1", 1) < 0)
		return usage("cannot redirect");
	execvp(argv[3], argv + 3);
	return usage(strerror(errno));
}
