/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a push to the first power command, in labs of several sizes; what the
 * daemon holds in memory meanwhile; and how long a machine stands still
 * between two jobs.
 *
 * The command's time is taken by the farm when it receives the packet, and the
 * push's by us before the request is sent: one clock, two processes.
 */
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "tests/bench/lab.h"

enum {
	WARM = 3,
	EVENT_MS = 20000,
	STORMS = 3,
	/* Of a test, for each machine: the lab does as many jobs a second,
	 * whatever its size. */
	TEST_MS = 20,
	STORM_MS = 120000
};

struct push_times {
	struct samples accepted; /* request -> 202 */
	struct samples opened;   /* request -> the run has its jobs */
	struct samples power;    /* request -> first power command */
	struct samples after;    /* the run has its jobs -> the command */
	struct samples upload;   /* request with all files -> the command */
	struct samples fsync;    /* between all these: what the disk takes */
	struct samples stored;   /* for a commit, and for a new file */
};

static void times_done(struct push_times *t)
{
	samples_done(&t->accepted);
	samples_done(&t->opened);
	samples_done(&t->power);
	samples_done(&t->after);
	samples_done(&t->upload);
	samples_done(&t->fsync);
	samples_done(&t->stored);
}

/* ---- one push ------------------------------------------------------------ */

static bool has_command(const struct lab *lab)
{
	return lab->n_events > 0;
}

static int one_push(struct lab *lab, struct push_times *t, struct err *err)
{
	scoped_val(answer_done) struct answer a = {0};
	int64_t run = 0;
	int r;

	lab_forget(lab);
	r = lab_push(lab, "one", &a, &run, err);
	if (r < 0)
		return r;
	if (!lab_read(lab, has_command, EVENT_MS) || !lab->opened_ns)
		return err_set(
		    err, ERR_TIMEOUT, "run %" PRId64 ": no power command", run);
	if (t) {
		samples_add(&t->accepted, a.ended_ns - a.began_ns);
		samples_add(&t->opened, lab->opened_ns - a.began_ns);
		samples_add(&t->power, lab->events[0].at_ns - a.began_ns);
		samples_add(&t->after, lab->events[0].at_ns - lab->opened_ns);
	}
	return lab_cancel(lab, run, err);
}

static int one_upload(
    struct lab *lab, const char *suite, struct push_times *t, struct err *err)
{
	scoped_val(answer_done) struct answer a = {0};
	int64_t run = 0;
	int r;

	lab_forget(lab);
	r = lab_upload(lab, suite, &a, &run, err);
	if (r < 0)
		return r;
	if (!lab_read(lab, has_command, EVENT_MS))
		return err_set(
		    err, ERR_TIMEOUT, "run %" PRId64 ": no power command", run);
	if (t)
		samples_add(&t->upload, lab->events[0].at_ns - a.began_ns);
	return lab_cancel(lab, run, err);
}

static int look_at_disk(
    struct disk *disk, struct push_times *t, struct err *err)
{
	int r = disk_sync(disk, &t->fsync, err);

	return r == 0 ? disk_sync_new(disk, &t->stored, err) : r;
}

static int many(struct lab *lab, int64_t n, struct disk *disk,
    struct push_times *t, struct err *err)
{
	scoped(free) char *suite = lab_suite(1);
	int r = 0;

	for (int i = 0; r == 0 && i < WARM; i++) {
		r = one_push(lab, NULL, err);
		if (r == 0)
			r = one_upload(lab, suite, NULL, err);
	}
	for (int64_t i = 0; r == 0 && i < n; i++) {
		r = look_at_disk(disk, t, err);
		if (r == 0)
			r = one_push(lab, t, err);
		if (r == 0)
			r = one_upload(lab, suite, t, err);
	}
	return r;
}

