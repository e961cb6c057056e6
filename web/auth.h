/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who asks: the token as it came, never judged here.
 */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "web/http.h"

/*
 * The token of Authorization: Bearer, the password of Basic, or the cookie,
 * into rq->token ("" if there is none). Errors: INVAL (a token that is none),
 * DENIED (an act with a cookie that auth_page() refuses).
 */
int auth_token(struct request *rq, struct err *err);
/* Any text, checked, into rq->token. Error: INVAL. */
int auth_token_put(struct request *rq, const char *token, struct err *err);
/*
 * What only a page of ours can send: the header X-Ironbench, and an Origin that
 * is the Host, if there is one. Error: DENIED.
 */
int auth_page(struct request *rq, struct err *err);
/*
 * Whether reads need no token: they are public, or the listener is on loopback
 * and the Host is, too. A name that somebody points here is not open.
 */
bool auth_reads_open(struct request *rq);
/* Whether the daemon is to be asked before the body is read. */
bool auth_needed(struct request *rq);
/* Asks it; a request without a token is answered at once. */
enum MHD_Result auth_ask(struct request *rq);

#endif
