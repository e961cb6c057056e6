/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine of all importers: encodings, recognition, cutting into lines and
 * nodes, positions. It holds at most the head or one line.
 */
#include "bench/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/import_engine.h"

#define FORMAT_NAMES_MAX 4096

/*
 * The formats. A row's recognise() says yes to no other row's input; the order
 * is that of help texts.
 */
static const struct importer *const importers[] = {&import_fio,
    &import_geekbench_json, &import_geekbench_text, &import_crystaldiskmark,
    &import_kdiskmark, &import_diskspd, &import_sysbench, &import_hyperfine,
    &import_google_benchmark, &import_phoronix, &import_kvm_unit_tests,
    &import_sotest, &import_tap, &import_ktap, &import_googletest,
    &import_ratios, &import_7zip, &import_openssl};

const char *import_format_name(size_t i)
{
	return i < ARRAY_LEN(importers) ? importers[i]->name : NULL;
}

const char *import_format_title(size_t i)
{
	return i < ARRAY_LEN(importers) ? importers[i]->title : NULL;
}

struct import *import_new(
    const char *name, const struct import_ops *ops, void *arg)
{
	struct import *im = xcalloc(1, sizeof(*im));

	im->name = name;
	im->ops = ops;
	im->arg = arg;
	im->head = (struct buf)BUF_INIT(IMPORT_HEAD_MAX);
	im->line = (struct buf)BUF_INIT(IMPORT_LINE_MAX);
	return im;
}

void import_free(struct import *im)
{
	if (!im)
		return;
	if (im->kind && im->kind->done)
		im->kind->done(im->state);
	node_json_done(&im->json);
	node_xml_free(im->xml);
	buf_done(&im->head);
	buf_done(&im->line);
	free(im->state);
	free(im);
}

const struct import_result *import_result(const struct import *im)
{
	return &im->result;
}

/* ---- errors ---------------------------------------------------------- */

struct err *import_err(struct import *im)
{
	return &im->err;
}

int64_t import_line(const struct import *im)
{
	return im->line_at;
}

/* Puts the position before a message that has none. */
static int place(struct import *im, int64_t column, int r)
{
	struct err why = im->err;

	im->placed = true;
	if (column > 0)
		(void)err_set(&im->err, (enum err_kind)why.kind,
		    "%s:%" PRId64 ":%" PRId64 ": %s", im->name, im->line_at,
		    column, why.msg);
	else
		(void)err_set(&im->err, (enum err_kind)why.kind,
		    "%s:%" PRId64 ": %s", im->name, im->line_at, why.msg);
	im->err.code = why.code;
	return r;
}

int import_place(struct import *im, int r)
{
	return r < 0 && !im->placed ? place(im, im->column, r) : r;
}

static int refuse(struct import *im, enum err_kind kind, int64_t column,
    const char *fmt, va_list ap)
{
	char msg[sizeof(im->err.msg)];

	(void)vsnprintf(msg, sizeof(msg), fmt, ap); /* cut if too long */
	return place(im, column, err_set(&im->err, kind, "%s", msg));
}

int import_refuse(struct import *im, size_t column, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = refuse(
	    im, ERR_PROTO, column ? (int64_t)column : im->column, fmt, ap);
	va_end(ap);
	return r;
}

int import_refuse_at(struct import *im, struct text rest, const char *fmt, ...)
{
	ptrdiff_t at;
	va_list ap;
	int r;

	text_eat_blanks(&rest);
	at = im->line_text.p ? rest.p - im->line_text.p : 0;
	va_start(ap, fmt);
	r = refuse(im, ERR_PROTO, at + 1, fmt, ap);
	va_end(ap);
	return r;
}

int import_limit(struct import *im, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = refuse(im, ERR_LIMIT, im->column, fmt, ap);
	va_end(ap);
	return r;
}

