/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cases of a job as bits. */
#ifndef DB_CASE_H
#define DB_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conn;

/* Two bits a case, lowest first. */
#define CASE_BITS 2
#define CASES_PER_BYTE 4
#define CASE_NAMES_MAX (64 << 20)

static inline int case_bits_get(const unsigned char *bits, size_t i)
{
	unsigned shift = CASE_BITS * (unsigned)(i % CASES_PER_BYTE);

	return bits[i / CASES_PER_BYTE] >> shift & 3;
}

/* Forgets the cases of a job. */
int case_clear(struct conn *c, int64_t job_id, struct err *err);

#endif
