/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon with a farm of machines, a repository whose pushes it takes, and
 * the two ways in: webhooks and the API, over loopback HTTP.
 */
#ifndef TESTS_BENCH_LAB_H
#define TESTS_BENCH_LAB_H

#include <curl/curl.h>

#include "tests/bench/bench.h"
#include "tests/bench/process.h"

/* What a machine of the farm was told, or has done. */
enum farm_what {
	FARM_OFF,
	FARM_ON,
	FARM_END,
	FARM_OTHER
};
struct farm_event {
	enum farm_what what;
	size_t machine;
	int64_t at_ns;
};

struct lab {
	const struct bench *b;
	char *dir;
	size_t n; /* machines; 0: no farm */
	struct process farm;
	struct process daemon;
	int *bmc_ports;
	int boot_port;
	char *url;
	char *token;
	CURL *curl;
	/* Of the repository. */
	char (*commits)[41];
	size_t n_commits;
	size_t next_commit;
	/* What was read of both since lab_forget(). */
	struct farm_event *events;
	size_t n_events;
	size_t cap_events;
	int64_t opened_ns; /* the log said that a run has its jobs; 0: no */
};

/*
 * Starts all of it in dir, with n_commits pushes to come. archive: a state
 * folder that is there; NULL: an empty one.
 */
int lab_start(struct lab *lab, const struct bench *b, const char *archive,
    size_t n_machines, size_t n_commits, struct err *err);
void lab_end(struct lab *lab);

/* One request; status and body of the answer. */
struct answer {
	long status;
	struct buf body;
	int64_t began_ns;
	int64_t ended_ns;
};
void answer_done(struct answer *a);
/* body NULL: GET. Errors: UNREACH. A bad status is none. */
int lab_http(struct lab *lab, const char *path, const char *body,
    struct answer *ret, struct err *err);
/* A signed push of the next commit to a branch; *ret_run: its run. */
int lab_push(struct lab *lab, const char *branch, struct answer *ret,
    int64_t *ret_run, struct err *err);
/* The same suite as an upload. */
int lab_upload(struct lab *lab, const char *suite, struct answer *ret,
    int64_t *ret_run, struct err *err);
/* Cancels a run and waits until it has left its machines. */
int lab_cancel(struct lab *lab, int64_t run, struct err *err);
int lab_wait_done(
    struct lab *lab, int64_t run, int64_t max_ms, struct err *err);

/*
 * Reads what farm and daemon say until enough(lab) or the deadline; false: it
 * was the deadline.
 */
bool lab_read(
    struct lab *lab, bool (*enough)(const struct lab *lab), int64_t max_ms);
/* Forgets what was read, also what is there to be read now. */
void lab_forget(struct lab *lab);
/* A suite of n boot items, each of which is one job. */
char *lab_suite(size_t n);

#endif
