/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists for people and for programs: aligned tables, CSV, JSON.
 *
 * A cell has a text for people and may have another for programs. Tables are
 * cut to the width of the terminal at the columns that allow it; CSV (RFC 4180,
 * lines ended by LF, always UTF-8) and JSON are never cut.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/term.h"

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_MARKDOWN, /* of GitHub's flavour; for people's pages */
	FORMAT_JUNIT     /* XML of a run; no table */
};

enum column_kind {
	COLUMN_LEFT,
	COLUMN_RIGHT, /* numbers */
	COLUMN_CUT,   /* left, and cut first when the terminal is narrow */
};

enum column_use {
	COLUMN_ALL,
	COLUMN_WIDE,  /* for people only if the terminal is wide enough */
	COLUMN_TABLE, /* for people only */
	COLUMN_CSV    /* for programs only */
};

struct column {
	const char *key;   /* name in CSV; borrowed */
	const char *title; /* heading for people; borrowed */
	enum column_kind kind;
	enum column_use use;
};

struct table;

/* The columns are copied, their texts borrowed until table_free(). */
struct table *table_new(const struct column *columns, size_t n);
void table_free(struct table *t);
SCOPED_DEFINE(struct table, table_free);

/* Cells are added row by row; raw NULL: programs get the same text. */
void table_cell(
    struct table *t, enum tone tone, const char *shown, const char *raw);
void table_text(struct table *t, const char *s);
void table_number(struct table *t, int64_t v);
size_t table_rows(const struct table *t);

/* Without headings if they would say nothing; FORMAT_TABLE only. */
enum table_head {
	TABLE_HEAD,
	TABLE_NO_HEAD
};
void table_render(const struct table *t, const struct term *term,
    enum table_head head, struct buf *to);
void table_csv(const struct table *t, struct buf *to);
/* As people see it, never cut. */
void table_markdown(const struct table *t, struct buf *to);
/* Writes it in that format (one of tables: not JSON, not JUnit). */
void table_print(
    const struct table *t, const struct term *term, enum format format);

/* One value of CSV, quoted if it must be. */
void csv_value(struct buf *to, const char *s);
/* Text that Markdown shows as it is, on one line. */
void markdown_text(struct buf *to, const char *s);
/* The server's answer for programs, with a line end. */
void print_json(const struct term *term, const json_t *doc);

#endif
