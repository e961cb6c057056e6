/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: one table of options, and what was given. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum option_id {
	OPT_ALPHA,
	OPT_AS,
	OPT_ATTEMPT,
	OPT_BASELINE,
	OPT_BOOT_FILES,
	OPT_BRANCH,
	OPT_BY,
	OPT_CANDIDATE,
	OPT_CHANGED,
	OPT_CONTROLLER,
	OPT_DETECTOR,
	OPT_DIRECTION,
	OPT_EXIT_STATUS,
	OPT_FAILED,
	OPT_FILES,
	OPT_FOLLOW,
	OPT_FORMAT,
	OPT_GUEST,
	OPT_HELP,
	OPT_LIMIT,
	OPT_LONG,
	OPT_MACHINE,
	OPT_MAX_PVALUE,
	OPT_METRIC,
	OPT_MIN_MAGNITUDE,
	OPT_NAME,
	OPT_PAIRED,
	OPT_PLACEBOS,
	OPT_PRIORITY,
	OPT_PROJECT,
	OPT_RANGE,
	OPT_RAW,
	OPT_RUN,
	OPT_SECRET_FILE,
	OPT_SERVER,
	OPT_SINCE,
	OPT_STRICT,
	OPT_TOKEN_FILE,
	OPT_UNTIL,
	OPT_URL,
	OPT_USER,
	OPT_VARIANT,
	OPT_VERSION,
	OPT_WATCH,
	OPT_WHY,
	OPT_WINDOW,
	OPT_COUNT
};

#define OPT_BIT(id) (UINT64_C(1) << (id))

struct option_row {
	const char *name;  /* without its dashes */
	const char *value; /* what it takes, or NULL: a flag */
	const char *summary;
};

const struct option_row *option_row(enum option_id id);

#define ARGS_MAX 64

struct options {
	const char *value[OPT_COUNT]; /* NULL: not given; "" for a flag */
	const char *args[ARGS_MAX];   /* the first one is the command */
	size_t n_args;
};

/*
 * Reads the command line: --name VALUE, --name=VALUE, flags, arguments in any
 * order; after "--" all are arguments. Borrows argv. Error: INVAL.
 */
int options_read(int argc, char **argv, struct options *ret, struct err *err);
/* True if the option was given. */
bool options_has(const struct options *o, enum option_id id);

#endif
