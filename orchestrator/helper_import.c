/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child that reads results of other programs. It has one scratch folder,
 * no secrets, and 64 MiB of memory; if a hostile file kills it, the import is
 * refused.
 *
 * Reads one JSON object on stdin, writes one on stdout: what the file says, or
 * an error. The values go beside it into the scratch folder: as float64, in
 * the order of the series that the answer lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "orchestrator/helper.h"
#include "orchestrator/helper_import.h"
#include "orchestrator/helper_source.h"

SCOPED_DEFINE(json_t, json_decref);

enum {
	MEMORY_MAX = 64 << 20,
	TEXT_MAX = 6 << 20, /* bytes of each list of the answer */
	SERIES_MAX = 20000,
	WARNINGS_MAX = 100
};

/* Values of one series, or a row that says something of some. */
struct series {
	char *names; /* as JSON: all but numbers */
	enum bench_direction direction;
	enum import_of of;
	struct import_value v; /* its numbers only */
	double *values;
	size_t n;
	size_t cap;
	size_t next; /* 1 + index of the next one with this hash; 0: none */
};

struct reading {
	const char *name;    /* of the file, for messages */
	const char *machine; /* as given with the file; NULL: not */
	const char *variant;
	const char *guest;
	const char *controller;
	struct series *series;
	size_t n_series;
	size_t cap;
	size_t names_bytes;
	struct map by_hash; /* to 1 + index, as a pointer */
	bool needs_machine; /* a value came without one */
	char *said_machine; /* by the input, once */
	bool said_two;
	char *system; /* of the first value that names its own */
	bool systems; /* there are several */
	struct buf ratios;
	struct map cells; /* of ratios by hash: lines, as pointers */
	struct buf cases;
	json_t *facts;
	json_t *warnings;
	size_t n_warnings;
};

/* ---- lists as text ------------------------------------------------------- */

/* Adds to a list of JSON objects; takes ownership. Error: LIMIT. */
static int list_add(const struct reading *rd, struct buf *list, json_t *item,
    int64_t line, struct err *err)
{
	char *text = json_dumps(item, JSON_COMPACT);

	json_decref(item);
	if (!text)
		return err_set(err, ERR_PROTO, "%s:%" PRId64 ": not UTF-8",
		    rd->name, line);
	if (list->len)
		buf_putc(list, ',');
	buf_puts(list, text);
	free(text);
	if (!list->failed)
		return 0;
	return err_set(err, ERR_LIMIT,
	    "%s:%" PRId64 ": more than %d MiB of names and texts", rd->name,
	    line, TEXT_MAX >> 20);
}

/* ---- values -------------------------------------------------------------- */

static char *names_of(const struct reading *rd, const struct import_value *v)
{
	scoped(json_decref) json_t *o = json_pack(
	    "{s:s s:s s:s s:s s:s s:s s:s s:s}", "metric", v->metric, "label",
	    v->label, "unit", v->unit, "system", v->machine, "machine",
	    rd->machine ? rd->machine : v->machine, "variant",
	    rd->variant ? rd->variant : "", "guest", rd->guest ? rd->guest : "",
	    "controller", rd->controller ? rd->controller : "");

	return o ? json_dumps(o, JSON_COMPACT) : NULL;
}

/* FNV-1a; never 0. Series with the same hash are a list. */
static int64_t hash_of(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (int64_t)(h >> 1 | 1);
}

/* Takes ownership of the names. */
static struct series *series_add(
    struct reading *rd, char *names, const struct import_value *v)
{
	struct series *s;

	if (rd->n_series == rd->cap) {
		rd->cap = rd->cap ? 2 * rd->cap : 64;
		rd->series =
		    xrealloc(rd->series, rd->cap, sizeof(rd->series[0]));
	}
	rd->names_bytes += strlen(names);
	s = &rd->series[rd->n_series++];
	*s = (struct series){
	    .names = names, .direction = v->direction, .of = v->of, .v = *v};
	return s;
}

/* Only single measurements of one name become one series. */
static int series_of(struct reading *rd, const struct import_value *v,
    struct series **ret, struct err *err)
{
	scoped(free) char *names = names_of(rd, v);
	int64_t hash = names ? hash_of(names) : 0;
	size_t first = (size_t)map_find(&rd->by_hash, hash ? hash : 1);

