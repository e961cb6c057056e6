/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TAP 12 to 14 and the kernel's KTAP 1. Sub-tests stand before the line that
 * sums them up: cases are their leaves, and the line of a parent is one only
 * if it failed though no leaf of it did. Sub-tests are indented by four in TAP
 * and by two in KTAP, whose lines may have the time of the kernel's log.
 */
#include <stdio.h>
#include <strings.h>

#include "bench/import_private.h"

#define DEPTH_MAX 8
#define NAME_MAX_BYTES 128

struct level {
	long plan; /* -1 if there is none */
	long seen;
	int64_t fails;             /* results that failed */
	char name[NAME_MAX_BYTES]; /* of its "# Subtest: ..." */
};

struct tap {
	struct import_tally tally;
	struct level levels[DEPTH_MAX];
	size_t indent;
	bool yaml;
	bool version;
	bool bad_plan;
	bool bailed;
	char why[160];
	char none[160]; /* why nothing was planned */
};

/* "[   12.345678] " */
static struct text without_time(struct text l)
{
	struct text rest = l;
	double seconds;

	if (!text_eat(&rest, "[") || !text_eat_number(&rest, &seconds) ||
	    !text_eat(&rest, "]"))
		return l;
	(void)text_eat(&rest, " "); /* one blank, if there is any */
	return rest;
}

/* "1..4" */
static bool plan_line(struct text l, long *ret)
{
	return text_eat(&l, "1..") && text_eat_count(&l, 100000000, ret) &&
	    (!l.len || *l.p == ' ' || *l.p == '\t' || *l.p == '\r');
}

/* "ok", "not ok", with a blank behind it or nothing. */
static bool result_word(struct text *l, bool *ok)
{
	struct text rest = *l;

	*ok = !text_eat(&rest, "not ");
	if (!text_eat(&rest, "ok") ||
	    (rest.len && *rest.p != ' ' && *rest.p != '\t'))
		return false;
	*l = rest;
	return true;
}

static bool recognise_tap(struct text head)
{
	struct text line;
	bool plan = false, result = false;

	while (text_eat_line(&head, &line)) {
		long n;
		bool ok;

		if (text_starts(line, "TAP version "))
			return true;
		if (text_find(line, "KTAP version ") ||
		    text_starts(line, "SOTEST VERSION "))
			return false;
		plan = plan || plan_line(line, &n);
		result = result || result_word(&line, &ok);
	}
	return plan && result;
}

static bool recognise_ktap(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line)) {
		if (text_starts(line, "TAP version ") ||
		    text_starts(line, "SOTEST VERSION "))
			return false;
		if (text_starts(without_time(line), "KTAP version "))
			return true;
	}
	return false;
}

static void level_init(struct level *v)
{
	*v = (struct level){.plan = -1};
}

static void begin(struct tap *t, size_t indent)
{
	t->indent = indent;
	for (size_t i = 0; i < DEPTH_MAX; i++)
		level_init(&t->levels[i]);
}

static void begin_tap(struct import *im, void *state)
{
	(void)im; /* nothing of it is needed */
	begin(state, 4);
}

static void begin_ktap(struct import *im, void *state)
{
	(void)im; /* nothing of it is needed */
	begin(state, 2);
}

/* ---- directives ------------------------------------------------------ */

static bool is_directive(struct text t, const char *word)
{
	return t.len >= strlen(word) &&
	    strncasecmp(t.p, word, strlen(word)) == 0;
}

/* Cuts "# SKIP reason" off the description; what it makes of the result. */
static enum case_result directive(
    struct text *description, bool ok, struct text *why)
{
	static const struct {
		const char *word;
		enum case_result result;
	} words[] = {
	    {"skip", CASE_SKIP},
	    {"todo", CASE_PASS}, /* a failure is expected */
	    {"xfail", CASE_PASS},
	    {"timeout", CASE_FAIL},
	    {"error", CASE_FAIL},
	};

	*why = (struct text){"", 0};
	for (size_t at = 0; at + 1 < description->len; at++) {
		struct text t = *description;

		if (t.p[at] != '#' || (at && t.p[at - 1] == '\\'))
			continue;
		text_drop(&t, at + 1);
		text_eat_blanks(&t);
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			if (!is_directive(t, words[i].word))
				continue;
			*why = t;
			description->len = at;
			return words[i].result;
		}
	}
	return ok ? CASE_PASS : CASE_FAIL;
}

/* ---- lines ----------------------------------------------------------- */

static bool is_begun(const struct level *v)
{
	return v->plan >= 0 || v->seen;
}

/* What is deeper is over: did it keep its plans? Returns how many failed. */
static int64_t close_levels(struct tap *t, size_t depth, bool *ret_any)
{
	int64_t fails = 0;

	*ret_any = false;
	for (size_t i = depth + 1; i < DEPTH_MAX; i++) {
		struct level *v = &t->levels[i];

		/* "1..0 # SKIP why" has no leaf that says it. */
		*ret_any = *ret_any || v->seen;
		fails += v->fails;
		if (v->plan >= 0 && v->plan != v->seen)
			t->bad_plan = true;
		level_init(v);
	}
	return fails;
}

/* "suite: sub-suite: case" */
static void full_name(
    const struct tap *t, size_t depth, struct text name, char *to, size_t size)
{
	struct buf b = BUF_INIT(IMPORT_TEXT_MAX);

	for (size_t i = 1; i <= depth; i++)
		if (t->levels[i].name[0])
			buf_printf(&b, "%s: ", t->levels[i].name);
	text_copy(to, size, (struct text){buf_str(&b), b.len});
	text_copy(to + strlen(to), size - strlen(to), text_trim(name));
	buf_done(&b);
}

