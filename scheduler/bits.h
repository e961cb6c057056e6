/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of small numbers as arrays of 64-bit words. */
#ifndef SCHEDULER_BITS_H
#define SCHEDULER_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool bit_get(const uint64_t *set, int i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static inline void bit_put(uint64_t *set, int i, bool value)
{
	uint64_t bit = (uint64_t)1 << (i % 64);

	set[i / 64] = value ? set[i / 64] | bit : set[i / 64] & ~bit;
}

/* Words that hold n bits. */
static inline int bit_words(int n)
{
	return (n + 63) / 64;
}

/* Takes the lowest bit out of a word that is not zero; returns its number. */
static inline int bit_take(uint64_t *word)
{
	int i = ffsll((long long)*word) - 1;

	*word &= *word - 1;
	return i;
}

#endif
