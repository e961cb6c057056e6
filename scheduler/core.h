/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of struct scheduler.
 *
 * Everything is an array and refers by index; -1 is none. Waiting jobs stand
 * in one heap per requirement class. Machines that look alike share a profile.
 * Which classes a profile can run is a row of bits, and so is which profiles
 * can run a class, so that a decision touches only what can matter.
 *
 * Invariant between calls of scheduler_next() that return false: if a waiting
 * job could start on a free machine, that machine is in the list of touched
 * machines or the job's class is in the set of touched classes.
 */
#ifndef SCHEDULER_CORE_H
#define SCHEDULER_CORE_H

#include "scheduler/bits.h"
#include "scheduler/scheduler.h"
#include "scheduler/table.h"

enum {
	CLASS_TOOK_MAX = 9,      /* durations remembered of a class */
	COST_UNKNOWN_MS = 60000, /* what a job of unknown length counts */
};

/* The order of jobs: lower first. */
struct key {
	uint32_t rank; /* of the priority: higher priority, lower rank */
	int job;
	uint64_t start; /* virtual time at which its project is served */
	uint64_t seq;   /* age */
};

struct heap {
	struct key *at;
	int n;
	int cap;
};

struct job_slot {
	int64_t id;
	int64_t *excluded; /* NULL: none */
	int n_excluded;
	int class_id; /* -1: the slot is free */
	int pos;      /* in the heap of the class; next slot when free */
	int level;
	int reserved; /* machine whose zones it waits to have alone, or -1 */
	int64_t expected_ms;
};

/*
 * The projects of one priority and platform, while a job of it waits. One
 * clock for all platforms would put a new project behind everything that a
 * slow platform still owes the old ones.
 */
struct level {
	int priority;
	int platform;       /* -1: any */
	int waiting;        /* 0: the slot is free */
	uint64_t now;       /* virtual time: start of the last job served */
	struct ids flow_of; /* project to an index of finish[] */
	uint64_t *finish;   /* virtual end of the project's last job */
	int n_finish;
	int cap_finish;
};

struct class
{
	int *required; /* tags */
	int n_required;
	int *forbidden;
	int n_forbidden;
	int platform;    /* -1: any */
	int64_t pin;     /* 0: none */
	int next_pinned; /* the next class with the same pin */
	bool quiet;
	bool canary;
	int n_picky; /* waiting jobs that exclude machines */
	struct heap heap;
	uint64_t *profiles; /* that can run it; a pinned class uses none */
	uint32_t took_ms[CLASS_TOOK_MAX];
	int n_took;
	int next_took;
};

struct profile {
	int platform;
	uint64_t *tags;
	int tag_words;
	int n_tags;
	uint64_t *classes; /* that it can run */
	int n_machines;
	int n_good;     /* healthy machines, busy or free */
	int first_free; /* healthy free machines, longest free first */
	int last_free;
};

/* Machines of which a quiet job wants to be the only one at work. */
struct zone {
	int *machines;
	int n_machines;
	int cap_machines;
	int n_busy;
	int n_quiet; /* quiet jobs that run here: 0 or 1, but after a restart */
	int reserved; /* waiting quiet job for which it drains, or -1 */
};

#define MACHINE_ZONES 2 /* host and group */

struct machine {
	int64_t id; /* 0: the slot is free */
	char *name;
	char *why; /* of its health, or NULL */
	enum health health;
	int profile;
	int zones[MACHINE_ZONES]; /* -1: none */
	int first_pinned;         /* class, or -1 */
	bool leaving;             /* left the lab, is still busy */
	bool listed;              /* stands in its profile's free list */
	bool touched;
	int prev_free;
	int next_free; /* also the next free slot */
	int next_touched;
	bool busy;
	bool quiet; /* its job is */
	int class_id;
	int64_t job_id;
	int64_t expected_ms;   /* of its job; 0: unknown */
	int64_t started_at_ms; /* 0: unknown */
};

struct scheduler {
	struct intern tags;
	struct intern platforms;
	struct intern class_names; /* signatures; numbers are class ids */
	struct intern profile_names;
	struct intern zone_names;

