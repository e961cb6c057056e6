/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decimal numbers in outside text. */
#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

#include <stddef.h>

/*
 * Reads a number at the start of text: digits, perhaps a sign, a fraction and
 * an exponent; no blanks, nan, inf or hexadecimal. Returns how many bytes it
 * has, 0 if there is none or it is not finite.
 */
size_t bench_number(const char *text, size_t len, double *ret);

#endif
