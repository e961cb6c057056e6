/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The specification of a benchmark attempt, which the agent is told. */
#ifndef BENCH_SPEC_H
#define BENCH_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

struct suite;

/* Two variants that are measured against each other, by their names. */
struct bench_roles {
	const char *baseline;
	const char *candidate;
};
struct bench_versus {
	struct bench_roles *pairs;
	size_t n;
};
void bench_versus_done(struct bench_versus *v);
/*
 * What a specification compares: its baseline with each variant of another
 * role. Nothing, if the text is no specification. The caller owns *ret.
 */
void bench_spec_versus(const char *spec, struct bench_versus *ret);

#define BENCH_SPEC_VERSION 1
#define BENCH_ORPHAN_S                                        \
	600 /* without its daemon the agent goes on this long \
	     */

#define BENCH_PLACEBO "#placebo" /* behind the baseline's name */

/*
 * Makes the JSON of doc/spec.md from the suite's benchmark at that place. The
 * seed decides the order of the blocks and is below 2^63. sha256(arg, path)
 * gives the hash of a file of the bundle, in hexadecimal, or NULL. The caller
 * owns *ret. Errors: INVAL (a seed too large), NOTFOUND (a file without hash).
 */
int bench_spec(const struct suite *s, size_t bench, uint64_t seed,
    const char *(*sha256)(void *arg, const char *path), void *arg, json_t **ret,
    struct err *err);

#endif
