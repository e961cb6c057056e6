/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lab of one scheduler: see scheduler_lab.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/scheduler_lab.h"

struct scheduler *s;

int set_up(void **unused)
{
	(void)unused;
	s = scheduler_new();
	return 0;
}

int tear_down(void **unused)
{
	(void)unused;
	scheduler_free(s);
	return 0;
}

/* Splits "a b c" into words of a static array; at most 8. */
static size_t words(const char *text, const char *ret[8])
{
	static char store[64][160];
	static int turn;
	char *p = store[turn++ % 64];
	size_t n = 0;

	(void)snprintf(p, sizeof(store[0]), "%s", text);
	while (*p && n < 8) {
		ret[n++] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	return n;
}

void machine_at(int64_t id, const char *name, const char *platform,
    const char *tags, const char *host, const char *group)
{
	const char *list[8];
	struct machine_facts m = {.id = id,
	    .name = name,
	    .platform = platform,
	    .tags = list,
	    .host = host,
	    .group = group};

	m.n_tags = words(tags, list);
	scheduler_machine_put(s, &m);
}

void machine(int64_t id, const char *name, const char *tags)
{
	machine_at(id, name, "p", tags, name, NULL);
}

int class_with(const char *tags, const char *forbidden, const char *platform,
    struct requirement rest)
{
	const char *list[8];
	const char *not_list[8];

	rest.tags = list;
	rest.n_tags = words(tags, list);
	rest.forbidden = not_list;
	rest.n_forbidden = words(forbidden, not_list);
	rest.platform = platform;
	return scheduler_class(s, &rest);
}

int class_of(const char *tags)
{
	return class_with(tags, "", NULL, (struct requirement){0});
}

int quiet_class(const char *tags)
{
	return class_with(tags, "", NULL, (struct requirement){.quiet = true});
}

int pinned_class(int64_t machine_id, bool canary)
{
	return class_with("", "", NULL,
	    (struct requirement){.machine_id = machine_id, .canary = canary});
}

void push_of(int64_t id, int class_id, int priority, int64_t project)
{
	struct waiting_job j = {.id = id,
	    .class_id = class_id,
	    .priority = priority,
	    .project_id = project,
	    .expected_ms = 60000};

	scheduler_push(s, &j);
}

void push(int64_t id, int class_id)
{
	push_of(id, class_id, 0, 1);
}

void push_excluding(int64_t id, int class_id, int64_t a, int64_t b)
{
	int64_t excluded[2] = {a, b};
	struct waiting_job j = {.id = id,
	    .class_id = class_id,
	    .project_id = 1,
	    .excluded = excluded,
	    .n_excluded = b ? 2 : 1};

	scheduler_push(s, &j);
}

void expect(int64_t job, int64_t machine_id)
{
	struct lease l = {0, 0};

	assert_true(scheduler_next(s, &l));
	assert_int_equal(l.job_id, job);
	assert_int_equal(l.machine_id, machine_id);
}

void expect_none(void)
{
	struct lease l;

	assert_false(scheduler_next(s, &l));
}

void free_machine(int64_t id)
{
	scheduler_free_machine(s, id, 0);
}

void expect_why(int64_t job, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);

	assert_true(scheduler_why(s, job, 100000, &b));
	assert_string_equal(buf_str(&b), want);
}
