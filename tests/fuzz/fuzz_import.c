/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Importers. The first byte chooses the format ('a': recognised by content;
 * 'b', 'c', ...: in the order of the table). Whatever the bytes are, what is
 * told is clean and in range, does not depend on how the input is cut, and a
 * refusal is one line.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "bench/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* What one reading told, as a hash of it in order. */
struct heard {
	uint64_t hash;
	int64_t line;
	int verdicts;
};

static void hear(struct heard *h, const void *p, size_t len)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < len; i++)
		h->hash = (h->hash ^ c[i]) * 1099511628211U;
}

static void hear_text(struct heard *h, const char *s, size_t max)
{
	size_t len = strlen(s);

	require(len < max && str_is_utf8(s, len));
	for (size_t i = 0; i < len; i++)
		require((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
	hear(h, s, len + 1);
}

static int on_meta(
    void *arg, const char *key, const char *value, struct err *err)
{
	(void)err;
	hear_text(arg, key, 32);
	hear_text(arg, value, IMPORT_TEXT_MAX);
	require(value[0]);
	return 0;
}

static bool is_amount(double v)
{
	return isfinite(v) && v >= 0;
}

static int on_value(void *arg, const struct import_value *v, struct err *err)
{
	struct heard *h = arg;

	(void)err;
	hear_text(h, v->metric, IMPORT_NAME_MAX);
	hear_text(h, v->label, IMPORT_TEXT_MAX);
	hear_text(h, v->machine, IMPORT_TEXT_MAX);
	hear_text(h, v->unit, IMPORT_NAME_MAX);
	require(v->metric[0] && is_amount(v->value) && v->n >= 0);
	require(v->direction == BENCH_HIGHER || v->direction == BENCH_LOWER);
	require(v->of >= IMPORT_SAMPLE && v->of <= IMPORT_BEST);
	require(isnan(v->sd) || is_amount(v->sd));
	require(isnan(v->median) || is_amount(v->median));
	require(v->line > 0);
	hear(h, &v->value, sizeof(v->value));
	hear(h, &v->line, sizeof(v->line));
	return 0;
}

static int on_case(void *arg, const struct import_case *c, struct err *err)
{
	struct heard *h = arg;

	(void)err;
	hear_text(h, c->name, IMPORT_TEXT_MAX);
	hear_text(h, c->text, IMPORT_TEXT_MAX);
	require(c->result >= CASE_PASS && c->result <= CASE_SKIP);
	require(!h->verdicts && c->line >= h->line);
	h->line = c->line;
	return 0;
}

static int on_verdict(
    void *arg, const struct import_verdict *v, struct err *err)
{
	struct heard *h = arg;

	(void)err;
	hear_text(h, v->text, IMPORT_TEXT_MAX);
	require(v->pass == !v->text[0]);
	require(!h->verdicts++);
	return 0;
}

static int on_ratio(void *arg, const struct import_ratio *r, struct err *err)
{
	struct heard *h = arg;

	(void)err;
	hear_text(h, r->machine, IMPORT_TEXT_MAX);
	hear_text(h, r->metric, IMPORT_TEXT_MAX);
	hear_text(h, r->printed, IMPORT_TEXT_MAX);
	require(isfinite(r->overhead) && r->overhead > 0);
	return 0;
}

static int on_skipped(
    void *arg, const struct import_skipped *s, struct err *err)
{
	(void)err;
	hear_text(arg, s->what, IMPORT_TEXT_MAX);
	hear_text(arg, s->why, IMPORT_TEXT_MAX);
	require(s->why[0]);
	return 0;
}

static int run(const char *format, const char *data, size_t size, size_t step,
    struct heard *h, struct err *err)
{
	static const struct import_ops ops = {
	    on_meta, on_value, on_case, on_verdict, on_ratio, on_skipped};
	scoped(import_free) struct import *im = import_new("f", &ops, h);
	int r = format ? import_force(im, format, err) : 0;

	*h = (struct heard){.hash = 14695981039346656037U};
	for (size_t at = 0; r == 0 && at < size; at += step)
		r = import_feed(
		    im, data + at, size - at < step ? size - at : step, err);
	if (r == 0)
		r = import_end(im, err);
	if (r < 0)
		require(err->kind == -r && str_starts(err->msg, "f:") &&
		    !strpbrk(err->msg, "\r\n\x1b"));
	require(r < 0 || import_result(im)->format);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	const char *format = NULL;
	struct heard whole, pieces;
	struct err err = ERR_INIT;
	struct err again = ERR_INIT;
	int r;

	if (!size)
		return 0;
	if (data[0] > 'a')
		format = import_format_name((size_t)data[0] - 'b');
	r = run(format, text, size - 1, size, &whole, &err);
	require(
	    run(format, text, size - 1, 1 + size / 7, &pieces, &again) == r);
	require(strcmp(err.msg, again.msg) == 0);
	require(whole.hash == pieces.hash);
	return 0;
}
