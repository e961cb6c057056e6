/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What 7-Zip's "b" and OpenSSL's "speed" print. */
#include <stdio.h>

#include "bench/import_private.h"

/* ---- 7-Zip ----------------------------------------------------------- */

struct sevenzip {
	bool average;
	bool total;
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
	r = import_number(im, "7zip.compress", "MIPS", BENCH_HIGHER, compress);
	return r < 0 ? r
	             : import_number(im, "7zip.decompress", "MIPS",
	                   BENCH_HIGHER, decompress);
}

static int total(struct import *im, struct sevenzip *z, struct text l)
{
	double usage, per_usage, rating;

	if (!text_eat_number(&l, &usage) || !text_eat_number(&l, &per_usage) ||
	    !text_eat_number(&l, &rating) || text_trim(l).len)
		return import_refuse_at(
		    im, l, "'Tot:' is not followed by three numbers");
	z->total = true;
	return import_number(im, "7zip.total", "MIPS", BENCH_HIGHER, rating);
}

static int line_7zip(struct import *im, void *state, struct text l)
{
	struct sevenzip *z = state;

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

struct openssl {
	long blocks[BLOCKS_MAX]; /* bytes, of the columns */
	size_t n_blocks;
	bool signs; /* the columns are sign, verify, sign/s, verify/s */
};

static bool recognise_openssl(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (text_starts(line, "type ") && text_find(line, " bytes"))
			return true;
		else if (text_find(line, "sign/s verify/s"))
			return true;
	return false;
}

/* "type             16 bytes     64 bytes" */
static int blocks(struct import *im, struct openssl *o, struct text l)
{
	o->n_blocks = 0;
	o->signs = false;
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

/* "rsa 2048 bits 0.000272s 0.000016s   3678.7  64250.0" */
static int signatures(struct import *im, struct text l)
{
	static const char *const what[] = {"sign", "verify"};
	const char *bits = text_find(l, " bits ");
	struct text name = {l.p, bits ? (size_t)(bits - l.p) : 0};
	char slug[64];
	double v[2];

	if (!bits)
		return 0;
	text_drop(&l, name.len + strlen(" bits "));
	/* Elliptic curves have their name in brackets: "(nistp256)". */
	if (text_starts(text_trim(l), "(")) {
		struct text curve;

		(void)text_eat_until(&l, ')', &curve); /* refused below */
	}
	for (int i = 0; i < 2; i++)
		if (!text_eat_number(&l, &v[i]) || !text_eat(&l, "s"))
			return import_refuse_at(im, l, "expected '0.001s'");
	for (int i = 0; i < 2; i++)
		if (!text_eat_number(&l, &v[i]))
			return import_refuse_at(
			    im, l, "expected %s/s", what[i]);
	text_slug(slug, sizeof(slug), name);
	for (int i = 0; i < 2; i++) {
		char metric[IMPORT_NAME_MAX];
		int r;

		(void)snprintf(
		    metric, sizeof(metric), "openssl.%s.%s", slug, what[i]);
		r = import_number(
		    im, metric, "operations/s", BENCH_HIGHER, v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int line_openssl(struct import *im, void *state, struct text l)
{
	struct openssl *o = state;

	if (text_eat(&l, "version: ") || text_eat(&l, "OpenSSL "))
		return import_meta(im, "version", l);
	if (text_starts(l, "type ") && text_find(l, " bytes")) {
		text_drop(&l, strlen("type"));
		return blocks(im, o, l);
	}
	if (text_find(l, "sign/s verify/s")) {
		o->signs = true;
		o->n_blocks = 0;
		return 0;
	}
	if (!text_trim(l).len)
		return 0;
	if (o->signs)
		return signatures(im, text_trim(l));
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