int import_whole(struct import *im)
{
	return im->unfinished
	    ? import_refuse(im, im->line_text.len + 1,
	          "the last line has no end: it was cut off, or lacks its "
	          "line feed")
	    : 0;
}

/* Whatever happened, it happens again. */
static int done_with(struct import *im, int r, struct err *err)
{
	if (r < 0) {
		im->failed = r;
		(void)err_copy(err, &im->err);
	}
	return r;
}

/* ---- lines ----------------------------------------------------------- */

static int one_line(struct import *im, struct text line)
{
	im->line_at++;
	im->column = 1;
	im->line_text = line;
	return im->kind->line(im, im->state, line);
}

/* The line is longer than the buffer: is that allowed? */
static int long_line(struct import *im)
{
	if (im->kind->shape == IMPORT_STREAM)
		return 0;
	im->line_at++;
	im->column = IMPORT_LINE_MAX;
	return import_limit(im, "a line of over %d bytes", IMPORT_LINE_MAX - 1);
}

static int begun_line(struct import *im, const char *data, size_t len)
{
	size_t room = IMPORT_LINE_MAX - im->line.len;

	if (im->long_line)
		return 0;
	if (len < room) {
		buf_add(&im->line, data, len);
		return 0;
	}
	buf_add(&im->line, data, room - 1);
	im->long_line = true;
	return long_line(im);
}

static struct text without_cr(const char *p, size_t len)
{
	return (struct text){p, len - (len && p[len - 1] == '\r')};
}

static int feed_lines(struct import *im, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		int r;

		if (!end || im->line.len || n >= IMPORT_LINE_MAX) {
			r = begun_line(im, data, n);
			if (r == 0 && end)
				r = one_line(im,
				    without_cr(
				        buf_str(&im->line), im->line.len));
			if (end)
				buf_reset(&im->line);
			im->long_line = im->long_line && !end;
		} else {
			r = one_line(im, without_cr(data, n));
		}
		if (r < 0)
			return r;
		data += n + (end != NULL);
		len -= n + (end != NULL);
	}
	return 0;
}

/* A last line without LF. */
static int end_lines(struct import *im)
{
	int r;

	if (!im->line.len)
		return 0;
	im->unfinished = true;
	r = one_line(im, without_cr(buf_str(&im->line), im->line.len));
	im->unfinished = false;
	return r;
}

/* ---- nodes ----------------------------------------------------------- */

static int on_json(void *arg, const struct node *n, struct err *err)
{
	struct import *im = arg;
	int r;

	im->line_at = im->json.line;
	im->column = im->json.column;
	r = im->kind->node(im, im->state, n);
	return r < 0 ? err_copy(err, &im->err) : 0;
}

static int on_xml(void *arg, const struct node *n, struct err *err)
{
	struct import *im = arg;
	int r;

	im->line_at = node_xml_line(im->xml);
	im->column = node_xml_column(im->xml);
	r = im->kind->node(im, im->state, n);
	return r < 0 ? err_copy(err, &im->err) : 0;
}

static int json_result(struct import *im, int r)
{
	im->line_at = im->json.line;
	im->column = im->json.column ? im->json.column : 1;
	return import_place(im, r);
}

static int xml_result(struct import *im, int r)
{
	im->line_at = node_xml_line(im->xml);
	im->column = node_xml_column(im->xml);
	return import_place(im, r);
}

/* ---- the format ------------------------------------------------------ */

static void start(struct import *im, const struct importer *kind)
{
	im->kind = kind;
	im->result.format = kind->name;
	im->result.title = kind->title;
	im->state = xcalloc(1, kind->state_size ? kind->state_size : 1);
	if (kind->shape == IMPORT_JSON || kind->shape == IMPORT_JSON_AMONG)
		node_json_init(&im->json,
		    kind->shape == IMPORT_JSON ? NODE_JSON_ALONE
		                               : NODE_JSON_AMONG_LINES,
		    on_json, im);
	else if (kind->shape == IMPORT_XML)
		im->xml = node_xml_new(on_xml, im);
	if (kind->begin)
		kind->begin(im, im->state);
}

