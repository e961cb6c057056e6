/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of importers share: a caller that remembers all it is told. */
#ifndef TESTS_UNIT_BENCH_IMPORT_KIT_H
#define TESTS_UNIT_BENCH_IMPORT_KIT_H

#include <stddef.h>

#include "base/buf.h"
#include "bench/bench.h"

struct told_value {
	char metric[IMPORT_NAME_MAX];
	char label[IMPORT_TEXT_MAX];
	char machine[IMPORT_TEXT_MAX];
	char unit[IMPORT_NAME_MAX];
	struct import_value v; /* its texts are not to be used */
};

struct told {
	struct told_value *values;
	size_t n_values;
	struct buf log; /* everything, a line each */
	int r;          /* of the import */
	struct err err;
	struct import_result result;
};

void told_done(struct told *t);

/*
 * Imports the bytes in pieces of the given size (0: at once), called "f";
 * format may be NULL. Resets *ret, which starts as zeros.
 */
void kit_import(const char *data, size_t len, size_t piece, const char *format,
    struct told *ret);
/* A file below fixtures/; fails the test if it is refused. */
void kit_import_file(const char *path, struct told *ret);

/* The i-th value of that metric and label (NULL: any), or NULL. */
const struct told_value *told_find(
    const struct told *t, const char *metric, const char *label, size_t i);
/* Fails unless the first of that metric has that value within 1e-9. */
void told_wants(
    const struct told *t, const char *metric, const char *label, double value);
/* Fails unless a line of the log is that text. */
void told_has(const struct told *t, const char *line);

#endif