static void report_pushes(struct bench *b, size_t n, struct push_times *t)
{
	struct {
		const char *what;
		struct samples *times;
		double max_p99;
	} list[] = {
	    {"write and fsync of 4 KiB", &t->fsync, 0},
	    {"new file of 4 KiB, fsync of it and its folder", &t->stored, 0},
	    {"webhook -> 202", &t->accepted, 0},
	    {"webhook -> fetched by git, run opened", &t->opened, 0},
	    {"webhook -> power command, git's fetch included", &t->power, 0},
	    {"run opened -> power command", &t->after, 50},
	    {"upload of a run with its files -> power command", &t->upload, 0},
	};
	char name[96];

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		(void)snprintf(
		    name, sizeof(name), "%zu machines: %s", n, list[i].what);
		bench_times(b, list[i].times, NS_PER_MS,
		    &(struct row){.part = "push",
		        .name = name,
		        .unit = "ms",
		        .max_p99 = list[i].max_p99,
		        .peer = i ? "fsync p50" : NULL,
		        .peer_value =
		            (double)samples_at(&t->fsync, 0.5) / NS_PER_MS});
	}
}

/* ---- all machines at once ------------------------------------------------ */

static bool all_are_on(const struct lab *lab)
{
	size_t n = 0;

	for (size_t i = 0; i < lab->n_events; i++)
		n += lab->events[i].what == FARM_ON;
	return n >= lab->n;
}

/* The first command of each machine, after a moment. */
static void add_firsts(
    const struct lab *lab, int64_t since_ns, struct samples *to)
{
	scoped(free) bool *seen = xcalloc(lab->n, sizeof(*seen));

	for (size_t i = 0; i < lab->n_events; i++) {
		const struct farm_event *e = &lab->events[i];

		if (e->machine >= lab->n || seen[e->machine])
			continue;
		seen[e->machine] = true;
		samples_add(to, e->at_ns - since_ns);
	}
}

static void report_memory(
    struct bench *b, const char *name, const struct memory *m, double budget)
{
	bench_row(b,
	    &(struct row){.part = "memory",
	        .name = name,
	        .unit = "MB",
	        .p50 = (double)m->resident / 1e6,
	        .p99 = NAN,
	        .n = (size_t)m->processes,
	        .max_p50 = budget,
	        .peer = "shared pages once:",
	        .peer_value = (double)m->proportional / 1e6});
}

static int one_storm(
    struct lab *lab, struct samples *first, struct memory *ret, struct err *err)
{
	scoped_val(answer_done) struct answer a = {0};
	int64_t run = 0;
	int r;

	lab_forget(lab);
	r = lab_push(lab, "all", &a, &run, err);
	if (r < 0)
		return r;
	if (!lab_read(lab, all_are_on, STORM_MS))
		return err_set(err, ERR_TIMEOUT,
		    "run %" PRId64 ": not all of %zu machines are on", run,
		    lab->n);
	add_firsts(lab, lab->opened_ns, first);
	process_memory(lab->daemon.pid, ret);
	return lab_cancel(lab, run, err);
}

static int storms(
    struct bench *b, struct lab *lab, double fsync_ms, struct err *err)
{
	struct samples first = {0};
	struct memory memory = {0};
	char name[96];
	int r = 0;

	for (int i = 0; r == 0 && i < STORMS; i++)
		r = one_storm(lab, &first, &memory, err);
	if (r == 0) {
		(void)snprintf(name, sizeof(name),
		    "%zu machines: %zu jobs opened -> each one's command",
		    lab->n, lab->n);
		bench_times(b, &first, NS_PER_MS,
		    &(struct row){.part = "push",
		        .name = name,
		        .unit = "ms",
		        .peer = "fsync p50",
		        .peer_value = fsync_ms});
		(void)snprintf(name, sizeof(name),
		    "all processes, %zu machines connected and on", lab->n);
		report_memory(b, name, &memory, lab->n <= 1000 ? 256 : 0);
	}
	samples_done(&first);
	return r;
}

/* ---- between two jobs ---------------------------------------------------- */

struct idle_times {
	struct samples standing; /* last line of a test -> switched on again */
	struct samples between;  /* switched off -> the next job's command */
};

/*
 * Of a machine: off (job 1 begins), on, end, off (job 1 leaves), off (job 2
 * begins), on ...
 */
