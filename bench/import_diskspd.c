/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DiskSpd's XML (-Rxml). The profile says what was asked for, each result's
 * time span what was done. Bytes are added up over threads and targets, and
 * divided by the time of the span; latencies are in milliseconds.
 */
#include <math.h>

#include "base/str.h"
#include "bench/import_private.h"

struct diskspd {
	/* The profile's targets must be alike, or no name fits their sum. */
	struct import_disk disk; /* of the target that is being read */
	double write_ratio;
	double threads;
	struct import_disk first;
	double first_ratio;
	size_t n_targets;
	bool unlike;
	bool partly;       /* random for a part of the time */
	size_t n_profiles; /* time spans that were asked for */
	/* -F and -O: for all targets together, in place of each one's. */
	double all_threads, all_requests;
	/* The result that is being read. */
	double seconds, bytes[2], count[2], latency_ms[2];
	size_t n_results;
};

static bool recognise(struct text head)
{
	return text_find(head, "<Results>") &&
	    (text_find(head, "<Profile>") ||
	        text_find(head, "<TestTimeSeconds>") ||
	        text_find(head, "<ComputerName>"));
}

static int number(struct import *im, const struct node *n, double *ret)
{
	struct text t = {n->text, n->len};
	double v;

	if (n->cut || !text_eat_number(&t, &v) || t.len)
		return import_refuse(im, 0,
		    "DiskSpd's %s is no number of at "
		    "least 0",
		    n->path);
	*ret = v;
	return 0;
}

/* ---- the profile ----------------------------------------------------- */

#define ASKED "Results/Profile/TimeSpans/TimeSpan"
#define TARGET ASKED "/Targets/Target"

static void target_begin(struct diskspd *d)
{
	/* DiskSpd's defaults: 64 KiB, sequential, -o2 -t1, reads only. */
	d->disk = (struct import_disk){
	    .block_bytes = 65536, .depth = 2, .threads = 1};
	d->write_ratio = 0;
	d->threads = 1;
}

static void target_end(struct diskspd *d)
{
	const struct import_disk *a = &d->disk;
	const struct import_disk *b = &d->first;

	d->disk.threads = (long)d->threads;
	if (!d->n_targets++) {
		d->first = d->disk;
		d->first_ratio = d->write_ratio;
		return;
	}
	if (a->random != b->random || a->block_bytes != b->block_bytes ||
	    a->depth != b->depth || a->threads != b->threads ||
	    d->write_ratio > d->first_ratio || d->write_ratio < d->first_ratio)
		d->unlike = true;
}

static int asked(struct import *im, struct diskspd *d, const struct node *n)
{
	double block = (double)d->disk.block_bytes;
	double depth = (double)d->disk.depth;
	double ratio = 100;
	const struct {
		const char *path;
		double *to;
	} rows[] = {
	    {TARGET "/BlockSize", &block},
	    {TARGET "/RequestCount", &depth},
	    {TARGET "/ThreadsPerFile", &d->threads},
	    {TARGET "/WriteRatio", &d->write_ratio},
	    {TARGET "/RandomRatio", &ratio},
	    {ASKED "/ThreadCount", &d->all_threads},
	    {ASKED "/RequestCount", &d->all_requests},
	};

	if (node_is(n, NODE_TEXT, TARGET "/Random"))
		d->disk.random = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double v = 0;
		int r;

		if (!node_is(n, NODE_TEXT, rows[i].path))
			continue;
		r = number(im, n, &v);
		if (r < 0)
			return r;
		if (v > 1 << 30 || v != floor(v))
			return import_refuse(
			    im, 0, "DiskSpd's %s is %g", rows[i].path, v);
		*rows[i].to = v;
	}
	d->disk.block_bytes = (int64_t)block;
	d->disk.depth = (long)depth;
	d->partly = d->partly || (ratio > 0 && ratio < 100);
	return 0;
}

/* ---- results --------------------------------------------------------- */

#define RESULT "Results/TimeSpan"

static void result_begin(struct diskspd *d)
{
	d->seconds = d->latency_ms[0] = d->latency_ms[1] = NAN;
	d->bytes[0] = d->bytes[1] = d->count[0] = d->count[1] = 0;
}

