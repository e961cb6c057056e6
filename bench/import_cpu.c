/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What 7-Zip's "b" and OpenSSL's "speed" print. */
#include <stdio.h>

#include "bench/import_private.h"

/* ---- 7-Zip ----------------------------------------------------------- */

struct sevenzip {
	bool average;
	bool total;
	long cpus;    /* of the machine; 0 if it does not say */
	long threads; /* that were used; likewise */
};

static bool recognise_7zip(struct text head)
{
	struct text line;
	bool program = false;

	while (text_eat_line(&head, &line)) {
		program = program || text_starts(line, "7-Zip ");
		if (program && text_starts(line, "Dict ") &&
		    text_find(line, "Rating"))
			return true;
	}
	return false;
}

/* With -mmt1 it is no repetition of what all threads do. */
static int tell_7zip(struct import *im, const struct sevenzip *z,
    const char *metric, double mips)
{
	struct import_value v =
	    import_value_of(metric, "MIPS", BENCH_HIGHER, mips);
	char label[40] = "";

	if (z->cpus && z->threads && z->threads != z->cpus)
		(void)snprintf(label, sizeof(label), "%ld thread%s", z->threads,
		    z->threads == 1 ? "" : "s");
	v.label = label;
	return import_value(im, &v);
}

/* "# CPU hardware threads:   2", "# Benchmark threads:      2" */
static void threads_7zip(struct sevenzip *z, struct text l)
{
	static const char cpus[] = "# CPU hardware threads:";
	static const char used[] = "# Benchmark threads:";
	const char *at = text_find(l, cpus);
	long *to = at ? &z->cpus : &z->threads;
	size_t len = strlen(at ? cpus : used);

	at = at ? at : text_find(l, used);
	if (!at)
		return;
	text_drop(&l, (size_t)(at - l.p) + len);
	if (!text_eat_count(&l, 1 << 20, to))
		*to = 0;
}

/* Speed, usage, R/U and rating; the last one is asked for. */
static bool four(struct text *l, double *ret)
{
	for (int i = 0; i < 4; i++)
		if (!text_eat_number(l, ret))
			return false;
	return true;
}

static int average(struct import *im, struct sevenzip *z, struct text l)
{
	double compress, decompress;
	int r;

	if (!four(&l, &compress) || (text_eat_blanks(&l), !text_eat(&l, "|")) ||
	    !four(&l, &decompress) || text_trim(l).len)
		return import_refuse_at(
		    im, l, "'Avr:' is not followed by four numbers twice");
	z->average = true;
	r = tell_7zip(im, z, "7zip.compress", compress);
	return r < 0 ? r : tell_7zip(im, z, "7zip.decompress", decompress);
}

static int total(struct import *im, struct sevenzip *z, struct text l)
{
	double usage, per_usage, rating;

	if (!text_eat_number(&l, &usage) || !text_eat_number(&l, &per_usage) ||
	    !text_eat_number(&l, &rating) || text_trim(l).len)
		return import_refuse_at(
		    im, l, "'Tot:' is not followed by three numbers");
	z->total = true;
	return tell_7zip(im, z, "7zip.total", rating);
}

static int line_7zip(struct import *im, void *state, struct text l)
{
	struct sevenzip *z = state;

	threads_7zip(z, l);
	if (text_eat(&l, "Avr:"))
		return average(im, z, l);
	if (text_eat(&l, "Tot:"))
		return total(im, z, l);
	if (text_eat(&l, "7-Zip ")) {
		struct text version;
		const char *colon;

		(void)text_eat(&l, "[64] "); /* the build, not the version */
		colon = text_find(l, " : ");
		version =
		    (struct text){l.p, colon ? (size_t)(colon - l.p) : l.len};
		return import_meta(im, "version", version);
	}
	return 0;
}

