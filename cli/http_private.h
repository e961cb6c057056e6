/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What http.c and stream.c share. */
#ifndef CLI_HTTP_PRIVATE_H
#define CLI_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "cli/http.h"

struct http {
	struct settings *settings;
	CURL *easy;                 /* kept: it keeps the connection */
	struct curl_slist *headers; /* of every request */
};

/*
 * What every request and stream has in common; errbuf has CURL_ERROR_SIZE
 * bytes.
 */
void http_prepare(
    const struct http *h, CURL *easy, const char *path, char *errbuf);
/* A transport's complaint; errbuf may be empty. Returns -ERR_*. */
int http_curl_error(const struct http *h, CURL *easy, CURLcode code,
    const char *errbuf, struct err *err);
/* A status that is not 2xx, and its body. Returns -ERR_*. */
int http_status_error(long status, const struct buf *body, struct err *err);

#endif
