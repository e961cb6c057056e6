/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events: one table of fields says what each kind holds and how long it may be.
 * Both ends use it, so neither journals nor applies what the other refuses.
 */
#include <math.h>
#include <string.h>

#include "agent/wire.h"
#include "base/str.h"

enum type {
	T_WORD, /* at most WIRE_WORD_MAX bytes, no control bytes */
	T_TEXT, /* at most WIRE_TEXT_MAX bytes */
	T_HASH,
	T_INT,   /* 0 .. INT_COUNT_MAX */
	T_COUNT, /* 0 .. COUNT_MAX */
	T_REAL,
	T_BOOL,
	T_STRINGS
};

enum {
	INT_COUNT_MAX = 1000000,
	STRINGS_MAX = 1000
};
#define COUNT_MAX (1LL << 48)

struct field {
	enum wire_kind kind;
	enum type type;
	bool optional;
	const char *name;
	size_t offset;
};

#define AT(member) offsetof(struct wire_event, member)

static const struct field fields[] = {
    {WIRE_ENV, T_WORD, false, "key", AT(env.key)},
    {WIRE_ENV, T_TEXT, false, "value", AT(env.value)},
    {WIRE_BOOT, T_WORD, false, "guest", AT(boot.guest)},
    {WIRE_BOOT, T_WORD, false, "variant", AT(boot.variant)},
    {WIRE_BOOT, T_INT, false, "pair", AT(boot.pair)},
    {WIRE_BOOT, T_INT, false, "position", AT(boot.position)},
    {WIRE_BOOT, T_STRINGS, false, "argv", AT(boot.argv)},
    {WIRE_STEP, T_INT, false, "n", AT(step.n)},
    {WIRE_STEP, T_INT, false, "of", AT(step.of)},
    {WIRE_STEP, T_TEXT, false, "text", AT(step.text)},
    {WIRE_CASE, T_TEXT, false, "name", AT(kase.name)},
    {WIRE_CASE, T_WORD, false, "result", AT(kase.result)},
    {WIRE_CASE, T_TEXT, true, "text", AT(kase.text)},
    {WIRE_SAMPLE, T_WORD, false, "metric", AT(sample.metric)},
    {WIRE_SAMPLE, T_WORD, false, "unit", AT(sample.unit)},
    {WIRE_SAMPLE, T_WORD, false, "variant", AT(sample.variant)},
    {WIRE_SAMPLE, T_WORD, false, "guest", AT(sample.guest)},
    {WIRE_SAMPLE, T_WORD, true, "controller", AT(sample.controller)},
    {WIRE_SAMPLE, T_INT, false, "pair", AT(sample.pair)},
    {WIRE_SAMPLE, T_INT, false, "position", AT(sample.position)},
    {WIRE_SAMPLE, T_REAL, false, "value", AT(sample.value)},
    {WIRE_SAMPLE, T_HASH, true, "raw", AT(sample.raw)},
    {WIRE_SAMPLE, T_BOOL, false, "valid", AT(sample.valid)},
    {WIRE_SAMPLE, T_TEXT, true, "why", AT(sample.why)},
    {WIRE_PROOF, T_WORD, false, "variant", AT(proof.variant)},
    {WIRE_PROOF, T_WORD, false, "backend", AT(proof.backend)},
    {WIRE_PROOF, T_TEXT, false, "evidence", AT(proof.evidence)},
    {WIRE_NOTE, T_TEXT, false, "text", AT(note.text)},
    {WIRE_FILE, T_WORD, false, "name", AT(file.name)},
    {WIRE_FILE, T_HASH, false, "sha256", AT(file.sha256)},
    {WIRE_FILE, T_COUNT, false, "size", AT(file.size)},
    {WIRE_END, T_WORD, false, "outcome", AT(end.outcome)},
    {WIRE_END, T_WORD, true, "layer", AT(end.layer)},
    {WIRE_END, T_COUNT, false, "cases", AT(end.cases)},
    {WIRE_END, T_COUNT, false, "samples", AT(end.samples)},
    {WIRE_END, T_HASH, false, "chain", AT(end.chain)},
    {WIRE_END, T_TEXT, true, "text", AT(end.text)},
};

static const char *const kind_names[] = {
    [WIRE_UNKNOWN] = "unknown",
    [WIRE_ENV] = "env",
    [WIRE_BOOT] = "boot",
    [WIRE_STEP] = "step",
    [WIRE_CASE] = "case",
    [WIRE_SAMPLE] = "sample",
    [WIRE_PROOF] = "proof",
    [WIRE_NOTE] = "note",
    [WIRE_FILE] = "file",
    [WIRE_END] = "end",
};

