/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables of published ratios as CSV (RFC 4180, a row a line). The first line
 * names the columns, in any order; a column that is not known is refused, for
 * what it says would be lost.
 */
#include "base/str.h"
#include "bench/import_private.h"

enum column {
	MACHINE,
	METRIC,
	DIRECTION,
	BASELINE,
	CANDIDATE,
	GUEST,
	CONTROLLER,
	OVERHEAD,
	COLUMNS
};

static const char *const names[COLUMNS] = {"machine", "metric", "direction",
    "baseline", "candidate", "guest", "controller", "overhead"};

#define FIELD_MAX 256

struct ratios {
	bool header;
	enum column order[COLUMNS];
	size_t n_columns;
};

static bool recognise(struct text head)
{
	struct text line;

	return text_eat_line(&head, &line) && text_find(line, "machine") &&
	    text_find(line, "metric") && text_find(line, "overhead") &&
	    (text_find(line, ",") || text_find(line, ";") ||
	        text_find(line, "\t"));
}

/* One field, and the comma behind it; *more: there was one. */
static int eat_field(
    struct import *im, struct text *l, char *to, size_t size, bool *more)
{
	struct text begin = *l;
	bool quoted = text_eat(l, "\"");
	size_t n = 0;

	for (; l->len; text_drop(l, 1)) {
		if (quoted && text_eat(l, "\"") && !text_starts(*l, "\"")) {
			quoted = false;
			break;
		}
		if (!quoted && *l->p == ',')
			break;
		if (n + 1 == size)
			return import_refuse_at(im, begin,
			    "a field of over %zu characters", size - 1);
		to[n++] = *l->p;
	}
	to[n] = '\0';
	if (quoted)
		return import_refuse_at(
		    im, begin, "a quote is not closed in its line");
	*more = text_eat(l, ",");
	if (!*more && l->len)
		return import_refuse_at(
		    im, *l, "expected a comma behind the quote");
	return 0;
}

static int add_column(
    struct import *im, struct ratios *t, const char *name, struct text at)
{
	for (size_t c = 0; c < COLUMNS; c++) {
		if (!str_eq(name, names[c]))
			continue;
		for (size_t i = 0; i < t->n_columns; i++)
			if (t->order[i] == c)
				return import_refuse_at(
				    im, at, "column %s stands twice", name);
		t->order[t->n_columns++] = (enum column)c;
		return 0;
	}
	return import_refuse_at(im, at,
	    "column '%.60s' is not known; columns are machine, metric, "
	    "direction, baseline, candidate, guest, controller, overhead",
	    name);
}

static int header(struct import *im, struct ratios *t, struct text l)
{
	bool more = true;

	/* As spreadsheets write them where the comma is the decimal mark. */
	if (!text_find(l, ","))
		return import_refuse_at(im, l,
		    "no commas between the columns; they must be there, and "
		    "numbers have a point");
	while (more) {
		char name[FIELD_MAX];
		struct text at = l;
		int r = eat_field(im, &l, name, sizeof(name), &more);

		if (r == 0)
			r = add_column(im, t, name, at);
		if (r < 0)
			return r;
	}
	t->header = true;
	if (t->n_columns < COLUMNS)
		return import_refuse_at(im, l,
		    "%zu columns; all of machine, metric, direction, "
		    "baseline, candidate, guest, controller, overhead are "
		    "needed",
		    t->n_columns);
	return 0;
}

static int overhead_of(
    struct import *im, const char *s, struct text at, double *ret)
{
	struct text t = {s, strlen(s)};

	if (!text_eat_number(&t, ret) || t.len || *ret <= 0)
		return import_refuse_at(
		    im, at, "overhead '%.60s' is no number above 0", s);
	return 0;
}

static int check(struct import *im, char f[COLUMNS][FIELD_MAX],
    const struct text at[COLUMNS], struct import_ratio *ret)
{
	const struct bench_metric *row = bench_metric_find(f[METRIC]);
	int r;

	for (size_t c = 0; c < GUEST; c++)
		if (!f[c][0])
			return import_refuse_at(
			    im, at[c], "%s is empty", names[c]);
	r = bench_direction_parse(
	    f[DIRECTION], &ret->direction, import_err(im));
	if (r < 0)
		return import_refuse_at(im, at[DIRECTION],
		    "direction '%.60s' is none of higher, lower", f[DIRECTION]);
	if (str_eq(f[BASELINE], f[CANDIDATE]))
		return import_refuse_at(im, at[CANDIDATE],
		    "baseline and candidate are the same: '%.60s'",
		    f[CANDIDATE]);
	if (row && row->direction != ret->direction)
		return import_refuse_at(im, at[DIRECTION],
		    "direction of %s is %s", row->name,
		    bench_direction_name(row->direction));
	return overhead_of(im, f[OVERHEAD], at[OVERHEAD], &ret->overhead);
}

static int row(struct import *im, const struct ratios *t, struct text l)
{
	char f[COLUMNS][FIELD_MAX];
	struct text at[COLUMNS];
	struct import_ratio ratio = {.machine = f[MACHINE],
	    .metric = f[METRIC],
	    .baseline = f[BASELINE],
	    .candidate = f[CANDIDATE],
	    .guest = f[GUEST],
	    .controller = f[CONTROLLER],
	    .printed = f[OVERHEAD]};
	bool more = true;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n_columns; i++) {
		enum column c = t->order[i];

		if (!more)
			return import_refuse_at(im, l,
			    "a row of %zu fields; the header has %zu", i,
			    t->n_columns);
		at[c] = l;
		r = eat_field(im, &l, f[c], FIELD_MAX, &more);
	}
	if (r == 0 && more)
		return import_refuse_at(im, l,
		    "a row of more fields than the header's %zu", t->n_columns);
	if (r == 0)
		r = import_whole(im);
	if (r == 0)
		r = check(im, f, at, &ratio);
	return r < 0 ? r : import_ratio(im, &ratio);
}

static int line(struct import *im, void *state, struct text l)
{
	struct ratios *t = state;

	if (!t->header)
		return header(im, t, l);
	return l.len ? row(im, t, l) : 0;
}

static int end(struct import *im, void *state)
{
	const struct ratios *t = state;

	if (!t->header || !import_result(im)->ratios)
		return import_refuse(im, 0, "the table has no rows");
	return 0;
}

const struct importer import_ratios = {
    .name = "ratios",
    .title = "CSV tables of published ratios",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct ratios),
    .recognise = recognise,
    .line = line,
    .end = end,
};
