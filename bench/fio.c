/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fio measured: all jobs of one document, and a value from them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/fio_read.h"
#include "bench/measure.h"

static int keep_job(void *arg, const struct fio_reader *reader, struct err *err)
{
	struct bench_fio *f = arg;

	if (f->n_jobs == BENCH_FIO_JOBS_MAX)
		return err_set(err, ERR_LIMIT, "fio printed over %d jobs",
		    BENCH_FIO_JOBS_MAX);
	f->jobs = xrealloc(f->jobs, f->n_jobs + 1, sizeof(f->jobs[0]));
	f->jobs[f->n_jobs++] = reader->job;
	return 0;
}

static int read_document(
    struct node_json *json, const char *text, size_t len, struct err *err)
{
	struct err why = ERR_INIT;
	int r = node_json_feed(json, text, len, &why);

	if (r == 0 && !node_json_begun(json))
		return err_set(err, ERR_PROTO, "fio printed no JSON");
	if (r == 0)
		r = node_json_end(json, &why);
	if (r == 0)
		return 0;
	if (str_starts(why.msg, "fio"))
		return err_copy(err, &why);
	return err_set(err, (enum err_kind)why.kind,
	    "fio's JSON: line %" PRId64 ", column %" PRId64 ": %s", json->line,
	    json->column, why.msg);
}

int bench_fio_parse(
    const char *text, size_t len, struct bench_fio **ret, struct err *err)
{
	scoped(bench_fio_free) struct bench_fio *f = xcalloc(1, sizeof(*f));
	scoped_val(node_json_done) struct node_json json;
	struct fio_reader reader;
	int r;

	fio_reader_init(&reader, keep_job, f);
	node_json_init(&json, NODE_JSON_AMONG_LINES, fio_reader_node, &reader);
	if (len > BENCH_OUTPUT_MAX)
		return err_set(err, ERR_LIMIT, "fio printed over %d bytes",
		    BENCH_OUTPUT_MAX);
	r = read_document(&json, text, len, err);
	if (r == 0)
		r = fio_reader_end(&reader, err);
	if (r < 0)
		return r;
	memcpy(f->version, reader.version, sizeof(f->version));
	*ret = take(f);
	return 0;
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
