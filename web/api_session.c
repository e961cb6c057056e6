/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who the caller is, and the cookie that pages use instead of the header. The
 * cookie is the token itself: nothing is kept here, and a token that is revoked
 * ends its sessions.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "web/auth.h"
#include "web/origin.h"
#include "web/routes.h"

#define ATTRIBUTES "; Path=/; HttpOnly; SameSite=Strict"

/* What the daemon says of a token, or nobody; takes the reference. */
static enum MHD_Result answer_who(struct request *rq, json_t *who)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	char *text;

	if (!json_is_object(who)) {
		json_decref(who);
		who = json_pack("{sn s[]}", "name", "scopes");
	}
	json_object_set_new(
	    who, "open_reads", json_boolean(auth_reads_open(rq)));
	text = json_dumps(who, JSON_COMPACT);
	if (text)
		buf_puts(&b, text);
	else
		b.failed = true;
	free(text);
	json_decref(who);
	return answer_json(rq, &b);
}

static json_t *answered(const struct request *rq)
{
	const struct buf *body = &rq->answer.body;

	return body->len ? json_loadb(body->data, body->len, 0, NULL) : NULL;
}

static enum MHD_Result ask_who(struct request *rq)
{
	return request_ask(rq,
	    json_pack("{ss ss ss}", "op", "whoami", "token", rq->token,
	        "remote", rq->remote),
	    WEB_DEADLINE_MS);
}

enum MHD_Result api_session(struct request *rq)
{
	struct err err = ERR_INIT;

	if (rq->step && rq->answer.status == 200)
		return answer_who(rq, answered(rq));
	/* A token that is none any more is nobody's. */
	if (rq->step)
		return rq->answer.status == 401 ? answer_who(rq, NULL)
		                                : answer_passed(rq);
	if (auth_token(rq, &err) < 0)
		return answer_err(rq, &err);
	return *rq->token ? ask_who(rq) : answer_who(rq, NULL);
}

/* {"token":".."} into rq->token. */
static int body_parse(struct request *rq, struct err *err)
{
	const struct buf *body = &rq->body;
	json_t *doc = body->len
	    ? json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL)
	    : NULL;
	const char *token = json_string_value(json_object_get(doc, "token"));
	int r = 0;

	if (!token || json_object_size(doc) != 1)
		r = err_set(
		    err, ERR_INVAL, "the body is not {\"token\":\"text\"}");
	else
		r = auth_token_put(rq, token, err);
	json_decref(doc);
	return r;
}

static const char *secure(struct request *rq)
{
	const char *scheme = request_header(rq, "X-Forwarded-Proto");

	/* TLS is ended by a proxy, which says so. */
	return scheme && str_eq(scheme, "https") ? "; Secure" : "";
}

static enum MHD_Result logged_in(struct request *rq)
{
	rq->set_cookie =
	    xasprintf(COOKIE_NAME "=%s" ATTRIBUTES "%s", rq->token, secure(rq));
	return answer_who(rq, answered(rq));
}

enum MHD_Result api_login(struct request *rq)
{
	struct throttle *throttle = &rq->web->throttle;
	struct err err = ERR_INIT;

	if (rq->step && rq->answer.status == 200)
		return logged_in(rq);
	if (rq->step) {
		if (rq->answer.status == 401)
			throttle_failed(throttle, rq->remote, clock_mono_ms());
		return answer_passed(rq);
	}
	if (auth_page(rq, &err) < 0 || body_parse(rq, &err) < 0)
		return answer_err(rq, &err);
	if (!throttle_allows(throttle, rq->remote, clock_mono_ms()))
		return answer_error(rq, 429,
		    "too many wrong tokens from %s: try again in a minute",
		    rq->remote);
	if (!cookie_can_hold(rq->token))
		return answer_error(rq, 401, "no valid token");
	return ask_who(rq);
}

enum MHD_Result api_logout(struct request *rq)
{
	struct err err = ERR_INIT;

	if (auth_page(rq, &err) < 0)
		return answer_err(rq, &err);
	rq->set_cookie =
	    xasprintf(COOKIE_NAME "=" ATTRIBUTES "; Max-Age=0%s", secure(rq));
	return answer_who(rq, NULL);
}