	if (!names)
		return err_set(err, ERR_PROTO, "%s:%" PRId64 ": not UTF-8",
		    rd->name, v->line);
	for (size_t at = first; at && v->of == IMPORT_SAMPLE;
	     at = rd->series[at - 1].next) {
		*ret = &rd->series[at - 1];
		if (str_eq((*ret)->names, names) &&
		    (*ret)->direction == v->direction)
			return 0;
	}
	if (rd->n_series == SERIES_MAX || rd->names_bytes > TEXT_MAX)
		return err_set(err, ERR_LIMIT,
		    "%s:%" PRId64 ": more than %d series, or %d MiB of their "
		    "names",
		    rd->name, v->line, SERIES_MAX, TEXT_MAX >> 20);
	*ret = series_add(rd, take(names), v);
	if (v->of == IMPORT_SAMPLE) {
		(*ret)->next = first;
		map_put(&rd->by_hash, hash, (void *)rd->n_series);
	}
	return 0;
}

static void remember_system(struct reading *rd, const char *name)
{
	if (*name && !rd->system)
		rd->system = xstrdup(name);
	rd->systems = rd->systems || (*name && !str_eq(rd->system, name));
}

static int on_value(void *arg, const struct import_value *v, struct err *err)
{
	struct reading *rd = arg;
	struct series *s = NULL;
	int r = series_of(rd, v, &s, err);

	if (r < 0)
		return r;
	remember_system(rd, v->machine);
	if (!rd->machine && !*v->machine)
		rd->needs_machine = true;
	if (v->of != IMPORT_SAMPLE)
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 4;
		s->values = xrealloc(s->values, s->cap, sizeof(double));
	}
	s->values[s->n++] = v->value;
	return 0;
}

/* ---- the rest of what is told -------------------------------------------- */

static int on_case(void *arg, const struct import_case *c, struct err *err)
{
	struct reading *rd = arg;

	return list_add(rd, &rd->cases,
	    json_pack("{s:s s:i s:s}", "name", c->name, "result", c->result,
	        "text", c->text),
	    c->line, err);
}

static int on_verdict(
    void *arg, const struct import_verdict *v, struct err *err)
{
	struct reading *rd = arg;

	(void)err;
	(void)json_object_set_new(
	    rd->facts, "verdict", json_string(v->pass ? "pass" : "fail"));
	(void)json_object_set_new(rd->facts, "why", json_string(v->text));
	return 0;
}

/* Two ratios of one cell: nobody knows which is right. */
static int check_cell(
    struct reading *rd, const struct import_ratio *q, struct err *err)
{
	scoped(free) char *names =
	    xasprintf("%s\n%s\n%s\n%s\n%s\n%s", q->metric, q->machine, q->guest,
	        q->controller, q->baseline, q->candidate);
	int64_t hash = hash_of(names);
	intptr_t line = (intptr_t)map_find(&rd->cells, hash);

	if (line)
		return err_set(err, ERR_PROTO,
		    "%s:%" PRId64 ": a second overhead of the cell in line "
		    "%" PRIdPTR,
		    rd->name, q->line, line);
	map_put(&rd->cells, hash, (void *)(intptr_t)q->line);
	return 0;
}

static int on_ratio(void *arg, const struct import_ratio *q, struct err *err)
{
	struct reading *rd = arg;

	if (rd->machine || rd->variant || rd->guest || rd->controller)
		return err_set(err, ERR_INVAL,
		    "%s:%" PRId64 ": a table of ratios names machines, "
		    "variants, guests and controllers itself: leave them out",
		    rd->name, q->line);
	if (check_cell(rd, q, err) < 0)
		return -ERR_PROTO;
	return list_add(rd, &rd->ratios,
	    json_pack("{s:s s:i s:s s:s s:s s:s s:s s:f s:s}", "metric",
	        q->metric, "direction", q->direction, "machine", q->machine,
	        "guest", q->guest, "controller", q->controller, "baseline",
	        q->baseline, "candidate", q->candidate, "overhead", q->overhead,
	        "printed", q->printed),
	    q->line, err);
}

/* A key that comes again (machines of a composite) has all of its values. */
static int on_meta(
    void *arg, const char *key, const char *value, struct err *err)
{
	struct reading *rd = arg;
	const char *old = json_string_value(json_object_get(rd->facts, key));

	(void)err;
	if (str_eq(key, "machine")) {
		rd->said_two = rd->said_two ||
		    (rd->said_machine && !str_eq(rd->said_machine, value));
		if (!rd->said_machine)
			rd->said_machine = xstrdup(value);
	}
	if (old && (str_eq(old, value) || strlen(old) > IMPORT_LINE_MAX))
		return 0;
	(void)json_object_set_new(rd->facts, key,
	    old ? json_sprintf("%s; %s", old, value) : json_string(value));
	return 0;
}

