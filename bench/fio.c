/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON of fio 3. Its traps: lines before the document; bw is KiB/s and
 * truncated, bw_bytes is exact; percentiles are there only if there was I/O;
 * integers may be larger than 2^63; a broken option ends it with no output.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/json.h"
#include "bench/measure.h"
#include "bench/number.h"
#include "bench/sotest.h"

/* A finite number of at least 0 at a key. */
static int get_number(
    const json_t *map, const char *key, double *ret, struct err *err)
{
	const json_t *v = json_object_get(map, key);
	double n = json_number_value(v);

	if (!json_is_number(v))
		return err_set(err, ERR_PROTO, "fio printed no %s", key);
	if (!isfinite(n) || n < 0)
		return err_set(err, ERR_PROTO, "fio's %s is %g", key, n);
	*ret = n;
	return 0;
}

static void get_text(const json_t *map, const char *key, char *to, size_t size)
{
	const json_t *v = json_object_get(map, key);

	to[0] = '\0';
	if (json_is_string(v))
		sotest_word_copy(to, size,
		    (struct sotest_word){
		        json_string_value(v), json_string_length(v)});
}

static int compare_percentiles(const void *a, const void *b)
{
	const struct bench_percentile *x = a;
	const struct bench_percentile *y = b;

	return (x->percent > y->percent) - (x->percent < y->percent);
}

static int read_percentiles(
    json_t *map, struct bench_fio_side *ret, struct err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach(map, key, v)
	{
		struct bench_percentile *p =
		    &ret->percentiles[ret->n_percentiles];
		size_t len = strlen(key);

		if (ret->n_percentiles == BENCH_FIO_PERCENTILES_MAX)
			return err_set(err, ERR_LIMIT,
			    "fio printed over %d percentiles",
			    BENCH_FIO_PERCENTILES_MAX);
		if (bench_number(key, len, &p->percent) != len ||
		    p->percent < 0 || p->percent > 100)
			return err_set(err, ERR_PROTO,
			    "fio's percentile %.40s is no number", key);
		if (get_number(map, key, &p->ns, err) < 0)
			return -ERR_PROTO;
		ret->n_percentiles++;
	}
	qsort(ret->percentiles, ret->n_percentiles, sizeof(ret->percentiles[0]),
	    compare_percentiles);
	return 0;
}

static int read_side(const json_t *job, const char *key,
    struct bench_fio_side *ret, struct err *err)
{
	const json_t *side = json_object_get(job, key);
	const json_t *clat = json_object_get(side, "clat_ns");
	int r;

	if (!json_is_object(side))
		return err_set(err, ERR_PROTO, "fio printed no %s", key);
	r = get_number(side, "bw_bytes", &ret->bw_bytes, err);
	if (r == 0)
		r = get_number(side, "iops", &ret->iops, err);
	if (r == 0)
		r = get_number(side, "runtime", &ret->runtime_ms, err);
	if (r == 0)
		r = get_number(side, "total_ios", &ret->total_ios, err);
	/* Without I/O the mean is printed as 0, which nothing took. */
	ret->clat_mean_ns = NAN;
	if (r < 0 || !json_is_object(clat) || ret->total_ios <= 0)
		return r;
	r = get_number(clat, "mean", &ret->clat_mean_ns, err);
	if (r == 0)
		r = read_percentiles(
		    json_object_get(clat, "percentile"), ret, err);
	return r;
}

static int read_job(
    const json_t *json, struct bench_fio_job *ret, struct err *err)
{
	double error = 0;
	int r = get_number(json, "error", &error, err);

	if (r < 0)
		return r;
	if (error > INT_MAX || error != floor(error))
		return err_set(err, ERR_PROTO, "fio's error is %g", error);
	ret->error = (int)error;
	get_text(json, "jobname", ret->name, sizeof(ret->name));
	r = read_side(json, "read", &ret->read, err);
	if (r == 0)
		r = read_side(json, "write", &ret->write, err);
	return r;
}

static int read_jobs(const json_t *json, struct bench_fio *f, struct err *err)
{
	const json_t *list = json_object_get(json, "jobs");
	size_t n = json_array_size(list);

	if (!n)
		return err_set(err, ERR_PROTO, "fio printed no jobs");
	if (n > BENCH_FIO_JOBS_MAX)
		return err_set(err, ERR_LIMIT,
		    "fio printed %zu jobs; at most %d", n, BENCH_FIO_JOBS_MAX);
	f->jobs = xcalloc(n, sizeof(f->jobs[0]));
	for (; f->n_jobs < n; f->n_jobs++) {
		int r = read_job(
		    json_array_get(list, f->n_jobs), &f->jobs[f->n_jobs], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The first line that begins with a brace, or NULL. */
static const char *find_document(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *p = text; p && p < end;) {
		if (*p == '{')
			return p;
		p = memchr(p, '\n', (size_t)(end - p));
		if (p)
			p++;
	}
	return NULL;
}

int bench_fio_parse(
    const char *text, size_t len, struct bench_fio **ret, struct err *err)
{
	scoped(bench_fio_free) struct bench_fio *f = xcalloc(1, sizeof(*f));
	scoped(json_decref) json_t *json = NULL;
	const char *begin;
	json_error_t why;
	int r;

	if (len > BENCH_OUTPUT_MAX)
		return err_set(err, ERR_LIMIT, "fio printed over %d bytes",
		    BENCH_OUTPUT_MAX);
	begin = find_document(text, len);
	if (!begin)
		return err_set(err, ERR_PROTO, "fio printed no JSON");
	json = json_loadb(begin, len - (size_t)(begin - text),
	    JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &why);
	if (!json)
		return err_set(err, ERR_PROTO, "fio's JSON: line %d: %s",
		    why.line, why.text);
	get_text(json, "fio version", f->version, sizeof(f->version));
	r = read_jobs(json, f, err);
	if (r == 0)
		*ret = take(f);
	return r;
}

void bench_fio_free(struct bench_fio *f)
{
	if (!f)
		return;
	free(f->jobs);
	free(f);
}

int bench_fio_value(const struct bench_fio *f, enum bench_fio_rw rw,
    double min_runtime_ms, double *ret, struct err *err)
{
	const char *what = rw == BENCH_FIO_WRITE ? "wrote" : "read";
	double sum = 0;

	for (size_t i = 0; i < f->n_jobs; i++) {
		const struct bench_fio_job *j = &f->jobs[i];
		const struct bench_fio_side *s =
		    rw == BENCH_FIO_WRITE ? &j->write : &j->read;

		if (j->error)
			return err_set(err, ERR_PROTO,
			    "fio: job '%s': error %d (%s)", j->name, j->error,
			    strerror(j->error));
		if (s->bw_bytes <= 0)
			return err_set(err, ERR_PROTO,
			    "fio: job '%s' %s nothing", j->name, what);
		if (s->runtime_ms < min_runtime_ms)
			return err_set(err, ERR_PROTO,
			    "fio: job '%s' %s for %.0f ms; at least %.0f ms "
			    "are "
			    "needed",
			    j->name, what, s->runtime_ms, min_runtime_ms);
		sum += s->bw_bytes;
	}
	if (!isfinite(sum) || sum <= 0)
		return err_set(err, ERR_PROTO, "fio %s nothing", what);
	*ret = sum / 1e6;
	return 0;
}
