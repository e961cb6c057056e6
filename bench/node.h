/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON and XML as a stream of nodes.
 *
 * A document of any size is read in memory that does not grow with it: each
 * value is told as it passes by, with the path to it. What is not asked for is
 * forgotten.
 */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum node_kind {
	NODE_BEGIN, /* of an object, array or element */
	NODE_END,
	NODE_TEXT, /* a string; the text of an element, before its NODE_END */
	NODE_NUMBER,
	NODE_BOOL,
	NODE_NULL,
};

struct node {
	enum node_kind kind;
	/*
	 * "jobs/#/read/iops": keys or element names, # for an array's element;
	 * "" is a JSON document's root. A slash in a key becomes a bar.
	 */
	const char *path;
	const char *text; /* NODE_TEXT: zero-terminated, perhaps zeros in it */
	size_t len;
	bool cut;      /* the text was longer than NODE_TEXT_MAX */
	double number; /* NODE_NUMBER, NODE_BOOL: finite */
};

#define NODE_TEXT_MAX 65536
#define NODE_DEPTH_MAX 32
#define NODE_NAME_MAX 128 /* longer names are cut, and so known to nobody */

typedef int node_fn(void *arg, const struct node *node, struct err *err);

bool node_is(const struct node *n, enum node_kind kind, const char *path);
/* What follows prefix in the path, or NULL. Borrowed. */
const char *node_below(const struct node *n, const char *prefix);

struct node_path {
	char text[NODE_DEPTH_MAX * (NODE_NAME_MAX + 1)];
	size_t len;
	size_t lens[NODE_DEPTH_MAX]; /* before each of the names */
	size_t depth;
};

/* False if it is too deep. */
bool node_path_push(struct node_path *p, const char *name, size_t len);
void node_path_pop(struct node_path *p);

/* ---- JSON ------------------------------------------------------------ */

enum node_json_mode {
	NODE_JSON_ALONE, /* nothing but the document and blanks */
	/*
	 * The document begins at the first line that begins with a brace; what
	 * is before and behind it is skipped, but a second one is refused.
	 */
	NODE_JSON_AMONG_LINES,
};

struct node_json {
	node_fn *fn;
	void *arg;
	enum node_json_mode mode;
	int state;
	bool line_start;
	struct node_path path;
	bool arrays[NODE_DEPTH_MAX + 1]; /* kinds of the open containers */
	size_t depth;
	struct buf text; /* the string, number or word that is being read */
	bool cut;
	bool is_key;
	const char *word; /* true, false, null */
	size_t word_at;
	unsigned escape; /* the digits of \u so far, and how many */
	int escape_digits;
	unsigned surrogate; /* the first half of a pair, or 0 */
	int64_t line;       /* of the byte that is being read, from 1 */
	int64_t column;     /* in bytes */
};

void node_json_init(
    struct node_json *j, enum node_json_mode mode, node_fn *fn, void *arg);
void node_json_done(struct node_json *j);
/*
 * Strict RFC 8259, numbers up to 63 characters. An error ends the reading: no
 * further call is allowed. Errors: PROTO, LIMIT, and those of fn; messages do
 * not name the position, which stands in line and column.
 */
int node_json_feed(
    struct node_json *j, const char *data, size_t len, struct err *err);
/* True if the first byte of the document was there. */
bool node_json_begun(const struct node_json *j);
/* Error: PROTO, the document is not complete. */
int node_json_end(struct node_json *j, struct err *err);

#endif
