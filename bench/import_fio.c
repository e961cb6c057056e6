/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fio's JSON and JSON+. Jobs with numjobs and without group_reporting stand
 * one by one, each a part: what has the same name and group is added up.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/fio_read.h"
#include "bench/import_private.h"

struct side {
	double bw_bytes;
	double iops;
	double ios;
	double clat_ns; /* times ios, to be divided */
	double p99_ns;  /* NAN unless one job has it alone */
};

struct fio {
	struct fio_reader reader;
	struct import *im;
	/* Jobs of one name and group so far; parts is 0 if there are none. */
	size_t parts;
	char name[128];
	double group;
	int error;
	bool alone; /* never more than one request in flight */
	struct fio_options options;
	struct side read;
	struct side write;
};

static bool recognise(struct text head)
{
	while (head.len && *head.p != '{') {
		struct text line;

		(void)text_eat_line(&head, &line); /* it is not empty */
	}
	return text_find(head, "\"fio version\"") != NULL;
}

/* ---- options --------------------------------------------------------- */

/*
 * "4k", "1m", "128kb", "512"; false for ranges and lists. fio's KiB are 1000
 * bytes and its KB 1024, unless it was told --kb_base=1000: then as written.
 */
static bool size_of(
    const char *s, const char *kb_base, int64_t otherwise, int64_t *ret)
{
	static const char letters[] = "kmg";
	bool as_written = str_eq(kb_base, "1000");
	struct text t = {s, strlen(s)};
	int power = 0;
	int64_t base;
	long v;

	*ret = otherwise;
	if (!t.len)
		return true;
	if (!text_eat_count(&t, 1 << 30, &v) || !v)
		return false;
	*ret = v;
	for (int i = 0; t.len && letters[i]; i++)
		if ((*t.p | 0x20) == letters[i])
			power = i + 1;
	text_drop(&t, power ? 1 : 0);
	base = as_written ? 1000 : 1024;
	if (power && t.len && (*t.p | 0x20) == 'i') {
		base = as_written ? 1024 : 1000;
		text_drop(&t, 1);
	}
	if (t.len && (*t.p | 0x20) == 'b')
		text_drop(&t, 1);
	while (power--)
		*ret *= base;
	return !t.len && *ret <= 1 << 30;
}

static bool count_of(const char *s, long otherwise, long max, long *ret)
{
	struct text t = {s, strlen(s)};

	*ret = otherwise;
	return !t.len || (text_eat_count(&t, max, ret) && !t.len);
}

/* What fio did, from its options and their documented defaults. */
static bool disk_of(
    const struct fio_options *o, bool alone, struct import_disk *ret)
{
	static const struct {
		const char *rw;
		bool random;
		bool mixed;
	} rows[] = {
	    {"", false, false},
	    {"read", false, false},
	    {"write", false, false},
	    {"randread", true, false},
	    {"randwrite", true, false},
	    {"rw", false, true},
	    {"readwrite", false, true},
	    {"randrw", true, true},
	};
	struct import_disk d = {.random = false};
	long mix;

	if (!size_of(o->bs, o->kb_base, 4096, &d.block_bytes) ||
	    !count_of(o->iodepth, 1, 1 << 20, &d.depth) ||
	    !count_of(o->numjobs, 1, 1 << 20, &d.threads) ||
	    !count_of(o->rwmixread, 50, 100, &mix))
		return false;
	/* A synchronous engine has a queue of one, whatever was asked for. */
	if (alone)
		d.depth = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_eq(o->rw, rows[i].rw))
			continue;
		d.random = rows[i].random;
		d.mix = rows[i].mixed ? (int)mix : 0;
		*ret = d;
		return true;
	}
	return false;
}

/* ---- jobs ------------------------------------------------------------ */

