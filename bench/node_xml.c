/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * XML by expat, as nodes.
 *
 * expat keeps a whole token (a tag, a comment's end) until it is complete, and
 * old versions look at it again from its beginning with every piece: so pieces
 * and tokens have ceilings, which bounds memory and keeps the time linear. It
 * also keeps every name it has seen, so there is a ceiling on different ones.
 */
#include <expat.h>
#include <limits.h>
#include <string.h>

#include "bench/import_private.h"

#define PIECE_MAX 16384
#define TOKEN_MAX (256 << 10)
#define NAMES_MAX 1024
#define NAMES_SLOTS (2 * NAMES_MAX) /* a power of two */

struct node_xml {
	XML_Parser parser;
	node_fn *fn;
	void *arg;
	struct node_path path;
	struct buf text; /* of the innermost element so far */
	bool cut;
	int64_t fed;
	uint64_t names[NAMES_SLOTS]; /* hashes of what expat remembers, or 0 */
	size_t n_names;
	int r; /* an error inside a callback */
	struct err err;
};

static void stop(struct node_xml *x, int r)
{
	x->r = r;
	(void)XML_StopParser(x->parser, XML_FALSE); /* it is parsing */
}

static void tell(struct node_xml *x, enum node_kind kind)
{
	struct node n = {.kind = kind, .path = x->path.text};
	struct text t = {buf_str(&x->text), x->text.len};
	int r;

	if (kind == NODE_TEXT) {
		while (t.len && strchr(" \t\r\n", *t.p) && *t.p)
			text_drop(&t, 1);
		while (t.len && t.p[t.len - 1] &&
		    strchr(" \t\r\n", t.p[t.len - 1]))
			t.len--;
		x->text.data[t.p + t.len - x->text.data] = '\0';
		n.text = t.p;
		n.len = t.len;
		n.cut = x->cut;
	}
	r = x->fn(x->arg, &n, &x->err);
	if (r < 0)
		stop(x, r);
}

static void text_reset(struct node_xml *x)
{
	buf_reset(&x->text);
	x->cut = false;
}

/* FNV-1a. */
static uint64_t hash(const char *s)
{
	uint64_t h = 14695981039346656037U;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211U;
	return h ? h : 1;
}

static void remember(struct node_xml *x, const char *name)
{
	uint64_t h = hash(name);
	size_t at = (h ^ h >> 32) % NAMES_SLOTS;

	while (x->names[at] && x->names[at] != h)
		at = (at + 1) % NAMES_SLOTS;
	if (x->names[at])
		return;
	x->names[at] = h;
	if (++x->n_names > NAMES_MAX && x->r == 0)
		stop(x,
		    err_set(&x->err, ERR_LIMIT,
		        "over %d different names of elements and attributes",
		        NAMES_MAX));
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct node_xml *x = arg;

	remember(x, name);
	/* No format of ours has facts in its attributes. */
	for (; x->r == 0 && *attributes; attributes += 2)
		remember(x, *attributes);
	if (x->r < 0)
		return;
	if (!node_path_push(&x->path, name, strlen(name))) {
		stop(x,
		    err_set(&x->err, ERR_LIMIT, "nested more than %d deep",
		        NODE_DEPTH_MAX));
		return;
	}
	text_reset(x);
	tell(x, NODE_BEGIN);
}

static void on_end(void *arg, const char *name)
{
	struct node_xml *x = arg;

	(void)name; /* expat checked it against its start */
	if (x->r == 0 && x->text.len)
		tell(x, NODE_TEXT);
	if (x->r == 0)
		tell(x, NODE_END);
	text_reset(x);
	node_path_pop(&x->path);
}

static void on_text(void *arg, const char *s, int len)
{
	struct node_xml *x = arg;

	if (x->text.len + (size_t)len >= NODE_TEXT_MAX)
		x->cut = true;
	if (!x->cut)
		buf_add(&x->text, s, (size_t)len);
}

static void on_doctype(void *arg, const char *name, const char *system_id,
    const char *public_id, int has_internal)
{
	struct node_xml *x = arg;

	(void)name; /* whatever it is, it is refused */
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	stop(x,
	    err_set(&x->err, ERR_PROTO,
	        "a document type (DOCTYPE) is not allowed"));
}

struct node_xml *node_xml_new(node_fn *fn, void *arg)
{
	struct node_xml *x = xcalloc(1, sizeof(*x));

	x->fn = fn;
	x->arg = arg;
	x->text = (struct buf)BUF_INIT(NODE_TEXT_MAX);
	text_reset(x);
	x->parser = XML_ParserCreate("UTF-8");
	if (!x->parser)
		abort(); /* as xcalloc() does */
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	return x;
}

void node_xml_free(struct node_xml *x)
{
	if (!x)
		return;
	XML_ParserFree(x->parser);
	buf_done(&x->text);
	free(x);
}

int64_t node_xml_line(const struct node_xml *x)
{
	return (int64_t)XML_GetCurrentLineNumber(x->parser);
}

int64_t node_xml_column(const struct node_xml *x)
{
	return (int64_t)XML_GetCurrentColumnNumber(x->parser) + 1;
}

static int piece(struct node_xml *x, const char *data, size_t len, bool last,
    struct err *err)
{
	enum XML_Status status =
	    XML_Parse(x->parser, data, (int)len, last ? XML_TRUE : XML_FALSE);

	if (x->r < 0)
		return err_copy(err, &x->err);
	if (status != XML_STATUS_OK)
		return err_set(err, ERR_PROTO, "XML: %s",
		    XML_ErrorString(XML_GetErrorCode(x->parser)));
	x->fed += (int64_t)len;
	if (!last && x->fed - XML_GetCurrentByteIndex(x->parser) > TOKEN_MAX)
		return err_set(err, ERR_LIMIT,
		    "a tag or other piece of XML of over %d bytes", TOKEN_MAX);
	return 0;
}

int node_xml_feed(
    struct node_xml *x, const char *data, size_t len, struct err *err)
{
	while (len) {
		size_t n = len < PIECE_MAX ? len : PIECE_MAX;
		int r = piece(x, data, n, false, err);

		if (r < 0)
			return r;
		data += n;
		len -= n;
	}
	return 0;
}

int node_xml_end(struct node_xml *x, struct err *err)
{
	return piece(x, "", 0, true, err);
}
