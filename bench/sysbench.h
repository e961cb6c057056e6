/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of sysbench, line by line; bench_sysbench_parse() is the whole. */
#ifndef BENCH_SYSBENCH_H
#define BENCH_SYSBENCH_H

#include "base/err.h"
#include "bench/measure.h"
#include "bench/text.h"

void sysbench_init(struct bench_sysbench *s);
/* One line without its end. Error: PROTO. */
int sysbench_line(struct bench_sysbench *s, struct text line, struct err *err);
/* Error: PROTO, no rate, or the report was cut off. */
int sysbench_end(const struct bench_sysbench *s, struct err *err);

#endif
