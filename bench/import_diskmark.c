/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of CrystalDiskMark and KDiskMark. MB is 10^6 bytes in both. What a
 * row's numbers are (the best of the loops, or their mean) and how many loops
 * there were stands below the rows, so rows are kept until the end.
 *
 * KDiskMark divides fio's bw, which is KiB/s, by 1000 and calls it MB/s: 2.4 %
 * too little. The IOPS of the row and its block size show it, and it is
 * corrected; numbers that fit neither way are damaged.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/import_private.h"

#define ROWS_MAX 64
#define KIB_AS_KB 1.024

struct row {
	struct import_disk disk;
	double mbs;
	double iops;
	double us;
};

struct diskmark {
	struct row rows[ROWS_MAX];
	size_t n_rows;
	bool in_section;
	bool in_footer;
	struct import_disk section; /* write, both and mix only */
	long loops;
	bool mean;
	bool corrected;
	bool complete; /* the line of the system, the last one, was there */
};

static bool has_line(struct text head, const char *begin)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (text_starts(text_trim(line), begin))
			return true;
	return false;
}

static bool recognise_crystal(struct text head)
{
	return has_line(head, "CrystalDiskMark ");
}

static bool recognise_kde(struct text head)
{
	return has_line(head, "KDiskMark ");
}

/* ---- rows ------------------------------------------------------------ */

static bool eat_pattern(struct text *l, struct import_disk *d)
{
	static const struct {
		const char *word;
		bool random;
	} words[] = {
	    {"SEQ", false},
	    {"RND", true},
	    {"Sequential", false},
	    {"Random", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!text_eat(l, words[i].word))
			continue;
		d->random = words[i].random;
		return true;
	}
	return false;
}

static bool eat_word(struct text *l, const char *word)
{
	text_eat_blanks(l);
	return text_eat(l, word);
}

/* "1MiB (Q=  8, T= 1):" */
static bool eat_profile(struct text *l, struct import_disk *d)
{
	long size;

	if (!text_eat_count(l, 1 << 20, &size) || !size)
		return false;
	if (eat_word(l, "MiB"))
		d->block_bytes = (int64_t)size << 20;
	else if (eat_word(l, "KiB"))
		d->block_bytes = (int64_t)size << 10;
	else
		return false;
	return eat_word(l, "(") && eat_word(l, "Q=") &&
	    text_eat_count(l, 1 << 20, &d->depth) && eat_word(l, ",") &&
	    eat_word(l, "T=") && text_eat_count(l, 1 << 20, &d->threads) &&
	    eat_word(l, ")") && eat_word(l, ":");
}

/* "3500.123 MB/s [   3338.0 IOPS] <  2394.50 us>" */
static bool eat_numbers(struct text *l, struct row *row)
{
	return text_eat_number(l, &row->mbs) && eat_word(l, "MB/s") &&
	    eat_word(l, "[") && text_eat_number(l, &row->iops) &&
	    eat_word(l, "IOPS]") && eat_word(l, "<") &&
	    text_eat_number(l, &row->us) && eat_word(l, "us>");
}

/* Do they agree within what was rounded away? Measured apart: 0.5 %. */
static bool agrees(double mbs, const struct row *r)
{
	double block_mb = (double)r->disk.block_bytes / 1e6;
	double slack = .0006 + .06 * block_mb + .005 * mbs;

	return fabs(r->iops * block_mb - mbs) <= slack;
}

static int add_row(struct import *im, struct diskmark *d, struct text l)
{
	struct row *row = &d->rows[d->n_rows];
	struct text begin = l;

	if (d->n_rows == ROWS_MAX)
		return import_limit(im, "over %d rows", ROWS_MAX);
	*row = (struct row){.disk = d->section};
	row->disk.line = import_line(im);
	if (!eat_pattern(&l, &row->disk) || !eat_profile(&l, &row->disk) ||
	    !eat_numbers(&l, row))
		return import_refuse_at(im, l,
		    "a row is like 'SEQ 1MiB (Q= 8, T= 1): 1.0 MB/s "
		    "[1.0 IOPS] <1.0 us>'");
	if (!d->in_section)
		return import_refuse_at(
		    im, begin, "a row before [Read], [Write] or [Mix]");
	if (!agrees(row->mbs, row)) {
		if (!agrees(row->mbs * KIB_AS_KB, row))
			return import_refuse_at(im, begin,
			    "%.3f MB/s do not fit %.1f IOPS of %lld bytes",
			    row->mbs, row->iops,
			    (long long)row->disk.block_bytes);
		row->mbs *= KIB_AS_KB;
		d->corrected = true;
	}
	d->n_rows++;
	return import_whole(im);
}

