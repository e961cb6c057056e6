/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Child processes on the loop, by uv_spawn.
 *
 * Two uses: a command whose output is wanted when it ends, and a helper that
 * speaks one line per message for as long as it lives. A child gets no
 * descriptor but those named here, and dies by its own id only. Whoever has an
 * id of one that ended sends no signal: the id may be another's by then.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;
struct err;
struct loop;

struct child_options {
	const char *const
	    *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env; /* NULL-terminated, NULL: inherited */
	const char *cwd;        /* NULL: inherited */
	const int *fds;         /* n_fds descriptors, 3, 4, ... in the child */
	size_t n_fds;
	/*
	 * Ceiling of collected stdout (0: it is thrown away), and of a line
	 * without its end (not 0 then).
	 */
	size_t output_max;
	int64_t deadline_ms; /* monotonic; killed then; 0: none */
	bool own_group;      /* new session: killing ends its children too */
	/*
	 * With on_line, stdout is passed on line by line (without the line
	 * end, a zero byte after it) and not collected. A line over output_max
	 * kills the child.
	 */
	void (*on_line)(void *arg, char *line, size_t len);
	/*
	 * Once, when the child has ended and its output is at its end; or 1 s
	 * after its end if a process it left behind keeps the pipes open; or
	 * 5 s after a kill that the kernel does not carry out.
	 * r = 0 for exit code 0; else -ERR_* and err->msg says how it ended
	 * with the last line of its stderr; code in err->code (exit code, or
	 * 128 + signal). Errors: TIMEOUT (deadline), LIMIT (output_max), IO
	 * (any other bad end). out is the collected stdout, borrowed. The
	 * child is freed after the callback.
	 */
	void (*on_end)(void *arg, int r, const char *out, size_t len,
	    const struct err *err);
	void *arg;
};

/*
 * Starts it; its stdin is open until child_eof(). Errors: NOTFOUND (no such
 * command or cwd), DENIED, LIMIT (descriptors), IO.
 */
int child_start(struct loop *loop, const struct child_options *opts,
    struct child **ret, struct err *err);
/* Queues bytes for its stdin (copied). After child_eof(): ignored. */
void child_write(struct child *c, const void *data, size_t len);
/* Closes its stdin when all queued bytes are written. */
void child_eof(struct child *c);
/* Sends a signal to it (its group, if own_group). on_end follows. */
void child_kill(struct child *c, int signum);
int child_pid(const struct child *c);
/*
 * Kills with SIGKILL and forgets: no callback is called. NULL is allowed, and
 * so is a child in its own callback.
 */
void child_abandon(struct child *c);

#endif