/* No profile can be told from the options: the job's name must do. */
static int tell_named(struct fio *f, const struct side *s, const char *rw)
{
	const struct {
		const char *what;
		const char *unit;
		enum bench_direction direction;
		double value;
	} rows[] = {
	    {"bandwidth", "MB/s", BENCH_HIGHER, s->bw_bytes / 1e6},
	    {"iops", "IOPS", BENCH_HIGHER, s->iops},
	    {"latency", "us", BENCH_LOWER, s->clat_ns / s->ios / 1e3},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char metric[64];
		struct import_value v;
		int r;

		(void)snprintf(
		    metric, sizeof(metric), "fio.%s.%s", rw, rows[i].what);
		v = import_value_of(
		    metric, rows[i].unit, rows[i].direction, rows[i].value);
		v.label = f->name;
		r = isnan(v.value) ? 0 : import_value(f->im, &v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int tell_side(struct fio *f, const struct side *s, bool write)
{
	struct import_disk d;
	double latency = s->clat_ns / s->ios / 1e3;
	int r;

	if (s->ios <= 0)
		return 0;
	if (!disk_of(&f->options, f->alone, &d))
		return tell_named(f, s, write ? "write" : "read");
	d.write = write;
	r = import_disk_value(
	    f->im, &d, IMPORT_DISK_MBS, IMPORT_SAMPLE, 1, s->bw_bytes / 1e6);
	if (r == 0)
		r = import_disk_value(
		    f->im, &d, IMPORT_DISK_IOPS, IMPORT_SAMPLE, 1, s->iops);
	if (r == 0 && !isnan(latency))
		r = import_disk_value(
		    f->im, &d, IMPORT_DISK_LATENCY, IMPORT_SAMPLE, 1, latency);
	if (r == 0 && !isnan(s->p99_ns))
		r = import_disk_value(f->im, &d, IMPORT_DISK_P99, IMPORT_SAMPLE,
		    1, s->p99_ns / 1e3);
	return r;
}

/* Tells what was added up. */
static int flush(struct fio *f)
{
	struct text name = {f->name, strlen(f->name)};
	int r;

	if (!f->parts)
		return 0;
	f->parts = 0;
	if (f->error) {
		scoped(free) char *why =
		    xasprintf("the job failed with error %d (%s)", f->error,
		        strerror(f->error));

		return import_skip(f->im, name, why);
	}
	if (f->read.ios <= 0 && f->write.ios <= 0)
		return import_skip(
		    f->im, name, "the job read and wrote nothing");
	r = tell_side(f, &f->read, false);
	return r < 0 ? r : tell_side(f, &f->write, true);
}

static double percentile(const struct bench_fio_side *s, double percent)
{
	for (size_t i = 0; i < s->n_percentiles; i++)
		if (s->percentiles[i].percent >= percent - 1e-6 &&
		    s->percentiles[i].percent <= percent + 1e-6)
			return s->percentiles[i].ns;
	return NAN;
}

static void add_side(
    struct side *to, const struct bench_fio_side *s, size_t parts)
{
	if (s->total_ios <= 0)
		return;
	to->bw_bytes += s->bw_bytes;
	to->iops += s->iops;
	to->ios += s->total_ios;
	to->clat_ns += s->clat_mean_ns * s->total_ios;
	to->p99_ns = parts == 1 ? percentile(s, 99) : (double)NAN;
}

static int on_job(void *arg, const struct fio_reader *reader, struct err *err)
{
	struct fio *f = arg;
	const struct bench_fio_job *j = &reader->job;
	int r = 0;

	(void)err; /* it is the engine's own */
	if (f->parts &&
	    (!str_eq(f->name, j->name) || f->group < reader->group ||
	        f->group > reader->group))
		r = flush(f);
	if (r < 0)
		return r;
	if (!f->parts) {
		memcpy(f->name, j->name, sizeof(f->name));
		f->group = reader->group;
		f->error = 0;
		f->alone = reader->alone >= 100;
		f->options = reader->options;
		f->read = f->write = (struct side){.p99_ns = NAN};
	}
	f->parts++;
	if (j->error)
		f->error = j->error;
	add_side(&f->read, &j->read, f->parts);
	add_side(&f->write, &j->write, f->parts);
	return 0;
}

static void begin(struct import *im, void *state)
{
	struct fio *f = state;

	f->im = im;
	fio_reader_init(&f->reader, on_job, f);
}

static int node(struct import *im, void *state, const struct node *n)
{
	struct fio *f = state;

	return import_place(im, fio_reader_node(&f->reader, n, import_err(im)));
}

static int end(struct import *im, void *state)
{
	struct fio *f = state;
	int r = import_place(im, fio_reader_end(&f->reader, import_err(im)));

	if (r == 0)
		r = flush(f);
	if (r == 0 && !isnan(f->reader.timestamp))
		r = import_date(im, f->reader.timestamp);
	if (r == 0)
		r = import_meta(im, "tool", (struct text){"fio", 3});
	if (r == 0)
		r = import_meta(im, "version",
		    (struct text){
		        f->reader.version, strlen(f->reader.version)});
	return r;
}

const struct importer import_fio = {
    .name = "fio",
    .title = "fio JSON and JSON+",
    .shape = IMPORT_JSON_AMONG,
    .state_size = sizeof(struct fio),
    .recognise = recognise,
    .begin = begin,
    .node = node,
    .end = end,
};
