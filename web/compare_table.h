/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table whose values are collected: its places, pools and verdicts. */
#ifndef WEB_COMPARE_TABLE_H
#define WEB_COMPARE_TABLE_H

#include "web/compare.h"

void compare_table_done(struct compare_table *t);
/* The row or column of that name, made when new. */
size_t compare_row_of(struct compare_table *t, const char *machine);
size_t compare_place_of(
    struct compare_table *t, const char *guest, const char *controller);
/*
 * Cells that differ in nothing of `by` (enum compare_by) become one: their
 * geometric mean, with an interval by t over them.
 */
void compare_table_pool(struct compare_table *t, unsigned by);
/* Verdicts of all cells, and the geometric means under them. */
void compare_table_judge(struct compare_table *t);

#endif