static void format_names(struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		buf_printf(to, "%s%s", i ? ", " : "", importers[i]->name);
}

int import_force(struct import *im, const char *format, struct err *err)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(FORMAT_NAMES_MAX);

	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		if (str_eq(importers[i]->name, format)) {
			start(im, importers[i]);
			return 0;
		}
	format_names(&names);
	return err_set(err, ERR_INVAL,
	    "format: found '%.60s'; must be one of %s", format,
	    buf_str(&names));
}

static int feed_kind(struct import *im, const char *data, size_t len)
{
	switch (im->kind->shape) {
	case IMPORT_LINES:
	case IMPORT_STREAM:
		return feed_lines(im, data, len);
	case IMPORT_XML:
		return xml_result(
		    im, node_xml_feed(im->xml, data, len, &im->err));
	default:
		return json_result(
		    im, node_json_feed(&im->json, data, len, &im->err));
	}
}

/* Says what it may be, as nobody reads bytes. */
static int unknown(struct import *im, struct text head)
{
	static const struct {
		const char *begin;
		const char *name;
	} packed[] = {
	    {"\x1f\x8b", "gzip"},
	    {"\x28\xb5\x2f\xfd", "zstd"},
	    {"\xfd\x37zXZ", "xz"},
	    {"BZh", "bzip2"},
	    {"PK\x03\x04", "zip"},
	};
	scoped_val(buf_done) struct buf names = BUF_INIT(FORMAT_NAMES_MAX);

	im->placed = true;
	if (!im->result.bytes)
		return err_set(
		    &im->err, ERR_PROTO, "%s: the file is empty", im->name);
	for (size_t i = 0; i < ARRAY_LEN(packed); i++)
		if (text_starts(head, packed[i].begin))
			return err_set(&im->err, ERR_PROTO,
			    "%s: it is packed with %s; unpack it first",
			    im->name, packed[i].name);
	format_names(&names);
	return err_set(&im->err, ERR_PROTO,
	    "%s: not in a format that is known: its first %zu bytes look like "
	    "none of %s",
	    im->name, head.len, buf_str(&names));
}

static int recognise(struct import *im)
{
	struct text head = {buf_str(&im->head), im->head.len};

	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		if (head.len && importers[i]->recognise(head)) {
			start(im, importers[i]);
			return feed_kind(im, head.p, head.len);
		}
	return unknown(im, head);
}

int import_text(struct import *im, const char *data, size_t len)
{
	size_t n = IMPORT_HEAD_MAX - 1 - im->head.len;
	int r;

	if (im->kind)
		return feed_kind(im, data, len);
	n = len < n ? len : n;
	buf_add(&im->head, data, n);
	if (im->head.len < IMPORT_HEAD_MAX - 1)
		return 0;
	r = recognise(im);
	return r < 0 || n == len ? r : feed_kind(im, data + n, len - n);
}

/* ---- the whole ------------------------------------------------------- */

int import_feed(
    struct import *im, const char *data, size_t len, struct err *err)
{
	if (im->failed)
		return done_with(im, im->failed, err);
	return done_with(im, import_decode(im, data, len), err);
}

static int end_kind(struct import *im)
{
	int r = 0;

	if (im->kind->shape == IMPORT_XML)
		r = xml_result(im, node_xml_end(im->xml, &im->err));
	else if (im->kind->line)
		r = end_lines(im);
	else
		r = json_result(im, node_json_end(&im->json, &im->err));
	return r < 0 ? r : im->kind->end(im, im->state);
}

int import_end(struct import *im, struct err *err)
{
	int r;

	if (im->failed)
		return done_with(im, im->failed, err);
	r = import_decode_end(im);
	if (r == 0 && !im->kind)
		r = recognise(im);
	if (r == 0)
		r = end_kind(im);
	return done_with(im, r, err);
}
