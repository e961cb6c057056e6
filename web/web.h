/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web process, and what it says to the daemon.
 *
 * The web process is a child of the daemon. It answers reads from its own
 * read-only database connections; everything that needs a secret, changes
 * state or depends on what the daemon has in memory is asked over one
 * socketpair. It never verifies a token itself.
 *
 * One frame, both ways:
 *
 *	u32 little-endian   length of what follows
 *	u32 little-endian   length of the header
 *	header              one JSON object, UTF-8
 *	body                the rest, raw bytes
 *
 * web > daemon   {"id":N,"op":"...", ...}           id is new for each request
 * daemon > web   {"id":N,"status":200,"type":"application/json"}  body: answer
 * daemon > web   {"event":"job","seq":S, ...}       see below; no answer
 *
 * The status is the HTTP status to send; errors have a JSON body
 * {"error":"..."}. An answer that does not come within WEB_DEADLINE_MS is 503
 * and the late answer is dropped. Unknown ops get 501, unknown ids are ignored.
 *
 * op      further fields                        answer
 * auth    token, scope ("read"...), remote      200, 401 or 403; empty body
 * open    -                                     200 {"upload":K} and one
 *                                               descriptor (SCM_RIGHTS): an
 *                                               unnamed file to write to
 * close   upload                                200; the upload is dropped
 * submit  token, remote, name, url, user,       201 and the created run as JSON
 *         priority, config (upload),            {"id":N,"warnings":[..]}
 *         config_name, boot_files (upload of    (400, 401, 403, 413, 507)
 *         a ZIP, or absent), files
 *         ([{path, upload}])
 * cancel  token, remote, run                    200 {"cancelled":n}
 * rerun   token, remote, run, only ("failed";    201 like submit (409: nothing
 *         absent: all)                          failed)
 * boot    mac                                   200 text/plain script, or 404
 * file    nonce, sha256                         200 empty: may be served; 404
 * why     job                                   200 {"why":"..."} or 404
 * machines machine (absent: all)                200 JSON as /api/v1/machines
 * queue   -                                     200 JSON as /api/v1/queue
 * whoami  token, remote                         200 {"name":"..","scopes":
 *                                               ["read"..]}, 401
 * health  -                                     200 or 503 JSON as /health
 * machine token, remote, machine, do            200 {"health":"..."}
 *         ("offline", "online"), why
 *
 * power   token, remote, machine, do            200 {"power":"on","evidence"};
 *         ("on", "off", "cycle")                409 unless it is offline
 * hook    project, event, delivery, signature,   202 {"run":N}, 200 {"run":N,
 *         content_type, remote; body: the raw   "replay":true}, 200 {"ignored":
 *         request body                          "why"}, 401, 400
 *
 * hook: event, delivery and signature are the values of X-GitHub-Event,
 * X-GitHub-Delivery and X-Hub-Signature-256, "" if absent. The daemon verifies
 * the signature over the raw body and stores the delivery before it answers.
 *
 * A descriptor passed by the daemon comes with the first byte of the frame that
 * answers "open". Uploads not used within ten minutes are dropped.
 *
 * Events, after the change is durable: {"event":"run","seq":S,"run":N} when a
 * run was made or ended, {"event":"job","seq":S,"run":N,"job":J,"state":"run",
 * "sign":"…","machine":"t16-1"}, {"event":"machine","seq":S,"machine":"t16-1"}.
 * seq counts up by one for the life of the daemon process; "epoch" (a string)
 * in every event tells two daemon processes apart.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define WEB_FRAME_MAX (4 << 20) /* bytes of one frame */
#define WEB_DEADLINE_MS 10000
#define WEB_SUBMIT_DEADLINE_MS 120000 /* op submit: a bundle is unpacked */
#define WEB_UPLOAD_MAX (2LL << 30)    /* bytes of one upload */
#define WEB_FILES_MAX 256             /* parts named "file" of one submit */

struct web_options {
	const char *dir; /* state folder */
	int link_fd;     /* the web process's end of the socketpair */
	/* Listening sockets the daemon bound; -1: none. Ownership passes. */
	int listen_fd;
	int boot_listen_fd;
	bool public_reads; /* reads need no token wherever they come from */
	bool loopback; /* the listener is on loopback: reads need no token */
};

/*
 * Runs until the link is at its end (the daemon died), then returns the exit
 * code. Called by `ironbenchd --web`, first thing in a fresh process.
 */
int web_main(const struct web_options *opts);

/* ---- frames, used by both ends --------------------------------------- */

/* Appends one frame to a buffer (its ceiling applies). */
void web_frame_put(
    struct buf *to, const char *header, const void *body, size_t body_len);
struct web_frame {
	const char *header; /* not zero-terminated; borrowed from the buffer */
	size_t header_len;
	const char *body;
	size_t body_len;
	size_t size; /* bytes of the whole frame, for buf_drop() */
};
/*
 * The first frame of a buffer: 1 and *ret if it is there whole, 0 if more
 * bytes are needed, -ERR_PROTO or -ERR_LIMIT if the peer is broken.
 */
int web_frame_get(
    const struct buf *from, struct web_frame *ret, struct err *err);

#endif