static int end_7zip(struct import *im, void *state)
{
	const struct sevenzip *z = state;

	if (!z->average || !z->total)
		return import_refuse(im, 0,
		    "the report ends before its lines 'Avr:' and 'Tot:'");
	return import_meta(im, "tool", (struct text){"7-Zip", 5});
}

const struct importer import_7zip = {
    .name = "7zip",
    .title = "7-Zip benchmark text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct sevenzip),
    .recognise = recognise_7zip,
    .line = line_7zip,
    .end = end_7zip,
};

/* ---- OpenSSL --------------------------------------------------------- */

#define BLOCKS_MAX 16
#define KINDS_MAX 8

struct openssl {
	long blocks[BLOCKS_MAX]; /* bytes, of the columns */
	size_t n_blocks;
	char kinds[KINDS_MAX][16]; /* of operations, likewise */
	size_t n_kinds;
};

/* A line of headings, which begins with blanks. */
static bool is_kinds(struct text l)
{
	return text_starts(l, "  ") &&
	    (text_find(l, "sign/s verify/s") || text_find(l, " op/s") ||
	        text_find(l, "keygens/s"));
}

static bool recognise_openssl(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (text_starts(line, "type ") && text_find(line, " bytes"))
			return true;
		else if (is_kinds(line))
			return true;
	return false;
}

/* "type             16 bytes     64 bytes" */
static int blocks(struct import *im, struct openssl *o, struct text l)
{
	o->n_blocks = o->n_kinds = 0;
	while (text_trim(l).len) {
		if (o->n_blocks == BLOCKS_MAX)
			return import_limit(
			    im, "over %d sizes of blocks", BLOCKS_MAX);
		if (!text_eat_count(&l, 1L << 30, &o->blocks[o->n_blocks]))
			return import_refuse_at(im, l, "expected '16 bytes'");
		text_eat_blanks(&l);
		if (!text_eat(&l, "bytes"))
			return import_refuse_at(im, l, "expected 'bytes'");
		o->n_blocks++;
	}
	return 0;
}

/* "AES-256-GCM   1.00k", "aes-128 cbc   1.00k" of older versions. */
static struct text eat_cipher(struct text *l)
{
	struct text name = text_eat_word(l);
	struct text rest = *l;
	double v;

	if (!text_eat_number(&rest, &v) || !text_starts(rest, "k")) {
		(void)text_eat_word(l); /* its second word */
		name.len = (size_t)(l->p - name.p);
	}
	return name;
}

/* "AES-256-GCM      38380.08k   157756.96k": 1000s of bytes a second. */
static int rates(struct import *im, const struct openssl *o, struct text l)
{
	char slug[64];

	text_slug(slug, sizeof(slug), eat_cipher(&l));
	for (size_t i = 0; i < o->n_blocks; i++) {
		char metric[IMPORT_NAME_MAX];
		double v;
		int r;

		if (!text_eat_number(&l, &v) || !text_eat(&l, "k"))
			return import_refuse_at(im, l,
			    "%s is not followed by %zu rates like 1.00k", slug,
			    o->n_blocks);
		(void)snprintf(metric, sizeof(metric), "openssl.%s.%ld", slug,
		    o->blocks[i]);
		r = import_number(im, metric, "kB/s", BENCH_HIGHER, v);
		if (r < 0)
			return r;
	}
	if (text_trim(l).len)
		return import_refuse_at(
		    im, l, "%s has more rates than its columns", slug);
	return 0;
}

/*
 * "sign    verify    sign/s verify/s", "op      op/s": each kind has a column
 * of seconds, then each one of operations a second, whose names are kept.
 */
static int kinds(struct import *im, struct openssl *o, struct text l)
{
	o->n_blocks = o->n_kinds = 0;
	while (text_trim(l).len) {
		struct text word = text_eat_word(&l);

		if (word.len < 3 || memcmp(word.p + word.len - 2, "/s", 2) != 0)
			continue;
		if (o->n_kinds == KINDS_MAX)
			return import_limit(
			    im, "over %d kinds of operations", KINDS_MAX);
		word.len -= 2;
		text_slug(o->kinds[o->n_kinds], sizeof(o->kinds[0]), word);
		o->n_kinds++;
	}
	return 0;
}

