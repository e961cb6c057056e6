/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sysbench's reports, one or more. cpu is told by its events per second, memory
 * by its MiB. Work of another kind than the default is another series: its
 * label says what was done.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/import_private.h"
#include "bench/sysbench.h"

struct sysbench {
	struct bench_sysbench report;
	bool open;    /* a report has begun */
	size_t n;     /* complete ones */
	int64_t line; /* where it began */
	bool is_cpu;  /* "CPU speed:" */
	/* What was done otherwise than by default: it is no repetition of it.
	 */
	char label[IMPORT_TEXT_MAX];
};

static bool recognise(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line)) {
		double version;

		if (text_eat(&line, "sysbench ") &&
		    text_eat_number(&line, &version))
			return true;
	}
	return false;
}

static int tell(struct import *im, const struct sysbench *s, const char *base,
    const char *what, const char *unit, enum bench_direction direction,
    double value)
{
	char metric[IMPORT_NAME_MAX];
	struct import_value v;

	if (isnan(value))
		return 0;
	(void)snprintf(metric, sizeof(metric), "sysbench.%s%s", base, what);
	if (value <= 0) /* latencies have two decimals */
		return import_skip(im, (struct text){metric, strlen(metric)},
		    "it is printed as 0: too small, or nothing was done");
	v = import_value_of(metric, unit, direction, value);
	v.line = s->line;
	v.label = s->label;
	return import_value(im, &v);
}

/* The options that a report prints, with their defaults. */
static void option(struct sysbench *s, struct text l)
{
	static const struct {
		const char *key;
		const char *usual;
		const char *called;
	} rows[] = {
	    {"Prime numbers limit: ", "10000", "primes to "},
	    {"block size: ", "1KiB", "blocks of "},
	    {"operation: ", "write", ""},
	    {"scope: ", "global", "scope "},
	};

	l = text_trim(l);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char value[40];
		size_t used = strlen(s->label);

		if (!text_eat(&l, rows[i].key))
			continue;
		text_copy(value, sizeof(value), l);
		if (!str_eq(value, rows[i].usual))
			(void)snprintf(s->label + used, sizeof(s->label) - used,
			    "%s%s%s", used ? ", " : "", rows[i].called, value);
		return;
	}
}

static int finish(struct import *im, struct sysbench *s)
{
	const struct bench_sysbench *b = &s->report;
	bool memory = !isnan(b->mib_per_second);
	char base[32] = "other";
	int r = import_place(im, sysbench_end(b, import_err(im)));

	if (r < 0)
		return r;
	s->open = false;
	s->n++;
	if (memory || s->is_cpu)
		(void)snprintf(base, sizeof(base), "%s_%d",
		    memory ? "memory" : "cpu", b->threads < 1 ? 1 : b->threads);
	r = import_meta(
	    im, "version", (struct text){b->version, strlen(b->version)});
	if (r == 0 && memory)
		r = tell(
		    im, s, base, "", "MiB/s", BENCH_HIGHER, b->mib_per_second);
	if (r == 0)
		r = tell(im, s, base, memory ? ".operations" : "",
		    memory ? "operations/s" : "events/s", BENCH_HIGHER,
		    b->events_per_second);
	if (r == 0)
		r = tell(im, s, base, ".latency", "ms", BENCH_LOWER,
		    b->latency_avg_ms);
	if (r == 0)
		r = tell(im, s, base, ".latency_p95", "ms", BENCH_LOWER,
		    b->latency_p95_ms);
	return r;
}

static int line(struct import *im, void *state, struct text l)
{
	struct sysbench *s = state;
	struct text first = l;
	int r;

	if (text_eat(&first, "sysbench ") && s->open) {
		r = finish(im, s);
		if (r < 0)
			return r;
	}
	if (!s->open) {
		if (!text_starts(l, "sysbench "))
			return 0;
		sysbench_init(&s->report);
		s->is_cpu = false;
		s->label[0] = '\0';
		s->open = true;
		s->line = import_line(im);
	}
	if (text_starts(l, "CPU speed:"))
		s->is_cpu = true;
	option(s, l);
	r = import_place(im, sysbench_line(&s->report, l, import_err(im)));
	/* Numbers end their lines: digits may be lost. */
	return r == 0 && l.len ? import_whole(im) : r;
}

static int end(struct import *im, void *state)
{
	struct sysbench *s = state;
	int r = 0;

	if (s->open)
		r = finish(im, s);
	else if (!s->n)
		r = import_refuse(im, 0, "sysbench printed no report");
	return r < 0 ? r
	             : import_meta(im, "tool", (struct text){"sysbench", 8});
}

const struct importer import_sysbench = {
    .name = "sysbench",
    .title = "sysbench text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct sysbench),
    .recognise = recognise,
    .line = line,
    .end = end,
};
