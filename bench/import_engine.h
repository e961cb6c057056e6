/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of struct import, for the engine's own files. */
#ifndef BENCH_IMPORT_ENGINE_H
#define BENCH_IMPORT_ENGINE_H

#include "bench/import_private.h"

enum import_encoding {
	ENCODING_UNKNOWN,
	ENCODING_UTF8, /* or anything else that has ASCII in it */
	ENCODING_UTF16_LE,
	ENCODING_UTF16_BE,
};

struct import {
	const char *name;
	const struct import_ops *ops;
	void *arg;
	const struct importer *kind; /* NULL until recognised */
	void *state;
	struct import_result result;
	/* Bytes that wait for a decision about the encoding, or for a whole
	 * character. */
	enum import_encoding encoding;
	unsigned char pending[4];
	size_t n_pending;
	unsigned surrogate;
	struct buf head;
	struct buf line; /* the beginning of a line that came in pieces */
	bool long_line;  /* its rest is dropped */
	bool unfinished; /* the line at hand has no LF */
	struct text line_text;
	struct node_json json;
	struct node_xml *xml;
	int64_t line_at; /* where we are, for messages */
	int64_t column;
	int failed;  /* a negative error, or 0 */
	bool placed; /* err has a position */
	struct err err;
};

/* Bytes as they come, any encoding. */
int import_decode(struct import *im, const char *data, size_t len);
int import_decode_end(struct import *im);
/* The next part of the text, in UTF-8 (or what claims to be). */
int import_text(struct import *im, const char *data, size_t len);

#endif
