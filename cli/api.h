/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server's JSON documents hold; missing fields are "", 0, false. */
#ifndef CLI_API_H
#define CLI_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"

/* Fields of an object; borrowed from it. */
const char *api_text(const json_t *o, const char *key);
int64_t api_int(const json_t *o, const char *key);
bool api_true(const json_t *o, const char *key);
json_t *api_list(const json_t *o, const char *key); /* NULL: no list */
json_t *api_object(const json_t *o, const char *key);

/* The counters of a run, as design.md section 2 adds them up. */
struct counts {
	int64_t total;
	int64_t open; /* waiting or running */
	int64_t passed;
	int64_t failed; /* by a test */
	int64_t lab;    /* errors */
	int64_t disabled;
	int64_t skips;
};
struct counts api_counts(const json_t *run);
/* Appends "331/379  ✓ 329  ✗ 1  !1 lab  … 48", clean and coloured. */
void api_counts_line(
    const struct term *t, const struct counts *c, struct buf *to);

/* How to show a status, a cell or an outcome. */
enum tone api_status_tone(const char *status);
enum tone api_outcome_tone(
    const char *state, const char *outcome, bool expected);
/* "pass", "fails as expected", "error (power)", or the state if not done. */
void api_outcome_text(const json_t *job, struct buf *to);
/* True for a job or cell that ended badly and not as expected. */
bool api_is_bad(const json_t *job);
/* The exit code that a run's state and status mean; CLI_OK while it is open. */
int api_run_exit(const json_t *run);

/*
 * Ask for one thing; on failure they have complained and return an exit code,
 * CLI_OK else. The object is the caller's.
 */
int api_run(struct cli *cli, int64_t run, json_t **ret);
int api_matrix(struct cli *cli, int64_t run, json_t **ret);
int api_samples(struct cli *cli, int64_t run, json_t **ret);
int api_job(struct cli *cli, int64_t job, json_t **ret);
int api_machines(struct cli *cli, json_t **ret);

/* One line: name and value, aligned; nothing if the value is empty. */
void api_field(struct cli *cli, const char *name, const char *value);

#define HINT_RUNS "\"ironbench runs\" lists them"
#define HINT_JOBS "\"ironbench matrix RUN --format csv\" lists a run's jobs"
#define HINT_IMPORTS "\"ironbench imports\" lists them"
#define HINT_METRICS "\"ironbench metrics\" lists them"
#define HINT_VARIANTS "\"ironbench series\" lists variants"
#define HINT_MACHINES "\"ironbench machines\" lists them"

#endif
