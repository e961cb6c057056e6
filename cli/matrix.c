/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Items by platforms. A matrix that is wider than the terminal is printed in
 * bands of platforms: signs are short, and cut headings would look alike.
 */
#include <inttypes.h>

#include "base/str.h"
#include "cli/api.h"

#define GAP 2

static enum tone cell_tone(const json_t *cell)
{
	return api_outcome_tone(api_text(cell, "state"),
	    api_text(cell, "outcome"), api_true(cell, "expected"));
}

static const char *name_at(const json_t *list, size_t i)
{
	const char *s = json_string_value(json_array_get(list, i));

	return s ? s : "";
}

/* The items and n platforms from the first one. */
static struct table *band(const json_t *matrix, size_t first, size_t n)
{
	const json_t *items = api_list(matrix, "items");
	const json_t *platforms = api_list(matrix, "platforms");
	const json_t *rows = api_list(matrix, "rows");
	scoped(free) struct column *columns = xcalloc(n + 1, sizeof(*columns));
	struct table *t;

	columns[0] = (struct column){"item", "", COLUMN_CUT, COLUMN_ALL};
	for (size_t i = 0; i < n; i++) {
		const char *name = name_at(platforms, first + i);

		columns[i + 1] =
		    (struct column){name, name, COLUMN_LEFT, COLUMN_ALL};
	}
	t = table_new(columns, n + 1);
	for (size_t y = 0; y < json_array_size(items); y++) {
		const json_t *row = json_array_get(rows, y);

		table_text(t, name_at(items, y));
		for (size_t i = 0; i < n; i++) {
			const json_t *cell = json_array_get(row, first + i);

			table_cell(
			    t, cell_tone(cell), api_text(cell, "sign"), NULL);
		}
	}
	return t;
}

/* How many platforms from the first one fit beside the items. */
static size_t fitting(
    const json_t *platforms, size_t first, size_t items, size_t columns)
{
	size_t n = json_array_size(platforms) - first;
	size_t used = items;

	if (!columns)
		return n;
	for (size_t i = 0; i < n; i++) {
		used += GAP + text_width(name_at(platforms, first + i));
		if (used > columns)
			return i ? i : 1;
	}
	return n;
}

/* Columns of the longest item, but at most half the terminal. */
static size_t items_width(const json_t *items, size_t columns)
{
	size_t most = 0;

	for (size_t i = 0; i < json_array_size(items); i++) {
		size_t w = text_width(name_at(items, i));

		most = w > most ? w : most;
	}
	return columns && most > columns / 2 ? columns / 2 : most;
}

static void print_table(struct cli *cli, const json_t *matrix)
{
	const json_t *platforms = api_list(matrix, "platforms");
	size_t columns = term_columns(&cli->out);
	size_t items = items_width(api_list(matrix, "items"), columns);
	size_t total = json_array_size(platforms);
	size_t n;

	for (size_t first = 0; first < total; first += n) {
		scoped(table_free) struct table *t = NULL;

		n = fitting(platforms, first, items, columns);
		t = band(matrix, first, n);
		if (first)
			term_line(&cli->out, "");
		table_print(t, &cli->out, FORMAT_TABLE);
	}
	term_line(&cli->out,
	    "✓ pass  ✓(s) pass with skips  ✗ fail  ✗(e) fails as expected  "
	    "T timeout");
	term_line(&cli->out,
	    "!layer lab error  … waiting or running  - cancelled or disabled  "
	    "* hardware-independent: see any");
}

static const struct column cell_columns[] = {
    {"item", "ITEM", COLUMN_LEFT, COLUMN_ALL},
    {"platform", "PLATFORM", COLUMN_LEFT, COLUMN_ALL},
    {"job", "JOB", COLUMN_RIGHT, COLUMN_ALL},
    {"sign", "", COLUMN_LEFT, COLUMN_ALL},
    {"state", "STATE", COLUMN_LEFT, COLUMN_ALL},
    {"outcome", "OUTCOME", COLUMN_LEFT, COLUMN_ALL},
    {"layer", "LAYER", COLUMN_LEFT, COLUMN_ALL},
    {"expected", "EXPECTED", COLUMN_LEFT, COLUMN_ALL},
    {"skips", "SKIPS", COLUMN_LEFT, COLUMN_ALL},
    {"attempts", "ATTEMPTS", COLUMN_RIGHT, COLUMN_ALL},
    {"took_ms", "TOOK", COLUMN_RIGHT, COLUMN_ALL},
};

static void add_cell(struct table *t, const json_t *matrix, size_t y, size_t x,
    const json_t *cell)
{
	table_text(t, name_at(api_list(matrix, "items"), y));
	table_text(t, name_at(api_list(matrix, "platforms"), x));
	table_number(t, api_int(cell, "job"));
	table_text(t, api_text(cell, "sign"));
	table_text(t, api_text(cell, "state"));
	table_text(t, api_text(cell, "outcome"));
	table_text(t, api_text(cell, "layer"));
	table_text(t, api_true(cell, "expected") ? "true" : "false");
	table_text(t, api_true(cell, "skips") ? "true" : "false");
	table_number(t, api_int(cell, "attempts"));
	table_number(t, api_int(cell, "took_ms"));
}

/* One row a job: programs would have to take a matrix apart. */
static void print_jobs(struct cli *cli, const json_t *matrix)
{
	scoped(table_free) struct table *t =
	    table_new(cell_columns, ARRAY_LEN(cell_columns));
	const json_t *row;
	const json_t *cell;
	size_t y;
	size_t x;

	json_array_foreach(api_list(matrix, "rows"), y, row)
	{
		json_array_foreach(row, x, cell)
		{
			if (api_int(cell, "job"))
				add_cell(t, matrix, y, x, cell);
		}
	}
	table_print(t, &cli->out, cli->format);
}

int cmd_matrix(struct cli *cli)
{
	scoped(json_decref) json_t *matrix = NULL;
	int64_t run = 0;
	int code = cli_id(cli, 1, "run", &run);

	if (code == CLI_OK)
		code = api_matrix(cli, run, &matrix);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, matrix);
	else if (cli->format != FORMAT_TABLE)
		print_jobs(cli, matrix);
	else if (!json_array_size(api_list(matrix, "items")))
		cli_note(cli, "run %" PRId64 " has no jobs (yet)", run);
	else
		print_table(cli, matrix);
	return CLI_OK;
}
