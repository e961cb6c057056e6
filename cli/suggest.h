/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was meant by a name that nobody has. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "cli/cli.h"

/*
 * A hint, with the metric before it that reads most like the given one, if the
 * server has such a one and not the given one. Caller frees.
 */
char *suggest_metric(struct cli *cli, const char *metric, const char *hint);

#endif
