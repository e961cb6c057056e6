/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths and queries as they stand in a request line, that is still escaped.
 * Segments are decoded one by one: an escaped slash never makes a segment.
 * Pure; the input is hostile.
 */
#ifndef WEB_PATH_H
#define WEB_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PATH_ARGS_MAX 3
#define PATH_ARG_SIZE 256 /* with the zero byte */
#define QUERY_VALUES_MAX 12

struct path_args {
	size_t n;
	char text[PATH_ARGS_MAX][PATH_ARG_SIZE];
};

/*
 * Undoes %XX in the len bytes at from; plus says whether '+' is a blank. False
 * for a bad escape, a zero byte, text that is not UTF-8 or does not fit.
 */
enum path_plus {
	PLUS_IS_PLUS,
	PLUS_IS_BLANK
};
bool path_decode(
    const char *from, size_t len, enum path_plus plus, char *to, size_t size);

/*
 * Whether the path of a request target (it ends at '?' or at the end) fits a
 * pattern like "/api/v1/runs/{id}/matrix". *ret gets the text of each {..},
 * which is never empty.
 */
bool path_match(const char *pattern, const char *target, struct path_args *ret);

enum query_kind {
	QUERY_INT,
	QUERY_TEXT
};
/* What a route understands; a list of them ends with a NULL name. */
struct query_param {
	const char *name;
	enum query_kind kind;
	int64_t min; /* QUERY_INT */
	int64_t max;
	const char *about; /* for the OpenAPI document */
};
struct query_value {
	bool set;
	int64_t number;
	char text[PATH_ARG_SIZE];
};
struct query {
	struct query_value values[QUERY_VALUES_MAX]; /* in the list's order */
};
/*
 * The query of a request target, strictly. params may be NULL (none allowed).
 * Error: INVAL, which names what is allowed.
 */
int query_parse(const char *target, const struct query_param *params,
    struct query *ret, struct err *err);

#endif
