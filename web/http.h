/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request on its way: what handlers read, and how they answer.
 *
 * A handler is called when the request is allowed, its query is good and its
 * body was read. It returns what an answer_*() function returned, or what
 * request_ask() returned: then it is called again, with step one higher and the
 * daemon's answer in rq->answer. While a request is suspended only the link's
 * thread may touch it.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "db/db.h"
#include "web/events.h"
#include "web/link.h"
#include "web/path.h"
#include "web/throttle.h"
#include "web/web.h"

#define TOKEN_SIZE 513     /* with the zero byte */
#define JSON_MAX 16384     /* bytes of a JSON body */
#define HOOK_MAX (1 << 20) /* bytes of a webhook's body */
#define ANSWER_MAX (64 << 20)
#define FORM_OVERHEAD (1 << 20) /* of multipart around WEB_UPLOAD_MAX */

struct request;
struct upload;

enum method {
	METHOD_OTHER = 0,
	METHOD_GET = 1, /* HEAD, too */
	METHOD_POST = 2
};

enum access {
	ACCESS_NONE,    /* everybody */
	ACCESS_READ,    /* a token, unless reads are public */
	ACCESS_SUBMIT,  /* a token; the daemon decides with the op */
	ACCESS_OPERATE, /* likewise */
};

enum body_kind {
	BODY_NONE,   /* read and ignored, if small */
	BODY_JSON,   /* in rq->body */
	BODY_FORM,   /* in rq->upload; the token is checked before it is read */
	BODY_IMPORT, /* likewise, with the parts of an import */
	BODY_HOOK    /* raw in rq->body; see hook_begin() */
};

/* In rq->upload. */
static inline bool body_is_form(enum body_kind kind)
{
	return kind == BODY_FORM || kind == BODY_IMPORT;
}

struct route {
	enum method method;
	const char *path;
	enum access access;
	enum body_kind body;
	const struct query_param *query; /* NULL: none; or query_any */
	enum MHD_Result (*handler)(struct request *rq);
	const char *about; /* for the OpenAPI document */
};

/* A page's own: not looked at. */
extern const struct query_param query_any[];

struct web {
	const struct web_options *opts;
	struct link *link;
	struct events *events;
	pthread_key_t reader_key;   /* each thread's db_reader */
	struct db_filter *filter;   /* of them all */
	struct series_watch *watch; /* likewise */
	atomic_int n_hooks;         /* webhooks on their way */
	struct throttle throttle;   /* of wrong tokens */
};

/* Who reads without a token. */
enum listener_reads {
	READS_TOKEN,    /* nobody */
	READS_LOOPBACK, /* who calls the listener by a loopback address */
	READS_PUBLIC    /* everybody */
};

/* What listens on one socket. */
struct listener {
	struct web *web;
	const struct route *routes;
	size_t n_routes;
	const struct route *pages; /* what is not in routes; or NULL */
	size_t n_pages;
	enum listener_reads reads;
	struct MHD_Daemon *daemon;
};

enum phase {
	PHASE_NEW,
	PHASE_AUTH, /* the daemon was asked about the token */
	PHASE_BODY,
	PHASE_HANDLER,
};

struct request {
	struct web *web;
	const struct listener *listener;
	struct MHD_Connection *conn;
	char *target; /* as it stood in the request line */
	enum method method;
	enum phase phase;
	const struct route *route;
	struct path_args args;
	struct query query;
	char remote[64];
	char token[TOKEN_SIZE]; /* "" if none came */
	struct buf body;
	struct upload *upload;
	bool is_hook; /* counted in web->n_hooks */
	int step;     /* answers the handler got so far */
	struct link_answer answer;
	char *set_cookie; /* to send, or NULL */
	bool may_keep;    /* the client may keep the answer, and asks again */
	int status;       /* sent; 0 before */
	int64_t began_ns;
};

/*
 * Starts serving on l->web and fd (ownership passes). Errors: IO.
 */
enum listener_size {
	LISTENER_API,
	LISTENER_BOOT
};
int listener_start(
    struct listener *l, int fd, enum listener_size size, struct err *err);
void listener_stop(struct listener *l);

/* This thread's reader of the database; borrowed. */
int request_reader(struct request *rq, struct db_reader **ret, struct err *err);
/* A path argument that is an id; answers and returns false if it is none. */
bool request_id(struct request *rq, int64_t *ret, enum MHD_Result *ret_result);
const char *request_header(struct request *rq, const char *name);
/* Suspends the request and asks the daemon; takes the reference to op. */
enum MHD_Result request_ask(struct request *rq, json_t *op, int64_t timeout_ms);
/* The same, with the request's own body behind the question. */
enum MHD_Result request_ask_body(
    struct request *rq, json_t *op, int64_t timeout_ms);

/* ---- answers ------------------------------------------------------------ */

/* Takes what b owns. A buffer that failed is a 500. */
enum MHD_Result answer_buf(
    struct request *rq, int status, const char *type, struct buf *b);
enum MHD_Result answer_json(struct request *rq, struct buf *b); /* 200 */
enum MHD_Result answer_error(struct request *rq, int status, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/*
 * Renders what the first path argument, an id, names: the JSON that render
 * writes, or the error it returns. Most reads are this.
 */
struct jw;
enum MHD_Result answer_of_id(struct request *rq,
    int (*render)(
        struct request *rq, int64_t id, struct jw *w, struct err *err));
/* The status is chosen by the kind. */
enum MHD_Result answer_err(struct request *rq, const struct err *err);
/* The daemon's answer as it is. */
enum MHD_Result answer_passed(struct request *rq);
/* A stored file by its hash. */
enum MHD_Result answer_file(
    struct request *rq, const uint8_t sha256[HASH_BYTES]);
/* Any response; takes it. NULL (no memory) ends the connection. */
enum MHD_Result answer_response(
    struct request *rq, int status, struct MHD_Response *response);
/* The status for an error, as answer_err() chooses it. */
int answer_status(const struct err *err);

#endif
