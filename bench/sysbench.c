/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of sysbench 1.0, line by line. Its traps: the rate stands in
 * another form in each test; a run that fails says FATAL and ends; a report
 * that was cut off still has a rate, so its end must be there, too.
 */
#include "bench/sysbench.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* The number behind a key; false if it is none, or below 0. */
static bool number_after(struct text *l, const char *key, double *ret)
{
	text_drop(l, strlen(key));
	return text_eat_number(l, ret);
}

/* "... (7036161.41 per second)": the number behind the last bracket. */
static bool number_in_brackets(struct text *l, const char *unit, double *ret)
{
	const char *open = memrchr(l->p, '(', l->len);
	double v;

	if (!open)
		return false;
	text_drop(l, (size_t)(open - l->p));
	if (!number_after(l, "(", &v) || !text_starts(*l, unit))
		return false;
	*ret = v;
	return true;
}

/* What a line of the form "key: number unit" tells. */
static int read_plain(struct text *l, struct bench_sysbench *s, struct err *err)
{
	const struct {
		const char *key;
		const char *unit; /* must end the line */
		double *to;
	} rows[] = {
	    {"events per second:", "", &s->events_per_second},
	    {"total time:", "s", &s->total_time_s},
	    {"time elapsed:", "s", &s->total_time_s}, /* sysbench 1.1 */
	    {"total number of events:", "", &s->total_events},
	    {"min:", "", &s->latency_min_ms},
	    {"avg:", "", &s->latency_avg_ms},
	    {"max:", "", &s->latency_max_ms},
	    {"95th percentile:", "", &s->latency_p95_ms},
	    {"sum:", "", &s->latency_sum_ms},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!text_starts(*l, rows[i].key))
			continue;
		if (number_after(l, rows[i].key, rows[i].to) &&
		    text_is(*l, rows[i].unit))
			return 0;
		return err_set(err, ERR_PROTO,
		    "sysbench: '%s' is followed by no number", rows[i].key);
	}
	return 0;
}

static void version(struct text l, struct bench_sysbench *s)
{
	text_drop(&l, strlen("sysbench "));
	text_copy(s->version, sizeof(s->version), text_eat_word(&l));
}

void sysbench_init(struct bench_sysbench *s)
{
	*s = (struct bench_sysbench){
	    "", -1, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

int sysbench_line(struct bench_sysbench *s, struct text l, struct err *err)
{
	double threads;

	text_eat_blanks(&l);
	if (text_starts(l, "FATAL:")) {
		char why[200];

		text_copy(why, sizeof(why), l);
		return err_set(err, ERR_PROTO, "sysbench: %s", why);
	}
	if (text_starts(l, "sysbench ") && !s->version[0]) {
		version(l, s);
		return 0;
	}
	if (text_starts(l, "Number of threads:")) {
		if (number_after(&l, "Number of threads:", &threads) &&
		    threads <= 1e6)
			s->threads = (int)threads;
		return 0;
	}
	if (text_starts(l, "Total operations:"))
		return number_in_brackets(
		           &l, " per second)", &s->events_per_second)
		    ? 0
		    : err_set(
		          err, ERR_PROTO, "sysbench: operations have no rate");
	if (text_find(l, " MiB transferred ("))
		return number_in_brackets(&l, " MiB/sec)", &s->mib_per_second)
		    ? 0
		    : err_set(err, ERR_PROTO, "sysbench: MiB have no rate");
	return read_plain(&l, s, err);
}

int sysbench_end(const struct bench_sysbench *s, struct err *err)
{
	if (isnan(s->events_per_second))
		return err_set(err, ERR_PROTO,
		    "sysbench printed no events per second (only its tests "
		    "cpu and memory are read)");
	if (isnan(s->total_time_s) || isnan(s->total_events) ||
	    isnan(s->latency_sum_ms))
		return err_set(
		    err, ERR_PROTO, "sysbench's report ends before its end");
	return 0;
}

int bench_sysbench_parse(
    const char *text, size_t len, struct bench_sysbench *ret, struct err *err)
{
	struct text rest = {text, len};
	struct bench_sysbench s;
	struct text l;
	int r;

	if (len > BENCH_OUTPUT_MAX)
		return err_set(err, ERR_LIMIT, "sysbench printed over %d bytes",
		    BENCH_OUTPUT_MAX);
	sysbench_init(&s);
	while (text_eat_line(&rest, &l)) {
		r = sysbench_line(&s, l, err);
		if (r < 0)
			return r;
	}
	r = sysbench_end(&s, err);
	if (r == 0)
		*ret = s;
	return r;
}
