/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line of the SOTEST protocol, version 1. Pure: no state between lines.
 *
 * A protocol line begins at the first byte of the line (no prefixes) and may
 * go on behind its last word (suffixes): serial logs interleave.
 */
#ifndef BENCH_SOTEST_H
#define BENCH_SOTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sotest_kind {
	SOTEST_OTHER, /* not of the protocol */
	SOTEST_BEGIN,
	SOTEST_SUCCESS,
	SOTEST_FAIL,
	SOTEST_SKIP,
	SOTEST_BENCHMARK,
	SOTEST_TIMEOUT,
	SOTEST_END,
	SOTEST_PANIC,
	SOTEST_NAME,      /* "test case: test_<name>" */
	SOTEST_ASSERTION, /* why a case is going to fail */
	SOTEST_REFUSED,   /* begins with SOTEST, but says nothing we know */
};

/* Bytes of the line, borrowed from it; len is 0 if there are none. */
struct sotest_word {
	const char *p;
	size_t len;
};

struct sotest_line {
	enum sotest_kind kind;
	int64_t number;          /* BEGIN: cases; TIMEOUT: seconds */
	struct sotest_word name; /* SUCCESS, FAIL, SKIP, BENCHMARK, NAME */
	struct sotest_word unit; /* BENCHMARK */
	double value;            /* BENCHMARK */
	bool is_case;            /* BENCHMARK: it is a test case, too */
	bool failed;             /* BENCHMARK: and that case failed */
};

#define SOTEST_LINE_MAX 8192     /* what follows is not looked at */
#define SOTEST_CASES_MAX 1000000 /* more than these are absurd */
#define SOTEST_SILENCE_MAX_S (7 * 86400)

void sotest_line_parse(const char *line, size_t len, struct sotest_line *ret);

/*
 * Copies a word for people and databases: valid UTF-8 without control bytes,
 * cut between characters if it does not fit.
 */
void sotest_word_copy(char *dst, size_t size, struct sotest_word word);

#endif
