/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest is told to measure, and the number in its raw output. */
#ifndef AGENT_MEASURE_H
#define AGENT_MEASURE_H

#include "agent/spec.h"
#include "base/buf.h"
#include "base/err.h"

struct measurement {
	char name[200];         /* as in guest.h */
	const char *metric;     /* borrowed from the specification */
	const char *controller; /* the same; NULL if there is none */
	const char *unit;
	const char *file; /* name of the raw output */
	const struct spec_profile *profile;
};

/* Measurements of one VM boot. */
int measure_count(const struct spec *s);
void measure_get(const struct spec *s, int i, struct measurement *ret);
/* Lines for the guest: one M for each, and GO. */
void measure_orders(const struct spec *s, struct buf *ret);

/* What a raw output says. */
struct reading {
	double value;
	const char *tool; /* "fio", "sysbench" */
	char version[64]; /* of the tool, in its own words; "" if it is mute */
};

/* Errors: PROTO (the tool failed or is unknown). */
int measure_read(const struct spec *s, const struct measurement *m,
    const char *data, size_t len, struct reading *ret, struct err *err);

#endif
