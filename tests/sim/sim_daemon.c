/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon of the simulated lab: the real job_apply(), fleet and scheduler.
 * An event is appended to its job's log at once and becomes durable a few
 * milliseconds later; only then is it acted upon.
 */
#include <stdio.h>

#include "tests/sim/sim_lab.h"

void sim_touch(struct sim *sim)
{
	if (sim->commit_pending)
		return;
	sim->commit_pending = true;
	sim_timer(sim, TIMER_COMMIT, 1 + sim_below(sim, 4), -1);
}

static void post_event(struct sim *sim, int job, struct job_event ev)
{
	struct sim_job *j = &sim->jobs[job];
	struct err err = ERR_INIT;

	ev.seq = j->job.seq + 1;
	ev.at_ms = sim->now;
	sim_check(sim, job_apply(&j->job, &ev, &err) == 0, err.msg, job, -1);
	if (!j->log)
		j->log = xcalloc(EVENTS_MAX, sizeof(*j->log));
	sim_check(sim, j->n_log < EVENTS_MAX, "too many events", job, -1);
	if (j->n_log < EVENTS_MAX)
		j->log[j->n_log++] = ev;
	sim_touch(sim);
}

void sim_post(struct sim *sim, int job, enum job_event_type type)
{
	post_event(sim, job, (struct job_event){.type = type});
}

static void post_end(struct sim *sim, int job, enum job_event_type type,
    enum outcome outcome, bool blameless)
{
	struct job_event ev = {.type = type};

	ev.verdict.outcome = outcome;
	ev.verdict.layer =
	    outcome == OUTCOME_ERROR ? LAYER_CONSOLE : LAYER_NONE;
	ev.verdict.blameless = blameless;
	post_event(sim, job, ev);
}

static int class_of(struct sim *sim, const struct spec *spec)
{
	static const char *const tags[] = {
	    "a", "b", "c", "d", "e", "f", "g", "h"};
	static const char *const platforms[] = {"p0", "p1", "p2"};
	const char *with[8];
	const char *without[8];
	struct requirement r = {.tags = with,
	    .forbidden = without,
	    .machine_id = spec->pin,
	    .quiet = spec->quiet,
	    .canary = spec->canary};

	for (int i = 0; i < 8; i++) {
		if (spec->required >> i & 1)
			with[r.n_tags++] = tags[i];
		if (spec->forbidden >> i & 1)
			without[r.n_forbidden++] = tags[i];
	}
	if (spec->platform >= 0)
		r.platform = platforms[spec->platform];
	return scheduler_class(sim->s, &r);
}

void sim_put_machine(struct sim *sim, int i)
{
	static const char *const all[] = {
	    "a", "b", "c", "d", "e", "f", "g", "h"};
	static const char *const platforms[] = {"p0", "p1", "p2"};
	const struct sim_machine *m = &sim->machines[i];
	const char *tags[8];
	char name[16];
	char host[16];
	char group[16];
	struct machine_facts f = {.id = i + 1,
	    .name = name,
	    .platform = platforms[m->platform],
	    .tags = tags,
	    .host = host,
	    .group = m->group >= 0 ? group : NULL};

	(void)snprintf(name, sizeof(name), "m%d", i);
	(void)snprintf(host, sizeof(host), "h%d", m->host);
	(void)snprintf(group, sizeof(group), "g%d", m->group);
	for (int t = 0; t < 8; t++)
		if (m->tags >> t & 1)
			tags[f.n_tags++] = all[t];
	scheduler_machine_put(sim->s, &f);
}

void sim_pump(struct sim *sim)
{
	struct job_event ev = {.type = JOB_EV_LEASE};
	struct sim_job *j;
	struct lease l;
	int m;

	while (scheduler_next(sim->s, &l)) {
		m = (int)l.machine_id - 1;
		j = &sim->jobs[l.job_id - 1];
		sim_check_lease(sim, (int)l.job_id - 1, m);
		j->waiting = false;
		if (sim->now - j->pushed_at > sim->longest_wait)
			sim->longest_wait = sim->now - j->pushed_at;
		j->holds = m;
		sim->machines[m].job = (int)l.job_id - 1;
		ev.attempt_id = ++sim->next_attempt;
		ev.machine_id = l.machine_id;
		post_event(sim, (int)l.job_id - 1, ev);
	}
	if (sim_percent(sim, 10))
		sim_check_idle(sim);
}