static int result_line(
    struct import *im, struct tap *t, size_t depth, struct text l, bool ok)
{
	char name[2 * IMPORT_TEXT_MAX];
	enum case_result result;
	struct text why;
	int64_t fails;
	bool parent;
	long number;

	text_eat_blanks(&l);
	(void)text_eat_count(&l, 100000000, &number); /* it is optional */
	text_eat_blanks(&l);
	(void)text_eat(&l, "- "); /* it is, too */
	result = directive(&l, ok, &why);
	full_name(t, depth, l, name, sizeof(name));
	fails = close_levels(t, depth, &parent);
	t->levels[depth].seen++;
	t->levels[depth].fails += result == CASE_FAIL || fails;
	/* A leaf said it already. */
	if (parent && (result != CASE_FAIL || fails))
		return 0;
	return import_tally_case(
	    im, &t->tally, (struct text){name, strlen(name)}, result, why);
}

/*
 * It stands inside the sub-test in KTAP, and may stand before it in TAP 14:
 * where a level has not begun it is that level's name, else the next one's.
 */
static void comment(struct tap *t, size_t depth, struct text l)
{
	struct level *v = &t->levels[depth];

	if (!text_eat(&l, "# Subtest:"))
		return;
	if (!depth || is_begun(v) || v->name[0])
		v = depth + 1 < DEPTH_MAX ? v + 1 : v;
	text_copy(v->name, sizeof(v->name), text_trim(l));
}

static void bail_out(struct tap *t, struct text l)
{
	char why[120];

	text_copy(why, sizeof(why), text_trim(l));
	(void)snprintf(t->why, sizeof(t->why), "bailed out: %s", why);
	t->bailed = true;
}

/* "1..0 # SKIP no vmx" */
static struct text why_none(struct text plan)
{
	struct text why = {"", 0};

	(void)directive(&plan, true, &why); /* it has no result */
	return why;
}

static int known_line(
    struct import *im, struct tap *t, size_t depth, struct text l)
{
	bool ok;
	long n;

	if (text_starts(l, "TAP version ") || text_starts(l, "KTAP version ")) {
		t->version = true;
	} else if (plan_line(l, &n)) {
		int r = import_whole(im);

		if (r < 0)
			return r;
		if (t->levels[depth].plan >= 0)
			t->bad_plan = true;
		if (!depth && !n)
			text_copy(t->none, sizeof(t->none), why_none(l));
		t->levels[depth].plan = n;
	} else if (result_word(&l, &ok)) {
		return result_line(im, t, depth, l, ok);
	} else {
		comment(t, depth, l);
	}
	return 0;
}

static int line(struct import *im, void *state, struct text whole)
{
	struct tap *t = state;
	struct text l = without_time(whole);
	size_t blanks = 0;
	size_t depth;

	while (text_eat(&l, " "))
		blanks++;
	depth = blanks / t->indent;
	/* A block of YAML belongs to the result before it. */
	if (blanks % 4 == 2 && t->indent == 4 && text_is(text_trim(l), "---"))
		t->yaml = true;
	else if (t->yaml && (!blanks || text_is(text_trim(l), "...")))
		t->yaml = false;
	if (t->yaml || blanks % t->indent || depth >= DEPTH_MAX)
		return 0; /* or output of a test */
	if (text_eat(&l, "Bail out!")) {
		bail_out(t, l);
		return 0;
	}
	return known_line(im, t, depth, l);
}

static int end(struct import *im, struct tap *t, const char *tool)
{
	const struct level *top = &t->levels[0];
	const char *broken = NULL;
	bool inside;
	int r = import_meta(im, "tool", (struct text){tool, strlen(tool)});

	if (r < 0)
		return r;
	if (!t->version && top->plan < 0 && !top->seen)
		return import_refuse(im, 0, "no version, no plan, no results");
	if (!top->plan && !top->seen)
		r = import_tally_case(im, &t->tally, (struct text){"all", 3},
		    CASE_SKIP, (struct text){t->none, strlen(t->none)});
	if (r < 0)
		return r;
	(void)close_levels(t, 0, &inside); /* they count as unfinished */
	if (t->bailed)
		broken = t->why;
	else if (inside)
		broken = "the stream ends inside a sub-test";
	else if (top->plan < 0)
		broken = "there is no plan";
	else if (top->plan != top->seen)
		broken = "there are other than the planned number of results";
	else if (t->bad_plan)
		broken = "a plan was not kept, or stands twice";
	else if (top->fails && !t->tally.fails)
		broken = "a sub-test failed";
	return import_tally_end(im, &t->tally, broken);
}

static int end_tap(struct import *im, void *state)
{
	return end(im, state, "TAP");
}

static int end_ktap(struct import *im, void *state)
{
	return end(im, state, "KTAP");
}

const struct importer import_tap = {
    .name = "tap",
    .title = "TAP streams",
    .shape = IMPORT_STREAM,
    .state_size = sizeof(struct tap),
    .recognise = recognise_tap,
    .begin = begin_tap,
    .line = line,
    .end = end_tap,
};

const struct importer import_ktap = {
    .name = "ktap",
    .title = "KTAP streams",
    .shape = IMPORT_STREAM,
    .state_size = sizeof(struct tap),
    .recognise = recognise_ktap,
    .begin = begin_ktap,
    .line = line,
    .end = end_ktap,
};
