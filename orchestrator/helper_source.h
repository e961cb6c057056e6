/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the helpers share that take outside files: the manifest of a suite's
 * files, each copied into the scratch folder, synced and hashed.
 */
#ifndef ORCHESTRATOR_HELPER_SOURCE_H
#define ORCHESTRATOR_HELPER_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "bench/bench.h"

#define SOURCE_CONFIG_MAX (4 << 20)
#define SOURCE_CHUNK (1 << 16)

struct bundle {
	const char *scratch;
	char **wanted; /* NULL-terminated; those that came are set to "" */
	json_t *files;
	json_t *ignored;
	int64_t bytes;
	int n;
};

/* One file on its way into the scratch folder. */
struct sink {
	int fd;
	struct hash *hash;
	int64_t size;
	char tmp[16];
};

int sink_open(struct bundle *b, struct sink *s, struct err *err);
/* Errors: LIMIT (over 4 GiB in all), IO. */
int sink_add(struct bundle *b, struct sink *s, const void *data, size_t len,
    struct err *err);
/* Syncs the file and puts it into the manifest; r: how writing it went. */
int sink_close(
    struct bundle *b, struct sink *s, const char *path, int r, struct err *err);

/* The files that the suite wants, and what it has without effect. */
void bundle_set_suite(struct bundle *b, const struct suite *suite);
/* True once for each file the suite names. */
bool bundle_take_wanted(struct bundle *b, const char *path);
/* Error: INVAL, with the first of those that are wanted and did not come. */
int bundle_check_missing(const struct bundle *b, struct err *err);
/* Frees what it has, but not itself. */
void bundle_done(struct bundle *b);

/*
 * Reads the suite at its path in a folder that somebody else made, and copies
 * the files it names, looked up from the folder, then from beside the suite.
 * Only regular files inside the folder are opened. Errors: INVAL, LIMIT, IO.
 */
int bundle_from_folder(struct bundle *b, const char *folder,
    const char *suite_path, struct buf *suite, struct err *err);

/* Limits of a process that parses outside files. */
void helper_limits(void);
/* The one answer of a helper, to stdout; takes ownership. */
void helper_print(json_t *answer);

#endif