	struct class *classes;
	int n_classes;
	int cap_classes;
	int class_words;         /* of every set of classes */
	struct key *heads;       /* of the classes; stale when not waiting */
	struct key *block_heads; /* the least head of 64 classes */
	uint64_t *waiting;       /* classes with a job */
	uint64_t *picky;         /* classes with an excluding job */
	uint64_t *touched;       /* classes to look at */
	struct ids pinned_of;    /* machine id to its first pinned class */

	struct profile *profiles;
	int n_profiles;
	int cap_profiles;
	int profile_words;       /* of every set of profiles */
	uint64_t *free_profiles; /* with a machine in the free list */

	struct zone *zones;
	int n_zones;
	int cap_zones;

	struct machine *machines;
	int n_machines;
	int cap_machines;
	int free_machine_slot;
	struct ids machine_of;
	int first_touched;
	int last_touched;

	struct job_slot *jobs;
	int n_jobs;
	int cap_jobs;
	int free_job_slot;
	size_t n_waiting;
	struct ids job_of;
	uint64_t next_seq;

	struct level *levels;
	int n_levels;
	int cap_levels;
	struct ids level_of;
};

static inline bool key_before(const struct key *a, const struct key *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->start != b->start)
		return a->start < b->start;
	return a->seq < b->seq;
}

/* ---- class.c: requirements against facts */

bool class_matches(const struct class *c, const struct profile *p);
/* The profile of these facts, made when new. */
int profile_get(struct scheduler *s, const struct machine_facts *m);
void classes_done(struct scheduler *s);
void class_took(struct class *c, int64_t took_ms);
/* The median of what jobs of the class took; 0: unknown. */
int64_t class_median_ms(const struct class *c);

/* ---- queue.c: who is before whom */

int job_find(const struct scheduler *s, int64_t job_id);
/* Adds to its heap; returns the slot. */
int queue_add(struct scheduler *s, const struct waiting_job *job);
/* Takes out of its heap and frees the slot. */
void queue_remove(struct scheduler *s, int job);
/* A job starts: virtual time follows. Before queue_remove(). */
void queue_served(struct scheduler *s, int job);
const struct key *job_key(const struct scheduler *s, int job);
/* The class of a set whose head is first, or -1. */
int queue_first(const struct scheduler *s, const uint64_t *set);
void queue_done(struct scheduler *s);

/*
 * The first job of a heap, before *bound, that ok() allows; writes its key to
 * *bound. Touches only what is before the answer.
 */
bool heap_first(const struct heap *h, bool (*ok)(const void *arg, int job),
    const void *arg, struct key *bound);
/* How many jobs of a heap are before the bound; stops counting at max. */
int heap_before(const struct heap *h, const struct key *bound, int max);

/* ---- machine.c: who is there, free, healthy, alone */

int machine_find(const struct scheduler *s, int64_t machine_id);
bool machine_is_good(const struct machine *m);
/* It can be given a job of some kind now. */
bool machine_is_free(const struct machine *m);
/* It must be looked at by scheduler_next(). */
void machine_touch(struct scheduler *s, int machine);
/* Takes a touched machine out of the list; -1 when there is none. */
int machine_take_touched(struct scheduler *s);
void machine_set_busy(struct scheduler *s, int machine, int64_t job_id,
    int class_id, int64_t expected_ms);
/* All zones of the machine are idle. */
bool machine_is_alone(const struct scheduler *s, const struct machine *m);
/* A zone of the machine belongs to a running quiet job. */
bool machine_is_silenced(const struct scheduler *s, const struct machine *m);
/* The zones of a machine drain for a quiet job. */
void zones_reserve(struct scheduler *s, int machine, int job);
void zones_release(struct scheduler *s, int job);
void machines_done(struct scheduler *s);

/* ---- scheduler.c */

/* Another healthy machine that the job does not exclude could take it. */
bool job_has_alternative(const struct scheduler *s, int job);
bool job_excludes(const struct job_slot *j, int64_t machine_id);

#endif
