/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of `make bench` share: times, rows of the table, peers.
 *
 * A number alone says little on a computer that others use as well, so a row
 * has a peer or a physical limit beside it that was measured in the same run.
 * Nothing here judges: it prints what was seen, and the budget beside it.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

/* ---- times -------------------------------------------------------------- */

/* Nanoseconds of something that was done again and again. */
struct samples {
	int64_t *ns;
	size_t n;
	size_t cap;
	bool sorted;
};
void samples_add(struct samples *s, int64_t ns);
/* The value that the share q of all does not exceed; 0 if there is none. */
int64_t samples_at(struct samples *s, double q);
void samples_done(struct samples *s);

/* ---- rows --------------------------------------------------------------- */

#define NS_PER_US 1e3
#define NS_PER_MS 1e6

/* One line of the table. Strings are copied by bench_row(). */
struct row {
	const char *part;
	const char *name;
	const char *unit;
	double p50; /* or the one value */
	double p99; /* NAN: there is one value */
	size_t n;   /* how often it was measured */
	/* Budgets of design.md section 10; 0: none. */
	double max_p50; /* or of the one value */
	double max_p99;
	double min; /* the one value must not be lower */
	const char *peer;
	double peer_value; /* in the same unit */
};

struct bench {
	const char *build; /* folder of the build: the programs */
	const char *dir;   /* of this run, for all that is written */
	const char *keep;  /* folder of the archive that stays; NULL: in dir */
	bool small;        /* sizes that only show that it works */
	int64_t runs;      /* of the archive */
	int64_t machines[8];
	size_t n_machines;
	int64_t samples; /* of pushes, for each number of machines */
	struct row *rows;
	size_t n_rows;
};

void bench_row(struct bench *b, const struct row *row);
/* A row of times; unit_ns is that of unit ("ms": NS_PER_MS). */
void bench_times(
    struct bench *b, struct samples *s, double unit_ns, const struct row *row);
/* What is being done, for who waits; on standard error. */
void bench_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bench_free_rows(struct bench *b);

enum report_format {
	REPORT_TABLE,
	REPORT_CSV,
	REPORT_JSON
};
void report_write(const struct bench *b, enum report_format format, FILE *to);
/* Rows whose budget is not kept. */
size_t report_missed(const struct bench *b);

/* ---- peers -------------------------------------------------------------- */

/* A disk's own times, taken now and then between other measurements. */
struct disk {
	char *dir;
	int fd;
	size_t n;
};
int disk_open(const char *dir, struct disk *ret, struct err *err);
void disk_close(struct disk *d);
/* pwrite of 4 KiB and fdatasync in a file that is there: a commit's least. */
int disk_sync(struct disk *d, struct samples *to, struct err *err);
/* A new file of 4 KiB, fsync of it and of its folder: a stored file's least. */
int disk_sync_new(struct disk *d, struct samples *to, struct err *err);
/* Writes and syncs so many bytes as one file: seconds. */
int peer_write(const char *dir, int64_t bytes, double *ret_s, struct err *err);

/* ---- the archive -------------------------------------------------------- */

enum {
	ARCHIVE_JOBS = 379, /* of a run */
	ARCHIVE_PLATFORMS = 13,
	ARCHIVE_BIG_JOBS = 4927 /* of the newest run: 379 items x 13 */
};
#define ARCHIVE_FULL_RUNS 60616

/* A state folder with so many finished runs, made by db/'s own writer. */
struct archive {
	char *dir;
	int64_t runs; /* the big one is one more, and the newest */
	int64_t jobs_per_run;
	int64_t jobs;  /* of all runs */
	double made_s; /* 0: it was there already */
};
/* Makes it in dir, or takes the one with so many runs that is there. */
int archive_make(const char *dir, int64_t runs, int64_t jobs_per_run,
    struct archive *ret, struct err *err);
void archive_done(struct archive *a);
/* Bytes of the database, after its log was taken in. */
int64_t archive_bytes(const struct archive *a);

/* ---- parts -------------------------------------------------------------- */

typedef int bench_part(struct bench *b, struct err *err);

bench_part part_history;
bench_part part_import;
bench_part part_index;
bench_part part_ingest;
bench_part part_numbers;
bench_part part_power;
bench_part part_push;
bench_part part_scheduler;

#endif
