/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quiet series of several kinds. */
#include "tests/unit/bench_noise.h"

#include <math.h>

#include "tests/unit/bench_kit.h"

static void independent(struct bench_random *r, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 100 + kit_normal(r);
}

static void autocorrelated(struct bench_random *r, size_t n, double *x)
{
	double y = kit_normal(r);

	for (size_t i = 0; i < n; i++) {
		x[i] = 100 + y;
		y = .3 * y + sqrt(1 - .3 * .3) * kit_normal(r);
	}
}

/* Student's t of three degrees of freedom. */
static void heavy_tails(struct bench_random *r, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++) {
		double square = 0;

		for (int k = 0; k < 3; k++) {
			double z = kit_normal(r);

			square += z * z;
		}
		x[i] = 100 + kit_normal(r) / sqrt(square / 3);
	}
}

static void outliers(struct bench_random *r, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 100 + kit_normal(r) * (kit_uniform(r) < .05 ? 10 : 1);
}

const struct bench_noise_kind bench_noises[NOISE_KINDS] = {
    [NOISE_INDEPENDENT] = {"independent", independent},
    [NOISE_AR] = {"AR(1) .3", autocorrelated},
    [NOISE_T3] = {"t3", heavy_tails},
    [NOISE_OUTLIERS] = {"outliers", outliers},
};
