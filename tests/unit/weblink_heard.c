/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/weblink_heard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/weblink.h"

struct heard heard;

void __wrap_weblink_answer_json(struct asker who, int code, json_t *body);
void __wrap_weblink_answer_error(struct asker who, int code, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void __wrap_weblink_event(struct daemon *d, struct json_t *event);

static void hear(int code, const char *text)
{
	heard.answers++;
	heard.status = code;
	assert_true(strlen(text) < sizeof(heard.text));
	memcpy(heard.text, text, strlen(text) + 1);
}

void __wrap_weblink_answer_json(struct asker who, int code, json_t *body)
{
	scoped(free) char *text = json_dumps(body, JSON_COMPACT);

	(void)who;
	hear(code, text);
	json_decref(body);
}

void __wrap_weblink_answer_error(
    struct asker who, int code, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	(void)who;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hear(code, text);
}

void __wrap_weblink_event(struct daemon *d, struct json_t *event)
{
	(void)d;
	json_decref(event);
}
