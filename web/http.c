/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a request between libmicrohttpd's callbacks: found in the table,
 * allowed, body read, handled, logged. Everything that can refuse a request
 * does so at its first call, before its body is read.
 */
#include "web/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "web/auth.h"
#include "web/hook.h"
#include "web/routes.h"
#include "web/upload.h"

#define IGNORED_BODY_MAX 65536

/* ---- helpers of handlers ------------------------------------------------ */

const char *request_header(struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->conn, MHD_HEADER_KIND, name);
}

int request_reader(struct request *rq, struct db_reader **ret, struct err *err)
{
	struct db_reader *reader = pthread_getspecific(rq->web->reader_key);
	int r;

	if (!reader) {
		r = db_reader_open(rq->web->opts->dir, &reader, err);
		if (r < 0)
			return r;
		db_reader_share(reader, rq->web->filter);
		r = pthread_setspecific(rq->web->reader_key, reader);
		if (r) {
			db_reader_close(reader);
			return err_errno(err, r, "database connection");
		}
	}
	*ret = reader;
	return 0;
}

bool request_id(struct request *rq, int64_t *ret, enum MHD_Result *ret_result)
{
	struct err err = ERR_INIT;

	if (str_to_i64(rq->args.text[0], 1, INT64_MAX, ret, &err) == 0)
		return true;
	(void)err_prefix(&err, "id");
	*ret_result = answer_err(rq, &err);
	return false;
}

static void on_answer(void *arg, struct link_answer *a)
{
	struct request *rq = arg;

	link_answer_done(&rq->answer);
	rq->answer = *a;
	if (rq->phase == PHASE_HANDLER)
		rq->step++;
	MHD_resume_connection(rq->conn);
}

/* Fills in the rest of call. */
static enum MHD_Result ask(
    struct request *rq, json_t *op, struct link_call *call)
{
	struct err err = ERR_INIT;
	int r;

	call->done = on_answer;
	call->arg = rq;
	/* Before asking: the answer may come before we return. */
	MHD_suspend_connection(rq->conn);
	r = link_ask(rq->web->link, op, call, &err);
	json_decref(op);
	if (r < 0) {
		struct link_answer a = {.body = BUF_INIT(1024), .fd = -1};

		a.status = answer_status(&err);
		buf_printf(&a.body, "{\"error\":\"%s\"}\n", err.msg);
		on_answer(rq, &a);
	}
	return MHD_YES;
}

enum MHD_Result request_ask(struct request *rq, json_t *op, int64_t timeout_ms)
{
	struct link_call call = {.timeout_ms = timeout_ms};

	return ask(rq, op, &call);
}

enum MHD_Result request_ask_body(
    struct request *rq, json_t *op, int64_t timeout_ms)
{
	struct link_call call = {.timeout_ms = timeout_ms, .body = &rq->body};

	return ask(rq, op, &call);
}

/* ---- the first call ----------------------------------------------------- */

static enum method method_of(const char *name)
{
	if (str_eq(name, "GET") || str_eq(name, "HEAD"))
		return METHOD_GET;
	return str_eq(name, "POST") ? METHOD_POST : METHOD_OTHER;
}

static void remote_put(struct request *rq)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    rq->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;
	const void *ip = NULL;

	if (a && a->sa_family == AF_INET)
		ip = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
	if (a && a->sa_family == AF_INET6)
		ip = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
	if (!ip || !inet_ntop(a->sa_family, ip, rq->remote, sizeof(rq->remote)))
		(void)snprintf(rq->remote, sizeof(rq->remote), "unknown");
}

static enum MHD_Result no_route(struct request *rq, unsigned allowed)
{
	static const char body[] = "{\"error\":\"this path does not take this "
	                           "method\"}\n";
	struct MHD_Response *response;

	if (!allowed && rq->method == METHOD_GET && rq->listener->pages &&
	    !str_starts(rq->target, "/api") && page_wanted(rq))
		return page_not_found(rq);
	if (!allowed)
		return answer_error(rq, 404, "no such path");
	response = MHD_create_response_from_buffer(
	    sizeof(body) - 1, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
	    allowed == METHOD_GET        ? "GET, HEAD"
	        : allowed == METHOD_POST ? "POST"
	                                 : "GET, HEAD, POST");
	return answer_response(rq, 405, response);
}

static int64_t body_max(const struct request *rq)
{
	switch (rq->route->body) {
	case BODY_FORM:
	case BODY_IMPORT:
		return WEB_UPLOAD_MAX + FORM_OVERHEAD;
	case BODY_JSON:
		return JSON_MAX;
	case BODY_HOOK:
		return HOOK_MAX;
	default:
		return IGNORED_BODY_MAX;
	}
}

static int length_check(struct request *rq, struct err *err)
{
	const char *text = request_header(rq, "Content-Length");
	int64_t len;

	/* A length that is no number was refused by libmicrohttpd. */
	if (!text || str_to_i64(text, 0, INT64_MAX, &len, NULL) < 0)
		return 0;
	if (len > body_max(rq))
		return err_set(err, ERR_LIMIT,
		    "the body of %" PRId64 " bytes is over %" PRId64, len,
		    body_max(rq));
	return 0;
}

static enum MHD_Result body_begin(struct request *rq)
{
	struct err err = ERR_INIT;

	rq->phase = PHASE_BODY;
	if (body_is_form(rq->route->body) &&
	    upload_new(rq, &rq->upload, &err) < 0)
		return answer_err(rq, &err);
	if (rq->route->body == BODY_HOOK && hook_begin(rq, &err) < 0)
		return answer_err(rq, &err);
	return MHD_YES;
}

