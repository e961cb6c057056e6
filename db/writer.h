/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that commits. */
#ifndef DB_WRITER_H
#define DB_WRITER_H

#include <stddef.h>

#include "db/tx.h"

struct db;
struct writer;

/* Borrows db: its connection under conn_lock, and its ops. */
int writer_start(struct db *db, struct writer **ret, struct err *err);
/* Commits what is posted if the disk allows it, ends the thread, frees. */
void writer_stop(struct writer *w);
void writer_post(struct writer *w, struct db_tx *tx); /* takes ownership */
void writer_dispatch(struct writer *w);
size_t writer_pending(struct writer *w);

#endif