void sim_set_health(struct sim *sim, int m, enum health health)
{
	sim->machines[m].health = health;
	scheduler_machine_health(sim->s, m + 1, health, "simulated");
	sim_touch(sim);
}

int sim_submit(struct sim *sim, const struct spec *spec)
{
	int job = sim->n_jobs++;
	struct sim_job *j = &sim->jobs[job];

	j->spec = *spec;
	j->job.id = job + 1;
	j->holds = -1;
	j->class_id = class_of(sim, spec);
	j->priority = spec->canary ? 9 : sim_below(sim, 3) - 1;
	j->project = 1 + sim_below(sim, 4);
	(void)snprintf(j->item, sizeof(j->item), "item%d", sim_below(sim, 60));
	(void)snprintf(j->revision, sizeof(j->revision), "rev%d", job / 100);
	j->exists = true;
	sim_touch(sim);
	return job;
}

static void follow(struct sim *sim, const struct fleet_advice *advice)
{
	struct spec canary = {.platform = -1, .canary = true};

	for (int i = 0; i < advice->n_changes; i++) {
		const struct health_change *c = &advice->changes[i];

		sim_set_health(sim, (int)c->machine_id - 1, c->to);
		canary.pin = c->machine_id;
		if (c->to == HEALTH_SUSPECT && sim->n_jobs < JOBS_MAX)
			(void)sim_submit(sim, &canary);
	}
}

static void end_attempt(struct sim *sim, int job)
{
	struct sim_job *j = &sim->jobs[job];
	struct attempt_result r = {
	    .job_id = j->job.id,
	    .machine_id = j->job.machine_id,
	    .item = j->item,
	    .revision = j->revision,
	    .canary = j->spec.canary,
	    .verdict = j->job.verdict,
	    .errors = j->job.errors + 1,
	    .retry_limit = RETRY_LIMIT,
	    .at_ms = sim->now,
	};
	struct fleet_advice advice;

	fleet_attempt_ended(sim->fleet, &r, &advice);
	sim_post(sim, job, advice.retry ? JOB_EV_REQUEUE : JOB_EV_DONE);
	follow(sim, &advice);
}

/* What happens next to a job that has a machine. */
void sim_step(struct sim *sim, int job)
{
	struct sim_job *j = &sim->jobs[job];
	int bad =
	    j->job.machine_id ? sim->machines[j->job.machine_id - 1].bad : 0;
	bool hopeless = strcmp(j->item, "item7") == 0;

	switch (j->job.state) {
	case JOB_LEASED:
		sim_post(sim, job, JOB_EV_PREPARE);
		break;
	case JOB_PREPARE:
		if (sim_percent(sim, bad) || hopeless)
			post_end(sim, job, JOB_EV_ABORT, OUTCOME_ERROR, false);
		else
			sim_post(sim, job, JOB_EV_RUN);
		break;
	case JOB_RUN:
		if (sim_percent(sim, 2))
			sim_post(sim, job, JOB_EV_REBOOT);
		else if (sim_percent(sim, 2))
			post_end(
			    sim, job, JOB_EV_ABORT, OUTCOME_TIMEOUT, false);
		else if (sim_percent(sim, 2))
			post_end(sim, job, JOB_EV_ABORT, OUTCOME_ERROR, true);
		else
			sim_post(sim, job, JOB_EV_EXIT);
		break;
	case JOB_COLLECT:
		post_end(sim, job, JOB_EV_COLLECTED,
		    sim_percent(sim, 20) ? OUTCOME_FAIL : OUTCOME_PASS, false);
		break;
	case JOB_CLEANUP:
		end_attempt(sim, job);
		break;
	case JOB_QUEUED:
	case JOB_DONE:
		break;
	}
}

