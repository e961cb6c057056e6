/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A submission or an import on its way in: a multipart form whose file parts
 * are streamed into unnamed files that the daemon opened.
 *
 * A part's first bytes wait in memory until its file is there: the request is
 * suspended meanwhile, so no more than one read's worth ever waits.
 */
#ifndef WEB_UPLOAD_H
#define WEB_UPLOAD_H

#include "web/http.h"

/* Begins. Error: INVAL (the body is no multipart form). */
int upload_new(struct request *rq, struct upload **ret, struct err *err);
/* Bytes of the body; may suspend the request. */
enum MHD_Result upload_data(struct request *rq, const char *data, size_t *len);
/* The body is at its end: the first error of all of it, if there was one. */
int upload_end(struct request *rq, struct err *err);
/* The op "submit" or "import" for what came; NULL: a text is not UTF-8. */
json_t *upload_op(struct request *rq);
/* The daemon has taken the files. */
void upload_handed_over(struct upload *u);
/* Frees; files the daemon has not taken are dropped there. NULL is allowed. */
void upload_free(struct upload *u);

#endif
