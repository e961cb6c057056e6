/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What importers say, checked and cleaned before the caller hears it. The
 * invariant: no number from a line without its end is told.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "bench/import_engine.h"

/* An error of the caller keeps its own message. */
static int answer(struct import *im, int r)
{
	if (r < 0)
		im->placed = true;
	return r;
}

static void clean(char *to, size_t size, const char *s)
{
	text_copy(to, size, (struct text){s, strlen(s)});
}

/* One more thing is told, from a line that is complete. */
static int count(struct import *im, int64_t *counter)
{
	int r = import_whole(im);

	if (r < 0)
		return r;
	if (im->result.values + im->result.cases + im->result.ratios +
	        im->result.skipped ==
	    IMPORT_TOLD_MAX)
		return import_limit(
		    im, "over %d results in one input", IMPORT_TOLD_MAX);
	++*counter;
	return 0;
}

int import_meta(struct import *im, const char *key, struct text value)
{
	char text[IMPORT_TEXT_MAX];

	text_copy(text, sizeof(text), text_trim(value));
	if (!im->ops->meta || !text[0])
		return 0;
	return answer(im, im->ops->meta(im->arg, key, text, &im->err));
}

int import_date(struct import *im, double unix_s)
{
	time_t t = unix_s >= 0 && unix_s <= UINT32_MAX ? (time_t)unix_s : 0;
	char text[32];
	struct tm tm;
	size_t n;

	if (!t || !gmtime_r(&t, &tm))
		return 0;
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return import_meta(im, "date", (struct text){text, n});
}

int import_skip(struct import *im, struct text what, const char *why)
{
	char name[IMPORT_TEXT_MAX];
	char reason[IMPORT_TEXT_MAX];
	struct import_skipped s = {name, reason, im->line_at};
	int r = count(im, &im->result.skipped);

	if (r < 0 || !im->ops->skipped)
		return r;
	text_copy(name, sizeof(name), text_trim(what));
	clean(reason, sizeof(reason), why);
	return answer(im, im->ops->skipped(im->arg, &s, &im->err));
}

struct import_value import_value_of(const char *metric, const char *unit,
    enum bench_direction direction, double value)
{
	return (struct import_value){
	    .metric = metric,
	    .label = "",
	    .machine = "",
	    .unit = unit,
	    .direction = direction,
	    .of = IMPORT_SAMPLE,
	    .value = value,
	    .n = 1,
	    .sd = NAN,
	    .median = NAN,
	    .min = NAN,
	    .max = NAN,
	};
}

static bool is_amount(double v)
{
	return isfinite(v) && v >= 0;
}

static bool is_amount_or_none(double v)
{
	return isnan(v) || is_amount(v);
}

int import_value(struct import *im, const struct import_value *given)
{
	char metric[IMPORT_NAME_MAX], unit[IMPORT_NAME_MAX];
	char label[IMPORT_TEXT_MAX], machine[IMPORT_TEXT_MAX];
	struct import_value v = *given;
	const struct bench_metric *row = bench_metric_find(v.metric);
	int r;

	v.line = v.line ? v.line : im->line_at;
	if (!is_amount(v.value) || !is_amount_or_none(v.sd) ||
	    !is_amount_or_none(v.median) || !is_amount_or_none(v.min) ||
	    !is_amount_or_none(v.max))
		return import_refuse(im, 0, "%.100s is %g", v.metric, v.value);
	if (row && !str_eq(row->unit, v.unit)) {
		scoped(free) char *why = xasprintf(
		    "in %.60s; %s is in %s", v.unit, row->name, row->unit);

		return import_skip(
		    im, (struct text){v.metric, strlen(v.metric)}, why);
	}
	r = count(im, &im->result.values);
	if (r < 0 || !im->ops->value)
		return r;
	if (row)
		v.direction = row->direction;
	clean(metric, sizeof(metric), v.metric);
	clean(unit, sizeof(unit), v.unit);
	clean(label, sizeof(label), v.label);
	clean(machine, sizeof(machine), v.machine);
	v.metric = metric;
	v.unit = unit;
	v.label = label;
	v.machine = machine;
	return answer(im, im->ops->value(im->arg, &v, &im->err));
}

int import_number(struct import *im, const char *metric, const char *unit,
    enum bench_direction direction, double value)
{
	struct import_value v = import_value_of(metric, unit, direction, value);

	return import_value(im, &v);
}

int import_case(struct import *im, struct text name, enum case_result result,
    struct text why)
{
	char shown[IMPORT_TEXT_MAX], text[IMPORT_TEXT_MAX];
	struct import_case c = {shown, result, text, im->line_at};
	int r = count(im, &im->result.cases);

	if (r < 0 || !im->ops->case_)
		return r;
	text_copy(shown, sizeof(shown), text_trim(name));
	text_copy(text, sizeof(text), text_trim(why));
	return answer(im, im->ops->case_(im->arg, &c, &im->err));
}

int import_verdict(struct import *im, bool pass, const char *why)
{
	char text[IMPORT_TEXT_MAX];
	struct import_verdict v = {pass, text};

	if (!im->ops->verdict)
		return 0;
	clean(text, sizeof(text), why);
	return answer(im, im->ops->verdict(im->arg, &v, &im->err));
}

int import_ratio(struct import *im, const struct import_ratio *given)
{
	char texts[7][IMPORT_TEXT_MAX];
	struct import_ratio v = *given;
	const char **const fields[] = {&v.machine, &v.metric, &v.baseline,
	    &v.candidate, &v.guest, &v.controller, &v.printed};
	int r = count(im, &im->result.ratios);

	if (r < 0 || !im->ops->ratio)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		clean(texts[i], sizeof(texts[i]), *fields[i]);
		*fields[i] = texts[i];
	}
	v.line = im->line_at;
	return answer(im, im->ops->ratio(im->arg, &v, &im->err));
}

/* ---- streams of cases ------------------------------------------------- */

int import_tally_case(struct import *im, struct import_tally *t,
    struct text name, enum case_result result, struct text why)
{
	t->cases++;
	if (result == CASE_FAIL && !t->fails++) {
		char shown[100];

		text_copy(shown, sizeof(shown), text_trim(name));
		(void)snprintf(t->why, sizeof(t->why), "case %s failed",
		    shown[0] ? shown : "without a name");
	}
	return import_case(im, name, result, why);
}

int import_tally_end(
    struct import *im, const struct import_tally *t, const char *broken)
{
	if (broken)
		return import_verdict(im, false, broken);
	return import_verdict(im, !t->fails, t->fails ? t->why : "");
}
