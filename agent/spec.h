/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The specification of an attempt (doc/spec.md), read and checked. */
#ifndef AGENT_SPEC_H
#define AGENT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "bench/bench.h"

#define SPEC_LIST_MAX 64 /* variants, guests, profiles, controllers */
#define SPEC_STEPS_MAX 10000

enum spec_thread {
	THREAD_DEFAULT,
	THREAD_SINGLE,
	THREAD_MULTI
};

struct spec_variant {
	const char *name;
	const char *hypervisor;
	const char *backend;
	enum spec_thread thread;
	const char *cpu; /* model, or NULL for the driver's own choice */
};

struct spec_guest {
	const char *name;
	const char *kernel; /* SHA-256 */
	const char *initrd; /* SHA-256, or NULL */
	int cpus;
	int memory_mib;
	int boot_timeout_s;
};

enum spec_workload {
	WORKLOAD_FIO,
	WORKLOAD_SYSBENCH
};

struct spec_profile {
	const char *metric;
	const char *rw; /* fio */
	int bs;
	int iodepth;
	int numjobs;
	int threads; /* sysbench; 0: as many as the guest has processors */
};

/* Strings are borrowed from json. */
struct spec {
	json_t *json;
	const char *item;
	struct spec_variant variants[2]; /* B, C */
	struct spec_guest guests[SPEC_LIST_MAX];
	int n_guests;
	const char *controllers[SPEC_LIST_MAX]; /* "sata", "nvme" */
	int n_controllers;
	int disk_mib;
	enum spec_workload workload;
	struct spec_profile profiles[SPEC_LIST_MAX];
	int n_profiles;
	int runtime_s;
	int ramp_s;
	bool planned;           /* as many pairs as the plan asks for */
	struct bench_plan plan; /* n_pairs is its cap */
	int n_pairs;            /* of each guest */
	const char *pairs[SPEC_STEPS_MAX]; /* "BC" or "CB" */
	int orphan_s;
	int step_timeout_s;
};

/*
 * Reads it; every value is checked, nothing is looked up. Caller frees with
 * spec_free(). Errors: INVAL, naming the key.
 */
int spec_read(const json_t *json, struct spec **ret, struct err *err);
void spec_free(struct spec *s);
SCOPED_DEFINE(struct spec, spec_free);

/* One VM boot. */
struct spec_step {
	int n; /* from 1 */
	const struct spec_guest *guest;
	const struct spec_variant *variant;
	int pair;
	int position;
	char letter; /* B or C */
};

#endif
