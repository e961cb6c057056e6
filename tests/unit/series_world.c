/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs with numbers; see series_world.h. */
#include "tests/unit/series_world.h"

#include <stdlib.h>

#include "base/mem.h"

#define VALUES 3
#define NEXT_RUNS 3

/* ---- one run ------------------------------------------------------------ */

static void must(int r)
{
	if (r < 0)
		abort();
}

static const char suite[] =
    "variants:\n"
    "  vboxdrv: { hypervisor: virtualbox, backend: vboxdrv, role: baseline }\n"
    "  kvm: { hypervisor: virtualbox, backend: kvm, role: candidate }\n"
    "guests:\n"
    "  linux: { kernel: vmlinuz, initrd: initrd }\n"
    "benchmarks:\n"
    "  - { name: measure, workload: fio, profiles: [ SEQ128K Q32T1 RD ],\n"
    "      controllers: [ nvme ], guests: [ linux ], pairs: 4 }\n";

/* The id of its only job is set. */
static int64_t run_new(struct db *db, struct db_tx *tx,
    const struct world_run *run, int64_t *ret_job)
{
	static const char *const items[] = {"measure"};
	static const char *const platforms[] = {"alder_lake"};
	static const struct db_plan plan = {items, 1, platforms, 1, "j"};
	struct db_new_run r = {.id = db_next_run_id(db),
	    .project = run->project,
	    .user = "tester",
	    .name = run->name,
	    .commit = run->commit,
	    .suite_text = suite,
	    .suite_len = sizeof(suite) - 1,
	    .suite_name = "project_config.yaml",
	    .plan = &plan,
	    .created_at_ms = run->at_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(db, 1),
	    .n_jobs = 1,
	    .kind = "test"};

	*ret_job = r.first_job;
	db_tx_run_new(tx, &r);
	return r.id;
}

/* What its suite says; what was not measured is in no table. */
static struct bench_roles roles[] = {
    {"vboxdrv", "kvm"}, {"vboxdrv", "vboxdrv" BENCH_PLACEBO}};
static const struct bench_versus versus = {roles, ARRAY_LEN(roles)};

static void numbers_put(struct db_tx *tx, const struct world_numbers *n,
    int64_t attempt, int64_t machine)
{
	scoped(free) struct db_sample_mark *marks =
	    xcalloc(n->n, sizeof(*marks));
	struct db_sample s = {.attempt_id = attempt,
	    .machine_id = machine,
	    .metric = n->metric,
	    .unit = n->unit,
	    .variant = n->variant,
	    .guest = n->guest,
	    .controller = n->controller,
	    .values = n->values,
	    .n_values = n->n,
	    .marks = marks};

	for (size_t i = 0; i < n->n; i++) {
		marks[i].pair = (int)i;
		marks[i].valid = !n->not_valid;
		marks[i].why = n->not_valid ? "the clock ran away" : NULL;
	}
	db_tx_sample(tx, &s);
}

static void event(struct db *db, struct db_tx *tx, int64_t run_id,
    struct job *job, const struct job_event *ev)
{
	struct job before = *job;
	struct db_job_change change = {
	    .run_id = run_id, .before = &before, .after = job, .event = ev};

	if (ev->type == JOB_EV_LEASE)
		change.fence = db_next_fence(db);
	must(job_apply(job, ev, NULL));
	db_tx_job_event(tx, &change);
}

/* One event further. */
static void live(struct db *db, struct db_tx *tx, int64_t run_id,
    struct job *job, enum job_event_type type, const struct world_run *run,
    int64_t machine)
{
	struct job_event ev = {
	    .seq = job->seq + 1, .at_ms = run->at_ms + job->seq, .type = type};

	if (type == JOB_EV_LEASE) {
		ev.attempt_id = db_next_attempt_id(db);
		ev.machine_id = machine;
	}
	if (type == JOB_EV_COLLECTED) {
		ev.verdict.outcome = run->outcome;
		ev.text = "SOTEST END";
	}
	event(db, tx, run_id, job, &ev);
}

