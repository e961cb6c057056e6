/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kvm-unit-tests: the lines of its runner ("PASS smptest (1 tests)"), those of
 * a guest ("PASS: Hypercall via VMCALL"), and the cycles that vmexit prints
 * ("cpuid 104"). A log may have all of them. An expected or known failure
 * counts as passed, as it does there; an unexpected pass counts as failed.
 */
#include <stdio.h>

#include "bench/import_private.h"

struct kvm {
	struct import_tally tally;
	int64_t reported; /* PASS: ... lines since the last SUMMARY */
	bool summary;     /* the last of them were summed up */
	bool miscounted;
	int64_t values;
	int64_t aborted;
};

static const struct {
	const char *word;
	enum case_result result;
	const char *why;
} words[] = {
    {"PASS", CASE_PASS, ""},
    {"FAIL", CASE_FAIL, ""},
    {"SKIP", CASE_SKIP, ""},
    {"XFAIL", CASE_PASS, "failed as expected"},
    {"KFAIL", CASE_PASS, "a known failure"},
    {"XPASS", CASE_FAIL, "passed, which was not expected"},
};

/* Drops the colours: ESC [ digits and semicolons, a letter. */
static struct text plain(struct text line, char *to, size_t size)
{
	size_t n = 0;

	while (line.len && n < size) {
		if (!text_eat(&line, "\x1b[")) {
			to[n++] = *line.p;
			text_drop(&line, 1);
			continue;
		}
		while (line.len &&
		    ((*line.p >= '0' && *line.p <= '9') || *line.p == ';'))
			text_drop(&line, 1);
		if (line.len)
			text_drop(&line, 1);
	}
	return (struct text){to, n};
}

/* The word at the beginning of a line, as a place in words[]. */
static size_t eat_result(struct text *l)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct text rest = *l;

		if (!text_eat(&rest, words[i].word) || !rest.len ||
		    (*rest.p != ' ' && *rest.p != ':'))
			continue;
		*l = rest;
		return i;
	}
	return ARRAY_LEN(words);
}

static bool is_name(struct text w)
{
	for (size_t i = 0; i < w.len; i++) {
		char c = w.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		        (c >= '0' && c <= '9') || strchr("_-.:", c)) ||
		    !c)
			return false;
	}
	return w.len > 0;
}

/* "<name> <number>" and nothing else. */
static bool vmexit(struct text l, struct text *name, double *cycles)
{
	struct text number;
	long v;

	*name = text_eat_word(&l);
	number = text_eat_word(&l);
	if (!is_name(*name) || text_trim(l).len ||
	    !text_eat_count(&number, 1L << 52, &v) || number.len)
		return false;
	*cycles = (double)v;
	return *name->p >= 'a' && *name->p <= 'z';
}

/* "ipi (skipped)": vmexit says so of what the machine has no means for. */
static bool skipped(struct text l, struct text *name)
{
	*name = text_eat_word(&l);
	return is_name(*name) && text_is(text_trim(l), "(skipped)") &&
	    *name->p >= 'a' && *name->p <= 'z';
}

/* "PASS name (...)", where the runner never prints more. */
static bool runner_line(struct text l, struct text *name, struct text *why)
{
	if (!text_eat(&l, " "))
		return false;
	*name = text_eat_word(&l);
	l = text_trim(l);
	*why = (struct text){l.p, 0};
	if (l.len >= 2 && *l.p == '(' && l.p[l.len - 1] == ')')
		*why = (struct text){l.p + 1, l.len - 2};
	else if (l.len)
		return false;
	return is_name(*name);
}

#define PLAIN_MAX 1024

static bool recognise(struct text head)
{
	struct text line;
	bool runner = false;

	while (text_eat_line(&head, &line)) {
		char buf[PLAIN_MAX];
		struct text l = plain(line, buf, sizeof(buf));
		struct text name, why;
		double tests;

		if (text_starts(l, "SOTEST ") ||
		    text_starts(l, "TAP version") ||
		    text_starts(l, "KTAP version"))
			return false;
		if (text_eat(&l, "SUMMARY: ") && text_eat_number(&l, &tests) &&
		    text_starts(l, " tests"))
			return true;
		if (eat_result(&l) < ARRAY_LEN(words) &&
		    (text_starts(l, ": ") || runner_line(l, &name, &why)))
			runner = true;
		if (vmexit(text_trim(l), &name, &tests) &&
		    (text_is(name, "cpuid") || text_is(name, "vmcall") ||
		        text_is(name, "mov_from_cr8")))
			return true;
	}
	return runner;
}

/* "4 tests, 2 unexpected failures": do the counts fit? */
static void summary(struct kvm *k, struct text l)
{
	long tests;

	if (!text_eat_count(&l, 1000000000, &tests))
		return;
	if (tests != k->reported)
		k->miscounted = true;
	k->reported = 0;
	k->summary = true;
}

static int result_line(
    struct import *im, struct kvm *k, size_t i, struct text l)
{
	struct text why = {words[i].why, strlen(words[i].why)};
	struct text name;

	if (text_eat(&l, ": ")) {
		k->reported++;
		k->summary = false;
		return import_tally_case(
		    im, &k->tally, l, words[i].result, why);
	}
	if (!runner_line(l, &name, &why))
		return 0;
	return import_tally_case(im, &k->tally, name, words[i].result, why);
}

static int line(struct import *im, void *state, struct text whole)
{
	struct kvm *k = state;
	char buf[IMPORT_LINE_MAX];
	struct text l = plain(whole, buf, sizeof(buf));
	struct text name;
	size_t i = eat_result(&l);
	double cycles = 0;

	if (i < ARRAY_LEN(words))
		return result_line(im, k, i, l);
	if (text_eat(&l, "SUMMARY: ")) {
		summary(k, l);
		return 0;
	}
	if (text_starts(l, "ABORT: ") || text_find(l, ": assert failed: ")) {
		k->aborted++;
		return import_tally_case(
		    im, &k->tally, (struct text){"abort", 5}, CASE_FAIL, l);
	}
	if (skipped(l, &name))
		return import_skip(im, name, "vmexit skipped it");
	if (vmexit(text_trim(l), &name, &cycles)) {
		char slug[64];
		char metric[IMPORT_NAME_MAX];

		k->values++;
		text_slug(slug, sizeof(slug), name);
		(void)snprintf(metric, sizeof(metric), "vmexit.%s", slug);
		return import_number(im, metric, "cycles", BENCH_LOWER, cycles);
	}
	return 0;
}

static int end(struct import *im, void *state)
{
	const struct kvm *k = state;
	const char *broken = NULL;
	int r = import_meta(im, "tool", (struct text){"kvm-unit-tests", 14});

	if (r < 0)
		return r;
	if (!k->tally.cases && !k->values)
		return import_refuse(
		    im, 0, "the log has no results and no cycles");
	if (!k->tally.cases)
		return 0;
	if (k->miscounted)
		broken = "a SUMMARY counts other than the log has";
	else if (k->reported && !k->summary && !k->aborted)
		broken = "the log ends without a SUMMARY";
	return import_tally_end(im, &k->tally, broken);
}

const struct importer import_kvm_unit_tests = {
    .name = "kvm-unit-tests",
    .title = "kvm-unit-tests logs",
    .shape = IMPORT_STREAM,
    .state_size = sizeof(struct kvm),
    .recognise = recognise,
    .line = line,
    .end = end,
};
