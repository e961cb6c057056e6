/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests to the server, one at a time, and the stream of its events.
 *
 * Only http and https, no redirections: a token goes to the server that was
 * named and nowhere else. Every request has a deadline, and an interrupt (see
 * interrupt.h) ends it.
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/settings.h"

SCOPED_DEFINE(json_t, json_decref);

struct http;

/* Takes ownership of the settings. Error: IO. */
int http_new(struct settings *s, struct http **ret, struct err *err);
void http_free(struct http *h);
SCOPED_DEFINE(struct http, http_free);

/* One part of a form; a file, if it has a filename. All borrowed. */
struct http_part {
	const char *name;
	const char *filename;
	const char *data; /* what it holds, or else */
	size_t len;
	const char *path; /* the file that holds it */
};

struct http_request {
	const char *method;            /* GET or POST */
	const char *path;              /* below the server's URL, escaped */
	const char *body;              /* JSON to send, or NULL */
	const struct http_part *parts; /* a form to send, or NULL */
	size_t n_parts;
	const char *range; /* "0-99", or NULL */
	/* Further lines "Name: value", NULL-terminated; or NULL. With body. */
	const char *const *headers;
	int64_t timeout_ms; /* of all of it; 0: the usual */
	/* Takes the body of a good answer as it comes, or NULL. */
	void (*on_data)(void *arg, const char *data, size_t len);
	void *arg;
};

struct http_answer {
	long status;
	struct buf body; /* unless on_data took it */
	bool log_open;   /* X-Log-Open: 1 */
	char log_gap[64];
	int64_t last; /* byte, by Content-Range; -1: it did not say */
};

#define HTTP_BODY_MAX (128u << 20)
#define HTTP_ANSWER_INIT                                   \
	{                                                  \
		0, BUF_INIT(HTTP_BODY_MAX), false, {0}, -1 \
	}
void http_answer_done(struct http_answer *a);

/*
 * Returns 0 for a status of 2xx. Else the message is the server's own line if
 * it sent one. Errors: DENIED (401, 403), NOTFOUND, INVAL, CONFLICT, LIMIT
 * (413, 416, 507), AGAIN (502, 503, 504), IO (500), PROTO, UNREACH, TIMEOUT.
 */
int http_do(struct http *h, const struct http_request *req,
    struct http_answer *ret, struct err *err);
/* GET of a JSON document that must be an object. Caller decrefs. */
int http_get(struct http *h, const char *path, json_t **ret, struct err *err);
/* POST of a JSON body (or NULL), the answer is an object as well. */
int http_post(struct http *h, const char *path, const json_t *body,
    json_t **ret, struct err *err);
/* Parses a body as an object. Error: PROTO. */
int http_object(const struct buf *body, json_t **ret, struct err *err);
/* The server's URL. */
const char *http_server(const struct http *h);
/* Appends s escaped for one part of a path or a query. */
void http_escape(struct buf *to, const char *s);

struct http_stream;

/*
 * Opens a stream of server-sent events; last_id (or NULL) resumes an old one.
 * on_data is called with no bytes once the server has accepted, then with what
 * comes; http_stream_wait() calls it.
 */
int http_stream_open(struct http *h, const char *path, const char *last_id,
    void (*on_data)(void *arg, const char *data, size_t len), void *arg,
    struct http_stream **ret, struct err *err);
/*
 * Reads what is there, or waits up to ms for something or for fd (-1: none) to
 * be readable. 0 while the stream lives; -ERR_* (as http_do; UNREACH when the
 * server ended it) once it has ended.
 */
int http_stream_wait(struct http_stream *s, int ms, int fd, struct err *err);
void http_stream_free(struct http_stream *s);
SCOPED_DEFINE(struct http_stream, http_stream_free);

#endif
