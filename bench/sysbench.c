/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of sysbench 1.0, line by line. Its traps: the rate stands in
 * another form in each test; a run that fails says FATAL and ends; a report
 * that was cut off still has a rate, so its end must be there, too.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/number.h"
#include "bench/sotest.h"

struct line {
	const char *p;
	size_t len;
};

static bool starts(const struct line *l, const char *prefix)
{
	size_t n = strlen(prefix);

	return l->len >= n && memcmp(l->p, prefix, n) == 0;
}

static void eat(struct line *l, size_t n)
{
	l->p += n;
	l->len -= n;
}

static void eat_blanks(struct line *l)
{
	while (l->len && (*l->p == ' ' || *l->p == '\t'))
		eat(l, 1);
}

/* Cuts the next line off the text, without its end and its indentation. */
static bool next_line(struct line *text, struct line *ret)
{
	const char *end;

	if (!text->len)
		return false;
	end = memchr(text->p, '\n', text->len);
	*ret =
	    (struct line){text->p, end ? (size_t)(end - text->p) : text->len};
	eat(text, end ? ret->len + 1 : ret->len);
	if (ret->len && ret->p[ret->len - 1] == '\r')
		ret->len--;
	eat_blanks(ret);
	return true;
}

/* The number behind a key; false if it is none, or below 0. */
static bool number_after(struct line *l, const char *key, double *ret)
{
	double v;
	size_t n;

	eat(l, strlen(key));
	eat_blanks(l);
	n = bench_number(l->p, l->len, &v);
	if (!n || v < 0)
		return false;
	eat(l, n);
	*ret = v;
	return true;
}

/* "... (7036161.41 per second)": the number behind the last bracket. */
static bool number_in_brackets(struct line *l, const char *unit, double *ret)
{
	const char *open = memrchr(l->p, '(', l->len);
	double v;

	if (!open)
		return false;
	eat(l, (size_t)(open - l->p));
	if (!number_after(l, "(", &v) || !starts(l, unit))
		return false;
	*ret = v;
	return true;
}

/* What a line of the form "key: number unit" tells. */
static int read_plain(struct line *l, struct bench_sysbench *s, struct err *err)
{
	const struct {
		const char *key;
		const char *unit; /* must end the line */
		double *to;
	} rows[] = {
	    {"events per second:", "", &s->events_per_second},
	    {"total time:", "s", &s->total_time_s},
	    {"total number of events:", "", &s->total_events},
	    {"min:", "", &s->latency_min_ms},
	    {"avg:", "", &s->latency_avg_ms},
	    {"max:", "", &s->latency_max_ms},
	    {"95th percentile:", "", &s->latency_p95_ms},
	    {"sum:", "", &s->latency_sum_ms},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!starts(l, rows[i].key))
			continue;
		if (number_after(l, rows[i].key, rows[i].to) &&
		    l->len == strlen(rows[i].unit) && starts(l, rows[i].unit))
			return 0;
		return err_set(err, ERR_PROTO,
		    "sysbench: '%s' is followed by no number", rows[i].key);
	}
	return 0;
}

static int read_line(struct line *l, struct bench_sysbench *s, struct err *err)
{
	double threads;

	if (starts(l, "FATAL:")) {
		char why[200];

		sotest_word_copy(
		    why, sizeof(why), (struct sotest_word){l->p, l->len});
		return err_set(err, ERR_PROTO, "sysbench: %s", why);
	}
	if (starts(l, "sysbench ") && !s->version[0]) {
		const char *blank;

		eat(l, strlen("sysbench "));
		blank = memchr(l->p, ' ', l->len);
		sotest_word_copy(s->version, sizeof(s->version),
		    (struct sotest_word){
		        l->p, blank ? (size_t)(blank - l->p) : l->len});
		return 0;
	}
	if (starts(l, "Number of threads:")) {
		if (number_after(l, "Number of threads:", &threads) &&
		    threads <= 1e6)
			s->threads = (int)threads;
		return 0;
	}
	if (starts(l, "Total operations:"))
		return number_in_brackets(
		           l, " per second)", &s->events_per_second)
		    ? 0
		    : err_set(
		          err, ERR_PROTO, "sysbench: operations have no rate");
	if (memmem(l->p, l->len, " MiB transferred (", 18))
		return number_in_brackets(l, " MiB/sec)", &s->mib_per_second)
		    ? 0
		    : err_set(err, ERR_PROTO, "sysbench: MiB have no rate");
	return read_plain(l, s, err);
}

int bench_sysbench_parse(
    const char *text, size_t len, struct bench_sysbench *ret, struct err *err)
{
	struct bench_sysbench s = {
	    "", -1, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
	struct line rest = {text, len};
	struct line l;

	if (len > BENCH_OUTPUT_MAX)
		return err_set(err, ERR_LIMIT, "sysbench printed over %d bytes",
		    BENCH_OUTPUT_MAX);
	while (next_line(&rest, &l)) {
		int r = read_line(&l, &s, err);

		if (r < 0)
			return r;
	}
	if (isnan(s.events_per_second))
		return err_set(
		    err, ERR_PROTO, "sysbench printed no events per second");
	if (isnan(s.total_time_s) || isnan(s.total_events) ||
	    isnan(s.latency_sum_ms))
		return err_set(
		    err, ERR_PROTO, "sysbench's report ends before its end");
	*ret = s;
	return 0;
}
