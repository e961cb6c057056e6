/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line per event, written with one call so that lines never mix.
 *
 * Invariant: log_write() does not wait, unless told to. Standard error may be a
 * pipe whose reader has stopped, and a program that waits for it stops as well;
 * so what does not fit is lost, and the next line that fits is preceded by how
 * many.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* A pipe takes up to this as a whole or not at all (POSIX: PIPE_BUF). */
#define LINE_MAX_BYTES 2048

static enum log_level level_max = LOG_INFO;
static bool waits;
static atomic_uint lost;

void log_level_set(enum log_level level)
{
	level_max = level;
}

void log_wait_set(bool wait)
{
	waits = wait;
}

/* ---- without waiting ---------------------------------------------------- */

/* Its other owners' writes must go on waiting: so not O_NONBLOCK on it. */
static ssize_t write_again_opened(const char *line, size_t len)
{
	scoped_val(fd_done) int fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (fd >= 0)
		return write(fd, line, len);
	/* Not ours to open. A page is free now, or nothing is written. */
	if (poll(&room, 1, 0) == 1 && !(room.revents & POLLOUT))
		return -1;
	return room.revents ? write(STDERR_FILENO, line, len) : -1;
}

static bool put(const char *line, size_t len)
{
	struct stat st;
	ssize_t n;

	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	if (waits)
		n = write(STDERR_FILENO, line, len);
	else if (S_ISSOCK(st.st_mode))
		n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		n = write_again_opened(line, len);
	else
		n = write(STDERR_FILENO, line, len);
	return n >= 0;
}

/* ---- lines -------------------------------------------------------------- */

static size_t begin_line(char line[LINE_MAX_BYTES], enum log_level level)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char at[CLOCK_UTC_LEN + 1];

	(void)snprintf(line, LINE_MAX_BYTES, "%s %s ",
	    clock_utc(clock_wall_ms(), at, sizeof(at)), names[level]);
	return strlen(line);
}

static bool end_line(char line[LINE_MAX_BYTES])
{
	size_t n;

	str_tidy(line);
	n = strlen(line);
	line[n++] = '\n';
	return put(line, n);
}

static bool tell_lost(void)
{
	char line[LINE_MAX_BYTES];
	unsigned int n = atomic_exchange(&lost, 0);
	size_t at;

	if (!n)
		return true;
	at = begin_line(line, LOG_WARN);
	(void)snprintf(line + at, sizeof(line) - at,
	    "log: %u line%s lost: standard error was full", n,
	    n == 1 ? "" : "s");
	if (end_line(line))
		return true;
	(void)atomic_fetch_add(&lost, n);
	return false;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	size_t n;

	if (level > level_max)
		return;
	n = begin_line(line, level);
	va_start(ap, fmt);
	(void)vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (!tell_lost() || !end_line(line))
		(void)atomic_fetch_add(&lost, 1);
}
