/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a console log is to be made durable, and forgotten afterwards: filled
 * by its writer, carried out by whoever may wait.
 */
#ifndef DB_LOG_SYNC_H
#define DB_LOG_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct db_tx;

struct log_sync {
	struct log_sync *next; /* in a transaction */
	char *root;            /* DIR/logs */
	char *folder;          /* DIR/logs/ATTEMPT */
	bool new_names;        /* in both */
	bool failed;           /* once at least */
	bool done;
	int *fds; /* ours; read and written */
	size_t n_fds;
	int64_t *tails; /* to be removed: their frames are in fds */
	size_t n_tails;
};

struct log_sync *log_sync_new(const char *root, const char *folder);
/* And all that follow it. NULL is allowed. */
void log_sync_free(struct log_sync *s);
SCOPED_DEFINE(struct log_sync, log_sync_free);
void log_sync_add_fd(struct log_sync *s, int fd); /* takes ownership */
void log_sync_add_tail(struct log_sync *s, int64_t offset);

/* Makes one log durable. Blocks. */
int log_sync_run(struct log_sync *s, struct err *err);
/*
 * The same for all logs of a list of transactions, with one sync of the folder
 * above them. What was done is not done again when it is called again.
 */
int log_sync_batch(const struct db_tx *batch, struct err *err);

#endif
