/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether anything can be stored under the state folder. */
#ifndef ORCHESTRATOR_ROOM_H
#define ORCHESTRATOR_ROOM_H

#include "orchestrator/daemon.h"

/*
 * Before the database is opened, which would call it an I/O error. Error: IO
 * with the reason; a folder that does not exist is none.
 */
int room_at_start(const char *dir, struct err *err);
/* Looks at once, and from then on every few seconds. */
void room_start(struct daemon *d);
void room_stop(struct daemon *d);
/* Looks now; false if there is no room, which everybody is told then. */
bool room_look(struct daemon *d);
/* True if an error says that a disk, or a share of it, is full. */
bool room_is_short(const struct err *err);
/* Somebody could not write: if the disk is full, nothing more is started. */
void room_lost(struct daemon *d, const struct err *why);
/* The database says that commits fail (err) or work again (NULL). */
void room_commits(struct daemon *d, const struct err *err);
/* Before something new is taken. Error: IO with the reason. */
int room_check(const struct daemon *d, struct err *err);

#endif
