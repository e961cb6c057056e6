/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decision of the scheduler costs: a machine becomes free, which of a
 * million waiting jobs does it get? Beside it the cost of copying 1 MiB and of
 * reading the clock, so that numbers of different computers can be compared.
 *
 *   bench_scheduler [MACHINES JOBS PROFILES CLASSES]
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "scheduler/scheduler.h"

enum {
	TAGS = 400,
	DECISIONS = 200000,
	PROJECTS = 20,
	PLATFORMS = 50
};

struct lab {
	struct scheduler *s;
	char tags[TAGS][16];
	char platforms[PLATFORMS][16];
	int *classes;
	int n_classes;
	int64_t next_job;
	uint64_t random;
};

static uint64_t next(struct lab *lab)
{
	lab->random ^= lab->random << 13;
	lab->random ^= lab->random >> 7;
	lab->random ^= lab->random << 17;
	return lab->random;
}

static int below(struct lab *lab, int n)
{
	return (int)(next(lab) % (uint64_t)n);
}

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail on Linux */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, int64_t *ns, int n)
{
	qsort(ns, (size_t)n, sizeof(*ns), compare);
	printf("%-34s p50 %8.2f us   p99 %8.2f us   max %8.2f us\n", what,
	    (double)ns[n / 2] / 1e3, (double)ns[n / 100 * 99] / 1e3,
	    (double)ns[n - 1] / 1e3);
}

static void names(struct lab *lab)
{
	for (int i = 0; i < TAGS; i++)
		(void)snprintf(lab->tags[i], sizeof(lab->tags[i]), "t%d", i);
	for (int i = 0; i < PLATFORMS; i++)
		(void)snprintf(
		    lab->platforms[i], sizeof(lab->platforms[i]), "p%d", i);
}

/* Machines of a profile have the tags that its number draws. */
static void add_machines(struct lab *lab, int n_machines, int n_profiles)
{
	const char *tags[64];
	char name[32];
	struct machine_facts m = {.name = name, .host = name, .tags = tags};
	uint64_t saved = lab->random;

	for (int i = 0; i < n_machines; i++) {
		lab->random = (uint64_t)(i % n_profiles + 1) *
		    UINT64_C(0x9e3779b97f4a7c15);
		m.n_tags = 10 + (size_t)below(lab, 40);
		for (size_t k = 0; k < m.n_tags; k++)
			tags[k] = lab->tags[below(lab, TAGS)];
		m.platform = lab->platforms[below(lab, PLATFORMS)];
		m.id = i + 1;
		(void)snprintf(name, sizeof(name), "m%d", i);
		scheduler_machine_put(lab->s, &m);
	}
	lab->random = saved;
}

static void add_classes(struct lab *lab, int n)
{
	const char *tags[4];
	const char *not_tags[1];
	struct requirement r = {.tags = tags, .forbidden = not_tags};

	lab->classes = xcalloc((size_t)n, sizeof(int));
	lab->n_classes = n;
	for (int i = 0; i < n; i++) {
		r.n_tags = (size_t)below(lab, 4);
		for (size_t k = 0; k < r.n_tags; k++)
			tags[k] = lab->tags[below(lab, TAGS)];
		r.n_forbidden = (size_t)below(lab, 2);
		not_tags[0] = lab->tags[below(lab, TAGS)];
		r.platform = below(lab, 10) < 7
		    ? lab->platforms[below(lab, PLATFORMS)]
		    : NULL;
		lab->classes[i] = scheduler_class(lab->s, &r);
	}
}

static void push(struct lab *lab)
{
	struct waiting_job j = {
	    .id = ++lab->next_job,
	    .class_id = lab->classes[below(lab, lab->n_classes)],
	    .priority = below(lab, 5) - 2,
	    .project_id = 1 + below(lab, PROJECTS),
	    .expected_ms = 1000 + below(lab, 600000),
	};

	scheduler_push(lab->s, &j);
}