const char *wire_kind_name(enum wire_kind kind)
{
	if ((size_t)kind >= ARRAY_LEN(kind_names))
		return kind_names[WIRE_UNKNOWN];
	return kind_names[kind];
}

static enum wire_kind kind_from_name(const char *name)
{
	for (size_t i = 1; i < ARRAY_LEN(kind_names); i++)
		if (strcmp(name, kind_names[i]) == 0)
			return (enum wire_kind)i;
	return WIRE_UNKNOWN;
}

static bool is_word(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return len <= WIRE_WORD_MAX;
}

static bool is_hash(const char *s, size_t len)
{
	uint8_t hash[HASH_BYTES];

	return len == HASH_HEX && hash_unhex(s, hash, sizeof(hash));
}

static bool read_string(const json_t *v, enum type type, void *to)
{
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);

	if (!s || (type == T_WORD && !is_word(s, len)) ||
	    (type == T_TEXT && len > WIRE_TEXT_MAX) ||
	    (type == T_HASH && !is_hash(s, len)))
		return false;
	memcpy(to, &s, sizeof(s));
	return true;
}

static bool read_number(const json_t *v, enum type type, void *to)
{
	json_int_t n = json_integer_value(v);
	double real = json_number_value(v);

	if (type == T_REAL) {
		memcpy(to, &real, sizeof(real));
		return json_is_number(v) && isfinite(real);
	}
	if (!json_is_integer(v) || n < 0)
		return false;
	if (type == T_INT && n <= INT_COUNT_MAX) {
		*(int *)to = (int)n;
		return true;
	}
	if (type == T_COUNT && n <= COUNT_MAX) {
		*(int64_t *)to = n;
		return true;
	}
	return false;
}

static bool read_strings(const json_t *v, void *to)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v) || n > STRINGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	memcpy(to, &v, sizeof(v));
	return true;
}

static bool read_field(const json_t *v, enum type type, void *to)
{
	bool flag = json_is_true(v);

	switch (type) {
	case T_WORD:
	case T_TEXT:
	case T_HASH:
		return read_string(v, type, to);
	case T_INT:
	case T_COUNT:
	case T_REAL:
		return read_number(v, type, to);
	case T_BOOL:
		memcpy(to, &flag, sizeof(flag));
		return json_is_boolean(v);
	case T_STRINGS:
		return read_strings(v, to);
	}
	return false;
}

static bool end_is_sound(const struct wire_end *e)
{
	static const char *const outcomes[] = {
	    "pass", "fail", "error", "timeout", "cancelled"};
	static const char *const layers[] = {"power", "boot", "console", "ssh",
	    "agent", "host", "vm", "guest", "harness"};

	/* A layer belongs to an error, and an error to a layer. */
	return str_in(e->outcome, outcomes, ARRAY_LEN(outcomes)) &&
	    (strcmp(e->outcome, "error") == 0) == (e->layer != NULL) &&
	    (!e->layer || str_in(e->layer, layers, ARRAY_LEN(layers)));
}

/* What the table cannot say. */
static bool is_sound(const struct wire_event *e)
{
	static const char *const results[] = {"pass", "fail", "skip"};

	switch (e->kind) {
	case WIRE_CASE:
		return str_in(e->kase.result, results, ARRAY_LEN(results));
	case WIRE_FILE:
		return *e->file.name && !strchr(e->file.name, '/');
	case WIRE_SAMPLE:
		return *e->sample.metric && e->sample.position <= 1;
	case WIRE_END:
		return end_is_sound(&e->end);
	default:
		return true;
	}
}

int wire_event_read(
    const json_t *json, size_t size, struct wire_event *ret, struct err *err)
{
	const char *t = json_string_value(json_object_get(json, "t"));
	const json_t *s = json_object_get(json, "s");
	const json_t *mono = json_object_get(json, "mono_ms");
	struct wire_event e = {.size = size, .json = json};

	if (!t || !json_is_integer(s) || json_integer_value(s) < 1 ||
	    !json_is_integer(mono))
		return err_set(
		    err, ERR_PROTO, "an event without t, s, mono_ms");
	e.s = json_integer_value(s);
	e.mono_ms = json_integer_value(mono);
	e.kind = kind_from_name(t);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		const json_t *v = json_object_get(json, f->name);

		if (f->kind != e.kind ||
		    (f->optional && (!v || json_is_null(v))))
			continue;
		if (!v || !read_field(v, f->type, (char *)&e + f->offset))
			return err_set(err, ERR_PROTO,
			    "event %lld (%s) has a bad \"%s\"", (long long)e.s,
			    wire_kind_name(e.kind), f->name);
	}
	if (!is_sound(&e))
		return err_set(err, ERR_PROTO, "event %lld (%s) is not sound",
		    (long long)e.s, wire_kind_name(e.kind));
	*ret = e;
	return 0;
}
