/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that read series share: the way from a sample to its run. */
#ifndef DB_SERIES_H
#define DB_SERIES_H

#include "base/buf.h"

#define BRANCH_BYTES (64 << 10)

/* In this order whatever the planner thinks is small; p.series_id is given. */
#define SERIES_POINTS                                                     \
	"FROM sample p CROSS JOIN attempt a ON a.id = p.attempt_id "      \
	"CROSS JOIN job j ON j.id = a.job_id CROSS JOIN run r ON r.id = " \
	"(SELECT q.id FROM run q WHERE q.first_job <= j.id AND "          \
	"q.n_total > 0 ORDER BY q.first_job DESC LIMIT 1) "
/* The last attempt of a job that is DONE with pass. */
#define SERIES_GOOD \
	"AND j.last_attempt = a.id AND j.state = 6 AND j.outcome = 1 "

/* In place of what is in the buffer. */
void branch_text(struct buf *to, const char *project, const char *name);

#endif
