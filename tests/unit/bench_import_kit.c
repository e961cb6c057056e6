/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/bench_import_kit.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/bench_kit.h"

static int on_meta(
    void *arg, const char *key, const char *value, struct err *err)
{
	struct told *t = arg;

	(void)err;
	buf_printf(&t->log, "meta %s: %s\n", key, value);
	return 0;
}

static int on_value(void *arg, const struct import_value *v, struct err *err)
{
	struct told *t = arg;
	struct told_value *to;

	(void)err;
	t->values = xrealloc(t->values, t->n_values + 1, sizeof(t->values[0]));
	to = &t->values[t->n_values++];
	(void)snprintf(to->metric, sizeof(to->metric), "%s", v->metric);
	(void)snprintf(to->label, sizeof(to->label), "%s", v->label);
	(void)snprintf(to->machine, sizeof(to->machine), "%s", v->machine);
	(void)snprintf(to->unit, sizeof(to->unit), "%s", v->unit);
	to->v = *v;
	buf_printf(&t->log,
	    "value %s [%s] {%s} %.17g %s %d %" PRId64 " line %" PRId64 "\n",
	    v->metric, v->label, v->machine, v->value, v->unit, (int)v->of,
	    v->n, v->line);
	return 0;
}

static int on_case(void *arg, const struct import_case *c, struct err *err)
{
	static const char *const names[] = {"", "pass", "fail", "skip"};
	struct told *t = arg;

	(void)err;
	buf_printf(&t->log, "%s %s: %s\n", names[c->result], c->name, c->text);
	return 0;
}

static int on_verdict(
    void *arg, const struct import_verdict *v, struct err *err)
{
	struct told *t = arg;

	(void)err;
	buf_printf(
	    &t->log, "verdict %s: %s\n", v->pass ? "pass" : "fail", v->text);
	return 0;
}

static int on_ratio(void *arg, const struct import_ratio *r, struct err *err)
{
	struct told *t = arg;

	(void)err;
	buf_printf(&t->log, "ratio %s %s %s %s/%s %s %s %.17g %s\n", r->machine,
	    r->metric, bench_direction_name(r->direction), r->baseline,
	    r->candidate, r->guest, r->controller, r->overhead, r->printed);
	return 0;
}

static int on_skipped(
    void *arg, const struct import_skipped *s, struct err *err)
{
	struct told *t = arg;

	(void)err;
	buf_printf(&t->log, "skipped %s: %s\n", s->what, s->why);
	return 0;
}

void told_done(struct told *t)
{
	free(t->values);
	buf_done(&t->log);
	*t = (struct told){.r = 0};
}

void kit_import(const char *data, size_t len, size_t piece, const char *format,
    struct told *ret)
{
	static const struct import_ops ops = {
	    on_meta, on_value, on_case, on_verdict, on_ratio, on_skipped};
	scoped(import_free) struct import *im = import_new("f", &ops, ret);

	told_done(ret);
	ret->log = (struct buf)BUF_INIT(64 << 20);
	if (format)
		ret->r = import_force(im, format, &ret->err);
	if (!piece)
		piece = len ? len : 1;
	for (size_t at = 0; ret->r == 0 && at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		ret->r = import_feed(im, data + at, n, &ret->err);
	}
	if (ret->r == 0)
		ret->r = import_end(im, &ret->err);
	ret->result = *import_result(im);
}

void kit_import_file(const char *path, struct told *ret)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(4 << 20);

	kit_text(path, &text);
	kit_import(buf_str(&text), text.len, 0, NULL, ret);
	if (ret->r < 0)
		fail_msg("%s: %s", path, ret->err.msg);
}

const struct told_value *told_find(
    const struct told *t, const char *metric, const char *label, size_t i)
{
	for (size_t at = 0; at < t->n_values; at++) {
		const struct told_value *v = &t->values[at];

		if (str_eq(v->metric, metric) &&
		    (!label || str_eq(v->label, label)) && i-- == 0)
			return v;
	}
	return NULL;
}

void told_wants(
    const struct told *t, const char *metric, const char *label, double value)
{
	const struct told_value *v = told_find(t, metric, label, 0);

	if (!v)
		fail_msg("no %s among\n%s", metric, buf_str(&t->log));
	else
		kit_near(metric, v->v.value, value, 1e-9);
}

void told_has(const struct told *t, const char *line)
{
	scoped(free) char *whole = xasprintf("\n%s\n", line);
	scoped(free) char *log = xasprintf("\n%s", buf_str(&t->log));

	if (!strstr(log, whole))
		fail_msg("no '%s' in\n%s", line, buf_str(&t->log));
}
