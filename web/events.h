/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event stream: a ring of the daemon's last events, and connections that
 * read it at their own pace. A connection that has nothing to send is
 * suspended and costs no thread.
 *
 * Ids are "epoch-seq". Every stream begins with one, so that a client that is
 * cut before its first event can still say where it was. When what it asks
 * for is not in the ring, or the daemon's numbering has a hole, the client is
 * told "event: resync".
 */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define EVENTS_RING 4096

struct MHD_Connection;
struct MHD_Response;
struct events;

struct events *events_new(void);
/* After the connections are gone. NULL is allowed. */
void events_free(struct events *e);
SCOPED_DEFINE(struct events, events_free);

/* An event frame's header; one that is not as web.h says is a hole. */
void events_add(struct events *e, const char *header, size_t len);
/* Makes every stream that has nothing to say send a comment. */
void events_beat(struct events *e);
/* Ends every stream; new ones end at once. */
void events_close(struct events *e);
/*
 * A response that streams to conn the events of one run (0: all), after the
 * id last_id (NULL: from now on).
 */
struct MHD_Response *events_response(struct events *e,
    struct MHD_Connection *conn, int64_t run, const char *last_id);

#endif
