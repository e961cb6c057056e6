/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reports of sysbench: what is accepted has a rate and finite numbers, and
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench_sysbench s = {.threads = -77};
	struct err err = ERR_INIT;
	int r = bench_sysbench_parse((const char *)data, size, &s, &err);

	if (r < 0) {
		require(s.threads == -77);
		require(err.kind == -r && err.msg[0]);
		require(!strpbrk(err.msg, "\r\n\x1b"));
		return 0;
	}
	require(isfinite(s.events_per_second) && s.events_per_second >= 0);
	require(isfinite(s.total_time_s) && isfinite(s.total_events));
	require(s.threads >= -1);
	require(isnan(s.mib_per_second) || s.mib_per_second >= 0);
	require(str_is_utf8(s.version, strlen(s.version)));
	require(!strpbrk(s.version, "\r\n\x1b"));
	return 0;
}
