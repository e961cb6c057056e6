/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who asks: the token as it came, never judged here.
 */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "web/http.h"

/*
 * The token of Authorization: Bearer, or the password of Basic, into
 * rq->token ("" if there is none). Error: INVAL (a token that is none).
 */
int auth_token(struct request *rq, struct err *err);
/* Whether the daemon is to be asked before the body is read. */
bool auth_needed(const struct request *rq);
/* Asks it; a request without a token is answered at once. */
enum MHD_Result auth_ask(struct request *rq);

#endif
