/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON of fio 3. Its traps: lines before the document; bw is KiB/s and
 * truncated, bw_bytes is exact; percentiles are there only if there was I/O;
 * integers may be larger than 2^63; a broken option ends it with no output.
 */
#include "bench/fio_read.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "bench/number.h"
#include "bench/text.h"

void fio_reader_init(struct fio_reader *r,
    int (*on_job)(void *arg, const struct fio_reader *reader, struct err *err),
    void *arg)
{
	*r =
	    (struct fio_reader){.on_job = on_job, .arg = arg, .timestamp = NAN};
}

static void side_init(struct bench_fio_side *s)
{
	*s = (struct bench_fio_side){.bw_bytes = NAN,
	    .iops = NAN,
	    .runtime_ms = NAN,
	    .total_ios = NAN,
	    .clat_mean_ns = NAN,
	    .clat_n = NAN};
}

static void job_begin(struct fio_reader *r)
{
	r->job = (struct bench_fio_job){.error = 0};
	side_init(&r->job.read);
	side_init(&r->job.write);
	r->options = r->global;
	r->group = -1;
	r->has_read = r->has_write = false;
	r->error = r->alone = NAN;
}

/* A finite number of at least 0. */
static int amount(
    const struct node *n, const char *key, double *ret, struct err *err)
{
	if (n->number < 0)
		return err_set(
		    err, ERR_PROTO, "fio's %s is %g", key, n->number);
	*ret = n->number;
	return 0;
}

static int percentile(const struct node *n, const char *key,
    struct bench_fio_side *s, struct err *err)
{
	struct bench_percentile p = {0, 0};
	size_t len = strlen(key);

	if (s->n_percentiles == BENCH_FIO_PERCENTILES_MAX)
		return err_set(err, ERR_LIMIT,
		    "fio printed over %d percentiles",
		    BENCH_FIO_PERCENTILES_MAX);
	if (bench_number(key, len, &p.percent) != len || p.percent < 0 ||
	    p.percent > 100)
		return err_set(
		    err, ERR_PROTO, "fio's percentile %.40s is no number", key);
	if (amount(n, key, &p.ns, err) < 0)
		return -ERR_PROTO;
	s->percentiles[s->n_percentiles++] = p;
	return 0;
}

/* A number below jobs/#/read or jobs/#/write. */
static int side_number(const struct node *n, const char *key,
    struct bench_fio_side *s, struct err *err)
{
	static const char below[] = "clat_ns/percentile/";
	const struct {
		const char *key;
		double *to;
	} rows[] = {
	    {"bw_bytes", &s->bw_bytes},
	    {"iops", &s->iops},
	    {"runtime", &s->runtime_ms},
	    {"total_ios", &s->total_ios},
	    {"clat_ns/mean", &s->clat_mean_ns},
	    {"clat_ns/N", &s->clat_n},
	};

	if (str_starts(key, below))
		return percentile(n, key + sizeof(below) - 1, s, err);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(key, rows[i].key))
			return amount(n, key, rows[i].to, err);
	return 0;
}

static int job_number(struct fio_reader *r, const struct node *n,
    const char *key, struct err *err)
{
	if (str_eq(key, "error"))
		return amount(n, key, &r->error, err);
	if (str_eq(key, "groupid"))
		r->group = n->number;
	if (str_eq(key, "iodepth_level/1"))
		r->alone = n->number;
	if (str_starts(key, "read/"))
		return side_number(n, key + 5, &r->job.read, err);
	if (str_starts(key, "write/"))
		return side_number(n, key + 6, &r->job.write, err);
	return 0;
}

/* Other names of an option, which fio prints as they were given. */
static void option(struct fio_options *o, const char *key, const struct node *n)
{
	const struct {
		const char *key;
		char *to;
	} rows[] = {
	    {"rw", o->rw},
	    {"readwrite", o->rw},
	    {"bs", o->bs},
	    {"blocksize", o->bs},
	    {"iodepth", o->iodepth},
	    {"numjobs", o->numjobs},
	    {"rwmixread", o->rwmixread},
	    {"kb_base", o->kb_base},
	    {"bsrange", o->bs}, /* a word that is no size */
	    {"bssplit", o->bs},
	    {"blocksize_range", o->bs},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(key, rows[i].key))
			text_copy(rows[i].to, sizeof(o->rw),
			    (struct text){n->text, n->len});
}