int64_t world_run_put(
    struct db *db, struct db_tx *tx, const struct world_run *run)
{
	static const enum job_event_type life[] = {JOB_EV_LEASE, JOB_EV_PREPARE,
	    JOB_EV_RUN, JOB_EV_EXIT, JOB_EV_COLLECTED, JOB_EV_DONE};
	struct job job = {0};
	int64_t id = run_new(db, tx, run, &job.id);
	int64_t machine = 0;
	int64_t attempt = 0;

	must(db_machine_id(db, run->machine, "alder_lake", &machine, NULL));
	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		live(db, tx, id, &job, life[i], run, machine);
		if (life[i] != JOB_EV_RUN)
			continue;
		attempt = job.attempt_id;
		for (size_t k = 0; k < run->n_numbers; k++)
			numbers_put(tx, &run->numbers[k], attempt, machine);
		for (size_t k = 0; run->facts && run->facts[k][0]; k++)
			db_tx_env(
			    tx, attempt, run->facts[k][0], run->facts[k][1]);
	}
	if (run->outcome == OUTCOME_PASS)
		db_tx_points(tx, attempt, &versus);
	return id;
}

/* ---- a history ---------------------------------------------------------- */

/* About normal: the sum of twelve, of a generator with a known beginning. */
static double noise(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		*state = *state * 6364136223846793005U + 1442695040888963407U;
		sum += (double)(*state >> 11) / 9007199254740992.;
	}
	return sum;
}

char *world_commit_of(int point)
{
	return xasprintf("%02xc0ffee%032d", (unsigned)point, 0);
}

int64_t world_run_of(int64_t first, int point)
{
	return first + point + (point >= WORLD_FAILED);
}

static double level(int point, bool candidate)
{
	double v = 1000;

	if (point >= WORLD_KERNEL)
		v *= 1.1;
	if (candidate && point >= WORLD_CHANGE)
		v *= .92;
	return point == WORLD_SPIKE ? v / 2 : v;
}

struct story {
	struct db *db;
	void (*commit)(void *arg, struct db_tx *tx);
	void *arg;
	uint64_t state;
};

static int64_t measure(
    struct story *s, const char *name, int point, enum outcome outcome)
{
	scoped(free) char *commit = world_commit_of(point);
	scoped(free) char *temp = xasprintf("%d", 40000 + 137 * point);
	const char *const facts[][2] = {
	    {"kernel", point < WORLD_KERNEL ? "6.1.0" : "6.6.0"},
	    {"microcode", "0x41c"}, {"temp.thermal_zone0", temp},
	    {"guest.linux", "kernel 1c"},
	    /* Of a guest that is not that of the numbers. */
	    {"guest.linux2", point < WORLD_CHANGE ? "image 2b" : "image 3b"},
	    {NULL, NULL}};
	double values[2][VALUES];
	struct world_numbers numbers[2];
	struct world_run run = {WORLD_PROJECT, name, commit,
	    1700000000000 + (int64_t)point * WORLD_STEP_MS, WORLD_MACHINE,
	    outcome, facts, numbers, 2};
	struct db_tx *tx = db_tx_new(s->db);
	int64_t id;

	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < VALUES; i++)
			values[k][i] = level(point, k == 1) *
			    (1 + .004 * noise(&s->state));
		numbers[k] = (struct world_numbers){WORLD_METRIC, WORLD_UNIT,
		    k ? "kvm" : "vboxdrv", "linux", "nvme", values[k], VALUES,
		    point == WORLD_BAD};
	}
	id = world_run_put(s->db, tx, &run);
	s->commit(s->arg, tx);
	return id;
}

void world_history_put(struct db *db,
    void (*commit)(void *arg, struct db_tx *tx), void *arg, int64_t *ret_first)
{
	struct story s = {db, commit, arg, 42};

	for (int i = 0; i < WORLD_POINTS; i++) {
		int64_t id;

		if (i == WORLD_FAILED)
			(void)measure(&s, WORLD_NAME, i, OUTCOME_FAIL);
		id = measure(&s, WORLD_NAME, i, OUTCOME_PASS);
		if (i == 0)
			*ret_first = id;
	}
	for (int i = 0; i < NEXT_RUNS; i++)
		(void)measure(&s, "next", WORLD_POINTS + i, OUTCOME_PASS);
}
