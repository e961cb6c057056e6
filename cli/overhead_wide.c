/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An overhead table as people print it: a row a machine, a column a guest and
 * controller. One wider than the terminal is printed in bands of columns, like
 * a matrix.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"
#include "cli/overhead.h"

#define GAP 2

double overhead_number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

enum tone overhead_tone(const char *verdict)
{
	if (str_eq(verdict, "worse"))
		return TONE_BAD;
	return str_eq(verdict, "better") ? TONE_GOOD : TONE_DIM;
}

void overhead_interval(const json_t *interval, struct buf *to)
{
	double lo = json_number_value(json_array_get(interval, 0));
	double hi = json_number_value(json_array_get(interval, 1));
	char a[BENCH_RATIO_TEXT];
	char b[BENCH_RATIO_TEXT];
	const char *point;

	if (json_array_size(interval) != 2)
		return;
	(void)bench_ratio_text(lo, a);
	(void)bench_ratio_text(hi, b);
	point = strchr(a, '.');
	if (point && !strpbrk(a, "en") && !strpbrk(b, "en"))
		buf_printf(to, "[%s, %.*f]", a, (int)strlen(point + 1), hi);
	else
		buf_printf(to, "[%s, %s]", a, b);
}

char *overhead_place(const json_t *column, const char *between)
{
	const char *guest = api_text(column, "guest");
	const char *controller = api_text(column, "controller");

	if (!*guest && !*controller)
		return xstrdup("overhead");
	return xasprintf(
	    "%s%s%s", guest, *guest && *controller ? between : "", controller);
}

const json_t *overhead_cell(const json_t *table, size_t y, size_t x)
{
	const json_t *row = json_array_get(api_list(table, "rows"), y);

	return json_array_get(api_list(row, "cells"), x);
}

const json_t *overhead_geomean(const json_t *table, size_t x)
{
	return json_array_get(api_list(table, "geomean"), x);
}

/* ---- the wide table ----------------------------------------------------- */

/* The columns from first, n of them, as a table in some format. */
struct band {
	const json_t *table;
	enum format format;
	size_t first;
	size_t n;
	bool narrow;  /* their names do not fit above their cells */
	char **names; /* of n columns */
	struct table *t;
};

static void band_done(struct band *b)
{
	table_free(b->t);
	for (size_t i = 0; i < b->n; i++)
		free(b->names[i]);
	free(b->names);
}

/* For people on a terminal each part of a cell is aligned by itself. */
static size_t parts(enum format format)
{
	return format == FORMAT_TABLE ? 3 : 1;
}

/* As in the published tables: "windows_11_sata", "windows_11_overhead". */
static char *csv_place(const json_t *place)
{
	const char *controller = api_text(place, "controller");
	const char *guest = api_text(place, "guest");

	if (!*guest)
		return overhead_place(place, "_");
	return xasprintf("%s_%s", guest, *controller ? controller : "overhead");
}

/* A published row keeps its own spelling of the machine in CSV. */
static const char *row_name(const struct band *b, const json_t *row)
{
	const char *named = api_text(row, "named");

	return b->format == FORMAT_CSV && *named ? named
	                                         : api_text(row, "machine");
}

static void band_columns(struct band *b)
{
	size_t each = parts(b->format);
	size_t n = 1 + each * b->n;
	scoped(free) struct column *c = xcalloc(n, sizeof(*c));

	c[0] =
	    (struct column){"machine_name", "machine", COLUMN_CUT, COLUMN_ALL};
	b->names = xcalloc(b->n + 1, sizeof(b->names[0]));
	for (size_t i = 0; i < b->n; i++) {
		const json_t *place =
		    json_array_get(api_list(b->table, "columns"), b->first + i);

		b->names[i] = b->format == FORMAT_CSV
		    ? csv_place(place)
		    : overhead_place(place, " ");
		c[1 + each * i] = (struct column){b->names[i],
		    b->narrow ? "" : b->names[i], COLUMN_LEFT, COLUMN_ALL};
		for (size_t k = 1; k < each; k++)
			c[1 + each * i + k] =
			    (struct column){"", "", COLUMN_LEFT, COLUMN_TABLE};
	}
	b->t = table_new(c, n);
}