static void text(struct fio_reader *r, const struct node *n)
{
	const char *key;

	if (str_eq(n->path, "fio version"))
		text_copy(r->version, sizeof(r->version),
		    (struct text){n->text, n->len});
	else if (str_eq(n->path, "jobs/#/jobname"))
		text_name(r->job.name, sizeof(r->job.name),
		    (struct text){n->text, n->len});
	else if ((key = node_below(n, "global options/")))
		option(&r->global, key, n);
	else if ((key = node_below(n, "jobs/#/job options/")))
		option(&r->options, key, n);
}

static int compare_percentiles(const void *a, const void *b)
{
	const struct bench_percentile *x = a;
	const struct bench_percentile *y = b;

	return (x->percent > y->percent) - (x->percent < y->percent);
}

static int side_end(
    struct bench_fio_side *s, bool there, const char *name, struct err *err)
{
	const struct {
		const char *key;
		double value;
	} rows[] = {
	    {"bw_bytes", s->bw_bytes},
	    {"iops", s->iops},
	    {"runtime", s->runtime_ms},
	    {"total_ios", s->total_ios},
	};

	if (!there)
		return err_set(err, ERR_PROTO, "fio printed no %s", name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (isnan(rows[i].value))
			return err_set(
			    err, ERR_PROTO, "fio printed no %s", rows[i].key);
	/* Of nothing the mean is printed as 0 (--disable_clat), which nothing
	   took. */
	if (s->total_ios <= 0 || s->clat_n <= 0) {
		s->clat_mean_ns = NAN;
		s->n_percentiles = 0;
	}
	qsort(s->percentiles, s->n_percentiles, sizeof(s->percentiles[0]),
	    compare_percentiles);
	return 0;
}

static int job_end(struct fio_reader *r, struct err *err)
{
	int e;

	if (isnan(r->error))
		return err_set(err, ERR_PROTO, "fio printed no error");
	if (r->error > INT_MAX || r->error != floor(r->error))
		return err_set(err, ERR_PROTO, "fio's error is %g", r->error);
	r->job.error = (int)r->error;
	e = side_end(&r->job.read, r->has_read, "read", err);
	if (e == 0)
		e = side_end(&r->job.write, r->has_write, "write", err);
	if (e < 0)
		return e;
	r->n_jobs++;
	return r->on_job(r->arg, r, err);
}

int fio_reader_node(void *arg, const struct node *n, struct err *err)
{
	struct fio_reader *r = arg;
	const char *key;

	if (str_eq(n->path, "jobs/#") && n->kind != NODE_BEGIN &&
	    n->kind != NODE_END)
		return err_set(err, ERR_PROTO, "fio printed no error");
	switch (n->kind) {
	case NODE_BEGIN:
		if (str_eq(n->path, "jobs/#"))
			job_begin(r);
		else if (str_eq(n->path, "jobs/#/read"))
			r->has_read = true;
		else if (str_eq(n->path, "jobs/#/write"))
			r->has_write = true;
		return 0;
	case NODE_END:
		return str_eq(n->path, "jobs/#") ? job_end(r, err) : 0;
	case NODE_TEXT:
		text(r, n);
		return 0;
	case NODE_NUMBER:
		if (str_eq(n->path, "timestamp"))
			r->timestamp = n->number;
		key = node_below(n, "jobs/#/");
		return key ? job_number(r, n, key, err) : 0;
	default:
		return 0;
	}
}

int fio_reader_end(const struct fio_reader *r, struct err *err)
{
	return r->n_jobs ? 0 : err_set(err, ERR_PROTO, "fio printed no jobs");
}
