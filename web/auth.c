/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens are taken out of the request and shown to the daemon. */
#include "web/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "web/routes.h"

SCOPED_DEFINE(char, MHD_free);

static int token_put(struct request *rq, const char *token, struct err *err)
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

int auth_token(struct request *rq, struct err *err)
{
	const char *value = request_header(rq, "Authorization");

	if (!value)
		return 0;
	if (strncasecmp(value, "Bearer ", 7) == 0) {
		value += 7;
		return token_put(rq, value + strspn(value, " "), err);
	}
	if (strncasecmp(value, "Basic ", 6) == 0) {
		char *secret = NULL;
		scoped(MHD_free) char *user =
		    MHD_basic_auth_get_username_password(rq->conn, &secret);
		scoped(MHD_free) char *password = secret;

		if (!user || !password)
			return err_set(err, ERR_INVAL,
			    "Authorization: Basic is not user:token");
		return token_put(rq, password, err);
	}
	return err_set(
	    err, ERR_INVAL, "Authorization: only Bearer and Basic are known");
}

bool auth_needed(const struct request *rq)
{
	if (rq->route->access == ACCESS_READ)
		return !rq->listener->open_reads;
	/*
	 * The daemon checks writes with the op that does them; a large body
	 * must not come in before that, or anybody could fill the disk.
	 */
	return rq->route->body == BODY_FORM;
}

enum MHD_Result auth_ask(struct request *rq)
{
	if (!*rq->token)
		return answer_error(rq, 401, "a token is needed");
	rq->phase = PHASE_AUTH;
	return request_ask(rq,
	    json_pack("{ss ss ss ss}", "op", "auth", "token", rq->token,
	        "scope", access_name(rq->route->access), "remote", rq->remote),
	    WEB_DEADLINE_MS);
}
