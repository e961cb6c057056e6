/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the importers share.
 *
 * An importer is a row in the table of import.c: how its input is cut (lines,
 * JSON or XML nodes), how it is recognised, and what becomes of the pieces.
 * Its state is zeroed memory of state_size bytes. Positions, encodings, limits
 * and cleaning of texts are the engine's.
 */
#ifndef BENCH_IMPORT_PRIVATE_H
#define BENCH_IMPORT_PRIVATE_H

#include "bench/import.h"
#include "bench/node.h"
#include "bench/text.h"

enum import_shape {
	IMPORT_LINES,      /* a line over the ceiling is refused */
	IMPORT_STREAM,     /* lines; what is over the ceiling is dropped */
	IMPORT_JSON,       /* one document */
	IMPORT_JSON_AMONG, /* one document among lines of text */
	IMPORT_XML,
};

struct importer {
	const char *name;
	const char *title;
	enum import_shape shape;
	size_t state_size;
	/* Is this the beginning of such an input? At most one says so. */
	bool (*recognise)(struct text head);
	/* Before the first byte; may be NULL. */
	void (*begin)(struct import *im, void *state);
	int (*line)(struct import *im, void *state, struct text line);
	int (*node)(struct import *im, void *state, const struct node *n);
	int (*end)(struct import *im, void *state);
	/* Frees what the state owns; may be NULL. */
	void (*done)(void *state);
};

extern const struct importer import_7zip;
extern const struct importer import_crystaldiskmark;
extern const struct importer import_diskspd;
extern const struct importer import_fio;
extern const struct importer import_geekbench_json;
extern const struct importer import_geekbench_text;
extern const struct importer import_google_benchmark;
extern const struct importer import_googletest;
extern const struct importer import_hyperfine;
extern const struct importer import_kdiskmark;
extern const struct importer import_ktap;
extern const struct importer import_kvm_unit_tests;
extern const struct importer import_openssl;
extern const struct importer import_phoronix;
extern const struct importer import_ratios;
extern const struct importer import_sotest;
extern const struct importer import_sysbench;
extern const struct importer import_tap;

/* ---- telling --------------------------------------------------------- */

/*
 * Each returns 0 or the negative error that ends the import; an importer
 * returns it at once. Texts are cleaned here.
 */
int import_meta(struct import *im, const char *key, struct text value);
/* When it was measured, by a clock that is set; else nothing is told. */
int import_date(struct import *im, double unix_s);
/*
 * line may be 0: the present one. If the metric is in the table, its unit must
 * be that of the table, and its direction is taken from there.
 */
int import_value(struct import *im, const struct import_value *v);
/* The usual kind: a sample, or an aggregate without more detail. */
int import_number(struct import *im, const char *metric, const char *unit,
    enum bench_direction direction, double value);
int import_case(struct import *im, struct text name, enum case_result result,
    struct text why);
int import_verdict(struct import *im, bool pass, const char *why);
int import_ratio(struct import *im, const struct import_ratio *r);
int import_skip(struct import *im, struct text what, const char *why);

/* A value with nothing but its name, to be completed. */
struct import_value import_value_of(const char *metric, const char *unit,
    enum bench_direction direction, double value);

/* What the cases of a stream add up to. */
struct import_tally {
	int64_t cases;
	int64_t fails;
	char why[160]; /* names the first that failed */
};

int import_tally_case(struct import *im, struct import_tally *t,
    struct text name, enum case_result result, struct text why);
/* The verdict; broken says why it is bad whatever the cases say, or NULL. */
int import_tally_end(
    struct import *im, const struct import_tally *t, const char *broken);

/* ---- refusing -------------------------------------------------------- */

/* An error at the present line; column from 1, or 0 if it does not matter. */
int import_refuse(struct import *im, size_t column, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at the place in the present line where rest begins. */
int import_refuse_at(struct import *im, struct text rest, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Over a ceiling. */
int import_limit(struct import *im, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Refuses the last line if it has no end: its numbers may have lost digits.
 * Telling a value, case or ratio does this by itself.
 */
int import_whole(struct import *im);
/* For parsers that take an err: where theirs goes, and giving it a position. */
struct err *import_err(struct import *im);
int import_place(struct import *im, int r);

int64_t import_line(const struct import *im);

/* ---- disks ----------------------------------------------------------- */

/* How a disk was used, as CrystalDiskMark calls it: SEQ128K Q32T1. */
struct import_disk {
	bool random;
	int64_t block_bytes;
	long depth;
	long threads;
	int mix; /* percent of reads if both are mixed; 0: not mixed */
	bool write;
	bool both;    /* reads and writes in one number */
	int64_t line; /* where it stands; 0: here */
};

enum import_disk_what {
	IMPORT_DISK_MBS, /* 10^6 bytes a second */
	IMPORT_DISK_IOPS,
	IMPORT_DISK_LATENCY, /* microseconds, mean */
	IMPORT_DISK_P99,     /* microseconds, 99th percentile */
};

/*
 * Tells "disk.seq128k_q32t1.rd" with .iops, .latency or .latency_p99; mixed:
 * "disk.seq1m_q8t1.mix70", .mix70.rd, .mix70.wr.
 */
int import_disk_value(struct import *im, const struct import_disk *d,
    enum import_disk_what what, enum import_of of, int64_t n, double value);

/* ---- XML ------------------------------------------------------------- */

struct node_xml;

struct node_xml *node_xml_new(node_fn *fn, void *arg);
void node_xml_free(struct node_xml *x);
/*
 * Elements and their texts, without blanks at the ends; attributes are not
 * told. Well-formed XML 1.0 in UTF-8 without a document type: entities of its
 * own are refused. Errors: PROTO, LIMIT, and those of fn.
 */
int node_xml_feed(
    struct node_xml *x, const char *data, size_t len, struct err *err);
int node_xml_end(struct node_xml *x, struct err *err);
int64_t node_xml_line(const struct node_xml *x);
int64_t node_xml_column(const struct node_xml *x);

#endif
