/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of all numbers of scheduler.h; the index is the stored number. */
#include "scheduler/scheduler.h"

#include <string.h>

static const char *const state_names[] = {
    "queued",
    "leased",
    "prepare",
    "run",
    "collect",
    "cleanup",
    "done",
};

static const char *const outcome_names[] = {
    "none",
    "pass",
    "fail",
    "error",
    "timeout",
    "cancelled",
    "disabled",
};

static const char *const layer_names[] = {
    "none",
    "power",
    "boot",
    "console",
    "ssh",
    "agent",
    "host",
    "vm",
    "guest",
    "harness",
};

static const char *const health_names[] = {
    "good",
    "suspect",
    "quarantined",
    "maintenance",
    "retired",
};

static const char *const event_names[] = {
    NULL, /* the events count from 1 */
    "lease",
    "prepare",
    "step",
    "run",
    "exit",
    "collected",
    "abort",
    "reboot",
    "done",
    "requeue",
    "hold",
    "release",
    "cancel",
    "disable",
};

static const char *name_of(const char *const *names, size_t n, int number)
{
	if (number < 0 || (size_t)number >= n || !names[number])
		return "unknown";
	return names[number];
}

static bool number_of(
    const char *const *names, size_t n, const char *name, int *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (int)i;
			return true;
		}
	}
	return false;
}

const char *job_state_name(enum job_state state)
{
	return name_of(state_names, ARRAY_LEN(state_names), (int)state);
}

const char *outcome_name(enum outcome outcome)
{
	return name_of(outcome_names, ARRAY_LEN(outcome_names), (int)outcome);
}

const char *layer_name(enum layer layer)
{
	return name_of(layer_names, ARRAY_LEN(layer_names), (int)layer);
}

const char *health_name(enum health health)
{
	return name_of(health_names, ARRAY_LEN(health_names), (int)health);
}

const char *job_event_name(enum job_event_type type)
{
	return name_of(event_names, ARRAY_LEN(event_names), (int)type);
}

bool outcome_from_name(const char *name, enum outcome *ret)
{
	int number;

	if (!number_of(outcome_names, ARRAY_LEN(outcome_names), name, &number))
		return false;
	*ret = (enum outcome)number;
	return true;
}

bool layer_from_name(const char *name, enum layer *ret)
{
	int number;

	if (!number_of(layer_names, ARRAY_LEN(layer_names), name, &number))
		return false;
	*ret = (enum layer)number;
	return true;
}
