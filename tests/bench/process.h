/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that a benchmark starts, and the lines they print. */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct process {
	pid_t pid; /* 0: none */
	int in;    /* its standard input; -1: closed */
	int out;   /* its output, non-blocking */
	struct buf text;
	size_t used; /* of text: lines that were taken */
};

enum process_output {
	OUTPUT_ONLY,      /* errors go where ours go */
	OUTPUT_AND_ERRORS /* both come as lines */
};

/* It ends with us, whatever happens. */
int process_start(struct process *p, const char *const *argv,
    enum process_output what, struct err *err);
/* Runs it to its end; errors are those of start, and IO for a bad end. */
int process_run(
    const char *const *argv, struct buf *out, int64_t max_ms, struct err *err);
/*
 * The next line, without waiting; NULL: there is none (any more). Borrowed
 * until the next call.
 */
char *process_line(struct process *p);
/* The same, waiting until the deadline (monotonic). */
char *process_line_until(struct process *p, int64_t deadline_ms);
int process_tell(struct process *p, const char *text, struct err *err);
/* Signals, in this order, each after a second; then it is killed. */
void process_end(struct process *p, const int *signals, size_t n);

/* Resident and proportional bytes of a process and all below it. */
struct memory {
	int64_t resident;
	int64_t proportional;
	int processes;
};
void process_memory(pid_t pid, struct memory *ret);

#endif
