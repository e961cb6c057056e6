/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands on measured series share: questions, names, sparklines. */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H

#include "cli/api.h"

#define SERIES_PATH_BYTES 8192
#define HINT_SERIES "\"ironbench series\" lists them"

/* The options that choose series. */
#define OPTS_SERIES                                                          \
	(OPT_BIT(OPT_METRIC) | OPT_BIT(OPT_MACHINE) | OPT_BIT(OPT_VARIANT) | \
	    OPT_BIT(OPT_GUEST) | OPT_BIT(OPT_CONTROLLER) |                   \
	    OPT_BIT(OPT_BRANCH))

/*
 * Appends "name=value" to a query, if the value is not NULL, with ? or & before
 * it.
 */
void query_add(struct buf *path, const char *name, const char *value);
/*
 * All series that the options choose, one a branch: {"series":[..]}. On failure
 * it has complained and returns an exit code; caller decrefs.
 */
int series_ask(struct cli *cli, json_t **ret);

/* --since as Unix milliseconds; "" if it is not given. Has complained. */
int series_since(struct cli *cli, char ret[32]);

/* "t16-1 kvm linux nvme": what is not empty. */
void series_place(const json_t *s, struct buf *to);
/* The first digits of a commit; "" for none. */
void series_commit(const json_t *o, const char *key, struct buf *to);

/* A number for people, and with every digit for programs; nothing for NAN. */
void series_number(struct table *t, enum tone tone, double v);
/* "1.087" and "[1.08, 1.09]" as two cells; empty if it is not known. */
void series_ratio(struct table *t, enum tone tone, const json_t *o);

/*
 * Values as a line of signs, at most `columns` wide: a bar a value, or a mean
 * of neighbours; NAN is a blank. low and high are the ends of the scale.
 */
void sparkline(struct buf *to, enum text_set set, const double *values,
    size_t n, size_t columns, double low, double high);

/* ironbench history --changed: what changed lately, over all series. */
int history_changed(struct cli *cli);

#endif
