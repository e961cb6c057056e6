/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job events as JSON, for the database.
 *
 * Which keys an event has follows from its type alone, so that what is stored
 * can be read back strictly: an unknown, missing or ill-typed key is an error.
 */
#include "scheduler/scheduler.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/str.h"

SCOPED_DEFINE(json_t, json_decref);

static bool has_lease(enum job_event_type type)
{
	return type == JOB_EV_LEASE;
}

static bool has_verdict(enum job_event_type type)
{
	return type == JOB_EV_COLLECTED || type == JOB_EV_ABORT;
}

/* Evidence comes from serial lines: what is not UTF-8 becomes '?'. */
static json_t *text_json(const char *text)
{
	scoped(free) char *copy = xstrdup(text);
	char *s = copy;

	if (str_is_utf8(copy, strlen(copy)))
		return json_string(copy);
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			*s = '?';
	return json_string(copy);
}

/* Jansson fails here only when memory is exhausted: see base/mem.h. */
static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort();
}

static void put_true(json_t *object, const char *key, bool value)
{
	if (value)
		put(object, key, json_true());
}

void job_event_encode(const struct job_event *ev, struct buf *to)
{
	scoped(json_decref) json_t *o = json_object();
	scoped(free) char *text = NULL;
	const struct verdict *v = &ev->verdict;

	if (has_lease(ev->type)) {
		put(o, "attempt", json_integer(ev->attempt_id));
		put(o, "machine", json_integer(ev->machine_id));
	}
	if (has_verdict(ev->type)) {
		put(o, "outcome", json_string(outcome_name(v->outcome)));
		if (v->layer != LAYER_NONE)
			put(o, "layer", json_string(layer_name(v->layer)));
		put_true(o, "expected", v->expected);
		put_true(o, "skips", v->skips);
		put_true(o, "blameless", v->blameless);
	}
	if (ev->text)
		put(o, "text", text_json(ev->text));
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		abort();
	buf_puts(to, text);
}

static int bad(struct err *err, const char *key)
{
	return err_set(err, ERR_PROTO, "job event: bad '%s'", key);
}

/* Takes an id out of the object. */
static int take_id(json_t *o, const char *key, int64_t *ret, struct err *err)
{
	json_t *value = json_object_get(o, key);

	if (!json_is_integer(value))
		return bad(err, key);
	*ret = json_integer_value(value);
	(void)json_object_del(o, key); /* it is there */
	return 0;
}

/* Takes an optional flag out of the object. */
static int take_flag(json_t *o, const char *key, bool *ret, struct err *err)
{
	json_t *value = json_object_get(o, key);

	*ret = false;
	if (!value)
		return 0;
	if (!json_is_true(value))
		return bad(err, key);
	*ret = true;
	(void)json_object_del(o, key); /* it is there */
	return 0;
}

static int take_verdict(json_t *o, struct verdict *ret, struct err *err)
{
	const char *outcome = json_string_value(json_object_get(o, "outcome"));
	json_t *layer = json_object_get(o, "layer");
	int r;

	if (!outcome || !outcome_from_name(outcome, &ret->outcome))
		return bad(err, "outcome");
	ret->layer = LAYER_NONE;
	if (layer &&
	    (!json_is_string(layer) ||
	        !layer_from_name(json_string_value(layer), &ret->layer)))
		return bad(err, "layer");
	(void)json_object_del(o, "outcome"); /* it is there */
	(void)json_object_del(o, "layer");   /* may be absent */
	r = take_flag(o, "expected", &ret->expected, err);
	if (r == 0)
		r = take_flag(o, "skips", &ret->skips, err);
	if (r == 0)
		r = take_flag(o, "blameless", &ret->blameless, err);
	return r;
}

static int take_fields(json_t *o, struct job_event *ev, struct err *err)
{
	int r = 0;

	if (has_lease(ev->type)) {
		r = take_id(o, "attempt", &ev->attempt_id, err);
		if (r == 0)
			r = take_id(o, "machine", &ev->machine_id, err);
	}
	if (has_verdict(ev->type))
		r = take_verdict(o, &ev->verdict, err);
	return r;
}

static int take_text(json_t *o, char **ret, struct err *err)
{
	json_t *value = json_object_get(o, "text");

	*ret = NULL;
	if (!value)
		return 0;
	if (!json_is_string(value))
		return bad(err, "text");
	*ret = xstrdup(json_string_value(value));
	(void)json_object_del(o, "text"); /* it is there */
	return 0;
}

int job_event_decode(
    const char *data, struct job_event *ev, char **ret_text, struct err *err)
{
	json_error_t je;
	scoped(json_decref) json_t *o =
	    json_loads(data ? data : "{}", JSON_REJECT_DUPLICATES, &je);
	struct job_event got = {
	    .seq = ev->seq, .at_ms = ev->at_ms, .type = ev->type};
	scoped(free) char *text = NULL;
	int r;

	if (!json_is_object(o))
		return err_set(err, ERR_PROTO, "job event: %s",
		    o ? "not an object" : je.text);
	r = take_fields(o, &got, err);
	if (r == 0)
		r = take_text(o, &text, err);
	if (r < 0)
		return r;
	if (json_object_size(o))
		return bad(err, json_object_iter_key(json_object_iter(o)));
	got.text = text;
	*ev = got;
	*ret_text = take(text);
	return 0;
}