/* "0.000272s" */
static bool eat_seconds(struct text *l)
{
	struct text rest = *l;
	double v;

	if (!text_eat_number(&rest, &v) || !text_eat(&rest, "s") ||
	    (rest.len && *rest.p != ' '))
		return false;
	*l = rest;
	return true;
}

/*
 * What stands before the numbers: "rsa 2048 bits" is "rsa 2048", and
 * "256 bits ecdsa (nistp256)" is "ecdsa (nistp256)".
 */
static struct text eat_key(struct text *l)
{
	struct text name = *l;
	struct text rest;
	const char *bits;
	long n;

	for (;;) {
		text_eat_blanks(l);
		name.len = (size_t)(l->p - name.p);
		if (!l->len || eat_seconds(l))
			break;
		(void)text_eat_word(l);
	}
	bits = text_find(name, " bits");
	if (!bits)
		return name;
	rest = name;
	if (text_eat_count(&rest, 1L << 30, &n) && rest.p == bits) {
		text_drop(&rest, strlen(" bits"));
		return rest;
	}
	return (struct text){name.p, (size_t)(bits - name.p)};
}

/* "rsa 2048 bits 0.000272s 0.000016s   3678.7  64250.0" */
static int operations(struct import *im, const struct openssl *o, struct text l)
{
	struct text begin = l;
	struct text name = eat_key(&l);
	char slug[64];

	if (!l.len)
		return text_find(begin, " bits ")
		    ? import_refuse_at(im, begin, "a row without '0.001s'")
		    : 0; /* of another program */

	text_slug(slug, sizeof(slug), name);
	for (size_t i = 1; i < o->n_kinds; i++)
		if (!eat_seconds(&l))
			return import_refuse_at(im, l, "expected '0.001s'");
	for (size_t i = 0; i < o->n_kinds; i++) {
		char metric[IMPORT_NAME_MAX];
		double v;
		int r;

		if (!text_eat_number(&l, &v))
			return import_refuse_at(
			    im, l, "expected %s/s", o->kinds[i]);
		(void)snprintf(
		    metric, sizeof(metric), "openssl.%s.%s", slug, o->kinds[i]);
		r = import_number(im, metric, "operations/s", BENCH_HIGHER, v);
		if (r < 0)
			return r;
	}
	if (text_trim(l).len)
		return import_refuse_at(
		    im, l, "%s has more numbers than its columns", slug);
	return 0;
}

static int line_openssl(struct import *im, void *state, struct text l)
{
	struct openssl *o = state;
	int r = text_trim(l).len ? import_whole(im) : 0;

	if (r < 0)
		return r;
	if (text_eat(&l, "version: ") || text_eat(&l, "OpenSSL "))
		return import_meta(im, "version", l);
	if (text_starts(l, "type ") && text_find(l, " bytes")) {
		text_drop(&l, strlen("type"));
		return blocks(im, o, l);
	}
	if (!text_trim(l).len)
		return 0;
	if (is_kinds(l))
		return kinds(im, o, l);
	if (o->n_kinds)
		return operations(im, o, text_trim(l));
	return o->n_blocks ? rates(im, o, l) : 0;
}

static int end_openssl(struct import *im, void *state)
{
	(void)state; /* what was told counts */
	if (!import_result(im)->values)
		return import_refuse(im, 0, "openssl speed printed no rates");
	return import_meta(im, "tool", (struct text){"OpenSSL", 7});
}

const struct importer import_openssl = {
    .name = "openssl",
    .title = "OpenSSL speed text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct openssl),
    .recognise = recognise_openssl,
    .line = line_openssl,
    .end = end_openssl,
};
