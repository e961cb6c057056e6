/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times in order, rows, and the table that is made of them. */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tests/bench/bench.h"

SCOPED_DEFINE(json_t, json_decref);

/* ---- times -------------------------------------------------------------- */

void samples_add(struct samples *s, int64_t ns)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->ns = xrealloc(s->ns, s->cap, sizeof(*s->ns));
	}
	s->ns[s->n++] = ns;
	s->sorted = false;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t samples_at(struct samples *s, double q)
{
	size_t i;

	if (s->n == 0)
		return 0;
	if (!s->sorted)
		qsort(s->ns, s->n, sizeof(*s->ns), compare);
	s->sorted = true;
	i = (size_t)ceil(q * (double)s->n);
	return s->ns[i ? i - 1 : 0];
}

void samples_done(struct samples *s)
{
	free(s->ns);
	*s = (struct samples){0};
}

/* ---- rows --------------------------------------------------------------- */

void bench_row(struct bench *b, const struct row *row)
{
	struct row *to;

	b->rows = xrealloc(b->rows, b->n_rows + 1, sizeof(*b->rows));
	to = &b->rows[b->n_rows++];
	*to = *row;
	to->part = xstrdup(row->part);
	to->name = xstrdup(row->name);
	to->unit = xstrdup(row->unit);
	to->peer = xstrdup(row->peer);
}

void bench_times(
    struct bench *b, struct samples *s, double unit_ns, const struct row *row)
{
	struct row full = *row;

	full.p50 = (double)samples_at(s, 0.5) / unit_ns;
	full.p99 = (double)samples_at(s, 0.99) / unit_ns;
	full.n = s->n;
	bench_row(b, &full);
}

void bench_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

void bench_free_rows(struct bench *b)
{
	for (size_t i = 0; i < b->n_rows; i++) {
		free((char *)b->rows[i].part);
		free((char *)b->rows[i].name);
		free((char *)b->rows[i].unit);
		free((char *)b->rows[i].peer);
	}
	free(take(b->rows));
	b->n_rows = 0;
}

/* ---- what it says ------------------------------------------------------- */

static bool has_budget(const struct row *row)
{
	return row->max_p50 > 0 || row->max_p99 > 0 || row->min > 0;
}

static bool is_kept(const struct row *row)
{
	return (row->max_p50 <= 0 || row->p50 <= row->max_p50) &&
	    (row->max_p99 <= 0 || row->p99 <= row->max_p99) &&
	    (row->min <= 0 || row->p50 >= row->min);
}

static const char *verdict(const struct row *row)
{
	if (!has_budget(row))
		return "";
	return is_kept(row) ? "within" : "MISSED";
}

size_t report_missed(const struct bench *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_rows; i++)
		n += has_budget(&b->rows[i]) && !is_kept(&b->rows[i]);
	return n;
}

/* Four digits are enough, and a large number has no fraction. */
static const char *number(double v, char to[24])
{
	if (isnan(v))
		to[0] = '\0';
	else
		(void)snprintf(to, 24, v < 1000 ? "%.4g" : "%.0f", v);
	return to;
}

static const char *budget(const struct row *row, char to[64])
{
	char a[24];
	char z[24];

	to[0] = '\0';
	if (row->min > 0)
		(void)snprintf(to, 64, "> %s", number(row->min, a));
	else if (row->max_p50 > 0 && row->max_p99 > 0)
		(void)snprintf(to, 64, "p50 < %s, p99 < %s",
		    number(row->max_p50, a), number(row->max_p99, z));
	else if (row->max_p99 > 0)
		(void)snprintf(to, 64, "p99 < %s", number(row->max_p99, a));
	else if (row->max_p50 > 0)
		(void)snprintf(to, 64, "< %s", number(row->max_p50, a));
	return to;
}

static double ratio(const struct row *row)
{
	return row->peer && row->peer_value > 0 ? row->p50 / row->peer_value
	                                        : (double)NAN;
}

/* ---- the table ---------------------------------------------------------- */

enum {
	COLUMNS = 10
};

static const char *const headings[COLUMNS] = {"part", "what", "n", "p50", "p99",
    "unit", "budget", "", "peer in the same run", "ratio"};
/* Numbers stand at the right. */
static const bool is_right[COLUMNS] = {
    [2] = true, [3] = true, [4] = true, [9] = true};

struct line {
	char text[COLUMNS][96];
};

static void cell(struct line *l, int column, const char *text)
{
	(void)snprintf(
	    l->text[column], sizeof(l->text[column]), "%s", text ? text : "");
}

