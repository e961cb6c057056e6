/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operator's command: a client of the HTTP API (doc/api.md).
 *
 * A command is one row of the table in cli.c and one function in a file of its
 * own. It gets what the command line said, asks the server, writes to out, and
 * returns the exit code. Complaints are one line on errs:
 * "ironbench: what: why (what to do)".
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/term.h"

/* Documented in ironbench(1): scripts depend on them. */
enum exit_code {
	CLI_OK = 0,
	CLI_FAILED = 1,   /* the run, or the job, failed */
	CLI_USAGE = 2,    /* the command line or a local file is wrong */
	CLI_DISABLED = 3, /* the run was disabled or cancelled */
	CLI_SERVER = 4,   /* it cannot be reached, or answered an error */
	CLI_DENIED = 5,   /* it does not allow this */
	CLI_INTERRUPTED = 130
};

struct command;

struct cli {
	const struct command *command;
	struct options opts;
	enum format format;
	struct term out;
	struct term errs;
	struct http *http; /* NULL in commands without a server */
};

enum command_needs {
	NEEDS_NOTHING,
	NEEDS_SERVER
};

struct command {
	const char *name;
	const char *arguments; /* as in the synopsis */
	const char *summary;
	const char *details; /* further lines of its help, or NULL */
	uint64_t options;    /* OPT_BIT() of those it knows */
	size_t least;        /* arguments */
	size_t most;
	enum command_needs needs;
	int (*run)(struct cli *cli); /* returns enum exit_code */
};

/* All commands, in the order of the help. */
const struct command *command_table(size_t *ret_n);
const struct command *command_find(const char *name);

/* Adds the names of the formats that it can print, two or more, to a list. */
void command_formats(const struct command *c, const char *between,
    const char *last, struct buf *to);

/* The whole program; returns its exit code. */
int cli_main(int argc, char **argv);

/* One line "ironbench: " and the rest on errs. */
void cli_complain(struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same; returns CLI_USAGE. */
int cli_bad(struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Complains about what the server, or the way to it, said; what names the
 * thing asked for, hint (or NULL) says what to do if it does not exist.
 * Returns CLI_SERVER or CLI_DENIED.
 */
int cli_refused(
    struct cli *cli, const char *what, const char *hint, const struct err *err);
/* "note: ..." on errs: nothing is wrong. */
void cli_note(struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The i-th argument as the id of a thing ("run", "job"); else complains. */
int cli_id(struct cli *cli, size_t i, const char *thing, int64_t *ret);

int cmd_cancel(struct cli *cli);
int cmd_compare(struct cli *cli);
int cmd_help(struct cli *cli);
int cmd_history(struct cli *cli);
int cmd_hook(struct cli *cli);
int cmd_import(struct cli *cli);
int cmd_imports(struct cli *cli);
int cmd_job(struct cli *cli);
int cmd_logs(struct cli *cli);
int cmd_machine(struct cli *cli);
int cmd_power(struct cli *cli);
int cmd_machines(struct cli *cli);
int cmd_matrix(struct cli *cli);
int cmd_metrics(struct cli *cli);
int cmd_noise(struct cli *cli);
int cmd_overhead(struct cli *cli);
int cmd_rerun(struct cli *cli);
int cmd_runs(struct cli *cli);
int cmd_series(struct cli *cli);
int cmd_show(struct cli *cli);
int cmd_stat(struct cli *cli);
int cmd_submit(struct cli *cli);
int cmd_verify(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_why(struct cli *cli);

/* Help of one command, or of all; see help.c. */
void help_write(const struct term *to, const struct command *command);
void help_version(const struct term *to);

/* Follows a run to its end on this terminal; the exit code tells how it ended.
 */
int watch_run(struct cli *cli, int64_t run, struct term *out);

#endif