/* "[Read]", "[Write]", "[Mix] Read 70%/Write 30%" */
static int section(struct import *im, struct diskmark *d, struct text l)
{
	struct text rest = l;
	long percent;

	d->section = (struct import_disk){.random = false};
	d->in_section = true;
	if (text_starts(l, "[Read]"))
		return 0;
	if (text_starts(l, "[Write]")) {
		d->section.write = true;
		return 0;
	}
	while (rest.len && (*rest.p < '0' || *rest.p > '9'))
		text_drop(&rest, 1);
	if (!text_starts(l, "[Mix") || !text_eat_count(&rest, 99, &percent) ||
	    !percent)
		return import_refuse_at(
		    im, l, "a section is [Read], [Write] or [Mix] Read 70%%");
	d->section.mix = (int)percent;
	d->section.both = true;
	return 0;
}

/* ---- what stands around them ----------------------------------------- */

/* "1 GiB (x5) [C: 40% (20/50GiB)]" */
static void loops(struct diskmark *d, struct text test)
{
	const char *x = text_find(test, "(x");

	if (!x)
		return;
	text_drop(&test, (size_t)(x - test.p) + 2);
	if (!text_eat_count(&test, 1000, &d->loops))
		d->loops = 0;
}

static int footer(struct import *im, struct diskmark *d, struct text l)
{
	static const struct {
		const char *word;
		const char *key;
	} rows[] = {
	    {"Profile:", "profile"},
	    {"Test:", "test"},
	    {"Date:", "date"},
	    {"OS:", "os"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!text_eat(&l, rows[i].word))
			continue;
		if (i == 0)
			d->mean = text_starts(text_trim(l), "Default");
		if (i == 1)
			loops(d, l);
		if (i == 3)
			d->complete = true;
		return import_meta(im, rows[i].key, l);
	}
	return 0;
}

static int line(struct import *im, void *state, struct text whole)
{
	struct diskmark *d = state;
	struct text l = text_trim(whole);
	bool footer_line;

	/* "[SATA/600 = ...]" stands in a comment behind an asterisk. */
	if (text_starts(l, "[") && !d->in_footer)
		return section(im, d, l);
	if (d->complete || !l.len)
		return 0; /* behind it are comments of the user's */
	footer_line = text_starts(l, "Profile:") || text_starts(l, "Test:");
	d->in_footer = d->in_footer || footer_line;
	if (!d->in_footer && (d->in_section || text_find(l, "(Q=")))
		return add_row(im, d, l);
	return footer(im, d, l);
}

static int tell_row(
    struct import *im, const struct row *row, enum import_of of, int64_t n)
{
	int r =
	    import_disk_value(im, &row->disk, IMPORT_DISK_MBS, of, n, row->mbs);

	if (r == 0)
		r = import_disk_value(
		    im, &row->disk, IMPORT_DISK_IOPS, of, n, row->iops);
	if (r == 0 && row->us > 0)
		r = import_disk_value(
		    im, &row->disk, IMPORT_DISK_LATENCY, of, n, row->us);
	return r;
}

static int end(
    struct import *im, const struct diskmark *d, const char *tool, bool mean)
{
	int r = 0;

	if (!d->n_rows || !d->complete)
		return import_refuse(im, 0,
		    d->n_rows ? "the report ends before its line 'OS:'; it "
		                "was cut off"
		              : "the report has no rows");
	/* A row that was not measured is printed as zeros. */
	for (size_t i = 0; r == 0 && i < d->n_rows; i++)
		if (d->rows[i].mbs > 0)
			r = tell_row(im, &d->rows[i],
			    mean ? IMPORT_MEAN : IMPORT_BEST, d->loops);
	if (r == 0 && d->corrected)
		r = import_meta(im, "correction",
		    (struct text){
		        "MB/s times 1.024: they were KiB/s / 1000", 40});
	return r < 0
	    ? r
	    : import_meta(im, "tool", (struct text){tool, strlen(tool)});
}

static int end_crystal(struct import *im, void *state)
{
	return end(im, state, "CrystalDiskMark", false);
}

/* Its profile Default is a mean; Peak and RealWorld are the best. */
static int end_kde(struct import *im, void *state)
{
	const struct diskmark *d = state;

	return end(im, d, "KDiskMark", d->mean);
}

const struct importer import_crystaldiskmark = {
    .name = "crystaldiskmark",
    .title = "CrystalDiskMark text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct diskmark),
    .recognise = recognise_crystal,
    .line = line,
    .end = end_crystal,
};

const struct importer import_kdiskmark = {
    .name = "kdiskmark",
    .title = "KDiskMark text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct diskmark),
    .recognise = recognise_kde,
    .line = line,
    .end = end_kde,
};
