/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens are taken out of the request and shown to the daemon. */
#include "web/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "web/origin.h"
#include "web/routes.h"

SCOPED_DEFINE(char, MHD_free);

int auth_token_put(struct request *rq, const char *token, struct err *err)
{
	size_t len = strlen(token);

	if (!len || len >= sizeof(rq->token))
		return err_set(err, ERR_INVAL, "the token has a bad length");
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(
			    err, ERR_INVAL, "the token has a bad character");
	(void)snprintf(rq->token, sizeof(rq->token), "%s", token);
	return 0;
}

int auth_page(struct request *rq, struct err *err)
{
	const char *page = request_header(rq, "X-Ironbench");
	const char *origin = request_header(rq, "Origin");

	if (!page || strcmp(page, "page") != 0)
		return err_set(err, ERR_DENIED,
		    "with a cookie this needs the header X-Ironbench: page");
	if (origin && !origin_is_host(origin, request_header(rq, "Host")))
		return err_set(
		    err, ERR_DENIED, "Origin '%.100s' is another site", origin);
	return 0;
}

/* Other sites can make a browser send its cookie; reading it shows nothing. */
static int cookie_token(struct request *rq, struct err *err)
{
	char token[TOKEN_SIZE];
	int r;

	if (!cookie_get(request_header(rq, "Cookie"), COOKIE_NAME, token,
	        sizeof(token)))
		return 0;
	r = rq->method == METHOD_GET ? 0 : auth_page(rq, err);
	return r < 0 ? r : auth_token_put(rq, token, err);
}

int auth_token(struct request *rq, struct err *err)
{
	const char *value = request_header(rq, "Authorization");

	if (!value)
		return cookie_token(rq, err);
	if (strncasecmp(value, "Bearer ", 7) == 0) {
		value += 7;
		return auth_token_put(rq, value + strspn(value, " "), err);
	}
	if (strncasecmp(value, "Basic ", 6) == 0) {
		char *secret = NULL;
		scoped(MHD_free) char *user =
		    MHD_basic_auth_get_username_password(rq->conn, &secret);
		scoped(MHD_free) char *password = secret;

		if (!user || !password)
			return err_set(err, ERR_INVAL,
			    "Authorization: Basic is not user:token");
		return auth_token_put(rq, password, err);
	}
	return err_set(
	    err, ERR_INVAL, "Authorization: only Bearer and Basic are known");
}

bool auth_reads_open(struct request *rq)
{
	switch (rq->listener->reads) {
	case READS_PUBLIC:
		return true;
	case READS_LOOPBACK:
		return host_is_loopback(request_header(rq, "Host"));
	default:
		return false;
	}
}

bool auth_needed(struct request *rq)
{
	if (rq->route->access == ACCESS_READ)
		return !auth_reads_open(rq);
	/*
	 * The daemon checks writes with the op that does them; a large body
	 * must not come in before that, or anybody could fill the disk.
	 */
	return body_is_form(rq->route->body);
}

static enum MHD_Result no_token(struct request *rq)
{
	const char *host = request_header(rq, "Host");

	if (rq->route->access == ACCESS_READ &&
	    rq->listener->reads == READS_LOOPBACK)
		return answer_error(rq, 401,
		    "a token is needed: reads are open to the host localhost, "
		    "this is '%.100s'",
		    host ? host : "");
	return answer_error(rq, 401, "a token is needed");
}

enum MHD_Result auth_ask(struct request *rq)
{
	if (!*rq->token)
		return no_token(rq);
	rq->phase = PHASE_AUTH;
	return request_ask(rq,
	    json_pack("{ss ss ss ss}", "op", "auth", "token", rq->token,
	        "scope", access_name(rq->route->access), "remote", rq->remote),
	    WEB_DEADLINE_MS);
}
