/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table of the server's overhead document, and its parts. */
#ifndef CLI_OVERHEAD_H
#define CLI_OVERHEAD_H

#include "cli/api.h"

/* A field that is a number; NAN if it is not. */
double overhead_number(const json_t *o, const char *key);
/* The cell of a row and column; a JSON null, or NULL, if there is none. */
const json_t *overhead_cell(const json_t *table, size_t y, size_t x);
const json_t *overhead_geomean(const json_t *table, size_t x);
/* True if all columns have their geomean over as many machines. */
bool overhead_same_count(const json_t *table);
/* "linux nvme", or with another text between. Caller frees. */
char *overhead_place(const json_t *column, const char *between);
/*
 * Appends "[0.994, 1.004]": both ends with the decimals that three digits of
 * the lower one have. Nothing if it is none.
 */
void overhead_interval(const json_t *interval, struct buf *to);
enum tone overhead_tone(const char *verdict);

/* In cli->format, which is not JSON. */
void overhead_print_wide(struct cli *cli, const json_t *table);

#endif