static int measured(struct import *im, struct diskspd *d, const struct node *n)
{
	const struct {
		const char *path;
		double *to;
		bool sum;
	} rows[] = {
	    {RESULT "/TestTimeSeconds", &d->seconds, false},
	    {RESULT "/Latency/AverageReadMilliseconds", &d->latency_ms[0],
	        false},
	    {RESULT "/Latency/AverageWriteMilliseconds", &d->latency_ms[1],
	        false},
	    {RESULT "/Thread/Target/ReadBytes", &d->bytes[0], true},
	    {RESULT "/Thread/Target/WriteBytes", &d->bytes[1], true},
	    {RESULT "/Thread/Target/ReadCount", &d->count[0], true},
	    {RESULT "/Thread/Target/WriteCount", &d->count[1], true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double v = 0;
		int r;

		if (!node_is(n, NODE_TEXT, rows[i].path))
			continue;
		r = number(im, n, &v);
		if (r < 0)
			return r;
		*rows[i].to = rows[i].sum ? *rows[i].to + v : v;
	}
	return 0;
}

static int tell(struct import *im, const struct diskspd *d, bool write)
{
	struct import_disk disk = d->first;
	double latency = d->latency_ms[write];
	int r;

	if (d->count[write] <= 0)
		return 0;
	disk.write = write;
	if (d->all_threads > 0)
		disk.threads = (long)d->all_threads;
	if (d->all_requests > 0)
		disk.depth = (long)d->all_requests;
	if (d->count[0] > 0 && d->count[1] > 0)
		disk.mix = (int)(100 - d->first_ratio);
	r = import_disk_value(im, &disk, IMPORT_DISK_MBS, IMPORT_SAMPLE, 1,
	    d->bytes[write] / d->seconds / 1e6);
	if (r == 0)
		r = import_disk_value(im, &disk, IMPORT_DISK_IOPS,
		    IMPORT_SAMPLE, 1, d->count[write] / d->seconds);
	if (r == 0 && latency <= 0) /* they have three decimals */
		return import_skip(im,
		    write ? (struct text){"write latency", 13}
		          : (struct text){"read latency", 12},
		    "it is printed as 0: too small");
	if (r == 0 && !isnan(latency))
		r = import_disk_value(im, &disk, IMPORT_DISK_LATENCY,
		    IMPORT_SAMPLE, 1, latency * 1e3);
	return r;
}

static int result_end(struct import *im, struct diskspd *d)
{
	int r;

	d->n_results++;
	if (isnan(d->seconds) || d->seconds <= 0)
		return import_refuse(
		    im, 0, "a time span without TestTimeSeconds");
	if (!d->n_targets)
		return import_refuse(im, 0,
		    "results without a Profile that says how they were "
		    "measured");
	if (d->unlike || d->n_profiles > 1)
		return import_skip(im, (struct text){"time span", 9},
		    "its targets or the time spans of the profile are not "
		    "alike");
	if (d->partly)
		return import_skip(im, (struct text){"time span", 9},
		    "it is partly random and partly sequential");
	if (d->count[0] <= 0 && d->count[1] <= 0)
		return import_skip(im, (struct text){"time span", 9},
		    "nothing was read or written");
	r = tell(im, d, false);
	return r < 0 ? r : tell(im, d, true);
}

static int bounds(struct import *im, struct diskspd *d, const struct node *n)
{
	bool begins = n->kind == NODE_BEGIN;

	if (str_eq(n->path, TARGET)) {
		if (begins)
			target_begin(d);
		else
			target_end(d);
	} else if (str_eq(n->path, ASKED)) {
		d->n_profiles += begins;
	} else if (str_eq(n->path, RESULT)) {
		if (!begins)
			return result_end(im, d);
		result_begin(d);
	}
	return 0;
}

static int node(struct import *im, void *state, const struct node *n)
{
	struct diskspd *d = state;
	struct text t = {n->text, n->len};
	int r;

	if (n->kind == NODE_BEGIN || n->kind == NODE_END)
		return bounds(im, d, n);
	if (str_eq(n->path, "Results/System/ComputerName"))
		return import_meta(im, "machine", t);
	if (str_eq(n->path, "Results/System/RunTime"))
		return import_meta(im, "date", t);
	if (str_eq(n->path, "Results/System/Tool/Version"))
		return import_meta(im, "version", t);
	r = asked(im, d, n);
	return r < 0 ? r : measured(im, d, n);
}

static int end(struct import *im, void *state)
{
	const struct diskspd *d = state;

	if (!d->n_results)
		return import_refuse(
		    im, 0, "DiskSpd wrote no results (no TimeSpan)");
	return import_meta(im, "tool", (struct text){"DiskSpd", 7});
}

const struct importer import_diskspd = {
    .name = "diskspd",
    .title = "DiskSpd XML",
    .shape = IMPORT_XML,
    .state_size = sizeof(struct diskspd),
    .recognise = recognise,
    .node = node,
    .end = end,
};