static int on_skipped(
    void *arg, const struct import_skipped *s, struct err *err)
{
	struct reading *rd = arg;

	(void)err;
	if (rd->n_warnings++ < WARNINGS_MAX)
		(void)json_array_append_new(rd->warnings,
		    json_sprintf("line %lld: %s: not imported, %s",
		        (long long)s->line, s->what, s->why));
	return 0;
}

static const struct import_ops ops = {
    on_meta, on_value, on_case, on_verdict, on_ratio, on_skipped};

/* ---- the file ------------------------------------------------------------ */

/* One pass: copied, hashed and read at once. */
static int read_all(struct bundle *b, int fd, const char *name,
    struct import *im, struct err *err)
{
	scoped(free) char *chunk = xcalloc(1, SOURCE_CHUNK);
	struct sink s;
	off_t at = 0;
	ssize_t n = 0;
	int r = sink_open(b, &s, err);

	if (r < 0)
		return r;
	while (r == 0 && (n = pread(fd, chunk, SOURCE_CHUNK, at)) > 0) {
		at += n;
		r = import_feed(im, chunk, (size_t)n, err);
		if (r == 0)
			r = sink_add(b, &s, chunk, (size_t)n, err);
	}
	if (r == 0 && n < 0)
		r = err_errno(err, errno, "read %s", name);
	if (r == 0)
		r = import_end(im, err);
	return sink_close(b, &s, name, r, err);
}

static int write_values(
    const struct bundle *b, const struct reading *rd, struct err *err)
{
	scoped(free) char *path =
	    xasprintf("%s/%s", b->scratch, HELPER_IMPORT_VALUES);
	scoped_val(fd_done) int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = 0;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	for (size_t i = 0; r == 0 && i < rd->n_series; i++)
		r = fs_write_all(fd, rd->series[i].values,
		    rd->series[i].n * sizeof(double), err);
	return r;
}

/* What values need that the input does not have, from beside it. */
static int check_machine(const struct reading *rd, struct err *err)
{
	if (!rd->needs_machine || (rd->said_machine && !rd->said_two))
		return 0;
	return err_set(err, ERR_INVAL,
	    rd->said_two
	        ? "%s: it is of several machines and does not say which "
	          "value is whose; name the machine"
	        : "%s: it does not say on which machine this was measured; "
	          "name the machine",
	    rd->name);
}

/* ---- the answer ---------------------------------------------------------- */

static struct bench_moments moments_of(const struct series *s)
{
	struct bench_moments m = {0, 0, 0};

	for (size_t i = 0; i < s->n; i++)
		bench_moments_add(&m, s->values[i]);
	return m;
}

/* Jansson has no NAN: what is not known is left out. */
static void put_known(json_t *o, const char *key, double v)
{
	if (isfinite(v))
		(void)json_object_set_new(o, key, json_real(v));
}

static void put_numbers(json_t *o, const struct series *s)
{
	struct bench_moments m = moments_of(s);
	double lo = s->v.min;
	double hi = s->v.max;

	if (s->of != IMPORT_SAMPLE) {
		put_known(o, "mean", s->v.value);
		put_known(o, "low", lo);
		put_known(o, "high", hi);
		if (s->v.n > 0)
			put_known(
			    o, "m2", s->v.sd * s->v.sd * (double)(s->v.n - 1));
		(void)json_object_set_new(o, "n", json_integer(s->v.n));
		return;
	}
	lo = hi = s->values[0];
	for (size_t i = 1; i < s->n; i++) {
		lo = s->values[i] < lo ? s->values[i] : lo;
		hi = s->values[i] > hi ? s->values[i] : hi;
	}
	put_known(o, "mean", m.mean);
	put_known(o, "m2", m.m2);
	put_known(o, "low", lo);
	put_known(o, "high", hi);
	(void)json_object_set_new(o, "n", json_integer((json_int_t)s->n));
}

/*
 * What the input calls its systems, where the machine is given from beside it:
 * the variants, or, if they are given, too, a part of what was measured. Series
 * of two systems are never one.
 */
static void name_system(const struct reading *rd, json_t *o)
{
	const char *label = json_string_value(json_object_get(o, "label"));
	const char *system = json_string_value(json_object_get(o, "system"));

	if (!rd->machine || !*system)
		return;
	if (!rd->variant)
		(void)json_object_set_new(o, "variant", json_string(system));
	else if (rd->systems)
		(void)json_object_set_new(o, "label",
		    json_sprintf("%s%s%s", label, *label ? ", " : "", system));
}

