/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Short words for tests of the queue: one scheduler, fresh for every test. */
#ifndef TESTS_UNIT_SCHEDULER_LAB_H
#define TESTS_UNIT_SCHEDULER_LAB_H

#include "scheduler/scheduler.h"

extern struct scheduler *s;

#define with_lab(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Tags are words with a blank between them; equal numbers name equal things. */
int set_up(void **unused);
int tear_down(void **unused);
void machine_at(int64_t id, const char *name, const char *platform,
    const char *tags, const char *host, const char *group);
void machine(int64_t id, const char *name, const char *tags);
int class_with(const char *tags, const char *forbidden, const char *platform,
    struct requirement rest);
int class_of(const char *tags);
int quiet_class(const char *tags);
int pinned_class(int64_t machine_id, bool canary);
void push_of(int64_t id, int class_id, int priority, int64_t project);
void push(int64_t id, int class_id);
void push_excluding(int64_t id, int class_id, int64_t a, int64_t b);
void expect(int64_t job, int64_t machine_id);
void expect_none(void);
void free_machine(int64_t id);
void expect_why(int64_t job, const char *want);

#endif
