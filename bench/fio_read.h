/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON of fio, job by job. */
#ifndef BENCH_FIO_READ_H
#define BENCH_FIO_READ_H

#include "bench/measure.h"
#include "bench/node.h"

/* Options as they stand in "global options" and "job options"; "": absent. */
struct fio_options {
	char rw[32];
	char bs[32];
	char iodepth[32];
	char numjobs[32];
	char rwmixread[32];
	char kb_base[32];
};

struct fio_reader {
	char version[64];
	struct fio_options global;
	/* The job that is being read. */
	struct bench_fio_job job;
	struct fio_options options;
	double group;
	bool has_read;
	bool has_write;
	double error;
	double alone;     /* percent of the time with one request in flight */
	double timestamp; /* Unix seconds; NAN if it does not say */
	size_t n_jobs;
	/* Each job when it is complete; what it points to is borrowed. */
	int (*on_job)(
	    void *arg, const struct fio_reader *reader, struct err *err);
	void *arg;
};

void fio_reader_init(struct fio_reader *r,
    int (*on_job)(void *arg, const struct fio_reader *reader, struct err *err),
    void *arg);
/* A node_fn; arg is the reader. Errors: as bench_fio_parse(). */
int fio_reader_node(void *arg, const struct node *n, struct err *err);
/* Error: PROTO, there were no jobs. */
int fio_reader_end(const struct fio_reader *r, struct err *err);

#endif