static void add_idle(
    const struct lab *lab, size_t machine, struct idle_times *t)
{
	int64_t end_ns = 0;
	int64_t left_ns = 0;

	for (size_t i = 0; i < lab->n_events; i++) {
		const struct farm_event *e = &lab->events[i];

		if (e->machine != machine)
			continue;
		if (e->what == FARM_END) {
			end_ns = e->at_ns;
			left_ns = 0;
		} else if (e->what == FARM_ON && end_ns) {
			samples_add(&t->standing, e->at_ns - end_ns);
			end_ns = 0;
		} else if (e->what == FARM_OFF && end_ns && !left_ns) {
			left_ns = e->at_ns;
		} else if (e->what == FARM_OFF && end_ns) {
			samples_add(&t->between, e->at_ns - left_ns);
		}
	}
}

static int measure_idle(
    struct bench *b, struct lab *lab, double fsync_ms, struct err *err)
{
	size_t jobs = b->small ? 2 : 4;
	int64_t test_ms = (int64_t)lab->n * TEST_MS;
	scoped(free) char *suite = lab_suite(lab->n * jobs);
	scoped(free) char *told =
	    xasprintf("boot %d\ntest %" PRId64 "\n", lab->boot_port, test_ms);
	scoped_val(answer_done) struct answer a = {0};
	struct idle_times t = {0};
	char name[96];
	int64_t run = 0;
	int r;
	struct row row = {.part = "idle",
	    .name = name,
	    .unit = "ms",
	    .max_p99 = 50,
	    .peer = "fsync p50",
	    .peer_value = fsync_ms};

	lab_forget(lab);
	r = process_tell(&lab->farm, told, err);
	if (r == 0)
		r = lab_upload(lab, suite, &a, &run, err);
	if (r == 0)
		r = lab_wait_done(
		    lab, run, STORM_MS + 3 * test_ms * (int64_t)jobs, err);
	if (r < 0)
		return r;
	(void)lab_read(lab, has_command, 0);
	for (size_t i = 0; i < lab->n; i++)
		add_idle(lab, i, &t);
	(void)snprintf(name, sizeof(name),
	    "%zu machines: left by a job -> next job's command", lab->n);
	bench_times(b, &t.between, NS_PER_MS, &row);
	(void)snprintf(name, sizeof(name),
	    "%zu machines: test's last line -> switched on again", lab->n);
	bench_times(b, &t.standing, NS_PER_MS, &row);
	samples_done(&t.standing);
	samples_done(&t.between);
	return 0;
}

/* ---- the whole ----------------------------------------------------------- */

static int measure_lab(
    struct bench *b, struct lab *lab, struct push_times *t, struct err *err)
{
	struct disk disk;
	double fsync_ms;
	int r = disk_open(b->dir, &disk, err);

	if (r < 0)
		return r;
	r = many(lab, b->samples, &disk, t, err);
	disk_close(&disk);
	if (r < 0)
		return r;
	report_pushes(b, lab->n, t);
	fsync_ms = (double)samples_at(&t->fsync, 0.5) / NS_PER_MS;
	r = storms(b, lab, fsync_ms, err);
	if (r < 0)
		return r;
	bench_say("idle: %zu machines", lab->n);
	return measure_idle(b, lab, fsync_ms, err);
}

static int one_size(struct bench *b, size_t n, struct err *err)
{
	struct push_times t = {0};
	struct lab lab;
	int r = lab_start(
	    &lab, b, NULL, n, (size_t)b->samples + WARM + STORMS, err);

	if (r < 0)
		return r;
	bench_say("push: %zu machines, %" PRId64 " pushes and uploads", n,
	    b->samples);
	r = measure_lab(b, &lab, &t, err);
	lab_end(&lab);
	times_done(&t);
	return r;
}

static int idle_daemon(struct bench *b, struct err *err)
{
	struct lab lab;
	struct memory m;
	int r = lab_start(&lab, b, NULL, 0, 0, err);

	if (r < 0)
		return r;
	process_memory(lab.daemon.pid, &m);
	report_memory(b, "daemon and web, idle", &m, 64);
	lab_end(&lab);
	return 0;
}

int part_push(struct bench *b, struct err *err)
{
	int r = idle_daemon(b, err);

	for (size_t i = 0; r == 0 && i < b->n_machines; i++)
		r = one_size(b, (size_t)b->machines[i], err);
	return r;
}