static void fill(const struct row *row, struct line *l)
{
	char text[64];
	char peer[96] = "";

	cell(l, 0, row->part);
	cell(l, 1, row->name);
	(void)snprintf(l->text[2], sizeof(l->text[2]), "%zu", row->n);
	cell(l, 3, number(row->p50, text));
	cell(l, 4, number(row->p99, text));
	cell(l, 5, row->unit);
	cell(l, 6, budget(row, text));
	cell(l, 7, verdict(row));
	if (row->peer)
		(void)snprintf(peer, sizeof(peer), "%.60s %s", row->peer,
		    number(row->peer_value, text));
	cell(l, 8, peer);
	cell(l, 9, number(ratio(row), text));
}

static void measure(const struct line *l, size_t width[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		if (strlen(l->text[i]) > width[i])
			width[i] = strlen(l->text[i]);
}

static void print_line(
    const struct line *l, const size_t width[COLUMNS], FILE *to)
{
	for (int i = 0; i < COLUMNS; i++)
		(void)fprintf(to, is_right[i] ? "%*s%s" : "%-*s%s",
		    (int)width[i], l->text[i], i + 1 < COLUMNS ? "  " : "\n");
}

static void write_table(const struct bench *b, FILE *to)
{
	scoped(free) struct line *lines =
	    xcalloc(b->n_rows + 1, sizeof(*lines));
	size_t width[COLUMNS] = {0};

	for (int i = 0; i < COLUMNS; i++)
		cell(&lines[0], i, headings[i]);
	for (size_t i = 0; i < b->n_rows; i++)
		fill(&b->rows[i], &lines[i + 1]);
	for (size_t i = 0; i <= b->n_rows; i++)
		measure(&lines[i], width);
	for (size_t i = 0; i <= b->n_rows; i++)
		print_line(&lines[i], width, to);
	(void)fprintf(to, "%zu of the budgets are missed\n", report_missed(b));
}

/* ---- for programs ------------------------------------------------------- */

static void write_csv(const struct bench *b, FILE *to)
{
	(void)fputs("part,what,n,p50,p99,unit,max_p50,max_p99,min,verdict,"
	            "peer,peer_value,ratio\n",
	    to);
	for (size_t i = 0; i < b->n_rows; i++) {
		const struct row *row = &b->rows[i];
		char text[6][24];

		(void)fprintf(to,
		    "%s,\"%s\",%zu,%s,%s,%s,%s,%s,%s,%s,\"%s\",%s,%s\n",
		    row->part, row->name, row->n, number(row->p50, text[0]),
		    number(row->p99, text[1]), row->unit,
		    number(row->max_p50 > 0 ? row->max_p50 : NAN, text[2]),
		    number(row->max_p99 > 0 ? row->max_p99 : NAN, text[3]),
		    number(row->min > 0 ? row->min : NAN, text[4]),
		    verdict(row), row->peer ? row->peer : "",
		    row->peer ? number(row->peer_value, text[5]) : "",
		    number(ratio(row), (char[24]){0}));
	}
}

static json_t *real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *budget_of(double v)
{
	return real(v > 0 ? v : (double)NAN);
}

static void write_json(const struct bench *b, FILE *to)
{
	scoped(json_decref) json_t *rows = json_array();

	for (size_t i = 0; i < b->n_rows; i++) {
		const struct row *row = &b->rows[i];

		if (json_array_append_new(rows,
		        json_pack("{s:s s:s s:I s:o s:o s:s s:o s:o s:o s:s "
		                  "s:s? s:o s:o}",
		            "part", row->part, "what", row->name, "n",
		            (json_int_t)row->n, "p50", real(row->p50), "p99",
		            real(row->p99), "unit", row->unit, "max_p50",
		            budget_of(row->max_p50), "max_p99",
		            budget_of(row->max_p99), "min", budget_of(row->min),
		            "verdict", verdict(row), "peer", row->peer,
		            "peer_value",
		            real(row->peer ? row->peer_value : (double)NAN),
		            "ratio", real(ratio(row)))) < 0)
			abort();
	}
	(void)json_dumpf(rows, to, JSON_INDENT(2));
	(void)fputc('\n', to);
}

void report_write(const struct bench *b, enum report_format format, FILE *to)
{
	if (format == REPORT_CSV)
		write_csv(b, to);
	else if (format == REPORT_JSON)
		write_json(b, to);
	else
		write_table(b, to);
}
