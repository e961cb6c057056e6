/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision costs: a machine becomes free, and which of a million
 * waiting jobs does it get? Beside it two readings of the clock, the least
 * that can be measured, and a copy of 1 MiB.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "tests/bench/bench.h"

enum {
	TAGS = 400,
	PROJECTS = 20,
	PLATFORMS = 50,
	COPY_BYTES = 1 << 20,
	COPIES = 200
};

struct queue {
	struct scheduler *s;
	char tags[TAGS][16];
	char platforms[PLATFORMS][16];
	int64_t machines;
	int64_t jobs;
	int profiles;
	int n_classes;
	int *classes;
	int decisions;
	int64_t next_job;
	uint64_t random;
};

static int draw(struct queue *q, int n)
{
	q->random ^= q->random << 13;
	q->random ^= q->random >> 7;
	q->random ^= q->random << 17;
	return (int)(q->random % (uint64_t)n);
}

/* Machines of a profile have the tags that its number draws. */
static void add_machines(struct queue *q)
{
	const char *tags[64];
	char name[32];
	struct machine_facts m = {.name = name, .host = name, .tags = tags};
	uint64_t saved = q->random;

	for (int64_t i = 0; i < q->machines; i++) {
		q->random = (uint64_t)(i % q->profiles + 1) *
		    UINT64_C(0x9e3779b97f4a7c15);
		m.n_tags = 10 + (size_t)draw(q, 40);
		for (size_t k = 0; k < m.n_tags; k++)
			tags[k] = q->tags[draw(q, TAGS)];
		m.platform = q->platforms[draw(q, PLATFORMS)];
		m.id = i + 1;
		(void)snprintf(name, sizeof(name), "m%" PRId64, i);
		scheduler_machine_put(q->s, &m);
	}
	q->random = saved;
}

static void add_classes(struct queue *q)
{
	const char *tags[4];
	const char *not_tags[1];
	struct requirement r = {.tags = tags, .forbidden = not_tags};

	q->classes = xcalloc((size_t)q->n_classes, sizeof(*q->classes));
	for (int i = 0; i < q->n_classes; i++) {
		r.n_tags = (size_t)draw(q, 4);
		for (size_t k = 0; k < r.n_tags; k++)
			tags[k] = q->tags[draw(q, TAGS)];
		r.n_forbidden = (size_t)draw(q, 2);
		not_tags[0] = q->tags[draw(q, TAGS)];
		r.platform =
		    draw(q, 10) < 7 ? q->platforms[draw(q, PLATFORMS)] : NULL;
		q->classes[i] = scheduler_class(q->s, &r);
	}
}

static void push(struct queue *q)
{
	struct waiting_job j = {
	    .id = ++q->next_job,
	    .class_id = q->classes[draw(q, q->n_classes)],
	    .priority = draw(q, 5) - 2,
	    .project_id = 1 + draw(q, PROJECTS),
	    .expected_ms = 1000 + draw(q, 600000),
	};

	scheduler_push(q->s, &j);
}

static void drain(struct queue *q)
{
	struct lease l;

	while (scheduler_next(q->s, &l))
		continue;
}

static void make(struct queue *q)
{
	q->s = scheduler_new();
	for (int i = 0; i < TAGS; i++)
		(void)snprintf(q->tags[i], sizeof(q->tags[i]), "t%d", i);
	for (int i = 0; i < PLATFORMS; i++)
		(void)snprintf(
		    q->platforms[i], sizeof(q->platforms[i]), "p%d", i);
	add_machines(q);
	add_classes(q);
	for (int64_t i = 0; i < q->jobs; i++)
		push(q);
	drain(q);
}

/* ---- measuring ----------------------------------------------------------- */

/* The queue stays as long as it is: a job comes for each that goes. */
static void measure_free(struct queue *q, struct samples *to)
{
	struct lease l;

	for (int i = 0; i < q->decisions; i++) {
		int64_t began_ns;

		scheduler_free_machine(q->s, 1 + draw(q, (int)q->machines), 1);
		began_ns = clock_mono_ns();
		(void)scheduler_next(q->s, &l); /* there may be no job for it */
		samples_add(to, clock_mono_ns() - began_ns);
		push(q);
		drain(q);
	}
}

static void measure_push(struct queue *q, struct samples *to)
{
	for (int i = 0; i < q->decisions; i++) {
		int64_t began_ns = clock_mono_ns();

		push(q);
		drain(q);
		samples_add(to, clock_mono_ns() - began_ns);
	}
}

static void measure_peers(struct samples *clock, struct samples *copy)
{
	scoped(free) char *a = xcalloc(1, COPY_BYTES);
	scoped(free) char *b = xcalloc(1, COPY_BYTES);

	for (int i = 0; i < COPIES * 100; i++) {
		int64_t began_ns = clock_mono_ns();

		samples_add(clock, clock_mono_ns() - began_ns);
	}
	for (int i = 0; i < COPIES; i++) {
		int64_t began_ns = clock_mono_ns();

		a[i] = (char)(i + 1);
		memcpy(b, a, COPY_BYTES);
		samples_add(copy, clock_mono_ns() - began_ns + (b[i] == 0));
	}
}

static void report(struct bench *b, const struct queue *q, const char *what,
    struct samples *s, double clock_us, bool judged)
{
	char name[96];

	(void)snprintf(name, sizeof(name),
	    "%" PRId64 " machines, %zu jobs wait: %s", q->machines,
	    scheduler_waiting(q->s), what);
	bench_times(b, s, NS_PER_US,
	    &(struct row){.part = "scheduler",
	        .name = name,
	        .unit = "us",
	        .max_p50 = judged ? 20 : 0,
	        .max_p99 = judged ? 100 : 0,
	        .peer = "two clock readings",
	        .peer_value = clock_us});
}

int part_scheduler(struct bench *b, struct err *err)
{
	struct queue q = {.machines = b->small ? 100 : 10000,
	    .jobs = b->small ? 1000 : 1000000,
	    .profiles = 2000,
	    .n_classes = b->small ? 50 : 40000,
	    .decisions = b->small ? 1000 : 200000,
	    .random = 88172645463325252};
	struct samples freed = {0};
	struct samples pushed = {0};
	struct samples clock = {0};
	struct samples copy = {0};
	double clock_us;

	(void)err;
	bench_say("scheduler: %" PRId64 " machines, %" PRId64 " jobs",
	    q.machines, q.jobs);
	make(&q);
	measure_peers(&clock, &copy);
	clock_us = (double)samples_at(&clock, 0.5) / NS_PER_US;
	measure_free(&q, &freed);
	measure_push(&q, &pushed);
	report(b, &q, "machine free -> lease", &freed, clock_us, true);
	report(b, &q, "job comes -> it waits", &pushed, clock_us, false);
	report(b, &q, "a copy of 1 MiB", &copy, clock_us, false);
	scheduler_free(q.s);
	free(q.classes);
	samples_done(&freed);
	samples_done(&pushed);
	samples_done(&clock);
	samples_done(&copy);
	return 0;
}
