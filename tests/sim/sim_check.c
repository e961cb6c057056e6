/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must hold in the simulated lab, written against the world's own tables:
 * nothing here knows how the scheduler works.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim_lab.h"

void sim_check(struct sim *sim, bool ok, const char *what, int job, int m)
{
	if (ok)
		return;
	if (sim->failures++ < 10)
		printf("# at %" PRId64 " ms: %s (job %d, machine %d)\n",
		    sim->now, what, job, m);
}

static bool matches(const struct spec *spec, const struct sim_machine *m)
{
	return m->in_lab && (spec->required & ~m->tags) == 0 &&
	    (spec->forbidden & m->tags) == 0 &&
	    (spec->platform < 0 || spec->platform == m->platform);
}

static bool healthy_for(const struct spec *spec, const struct sim_machine *m)
{
	return m->health == HEALTH_GOOD ||
	    (spec->canary && m->health == HEALTH_SUSPECT);
}

static bool fits(struct sim *sim, const struct sim_job *j, int m)
{
	if (j->spec.pin && j->spec.pin != m + 1)
		return false;
	return matches(&j->spec, &sim->machines[m]) &&
	    healthy_for(&j->spec, &sim->machines[m]);
}

static bool excludes(const struct sim_job *j, int m)
{
	for (int i = 0; i < j->job.n_excluded; i++)
		if (j->job.excluded[i] == m + 1)
			return true;
	return false;
}

/* Fits, and is not avoided for a better one. */
static bool may_have(struct sim *sim, const struct sim_job *j, int m)
{
	if (!fits(sim, j, m))
		return false;
	if (!excludes(j, m))
		return true;
	for (int o = 0; o < MACHINES; o++)
		if (fits(sim, j, o) && !excludes(j, o))
			return false;
	return true;
}

static bool neighbours(const struct sim_machine *a, const struct sim_machine *b)
{
	return a->host == b->host || (a->group >= 0 && a->group == b->group);
}

/* A job runs beside machine m, a quiet one if so asked. */
static bool noise_at(struct sim *sim, int m, bool only_quiet)
{
	const struct sim_machine *o;

	for (int i = 0; i < MACHINES; i++) {
		o = &sim->machines[i];
		if (i != m && o->in_lab && o->job >= 0 &&
		    neighbours(&sim->machines[m], o) &&
		    (!only_quiet || sim->jobs[o->job].spec.quiet))
			return true;
	}
	return false;
}

/* Nobody who should be first is passed over. */
static void check_order(struct sim *sim, int job, int m)
{
	const struct sim_job *j = &sim->jobs[job];
	const struct sim_job *w;

	for (int i = 0; i < sim->n_jobs; i++) {
		w = &sim->jobs[i];
		if (!w->waiting || i == job || w->spec.quiet ||
		    w->priority < j->priority || !may_have(sim, w, m))
			continue;
		sim_check(sim, w->priority == j->priority,
		    "a higher priority was passed over", i, m);
		sim_check(sim,
		    w->class_id != j->class_id || w->project != j->project ||
		        w->priority != j->priority || w->age > j->age ||
		        j->job.n_excluded || w->job.n_excluded,
		    "an older job of the class was passed over", i, m);
	}
}

void sim_check_lease(struct sim *sim, int job, int m)
{
	const struct sim_job *j = &sim->jobs[job];

	sim_check(sim, j->waiting, "leased though it does not wait", job, m);
	sim_check(sim, j->job.state == JOB_QUEUED && !j->job.held,
	    "leased though not queued", job, m);
	sim_check(sim, sim->machines[m].job < 0, "machine is taken", job, m);
	sim_check(sim, may_have(sim, j, m), "machine does not fit", job, m);
	sim_check(sim, !noise_at(sim, m, !j->spec.quiet), "not quiet", job, m);
	check_order(sim, job, m);
	sim->n_leases++;
}

/* No job waits while a machine that could take it is idle. */
void sim_check_idle(struct sim *sim)
{
	const struct sim_job *j;

	for (int i = 0; i < sim->n_jobs; i++)
		if (sim->jobs[i].waiting && sim->jobs[i].spec.quiet)
			return; /* machines may be kept idle for it */
	sim->n_idle_checks++;
	for (int i = 0; i < sim->n_jobs; i++) {
		j = &sim->jobs[i];
		for (int m = 0; j->waiting && m < MACHINES; m++)
			sim_check(sim,
			    sim->machines[m].job >= 0 ||
			        noise_at(sim, m, true) || !may_have(sim, j, m),
			    "waits beside an idle machine", i, m);
	}
}

static bool same(const struct job *a, const struct job *b)
{
	return a->id == b->id && a->state == b->state && a->held == b->held &&
	    a->attempts == b->attempts && a->errors == b->errors &&
	    a->boot == b->boot && a->attempt_id == b->attempt_id &&
	    a->machine_id == b->machine_id && a->seq == b->seq &&
	    a->verdict.outcome == b->verdict.outcome &&
	    a->verdict.layer == b->verdict.layer &&
	    a->verdict.blameless == b->verdict.blameless &&
	    a->n_excluded == b->n_excluded &&
	    memcmp(a->excluded, b->excluded,
	        sizeof(a->excluded[0]) * (size_t)a->n_excluded) == 0;
}

/* What the first n events of the log say, read back from their text. */
struct job sim_replay(struct sim *sim, int job, int n)
{
	struct job got = {.id = job + 1};

	for (int i = 0; i < n; i++) {
		const struct job_event *was = &sim->jobs[job].log[i];
		scoped_val(buf_done) struct buf b = BUF_INIT(4096);
		struct job_event ev = {
		    .seq = was->seq, .at_ms = was->at_ms, .type = was->type};
		scoped(free) char *text = NULL;

		job_event_encode(was, &b);
		sim_check(sim,
		    job_event_decode(buf_str(&b), &ev, &text, NULL) == 0 &&
		        job_apply(&got, &ev, NULL) == 0,
		    "its log cannot be replayed", job, -1);
	}
	return got;
}

void sim_check_done(struct sim *sim, int job)
{
	const struct sim_job *j = &sim->jobs[job];
	struct job got = sim_replay(sim, job, j->n_log);
	int ends = 0;
	scoped_val(buf_done) struct buf why = BUF_INIT(4096);

	if (j->job.state != JOB_DONE)
		(void)scheduler_why(sim->s, j->job.id, sim->now, &why);
	sim_check(sim, same(&got, &j->job), "replay differs", job, -1);
	sim_check(sim, j->job.state == JOB_DONE, "never ended", job, -1);
	if (why.len && sim->failures < 10)
		printf("# it %s\n", buf_str(&why));
	sim_check(
	    sim, j->job.verdict.outcome != OUTCOME_NONE, "no verdict", job, -1);
	for (int i = 0; i < j->n_log; i++)
		ends += j->log[i].type == JOB_EV_DONE ||
		    j->log[i].type == JOB_EV_CANCEL ||
		    j->log[i].type == JOB_EV_DISABLE;
	sim_check(sim, ends == 1, "did not end once", job, -1);
}
