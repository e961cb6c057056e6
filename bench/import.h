/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results of other programs, read into values, cases and ratios.
 *
 * One set of parsers for files of people, for requests and for what agents
 * bring: push parsers, pure and without I/O. The caller feeds bytes as they
 * come, in pieces of any size, and is called back with what they say:
 *
 *	scoped(import_free) struct import *im = import_new(name, &ops, arg);
 *
 *	while (r == 0 && more)
 *		r = import_feed(im, data, len, &err);
 *	if (r == 0)
 *		r = import_end(im, &err);
 *
 * Nothing is final before import_end() has returned 0: the caller holds a
 * transaction, and rolls it back otherwise. The format is recognised by the
 * content of the first IMPORT_HEAD_MAX bytes. UTF-8 with or without a mark and
 * UTF-16 with one (or without, if it begins like ASCII) are read; LF, CR LF.
 *
 * Memory is bounded whatever the input: the head, one line or JSON string of
 * 64 KiB, and what belongs together before it can be told (IMPORT_TIMES_MAX
 * numbers). Time grows as the input does. Texts that are told are valid UTF-8
 * without control bytes, at most IMPORT_TEXT_MAX long; numbers are finite and
 * not negative.
 */
#ifndef BENCH_IMPORT_H
#define BENCH_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "bench/case.h"
#include "bench/metric.h"

#define IMPORT_HEAD_MAX 65536
#define IMPORT_LINE_MAX 65536    /* serial streams: the rest is not looked at */
#define IMPORT_TEXT_MAX 512      /* with its zero */
#define IMPORT_NAME_MAX 128      /* metrics and units, with their zero */
#define IMPORT_TIMES_MAX 1000000 /* measurements of one result */
#define IMPORT_TOLD_MAX 1000000  /* values, cases and ratios of one input */

/* ---- what is told ---------------------------------------------------- */

/* What a value is: it decides whether an interval can be computed. */
enum import_of {
	IMPORT_SAMPLE = 1, /* one measurement; n is 1 */
	IMPORT_MEAN,       /* of n measurements that the input does not show */
	IMPORT_BEST,       /* the best of n (CrystalDiskMark's scores) */
};

/*
 * One number. What may be compared has the same metric *and* label: where a
 * format measures things that people name themselves (commands of hyperfine,
 * benchmarks of Google Benchmark and of Phoronix), the metric says which
 * quantity it is and the label whose; otherwise the label is "".
 */
struct import_value {
	const char *metric; /* dotted: a row of the table of metrics, or not */
	const char *label;
	const char *machine; /* "" unless the input is about several */
	const char *unit;
	enum bench_direction direction; /* always one of the two */
	enum import_of of;
	double value;
	int64_t n; /* measurements behind it; 0 if it is not said */
	/* Of these measurements, where the input says so; else NAN. */
	double sd;
	double median;
	double min;
	double max;
	int64_t line; /* where it stands, from 1; or where its result ended */
};

struct import_case {
	const char *name; /* "" if it has none */
	enum case_result result;
	const char *text; /* why it failed or was skipped, or "" */
	int64_t line;
};

/*
 * How a stream of cases ended, once, after all of them. A stream that is cut
 * off, whose counts do not fit or that says FAIL somewhere did not pass. That
 * is a result, not an error.
 */
struct import_verdict {
	bool pass;
	const char *text; /* one line for a person: what decided it, or "" */
};

/* A row of a table of published ratios; there are no samples behind it. */
struct import_ratio {
	const char *machine;
	const char *metric;
	enum bench_direction direction;
	const char *baseline;
	const char *candidate;
	const char *guest;      /* "" if there is none */
	const char *controller; /* "" if there is none */
	double overhead;        /* above 1 the candidate is slower */
	const char *printed;    /* "0.990": the digits as they stand */
	int64_t line;
};

/* Something the input has and we do not take, with the reason. */
struct import_skipped {
	const char *what;
	const char *why;
	int64_t line;
};

/*
 * What the caller does with it. Each may be NULL: it is counted and dropped.
 * All that they are given is borrowed until they return. A negative return
 * (-ERR_*, with err set) ends the import with that error.
 *
 * meta: facts about the whole input; keys are "tool", "version", "machine",
 * "os", "date", "profile", "test", and "correction" where a known mistake of
 * the tool was undone; a key may come again (the machines of a composite).
 */
struct import_ops {
	int (*meta)(
	    void *arg, const char *key, const char *value, struct err *err);
	int (*value)(void *arg, const struct import_value *v, struct err *err);
	int (*case_)(void *arg, const struct import_case *c, struct err *err);
	int (*verdict)(
	    void *arg, const struct import_verdict *v, struct err *err);
	int (*ratio)(void *arg, const struct import_ratio *r, struct err *err);
	int (*skipped)(
	    void *arg, const struct import_skipped *s, struct err *err);
};

/* ---- reading --------------------------------------------------------- */

struct import;

/*
 * name is what messages call the input: the path of a file. All three are
 * borrowed until import_free(). Aborts only for lack of memory.
 */
struct import *import_new(
    const char *name, const struct import_ops *ops, void *arg);
void import_free(struct import *im);
SCOPED_DEFINE(struct import, import_free);

/*
 * Says the format instead of recognising it; before the first byte. Error:
 * INVAL, no such format (the message lists them).
 */
int import_force(struct import *im, const char *format, struct err *err);
/*
 * The next bytes. Errors: PROTO (damaged, or no format that we know), LIMIT,
 * and what an op returned. The message is one line that begins with
 * name:line:column, or with "name: byte N" for an encoding. After an error
 * every further call returns it again.
 */
int import_feed(
    struct import *im, const char *data, size_t len, struct err *err);
/* The input is over. Errors: as above; PROTO also if it was cut off. */
int import_end(struct import *im, struct err *err);

/* What has been read so far; format is NULL until it is recognised. */
struct import_result {
	const char *format; /* "fio": a name for import_force() */
	const char *title;  /* "fio JSON": for people */
	int64_t bytes;
	int64_t values;
	int64_t cases;
	int64_t ratios;
	int64_t skipped;
};

const struct import_result *import_result(const struct import *im);

/* The i-th format's name and title, or NULL behind the last; for help. */
const char *import_format_name(size_t i);
const char *import_format_title(size_t i);

#endif
