/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In which order the two variants are measured.
 *
 * A pair is one boot of the baseline (B) and one of the candidate (C), in
 * either order. Two pairs are an ABBA block (BC CB, or CB BC): a drift of the
 * machine that is linear in time cancels, and the variant is switched half as
 * often. Which of the two blocks comes is decided by a seed.
 */
#ifndef BENCH_ORDER_H
#define BENCH_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A generator of its own for each use: same seed, same numbers. */
struct bench_random {
	uint64_t state;
};

/* The next 64 bits, by splitmix64 (Steele, Lea and Flood 2014). */
uint64_t bench_random_next(struct bench_random *r);

enum bench_pair {
	BENCH_BC,
	BENCH_CB
};

/* "BC", "CB". */
const char *bench_pair_name(enum bench_pair pair);

/*
 * The order of n pairs: half are BC and half are CB; if n is odd, one of them
 * is one more. The same n and seed give the same order, on every machine.
 */
void bench_order(size_t n, uint64_t seed, enum bench_pair *ret);

/*
 * Which pairs may be used when some have failed: those and, for each, one good
 * pair of the opposite order are dropped, so that the balance stays. It is the
 * other half of its block, else the nearest one in time; values are not looked
 * at. Writes ret[i] for each of the n pairs; returns how many are kept.
 */
size_t bench_order_keep(
    const enum bench_pair *order, const bool *failed, size_t n, bool *ret);

#endif
