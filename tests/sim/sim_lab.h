/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A simulated lab around the scheduler core: what sim_scheduler.c (the world
 * and the clock), sim_daemon.c (the daemon in it) and sim_check.c (what must
 * hold) share.
 */
#ifndef TESTS_SIM_SIM_LAB_H
#define TESTS_SIM_SIM_LAB_H

#include "scheduler/scheduler.h"

enum {
	MACHINES = 24,
	JOBS = 1200,      /* submitted by people */
	JOBS_MAX = 4000,  /* with canaries */
	SPECS = 40,       /* requirements; a canary's come after these */
	EVENTS_MAX = 600, /* of one job */
	SEEDS = 6,
	HORIZON_MS = 1200000,     /* until then people interfere */
	STARVED_MS = 6 * 3600000, /* then a job starves */
	RETRY_LIMIT = 3
};

struct spec {
	unsigned required; /* tags as bits */
	unsigned forbidden;
	int platform; /* -1: any */
	int64_t pin;
	bool quiet;
	bool canary;
};

struct sim_job {
	struct job job; /* in memory */
	struct job_event *log;
	int n_log;
	int n_durable;
	struct spec spec;
	int class_id;
	int priority;
	int64_t project;
	char item[24];
	char revision[24];
	bool exists;  /* submitted, in memory */
	bool durable; /* submitted, acknowledged */
	bool waiting; /* pushed */
	int64_t age;  /* of the push */
	int64_t pushed_at;
	int holds; /* machine index it has, or -1 */
};

struct sim_machine {
	unsigned tags;
	int platform;
	int host;
	int group; /* -1: none */
	int bad;   /* percent of attempts that end in error */
	bool in_lab;
	enum health health;
	enum health durable_health;
	int job; /* that has it, or -1 */
};

enum timer_kind {
	TIMER_COMMIT,
	TIMER_STEP,
	TIMER_SUBMIT,
	TIMER_PERSON,
	TIMER_CRASH
};

struct timer {
	int64_t at;
	enum timer_kind kind;
	int job;
	int epoch; /* of the daemon; 0: of the world */
};

struct sim {
	uint64_t random;
	bool quiet; /* some jobs want to be alone */
	int64_t now;
	int epoch;
	bool commit_pending;
	struct scheduler *s;
	struct fleet *fleet;
	struct sim_job *jobs;
	int n_jobs;
	int n_submitted; /* by people */
	struct sim_machine machines[MACHINES];
	struct spec specs[SPECS];
	struct timer *timers; /* a heap */
	int n_timers;
	int cap_timers;
	int64_t next_attempt;
	int64_t age;
	int failures;
	int n_crashes;
	int n_lost; /* events */
	int n_leases;
	int n_idle_checks;
	int64_t longest_wait;
};

/* ---- sim_scheduler.c */

uint64_t sim_random(struct sim *sim);
int sim_below(struct sim *sim, int n);
bool sim_percent(struct sim *sim, int p);
void sim_timer(struct sim *sim, enum timer_kind kind, int64_t in_ms, int job);

/* ---- sim_check.c: each reports and counts what does not hold */

void sim_check(struct sim *sim, bool ok, const char *what, int job, int m);
/* Before a job is given to machine m. */
void sim_check_lease(struct sim *sim, int job, int m);
/* When the scheduler has nothing more to give. */
void sim_check_idle(struct sim *sim);
/* At the end. */
void sim_check_done(struct sim *sim, int job);
/* What the first n events of a job's log say, read back from their text. */
struct job sim_replay(struct sim *sim, int job, int n);

/* ---- sim_daemon.c */

/* Starts a daemon on what is durable; sim_crash() ends one before. */
void sim_start(struct sim *sim);
void sim_crash(struct sim *sim);
int sim_submit(struct sim *sim, const struct spec *spec);
void sim_post(struct sim *sim, int job, enum job_event_type type);
void sim_put_machine(struct sim *sim, int machine);
void sim_set_health(struct sim *sim, int machine, enum health health);
/* Something changed that is to become durable. */
void sim_touch(struct sim *sim);
void sim_pump(struct sim *sim);
/* Timers. */
void sim_step(struct sim *sim, int job);
void sim_commit(struct sim *sim);

#endif