const struct query_param query_any[] = {{NULL, QUERY_INT, 0, 0, NULL}};

/* In the routes, then in the pages; NULL as route_find() says it. */
static const struct route *find(struct request *rq, unsigned *ret_allowed)
{
	const struct listener *l = rq->listener;
	const struct route *route = route_find(l->routes, l->n_routes,
	    rq->method, rq->target, &rq->args, ret_allowed);

	if (route || *ret_allowed)
		return route;
	return route_find(l->pages, l->n_pages, rq->method, rq->target,
	    &rq->args, ret_allowed);
}

static enum MHD_Result begin(struct request *rq, const char *method)
{
	struct err err = ERR_INIT;
	unsigned allowed = 0;

	rq->method = method_of(method);
	remote_put(rq);
	rq->route = find(rq, &allowed);
	if (!rq->route)
		return no_route(rq, allowed);
	if (rq->route->query != query_any &&
	    query_parse(rq->target, rq->route->query, &rq->query, &err) < 0)
		return answer_err(rq, &err);
	if (length_check(rq, &err) < 0)
		return answer_err(rq, &err);
	if (rq->route->access > ACCESS_READ || auth_needed(rq)) {
		if (auth_token(rq, &err) < 0)
			return answer_err(rq, &err);
	}
	return auth_needed(rq) ? auth_ask(rq) : body_begin(rq);
}

/* ---- later calls -------------------------------------------------------- */

static enum MHD_Result body_data(
    struct request *rq, const char *data, size_t *len)
{
	size_t n = *len;

	if (rq->upload)
		return upload_data(rq, data, len);
	if (rq->is_hook && hook_is_late(rq))
		return MHD_NO; /* nothing can be answered in mid-body */
	*len = 0;
	/* What is over the ceiling is dropped, and refused at the end. */
	buf_add(&rq->body, data, n);
	return MHD_YES;
}

static enum MHD_Result body_end(struct request *rq)
{
	struct err err = ERR_INIT;

	rq->phase = PHASE_HANDLER;
	if (rq->body.failed)
		return answer_error(rq, 413, "the body is too large");
	if (rq->upload && upload_end(rq, &err) < 0)
		return answer_err(rq, &err);
	return rq->route->handler(rq);
}

static enum MHD_Result go_on(struct request *rq, const char *data, size_t *len)
{
	switch (rq->phase) {
	case PHASE_AUTH:
		if (rq->answer.status != 200)
			return answer_passed(rq);
		return body_begin(rq);
	case PHASE_BODY:
		return *len ? body_data(rq, data, len) : body_end(rq);
	default:
		return rq->route->handler(rq);
	}
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version, const char *data,
    size_t *len, void **ret_rq)
{
	struct request *rq = *ret_rq;

	(void)arg;
	(void)url; /* decoded as a whole; see web/path.h */
	(void)version;
	(void)conn;
	return rq->phase == PHASE_NEW ? begin(rq, method)
	                              : go_on(rq, data, len);
}

/* ---- life --------------------------------------------------------------- */

static void *on_line(void *arg, const char *target, struct MHD_Connection *conn)
{
	const struct listener *l = arg;
	struct request *rq = xcalloc(1, sizeof(*rq));

	rq->listener = l;
	rq->web = l->web;
	rq->conn = conn;
	rq->target = xstrdup(target);
	rq->began_ns = clock_mono_ns();
	rq->body.max = IGNORED_BODY_MAX;
	rq->answer.fd = -1;
	return rq;
}

/* Acts of people and what went wrong; reads are too many. */
static void request_log(const struct request *rq)
{
	int64_t took_us = (clock_mono_ns() - rq->began_ns) / 1000;
	bool act = rq->method == METHOD_POST && rq->status && rq->status < 300;

	log_write(act ? LOG_INFO : LOG_DEBUG,
	    "web method=%s path=%.*s remote=%s status=%d took_us=%" PRId64,
	    rq->method == METHOD_POST ? "POST" : "GET",
	    (int)strcspn(rq->target, "?"), rq->target, rq->remote, rq->status,
	    took_us);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **ret_rq,
    enum MHD_RequestTerminationCode how)
{
	struct request *rq = *ret_rq;

	(void)arg;
	(void)conn;
	(void)how;
	if (!rq)
		return;
	request_log(rq);
	upload_free(rq->upload);
	hook_end(rq);
	link_answer_done(&rq->answer);
	buf_done(&rq->body);
	free(rq->target);
	if (rq->set_cookie)
		explicit_bzero(rq->set_cookie, strlen(rq->set_cookie));
	free(rq->set_cookie);
	explicit_bzero(rq->token, sizeof(rq->token));
	free(rq);
	*ret_rq = NULL;
}

static __attribute__((format(printf, 2, 0))) void on_mhd_log(
    void *arg, const char *fmt, va_list ap)
{
	char text[512];

	(void)arg;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	log_debug("microhttpd %s", text);
}

int listener_start(
    struct listener *l, int fd, enum listener_size size, struct err *err)
{
	bool api = size == LISTENER_API;
	int flags = fcntl(fd, F_GETFL);

	/* Several threads accept: the one that comes late must not block. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, errno, "listening socket");
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
	        MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER,
	    on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, api ? 4U : 2U,
	    MHD_OPTION_CONNECTION_LIMIT, api ? 2048U : 4096U,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, 512U,
	    MHD_OPTION_CONNECTION_TIMEOUT, 30U,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
	    MHD_OPTION_URI_LOG_CALLBACK, on_line, l,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_END);
	if (!l->daemon)
		return err_set(err, ERR_IO, "the HTTP server does not start");
	return 0;
}

void listener_stop(struct listener *l)
{
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
}
