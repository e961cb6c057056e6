/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of what a disk did: CrystalDiskMark's, for all programs alike. */
#include <inttypes.h>
#include <stdio.h>

#include "bench/import_private.h"

/* "128k", "1m", "1536": the largest unit that fits. */
static void block_text(int64_t bytes, char *to, size_t size)
{
	if (bytes % (1 << 20) == 0)
		(void)snprintf(to, size, "%" PRId64 "m", bytes >> 20);
	else if (bytes % 1024 == 0)
		(void)snprintf(to, size, "%" PRId64 "k", bytes >> 10);
	else
		(void)snprintf(to, size, "%" PRId64, bytes);
}

static void disk_name(const struct import_disk *d, char *to, size_t size)
{
	char block[32];
	char mix[32] = "";

	block_text(d->block_bytes, block, sizeof(block));
	if (d->mix)
		(void)snprintf(mix, sizeof(mix), ".mix%d", d->mix);
	(void)snprintf(to, size, "disk.%s%s_q%ldt%ld%s%s",
	    d->random ? "rnd" : "seq", block, d->depth, d->threads, mix,
	    d->both        ? ""
	        : d->write ? ".wr"
	                   : ".rd");
}

int import_disk_value(struct import *im, const struct import_disk *d,
    enum import_disk_what what, enum import_of of, int64_t n, double value)
{
	static const struct {
		const char *suffix;
		const char *unit;
		enum bench_direction direction;
	} kinds[] = {
	    [IMPORT_DISK_MBS] = {"", "MB/s", BENCH_HIGHER},
	    [IMPORT_DISK_IOPS] = {".iops", "IOPS", BENCH_HIGHER},
	    [IMPORT_DISK_LATENCY] = {".latency", "us", BENCH_LOWER},
	    [IMPORT_DISK_P99] = {".latency_p99", "us", BENCH_LOWER},
	};
	char base[IMPORT_NAME_MAX];
	char name[IMPORT_NAME_MAX + 16];
	struct import_value v;

	disk_name(d, base, sizeof(base));
	(void)snprintf(name, sizeof(name), "%s%s", base, kinds[what].suffix);
	v = import_value_of(
	    name, kinds[what].unit, kinds[what].direction, value);
	v.of = of;
	v.line = d->line;
	v.n = n;
	return import_value(im, &v);
}
