/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON of fio: what is accepted has finite numbers in their ranges, and
 * what is refused says why in one line.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_message(const struct err *err, int r)
{
	require(err->kind == -r && err->msg[0] && !strchr(err->msg, '\n'));
}

static void check_text(const char *s)
{
	require(str_is_utf8(s, strlen(s)) && !strpbrk(s, "\r\n\x1b"));
}

static bool is_amount(double v)
{
	return isfinite(v) && v >= 0;
}

static void check_side(const struct bench_fio_side *s)
{
	require(is_amount(s->bw_bytes) && is_amount(s->iops));
	require(is_amount(s->runtime_ms) && is_amount(s->total_ios));
	require(isnan(s->clat_mean_ns) || is_amount(s->clat_mean_ns));
	require(s->n_percentiles <= BENCH_FIO_PERCENTILES_MAX);
	for (size_t i = 0; i < s->n_percentiles; i++) {
		const struct bench_percentile *p = &s->percentiles[i];

		require(p->percent >= 0 && p->percent <= 100);
		require(is_amount(p->ns));
		require(!i || p->percent >= p[-1].percent);
	}
}

static void check_value(const struct bench_fio *f, enum bench_fio_rw rw)
{
	struct err err = ERR_INIT;
	double v = -1;
	int r = bench_fio_value(f, rw, 0, &v, &err);

	if (r < 0)
		check_message(&err, r);
	else
		require(isfinite(v) && v > 0);
	require(r == 0 || v < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(bench_fio_free) struct bench_fio *f = NULL;
	struct err err = ERR_INIT;
	int r = bench_fio_parse((const char *)data, size, &f, &err);

	require((r == 0) == (f != NULL));
	if (r < 0) {
		check_message(&err, r);
		return 0;
	}
	require(f->n_jobs > 0 && f->n_jobs <= BENCH_FIO_JOBS_MAX);
	check_text(f->version);
	for (size_t i = 0; i < f->n_jobs; i++) {
		check_text(f->jobs[i].name);
		require(f->jobs[i].error >= 0);
		check_side(&f->jobs[i].read);
		check_side(&f->jobs[i].write);
	}
	check_value(f, BENCH_FIO_READ);
	check_value(f, BENCH_FIO_WRITE);
	return 0;
}
