/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scoped(json_decref) and the reading of JSON that the agent's files share. */
#ifndef AGENT_JSON_H
#define AGENT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

SCOPED_DEFINE(json_t, json_decref);

/* The string at key if it has at most max bytes; else "". Never NULL. */
static inline const char *json_get_text(
    const json_t *json, const char *key, size_t max)
{
	const json_t *v = json_object_get(json, key);
	const char *s = json_string_value(v);

	return s && json_string_length(v) <= max ? s : "";
}

/* The integer at key; -1 for what is none: all of ours are 0 or more. */
static inline int64_t json_get_i64(const json_t *json, const char *key)
{
	const json_t *v = json_object_get(json, key);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

#endif
