/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A simulated lab around the scheduler core.
 *
 * The daemon here is the real job_apply(), fleet and scheduler with a seeded
 * clock. Every event is appended to its job's log at once and becomes durable
 * a few milliseconds later; only then is it acted upon. A crash throws away
 * the memory and what was not durable, and everything is rebuilt from the
 * logs. The checks are written against the world's own tables and know nothing
 * of how the scheduler works.
 *
 * IB_TEST_SEED=N runs that one seed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/str.h"
#include "tests/sim/sim_lab.h"

uint64_t sim_random(struct sim *sim)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 7;
	sim->random ^= sim->random << 17;
	return sim->random;
}

int sim_below(struct sim *sim, int n)
{
	return (int)(sim_random(sim) % (uint64_t)n);
}

bool sim_percent(struct sim *sim, int p)
{
	return sim_below(sim, 100) < p;
}

/* ---- the clock ------------------------------------------------------- */

static void swap(struct timer *a, struct timer *b)
{
	struct timer t = *a;

	*a = *b;
	*b = t;
}

void sim_timer(struct sim *sim, enum timer_kind kind, int64_t in_ms, int job)
{
	bool of_daemon = kind == TIMER_COMMIT || kind == TIMER_STEP;
	struct timer t = {
	    sim->now + in_ms, kind, job, of_daemon ? sim->epoch : 0};
	int i = sim->n_timers++;

	if (sim->n_timers > sim->cap_timers) {
		sim->cap_timers = sim->cap_timers * 2 + 64;
		sim->timers = xrealloc(
		    sim->timers, (size_t)sim->cap_timers, sizeof(*sim->timers));
	}
	sim->timers[i] = t;
	for (; i && sim->timers[i].at < sim->timers[(i - 1) / 2].at;
	     i = (i - 1) / 2)
		swap(&sim->timers[i], &sim->timers[(i - 1) / 2]);
}

static struct timer timer_take(struct sim *sim)
{
	struct timer t = sim->timers[0];
	int i = 0;
	int c;

	sim->timers[0] = sim->timers[--sim->n_timers];
	while ((c = 2 * i + 1) < sim->n_timers) {
		if (c + 1 < sim->n_timers &&
		    sim->timers[c + 1].at < sim->timers[c].at)
			c++;
		if (sim->timers[i].at <= sim->timers[c].at)
			break;
		swap(&sim->timers[i], &sim->timers[c]);
		i = c;
	}
	return t;
}

/* ---- the world ------------------------------------------------------- */

static void person_at_machine(struct sim *sim)
{
	int m = sim_below(sim, MACHINES);
	struct sim_machine *w = &sim->machines[m];

	if (!w->in_lab) {
		w->in_lab = true;
		sim_put_machine(sim, m);
		scheduler_machine_health(sim->s, m + 1, w->health, "back");
	} else if (w->health != HEALTH_GOOD) {
		fleet_health_set(sim->fleet, m + 1, HEALTH_GOOD);
		sim_set_health(sim, m, HEALTH_GOOD);
	} else if (sim_percent(sim, 30) && w->job < 0) {
		w->in_lab = false;
		scheduler_machine_remove(sim->s, m + 1);
	} else if (sim_percent(sim, 50)) {
		fleet_health_set(sim->fleet, m + 1, HEALTH_MAINTENANCE);
		sim_set_health(sim, m, HEALTH_MAINTENANCE);
	} else if (w->job < 0) {
		w->tags ^= 1U << sim_below(sim, 8);
		sim_put_machine(sim, m);
	}
}

static void person_at_job(struct sim *sim)
{
	int job = sim->n_jobs ? sim_below(sim, sim->n_jobs) : 0;
	struct sim_job *j = &sim->jobs[job];

	if (!j->durable || j->job.state != JOB_QUEUED ||
	    j->n_log != j->n_durable || j->spec.canary)
		return;
	scheduler_remove(sim->s, j->job.id);
	j->waiting = false;
	if (j->job.held)
		sim_post(sim, job, JOB_EV_RELEASE);
	else if (sim_percent(sim, 70))
		sim_post(sim, job, JOB_EV_HOLD);
	else
		sim_post(sim, job,
		    sim_percent(sim, 50) ? JOB_EV_CANCEL : JOB_EV_DISABLE);
}

static void person(struct sim *sim)
{
	if (sim->now > HORIZON_MS)
		return;
	if (sim_percent(sim, 40))
		person_at_machine(sim);
	for (int i = 0; i < 5; i++)
		person_at_job(sim);
	sim_pump(sim);
	sim_timer(sim, TIMER_PERSON, 1 + sim_below(sim, 6000), -1);
}

/* People stop interfering: whatever is there must now come to its end. */
static void calm(struct sim *sim)
{
	struct sim_machine *w;

	for (int i = 0; i < sim->n_jobs; i++)
		if (sim->jobs[i].job.held)
			sim_post(sim, i, JOB_EV_RELEASE);
	sim_commit(sim); /* what was released must not be lost */
	for (int m = 0; m < MACHINES; m++) {
		w = &sim->machines[m];
		w->tags = 0xff;
		w->bad = w->bad > 10 ? 10 : w->bad;
		w->in_lab = true;
		w->durable_health = HEALTH_GOOD;
	}
	for (int i = 0; i < sim->n_jobs; i++)
		sim->jobs[i].spec.forbidden = 0;
	sim_crash(sim);
}

