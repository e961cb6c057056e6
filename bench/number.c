/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict reading of numbers; the scan keeps strtod() from its other forms. */
#include "bench/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64

static size_t digits(const char *text, size_t len, size_t at)
{
	size_t from = at;

	while (at < len && text[at] >= '0' && text[at] <= '9')
		at++;
	return at - from;
}

static size_t scan(const char *text, size_t len)
{
	size_t at = len && (text[0] == '-' || text[0] == '+');
	size_t whole = digits(text, len, at);
	size_t fraction = 0;

	at += whole;
	if (at < len && text[at] == '.') {
		fraction = digits(text, len, at + 1);
		at += 1 + fraction;
	}
	if (!whole && !fraction)
		return 0;
	if (at < len && (text[at] == 'e' || text[at] == 'E')) {
		size_t sign = at + 1 < len &&
		    (text[at + 1] == '-' || text[at + 1] == '+');
		size_t exponent = digits(text, len, at + 1 + sign);

		if (exponent)
			at += 1 + sign + exponent;
	}
	return at;
}

size_t bench_number(const char *text, size_t len, double *ret)
{
	char copy[NUMBER_MAX];
	size_t n = scan(text, len);
	double v;

	if (!n || n >= sizeof(copy))
		return 0;
	memcpy(copy, text, n);
	copy[n] = '\0';
	v = strtod(copy, NULL);
	if (!isfinite(v))
		return 0;
	*ret = v;
	return n;
}