static int64_t drain(struct lab *lab)
{
	struct lease l;
	int64_t n = 0;

	while (scheduler_next(lab->s, &l))
		n++;
	return n;
}

static void measure_free(struct lab *lab, int n_machines)
{
	int64_t *ns = xcalloc(DECISIONS, sizeof(*ns));
	struct lease l;
	int64_t t;
	int n_leased = 0;

	for (int i = 0; i < DECISIONS; i++) {
		scheduler_free_machine(lab->s, 1 + below(lab, n_machines), 1);
		t = now_ns();
		n_leased += scheduler_next(lab->s, &l);
		ns[i] = now_ns() - t;
		push(lab);
		(void)drain(lab);
	}
	report("machine free -> lease", ns, DECISIONS);
	printf("%34s %d of %d got a job\n", "", n_leased, DECISIONS);
	free(ns);
}

static void measure_push(struct lab *lab)
{
	int64_t *ns = xcalloc(DECISIONS, sizeof(*ns));
	int64_t t;

	for (int i = 0; i < DECISIONS; i++) {
		t = now_ns();
		push(lab);
		(void)drain(lab);
		ns[i] = now_ns() - t;
	}
	report("job pushed -> next says no", ns, DECISIONS);
	free(ns);
}

static void measure_why(struct lab *lab)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	int64_t ns[1000];
	int64_t t;

	for (int i = 0; i < 1000; i++) {
		buf_reset(&b);
		t = now_ns();
		(void)scheduler_why(lab->s, lab->next_job - i * 7, 0, &b);
		ns[i] = now_ns() - t;
	}
	report("scheduler_why", ns, 1000);
	printf("%34s %s\n", "", buf_str(&b));
}

static void measure_reference(void)
{
	int64_t copy[200];
	int64_t clock[10000];
	scoped(free) char *a = xcalloc(1, 1 << 20);
	scoped(free) char *b = xcalloc(1, 1 << 20);
	int64_t t;

	for (size_t i = 0; i < 200; i++) {
		a[i] = (char)i;
		t = now_ns();
		memcpy(b, a, 1 << 20);
		copy[i] = now_ns() - t + (b[i] != a[i]);
	}
	for (int i = 0; i < 10000; i++) {
		t = now_ns();
		clock[i] = now_ns() - t;
	}
	report("reference: memcpy of 1 MiB", copy, 200);
	report("reference: two clock readings", clock, 10000);
}

static int argument(int argc, char **argv, int i, int otherwise)
{
	int64_t v = otherwise;

	/* A bad number leaves the default. */
	if (i < argc)
		(void)str_to_i64(argv[i], 1, 100000000, &v, NULL);
	return (int)v;
}

int main(int argc, char **argv)
{
	struct lab lab = {.s = scheduler_new(), .random = 88172645463325252};
	int n_machines = argument(argc, argv, 1, 10000);
	int n_jobs = argument(argc, argv, 2, 1000000);
	int n_profiles = argument(argc, argv, 3, 2000);
	int n_classes = argument(argc, argv, 4, 40000);
	int64_t t = now_ns();

	names(&lab);
	add_machines(&lab, n_machines, n_profiles);
	add_classes(&lab, n_classes);
	printf("%d machines, %d profiles, %d classes: %.0f ms\n", n_machines,
	    n_profiles, n_classes, (double)(now_ns() - t) / 1e6);
	t = now_ns();
	for (int i = 0; i < n_jobs; i++)
		push(&lab);
	printf(
	    "%d jobs pushed: %.0f ms\n", n_jobs, (double)(now_ns() - t) / 1e6);
	t = now_ns();
	printf("%" PRId64 " first leases", drain(&lab));
	printf(": %.0f ms\n", (double)(now_ns() - t) / 1e6);
	measure_free(&lab, n_machines);
	measure_push(&lab);
	measure_why(&lab);
	measure_reference();
	scheduler_free(lab.s);
	free(lab.classes);
	return 0;
}