static void world_init(struct sim *sim)
{
	struct spec *spec;

	for (int i = 0; i < MACHINES; i++) {
		sim->machines[i] = (struct sim_machine){
		    .tags =
		        (unsigned)(sim_random(sim) | sim_random(sim)) & 0xff,
		    .platform = i % 3,
		    .host = sim_below(sim, MACHINES / 2),
		    .group = sim_percent(sim, 30) ? sim_below(sim, 3) : -1,
		    .bad = sim_percent(sim, 15) ? 70 : 3,
		    .in_lab = true,
		    .job = -1,
		};
	}
	for (int i = 0; i < SPECS; i++) {
		spec = &sim->specs[i];
		spec->required = 1U << sim_below(sim, 8);
		if (sim_percent(sim, 30))
			spec->required |= 1U << sim_below(sim, 8);
		if (sim_percent(sim, 20))
			spec->forbidden = 1U << sim_below(sim, 8);
		spec->platform = sim_below(sim, 4) - 1;
		if (sim_percent(sim, 10)) {
			spec->platform = -1;
			spec->pin = 1 + sim_below(sim, MACHINES);
		}
		spec->quiet = sim->quiet && sim_percent(sim, 10);
	}
}

/* People submit whole suites, not single jobs. */
static void burst(struct sim *sim)
{
	int n = sim_below(sim, 40);

	for (int i = 0; i < n && sim->n_submitted < JOBS; i++) {
		sim->n_submitted++;
		(void)sim_submit(sim, &sim->specs[sim_below(sim, SPECS)]);
	}
	if (sim->now < HORIZON_MS)
		sim_timer(sim, TIMER_SUBMIT, 1 + sim_below(sim, 20000), -1);
}

static void fire(struct sim *sim, const struct timer *t)
{
	if (t->epoch && t->epoch != sim->epoch)
		return; /* of a daemon that crashed */
	switch (t->kind) {
	case TIMER_COMMIT:
		sim_commit(sim);
		break;
	case TIMER_STEP:
		sim_step(sim, t->job);
		break;
	case TIMER_SUBMIT:
		if (t->job < 0) {
			burst(sim);
		} else if (!sim->jobs[t->job].exists) {
			sim->jobs[t->job].exists = true;
			sim_touch(sim);
		}
		break;
	case TIMER_PERSON:
		person(sim);
		break;
	case TIMER_CRASH:
		sim_crash(sim);
		if (sim->now < HORIZON_MS)
			sim_timer(
			    sim, TIMER_CRASH, 1 + sim_below(sim, 60000), -1);
		break;
	}
}

static bool all_done(const struct sim *sim)
{
	for (int i = 0; i < sim->n_jobs; i++)
		if (sim->jobs[i].job.state != JOB_DONE)
			return false;
	return true;
}

static void run(struct sim *sim)
{
	bool calmed = false;
	struct timer t;

	world_init(sim);
	sim_start(sim);
	sim_timer(sim, TIMER_SUBMIT, 1, -1);
	sim_timer(sim, TIMER_PERSON, 1000, -1);
	sim_timer(sim, TIMER_CRASH, 5000, -1);
	while (sim->n_timers) {
		t = timer_take(sim);
		sim->now = t.at;
		if (!calmed && sim->now > HORIZON_MS) {
			calmed = true;
			calm(sim);
		}
		fire(sim, &t);
		if (sim->now > HORIZON_MS + STARVED_MS ||
		    (calmed && all_done(sim)))
			break;
	}
	for (int i = 0; i < sim->n_jobs; i++)
		sim_check_done(sim, i);
	sim_check(
	    sim, scheduler_waiting(sim->s) == 0, "jobs still wait", -1, -1);
	sim_check(sim, sim->quiet || sim->n_idle_checks > 100,
	    "idleness was never checked", -1, -1);
}

static void run_seed(int number, uint64_t seed)
{
	struct sim sim = {.random = seed * 2 + 1, .quiet = seed % 2};

	sim.jobs = xcalloc(JOBS_MAX, sizeof(*sim.jobs));
	printf("# seed %" PRIu64 "\n", seed);
	run(&sim);
	printf("%sok %d - seed %" PRIu64 ": %d jobs in %d attempts over %d "
	       "crashes (%d events lost), %d idle checks, ended at %" PRId64
	       " s, longest wait %" PRId64 " s\n",
	    sim.failures ? "not " : "", number, seed, sim.n_jobs, sim.n_leases,
	    sim.n_crashes, sim.n_lost, sim.n_idle_checks, sim.now / 1000,
	    sim.longest_wait / 1000);
	if (sim.failures)
		printf("# again with IB_TEST_SEED=%" PRIu64 "\n", seed);
	(void)fflush(stdout); /* a crash must not hide which seed it was */
	scheduler_free(sim.s);
	fleet_free(sim.fleet);
	for (int i = 0; i < JOBS_MAX; i++)
		free(sim.jobs[i].log);
	free(sim.jobs);
	free(sim.timers);
}

int main(void)
{
	const char *given = getenv("IB_TEST_SEED");
	struct err err = ERR_INIT;
	int64_t seed = 0;

	if (given) {
		if (str_to_i64(given, 0, INT64_MAX / 4, &seed, &err) < 0) {
			printf("Bail out! IB_TEST_SEED: %s\n", err.msg);
			return 1;
		}
		printf("1..1\n");
		run_seed(1, (uint64_t)seed);
		return 0;
	}
	hash_init();
	hash_random(&seed, sizeof(seed));
	seed &= 0xffffffff;
	printf("1..%d\n", SEEDS);
	for (int i = 0; i < SEEDS; i++)
		run_seed(i + 1, (uint64_t)(seed + i));
	return 0;
}
