/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's end of the link to its web process: shared by weblink.c, api.c
 * and submit.c. Frames are described in web/web.h. */
#ifndef ORCHESTRATOR_WEBLINK_H
#define ORCHESTRATOR_WEBLINK_H

#include <jansson.h>

#include "orchestrator/daemon.h"

/* Whom to answer. A web process that was restarted gets no old answers. */
struct asker {
	struct daemon *d;
	int64_t id;
	unsigned generation;
	/* What came behind the header; borrowed, inside api_request() only. */
	const char *body;
	size_t body_len;
};

/* One frame with a status; body may be NULL. */
void weblink_answer(struct asker who, int status, const char *type,
    const void *body, size_t len);
/* A JSON body; takes ownership. */
void weblink_answer_json(struct asker who, int status, json_t *body);
/* {"error": "..."} */
void weblink_answer_error(struct asker who, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The HTTP status for an error kind. */
int weblink_status_of(int kind);

/* Opens an unnamed file for an upload and answers with its descriptor. */
void weblink_upload_open(struct asker who);
/* The daemon's own descriptor of an upload, handed over; -1 if unknown. */
int weblink_upload_take(struct daemon *d, int64_t upload);

/* ---- api.c ----------------------------------------------------------- */

/* A request of the web process. */
void api_request(struct asker who, const json_t *header);

/* ---- submit.c -------------------------------------------------------- */

/* The op "submit", its token already checked; user is the token's name. */
void submit_request(struct asker who, const json_t *header, const char *user);
/*
 * Takes the files of a helper's manifest from its scratch folder into the
 * store; files has room for all of them, and borrows from the list.
 */
int manifest_adopt(const char *dir, const char *scratch, const json_t *list,
    struct db_run_file *files, struct err *err);
/* The kind that a helper's {"error", "kind"} names. */
int manifest_kind(const json_t *manifest);

/* ---- rerun.c --------------------------------------------------------- */

/* The op "rerun", its token already checked; user is the token's name. */
void rerun_request(struct asker who, const json_t *header, const char *user);

/* ---- imports.c ------------------------------------------------------- */

/* The op "import", its token already checked; user is the token's name. */
void import_request(struct asker who, const json_t *header, const char *user);

/* ---- hook.c -------------------------------------------------------------- */

/* The op "hook": a forge says that something was pushed. */
void hook_request(struct asker who, const json_t *header);
/* True if the signature ("sha256=...") is the secret's, of these bytes. */
bool hook_verify(
    const char *secret, const void *body, size_t len, const char *signature);
/*
 * The JSON of a request body, also from a form's payload=. Caller frees.
 * Error: INVAL.
 */
int hook_payload(const char *content_type, const char *body, size_t len,
    json_t **ret, struct err *err);

#endif