static void let_go(struct sim *sim, int job)
{
	struct sim_job *j = &sim->jobs[job];

	if (j->holds < 0)
		return;
	sim->machines[j->holds].job = -1;
	scheduler_free_machine(sim->s, j->holds + 1, 1 + sim_below(sim, 30000));
	j->holds = -1;
}

/* Acts on a durable state; harmless when repeated. */
static void drive(struct sim *sim, int job)
{
	struct sim_job *j = &sim->jobs[job];
	struct waiting_job w = {
	    .id = j->job.id,
	    .class_id = j->class_id,
	    .priority = j->priority,
	    .project_id = j->project,
	    .expected_ms = 1000 + 100 * (job % 50),
	    .excluded = j->job.excluded,
	    .n_excluded = j->job.n_excluded,
	};

	if (j->job.state == JOB_QUEUED || j->job.state == JOB_DONE)
		let_go(sim, job);
	else
		sim_timer(sim, TIMER_STEP, 100 + sim_below(sim, 4000), job);
	if (j->job.state != JOB_QUEUED || j->job.held || j->waiting)
		return;
	j->waiting = true;
	j->age = ++sim->age;
	j->pushed_at = sim->now;
	scheduler_push(sim->s, &w);
}

void sim_commit(struct sim *sim)
{
	int n = sim->n_jobs;
	bool fresh;

	sim->commit_pending = false;
	for (int m = 0; m < MACHINES; m++)
		sim->machines[m].durable_health = sim->machines[m].health;
	for (int i = 0; i < n; i++) {
		struct sim_job *j = &sim->jobs[i];

		fresh = j->exists && !j->durable;
		if (!fresh && j->n_durable == j->n_log)
			continue;
		j->durable = true;
		j->n_durable = j->n_log;
		drive(sim, i);
	}
	sim_pump(sim);
}

void sim_start(struct sim *sim)
{
	sim->epoch++;
	sim->commit_pending = false;
	sim->s = scheduler_new();
	sim->fleet = fleet_new();
	for (int m = 0; m < MACHINES; m++) {
		struct sim_machine *w = &sim->machines[m];

		w->job = -1;
		w->health = w->durable_health;
		if (w->in_lab)
			sim_put_machine(sim, m);
		fleet_health_set(sim->fleet, m + 1, w->health);
		scheduler_machine_health(sim->s, m + 1, w->health, "before");
	}
}

void sim_crash(struct sim *sim)
{
	int lost;

	sim->n_crashes++;
	scheduler_free(sim->s);
	fleet_free(sim->fleet);
	sim_start(sim);
	for (int i = 0; i < sim->n_jobs; i++) {
		struct sim_job *j = &sim->jobs[i];

		lost = j->n_log - j->n_durable;
		sim->n_lost += lost;
		j->n_log = j->n_durable;
		/* The end replays all of them. */
		if (j->job.state != JOB_DONE || lost)
			j->job = sim_replay(sim, i, j->n_log);
		j->waiting = false;
		j->holds = -1;
		j->class_id = class_of(sim, &j->spec);
		/* A job that was not acknowledged is submitted again. */
		j->exists = j->durable;
		if (!j->durable) {
			sim_timer(sim, TIMER_SUBMIT, 1000, i);
			continue;
		}
		if (j->job.state == JOB_QUEUED || j->job.state == JOB_DONE)
			continue;
		j->holds = (int)j->job.machine_id - 1;
		sim_check(sim, sim->machines[j->holds].job < 0,
		    "two attempts on a machine", i, j->holds);
		sim->machines[j->holds].job = i;
		scheduler_busy(
		    sim->s, j->job.machine_id, j->job.id, j->class_id);
	}
	for (int i = 0; i < sim->n_jobs; i++)
		if (sim->jobs[i].durable)
			drive(sim, i);
	sim_pump(sim);
}
