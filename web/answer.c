/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers: every one leaves through answer_response(), with the headers that
 * all of them have.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "web/http.h"
#include "web/json.h"

static const char *const headers[][2] = {
    {"Content-Security-Policy",
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

enum MHD_Result answer_response(
    struct request *rq, int status, struct MHD_Response *response)
{
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (MHD_add_response_header(
		        response, headers[i][0], headers[i][1]) != MHD_YES)
			break; /* no memory: better without than not at all */
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
	    rq->may_keep ? "no-cache" : "no-store");
	if (rq->set_cookie)
		(void)MHD_add_response_header(
		    response, MHD_HTTP_HEADER_SET_COOKIE, rq->set_cookie);
	r = MHD_queue_response(rq->conn, (unsigned)status, response);
	MHD_destroy_response(response);
	if (r == MHD_YES)
		rq->status = status;
	return r;
}

static void challenge(struct request *rq, struct MHD_Response *response)
{
	/* A browser asks for a password when it sees Basic: not on pages. */
	const char *how = str_starts(rq->target, "/test_runs")
	    ? "Basic realm=\"ironbench\""
	    : "Bearer realm=\"ironbench\"";

	/* A signature is nothing that one can be asked for. */
	if (rq->route->body == BODY_HOOK)
		return;
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, how);
}

enum MHD_Result answer_buf(
    struct request *rq, int status, const char *type, struct buf *b)
{
	size_t len = b->len;
	struct MHD_Response *response;
	char *data;

	if (b->failed) {
		buf_reset(b);
		return answer_error(rq, 500, "the answer is too large");
	}
	data = buf_take(b);
	response =
	    MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(data);
		return MHD_NO;
	}
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == 401)
		challenge(rq, response);
	return answer_response(rq, status, response);
}

enum MHD_Result answer_json(struct request *rq, struct buf *b)
{
	return answer_buf(rq, 200, "application/json", b);
}

enum MHD_Result answer_of_id(struct request *rq,
    int (*render)(
        struct request *rq, int64_t id, struct jw *w, struct err *err))
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	enum MHD_Result refused;
	int64_t id;

	if (!request_id(rq, &id, &refused))
		return refused;
	if (render(rq, id, &w, &err) < 0)
		return answer_err(rq, &err);
	return answer_json(rq, &b);
}

enum MHD_Result answer_error(
    struct request *rq, int status, const char *fmt, ...)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_tidy(text);
	jw_object(&w, NULL);
	jw_str(&w, "error", text);
	jw_object_end(&w);
	buf_putc(&b, '\n');
	return answer_buf(rq, status, "application/json", &b);
}

int answer_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_INVAL:
		return 400;
	case ERR_DENIED:
		return 403;
	case ERR_NOTFOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_LIMIT:
		return 413;
	case ERR_AGAIN:
	case ERR_UNREACH:
	case ERR_TIMEOUT:
		return 503;
	default:
		return err->code == ENOSPC ? 507 : 500;
	}
}

enum MHD_Result answer_err(struct request *rq, const struct err *err)
{
	return answer_error(rq, answer_status(err), "%s", err->msg);
}

static const char *reason(int status)
{
	switch (status) {
	case 401:
		return "a valid token is needed";
	case 403:
		return "the token does not allow this";
	case 404:
		return "no such thing";
	case 501:
		return "the daemon does not know this operation";
	default:
		return "the daemon could not do it";
	}
}

enum MHD_Result answer_passed(struct request *rq)
{
	struct link_answer *a = &rq->answer;

	if (!a->body.len && a->status >= 400)
		return answer_error(rq, a->status, "%s", reason(a->status));
	return answer_buf(
	    rq, a->status, a->type ? a->type : "application/json", &a->body);
}

enum MHD_Result answer_file(
    struct request *rq, const uint8_t sha256[HASH_BYTES])
{
	struct MHD_Response *response;
	struct err err = ERR_INIT;
	int64_t size;
	int fd;

	if (db_file_open(rq->web->opts->dir, sha256, &fd, &size, &err) < 0)
		return answer_err(rq, &err);
	/* The response owns the descriptor. */
	response = MHD_create_response_from_fd64((uint64_t)size, fd);
	if (!response) {
		fd_done(&fd);
		return MHD_NO;
	}
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
	return answer_response(rq, 200, response);
}
