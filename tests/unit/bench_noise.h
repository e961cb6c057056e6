/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quiet series of several kinds, around 100, with a spread of about 1. */
#ifndef TESTS_UNIT_BENCH_NOISE_H
#define TESTS_UNIT_BENCH_NOISE_H

#include <stddef.h>

#include "bench/order.h"

typedef void bench_noise(struct bench_random *r, size_t n, double *x);

struct bench_noise_kind {
	const char *name;
	bench_noise *make;
};

enum bench_noise_name {
	NOISE_INDEPENDENT,
	NOISE_AR,       /* each remembers .3 of the one before */
	NOISE_T3,       /* heavy tails */
	NOISE_OUTLIERS, /* one value in 20 is far off */
	NOISE_KINDS
};

extern const struct bench_noise_kind bench_noises[NOISE_KINDS];

#endif
