/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of bench/ share. A failure fails the running test. */
#ifndef TESTS_UNIT_BENCH_KIT_H
#define TESTS_UNIT_BENCH_KIT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bench/bench.h"

SCOPED_DEFINE(json_t, json_decref);

/* A file below fixtures/, as text or as JSON. */
void kit_text(const char *path, struct buf *ret);
json_t *kit_json(const char *path);

/* The numbers of a JSON list; returns how many. Caller frees *ret. */
size_t kit_numbers(const json_t *list, double **ret);
/* A number at a key; NAN for null. */
double kit_number(const json_t *map, const char *key);

/* Fails unless both are NAN, or differ by at most tolerance, relatively. */
void kit_near(const char *what, double got, double want, double tolerance);

/* Uniform in (0, 1), and standard normal. */
double kit_uniform(struct bench_random *r);
double kit_normal(struct bench_random *r);

/* IB_TEST_SEED, or the given one; printed. */
uint64_t kit_seed(uint64_t otherwise);

#endif