/* A cell or a geomean; both have the same fields. */
static void band_cell(struct band *b, const json_t *cell)
{
	const char *verdict = api_text(cell, "verdict");
	enum tone tone = overhead_tone(verdict);
	scoped_val(buf_done) struct buf interval = BUF_INIT(256);
	char ratio[BENCH_RATIO_TEXT];

	(void)bench_ratio_text(overhead_number(cell, "overhead"), ratio);
	overhead_interval(api_list(cell, "interval"), &interval);
	if (b->format == FORMAT_CSV) {
		table_text(b->t, ratio);
	} else if (b->format == FORMAT_TABLE) {
		table_cell(b->t, tone, ratio, NULL);
		table_cell(b->t, TONE_DIM, buf_str(&interval), NULL);
		table_cell(b->t, tone, verdict, NULL);
	} else {
		scoped(free) char *all =
		    xasprintf("%s%s%s%s%s", ratio, interval.len ? " " : "",
		        buf_str(&interval), *ratio ? " " : "", verdict);

		table_text(b->t, all);
	}
}

bool overhead_same_count(const json_t *table)
{
	const json_t *list = api_list(table, "geomean");

	for (size_t i = 1; i < json_array_size(list); i++)
		if (api_int(json_array_get(list, i), "k") !=
		    api_int(json_array_get(list, 0), "k"))
			return false;
	return json_array_size(list) > 0;
}

static char *geomean_name(const json_t *table)
{
	if (!overhead_same_count(table))
		return xstrdup("geomean");
	return xasprintf("geomean (%" PRId64 " of %" PRId64 ")",
	    api_int(overhead_geomean(table, 0), "k"),
	    api_int(overhead_geomean(table, 0), "m"));
}

static void band_make(struct band *b)
{
	const json_t *row;
	size_t y;

	band_columns(b);
	json_array_foreach(api_list(b->table, "rows"), y, row)
	{
		table_text(b->t, row_name(b, row));
		for (size_t i = 0; i < b->n; i++)
			band_cell(b, overhead_cell(b->table, y, b->first + i));
	}
	if (b->format != FORMAT_CSV) {
		scoped(free) char *name = geomean_name(b->table);

		table_text(b->t, name);
		for (size_t i = 0; i < b->n; i++)
			band_cell(b, overhead_geomean(b->table, b->first + i));
	}
}

/* ---- as wide as the terminal -------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Columns of the terminal that one column of the table takes at most. */
static size_t place_width(const json_t *table, size_t x)
{
	scoped(free) char *name =
	    overhead_place(json_array_get(api_list(table, "columns"), x), " ");
	size_t n = json_array_size(api_list(table, "rows"));
	size_t widest = 0;

	for (size_t y = 0; y <= n; y++) {
		const json_t *cell = y < n ? overhead_cell(table, y, x)
		                           : overhead_geomean(table, x);
		scoped_val(buf_done) struct buf s = BUF_INIT(256);

		overhead_interval(api_list(cell, "interval"), &s);
		widest = larger(widest, s.len);
	}
	return larger(text_width(name), strlen("0.999")) + GAP + widest + GAP +
	    strlen("unknown");
}

/* A single column that is too wide has its name in a line of its own. */
static bool is_narrow(const struct band *b, size_t names, size_t room)
{
	return room && b->n == 1 &&
	    names + GAP + place_width(b->table, b->first) > room;
}

static void print_place(struct cli *cli, const struct band *b)
{
	scoped(free) char *name = overhead_place(
	    json_array_get(api_list(b->table, "columns"), b->first), " ");

	term_line(&cli->out, name);
}

static size_t fitting(
    const json_t *table, size_t first, size_t names, size_t room)
{
	size_t n = json_array_size(api_list(table, "columns")) - first;
	size_t used = names;

	for (size_t i = 0; room && i < n; i++) {
		used += GAP + place_width(table, first + i);
		if (used > room)
			return i ? i : 1;
	}
	return n;
}

static size_t names_width(const json_t *table)
{
	scoped(free) char *geomean = geomean_name(table);
	size_t widest = strlen(geomean);
	const json_t *row;
	size_t y;

	json_array_foreach(api_list(table, "rows"), y, row)
	{
		widest = larger(widest, text_width(api_text(row, "machine")));
	}
	return widest;
}

void overhead_print_wide(struct cli *cli, const json_t *table)
{
	size_t room = cli->format == FORMAT_TABLE ? term_columns(&cli->out) : 0;
	size_t total = json_array_size(api_list(table, "columns"));
	size_t names = names_width(table);
	size_t n;

	for (size_t first = 0; first < total; first += n) {
		scoped_val(band_done) struct band b = {
		    table, cli->format, first, 0, false, NULL, NULL};

		n = b.n = fitting(table, first, names, room);
		b.narrow = is_narrow(&b, names, room);
		band_make(&b);
		if (first)
			term_line(&cli->out, "");
		if (b.narrow)
			print_place(cli, &b);
		table_print(b.t, &cli->out, cli->format);
	}
}