static void print_series(const struct reading *rd, const struct series *s)
{
	json_t *o = json_loads(s->names, 0, NULL);

	name_system(rd, o);
	(void)json_object_del(o, "system");
	if (!*json_string_value(json_object_get(o, "machine")))
		(void)json_object_set_new(
		    o, "machine", json_string(rd->said_machine));
	(void)json_object_set_new(o, "kind", json_integer(s->of));
	(void)json_object_set_new(o, "direction", json_integer(s->direction));
	put_numbers(o, s);
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
}

/* Piece by piece: the whole is too much for one tree in this memory. */
static void print(
    const struct bundle *b, struct reading *rd, const struct import_result *res)
{
	scoped(json_decref) json_t *head = json_pack("{s:s s:s s:O s:O s:O}",
	    "format", res->format, "title", res->title, "files", b->files,
	    "facts", rd->facts, "warnings", rd->warnings);
	scoped(free) char *text = json_dumps(head, JSON_COMPACT);

	/* The head without its closing bracket; a dead daemon reads nothing. */
	(void)printf("%.*s,\"samples\":[", (int)strlen(text) - 1, text);
	for (size_t i = 0; i < rd->n_series; i++) {
		if (i)
			(void)fputc(',', stdout);
		print_series(rd, &rd->series[i]);
	}
	(void)printf("],\"ratios\":[%s],\"cases\":[%s]}", buf_str(&rd->ratios),
	    buf_str(&rd->cases));
	(void)fflush(stdout);
}

/* ---- the whole ----------------------------------------------------------- */

static const char *given(const json_t *request, const char *key)
{
	const char *s = json_string_value(json_object_get(request, key));

	return s && *s ? s : NULL;
}

static int fill(struct bundle *b, struct reading *rd, const json_t *request,
    struct import *im, struct err *err)
{
	const char *format = given(request, "format");
	int fd = (int)json_integer_value(json_object_get(request, "file"));
	int r = format ? import_force(im, format, err) : 0;

	if (r == 0)
		r = read_all(b, fd, rd->name, im, err);
	if (r == 0)
		r = check_machine(rd, err);
	if (r == 0 && rd->systems && rd->machine && rd->variant)
		(void)json_array_append_new(rd->warnings,
		    json_string("it has values of several systems: each has "
		                "series of its own, with its name"));
	if (r == 0 && rd->n_warnings > WARNINGS_MAX)
		(void)json_array_append_new(rd->warnings,
		    json_sprintf("%zu more lines were not imported",
		        rd->n_warnings - WARNINGS_MAX));
	if (r == 0)
		r = write_values(b, rd, err);
	return r == 0 ? fs_sync_dir(b->scratch, err) : r;
}

static void memory_limit(void)
{
#ifndef IB_SANITIZED
	struct rlimit l = {MEMORY_MAX, MEMORY_MAX};

	/* A limit that is lower already is as good. */
	(void)setrlimit(RLIMIT_DATA, &l);
#endif
}

static void reading_done(struct reading *rd)
{
	for (size_t i = 0; i < rd->n_series; i++) {
		free(rd->series[i].names);
		free(rd->series[i].values);
	}
	free(rd->series);
	free(rd->said_machine);
	free(rd->system);
	map_done(&rd->by_hash);
	map_done(&rd->cells);
	buf_done(&rd->ratios);
	buf_done(&rd->cases);
	json_decref(rd->facts);
	json_decref(rd->warnings);
}

int helper_import_main(void)
{
	struct bundle b = {.files = json_array(), .ignored = json_array()};
	json_t *request;
	struct reading rd = {.ratios = BUF_INIT(TEXT_MAX),
	    .cases = BUF_INIT(TEXT_MAX),
	    .facts = json_object(),
	    .warnings = json_array()};
	scoped(import_free) struct import *im = NULL;
	struct err err = ERR_INIT;
	int r;

	helper_limits();
	memory_limit();
	request = json_loadf(stdin, 0, NULL);
	b.scratch = given(request, "scratch");
	rd.name = given(request, "name");
	rd.machine = given(request, "machine");
	rd.variant = given(request, "variant");
	rd.guest = given(request, "guest");
	rd.controller = given(request, "controller");
	if (!b.scratch || !rd.name) {
		r = err_set(&err, ERR_PROTO, "helper import: bad request");
	} else {
		im = import_new(rd.name, &ops, &rd);
		r = fill(&b, &rd, request, im, &err);
	}
	if (r < 0)
		helper_print(json_pack(
		    "{s:s s:s}", "error", err.msg, "kind", err_name(r)));
	else
		print(&b, &rd, import_result(im));
	json_decref(request);
	reading_done(&rd);
	bundle_done(&b);
	return 0;
}
